"""Proves the judge on an inventory: every fault and every pair of faults through the real engine, in virtual time.

cases (which faults, when) -> timeline (what is dead when) -> world (what a look would see) -> run (the real engine and
the real rules of the schedule) -> judging (the pages against the oracle).

THE RULE: the oracle knows the definition and the truth, and nothing of the engine. It shares no code with
`monitor.core.topology`, `monitor.core.belief`, `monitor.engine` or `alerts`; where it and the engine disagree, one is wrong.
"""
