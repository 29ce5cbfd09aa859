"""Sees and judges: probes, schedule, engine, journal and the daemon that joins them."""

__version__ = "0.1.0"
