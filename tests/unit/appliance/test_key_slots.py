"""The key slots' file and what a passphrase opens."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.faults import Fault
from appliance.store import keyslots, slotfile
from appliance.store.key import StoreKey
from tests.fakes.stores import CHEAP, PASSPHRASE


def test_a_passphrase_opens_what_it_closed(tmp_path: Path) -> None:
    key = keyslots.create(tmp_path / "store", PASSPHRASE, CHEAP)
    assert keyslots.unlock(tmp_path / "store", PASSPHRASE) == key


def test_the_same_passphrase_from_another_keyboard_opens_too(tmp_path: Path) -> None:
    composed, decomposed = "caf\u00e9 \ufb01n 12", "cafe\u0301 fin 12"
    key = keyslots.create(tmp_path / "store", composed, CHEAP)
    assert keyslots.unlock(tmp_path / "store", decomposed) == key


def test_two_boxes_with_one_passphrase_have_different_keys(tmp_path: Path) -> None:
    assert keyslots.create(tmp_path / "a", PASSPHRASE, CHEAP) != keyslots.create(tmp_path / "b", PASSPHRASE, CHEAP)


@pytest.mark.parametrize("passphrase", ["", "x" * 2000])
def test_a_box_is_not_made_without_a_usable_passphrase(tmp_path: Path, passphrase: str) -> None:
    with pytest.raises(Fault, match="bad_request"):
        keyslots.create(tmp_path / "store", passphrase, CHEAP)
    assert list(tmp_path.iterdir()) == []


def test_the_file_names_argon2id_with_its_cost_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    keyslots.create(tmp_path, PASSPHRASE, CHEAP)
    slot = msgspec.json.decode((tmp_path / "slots.json").read_bytes())["slots"][0]
    assert (slot["kind"], slot["kdf"]["name"], slot["kdf"]["memory"]) == ("passphrase", "argon2id", CHEAP.memory)
    assert (tmp_path / "slots.json").stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"slots.json"}


def test_a_slot_whose_header_was_changed_opens_no_more(tmp_path: Path) -> None:
    """Somebody who weakens the derivation on disk does not get the key wrapped under the weak one."""
    keyslots.create(tmp_path, PASSPHRASE, CHEAP)
    (slot,) = slotfile.parse((tmp_path / "slots.json").read_bytes())
    doctored = msgspec.structs.replace(slot, id="0000000000000000")
    (tmp_path / "slots.json").write_bytes(slotfile.serialise((doctored,)))
    with pytest.raises(Fault, match="wrong_passphrase"):
        keyslots.unlock(tmp_path, PASSPHRASE)


def test_a_slot_may_not_ask_for_more_than_the_box_has(tmp_path: Path) -> None:
    keyslots.create(tmp_path, PASSPHRASE, CHEAP)
    (slot,) = slotfile.parse((tmp_path / "slots.json").read_bytes())
    for change in ({"memory": 2**31}, {"iterations": 10**9}, {"lanes": 1000}, {"memory": 1}, {"salt": b"short"}):
        greedy = msgspec.structs.replace(slot, kdf=msgspec.structs.replace(slot.kdf, **change))
        with pytest.raises(Fault, match="slots_missing"):
            slotfile.parse(slotfile.serialise((greedy,)))


@given(st.integers(0, 400), st.integers(1, 255))
def test_any_flipped_byte_of_the_file_is_found(place: int, flip: int) -> None:
    kdf = slotfile.Kdf(name="argon2id", memory=64, iterations=1, lanes=1, salt=bytes(16))
    slot = slotfile.Slot(id="ab", kind="passphrase", kdf=kdf, nonce=bytes(12), wrapped=bytes(48))
    content = bytearray(slotfile.serialise((slot,)))
    content[place % len(content)] ^= flip
    try:
        assert slotfile.parse(bytes(content)) == (slot,)  # white space between the values
    except Fault as fault:
        assert fault.code == "slots_missing"


@given(st.binary(max_size=300))
def test_any_bytes_are_a_slot_file_or_its_fault(content: bytes) -> None:
    with pytest.raises(Fault, match="slots_missing"):
        slotfile.parse(content)


def test_a_store_key_is_never_shown_copied_or_pickled() -> None:
    key = StoreKey(b"\xab" * 32)
    for shown in (repr(key), str(key), f"{key}", f"{key!r:>20}", repr([key]), repr({"key": key})):
        assert "abab" not in shown.lower()
        assert "\\xab" not in shown
    for act in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            act(key)
    with pytest.raises(TypeError):
        hash(key)
