"""How much may be sent by what loss says (draft-ietf-rmcat-gcc-02 section 6), in bits per second of pictures.

    over 10 % .... less, by half of the share that is lost        2 to 10 % .... as before        under 2 % .... more

No bound before loss was first seen: a line that loses 5 % by its nature is then found by delay and probes. One picture
goes on up to HOPELESS_LOSS: sending less does not mend a line that loses a fifth by its nature, repair nearly does.
"""

from __future__ import annotations

from media.bandwidth import limits

_UNBOUNDED = float("inf")


class LossControl:
    """`bps` is what loss alone would allow. `share` is what was lost in the last interval, 0 to 1. `mended`:
    whether loss was little since it was much."""

    __slots__ = ("_began", "_fell_at", "_lost", "_total", "bps", "mended", "share")

    def __init__(self) -> None:
        self.bps = _UNBOUNDED
        self.share = 0.0
        self.mended = True
        self._lost = self._total = 0
        self._began: float | None = None
        self._fell_at = float("-inf")

    def feed(self, lost: int, came: int, sending: float, rtt: float, now: float) -> None:
        """One feedback's counts. `sending`: bits per second of pictures, at most."""
        self._began = now if self._began is None else self._began
        self._lost += lost
        self._total += lost + came
        elapsed = now - self._began
        if elapsed >= limits.LOSS_INTERVAL and self._total >= limits.MIN_LOSS_PACKETS:
            self.apply(max(self._lost, 0) / self._total, sending, rtt, elapsed, now)
            self._lost = self._total = 0
            self._began = now

    def apply(self, share: float, sending: float, rtt: float, elapsed: float, now: float) -> None:
        """One interval's share of loss; `elapsed` seconds long."""
        self.share = share
        if not limits.LITTLE_LOSS <= share <= limits.MUCH_LOSS:
            self.mended = share < limits.LITTLE_LOSS
        if share > limits.MUCH_LOSS:
            if now - self._fell_at >= rtt + limits.LOSS_INTERVAL:
                least = limits.LAST_PICTURE_BPS if share <= limits.HOPELESS_LOSS else 0.0
                self.bps = max(min(self.bps, sending) * (1 - 0.5 * share), least)
                self._fell_at = now
        elif share < limits.LITTLE_LOSS and self.bps < _UNBOUNDED:
            self.bps *= 1 + limits.LOSS_RISE * min(elapsed, 1.0)
            if self.bps > 2 * sending:
                self.bps = _UNBOUNDED

    def lift(self, bps: float) -> None:
        """A measurement has shown that this much arrives."""
        self.bps = max(self.bps, bps)
