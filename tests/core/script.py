"""Drives an operation by scripted answers: no server, no driver."""

from collections.abc import Iterable
from typing import Any

from matrixone_core.operation import Clock, Op, Reply, Statement, Step


def play(op: Op[Any], *answers: Any) -> tuple[list[Step[Any]], Any]:
    """Send *answers* (an exception is thrown in); clocks are answered by themselves. The steps, and the result.

    An operation that ends by an exception raises it here; the steps until then are on it as `steps`.
    """
    left, steps, now = iter(answers), [], 0.0
    try:
        step = next(op)
        while True:
            if isinstance(step, Clock):
                now += 1
                step = op.send(now)
                continue
            steps.append(step)
            answer = next(left, AssertionError(f"no answer is scripted for {step}"))
            if isinstance(answer, Reply) and isinstance(step, Statement):
                answer = step.parse(answer)
            step = op.throw(answer) if isinstance(answer, BaseException) else op.send(answer)
    except StopIteration as done:
        assert list(left) == [], "answers were left over"
        return steps, done.value
    except BaseException as error:
        error.steps = steps
        raise


class Pieces:
    """A file that is read here, piece by piece; an exception among the pieces is raised."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = list(pieces)

    def next(self) -> Op[bytes | None]:
        yield from ()
        piece = self.pieces.pop(0) if self.pieces else None
        if isinstance(piece, Exception):
            raise piece
        return piece


def rows(*found: dict[str, Any]) -> Any:
    """A reply with these rows."""
    return Reply(found)


def texts(steps: Iterable[Step[Any]]) -> list[str]:
    """Statements as they print."""
    return [str(step) for step in steps]
