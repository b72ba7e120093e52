"""Frames of a stream, however the line cuts it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import frames
from sync.envelope import MAX_ENVELOPE
from sync.faults import SyncFault
from sync.frames import Frame

KINDS = {frames.HELLO, frames.HANDED, frames.SEGMENT, frames.RECEIPT, frames.REFUSAL, frames.NEWS}
FRAMES = st.lists(st.builds(Frame, st.sampled_from(sorted(KINDS)), st.binary(max_size=60)), max_size=8)


@given(FRAMES, st.lists(st.integers(0, 400), max_size=12))
def test_frames_come_out_as_they_went_in_wherever_the_line_cuts_them(sent: list[Frame], cuts: list[int]) -> None:
    raw = b"".join(frames.pack(one.kind, one.payload) for one in sent)
    places = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    reader = frames.Reader()
    found = [one for start, end in pairwise(places) for one in reader.feed(raw[start:end])]
    assert found == sent


def test_a_frame_that_is_not_whole_yet_is_held_and_no_more() -> None:
    reader = frames.Reader()
    raw = frames.pack(frames.SEGMENT, bytes(MAX_ENVELOPE))
    for start in range(0, len(raw) - 1000, 1000):
        assert reader.feed(raw[start : start + 1000]) == []
    assert len(reader._held) <= len(raw)


def test_after_a_fault_the_stream_stays_useless() -> None:
    reader = frames.Reader()
    for _ in range(2):
        with pytest.raises(SyncFault, match="malformed_carriage"):
            reader.feed(b"\x05\0\0\0\0")


def test_what_is_too_long_is_refused_before_it_is_held() -> None:
    reader = frames.Reader()
    with pytest.raises(SyncFault, match="too_large"):
        reader.feed(frames.HEAD.pack(frames.SEGMENT, MAX_ENVELOPE + 1))
    with pytest.raises(SyncFault, match="too_large"):
        frames.pack(frames.BEAT, b"x")


def test_every_kind_of_ours_is_one_that_an_older_reader_must_know() -> None:
    assert not any(kind & frames.OPTIONAL for kind in frames._LIMITS)
