"""SQL text as statements: each ends with a `;` that is in no quotes and in no comment."""

import re
from collections.abc import Iterable, Iterator

_MARK = re.compile(r"""['"`;] | /\* | \$\$ | --(?=\s|\Z)[^\n]* | \#[^\n]*""", re.VERBOSE)
_ENDS = {
    "'": re.compile(r"(?:[^'\\]|\\.)*'", re.DOTALL),
    '"': re.compile(r'(?:[^"\\]|\\.)*"', re.DOTALL),
    "`": re.compile(r"[^`]*`"),
    "/*": re.compile(r".*?\*/", re.DOTALL),
    "$$": re.compile(r".*?\$\$", re.DOTALL),
}


class StatementReader:
    """Takes lines, and gives the statements that they complete. Text that is comments alone is no statement."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._open = ""  # the quote or the comment that a line has left open
        self._has_words = False

    @property
    def is_between(self) -> bool:
        """Whether no statement has begun."""
        return not self._has_words and not self._open

    def add(self, line: str) -> Iterator[str]:
        """Take a line, which ends with its line break; gives the statements that end in it."""
        at = 0
        while at < len(line):
            at = self._close(line, at) if self._open else self._open_next(line, at)
            if self._text and self._text[-1] == ";":
                yield from self.finish()

    def finish(self) -> Iterator[str]:
        """The statement that has begun, if one has."""
        statement = "".join(self._text).strip().removesuffix(";").rstrip()
        has_words = self._has_words
        self._text, self._open, self._has_words = [], "", False
        if has_words:
            yield statement

    def _close(self, line: str, at: int) -> int:
        """Read on to the end of what is open, or of the line."""
        end = _ENDS[self._open].match(line, at)
        if end is not None:
            self._open = ""
        stop = len(line) if end is None else end.end()
        self._text.append(line[at:stop])
        return stop

    def _open_next(self, line: str, at: int) -> int:
        """Read on to the next quote, comment or `;`, or to the end of the line."""
        mark = _MARK.search(line, at)
        plain = line[at:] if mark is None else line[at : mark.start()]
        self._text.append(plain)
        self._has_words = self._has_words or bool(plain.strip())
        if mark is None:
            return len(line)
        self._text.append(mark[0])
        if mark[0] in _ENDS:
            self._open = mark[0]
            # what /*! … */ and /*+ … */ have in them is executed
            self._has_words = self._has_words or mark[0] != "/*" or line.startswith(("!", "+"), mark.end())
        return mark.end()


def read_statements(lines: Iterable[str], reader: StatementReader) -> Iterator[str]:
    """The statements of lines, each as soon as it has ended, until `exit` or `quit`; the last ends with the lines."""
    for line in lines:
        if reader.is_between and line.strip().lower().rstrip(";") in {"exit", "quit"}:
            return
        yield from reader.add(line)
    yield from reader.finish()


def split_text(text: str) -> list[str]:
    """The statements of a text."""
    return list(read_statements((f"{line}\n" for line in text.split("\n")), StatementReader()))
