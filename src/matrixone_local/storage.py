"""Where the files of stages lie: folders of this machine that were allowed, and S3 through obstore."""

from __future__ import annotations

import bz2
import fnmatch
import gzip
import importlib
import io
import os
import re
import shutil
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Protocol

from .errors import Refused, bad_configuration, bad_input, internal

MISSING = "the file does not exist in load flow"
CHUNK = 1 << 20
S3_NEEDS = ("AWS_KEY_ID", "AWS_SECRET_KEY", "AWS_REGION", "ENDPOINT")
WILD = re.compile(r"[*?\[]")


class Store(Protocol):
    """Somewhere files lie. Paths are those within it; a refusal has the server's words."""

    def pieces(self, path: str) -> Iterator[bytes]:
        """A file's bytes, piece by piece."""
        ...

    def list(self, pattern: str) -> list[str]:
        """The full paths of the files in a folder, or that a pattern names (server-facts 30)."""
        ...

    def read(self, path: str, offset: int, size: int | None) -> bytes | None:
        """At most *size* bytes of a file from *offset* on (None: all); None if there is no such file."""
        ...

    def write(self, path: str, file: IO[bytes]) -> bool:
        """Make a new file with what is in *file*; False if there is one."""
        ...

    def remove(self, pattern: str) -> int:
        """Remove the file of this path, or those that a pattern names; how many they were."""
        ...


class Storage:
    """Finds what a URL names.

    Args:
        allowed: the folders under which files may be used.
    """

    def __init__(self, allowed: Sequence[Path]) -> None:
        self._folders = Folders(allowed)

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
    """

    def __init__(self, allowed: Sequence[Path]) -> None:
        self._allowed = tuple(path.resolve() for path in allowed)

    def pieces(self, path: str) -> Iterator[bytes]:
        """A file's bytes, piece by piece."""
        if " " in path:
            raise Refused(20411, f"invalid file path {path}")  # server-facts 26
        if not Path(path).resolve().exists():
            raise bad_input(MISSING)
        place = self._inside(Path(path))
        try:
            with place.open("rb") as file:
                before = os.fstat(file.fileno())
                while data := file.read(CHUNK):
                    yield data
                after = os.fstat(file.fileno())
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise bad_input(MISSING) from None
        except OSError as error:
            raise internal(f"{path}: {error.strerror}") from None
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise internal(f"{path} was changed while it was read")

    def list(self, pattern: str) -> list[str]:
        """The full paths of the files in a folder, or that a pattern names."""
        if not WILD.search(pattern):
            folder = self._inside(Path(pattern))
            if folder.is_file():
                raise Refused(1105, f"readdirent {pattern}: not a directory")
            pattern = f"{pattern}/*"
        found = [Path("/")]
        *folders, name = Path(pattern).parts[1:]
        for part in folders:
            if WILD.search(part):
                found = [self._inside(folder) for folder in found]
            found = [one for folder in found for one in _named(folder, part) if one.is_dir()]
        inside = [self._inside(folder) for folder in found]
        return sorted(str(one) for folder in inside for one in _named(folder, name) if one.is_file())

    def read(self, path: str, offset: int, size: int | None) -> bytes | None:
        """A piece of a file."""
        place = self._inside(Path(path))
        if place.is_dir():
            raise Refused(1105, f"read {path}: is a directory")
        try:
            with place.open("rb") as file:
                file.seek(offset)
                return file.read(size)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise internal(f"{path}: {error.strerror}") from None

    def write(self, path: str, file: IO[bytes]) -> bool:
        """Make a new file."""
        place = self._inside(Path(path))
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("xb") as target:
                shutil.copyfileobj(file, target)
        except FileExistsError:
            return False
        except OSError as error:
            with suppress(OSError):
                place.unlink()  # a part of a file is none
            raise internal(f"{path}: {error.strerror}") from None
        return True

    def remove(self, pattern: str) -> int:
        """Remove files."""
        places = [*map(Path, self.list(pattern))] if WILD.search(pattern) else [self._inside(Path(pattern))]
        files = [place for place in places if place.is_file()]
        for file in files:
            file.unlink()
        return len(files)

    def _inside(self, path: Path) -> Path:
        """The path without links and `..`, if it may be used."""
        path = path.resolve()
        if not any(path.is_relative_to(folder) for folder in self._allowed):
            folders = ", ".join(map(str, self._allowed))
            raise internal(
                f"{path} lies outside the folders this server may read ({folders}); start it with --allow-path"
            )
        return path


def _named(folder: Path, part: str) -> Iterator[Path]:
    """What is called so in a folder; a name without wildcards is taken as it stands."""
    if not WILD.search(part):
        yield folder / part
    elif folder.is_dir():
        yield from (one for one in folder.iterdir() if fnmatch.fnmatchcase(one.name, part))


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
            except FileNotFoundError:  # of the file or of the bucket
                raise bad_input(MISSING) from None

    def list(self, pattern: str) -> list[str]:
        """The full paths of the files in a folder, or that a pattern names."""
        with self._for_files() as objects:
            return sorted(f"/{key}" for key in _keys(objects, pattern))

    def read(self, path: str, offset: int, size: int | None) -> bytes | None:
        """A piece of a file."""
        with self._for_files() as objects:
            length = _length(objects, path)
            if length is None:
                return None
            end = length if size is None else min(offset + size, length)
            return bytes(objects.get_range(path, start=offset, end=end)) if offset < end else b""

    def write(self, path: str, file: IO[bytes]) -> bool:
        """Make a new file."""
        with self._for_files() as objects:
            if _length(objects, path) is not None:
                return False
            objects.put(path, file)
        return True

    def remove(self, pattern: str) -> int:
        """Remove files."""
        with self._for_files() as objects:
            keys = _keys(objects, pattern)
            for key in keys:
                objects.delete(key)
        return len(keys)

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
        given, endpoint = self._given, self._given["ENDPOINT"]
        if not endpoint.startswith(("http://", "https://")):
            raise internal(f'parse "{endpoint}": first path segment in URL cannot contain colon')
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
                raise Refused(1105, "The specified bucket does not exist") from None
            raise internal(_without_secrets(f'Get "{endpoint}/{self._name}": {_reason(error)}', given)) from None


def _reason(error: BaseException) -> str:
    """An error of the store in one line, with the causes that its text has further down."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith(("Debug source", "["))]
    return " ".join(dict.fromkeys(told)) or repr(error)


def _length(objects: Any, key: str) -> int | None:
    """How many bytes an object has; None if there is none."""
    try:
        size: int = objects.head(key)["size"]
    except FileNotFoundError:
        return None
    return size


def _keys(objects: Any, pattern: str) -> list[str]:
    """The keys that a folder or a pattern names, one level of folders a part."""
    if pattern.endswith("/") or not pattern:
        pattern += "*"
    *folders, name = pattern.split("/")
    prefixes = [""]
    for part in folders:
        if WILD.search(part):
            found = [p for prefix in prefixes for p in objects.list_with_delimiter(prefix or None)["common_prefixes"]]
            folders_found = [p.rstrip("/") for p in found]
            prefixes = [f"{p}/" for p in folders_found if fnmatch.fnmatchcase(p.rpartition("/")[2], part)]
        else:
            prefixes = [f"{prefix}{part}/" for prefix in prefixes]
    keys = [one["path"] for prefix in prefixes for one in objects.list_with_delimiter(prefix or None)["objects"]]
    return [key for key in keys if fnmatch.fnmatchcase(key.rpartition("/")[2], name)]


def _is_address(endpoint: str) -> bool:
    """Whether the endpoint is a plain address or localhost, which has no sub-domains for buckets."""
    return bool(re.match(r"https?://(\d+\.\d+\.\d+\.\d+|localhost|\[)", endpoint))


def _without_secrets(words: str, given: Mapping[str, str]) -> str:
    return words.replace(given["AWS_SECRET_KEY"], "***").replace(given["AWS_KEY_ID"], "***")


def unpacked(raw: Iterator[bytes], compression: str, name: str) -> Iterator[bytes]:
    """A file's bytes, unpacked.

    Args:
        raw: its bytes as they lie.
        compression: `none`, `gzip`, `bz2`, or `auto` to tell by the suffix (server-facts 22).
        name: its name.

    Raises:
        Refused: it is not compressed as it was said to be.
    """
    if compression == "auto":
        compression = {".gz": "gzip", ".bz2": "bz2"}.get(Path(name).suffix.lower(), "none")
    if compression == "none":
        yield from raw
        return
    openers = {"gzip": gzip.open, "bz2": bz2.open}
    if compression not in openers:
        raise internal(f"the compression {compression} is not known to the local server; gzip and bz2 are")
    with tempfile.SpooledTemporaryFile(max_size=CHUNK) as packed:
        for piece in raw:
            packed.write(piece)
        packed.seek(0)
        try:
            with _opened(openers[compression], packed) as file:
                while data := file.read(CHUNK):
                    yield data
        except (OSError, EOFError) as error:
            raise internal(f"{compression}: {error}") from None


@contextmanager
def _opened(opener: Any, packed: IO[bytes]) -> Generator[io.BufferedIOBase]:
    with closing(opener(packed, "rb")) as file:
        yield file
