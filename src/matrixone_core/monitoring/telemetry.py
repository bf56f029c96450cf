"""Spans and metrics by OpenTelemetry's semantic conventions for databases, where its API is installed.

No value, no message of the server's and no credential is in any of them.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeAlias

from matrixone_core.server_errors import classify

SYSTEM = {"db.system.name": "matrixone"}
SCHEMA = "https://opentelemetry.io/schemas/1.33.0"  # from which on the conventions for databases are stable
DURATIONS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)  # seconds, as the conventions have it
LOAD_DURATIONS = (0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 300.0, 1800.0)

Attributes: TypeAlias = Mapping[str, str | int]


@cache
def _api(module: str) -> Any:
    """A module of OpenTelemetry's API, or None where it is not installed."""
    try:
        return import_module(f"opentelemetry.{module}")
    except ImportError:  # other packages have a part of the same namespace
        return None


@cache
def _tracer() -> Any:
    trace = _api("trace")
    return None if trace is None else trace.get_tracer("matrixone", _version(), schema_url=SCHEMA)


@cache
def _meter() -> Any:
    metrics = _api("metrics")
    return None if metrics is None else metrics.get_meter("matrixone", _version(), schema_url=SCHEMA)


def _version() -> str:
    """The version that is installed; empty where the package is imported without being installed."""
    try:
        return version("matrixone")
    except PackageNotFoundError:
        return ""


def is_installed() -> bool:
    """Whether there is an API for spans and metrics."""
    return _tracer() is not None


def error_type(error: BaseException) -> str:
    """The class of an error, as this package would raise it."""
    code = error_code(error)
    return type(error).__name__ if code is None else classify(code, str(error.args[-1])).__name__


def error_code(error: BaseException) -> int | None:
    """The number of a driver's error, or None."""
    code = error.args[0] if error.args else None
    return code if isinstance(code, int) and len(error.args) > 1 else None


@contextmanager
def span(name: str, attributes: Attributes) -> Generator[None]:
    """A block with a span around it, in which statements have spans of their own.

    Args:
        name: what is done.
        attributes: what there is to know of it.
    """
    tracer = _tracer()
    if tracer is None:
        yield
        return
    with tracer.start_as_current_span(
        name, attributes={**SYSTEM, **attributes}, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield
        except BaseException as error:
            _fail(current, error)
            raise


def start_statement(name: str, attributes: Attributes) -> Any:
    """A span of a statement, which `end_statement` ends; None where there is no API.

    Args:
        name: the summary of the statement.
        attributes: what there is to know of it.
    """
    tracer = _tracer()
    if tracer is None:
        return None
    return tracer.start_span(name, kind=_api("trace").SpanKind.CLIENT, attributes=attributes)


def end_statement(current: Any, error: BaseException | None) -> None:
    """End a span that `start_statement` began.

    Args:
        current: the span, or None.
        error: why the statement failed, or None.
    """
    if current is None:
        return
    if error is not None:
        _fail(current, error)
    current.end()


def _failure(error: BaseException) -> dict[str, str]:
    """The attributes of what has failed."""
    code = error_code(error)
    of_code = {} if code is None else {"db.response.status_code": str(code)}
    return {"error.type": error_type(error), **of_code}


def _fail(current: Any, error: BaseException) -> None:
    current.set_attributes(_failure(error))
    current.set_status(_api("trace").StatusCode.ERROR)  # without a description: a message may quote values


def count(what: str, number: int, table: str) -> None:
    """Add to a metric of loads."""
    counter = _counter(what)
    if counter is not None:
        counter.add(number, {**SYSTEM, "db.collection.name": table})


def measure(what: str, seconds: float, attributes: Attributes, error: BaseException | None) -> None:
    """Record a duration.

    Args:
        what: the metric, one of those that `_histogram` knows.
        seconds: how long it took.
        attributes: what there is to know of it, with few different values.
        error: why it failed, or None.
    """
    histogram = _histogram(what)
    if histogram is not None:
        histogram.record(seconds, {**SYSTEM, **attributes, **({} if error is None else _failure(error))})


@cache
def _counter(what: str) -> Any:
    meter = _meter()
    return None if meter is None else meter.create_counter(f"matrixone.load.{what}", "{row}")


STATEMENT_DURATION = "db.client.operation.duration"
LOAD_DURATION = "matrixone.load.duration"
_HISTOGRAMS = {
    STATEMENT_DURATION: ("Duration of statements", DURATIONS),
    LOAD_DURATION: ("Duration of loads", LOAD_DURATIONS),
}


@cache
def _histogram(what: str) -> Any:
    meter = _meter()
    if meter is None:
        return None
    description, boundaries = _HISTOGRAMS[what]
    return meter.create_histogram(what, "s", description, explicit_bucket_boundaries_advisory=boundaries)


def observe(what: str, unit: str, description: str, read: Any) -> None:
    """Have a metric read whenever somebody collects metrics.

    Args:
        what: the metric.
        unit: its unit.
        description: what it says.
        read: is called without arguments, and gives numbers with their attributes.
    """
    metrics, meter = _api("metrics"), _meter()
    if meter is not None:

        def callback(_options: object) -> list[Any]:
            return [metrics.Observation(number, {**SYSTEM, **attributes}) for number, attributes in read()]

        meter.create_observable_up_down_counter(what, [callback], unit, description)


def forget() -> None:
    """Ask anew whether OpenTelemetry is installed, and who collects; for tests."""
    for function in (_api, _tracer, _meter, _counter, _histogram):
        function.cache_clear()
