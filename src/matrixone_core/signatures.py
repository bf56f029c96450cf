"""The signatures of the clients' constructors, which list each setting; secrets among the arguments are masked."""

from collections.abc import MutableMapping
from inspect import Parameter, Signature
from typing import Any, Self, TypeVar

from matrixone_core.secrets import mask
from matrixone_core.settings import VARIABLES, ConnectArguments, Settings, may_hold_secret

ClientT = TypeVar("ClientT")


def hide(arguments: MutableMapping[str, Any]) -> None:
    """Mask the secrets among settings, in place, so that no traceback shows them."""
    for name in arguments:
        if may_hold_secret(name):
            arguments[name] = mask(arguments[name])


def shows_settings(client: type[ClientT]) -> type[ClientT]:
    """A class decorator: its constructor and its `connect` show each setting to `help()` and `inspect`."""
    settings = Settings()
    this = Parameter("self", Parameter.POSITIONAL_ONLY)
    parameters = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=_default(settings, name), annotation=annotation)
        for name, annotation in ConnectArguments.__annotations__.items()
    ]
    answers: dict[str, Any] = {"__init__": None, "connect": Self}
    for name, answer in answers.items():
        vars(client)[name].__signature__ = Signature([this, *parameters], return_annotation=answer)
    return client


def _default(settings: Settings, name: str) -> Any:
    # what the environment may tell is not decided before it is asked
    return None if f"MATRIXONE_{name.upper()}" in VARIABLES else getattr(settings, name)
