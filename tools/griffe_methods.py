"""Shows to mkdocstrings the methods that managers make of operations, with their parameters and docstrings."""

from typing import Any

from griffe import (
    Alias,
    Attribute,
    Class,
    Docstring,
    Expr,
    ExprCall,
    ExprLambda,
    ExprSubscript,
    Extension,
    Function,
    Module,
    Parameter,
    ParameterKind,
    Parameters,
)

MADE_OF_OPERATIONS = ("matrixone_sync", "matrixone_async")


class OperationMethods(Extension):
    """Replaces `name: Final = method(lambda: operation)` by a function in the classes of both sides."""

    def on_package(self, *, pkg: Module, loader: Any, **_: Any) -> None:
        """Called by griffe when a package is loaded."""
        if pkg.name not in MADE_OF_OPERATIONS:
            return
        if "matrixone_core" not in loader.modules_collection:
            loader.load("matrixone_core")
        errors = loader.modules_collection["matrixone_core.errors"].classes
        for module in pkg.modules.values():
            for name in errors.keys() - module.members.keys():  # which docstrings of operations name, for links
                module.set_member(name, Alias(name, errors[name].path))
            for owner in module.classes.values():
                if not owner.is_alias:
                    _replace_methods(owner, loader.modules_collection)
                    _name_types(owner)


def _replace_methods(owner: Class, modules: Any) -> None:
    for name, member in list(owner.members.items()):
        operation = _operation_of(member, modules)
        if operation is not None and isinstance(member, Attribute):
            owner.set_member(name, _as_method(operation, member, is_awaited=owner.name.startswith("Async")))


def _name_types(owner: Class) -> None:
    """Give the managers of a client their types, which `stage: Final = StageManager(…)` leaves to type checkers."""
    for member in owner.members.values():
        if isinstance(member, Attribute) and str(member.annotation) == "Final" and isinstance(member.value, ExprCall):
            member.annotation = member.value.function


def _operation_of(member: object, modules: Any) -> Function | None:
    """The operation that a member is made of, or None."""
    if not (isinstance(member, Attribute) and isinstance(member.value, ExprCall)):
        return None
    if str(member.value.function) != "method":
        return None
    [argument] = member.value.arguments
    if not isinstance(argument, ExprLambda):
        return None
    body = argument.body  # which names the operation
    found = modules[body.canonical_path if isinstance(body, Expr) else body]
    operation = found.final_target if isinstance(found, Alias) else found
    return operation if isinstance(operation, Function) else None


def _as_method(operation: Function, member: Attribute, *, is_awaited: bool) -> Function:
    """A function with an operation's parameters and docstring, where the member stands."""
    method = Function(
        member.name,
        lineno=member.lineno,
        endlineno=member.endlineno,
        parameters=Parameters(Parameter("self", kind=ParameterKind.positional_or_keyword), *operation.parameters),
        returns=_answer(operation),
    )
    method.labels = {"async"} if is_awaited else set()
    text = operation.docstring
    if text is not None:
        method.docstring = Docstring(
            text.value, lineno=text.lineno, parent=method, parser=text.parser, parser_options=text.parser_options
        )
    return method


def _answer(operation: Function) -> Any:
    """What an operation's `Op[…]` gives in the end."""
    returns = operation.returns
    return returns.slice if isinstance(returns, ExprSubscript) else returns
