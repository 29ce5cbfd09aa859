"""How often: a token bucket, with time as an argument."""


class Meter:
    """Lets `burst` through at once and `rate` a second from then on."""

    __slots__ = ("_burst", "_rate", "_since", "_tokens")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._since = burst, 0.0

    def take(self, at: float) -> bool:
        """Take a token if there is one."""
        self._tokens = min(self._burst, self._tokens + max(at - self._since, 0.0) * self._rate)
        self._since = at
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
