"""Spans and metrics of loads, where OpenTelemetry's API is installed. No credential is in any of them."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any


@cache
def _api(module: str) -> Any:
    """A module of OpenTelemetry's API, or None where it is not installed."""
    return import_module(f"opentelemetry.{module}") if find_spec("opentelemetry") else None


@contextmanager
def span(name: str, table: str, more: Mapping[str, str | int]) -> Generator[None]:
    """A block with a span around it, by the semantic conventions for databases.

    Args:
        name: what is done.
        table: to which table.
        more: what else there is to know of it.
    """
    trace = _api("trace")
    if trace is None:
        yield
        return
    attributes = {"db.system.name": "matrixone", "db.operation.name": "LOAD DATA", "db.collection.name": table, **more}
    tracer = trace.get_tracer("matrixone")
    with tracer.start_as_current_span(
        f"{name} {table}", kind=trace.SpanKind.CLIENT, attributes=attributes, record_exception=False
    ) as current:
        try:
            yield
        except BaseException as error:
            current.set_attribute("error.type", type(error).__name__)
            raise


def count(what: str, number: int, table: str) -> None:
    """Add to a metric of loads."""
    counter = _counter(what)
    if counter is not None:
        counter.add(number, {"db.system.name": "matrixone", "db.collection.name": table})


def measure_duration(seconds: float, table: str, error: BaseException | None) -> None:
    """Record how long a load took, in the metric that the conventions for databases have."""
    histogram = _histogram()
    if histogram is not None:
        failed = {} if error is None else {"error.type": type(error).__name__}
        attributes = {"db.system.name": "matrixone", "db.operation.name": "LOAD DATA", "db.collection.name": table}
        histogram.record(seconds, attributes | failed)


@cache
def _counter(what: str) -> Any:
    metrics = _api("metrics")
    return None if metrics is None else metrics.get_meter("matrixone").create_counter(f"matrixone.load.{what}", "{row}")


@cache
def _histogram() -> Any:
    metrics = _api("metrics")
    return (
        None
        if metrics is None
        else metrics.get_meter("matrixone").create_histogram("db.client.operation.duration", "s")
    )
