"""Which kernel modules a box has: patterns, and what the named ones need."""

from __future__ import annotations

from image import modules
from image.targets import TARGETS

DEP = """kernel/fs/ext4/ext4.ko.xz: kernel/lib/crc16.ko.xz kernel/fs/jbd2/jbd2.ko.xz
kernel/fs/jbd2/jbd2.ko.xz:
kernel/lib/crc16.ko.xz:
kernel/arch/x86/crypto/crc32c-intel.ko.xz:
kernel/drivers/net/ethernet/intel/e1000e/e1000e.ko.xz:
kernel/drivers/net/ethernet/intel/ice/ice.ko.xz: kernel/drivers/net/ethernet/intel/libie/libie.ko.xz
kernel/drivers/net/ethernet/intel/libie/libie.ko.xz:
"""
SOFTDEP = "# made by depmod\nsoftdep ext4 pre: crypto-crc32c\n"
ALIAS = "# made by depmod\nalias crypto-crc32c crc32c_intel\nalias pci:v00008086d* e1000e\n"
NEEDED = modules.needs(DEP)


def chosen(*patterns: str) -> set[str]:
    named = modules.named(NEEDED, patterns)
    paths = modules.closure(named, NEEDED, modules.wishes(SOFTDEP), modules.aliases(ALIAS))
    return {modules.name(path) for path in paths}


def test_a_module_brings_what_it_needs_and_what_it_wishes_for() -> None:
    assert chosen("ext4") == {"ext4", "jbd2", "crc16", "crc32c_intel"}


def test_the_last_pattern_that_fits_decides() -> None:
    assert chosen("drivers/net/ethernet/*", "!drivers/net/ethernet/intel/ice/*") == {"e1000e", "libie"}


def test_what_was_taken_out_comes_back_when_another_needs_it() -> None:
    assert "libie" in chosen("ice", "!drivers/net/ethernet/intel/libie/*")


def test_a_name_is_a_name_with_dashes_or_without() -> None:
    assert chosen("crc32c-intel") == chosen("crc32c_intel") == {"crc32c_intel"}


def test_a_wish_that_is_built_in_is_no_fault() -> None:
    assert modules.closure({"kernel/lib/crc16.ko.xz"}, NEEDED, {"crc16": ("built-in",)}, {}) == {
        "kernel/lib/crc16.ko.xz"
    }


def test_the_initrds_lists_speak_of_the_chosen_alone_and_of_unpacked_files() -> None:
    some = {"kernel/fs/jbd2/jbd2.ko.xz", "kernel/arch/x86/crypto/crc32c-intel.ko.xz"}
    assert modules.dep_of(some, NEEDED) == "kernel/arch/x86/crypto/crc32c-intel.ko:\nkernel/fs/jbd2/jbd2.ko:\n"
    assert modules.alias_of(some, ALIAS) == "alias crypto-crc32c crc32c_intel\n"
    assert modules.alias_of({"kernel/fs/ext4/ext4.ko.xz"}, SOFTDEP) == "softdep ext4 pre: crypto-crc32c\n"


def test_a_power_button_reaches_the_login_manager_which_switches_off_in_order() -> None:
    """The driver of the button alone is not enough: the login manager reads what evdev hands on."""
    way = {"kernel/drivers/input/evdev.ko.xz", "kernel/drivers/input/keyboard/gpio_keys.ko.xz"}
    for target in TARGETS.values():
        assert modules.named(way, modules.patterns(target.listed("modules.txt"))) == way
