"""One member's voice, told from RFC 6464 levels: whether they speak, how loud lately, for how long in all.

Loudness is 127 - level: 0 is silence, 127 the loudest there is, one step a decibel. Speech is a voice bit and loudness
together: some browsers set the bit on every packet, and of a client that never set it loudness alone decides.
"""

from __future__ import annotations

from media.bandwidth import limits


class Voice:
    """`activity`: mean loudness of late, 0 after a while of silence. `run`: seconds since this speech began, pauses
    under SPEECH_PAUSE included. `spoke_at`: when speech was last heard. `talked`: seconds of speech in all.
    `ambient`: mean loudness of whatever came, speech or not, over a longer while."""

    __slots__ = ("_credit", "_ever_voiced", "activity", "ambient", "run", "spoke_at", "talked")

    def __init__(self) -> None:
        self.activity = self.ambient = self.run = self.talked = 0.0
        self.spoke_at = float("-inf")
        self._credit = 0.0
        self._ever_voiced = False

    def hear(self, packets: int, voiced: int, loudness: int, elapsed: float, now: float) -> None:
        """What came in the last `elapsed` seconds: packets with a level, those with the voice bit, loudness summed."""
        self._credit = min(self._credit + elapsed, limits.MAX_LATE_SPEECH)
        self._ever_voiced = self._ever_voiced or voiced > 0
        loud = loudness / packets if packets else 0.0
        self.ambient += (loud - self.ambient) * elapsed / (elapsed + limits.AMBIENT_TIME)
        if packets and loudness >= limits.SPEECH_LOUDNESS * packets and (voiced or not self._ever_voiced):
            self.run = self.run + elapsed if self.speaks(now) else 0.0
            self.spoke_at = now
            self._approach(loudness / packets, elapsed)
            # Nobody talks for longer than time passes, however many packets they send.
            talked = min((voiced or packets) * limits.FRAME, self._credit)
            self.talked += talked
            self._credit -= talked
        elif not self.speaks(now):
            self._approach(0.0, elapsed)

    def speaks(self, now: float) -> bool:
        """Whether speech was heard within SPEECH_PAUSE: words have gaps, and packets come unevenly."""
        return now - self.spoke_at <= limits.SPEECH_PAUSE

    def _approach(self, loudness: float, elapsed: float) -> None:
        self.activity += (loudness - self.activity) * elapsed / (elapsed + limits.ACTIVITY_TIME)
