"""What a client may give as data: paths, bytes, files and iterables of every kind, blocking and asynchronous."""

import asyncio
import bz2
import gzip
import io
import lzma
import os
from pathlib import Path

import anyio
import pytest
from starlette.datastructures import UploadFile

from matrixone_core.errors import InvalidArgument, LoadFailed
from matrixone_core.loading.inputs import client_stream
from matrixone_core.loading.inputs.client_stream import JOINED, PIECE, compressed_name_of, name_of
from matrixone_platform.machine import LocalMachine

TEXT = "1,Ada\n2,Zoë 😀\n" * 100
DATA = TEXT.encode()
MACHINE = LocalMachine()


def chunks_of(data, encoding="utf-8"):
    return client_stream.chunks_of(data, MACHINE, encoding)


def length_of(data):
    return client_stream.length_of(data, MACHINE)


def is_rereadable(data):
    return client_stream.is_rereadable(data, MACHINE)


def read(data, encoding="utf-8"):
    return b"".join(chunks_of(data, encoding))


def read_async(data):
    async def collect():
        return b"".join([piece async for piece in chunks_of(data)])

    return asyncio.run(collect())


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a,b.csv"
    path.write_bytes(DATA)
    return path


def gzipped(path):
    path.write_bytes(gzip.compress(DATA))
    return path


@pytest.mark.parametrize(
    "data",
    [
        DATA, bytearray(DATA), memoryview(DATA), memoryview(DATA[::-1])[::-1], io.BytesIO(DATA), io.StringIO(TEXT),
        [DATA[:7], bytearray(DATA[7:9]), memoryview(DATA)[9:]], (TEXT[:9], TEXT[9:]), TEXT.splitlines(keepends=True),
        io.BufferedReader(io.BytesIO(DATA)), UploadFile(io.BytesIO(DATA), filename="u.csv"),
    ],
    ids=lambda data: type(data).__name__,
)  # fmt: skip
def test_data_in_memory(data):
    assert read(data) == DATA


@pytest.mark.parametrize("data", [b"", io.BytesIO(), io.StringIO(), [], iter(())], ids=lambda data: type(data).__name__)
def test_no_data(data):
    assert read(data) == b""


def test_paths_and_files(file, tmp_path):
    assert read(file) == read(str(file)) == DATA
    packed = gzipped(tmp_path / "a.csv.gz")
    assert read(packed) == packed.read_bytes()
    with file.open("rb") as binary, file.open("rb", buffering=0) as raw, file.open(encoding="utf-8") as text:
        assert read(binary) == read(raw) == read(text) == DATA
    with gzip.open(packed) as binary, gzip.open(packed, "rt", encoding="utf-8") as text:
        assert read(binary) == read(text) == DATA
    with file.open("rb") as part:
        part.seek(6)
        assert read(part) == DATA[6:]


def test_large_data_comes_in_pieces(file):
    large = DATA * 2000
    file.write_bytes(large)
    pieces = list(chunks_of(file))
    assert b"".join(pieces) == large
    assert (
        max(map(len, pieces)) == max(map(len, chunks_of(large))) == max(map(len, chunks_of(io.BytesIO(large)))) == PIECE
    )


def test_generators():
    assert read(TEXT[at : at + 5] for at in range(0, len(TEXT), 5)) == DATA
    assert read(DATA[at : at + 5] for at in range(0, len(DATA), 5)) == DATA


def test_what_is_awaited(file):
    async def pieces():
        yield DATA[:10]
        yield DATA[10:].decode()

    async def of_anyio(mode, **options):
        async with await anyio.open_file(file, mode, **options) as opened:
            return b"".join([piece async for piece in chunks_of(opened)])

    async def of_stream():
        stream = asyncio.StreamReader()
        stream.feed_data(DATA)
        stream.feed_eof()
        return b"".join([piece async for piece in chunks_of(stream)])

    assert read_async(pieces()) == DATA
    assert asyncio.run(of_anyio("rb")) == DATA
    assert asyncio.run(of_anyio("r", encoding="utf-8")) == DATA
    assert asyncio.run(of_stream()) == DATA
    with pytest.raises(LoadFailed, match="a,b.csv cannot be read: 'ascii' codec can't decode byte"):
        asyncio.run(of_anyio("r", encoding="ascii"))


class Upload:
    """An upload whose file has to be awaited as well."""

    filename = "u.csv"

    def __init__(self):
        self.file = self
        self.left = [DATA[:9], DATA[9:], b""]

    async def read(self, size):
        return self.left.pop(0)


def test_an_upload_that_can_only_be_awaited():
    assert read_async(Upload()) == DATA


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig", "gb18030"])
def test_text_survives_any_encoding_that_the_bytes_are_decoded_by(encoding):
    assert read(io.StringIO(TEXT), encoding).decode(encoding) == TEXT
    assert read([TEXT[:10], TEXT[10:]], encoding).decode(encoding) == TEXT


def test_text_that_cannot_be_encoded():
    with pytest.raises(LoadFailed, match=r"the text of <list> has U\+00EB, which is not in ascii; leave encoding= out"):
        read([TEXT], "ascii")
    with pytest.raises(LoadFailed, match=r"the text of <StringIO> has U\+D83D, which is half a character"):
        read(io.StringIO("1,\ud83d\n"))


def test_a_text_file_in_another_encoding(file):
    with (
        file.open(encoding="ascii") as text,
        pytest.raises(LoadFailed, match="a,b.csv cannot be read: 'ascii' codec can't decode"),
    ):
        read(text)


@pytest.mark.parametrize(
    ("opener", "compress"), [(gzip.open, gzip.compress), (bz2.open, bz2.compress), (lzma.open, lzma.compress)]
)
@pytest.mark.parametrize("mode", ["rb", "rt"])
def test_compressed_files_that_are_open(tmp_path, opener, compress, mode):
    path = tmp_path / "a.csv.packed"
    for content, reads in ((compress(DATA), True), (compress(DATA)[:-9], False), (DATA, False)):
        path.write_bytes(content)
        with opener(path, mode, **({"encoding": "utf-8"} if mode == "rt" else {})) as file:
            if reads:
                assert read(file) == DATA
            else:
                with pytest.raises(
                    LoadFailed, match="a.csv.packed cannot be read: " if opener is gzip.open else "cannot be read: "
                ):
                    read(file)


def test_a_str_is_a_path_always(tmp_path):
    for text in ("id,name\n1,Ada\n", '{"id": 1}', "1,Ada", "1,\0"):
        for call in (read, length_of):
            with pytest.raises(
                InvalidArgument, match=r"a str is a path, and there is no file .*: give text by io.StringIO\(text\)"
            ):
                call(text)
    for text in ("1,Ada\n" * 1_000_000, "x" * 1_000_000):
        with pytest.raises(InvalidArgument, match="a str is a path") as raised:
            read(text)
        assert len(str(raised.value)) < 400
    for call in (read, length_of):
        for path in ("absent.csv", Path("a,b\n.csv")):
            with pytest.raises(FileNotFoundError):
                call(path)
    folder = tmp_path / "a,b"
    folder.mkdir()
    with pytest.raises(IsADirectoryError):
        read(str(folder))


class Frame:
    """What frames of all libraries have in common."""

    def __iter__(self):
        return iter(["id", "name"])

    def __array__(self):
        raise NotImplementedError


class Table(Frame):
    __array__ = None

    def __arrow_c_stream__(self, requested_schema=None):
        raise NotImplementedError


@pytest.mark.parametrize(
    "data", [5, None, {"id": [1]}, {"1,Ada\n"}, Frame(), Table()], ids=lambda data: type(data).__name__
)
def test_what_is_no_file(data):
    with pytest.raises(
        InvalidArgument, match=rf"{type(data).__name__} cannot be read as a file: .*io.StringIO\(text\).*read_arrow"
    ):
        chunks_of(data)


def test_pieces_that_are_neither_bytes_nor_text():
    async def later(size):
        return b""

    class Odd:
        name = "odd.csv"

        def __init__(self, read):
            self.read = read

    for piece in (1, {"id": 1}, (1, "Ada")):
        with pytest.raises(InvalidArgument, match=f"<list> gives {type(piece).__name__} where bytes or str are wanted"):
            read([piece])
    with pytest.raises(InvalidArgument, match="odd.csv gives NoneType where bytes"):
        read(Odd(lambda size: None))
    with pytest.raises(InvalidArgument, match="odd.csv gives coroutine where bytes"):
        read(Odd(lambda size: later(size)))  # noqa: PLW0108  # a function that is no coroutine function


def test_a_closed_file(file):
    with file.open("rb") as opened:
        pass
    with pytest.raises(InvalidArgument, match="a,b.csv is closed; give it open, or give its path"):
        chunks_of(opened)


def test_names(file, tmp_path):
    packed = gzipped(tmp_path / "a.csv.gz")
    upload = UploadFile(io.BytesIO(DATA), filename="u.csv.gz")
    with (
        file.open("rb") as opened,
        gzip.open(packed) as unpacked,
        packed.open("rb") as raw,
        gzip.open(packed, "rt") as text,
    ):
        assert name_of(opened) == name_of(file) == name_of(str(file)) == str(file)
        assert [name_of(upload), name_of(UploadFile(io.BytesIO())), name_of(b""), name_of(io.StringIO())] == [
            "u.csv.gz", "<UploadFile>", "<bytes>", "<StringIO>",
        ]  # fmt: skip
        assert compressed_name_of(raw) == name_of(unpacked) == str(packed)
        assert [compressed_name_of(unpacked), compressed_name_of(text), compressed_name_of(upload)] == [
            "",
            "",
            "u.csv.gz",
        ]
    with os.fdopen(os.open(file, os.O_RDONLY), "rb") as numbered:
        assert name_of(numbered) == "<BufferedReader>"


def test_lengths(file, tmp_path):
    with (
        file.open("rb") as opened,
        file.open("rb", buffering=0) as raw,
        gzip.open(gzipped(tmp_path / "a.gz")) as packed,
    ):
        opened.seek(10)
        assert [length_of(opened), opened.tell(), length_of(raw), length_of(packed)] == [
            len(DATA) - 10,
            10,
            len(DATA),
            None,
        ]
    wide = memoryview(DATA[:8]).cast("I")
    assert [length_of(each) for each in (file, str(file), DATA, bytearray(DATA), wide, io.BytesIO(DATA))] == [
        len(DATA)
    ] * 4 + [8, len(DATA)]
    assert length_of(UploadFile(io.BytesIO(DATA), size=len(DATA), filename="u")) == len(DATA)
    assert [length_of(each) for each in (UploadFile(io.BytesIO(DATA)), iter([]), io.StringIO(TEXT), [DATA])] == [
        None
    ] * 4


def test_a_pipe_has_no_length_and_is_read_once(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert length_of(pipe) is None
    assert not is_rereadable(pipe)
    read_end, write_end = os.pipe()
    os.write(write_end, DATA[:100])
    os.close(write_end)
    with os.fdopen(read_end, "rb") as opened:
        assert length_of(opened) is None
        assert read(opened) == DATA[:100]


def test_what_can_be_read_again(file):
    for data in (file, str(file), DATA, bytearray(DATA), memoryview(DATA), [DATA], (TEXT,)):
        assert is_rereadable(data)
        assert read(data) == read(data) == DATA
    with file.open("rb") as opened:
        assert not any(map(is_rereadable, (opened, io.StringIO(TEXT), iter([DATA]), UploadFile(io.BytesIO(DATA)))))


def test_what_identifies_a_file(file):
    length, digest = client_stream.digest_of_file(str(file), MACHINE, whole=True)
    assert (length, len(digest)) == (len(DATA), 32)
    large = DATA * 3000
    file.write_bytes(large)
    assert client_stream.digest_of_file(str(file), MACHINE, whole=False) == (len(large), large[:PIECE] + large[-PIECE:])
    assert client_stream.digest_of_file(str(file), MACHINE, whole=True)[1] != digest


@pytest.mark.parametrize(
    ("sizes", "joined"),
    [
        ([], []),
        ([1, 2], [3]),
        ([JOINED - 1, 1, 5], [JOINED, 5]),
        ([JOINED], [JOINED]),
        ([3 * JOINED, 0, 1], [3 * JOINED, 1]),
    ],
)
def test_small_pieces_are_joined(sizes, joined):
    """A worker thread is asked for each piece under asyncio, so a line each would take ages."""

    async def pieces():
        for size in sizes:
            yield b"x" * size

    async def lengths():
        return [len(piece) async for piece in chunks_of(pieces())]

    assert [len(piece) for piece in chunks_of(iter([b"x" * size for size in sizes]))] == joined
    assert asyncio.run(lengths()) == joined


def test_what_was_read_of_asynchronous_chunks_comes_before_the_others():
    async def rest():
        yield b"c"

    async def collect():
        return [piece async for piece in client_stream.begin_with([b"a", b"b"], rest())]

    assert asyncio.run(collect()) == [b"a", b"b", b"c"]
    assert list(client_stream.begin_with([b"a"], iter([b"b"]))) == [b"a", b"b"]


@pytest.mark.parametrize("kind", [list, tuple])
@pytest.mark.parametrize("item", ["a file", "a path", "of a stage"])
def test_a_list_of_paths_is_no_data(file, kind, item):
    first = {"a file": str(file), "a path": file / "missing", "of a stage": "stage://s/a.csv"}[item]
    with pytest.raises(InvalidArgument, match="a list has the pieces of one file, and '.*' is a path: load each file"):
        chunks_of(kind([first, first]))
    assert read(["1,", str(file)]) == f"1,{file}".encode()
