"""What is no text, no list or no number is refused as such, whichever argument of whichever operation it is."""

import inspect
from collections.abc import Generator
from datetime import timedelta
from typing import get_args, get_origin, get_type_hints

import pytest

from matrixone_core import operations
from matrixone_core.errors import InvalidArgument, MatrixOneError
from matrixone_core.operations import (
    exports,
    loads,
    pitr,
    restore,
    snapshots,
    stage_check,
    stage_loads,
    stage_path_files,
    stages,
)
from matrixone_core.stage_paths import PureStagePath
from matrixone_core.steps import GetRuntime, Runtime
from matrixone_platform.machine import LocalMachine

GOOD = {
    "url": "file:///a/", "path": "/a/", "table": "d.t", "source": "d.t", "database": "d", "range": (1, "d"), "range_value": 1,
    "range_unit": "d", "file": "a.csv", "data": b"1", "statement": "SELECT 1", "columns": {"a": "int"}, "rows": [{"a": 1}],
    "metadata": None, "keep_last": 1,
}  # fmt: skip
WRONG = (5, b"x", ["q"], object())
ELSEWHERE = {
    "stage_path_files",
    "stage_transfers",
    "watching",
}  # methods of paths and watches call them with checked arguments


def arguments():
    for module in sorted(set(operations.MODULES) - ELSEWHERE):
        for name, function in inspect.getmembers(getattr(operations, module), inspect.isgeneratorfunction):
            if function.__module__ == f"matrixone_core.operations.{module}" and not name.startswith("_"):
                for parameter in inspect.signature(function).parameters.values():
                    if parameter.kind is not parameter.VAR_KEYWORD and parameter.name != "metadata":
                        yield pytest.param(function, parameter.name, id=f"{module}.{name}-{parameter.name}")


@pytest.mark.parametrize(("function", "name"), list(arguments()))
@pytest.mark.parametrize("wrong", WRONG, ids=lambda value: type(value).__name__)
def test_an_argument_of_another_type(function, name, wrong):
    given = {
        parameter.name: GOOD.get(parameter.name, "name")
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    }
    op = function(**given | {name: wrong})
    try:
        next(op)  # what is of use is sent, and nothing else
    except (MatrixOneError, StopIteration):
        pass
    finally:
        op.close()


NO_FLAG = (1, 0, "yes", "", None, [], b"1", float("nan"))
NO_NUMBER = (True, False, -1, 1.5, float("nan"), "7", b"7", [1])
ACCEPTED = ("lines", "inline", "parallel")  # of other packages, and without effect


def options_of(function):
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            yield from get_type_hints(get_args(parameter.annotation)[0]).items()
        else:
            yield parameter.name, parameter.annotation


def operations_with(*annotations):
    for module in sorted(set(operations.MODULES) - {"watching"}):
        for name, function in inspect.getmembers(getattr(operations, module), inspect.isfunction):
            if function.__module__ == f"matrixone_core.operations.{module}" and not name.startswith("_"):
                for option, annotation in options_of(function):
                    is_operation = get_origin(of(function)) is Generator and name != "read_at"  # of an open file
                    has_lines = option != "skiprows" or "csv" in name
                    if annotation in annotations and option not in ACCEPTED and is_operation and has_lines:
                        yield pytest.param(function, option, annotation, id=f"{module}.{name}-{option}")


def of(function):
    return inspect.signature(function).return_annotation


def first_step(function, given):
    """What an operation asks for first, after what it may ask its driver for before its arguments are checked."""
    op = function(**given)
    step = next(op)
    while isinstance(step, GetRuntime):
        step = op.send(Runtime(lambda _: None, LocalMachine(), lambda: 0.0, lambda _: None))
    op.close()
    return step


@pytest.mark.parametrize(("function", "name", "kind"), list(operations_with(bool, bool | None)))
def test_a_flag_is_true_or_false(function, name, kind):
    """`plan='no'` is no plan, and `if_exists=0` no False: what is meant must be said."""
    for wrong in NO_FLAG if kind is bool else [value for value in NO_FLAG if value is not None]:
        with pytest.raises(InvalidArgument, match=rf"{name}="):
            first_step(function, needed(function) | {name: wrong})


@pytest.mark.parametrize(("function", "name", "kind"), list(operations_with(int, int | None)))
def test_a_number_is_no_flag(function, name, kind):
    assert kind in {int, int | None}
    for wrong in NO_NUMBER:
        with pytest.raises(InvalidArgument, match=r"must be (a|from|one)"):
            first_step(function, needed(function) | {name: wrong})


def needed(function):
    own = {"snapshot": "s"} if function.__module__.endswith("restore") else {}
    own |= {"aws_key_id": "a", "aws_secret_key": "b"} if function.__name__ == "create_s3" else {}
    paths = {"path": PureStagePath("s", ("a.csv",), None), "target": "stage://s/b.csv", "overwrite": False,
             "missing_ok": False, "encoding": "utf-8", "errors": "strict", "newline": None, "local": __file__,
             "progress": None, "rows": 1, "text": "x"} if "stage_" in function.__module__ else {}  # fmt: skip
    return {
        parameter.name: {**GOOD, **paths, **own}.get(parameter.name, "name")
        for parameter in inspect.signature(function).parameters.values()
        if (parameter.default is parameter.empty or parameter.name in own)
        and parameter.kind is not parameter.VAR_KEYWORD
    }


@pytest.mark.parametrize(
    "op",
    [pitr.create_database_pitr("p", None), pitr.create_table_pitr("p", "d", None), pitr.create_table_pitr("p", "d", ""),
     restore.restore_table("s", "sys", None, "t"), restore.restore_table("s", "sys", "d", 5),
     restore.restore_database("s", None, "d"), restore.table("t", "s", to=5), restore.database("d", "s", to=""),
     snapshots.prune("p", older_than=timedelta(-1)), snapshots.prune("p", older_than=timedelta.max),
     stages.create("s", "file:///a/", credentials=""), stages.create("s", "file:///a/", comment=0),
     stage_check.check("s", timeout=float("inf")), loads.history(database=""), loads.read_csv(b"1", "t", ledger_database=""),
     loads.read_csv(b"1", "t", columns={"a": 1}), loads.read_csv(b"1", "t", null_values=0), loads.read_csv(b"1", "t", encoding="\ud800"),
     stage_loads.plan("s", "a.csv", "t", format=""), stage_loads.create_table_from("s", "a.csv", "t", format=""),
     stage_loads.read_manifest_stage("s", "m.json", 5), stage_loads.read_manifest_stage("s", "m.json", "t", mode="x"),
     exports.to_csv_stage("s", "a.csv", "t", quotechar=""), exports.to_csv("a.csv", "t", quotechar=0),
     exports.to_stage("t", "s", "a.csv", 0), exports.to_stage("t", "s", "a.csv", ""), exports.to_file("t", "a\0b")],
    ids=lambda op: op.__name__,
)  # fmt: skip
def test_what_passed_once(op):
    """Arguments that were taken for the default, or for another one: nothing is sent."""
    with pytest.raises(InvalidArgument):
        for _ in range(3):
            next(op)


@pytest.mark.parametrize(
    "wrong", [{"encoding": "yes"}, {"encoding": 5}, {"encoding": "a\0"}, {"errors": "yes"}, {"newline": "x"}]
)
def test_how_text_is_written(wrong):
    path = PureStagePath("s", ("a.csv",), None)
    said = {"encoding": "utf-8", "errors": "strict", "newline": None, **wrong}
    for op in (
        stage_path_files.read_text(path, **said),
        stage_path_files.write_text(path, "x", overwrite=False, **said),
    ):
        with pytest.raises(InvalidArgument, match=f"{next(iter(wrong))}="):
            next(op)


@pytest.mark.parametrize("name", ["relative_to", "with_suffix"])
def test_paths_of_paths(name):
    for wrong in (5, None, b"", [], True):
        with pytest.raises(InvalidArgument):
            getattr(PureStagePath("s", ("a.csv",), None), name)(wrong)
