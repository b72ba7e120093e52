"""What looks sealed and what does not, and what of a track may pass. The relay has no key: this is about shape only."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import limits
from media.messages import Kind
from media.sealed import MAX_LEAF, TAG_LENGTH, Judge, begins_picture, begins_sound, key_id
from media.sframe import write_header
from tests.fakes.sealed_frames import CLEAR_DELTA_FRAME, CLEAR_KEY_FRAME, picture, sealed

# What browsers send when nothing seals: Opus at 20 ms of every kind of coding (RFC 6716 section 3.1), silence of one to
# three bytes, and VP8 as libvpx writes it.
OPUS = {
    "hybrid, full band": b"\x78" + bytes(range(80)),
    "hybrid, stereo": b"\x7c" + bytes(range(80)),
    "speech, narrow band": b"\x08" + bytes(range(40)),
    "speech, wide band": b"\x48" + bytes(range(60)),
    "music, full band": b"\xf8" + bytes(range(160)),
    "music, full band, stereo": b"\xfc" + bytes(range(160)),
    "two frames": b"\x4b\x02" + bytes(range(90)),
    "silence of one byte": b"\x78",
    "silence of two bytes": b"\x78\x00",
    "silence of three bytes": b"\xf8\xff\xfe",
    "zeros": bytes(60),
}
PLAIN_KEY = bytes.fromhex("10d0549d012a8002e001") + bytes.fromhex("0047088585888585888485820202") + bytes(400)
PLAIN_DELTA = bytes.fromhex("b1290007103c0018001858") + bytes(200)
VP8 = {
    "key frame": b"\x10" + PLAIN_KEY,
    "key frame with a picture id": b"\x90\x80\x91\x23" + PLAIN_KEY,
    "delta frame": b"\x10" + PLAIN_DELTA,
    "delta frame with a picture id": b"\x90\x80\x91\x24" + PLAIN_DELTA,
    "delta frame that nothing refers to": b"\x30" + PLAIN_DELTA,
    "zeros": b"\x10" + bytes(60),
    "no frame after the descriptor": b"\x10",
    "a descriptor cut short": b"\x90\x80",
}
DESCRIPTORS = ["10", "30", "908011", "90809123", "90c0912305", "90f091230560"]


@pytest.mark.parametrize("name", OPUS)
def test_sound_that_is_not_sealed_never_looks_sealed(name: str) -> None:
    assert not begins_sound(OPUS[name])


@pytest.mark.parametrize("name", VP8)
def test_a_picture_that_is_not_sealed_does_not_look_sealed(name: str) -> None:
    assert not begins_picture(VP8[name])


@pytest.mark.parametrize("counter", [0, 7, 8, 255, 256, 2**24, 2**64 - 1])
@pytest.mark.parametrize("leaf", [0, 1, MAX_LEAF])
def test_a_sealed_frame_looks_sealed_whatever_its_counter_leaf_and_epoch(leaf: int, counter: int) -> None:
    for epoch in (0, 255, 256):
        assert begins_sound(sealed("audio", TAG_LENGTH, leaf=leaf, epoch=epoch, counter=counter))
        for key in (True, False):
            frame = picture(TAG_LENGTH, key=key, leaf=leaf, epoch=epoch, counter=counter)
            for descriptor in DESCRIPTORS:
                assert begins_picture(bytes.fromhex(descriptor) + frame)


def test_sound_is_not_taken_for_picture_nor_picture_for_sound() -> None:
    assert not begins_sound(sealed("video"))
    for clear in (CLEAR_KEY_FRAME, CLEAR_DELTA_FRAME):
        assert not begins_picture(b"\x10" + clear + sealed("audio"))


def test_clear_bytes_of_the_other_kind_of_frame_are_not_sealed() -> None:
    assert not begins_picture(b"\x10" + CLEAR_KEY_FRAME[:1] + sealed("video"))
    assert not begins_picture(b"\x10" + CLEAR_DELTA_FRAME + CLEAR_KEY_FRAME[1:] + sealed("video"))


HEADERS = {
    "leaf 64": write_header(key_id("audio", MAX_LEAF + 1, 1), 1),
    "leaf 255": write_header(key_id("audio", 255, 1), 1),
    "no context": write_header(key_id("audio", 0, 1) & 0xFFFF, 1),
    "a context nobody knows": write_header(3 << 16, 1),
    "four bytes of key id": write_header(1 << 24 | key_id("audio", 0, 1), 1),
    "a key id of RFC 9605's own": write_header(1, 1),
    "three bytes of key id in four": b"\xb0\x00\x01\x00\x01",
    "counter 1 in a byte of its own": b"\xa8\x01\x00\x01\x01",
    "counter 255 in two bytes": b"\xa9\x01\x00\x01\x00\xff",
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_that_is_not_hearths_is_not_sealed(name: str) -> None:
    assert not begins_sound(HEADERS[name] + bytes(40))


def test_a_frame_without_room_for_its_tag_is_not_sealed() -> None:
    for whole in (sealed("audio", TAG_LENGTH, counter=300), sealed("audio", TAG_LENGTH, counter=3)):
        assert begins_sound(whole)
        assert not any(begins_sound(whole[:length]) for length in range(len(whole)))
    for key in (True, False):
        whole = b"\x90\x80\x91\x23" + picture(TAG_LENGTH, key=key, counter=300)
        assert not any(begins_picture(whole[:length]) for length in range(len(whole)))


# --- by chance -----------------------------------------------------------------------------------------------------


def chance() -> Fraction:
    """Of even bytes: the length of the key id, context, leaf, and a counter that is inline or in its shortest form."""
    counter = Fraction(8, 16) + Fraction(1, 16) * (Fraction(248, 256) + 7 * Fraction(255, 256))
    return Fraction(1, 16) * Fraction(1, 256) * Fraction(64, 256) * counter


def test_chance_looks_sealed_once_in_sixteen_thousand_frames() -> None:
    assert 16_000 < 1 / chance() < 17_000


def test_random_bytes_look_sealed_no_more_often_than_the_arithmetic_says() -> None:
    """200,000 draws: 12 to be expected; over 35 has a chance below one in ten million."""
    source = random.Random(9605)  # noqa: S311  seeded on purpose
    draws = [source.randbytes(60) for _ in range(200_000)]
    assert 0 < sum(map(begins_sound, draws)) <= 35
    assert sum(begins_picture(b"\x10" + draw) for draw in draws) <= 35


def test_what_looks_sealed_by_chance_amid_plaintext_stays_here() -> None:
    source = random.Random(9605)  # noqa: S311  the same draws, of which some look sealed
    judge = Judge("audio")
    assert not judge.passes(OPUS["silence of one byte"], 0)
    assert not any(judge.passes(source.randbytes(60), 0) for _ in range(200_000))


def test_the_one_plain_delta_frame_that_looks_sealed_stays_here_amid_others() -> None:
    """The tag of a delta frame with 5,376 to 5,503 bytes of first partition reads like a header (RFC 6386 9.1)."""
    unlucky = b"\x10" + bytes([0x11, 5400 >> 3 & 0xFF, 5400 >> 11]) + bytes.fromhex("3c0018001858") + bytes(900)
    assert begins_picture(unlucky)
    judge = Judge("video")
    assert not judge.passes(PLAIN, 1)
    assert not any(judge.passes(payload, 2 + number) for number, payload in enumerate([unlucky, PLAIN] * 20))


@given(st.sampled_from(["audio", "video"]), st.lists(st.tuples(st.binary(max_size=40), st.integers(0, 5))))
def test_whatever_comes_is_judged_and_never_raises(kind: Kind, packets: list[tuple[bytes, int]]) -> None:
    judge = Judge(kind)
    assert {judge.passes(payload, timestamp) for payload, timestamp in packets} <= {True, False}


# --- a track over time ---------------------------------------------------------------------------------------------

FIRST = b"\x10" + picture(key=False)
PLAIN = b"\x10" + PLAIN_DELTA
REST = b"\x00" + bytes(range(200))


def test_the_rest_of_a_frame_goes_the_way_of_its_first_packet() -> None:
    judge = Judge("video")
    assert judge.passes(FIRST, 1)
    assert judge.passes(REST, 1)
    assert not judge.passes(PLAIN, 2)
    assert not judge.passes(REST, 2)
    assert judge.passes(REST, 1), "a late part of the sealed frame"


def test_nothing_passes_before_a_first_packet_was_judged() -> None:
    assert not Judge("video").passes(REST, 1)


def test_the_start_of_another_partition_is_no_first_packet() -> None:
    judge = Judge("video")
    assert not judge.passes(b"\x11" + picture(key=False), 1)
    assert not judge.passes(b"\x00" + picture(key=False), 1)


def test_a_part_that_overtakes_its_first_packet_goes_the_way_of_the_frame_before() -> None:
    judge = Judge("video")
    assert judge.passes(FIRST, 1)
    assert judge.passes(REST, 2), "its first packet is lost or late, and all was well so far"
    assert judge.passes(FIRST, 2)
    assert not judge.passes(PLAIN, 3)
    assert not judge.passes(REST, 4), "now there is doubt"


def test_frames_whose_packets_are_mixed_up_keep_each_to_their_own_judgement() -> None:
    judge = Judge("video")
    order = [(FIRST, 1), (PLAIN, 2), (REST, 2), (REST, 1), (REST, 2), (REST, 1)]
    assert [judge.passes(payload, timestamp) for payload, timestamp in order] == [True, False, False, True, False, True]


def test_a_second_frame_of_the_same_timestamp_that_is_not_sealed_condemns_the_rest_of_both() -> None:
    judge = Judge("video")
    assert judge.passes(FIRST, 1)
    assert not judge.passes(PLAIN, 1)
    assert not judge.passes(REST, 1)


@pytest.mark.parametrize(
    ("kind", "good", "bad"), [("audio", sealed("audio"), OPUS["hybrid, full band"]), ("video", FIRST, PLAIN)]
)
def test_a_track_that_was_once_not_sealed_is_heard_again_after_eight_sealed_frames_in_a_row(
    kind: Kind, good: bytes, bad: bytes
) -> None:
    judge = Judge(kind)
    assert judge.passes(good, 0)
    assert not judge.passes(bad, 1)
    heard = [judge.passes(good, 2 + number) for number in range(5)]
    assert not judge.passes(bad, 9)
    heard += [judge.passes(good, 10 + number) for number in range(limits.SEALED_AGAIN + 2)]
    assert heard == [False] * 5 + [False] * limits.SEALED_AGAIN + [True] * 2


def test_padding_alone_neither_passes_nor_raises_doubt() -> None:
    for kind, good in (("audio", sealed("audio")), ("video", FIRST)):
        judge = Judge(kind)  # type: ignore[arg-type]
        assert judge.passes(good, 1)
        assert not judge.passes(b"", 1)
        assert judge.passes(good, 2)


def test_what_a_judge_remembers_is_bounded() -> None:
    judge = Judge("video")
    for timestamp in range(10 * limits.MAX_JUDGED_FRAMES):
        judge.passes(FIRST, timestamp)
    assert len(judge._frames) == limits.MAX_JUDGED_FRAMES
