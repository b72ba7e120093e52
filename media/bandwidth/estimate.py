"""What the path to one receiver carries, after draft-ietf-rmcat-gcc-02: the least of what delay, loss and REMB allow.

Feedback tells what came and when. If the delay grows, less may be sent; if nothing is wrong, more, but never far more
than what was seen to arrive. Where little is sent, padding finds out (`probe`). Without transport-wide feedback what
remains is loss from receiver reports, and REMB.
"""

from __future__ import annotations

from collections import deque

from media.bandwidth import limits
from media.bandwidth.delay import DelayDetector, Signal
from media.bandwidth.loss import LossControl
from media.bandwidth.probe import Probe
from media.bandwidth.rate import Arrived, RateControl
from media.plane.interface import Departed, Outcome


class PathEstimate:
    """All times in seconds but those the plane says.

    `unreported` is to be set to what is sent without a transport-wide number, in bits per second (sound:
    `layers.sound_reserve`). Feedback does not show it, so it is added to what feedback shows.
    """

    def __init__(self, now: float) -> None:
        self.unreported = 0.0
        # All that was ever sent, and when it last was.
        self._octets, self._left_at = 0, 0.0
        self._arrived = Arrived()
        self._delay = DelayDetector()
        self._rate = RateControl(now)
        self._loss = LossControl()
        self._probe = Probe(now)
        self._rtt = limits.FIRST_RTT
        self._remb, self._remb_at = float("inf"), float("-inf")
        self._wanted = float("inf")
        # Octets of repairs that may be sent, and when that was reckoned.
        self._repairs, self._repaired_at = float("inf"), now
        # (when, octets sent until then), one for each feedback in SENT_WINDOW.
        self._sent: deque[tuple[float, int]] = deque(maxlen=limits.MAX_ARRIVED)
        # When feedback last came, and when the estimate was last lowered because none did.
        self._fed_at: float | None = None
        self._aged_at = now

    @property
    def bps(self) -> int:
        """Target for all that is sent to this receiver: bits of RTP packets per second."""
        least = min(self._rate.bps, self._loss.bps + self.unreported, self._remb, limits.CEILING_BPS)
        return int(max(least, self.unreported, limits.FLOOR_BPS))

    @property
    def rtt(self) -> float:
        return self._rtt

    @property
    def probing(self) -> bool:
        """Whether `probe` has to be called each PROBE_STEP now."""
        return self._probe.running

    def waits(self, now: float, wanted: float) -> bool:
        """Whether `probe` has to know what has left since the last feedback: while it runs or may begin, or none comes.

        Else that is looked up with the next feedback: for twelve receivers it is a tenth of what the room costs.
        """
        return self.probing or self._fed_at is None or now - self._fed_at > limits.FED_WELL or self.bps < wanted

    # --- what happens ----------------------------------------------------------------------------------------------

    def departed(self, departed: Departed | None) -> None:
        """What Plane.departed says; before `feedback` and `probe`."""
        if departed is None:
            return
        if self._left_at < self._aged_at:
            # The first that is not answered yet: from here on silence counts.
            self._aged_at = max(self._aged_at, departed.first / 1e9)
        self._octets, self._left_at = departed.octets, departed.last / 1e6 / 1000

    def feedback(self, outcome: Outcome, now: float) -> None:
        """What Plane.answered says."""
        if not outcome.came:
            return
        self._fed_at = self._aged_at = now
        self._rtt += 0.1 * (max(now - outcome.sent / 1000, 0.0) - self._rtt)
        self._arrived.add(outcome.first, outcome.last, outcome.octets)
        signal = self._delay.feed(outcome.variations, anew=outcome.anew)
        arrived = self._arriving()
        mended = self._loss.mended
        self._loss.feed(outcome.lost, outcome.came, self._sending(arrived), self._rtt, now)
        if self._loss.mended and not mended:
            self._probe.hurry(now)
        drains = self._drains(now)
        if self._probe.running:
            self._judge_probe(signal, outcome, now)
        elif signal is not Signal.OVER or not drains:
            self._rate.feed(signal, arrived, self._rtt, now)

    def report(self, fraction_lost: int, rtt: float | None, now: float) -> None:
        """From a receiver report: loss in 1/256, round trip in seconds. Counts only where no feedback comes."""
        if rtt is not None:
            self._rtt += 0.1 * (rtt - self._rtt)
        if self._fed_at is not None and now - self._fed_at < limits.REMB_AGE:
            return
        share = fraction_lost / 256
        self._loss.apply(share, self._sending(None), self._rtt, 1.0, now)
        if self._fed_at is None and share < limits.LITTLE_LOSS:
            self._rate.lift(self.bps * (1 + limits.RISE))

    def trust(self) -> None:
        """A receiver that answers no transport-wide numbers shows its path by loss alone: begin at the top."""
        self._rate.lift(limits.CEILING_BPS)

    def remb(self, bps: int, now: float) -> None:
        self._remb, self._remb_at = max(float(bps), limits.FLOOR_BPS), now

    def repairs(self, asked: int, now: float) -> int:
        """How many of `asked` packets of pictures may be repeated now, so that repairs do not fill the line."""
        rate = limits.REPAIR_SHARE * max(self.bps - self.unreported, limits.LAST_PICTURE_BPS) / 8
        kept = self._repairs + max(now - self._repaired_at, 0.0) * rate
        granted = min(asked, int(min(kept, limits.REPAIR_BURST * rate) / limits.REPAIR_OCTETS))
        self._repairs = min(kept, limits.REPAIR_BURST * rate) - granted * limits.REPAIR_OCTETS
        self._repaired_at = now
        return granted

    def probe(self, now: float, wanted: float) -> int:
        """Number of probe packets to send now (`Plane.probe`), most often 0. Call it each 50 ms, and each PROBE_STEP
        while `probing`.

        `wanted` is what all that this receiver wishes for would take, sound included: nobody probes far beyond. Also
        lowers the estimate while nothing is heard of what was sent.
        """
        self._wanted = wanted
        self._age(now)
        if self._probe.over(now):
            self._probe.end(0.0, now)
        if not self._probe.running and self._may_probe(now, wanted):
            arrived = self._arriving() or self.unreported
            self._probe.begin(self.bps, wanted, arrived, self._octets, now)
        return self._probe.packets(self._octets, self.unreported, now)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _arriving(self, window: float = limits.ARRIVED_WINDOW) -> float | None:
        bps = self._arrived.bps(window)
        return None if bps is None else bps + self.unreported

    def _sending(self, arrived: float | None) -> float:
        """What pictures have of the path, where the estimate lies far above it."""
        most = min(self.bps, self._wanted)
        if arrived is not None:
            most = min(most, limits.HEADROOM * arrived + limits.HEADROOM_BPS)
        return max(most - self.unreported, 0.0)

    def _drains(self, now: float) -> bool:
        """Whether clearly less is sent than arrives: what stands in the queue then is of before, and goes by itself."""
        while len(self._sent) > 1 and self._sent[1][0] <= now - limits.SENT_WINDOW:
            self._sent.popleft()
        self._sent.append((now, self._octets))
        (began, octets), arrived = self._sent[0], self._arrived.bps()
        if arrived is None or now - began < limits.SENT_WINDOW / 2:
            return False
        return (self._octets - octets) * 8 / (now - began) < 0.5 * arrived

    def _judge_probe(self, signal: Signal, outcome: Outcome, now: float) -> None:
        """Take what the probe in progress has shown, once it is over or the queue grows."""
        arrived = self._arriving(limits.PROBE_TIME * 1000) or 0.0
        if signal is Signal.OVER:
            # What flowed before flowed well: the probe alone filled the queue.
            found = max(limits.FALL * arrived, min(self._probe.before, self.bps))
            self._rate.settle(found, now)
            self._probe.end(0.0, now)
        elif outcome.sent / 1000 >= self._probe.ended_at - limits.PROBE_STEP:
            found = limits.PROBE_TAKEN * min(arrived, self._probe.goal)
            self._rate.lift(found)
            self._probe.end(arrived, now)
        else:
            return
        if self._loss.share <= limits.MUCH_LOSS:
            self._loss.lift(found - self.unreported)

    def _may_probe(self, now: float, wanted: float) -> bool:
        if now < self._probe.next_at or wanted <= self.bps or now - self._rate.fell_at < limits.PROBE_PAUSE:
            return False
        if now - self._left_at > limits.SILENCE:
            return True  # nothing else would ever bring feedback
        fed = self._fed_at is not None and now - self._fed_at < limits.SILENCE
        return fed and self._delay.signal is Signal.NORMAL and self._loss.share <= limits.MUCH_LOSS

    def _age(self, now: float) -> None:
        if self._remb_at < now - limits.REMB_AGE:
            self._remb = float("inf")
        silent = now - self._aged_at > limits.SILENCE
        if self._left_at > self._aged_at and silent and now - self._left_at < limits.SILENCE:
            self._rate.fall(limits.AGED * self.bps, now)
            self._aged_at = now
