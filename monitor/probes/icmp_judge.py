"""What the packets of one look say together: verdict, loss, and the figures of their round trips."""

import itertools
from collections.abc import Mapping, Sequence

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes.faults import OURS, Fault, verdict_of
from monitor.probes.icmp_socket import Shot


def judge(shots: Sequence[Shot], timeout: float, phases: Mapping[str, float], echoes: Mapping[str, int | str]) -> Outcome:
    """Turn packets into an outcome: the mean round trip of those answered; loss of some is WARN, of all FAIL.

    No loss: a packet that had not left when the look ended, or had less time than an answer took, or that our own machine refused.
    `echoes` is what came back besides, by name; a `redirect` among it explains a loss, and decides nothing.
    """
    if len(shots) == 1 and not echoes and (only := shots[0].seconds) is not None and only <= timeout:
        return Outcome(Verdict.OK, None, "", only, phases, {"sent": 1, "received": 1})  # what most looks are, at less cost
    answered = [shot.seconds for shot in shots if shot.seconds is not None and shot.seconds <= timeout]
    end = timeout + min((shot.sent for shot in shots if shot.sent), default=0.0)
    sent = sum(_counts(shot, end, max(answered, default=0.0)) for shot in shots)
    values: dict[str, object] = {"sent": sent, "received": len(answered)}
    if len(shots) > 1 and answered:
        values |= figures(answered)
    if echoes:
        values |= echoes
    if not answered:
        fault = _why(shots, sent, timeout)
        detail = "; ".join(filter(None, (fault.detail, str(echoes.get("redirect", "")))))
        return Outcome(verdict_of(fault.reason), fault.reason, detail, None, phases, values)
    mean = sum(answered) / len(answered)
    if len(answered) == sent:
        return Outcome(Verdict.OK, None, "", mean, phases, values)
    return Outcome(Verdict.WARN, Reason.PACKET_LOSS, f"{len(answered)} of {sent} answered", mean, phases, values)


def _counts(shot: Shot, end: float, slowest: float) -> bool:
    """Whether a packet of a look that ends then says something of its target."""
    if shot.fault is not None:
        return shot.fault.reason not in OURS
    return shot.sent > 0.0 and (shot.seconds is not None or end - shot.sent >= slowest)


def figures(answered: Sequence[float]) -> dict[str, float]:
    """Least, middle and longest round trip, and the jitter: the mean difference of one round trip from the next, in seconds.

    That is the D of RFC 3550 (6.4.1) averaged plainly: its running mean over 16 would not settle within a look.
    """
    ordered = sorted(answered)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    found = {"rtt_min": ordered[0], "rtt_median": middle, "rtt_max": ordered[-1]}
    if len(answered) > 1:
        found["rtt_jitter"] = sum(abs(after - before) for before, after in itertools.pairwise(answered)) / (len(answered) - 1)
    return found


def _why(shots: Sequence[Shot], sent: int, timeout: float) -> Fault:
    said = next((shot.fault for shot in shots if shot.fault is not None), None)
    if said is not None:
        return said
    if not sent:
        return Fault(Reason.LOOP_LATE, f"our own socket took no packet within {timeout:g} s")
    return Fault(Reason.TIMEOUT, f"no reply within {timeout:g} s")
