"""Manifests: files of JSON that say which files an export wrote, and how a load reads them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matrixone_core.errors import InvalidArgument, LoadFailed
from matrixone_core.messages import show
from matrixone_core.sql.export import SelectTimeZone
from matrixone_core.stage_files import LARGEST_VALUE, PROBED, read_range, size_by_probes
from matrixone_core.stage_paths import PureStagePath
from matrixone_core.steps import Op

VERSION = 1
SUFFIX = ".manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What a manifest says.

    Args:
        format: `csv`, `jsonline` or `parquet`.
        files: the names of the files beside it, in the order of their rows.
        sizes: their lengths in bytes.
        rows: how many rows they have; None where that was not counted.
        columns: the columns' names.
        load_options: the options that a load of the files needs.
        time_zone: the time zone of their TIMESTAMPs; None if they have none.
    """

    format: str
    files: tuple[str, ...]
    sizes: tuple[int, ...]
    rows: int | None
    columns: tuple[str, ...]
    load_options: Mapping[str, Any]
    time_zone: str | None = None

    def dump(self) -> bytes:
        """The manifest as its file has it."""
        files = [{"name": name, "bytes": size} for name, size in zip(self.files, self.sizes, strict=True)]
        content = {
            "version": VERSION, "format": self.format, "rows": self.rows, "columns": list(self.columns),
            "time_zone": self.time_zone, "load_options": dict(self.load_options), "files": files,
        }  # fmt: skip
        return json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n"


def read_manifest(path: PureStagePath) -> Op[Manifest]:
    """What a manifest says, checked against its files.

    Raises:
        StageFileNotFound: it is not there, or one of its files is not.
        LoadFailed: it is no manifest, or a file is not as long as it says.
        InvalidArgument: the session's time zone is not the one in which TIMESTAMPs were written.
    """
    manifest = parse_manifest(path, (yield from read_range(path.url, 0, LARGEST_VALUE)))
    for name, size in zip(manifest.files, manifest.sizes, strict=True):
        file = path.with_name(name)
        found = yield from size_by_probes(file.url, PROBED)
        if found != size:
            raise LoadFailed(
                f"{file} has {found:,} bytes, and {path} says {size:,}: it was replaced after the export; load it by"
                " its own name, or export again"
            )
    if manifest.time_zone is not None:
        zone = yield from SelectTimeZone()
        if zone != manifest.time_zone:
            raise InvalidArgument(
                f"the TIMESTAMPs in the files of {path} are of the time zone {show(manifest.time_zone)}, and the"
                f" session's is {show(zone)}; connect with time_zone={show(manifest.time_zone)}"
            )
    return manifest


def parse_manifest(path: PureStagePath, data: bytes) -> Manifest:
    """What a file says.

    Raises:
        LoadFailed: it is no manifest, or one of another version.
    """
    try:
        content: dict[str, Any] = json.loads(data)
        version = content["version"]
        if version != VERSION:
            raise LoadFailed(f"{path} is a manifest of version {show(version)}, and version {VERSION} can be read")
        files: Sequence[Mapping[str, Any]] = content["files"]
        return Manifest(
            str(content["format"]),
            tuple(str(file["name"]) for file in files),
            tuple(int(file["bytes"]) for file in files),
            content["rows"],
            tuple(map(str, content["columns"])),
            dict(content["load_options"]),
            content["time_zone"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise LoadFailed(f"{path} is no manifest of an export: {type(error).__name__}: {error}") from error


def manifest_path(path: PureStagePath) -> PureStagePath:
    """Where the manifest of an export is: beside its first file."""
    return path.with_name(path.name + SUFFIX)
