"""Reading a stage's files by ranges, from folders and from S3, by what servers have been seen to answer."""

import pytest
from script import drive, play, rows

from matrixone_core import stage_files
from matrixone_core.errors import ServerError, StageFileNotFound
from matrixone_core.sql.files import PIECE, CountReached, FileLength, ReadFile, ReadRange

URL = "stage://s/a"
LARGEST = stage_files.LARGEST_VALUE


class Server:
    """One that has a file of so many bytes (server-facts 31, 60)."""

    def __init__(self, size, *, on_s3):
        self.data = bytes(size) if size < 2**25 else None
        self.size, self.on_s3, self.asked = size, on_s3, []

    def answer(self, step):
        self.asked.append(step)
        if isinstance(step, FileLength):
            offset = int(step.url.partition("?offset=")[2] or 0)
            if offset > self.size:
                raise ServerError("internal error: offset exceeds file size")
            if self.size - offset > LARGEST:
                raise ServerError("internal error: Data too long for blob")
            if self.on_s3 and offset and offset == self.size:
                raise ServerError("The requested range is not satisfiable")
            return self.size - offset or None
        if isinstance(step, CountReached):
            self.refuse_past_the_end(step.offsets)
            return sum(offset < self.size for offset in step.offsets)
        if isinstance(step, ReadRange):
            self.refuse_past_the_end([step.offset])
            return bytes(min(step.size, max(self.size - step.offset, 0)))
        assert isinstance(step, ReadFile)
        offsets = [step.offset + at * step.size for at in range(step.pieces)]
        self.refuse_past_the_end(offsets)
        return b"".join(self.data[at : at + step.size] for at in offsets)

    def refuse_past_the_end(self, offsets):
        if self.on_s3 and max(offsets) >= self.size:
            past = (
                "The requested range is not satisfiable" if max(offsets) == self.size else "panic not logged: EOF: \n"
            )
            raise ServerError(past)

    def run(self, op):
        return drive(op, self.answer)


@pytest.fixture(params=[False, True], ids=["folder", "s3"])
def server(request):
    return lambda size: Server(size, on_s3=request.param)


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 5 * PIECE - 3, 16 * PIECE])
@pytest.mark.parametrize("pieces", [1, 2, 16])
def test_a_file_is_read_to_its_end(server, size, pieces):
    served, found = server(size), b""
    while True:
        piece = served.run(stage_files.read(URL, len(found), pieces))
        found += piece
        if len(piece) < pieces * PIECE:
            break
    assert len(found) == size
    assert served.run(stage_files.read(URL, size + 10, pieces)) == b""


@pytest.mark.parametrize(
    "size", [0, 1, LARGEST, LARGEST + 1, 2 * LARGEST, 2 * LARGEST + 1, 4 * LARGEST, 466_000_000, 2**40 + 17]
)
def test_how_long_a_file_is(server, size):
    served = server(size)
    assert served.run(stage_files.size_of(URL)) == size
    assert len(served.asked) < 40


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 25, 1000, 40_960, 40_961, 77_777, 10 * 2**24 + 3])
def test_a_size_is_found_by_probes(server, size):
    served = server(size)
    assert served.run(stage_files.size_by_probes(URL, 10)) == size
    lengths = [step for step in served.asked if isinstance(step, FileLength)]
    assert [size - int(step.url.partition("?offset=")[2] or 0) <= 10 for step in lengths] == [True]  # little is read
    if not served.on_s3:
        assert len(served.asked) < (8 if size < 10**5 else 16)


def test_how_far_a_file_reaches(server):
    assert server(10).run(stage_files.count_reached(URL, (0, 9, 10, 11))) == 2
    assert server(10).run(stage_files.count_reached(URL, (11,))) == 0
    assert server(10).run(stage_files.count_reached(URL, (3,))) == 1


def test_whether_there_is_a_file(server):
    assert server(0).run(stage_files.is_there(URL))
    assert play(stage_files.is_there(URL), StageFileNotFound("not found"))[1] is False


@pytest.mark.parametrize(
    "op",
    [
        stage_files.read(URL),
        stage_files.size_of(URL),
        stage_files.count_reached(URL, (1,)),
        stage_files.size_by_probes(URL, 5),
    ],
)
def test_other_errors(op):
    with pytest.raises(ServerError, match="broken"):
        play(op, ServerError("broken"))


def test_what_is_sent():
    asked = ReadFile(URL, 5, pieces=2, size=3)
    assert "?offset=8&size=3" in str(asked)
    assert asked.parse(rows({"piece0": "616263", "piece1": None})) == b"abc"
    reached = CountReached(URL, (7, 9))
    one = " + CASE WHEN load_file(CAST('stage://s/a?offset={}&size=1' AS datalink)) IS NULL THEN 0 ELSE 1 END"
    assert str(reached) == f"SELECT 0{one.format(7)}{one.format(9)} AS reached"
    assert reached.parse(rows({"reached": 1})) == 1


def test_an_end_that_cannot_be_measured_is_an_error():
    def answer(step):
        if isinstance(step, FileLength):
            raise ServerError("the storage is away")
        return 0

    with pytest.raises(ServerError, match="the storage is away"):
        drive(stage_files.size_by_probes(URL, PIECE), answer)
