"""What spans and metrics say of who makes them."""

from functools import cache
from importlib.metadata import PackageNotFoundError

from matrixone_core.monitoring import telemetry


def test_the_scope_of_spans_has_the_version(monkeypatch):
    made = []

    class Api:
        def get_tracer(self, *arguments, **options):
            made.append((arguments, options))
            return object()

    def version(name):
        raise PackageNotFoundError(name)

    telemetry.forget()
    monkeypatch.setattr(telemetry, "_api", cache(lambda _: Api()))
    monkeypatch.setattr(telemetry, "version", lambda name: f"{name} 1.2")
    assert telemetry.is_installed()
    telemetry.forget()
    monkeypatch.setattr(telemetry, "version", version)
    assert telemetry.is_installed()
    telemetry.forget()
    assert made == [
        (("matrixone", "matrixone 1.2"), {"schema_url": telemetry.SCHEMA}),
        (("matrixone", ""), {"schema_url": telemetry.SCHEMA}),
    ]
