"""The key slots' file and what a passphrase, a sheet or a key held elsewhere opens."""

from __future__ import annotations

import copy
import os
import pickle
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from appliance.faults import Fault
from appliance.store import files, keyslots, sheet, slotfile, slotfile1, slotpair, slots
from appliance.store.key import StoreKey
from appliance.store.slotfile import Argon2, Hkdf, Seal, Slot, Slots
from appliance.store.slots import Numbered
from sync import suite
from tests.fakes.stores import CHEAP, PASSPHRASE, everything_in

KEY = StoreKey(b"\x11" * 32)
AT = "2031-03-04T14:00:00Z"
ENTROPY = bytes(range(16))


def the_file(folder: Path) -> Slots:
    file = slotpair.load(folder)
    assert isinstance(file, Slots)
    return file


def with_slot(folder: Path, slot: Slot) -> None:
    file = the_file(folder)
    slotpair.save(folder, msgspec.structs.replace(file, slots=(*file.slots, slot)))


def a_slot(**changes: object) -> Slot:
    kdf = Argon2(memory=64, iterations=1, lanes=1, salt=bytes(16))
    seal = Seal(key=1, sealed=bytes(slotfile.SEALED_SIZE))
    slot = Slot(
        id="0123456789abcdef",
        kind="passphrase",
        label="front desk",
        made_at=AT,
        tried_at=AT,
        kdf=kdf,
        public=bytes(slotfile.PUBLIC_SIZE),
        seals=(seal,),
    )
    return msgspec.structs.replace(slot, **changes)


def a_file(*given: Slot) -> bytes:
    return slotfile.serialise(Slots(generation=1, slots=given or (a_slot(),)))


# ── what opens


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


def test_a_wrong_secret_opens_nothing_and_writes_nothing(tmp_path: Path) -> None:
    keyslots.create(tmp_path, PASSPHRASE, CHEAP)
    (tmp_path / "spare" / "slots.json").unlink()  # something to mend, for who gets in
    before = everything_in(tmp_path)
    for secret in ("", "another passphrase", "x" * 2000, "abandon " * 11 + "about"):
        with pytest.raises(Fault, match="wrong_passphrase"):
            keyslots.unlock(tmp_path, secret)
    assert everything_in(tmp_path) == before


def test_the_words_of_a_sheet_open_in_the_same_field_and_have_then_been_tried(tmp_path: Path) -> None:
    key = keyslots.create(tmp_path, PASSPHRASE, CHEAP)
    slot = slots.of_sheet(ENTROPY, "safe", AT, (Numbered(1, key),))
    with_slot(tmp_path, slot)
    assert the_file(tmp_path).slot(slot.id).tried_at == ""
    for language in sheet.LANGUAGES:
        opened = keyslots.open_with(tmp_path, " ".join(sheet.words(ENTROPY, language)).upper())
        assert (opened.key, opened.slot) == (key, slot.id)
    assert the_file(tmp_path).slot(slot.id).tried_at != ""


def test_twelve_words_may_be_a_passphrase_too(tmp_path: Path) -> None:
    words = " ".join(sheet.words(ENTROPY, "en"))
    key = keyslots.create(tmp_path, words, CHEAP)
    with_slot(tmp_path, slots.of_sheet(b"\x07" * 16, "safe", AT, (Numbered(1, key),)))
    assert keyslots.unlock(tmp_path, words) == key


def test_a_key_held_elsewhere_opens_its_slot_only(tmp_path: Path) -> None:
    key = keyslots.create(tmp_path, PASSPHRASE, CHEAP)
    seed = os.urandom(32)
    slot = slots.of_public("machine", suite.RecordKey(seed).public, "", AT, (Numbered(1, key),))
    with_slot(tmp_path, slot)
    opened = keyslots.open_with_seed(tmp_path, "machine", seed)
    assert opened is not None
    assert (opened.key, opened.slot) == (key, slot.id)
    assert keyslots.open_with_seed(tmp_path, "hq", seed) is None
    assert keyslots.open_with_seed(tmp_path, "machine", os.urandom(32)) is None


def test_what_is_no_public_key_gets_no_slot() -> None:
    with pytest.raises(Fault, match="bad_request"):
        slots.of_public("hq", bytes(1200), "", AT, (Numbered(1, KEY),))


def test_a_slot_is_sealed_to_a_new_key_without_its_secret() -> None:
    slot = slots.of_passphrase(PASSPHRASE, "desk", AT, (Numbered(1, KEY),), CHEAP)
    new = StoreKey(b"\x22" * 32)
    assert isinstance(slot.kdf, Argon2)
    seed = slots.seed_of_passphrase(PASSPHRASE, slot.kdf)
    both = slots.resealed(slot, (Numbered(1, KEY), Numbered(2, new)))
    assert slots.opened(both, seed) == (Numbered(2, new), Numbered(1, KEY))
    assert slots.opened(slots.without(both, 2), seed) == (Numbered(2, new),)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "fedcba9876543210"},
        {"label": "safe"},
        {"made_at": "2030-01-01T00:00:00Z"},
        {"kind": "machine"},
        {"kdf": Hkdf(salt=b"\x01" * 16)},
    ],
)
def test_a_slot_whose_header_was_changed_opens_no_more(change: dict[str, object]) -> None:
    seed = os.urandom(32)
    slot = slots.of_public("hq", suite.RecordKey(seed).public, "desk", AT, (Numbered(1, KEY),))
    assert slots.opened(slot, seed)
    assert slots.opened(msgspec.structs.replace(slot, **change), seed) == ()


def test_one_key_does_not_pass_for_another_number() -> None:
    seed = os.urandom(32)
    slot = slots.of_public("hq", suite.RecordKey(seed).public, "", AT, (Numbered(1, KEY),))
    doctored = msgspec.structs.replace(slot, seals=(msgspec.structs.replace(slot.seals[0], key=2),))
    assert slots.opened(doctored, seed) == ()


def test_a_box_of_version_1_opens_and_is_brought_up_to_date(tmp_path: Path) -> None:
    kdf = slotfile1.Kdf1(name="argon2id", memory=64, iterations=1, lanes=1, salt=os.urandom(16))
    bare = slotfile1.Slot1(id="ab" * 8, kind="passphrase", kdf=kdf, nonce=os.urandom(12), wrapped=b"")
    seed = slots.seed_of_passphrase(PASSPHRASE, Argon2(memory=64, iterations=1, lanes=1, salt=kdf.salt))
    wrapped = ChaCha20Poly1305(seed).encrypt(bare.nonce, KEY.raw(), bare.header())
    old = slotfile1.serialise(msgspec.structs.replace(bare, wrapped=wrapped))
    (tmp_path / "slots.json").write_bytes(old)
    with pytest.raises(Fault, match="wrong_passphrase"):
        keyslots.unlock(tmp_path, "another passphrase")
    assert everything_in(tmp_path) == {"slots.json": old}
    assert keyslots.unlock(tmp_path, PASSPHRASE) == KEY
    assert [slot.kind for slot in the_file(tmp_path).slots] == ["passphrase"]
    assert keyslots.unlock(tmp_path, PASSPHRASE) == KEY


# ── two copies


def test_both_copies_are_the_same_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    keyslots.create(tmp_path, PASSPHRASE, CHEAP)
    found = everything_in(tmp_path)
    assert set(found) == {"slots.json", "spare/slots.json"}
    assert len(set(found.values())) == 1
    assert {path.stat().st_mode & 0o777 for path in slotpair.copies(tmp_path)} == {0o600}


@pytest.mark.parametrize("damage", [None, b"", b"{}", b"cut"])
@pytest.mark.parametrize("which", [0, 1])
def test_a_damaged_copy_is_mended_from_the_other_at_the_next_unlock(
    tmp_path: Path, which: int, damage: bytes | None
) -> None:
    key = keyslots.create(tmp_path, PASSPHRASE, CHEAP)
    whole = everything_in(tmp_path)
    hurt = slotpair.copies(tmp_path)[which]
    hurt.unlink() if damage is None else hurt.write_bytes(damage or whole["slots.json"][:-40])
    assert keyslots.unlock(tmp_path, PASSPHRASE) == key
    assert everything_in(tmp_path) == whole


def test_with_both_copies_damaged_nothing_is_guessed(tmp_path: Path) -> None:
    keyslots.create(tmp_path, PASSPHRASE, CHEAP)
    for path in slotpair.copies(tmp_path):
        path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(Fault, match="slots_missing"):
        keyslots.unlock(tmp_path, PASSPHRASE)


def test_a_power_cut_between_the_two_copies_leaves_the_newer_one_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every write that replaces a file is cut off once; each time the pair opens, and is whole after that."""
    key = keyslots.create(tmp_path, PASSPHRASE, CHEAP)
    real = files.write_atomically
    for cut in (0, 1):
        left = [cut]

        def write(path: Path, content: bytes, left: list[int] = left) -> None:
            if not left[0]:
                raise KeyboardInterrupt  # the end of the process, as far as this file can tell
            left[0] -= 1
            real(path, content)

        fresh = slots.of_passphrase("the second passphrase", f"cut {cut}", AT, (Numbered(1, key),), CHEAP)
        with monkeypatch.context() as patch:
            patch.setattr(slotpair, "write_atomically", write)
            with pytest.raises(KeyboardInterrupt):
                with_slot(tmp_path, fresh)
        labels = [slot.label for slot in the_file(tmp_path).slots]
        assert (f"cut {cut}" in labels) == (cut == 1)
        assert keyslots.unlock(tmp_path, PASSPHRASE) == key
        assert len(set(everything_in(tmp_path).values())) == 1


def test_each_write_counts_on_even_when_the_newer_copy_is_the_spare(tmp_path: Path) -> None:
    keyslots.create(tmp_path, PASSPHRASE, CHEAP)
    main, spare = slotpair.copies(tmp_path)
    old = main.read_bytes()
    slotpair.save(tmp_path, the_file(tmp_path))
    main.write_bytes(old)
    assert the_file(tmp_path).generation == 2
    assert slotpair.mend(tmp_path)
    assert main.read_bytes() == spare.read_bytes() != old


# ── the file as bytes


@pytest.mark.parametrize(
    "change",
    [
        {"kdf": Argon2(memory=2**31, iterations=1, lanes=1, salt=bytes(16))},
        {"kdf": Argon2(memory=64, iterations=10**9, lanes=1, salt=bytes(16))},
        {"kdf": Argon2(memory=64, iterations=1, lanes=1000, salt=bytes(16))},
        {"kdf": Argon2(memory=1, iterations=1, lanes=1, salt=bytes(16))},
        {"kdf": Argon2(memory=64, iterations=1, lanes=1, salt=b"short")},
        {"kdf": Hkdf(salt=bytes(16))},
        {"kdf": None},
        {"kind": "hq"},
        {"id": "ABCDEF0123456789"},
        {"id": "../../etc/passwd"},
        {"label": "x" * 41},
        {"label": "two\nlines"},
        {"made_at": "yesterday"},
        {"tried_at": "yesterday"},
        {"public": b"short"},
        {"seals": ()},
        {"seals": (Seal(key=1, sealed=b"short"),)},
        {"seals": (Seal(key=0, sealed=bytes(slotfile.SEALED_SIZE)),)},
        {"seals": (Seal(key=1, sealed=bytes(slotfile.SEALED_SIZE)),) * 2},
    ],
)
def test_a_slot_beyond_the_limits_is_not_believed(change: dict[str, object]) -> None:
    assert slotfile.parse(a_file())
    with pytest.raises(Fault, match="slots_missing"):
        slotfile.parse(a_file(a_slot(**change)))


def test_a_file_has_between_one_and_sixteen_slots_of_different_ids() -> None:
    many = [a_slot(id=f"{number:016x}") for number in range(17)]
    assert isinstance(slotfile.parse(a_file(*many[:16])), Slots)
    for wrong in (many, [many[0], many[0]]):
        with pytest.raises(Fault, match="slots_missing"):
            slotfile.parse(a_file(*wrong))
    with pytest.raises(Fault, match="slots_missing"):
        slotfile.parse(slotfile.serialise(Slots(generation=1, slots=())))


def test_the_largest_file_is_within_the_size_that_is_read() -> None:
    seals = tuple(Seal(key=number, sealed=bytes(slotfile.SEALED_SIZE)) for number in (1, 2))
    slots_ = [a_slot(id=f"{number:016x}", seals=seals, label="ñ" * 40) for number in range(slotfile.MAX_SLOTS)]
    assert len(a_file(*slots_)) < slotfile.MAX_BYTES


@given(st.integers(0, 8000), st.integers(1, 255))
def test_any_flipped_byte_of_the_file_is_found(place: int, flip: int) -> None:
    content = bytearray(a_file())
    content[place % len(content)] ^= flip
    try:
        assert slotfile.parse(bytes(content)) == slotfile.parse(a_file())  # white space between the values
    except Fault as fault:
        assert fault.code == "slots_missing"


@given(
    st.binary(max_size=300) | st.sampled_from([b'{"version": 1}', b'{"version": 2}', b'{"version": 3}', b"[" * 9999])
)
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
