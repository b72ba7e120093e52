"""What machine and network carry, shared out among the rooms: budget and demand in, limits of each room out. Pure.

Before anything else every voice is set aside: sound is never taken away. What is left buys pictures along one ladder,
and every room climbs it one step at a time, whoever stands lowest first:

    no picture ▶ one for each receiver ▶ … ▶ as many as last-N allows, all at the lowest layer ▶ layer 1 ▶ layer 2

So layers go first when it gets tight, in all rooms alike, and only then pictures, the least recent speakers' first.
Down at once; up only after UP_PATIENCE seconds in which UP_SHARE of the budget would have carried it, so that nothing
flaps. `fits` reckons with everybody who may come in, with a picture at the lowest layer, whatever is sent just now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from media.bandwidth.limits import LAYER_BPS

# Share of the budget that a higher step has to fit into, and seconds for which it has to, before it is taken.
UP_SHARE = 0.85
UP_PATIENCE = 10.0
# Packets a second of one picture by its layer: 20 frames a second of one packet, then what the bits ask for.
LAYER_PACKETS = (20, 65, 145)
# Packets a second of one voice (20 ms frames), and of voices how many one receiver gets: the loudest three, who leads.
VOICE_PACKETS = 50
VOICES = 4
# Bits per second of one voice with bytes for its headers, and of the headers of one packet of a picture: IP, UDP, RTP,
# SRTP's tag, SFrame's header and tag.
VOICE_KBPS = 65
PACKET_KBIT = 0.65
# The most that is answered to "how many people": more than any room holds.
MANY = 64


class Budget(NamedTuple):
    """Kilobits per second that the network carries, both ways together, and packets per second that the relay may
    send. 0 is not known: no bound."""

    kbps: int = 0
    packets: int = 0

    @property
    def known(self) -> bool:
        return self.kbps > 0 or self.packets > 0


class Cost(NamedTuple):
    """What a demand takes of a budget."""

    kbps: float = 0.0
    packets: float = 0.0

    def plus(self, other: Cost) -> Cost:
        return Cost(self.kbps + other.kbps, self.packets + other.packets)

    def share(self, budget: Budget) -> float:
        """Of what is known of the budget the part that it takes, 1.0 being all; 0.0 where nothing is known."""
        shares = [
            self.kbps / budget.kbps if budget.kbps else 0.0,
            self.packets / budget.packets if budget.packets else 0.0,
        ]
        return max(shares)


class Demand(NamedTuple):
    """What one room wants now. `views`: of each receiver the layers that their pictures could use, the most wanted
    first. `senders`: how many send a picture; `voices`: how many a sound."""

    views: tuple[tuple[int, ...], ...] = ()
    senders: int = 0
    voices: int = 0


class Share(NamedTuple):
    """What one room may take: the highest layer, and how many pictures each receiver gets at most."""

    layer: int
    pictures: int


def cost(demand: Demand, share: Share) -> Cost:
    """What a room takes if it uses all of its share: what comes in and what goes out."""
    shown = [min(layer, share.layer) for view in demand.views for layer in view[: share.pictures] if layer >= 0]
    sent = [layer for layer in range(max(shown, default=-1) + 1) for _ in range(demand.senders)]
    heard = sum(min(VOICES, max(0, demand.voices - 1)) for _ in demand.views)
    out = sum(LAYER_PACKETS[layer] for layer in shown) + heard * VOICE_PACKETS
    kbps = sum(_picture_kbps(layer) for layer in (*shown, *sent)) + (heard + demand.voices) * VOICE_KBPS
    return Cost(kbps, out)


def whole_room(people: int, last_n: int) -> Demand:
    """A room of that many people, all with picture and sound, at the lowest layer."""
    view = (0,) * min(last_n, max(0, people - 1))
    return Demand(views=(view,) * people, senders=people, voices=people)


def room_for_one_more(rooms: Mapping[str, int], room: str, last_n: int, budget: Budget) -> bool:
    """Whether one more person with picture and sound fits into `room`. `rooms`: people with a permission, by room."""
    if not budget.known:
        return True
    people = {**rooms, room: rooms.get(room, 0) + 1}
    return share_of(people.values(), last_n, budget) <= 1.0


def share_of(people: Iterable[int], last_n: int, budget: Budget) -> float:
    """Part of the budget that rooms of so many people take with all pictures at the lowest layer."""
    total = Cost()
    for count in people:
        total = total.plus(cost(whole_room(count, last_n), Share(0, last_n)))
    return total.share(budget)


def most_people(budget: Budget, pictures: int) -> int:
    """How many people one room carries if each receiver gets at most `pictures` at the lowest layer; MANY at most."""
    people = 0
    while people < MANY and share_of((people + 1,), pictures, budget) <= 1.0:
        people += 1
    return people


def fill(demands: Mapping[str, Demand], budget: Budget, last_n: int, part: float = 1.0) -> dict[str, int]:
    """The step of the ladder that each room reaches within `part` of the budget. Deterministic; equals go by name."""
    steps, stuck = dict.fromkeys(demands, 0), set[str]()
    costs = {room: cost(demand, step_share(0, last_n)) for room, demand in demands.items()}
    while rising := sorted((steps[room], room) for room in demands if room not in stuck):
        step, room = rising[0]
        dearer = cost(demands[room], step_share(step + 1, last_n))
        others = [costs[other] for other in demands if other != room]
        total = sum((one.kbps for one in others), dearer.kbps), sum((one.packets for one in others), dearer.packets)
        if step + 1 <= top(last_n) and (dearer == costs[room] or Cost(*total).share(budget) <= part):
            steps[room], costs[room] = step + 1, dearer
        else:
            stuck.add(room)
    return steps


def top(last_n: int) -> int:
    """The highest step: everything."""
    return last_n + len(LAYER_BPS) - 1


def step_share(step: int, last_n: int) -> Share:
    """What a step of the ladder stands for."""
    return Share(0, step) if step < last_n else Share(min(step - last_n, len(LAYER_BPS) - 1), last_n)


@dataclass(slots=True)
class Sharing:
    """The shares of all rooms, steady over time."""

    budget: Budget
    last_n: int
    _steps: dict[str, int] = field(default_factory=dict)
    _since: dict[str, float] = field(default_factory=dict)

    def decide(self, demands: Mapping[str, Demand], now: float) -> Mapping[str, Share]:
        """To be called at each tick, with every room. A new room gets at once what fits."""
        if not self.budget.known:
            return dict.fromkeys(demands, step_share(top(self.last_n), self.last_n))
        most = fill(demands, self.budget, self.last_n)
        safe = fill(demands, self.budget, self.last_n, UP_SHARE)
        before, self._steps = self._steps, {}
        self._since = {room: at for room, at in self._since.items() if room in demands}
        for room in demands:
            self._steps[room] = self._step(room, before.get(room), most[room], min(safe[room], most[room]), now)
        return {room: step_share(step, self.last_n) for room, step in self._steps.items()}

    def _step(self, room: str, before: int | None, most: int, safe: int, now: float) -> int:
        if before is None:
            return most
        if safe <= before:
            self._since.pop(room, None)
            return min(before, most)
        if now - self._since.setdefault(room, now) < UP_PATIENCE:
            return before
        del self._since[room]
        return safe


def _picture_kbps(layer: int) -> float:
    return LAYER_BPS[layer] / 1000 + LAYER_PACKETS[layer] * PACKET_KBIT
