"""Where the files of stages lie: folders of this machine that were allowed, and S3 through obstore."""

from __future__ import annotations

import importlib
import os
import re
import shutil
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from matrixone_local.errors import SqlError, bad_configuration, bad_input, internal_error

_NOT_FOUND = "the file does not exist in load flow"
CHUNK = 1 << 20
SHORTEST_BUCKET = 3  # characters of its name
S3_NEEDS = ("AWS_KEY_ID", "AWS_SECRET_KEY", "AWS_REGION", "ENDPOINT")
_IN_PATHS = frozenset("!-_.*'()@/=%")  # what is not refused, beside letters and digits (server-facts 26, 69)


class FileMissing(SqlError):
    """There is no such file: a load is refused so, and an external table has no rows of it.

    Args:
        refused: what a load is refused with.
    """

    def __init__(self, refused: SqlError) -> None:
        super().__init__(refused.code, refused.message)


def check_path(path: str) -> None:
    """Refuse a path that a server's file service does not take; a colon in it names a service.

    Raises:
        SqlError: it has such a character.
    """
    service, colon, file = path.rpartition(":")
    if not all(
        letter.isalnum() or letter in _IN_PATHS or (letter > "\x7f" and letter.isprintable()) for letter in file
    ):
        raise SqlError(20411, f"invalid file path {file}")
    if colon:
        raise SqlError(20422, f"service {service} not found")


@dataclass(frozen=True)
class Entry:
    """A file or a folder in a folder.

    Args:
        name: its name.
        is_folder: whether it is a folder.
    """

    name: str
    is_folder: bool


class Store(Protocol):
    """Somewhere files lie. Paths are those within it; a refusal has the server's words."""

    def pieces(self, path: str) -> Iterator[bytes]:
        """A file's bytes, piece by piece."""
        ...

    def entries(self, folder: str) -> Sequence[Entry]:
        """The files and folders in a folder; none if there is no such folder."""
        ...

    def exists(self, path: str) -> bool:
        """Whether there is a file of this path; False for a folder."""
        ...

    def read(self, path: str, offset: int, size: int | None) -> bytes | None:
        """At most *size* bytes of a file from *offset* on (None: all); None if there is no such file."""
        ...

    def write(self, path: str, file: IO[bytes]) -> bool:
        """Make a new file with what is in *file*; False if there is one."""
        ...

    def remove(self, path: str) -> bool:
        """Remove a file; False if there is none."""
        ...

    def display_path(self, path: str) -> str:
        """What a refusal calls a file."""
        ...


class Storage:
    """Finds what a URL names.

    Args:
        allowed: the folders under which files may be used.
        own: the server's own folder, which is nobody's.
    """

    def __init__(self, allowed: Sequence[Path], own: Path) -> None:
        self._folders = Folders(allowed, own)

    def at(self, url: str, credentials: Mapping[str, str]) -> tuple[Store, str]:
        """Where a URL leads, and the path there.

        Args:
            url: `file:///…` or `s3://bucket/…`.
            credentials: a stage's, by name; unused for `file://`.
        """
        scheme, _, rest = url.partition("://")
        if scheme == "file":
            return self._folders, rest
        bucket, _, key = rest.partition("/")
        return Bucket(bucket, credentials), key


class Folders:
    """Folders of this machine.

    Args:
        allowed: those under which files may be used; no link and no `..` leads out of them.
        own: one that may not be used even so, as the server keeps its data there.
    """

    def __init__(self, allowed: Sequence[Path], own: Path) -> None:
        self._allowed = tuple(path.resolve() for path in allowed)
        self._own = own.resolve()

    def pieces(self, path: str) -> Iterator[bytes]:
        """A file's bytes, piece by piece."""
        check_path(path)
        place = self._inside(Path(path))
        if not place.exists():
            words = _not_a_folder(place, "stat")
            raise FileMissing(internal_error(words) if words else bad_input(_NOT_FOUND))
        try:
            with place.open("rb") as file:
                before = os.fstat(file.fileno())
                while data := file.read(CHUNK):
                    yield data
                after = os.fstat(file.fileno())
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise FileMissing(bad_input(_NOT_FOUND)) from None
        except OSError as error:
            raise internal_error(f"{path}: {error.strerror}") from None
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise internal_error(f"{path} was changed while it was read")

    def entries(self, folder: str) -> Sequence[Entry]:
        """What is in a folder; the folders above it are made (server-facts 59), names with a dot before left out."""
        check_path(folder)
        place = self._made(Path(folder), verb="open")
        if place.is_file():
            raise SqlError(1105, f"readdirent {folder}: not a directory")
        if not place.exists():
            return ()
        found = sorted(one for one in place.iterdir() if not one.name.startswith(".") and one != self._own)
        return [Entry(one.name, one.is_dir()) for one in found]

    def exists(self, path: str) -> bool:
        """Whether there is a file of this path; the folders above it are made (server-facts 59)."""
        check_path(path)
        return self._made(Path(path), is_folder=path.endswith("/")).is_file()

    def read(self, path: str, offset: int, size: int | None) -> bytes | None:
        """A piece of a file."""
        if not self.exists(path):
            return None
        try:
            with self._inside(Path(path)).open("rb") as file:
                if size is None:
                    _check_offset(offset, os.fstat(file.fileno()).st_size)
                file.seek(offset)
                return file.read(size)
        except OSError as error:
            raise internal_error(f"{path}: {error.strerror}") from None

    def write(self, path: str, file: IO[bytes]) -> bool:
        """Make a new file."""
        check_path(path)
        place = self._inside(Path(path))
        if words := _not_a_folder(place, "open"):
            raise SqlError(1105, words)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("xb") as target:
                shutil.copyfileobj(file, target)
        except FileExistsError:
            return False
        except OSError as error:
            with suppress(OSError):
                place.unlink()  # a part of a file is none
            raise internal_error(f"{path}: {error.strerror}") from None
        return True

    def remove(self, path: str) -> bool:
        """Remove a file."""
        found = self.exists(path)
        if found:
            self._inside(Path(path)).unlink()
        return found

    def display_path(self, path: str) -> str:
        """What a refusal calls a file: its name, without the folders."""
        return path.rpartition("/")[2]

    def _made(self, path: Path, *, is_folder: bool = False, verb: str = "stat") -> Path:
        """The path as `_inside` gives it, the folders above it made; a path below a file is refused."""
        place = self._inside(path)
        folder = place if is_folder else place.parent
        if not folder.is_dir() and (words := _not_a_folder(place, verb)):
            raise SqlError(1105, words)
        if not folder.exists() and self._is_inside(folder):
            folder.mkdir(parents=True)
        return place

    def _inside(self, path: Path) -> Path:
        """The path without links and `..`, if it may be used."""
        try:
            path = path.resolve()
        except RuntimeError:  # a loop of links; from Python 3.13 on it shows when the file is opened
            raise internal_error(f"{path}: too many levels of symbolic links") from None
        if path.is_relative_to(self._own):
            raise internal_error(f"{path} belongs to this server, which keeps its data there")
        if not self._is_inside(path):
            folders = ", ".join(map(str, self._allowed))
            raise internal_error(
                f"{path} is outside the folders this server may read ({folders}); start it with --allow-path"
            )
        return path

    def _is_inside(self, path: Path) -> bool:
        return any(path.is_relative_to(folder) for folder in self._allowed)


def _not_a_folder(path: Path, verb: str) -> str | None:
    """A server's words for a path below a file; None for other paths.

    Args:
        path: the path.
        verb: what was to be done with it; of a path further below, its folder was to be opened.
    """
    file = next((above for above in path.parents if above.is_file()), None)
    if file is None:
        return None
    return f"{verb} {path}: not a directory" if file == path.parent else f"open {path.parent}: not a directory"


class Bucket:
    """A bucket of S3.

    Args:
        name: its name.
        credentials: a stage's, by name.
    """

    def __init__(self, name: str, credentials: Mapping[str, str]) -> None:
        self._name = name
        self._given = {name.upper(): value for name, value in credentials.items()}

    def pieces(self, path: str) -> Iterator[bytes]:
        """A file's bytes, piece by piece."""
        for name in S3_NEEDS:
            if not self._given.get(name):
                raise bad_configuration(f"Credentials {name.lower()} not found")
        with self._opened() as objects:
            try:
                for piece in objects.get(path.lstrip("/")).stream(min_chunk_size=CHUNK):
                    yield bytes(piece)
            except FileNotFoundError as error:
                refused = bad_input(_NOT_FOUND)
                raise (refused if "NoSuchBucket" in str(error) else FileMissing(refused)) from None

    def entries(self, folder: str) -> Sequence[Entry]:
        """What is in a folder."""
        check_path(folder)
        with self._for_files() as objects:
            found = objects.list_with_delimiter(folder.strip("/") or None)
        files = [Entry(one["path"].rpartition("/")[2], is_folder=False) for one in found["objects"]]
        folders = [Entry(one.rstrip("/").rpartition("/")[2], is_folder=True) for one in found["common_prefixes"]]
        return sorted(files + folders, key=lambda one: one.name)

    def exists(self, path: str) -> bool:
        """Whether there is an object of this key."""
        check_path(path)
        with self._for_files() as objects:
            return _length(objects, path) is not None

    def read(self, path: str, offset: int, size: int | None) -> bytes | None:
        """A piece of a file; a range at its end or past it is an error (server-facts 60)."""
        check_path(path)
        with self._for_files() as objects:
            length = _length(objects, path)
            if length is None:
                return None
            if size is None:
                _check_offset(offset, length)
            if offset > length or not length:
                raise internal_error("panic this error should not be logged: EOF: ")
            if offset == length:
                raise SqlError(1105, "The requested range is not satisfiable")
            end = length if size is None else min(offset + size, length)
            return bytes(objects.get_range(path, start=offset, end=end))

    def write(self, path: str, file: IO[bytes]) -> bool:
        """Make a new file."""
        check_path(path)
        with self._for_files() as objects:
            if _length(objects, path) is not None:
                return False
            objects.put(path, file)
        return True

    def remove(self, path: str) -> bool:
        """Remove a file."""
        found = self.exists(path)
        if found:
            with self._for_files() as objects:
                objects.delete(path)
        return found

    def display_path(self, path: str) -> str:
        """What a refusal calls a file: its whole key."""
        return path.strip("/")

    @contextmanager
    def _for_files(self) -> Generator[Any]:
        """The bucket for what lists and reads, which wants the provider as well and says so in other words."""
        for name in (*S3_NEEDS, "PROVIDER"):
            if not self._given.get(name):
                raise bad_configuration(f"Stage credentials: {name} not found")
        with self._opened() as objects:
            yield objects

    @contextmanager
    def _opened(self) -> Generator[Any]:
        if len(self._name) < SHORTEST_BUCKET:
            raise SqlError(1105, f"Bucket name cannot be shorter than {SHORTEST_BUCKET} characters")
        given, endpoint = self._given, self._given["ENDPOINT"]
        if not endpoint.startswith(("http://", "https://")):
            raise internal_error(f'parse "{endpoint}": first path segment in URL cannot contain colon')
        store: Any = importlib.import_module("obstore.store")
        errors: Any = importlib.import_module("obstore.exceptions")
        try:
            yield store.S3Store(
                self._name,
                endpoint=endpoint,
                access_key_id=given["AWS_KEY_ID"],
                secret_access_key=given["AWS_SECRET_KEY"],
                region=given["AWS_REGION"],
                virtual_hosted_style_request=given.get("PROVIDER", "minio") != "minio" and not _is_address(endpoint),
                client_options={"allow_http": True, "timeout": "60s", "connect_timeout": "5s"},
                retry_config={"max_retries": 2},
            )
        except (FileNotFoundError, errors.BaseError) as error:
            if "NoSuchBucket" in str(error):
                raise SqlError(1105, "The specified bucket does not exist") from None
            raise internal_error(_without_secrets(f'Get "{endpoint}/{self._name}": {_reason(error)}', given)) from None


def _reason(error: BaseException) -> str:
    """An error of the store in one line, with the causes that its text has further down."""
    lines = [line.strip() for line in str(error).splitlines()]
    messages = [line for line in lines if line and not line.startswith(("Debug source", "["))]
    return " ".join(dict.fromkeys(messages)) or repr(error)


def _check_offset(offset: int, length: int) -> None:
    """Refuse the rest of a file from behind its end on; a range there has other answers (server-facts 60)."""
    if offset > length:
        raise internal_error("offset exceeds file size")


def _length(objects: Any, key: str) -> int | None:
    """How many bytes an object has; None if there is none."""
    try:
        size: int = objects.head(key)["size"]
    except FileNotFoundError:
        return None
    return size


def _is_address(endpoint: str) -> bool:
    """Whether the endpoint is a plain address or localhost, which has no sub-domains for buckets."""
    return bool(re.match(r"https?://(\d+\.\d+\.\d+\.\d+|localhost|\[)", endpoint))


def _without_secrets(words: str, given: Mapping[str, str]) -> str:
    return words.replace(given["AWS_SECRET_KEY"], "***").replace(given["AWS_KEY_ID"], "***")
