"""How far a reply has come, whatever pieces it comes in."""

import pytest

from matrixone_local.protocol.constants import MAX_PACKET_PAYLOAD, VECTOR_MARK, Status
from matrixone_local.protocol.packets import split_payloads
from matrixone_local.protocol.payloads import eof_packet, error_packet, ok_packet, result_packets
from matrixone_local.protocol.result_scanner import ReplyPart, ResultScanner

MORE = int(Status.MORE_RESULTS)
RESULT = list(result_packets(["a", "b"], [(1, "x"), (2, None)], 2))
VECTOR = b"\x01v" + VECTOR_MARK + b"\xfe\x00\x00\x00\x00\x00"
ERROR = error_packet(1064, "42000", "no")
# The payloads of a reply, how many of them are stepped over, and what comes next then.
REPLIES = {
    "OK": ([ok_packet()], 1, ReplyPart.NOTHING),
    "a result": (RESULT, len(RESULT), ReplyPart.NOTHING),
    "OK, and another result": ([ok_packet(status=MORE)], 1, ReplyPart.HEAD),
    "two results": ([*RESULT[:-1], eof_packet(MORE), *RESULT], 2 * len(RESULT), ReplyPart.NOTHING),
    "a result that has not come whole": (RESULT[:5], 5, ReplyPart.ROWS),
    "columns that have not come whole": (RESULT[:2], 2, ReplyPart.COLUMNS),
    "an error": ([ERROR], 0, ReplyPart.HEAD),
    "an error among rows": ([*RESULT[:5], ERROR], 5, ReplyPart.ROWS),
    "a vector's column": ([b"\x01", VECTOR], 1, ReplyPart.COLUMNS),
    "a row of several packets": ([*RESULT[:4], b"x" * (MAX_PACKET_PAYLOAD + 5)], 4, ReplyPart.ROWS),
}


@pytest.mark.parametrize("reply", REPLIES)
def test_what_is_stepped_over(reply):
    payloads, whole, part = REPLIES[reply]
    scanner = ResultScanner()
    data = b"".join(split_payloads(payloads, 1))
    at, needs_inspection = scanner.skip(data, 0)
    assert at == len(b"".join(split_payloads(payloads[:whole], 1)))
    assert scanner.part is part
    assert needs_inspection is (whole < len(payloads))


def test_a_reply_that_comes_byte_by_byte():
    data = b"".join(split_payloads(RESULT, 1))
    scanner, at = ResultScanner(), 0
    for end in range(1, len(data) + 1):
        at, needs_inspection = scanner.skip(data[:end], at)
        assert not needs_inspection
    assert (at, scanner.part, scanner.columns, scanner.status) == (len(data), ReplyPart.NOTHING, 2, 2)
