"""Numbers as the fewest digits that give them back; numpy's are the measure."""

import random
import struct

import numpy
import pytest

from matrixone_local.protocol.floats import as_go_writes, shortest, without_exponent


def single(bits):
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def powers_and_neighbours():
    """Each power of two, where the distance between numbers changes, with the numbers beside it."""
    return [(exponent << 23) + beside for exponent in range(1, 255) for beside in (-1, 0, 1)]


@pytest.mark.parametrize(
    "bits",
    [powers_and_neighbours(), range(2_000), [random.Random(7).getrandbits(31) for _ in range(20_000)]],
    ids=["powers of two", "the least numbers", "random numbers"],
)
def test_single_precision_has_the_fewest_digits(bits):
    numbers = [number for number in map(single, bits) if number < float("inf")]
    for number in numbers:
        expected = numpy.format_float_positional(numpy.float32(number), unique=True, trim="-")
        assert without_exponent(shortest(number, is_single=True)) == expected
        assert without_exponent(shortest(-number, is_single=True)) == f"-{expected}"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.1, "0.1"),
        (1e22, "10000000000000000000000"),
        (1e-7, "0.0000001"),
        (2.0, "2"),
        (-0.0, "-0"),
        (1 / 3, "0.3333333333333333"),
    ],
)
def test_double_precision_has_all_its_zeros(number, text):
    assert without_exponent(shortest(number, is_single=False)) == text


@pytest.mark.parametrize(
    ("text", "in_json", "in_text"),
    [
        ("0.000001", "0.000001", "1e-06"),
        ("0.0000001", "1e-7", "1e-07"),
        ("1000000000000000000000", "1e+21", "1e+21"),
        ("100000000000000000000", "100000000000000000000", "100000000000000000000"),
        ("-2.5e-10", "-2.5e-10", "-2.5e-10"),
        ("12345679.00", "12345679", "12345679"),
        ("0", "0", "0"),
    ],
)
def test_go_writes_exponents(text, in_json, in_text):
    assert as_go_writes(text, least=-6, exponent_digits=1) == in_json
    assert as_go_writes(text, least=-4, exponent_digits=2) == in_text
