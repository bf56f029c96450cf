"""The machine that the program runs on."""

import os

import pytest

from matrixone_platform.machine import LocalMachine

MACHINE = LocalMachine()


def test_a_file_is_created_once_written_in_places_moved_and_removed(tmp_path):
    part, whole = tmp_path / "part", tmp_path / "whole"
    with MACHINE.open_new(part) as file:
        file.write(b"xx")
    with pytest.raises(FileExistsError):
        MACHINE.open_new(part)
    MACHINE.write_at(part, 2, b"cd")
    MACHINE.write_at(part, 0, b"ab")
    whole.write_bytes(b"old")
    MACHINE.move(part, whole)
    with MACHINE.open(whole) as file:
        assert file.read() == b"abcd"
    assert not MACHINE.exists(part)
    MACHINE.remove(whole)
    MACHINE.remove(whole)
    assert not MACHINE.exists(whole)
    with pytest.raises(FileNotFoundError):
        MACHINE.write_at(whole, 0, b"x")


def test_kinds_of_paths(tmp_path, monkeypatch):
    file, pipe, absent = tmp_path / "file", tmp_path / "pipe", tmp_path / "absent"
    file.write_bytes(b"abc")
    os.mkfifo(pipe)
    paths = (file, str(file), pipe, tmp_path, absent)
    assert [MACHINE.is_file(path) for path in paths] == [True, True, False, False, False]
    assert [MACHINE.is_folder(path) for path in paths] == [False, False, False, True, False]
    assert [MACHINE.exists(path) for path in paths] == [True, True, True, True, False]
    assert [MACHINE.size(path) for path in paths[:-1]] == [3, 3, None, None]
    with pytest.raises(FileNotFoundError):
        MACHINE.size(absent)
    assert [MACHINE.is_special(path) for path in paths] == [False, False, True, False, False]
    monkeypatch.chdir(tmp_path)
    assert MACHINE.absolute("file") == str(tmp_path.resolve() / "file")


def test_a_temporary_file_has_no_name():
    with MACHINE.open_temporary() as file:
        file.write(b"abc")
        file.seek(1)
        assert file.read() == b"bc"
        assert not isinstance(file.name, str)


def test_the_environment(monkeypatch):
    monkeypatch.setenv("MATRIXONE_TEST_VARIABLE", "x")
    assert MACHINE.variable("MATRIXONE_TEST_VARIABLE") == "x"
    monkeypatch.delenv("MATRIXONE_TEST_VARIABLE")
    assert MACHINE.variable("MATRIXONE_TEST_VARIABLE") is None
