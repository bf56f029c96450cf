"""Where the files of stages lie: folders of this machine that were allowed, and S3 through obstore."""

from __future__ import annotations

import bz2
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

    def _local(self, name: str) -> Iterator[bytes]:
        if " " in name:
            raise Refused(20411, f"invalid file path {name}")  # server-facts 26
        path = Path(name).resolve()
        if not any(path.is_relative_to(folder) for folder in self.allowed):
            if not path.exists():
                raise bad_input(MISSING)
            folders = ", ".join(map(str, self.allowed))
            raise internal(
                f"{name} lies outside the folders this server may read ({folders}); start it with --allow-path"
            )
        try:
            with path.open("rb") as file:
                while data := file.read(CHUNK):
                    yield data
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise bad_input(MISSING) from None
        except OSError as error:
            raise internal(f"{name}: {error.strerror}") from None


def _s3(place: str, credentials: Mapping[str, str]) -> Iterator[bytes]:
    given = {name.upper(): value for name, value in credentials.items()}
    for name in ("AWS_KEY_ID", "AWS_SECRET_KEY", "AWS_REGION", "ENDPOINT"):
        if not given.get(name):
            raise bad_configuration(f"Credentials {name.lower()} not found")
    endpoint = given["ENDPOINT"]
    if not endpoint.startswith(("http://", "https://")):
        raise internal(f'parse "{endpoint}": first path segment in URL cannot contain colon')
    store: Any = importlib.import_module("obstore.store")
    errors: Any = importlib.import_module("obstore.exceptions")
    bucket, _, key = place.partition("/")
    try:
        objects = store.S3Store(
            bucket,
            endpoint=endpoint,
            access_key_id=given["AWS_KEY_ID"],
            secret_access_key=given["AWS_SECRET_KEY"],
            region=given["AWS_REGION"],
            virtual_hosted_style_request=given.get("PROVIDER", "minio") != "minio" and not _is_address(endpoint),
            client_options={"allow_http": True, "timeout": "60s", "connect_timeout": "5s"},
            retry_config={"max_retries": 2},
        )
        for piece in objects.get(key).stream(min_chunk_size=CHUNK):
            yield bytes(piece)
    except (FileNotFoundError, errors.NotFoundError):
        raise bad_input(MISSING) from None
    except errors.BaseError as error:
        raise internal(_without_secrets(f'Get "{endpoint}/{bucket}/{key}": {error}', given)) from None


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
