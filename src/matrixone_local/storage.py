"""Where the files of stages lie: folders of this machine that were allowed, and S3 through obstore."""

from __future__ import annotations

import bz2
import fnmatch
import gzip
import importlib
import io
import re
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

from .errors import Refused, bad_configuration, bad_input, internal

MISSING = "the file does not exist in load flow"
CHUNK = 1 << 20
S3_NEEDS = ("AWS_KEY_ID", "AWS_SECRET_KEY", "AWS_REGION", "ENDPOINT")
_WILD = re.compile(r"[*?\[]")


class Storage:
    """Opens what a URL names.

    Args:
        allowed: the folders under which files may be read.
    """

    def __init__(self, allowed: Sequence[Path]) -> None:
        self.allowed = tuple(path.resolve() for path in allowed)

    def open(self, url: str, credentials: Mapping[str, str], compression: str = "auto") -> Iterator[bytes]:
        """The bytes of a file, unpacked, piece by piece.

        Args:
            url: `file:///…` or `s3://bucket/key`.
            credentials: a stage's, by name; unused for `file://`.
            compression: `none`, `gzip`, `bz2`, or `auto` to tell by the suffix (server-facts 22).

        Raises:
            Refused: there is no such file, it is not allowed, or it is not compressed as it was said to be.
        """
        scheme, _, rest = url.partition("://")
        raw = self._local(rest) if scheme == "file" else _s3(rest, credentials)
        yield from _unpacked(raw, _compression(url) if compression == "auto" else compression)

    def list(self, url: str, credentials: Mapping[str, str]) -> list[str]:
        """The full paths of the files that a URL names, wildcards in folders and names included (server-facts 30).

        Args:
            url: a folder, or a pattern.
            credentials: a stage's, by name; unused for `file://`.

        Raises:
            Refused: it is a file, or cannot be read.
        """
        scheme, _, rest = url.partition("://")
        if scheme == "s3":
            bucket, _, key = rest.partition("/")
            with _bucket(bucket, credentials, "Stage credentials: {}", (*S3_NEEDS, "PROVIDER")) as objects:
                return sorted(f"/{path}" for path in _objects(objects, key))
        if not _WILD.search(rest):
            rest = f"{rest.rstrip('/')}/*"
            if self._allowed(Path(rest).parent).is_file():
                raise Refused(1105, f"readdirent {Path(rest).parent}: not a directory")
        found = [Path("/")]
        *folders, name = Path(rest).parts[1:]
        for part in folders:
            if _WILD.search(part):
                found = [self._allowed(folder) for folder in found]
            found = [one for folder in found for one in _named(folder, part) if one.is_dir()]
        allowed = [self._allowed(folder) for folder in found]
        return sorted(str(one) for folder in allowed for one in _named(folder, name) if one.is_file())

    def read(self, url: str, credentials: Mapping[str, str], offset: int, size: int | None) -> bytes | None:
        """A piece of a file as it stands; None if there is none.

        Args:
            url: `file:///…` or `s3://bucket/key`.
            credentials: a stage's, by name; unused for `file://`.
            offset: where the piece begins.
            size: how many bytes it has at most; None for all that follow.

        Raises:
            Refused: it is a folder, or cannot be read.
        """
        scheme, _, rest = url.partition("://")
        if scheme == "s3":
            bucket, _, key = rest.partition("/")
            with _bucket(bucket, credentials, "Stage credentials: {}", (*S3_NEEDS, "PROVIDER")) as objects:
                whole = bytes(objects.get(key).bytes()) if _exists(objects, key) else None
            return None if whole is None else whole[offset : None if size is None else offset + size]
        path = self._allowed(Path(rest))
        if path.is_dir():
            raise Refused(1105, f"read {rest}: is a directory")
        if not path.exists():
            return None
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def write(self, url: str, credentials: Mapping[str, str], data: bytes) -> bool:
        """Make a new file with this content; False if there is one.

        Raises:
            Refused: it cannot be written.
        """
        scheme, _, rest = url.partition("://")
        if scheme == "s3":
            bucket, _, key = rest.partition("/")
            with _bucket(bucket, credentials, "Stage credentials: {}", (*S3_NEEDS, "PROVIDER")) as objects:
                if _exists(objects, key):
                    return False
                objects.put(key, data)
            return True
        path = self._allowed(Path(rest))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(data)
        except FileExistsError:
            return False
        except OSError as error:
            raise internal(f"{rest}: {error.strerror}") from None
        return True

    def remove(self, url: str, credentials: Mapping[str, str]) -> int:
        """Remove the files that a URL names, wildcards included; how many they were.

        Raises:
            Refused: they cannot be removed.
        """
        scheme, _, rest = url.partition("://")
        if scheme == "s3":
            bucket, _, key = rest.partition("/")
            with _bucket(bucket, credentials, "Stage credentials: {}", (*S3_NEEDS, "PROVIDER")) as objects:
                keys = _objects(objects, key)
                for one in keys:
                    objects.delete(one)
            return len(keys)
        paths = [Path(path) for path in self.list(url, {})] if _WILD.search(rest) else [self._allowed(Path(rest))]
        paths = [path for path in paths if path.is_file()]
        for path in paths:
            path.unlink()
        return len(paths)

    def _local(self, name: str) -> Iterator[bytes]:
        if " " in name:
            raise Refused(20411, f"invalid file path {name}")  # server-facts 26
        path = Path(name).resolve()
        if not path.exists():
            raise bad_input(MISSING)
        self._allowed(path)
        try:
            with path.open("rb") as file:
                while data := file.read(CHUNK):
                    yield data
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise bad_input(MISSING) from None
        except OSError as error:
            raise internal(f"{name}: {error.strerror}") from None

    def _allowed(self, path: Path) -> Path:
        """The path without links and `..`, if it may be read."""
        path = path.resolve()
        if not any(path.is_relative_to(folder) for folder in self.allowed):
            folders = ", ".join(map(str, self.allowed))
            raise internal(
                f"{path} lies outside the folders this server may read ({folders}); start it with --allow-path"
            )
        return path


def _named(folder: Path, part: str) -> Iterator[Path]:
    """What is called so in a folder; a name without wildcards is taken as it stands."""
    if not _WILD.search(part):
        yield folder / part
    elif folder.is_dir():
        yield from (one for one in folder.iterdir() if fnmatch.fnmatchcase(one.name, part))


def _s3(place: str, credentials: Mapping[str, str]) -> Iterator[bytes]:
    bucket, _, key = place.partition("/")
    with _bucket(bucket, credentials, "Credentials {}", S3_NEEDS) as objects:
        try:
            for piece in objects.get(key).stream(min_chunk_size=CHUNK):
                yield bytes(piece)
        except FileNotFoundError:
            raise bad_input(MISSING) from None


@contextmanager
def _bucket(bucket: str, credentials: Mapping[str, str], words: str, needed: Sequence[str]) -> Generator[Any]:
    """A bucket, its errors in the server's words.

    Args:
        bucket: its name.
        credentials: a stage's, by name.
        words: how a missing one is told; a load and a listing say it in different words.
        needed: the credentials that there have to be.
    """
    given = {name.upper(): value for name, value in credentials.items()}
    for name in needed:
        if not given.get(name):
            told = name if words.startswith("Stage") else name.lower()
            raise bad_configuration(f"{words.format(told)} not found")
    endpoint = given["ENDPOINT"]
    if not endpoint.startswith(("http://", "https://")):
        raise internal(f'parse "{endpoint}": first path segment in URL cannot contain colon')
    store: Any = importlib.import_module("obstore.store")
    errors: Any = importlib.import_module("obstore.exceptions")
    try:
        yield store.S3Store(
            bucket,
            endpoint=endpoint,
            access_key_id=given["AWS_KEY_ID"],
            secret_access_key=given["AWS_SECRET_KEY"],
            region=given["AWS_REGION"],
            virtual_hosted_style_request=given.get("PROVIDER", "minio") != "minio" and not _is_address(endpoint),
            client_options={"allow_http": True, "timeout": "60s", "connect_timeout": "5s"},
            retry_config={"max_retries": 2},
        )
    except FileNotFoundError as error:
        if "NoSuchBucket" in str(error):
            raise Refused(1105, "The specified bucket does not exist") from None
        raise
    except errors.BaseError as error:
        if "NoSuchBucket" in str(error):
            raise Refused(1105, "The specified bucket does not exist") from None
        raise internal(_without_secrets(f'Get "{endpoint}/{bucket}": {_reason(error)}', given)) from None


def _reason(error: BaseException) -> str:
    """An error of the store in one line, with the causes that its text has further down."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith(("Debug source", "["))]
    return " ".join(dict.fromkeys(told)) or repr(error)


def _exists(objects: Any, key: str) -> bool:
    try:
        objects.head(key)
    except FileNotFoundError:
        return False
    return True


def _objects(objects: Any, pattern: str) -> list[str]:
    """The keys that a folder or a pattern names, one level of folders a part."""
    if pattern.endswith("/") or not pattern:
        pattern += "*"
    *folders, name = pattern.split("/")
    prefixes = [""]
    for part in folders:
        if _WILD.search(part):
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


def _compression(url: str) -> str:
    return {".gz": "gzip", ".bz2": "bz2"}.get(Path(url).suffix.lower(), "none")


def _unpacked(raw: Iterator[bytes], compression: str) -> Iterator[bytes]:
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
