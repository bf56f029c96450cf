"""What is no text, no list or no number is refused as such, whichever argument of whichever operation it is."""

import inspect

import pytest

from matrixone_core import operations
from matrixone_core.errors import MatrixOneError

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
