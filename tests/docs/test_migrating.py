"""Every call that the page on moving here names exists, and takes the arguments that it is given there."""

import inspect
import re
from pathlib import Path
from typing import get_args

import pytest

from matrixone import AsyncClient, Client
from matrixone_async.session import AsyncSession
from matrixone_sync.session import Session

PAGE = (Path(__file__).parents[2] / "docs" / "migrating.md").read_text(encoding="utf-8")
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith(("| `", "| b"))]
CALLS = sorted({call for row in ROWS for call in re.findall(r"\b((?:client|session)(?:\.\w+)+)", row[1])})


def test_the_page_has_calls():
    assert len(ROWS) > 50
    assert len(CALLS) > 30


@pytest.mark.parametrize("call", CALLS)
def test_call(call):
    owner, *names = call.split(".")
    for found in (Client(), AsyncClient()) if owner == "client" else (Session, AsyncSession):
        for name in names:
            if owner == "client" and name == "engine":
                assert hasattr(type(found), name)
                break
            found = getattr(found, name)  # noqa: PLW2901  # one step down


def arguments_of(call):
    """The names of the arguments that a call takes."""
    found = Client()
    for name in call.split(".")[1:]:
        found = getattr(found, name)
    names = set()
    for parameter in inspect.signature(found).parameters.values():
        options = get_args(parameter.annotation) if parameter.kind is parameter.VAR_KEYWORD else ()
        names |= {name for one in options for name in one.__annotations__} or {parameter.name}
    return names


def named_arguments():
    """The arguments that the page says a call takes, by the call; what is accepted is accepted by loads."""
    for existing, ours, *differs in ROWS:
        if ours == "accepted, without effect":
            yield "client.load_data.read_csv", set(re.findall(r"(\w+)=", existing))
        said = [ours, existing] if "same names" in " ".join(differs) else [ours]
        call = re.match(r"`(client(?:\.\w+)+)\(", ours)
        if call:
            calls = [inner for text in said for inner in re.findall(r"`client[\w.]+\(([^`(]*)\)`", text)]
            yield call[1], {name for inner in calls for name in re.findall(r"\b(\w+)=", inner)}


@pytest.mark.parametrize(("call", "names"), [case for case in named_arguments() if case[1]])
def test_arguments(call, names):
    assert names <= arguments_of(call)
