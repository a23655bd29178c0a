"""What a dynamic tag says is believed of its own key alone, as NXP's AN12196 has it."""

import pytest

from services.journey.sun import SunInvalid, SunPair, SunReading, read_sun
from tests.sun_tags import VECTOR, VECTOR_COUNTER, VECTOR_KEY, VECTOR_UID, SunTag

KEY = bytes.fromhex(VECTOR_KEY)
READING = SunReading(bytes.fromhex(VECTOR_UID), VECTOR_COUNTER)
E, C = VECTOR["e"], VECTOR["c"]


def test_the_public_vector_is_read():
    assert read_sun(KEY, SunPair(E, C)) == READING


def test_digits_may_be_small():
    assert read_sun(KEY, SunPair(E.lower(), C.lower())) == READING


def test_the_tests_own_chip_meets_the_vector():
    chip = SunTag(VECTOR_UID, VECTOR_KEY)
    assert chip.told(VECTOR_COUNTER)["c"] == C.lower()
    assert read_sun(KEY, SunPair(**chip.told(VECTOR_COUNTER))) == READING


@pytest.mark.parametrize("counter", [0, 1, 255, 256, 65_536, 2**24 - 1])
def test_the_counter_has_three_bytes_the_least_first(counter: int):
    chip = SunTag()
    assert read_sun(bytes.fromhex(chip.key), SunPair(**chip.told(counter))).counter == counter


@pytest.mark.parametrize("at", range(16))
def test_each_digit_of_the_mac_counts(at: int):
    changed = C[:at] + ("0" if C[at] != "0" else "1") + C[at + 1 :]
    with pytest.raises(SunInvalid):
        read_sun(KEY, SunPair(E, changed))


@pytest.mark.parametrize("at", range(0, 32, 2))
def test_a_changed_block_is_refused(at: int):
    """One byte changed changes the whole block: another kind, or another UID and counter."""
    changed = E[:at] + f"{int(E[at : at + 2], 16) ^ 1:02X}" + E[at + 2 :]
    with pytest.raises(SunInvalid):
        read_sun(KEY, SunPair(changed, C))


def test_another_key_is_refused():
    with pytest.raises(SunInvalid):
        read_sun(bytes(15) + b"\1", SunPair(E, C))


@pytest.mark.parametrize("kind", [0x00, 0x87, 0x47, 0xC4, 0xCA, 0xFF])
def test_what_mirrors_less_than_both_is_refused(kind: int):
    chip = SunTag(kind=kind)
    with pytest.raises(SunInvalid):
        read_sun(bytes.fromhex(chip.key), SunPair(**chip.told(1)))


@pytest.mark.parametrize(
    ("e", "c"),
    [
        ("", C),
        (E, ""),
        (E[:-1], C),
        (E + "0", C),
        (E, C[:-1]),
        (E, C + "0"),
        (E[:-1] + "G", C),
        (E, C[:-1] + " "),
        (E + "\n", C),
        (E, C + "\n"),
        (E[:-1] + "٣", C),
        (C, E),
        (f"0x{E[2:]}", C),
    ],
)
def test_what_is_no_pair_is_refused(e: str, c: str):
    with pytest.raises(SunInvalid):
        read_sun(KEY, SunPair(e, c))
