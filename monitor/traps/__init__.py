"""SNMP traps: a receiver that makes us look now at who sent one. It never judges, and nothing of a trap goes into the journal."""

from monitor.traps.receiver import Receiver

__all__ = ["Receiver"]
