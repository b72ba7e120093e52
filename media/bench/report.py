"""The arithmetic of the bench: runs in, figures out. Pure.

A *ratio* is paired: of the runs that were made one after the other in one round, and the median is taken of these. What
else the machine does then weighs on both sides of a pair.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Share of the packets that were to be sent below which the generator says that it was too slow, and the share of those
# sent more than 5 ms late from which on.
KEPT = 0.99
MOST_LATE = 0.02


@dataclass(frozen=True)
class Run:
    """One window. `expected_out`: copies of what was sent in, by who watches what; `unique_out`: how many of them came;
    `numbered_out`: how many sequence numbers the receivers saw pass, gaps too;
    `packets_out`: what came at all, repairs too and `probes` not. `late`: sent more than 5 ms after it was due."""

    seconds: float
    cpu_seconds: float
    packets_in: int
    expected_in: int
    expected_out: int
    unique_out: int
    numbered_out: int
    packets_out: int
    nacked: int = 0
    probes: int = 0
    late: int = 0
    failed: int = 0
    ages_ns: Sequence[int] = ()
    warm_up: float = 0.0
    thread_shares: Sequence[float] = ()
    resident_mb: float = 0.0
    proportional_mb: float = 0.0
    words: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Packets that arrived, for each second of the peer's processor time."""
        return self.packets_out / self.cpu_seconds

    @property
    def loss(self) -> float:
        """Share of what was to arrive whose number passed without it: lost in the relay or on the way."""
        return max(0, self.numbered_out - self.unique_out) / self.expected_out

    @property
    def withheld(self) -> float:
        """Share that never got a number: what the relay left out of a stream, by its choice or for good."""
        return max(0, self.expected_out - self.numbered_out) / self.expected_out

    @property
    def kept_pace(self) -> bool:
        """Whether the generator sent what it was to send, when it was to."""
        return self.packets_in >= KEPT * self.expected_in and self.late <= MOST_LATE * self.packets_in

    def age_ms(self, share: float) -> float:
        """Milliseconds that this share of the sampled packets took at most; 0 without a sample."""
        ages = self.ages_ns
        return ages[min(len(ages) - 1, int(len(ages) * share))] / 1e6 if ages else 0.0


def spread(values: Sequence[float], digits: int | None = None) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), digits),
        "min": round(min(values), digits),
        "max": round(max(values), digits),
    }


def figures(runs: Sequence[Run]) -> dict[str, Any]:
    """What is printed of one peer in one profile."""

    def median(values: Sequence[float], digits: int = 4) -> float:
        return round(statistics.median(values), digits)

    return {
        "output_packets_per_cpu_second": spread([run.rate for run in runs]),
        "cpu_share": spread([run.cpu_seconds / run.seconds for run in runs], 4),
        "busiest_threads": [round(share, 4) for share in runs[-1].thread_shares[:3]],
        "loss": spread([run.loss for run in runs], 6),
        "withheld": spread([run.withheld for run in runs], 6),
        "added_latency_ms": {
            name: spread([run.age_ms(share) for run in runs], 3) for name, share in (("p50", 0.5), ("p99", 0.99))
        },
        "packets_in_per_second": median([run.packets_in / run.seconds for run in runs], 1),
        "packets_out_per_second": median([run.packets_out / run.seconds for run in runs], 1),
        "asked_again_per_second": median([run.nacked / run.seconds for run in runs], 1),
        "sent_again_per_second": median([(run.packets_out - run.unique_out) / run.seconds for run in runs], 1),
        "probes_per_second": median([run.probes / run.seconds for run in runs], 1),
        "resident_mb": median([run.resident_mb for run in runs], 1),
        "warm_up_seconds": median([run.warm_up for run in runs], 1),
        "generator_kept_pace": all(run.kept_pace for run in runs),
        **runs[-1].words,
    }


def ratio(ours: Sequence[Run], theirs: Sequence[Run]) -> float | None:
    """Median over the rounds of our packets per processor second by theirs; None without both."""
    pairs = [mine.rate / other.rate for mine, other in zip(ours, theirs, strict=False)]
    return round(statistics.median(pairs), 2) if pairs else None


def profile_report(runs: Mapping[str, Sequence[Run]]) -> dict[str, Any]:
    """Of one profile: the figures of each peer that ran, and the ratios of `hearth` to the others."""
    found: dict[str, Any] = {name: figures(made) for name, made in runs.items() if made}
    for other in ("janus", "janus_one_loop", "c"):
        found[f"ratio_to_{other}"] = ratio(runs.get("hearth", ()), runs.get(other, ()))
    return found
