"""Manifests: the list of an export's files, compared with them before a load."""

import pytest
from script import play

from matrixone_core.errors import (
    InvalidArgument,
    LoadFailed,
)
from matrixone_core.exporting.manifest import Manifest, parse_manifest, read_manifest
from matrixone_core.operations import stage_loads
from matrixone_core.sql.export import (
    SelectTimeZone,
)
from matrixone_core.stage_paths import stage_file

MANIFEST = Manifest("csv", ("t.csv",), (6,), 3, ("id",), {"header": "match"}, "SYSTEM")


PATH = stage_file("s", "dir/t.csv.manifest.json")


def test_manifests_are_read_as_they_are_written():
    assert parse_manifest(PATH, MANIFEST.dump()) == MANIFEST


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"{}", b'{"version": 2}', b'{"version": 1, "files": [1]}'])
def test_what_is_no_manifest(content):
    with pytest.raises(LoadFailed, match="manifest"):
        parse_manifest(PATH, content)


def test_a_manifest_is_compared_with_its_files():
    steps, found = play(read_manifest(PATH), MANIFEST.dump(), 0, 6, "SYSTEM")
    assert found == MANIFEST
    assert isinstance(steps[-1], SelectTimeZone)
    with pytest.raises(LoadFailed, match="has 7 bytes, and"):
        play(read_manifest(PATH), MANIFEST.dump(), 0, 7)
    with pytest.raises(InvalidArgument, match=r"connect with time_zone='SYSTEM'"):
        play(read_manifest(PATH), MANIFEST.dump(), 0, 6, "+00:00")


def test_a_manifest_without_files_loads_nothing():
    empty = Manifest("parquet", (), (), 0, ("id",), {"columns": ["id"]})
    _, report = play(stage_loads.read_manifest_stage("s", "t.json", "app.t"), empty.dump())
    assert (report.table, report.rows, report.files) == ("app.t", 0, ())
