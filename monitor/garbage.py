"""Garbage: Python counts references, and looks for circles only now and then; to look at all that there is would stop the loop."""

import ctypes
import gc

SELDOM = 1000
"""Instead of every 10th time that those of middle age are looked at, all are in every 1000th."""
MANY = 100_000
"""Things that may come before Python looks at them, instead of 700: of 10,000 pings at once, to look took a fortieth of all."""


def quieten() -> None:
    """Look at all once, now that the city stands, and never again at what is there; at what comes later by and by.

    In a city of 100,000 targets looking at all takes 0.2 s, and in a cascade, when thousands of things wait to be written, Python would
    take 15 to 35 ms for what came since, every few seconds. What runs here leaves next to no circles behind.
    """
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, SELDOM)


def put_off() -> None:
    """Never look at what is there, and hardly ever at what comes: for a command that makes very much and leaves next to no circles."""
    gc.freeze()
    gc.set_threshold(MANY)


def give_back() -> None:
    """Return to the machine what was freed, where the C library can (malloc_trim(3)).

    To read an inventory takes many times what stays of it, and what stays lies between the holes: of 100,000 sites, 280 of 730 MiB.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
