"""Groups that are repeated and not given back, `(?:…)*+`, go wrong before Python 3.11.5 (python/cpython#106052).

There Python goes on where the last, failed try had come to. That does no harm where a try fails at its first character,
or at the beginning of one of several alternatives. Each such place is counted here; other patterns end with an
alternative that never matches.
"""

import re
from pathlib import Path

import pytest

from matrixone_core.loading.formats.csv import CsvReader, RegularLines
from matrixone_core.sql.load import Csv

SOURCE = Path(__file__).parents[2] / "src"
REPEATED = re.compile(r"\)(?:[*+?]|\{[^{}]*\})\+|\bcount = b\"\{")
HARMLESS = {
    "matrixone_core/loading/formats/csv.py": 4,  # alternatives; doubled quotes; _NEVER; a number of alternatives
    "matrixone_core/loading/formats/json_lines.py": 1,
    "matrixone_core/monitoring/query_text.py": 2,
    "matrixone_local/features/assignment_casts.py": 1,
    "matrixone_local/formats/repetition.py": 1,  # puts that alternative there
    "matrixone_local/sql/tokens.py": 3,
}  # how many each module has


def test_each_of_them_is_known_to_do_no_harm():
    found = {path: len(REPEATED.findall(path.read_text())) for path in SOURCE.rglob("*.py")}
    assert {str(path.relative_to(SOURCE)): count for path, count in found.items() if count} == HARMLESS


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("irregular", ["2", "2,b,c", '2,"b"c', "x,b", "2,b\xe9", "  "])
def test_lines_up_to_one_that_is_not_regular(irregular, end):
    regular = f"1,a{end}" * 3
    reader = CsvReader(Csv(), 2, plain=["[0-9]+", 1])
    first = next(iter(reader.feed(f"{regular}{irregular}{end}{regular}".encode("latin-1"))))
    assert first == RegularLines(1, regular.encode(), 3)
