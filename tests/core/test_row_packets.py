"""Rows of a reply found in the bytes of its packets, and cut into blocks."""

import struct
from types import SimpleNamespace

import pytest

from matrixone_core.row_packets import RowPackets

LONGEST = (1 << 24) - 1
EOF, EOF_BUT_MORE = b"\xfe\0\0\2\0", b"\xfe\0\0\x0a\0"
FIELD = SimpleNamespace(name="a", type_code=8, charsetnr=63, length=20, flags=0, scale=0)


def packets(*payloads, first=4):
    """Payloads as packets, numbered from *first* on; a long one comes in several."""
    out, number = bytearray(), first
    for payload in payloads:
        for at in range(0, len(payload) + 1, LONGEST):
            piece = payload[at : at + LONGEST]
            out += struct.pack("<I", len(piece) | (number & 0xFF) << 24) + piece
            number += 1
    return bytes(out)


def started(rows=1000, size=1 << 20, *, streams=False, first=4):
    found = RowPackets(rows, size, streams=streams)
    found.begin([FIELD], first)
    return found


def rows_of(found):
    """The payloads of all blocks, by block."""
    blocks = []
    for block in found.blocks:
        starts = [start - block.base for start in block.starts]
        ends = [start - 4 for start in starts[1:]] + [len(block.data)]
        blocks.append([block.data[start:end] for start, end in zip(starts, ends, strict=True)])
    return blocks


ROWS = [b"\x01%d" % (number % 10) for number in range(300)]


@pytest.mark.parametrize("size", [1, 3, 7, 4096])
def test_rows_are_found_however_they_come(size):
    found = started()
    reply = packets(*ROWS, EOF)
    for at in range(0, len(reply), size):
        assert not found.ended
        found.feed(reply[at : at + size])
    assert found.ended
    assert rows_of(found) == [ROWS]
    assert (found.fields[0].name, found.fields[0].type_code) == ("a", 8)
    assert not found.has_more_results
    assert found.error is None


def test_a_block_has_so_many_rows():
    found = started(rows=100)
    reply = packets(*ROWS, ROWS[0], EOF)
    found.feed(reply[:1000])
    assert list(map(len, rows_of(found))) == [100]
    found.feed(reply[1000:])
    assert list(map(len, rows_of(found))) == [100, 100, 100, 1]
    assert [row for block in rows_of(found) for row in block] == [*ROWS, ROWS[0]]


def test_a_block_ends_when_it_has_so_many_bytes():
    found = started(size=300)
    reply = packets(*ROWS, EOF)
    for at in range(0, len(reply), 100):
        found.feed(reply[at : at + 100])
    assert all(len(block.data) < 300 + 100 for block in found.blocks)
    assert [row for block in rows_of(found) for row in block] == ROWS


def test_no_rows():
    found = started()
    found.feed(packets(EOF))
    assert found.ended
    assert not found.blocks


def test_a_first_value_that_begins_as_the_end_does():
    long = b"\xfe" + struct.pack("<Q", LONGEST + 10) + b"x" * (LONGEST + 10)
    found = started()
    found.feed(packets(b"\x01a", long, b"\x01b", EOF))
    assert rows_of(found) == [[b"\x01a", long, b"\x01b"]]
    short = b"\xfe" + struct.pack("<Q", 3) + b"abc"  # longer than it has to be
    found = started()
    found.feed(packets(short, EOF))
    assert rows_of(found) == [[short]]


@pytest.mark.parametrize("length", [LONGEST - 1, LONGEST, LONGEST + 1, 2 * LONGEST, 2 * LONGEST + 5])
def test_rows_of_several_packets(length):
    found = started(first=254)
    reply = packets(b"\x01a", b"y" * length, b"\x01b", EOF, first=254)
    for at in range(0, len(reply), 5_000_003):
        found.feed(reply[at : at + 5_000_003])
    assert found.ended
    assert [len(row) for block in rows_of(found) for row in block] == [2, length, 2]


def test_a_long_row_whose_next_head_is_still_to_come():
    found = started()
    reply = packets(b"y" * LONGEST, EOF)
    found.feed(reply[: LONGEST + 4 + 2])
    assert not found.blocks
    found.feed(reply[LONGEST + 4 + 2 :])
    assert found.ended
    assert list(map(len, rows_of(found)[0])) == [LONGEST]


@pytest.mark.parametrize(
    "reply",
    [
        packets(b"\x01a", first=5),
        packets(b"\x01a") + packets(b"\x01a"),
        packets(b"y" * LONGEST)[: LONGEST + 4] + packets(b"z", first=9),
    ],
)
def test_packets_out_of_order(reply):
    with pytest.raises(ValueError, match="order"):
        started().feed(reply)


def test_something_behind_the_last_row():
    with pytest.raises(ValueError, match="follows"):
        started().feed(packets(b"\x01a", EOF, b"\x01b"))


def test_an_empty_packet_is_a_row_without_values():
    found = started()
    found.feed(packets(b"", EOF))
    assert rows_of(found) == [[b""]]


def test_an_error_among_the_rows():
    found = started()
    found.feed(packets(b"\x01a", b"\xff\x51\x04#HY000stopped"))
    assert found.ended
    assert found.error == b"\xff\x51\x04#HY000stopped"


def test_another_result_behind_the_first():
    found = started()
    found.feed(packets(b"\x01a", EOF_BUT_MORE, b"\1"))
    assert found.ended
    assert found.has_more_results


def test_texts_of_any_length():
    found = started(rows=3)
    texts = ["", "a" * 250, "b" * 251, "ü" * 40_000]
    heads = [b"\0", b"\xfa", b"\xfc\xfb\0", b"\xfd" + (80_000).to_bytes(3, "little")]
    odd = b"\x02\xff\xfe"
    found.feed(packets(*(head + text.encode() for head, text in zip(heads, texts, strict=True)), odd, EOF))
    assert [text for block in found.blocks for text in block.texts()] == [*texts, "\udcff\udcfe"]
