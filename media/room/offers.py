"""What a sender's track offers, what a receiver's tile has use for, and what the sender is told of the two."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from media import limits
from media.bandwidth.limits import LAYER_BPS
from media.room.layers import layer_for_tile
from media.room.roster import Roster
from media.room.tracks import DownTrack, Layer, UpTrack

DownEvent = Literal["downTrackPaused", "downTrackResumed"]


def rates(up: UpTrack, max_layer: int, now: float) -> tuple[int, ...]:
    """Bits per second of each layer up to `max_layer`; 0 for one that does not come now.

    While none comes, those that came last count: a sender whose line fails for a moment is not taken to another layer.
    Before any came it is the lowest alone, for nobody knows whether the others ever will.
    """
    layers = up.layers[: max(max_layer, 0) + 1]
    coming = [layer for layer in layers if layer.statistics.heard(now)]
    coming = coming or [layer for layer in layers if layer.statistics.heard_at is not None] or layers[:1]
    return tuple(_bps(layer) if layer in coming else 0 for layer in layers)


def _bps(layer: Layer) -> int:
    if layer.statistics.bps:
        return max(1, int(layer.statistics.bps))
    usual = LAYER_BPS[min(layer.index, len(LAYER_BPS) - 1)]
    return min(layer.format.max_bps, usual) if layer.format.max_bps else usual


def useful(down: DownTrack, max_layer: int) -> int:
    """The highest layer that the tile has use for and the machine has room for; -1 for none."""
    if not (down.width and down.height):
        return -1
    return min(layer_for_tile(down.width, down.height, len(down.up.layers)), max_layer)


def wanted(up: UpTrack, max_layer: int) -> int:
    """How many layers of a picture anybody has use for, whatever their line carries: that may get better."""
    looked_at = [down for down in up.downs if down.ready and down.paused_for not in ("lastN", "capacity")]
    return max((useful(down, max_layer) + 1 for down in looked_at), default=0)


def tell_wanted(roster: Roster, max_layer: int, now: float) -> None:
    """`layersWanted` to each sender of a picture: more at once, fewer after FEWER_PATIENCE."""
    for up in roster.tracks.values():
        if up.kind != "video" or up.paused:
            continue
        count = wanted(up, max_layer)
        if count >= up.layers_told:
            up.fewer_since = None
        elif up.fewer_since is None:
            up.fewer_since = now
        waited = up.fewer_since is not None and now - up.fewer_since >= limits.FEWER_PATIENCE
        if count > up.layers_told or waited:
            up.layers_told, up.fewer_since = count, None
            tell_again(roster, [up])


def tell_again(roster: Roster, ups: Iterable[UpTrack]) -> None:
    """What was last told of these, to their sender."""
    for up in ups:
        if up.kind == "video":
            roster.tell(up.member, "layersWanted", {"track": up.id, "layers": up.layers_told})
