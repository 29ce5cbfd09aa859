"""When to look: a stable phase a target, verification on demand, and a late loop told from a silent target."""

from monitor.schedule.agenda import SPACING, Agenda
from monitor.schedule.lateness import Lateness
from monitor.schedule.looking import Clock, Schedule
from monitor.schedule.turns import LIMITS

__all__ = ["LIMITS", "SPACING", "Agenda", "Clock", "Lateness", "Schedule"]
