"""Shows: metrics, pages, reports. Projections of the state of the engine."""
