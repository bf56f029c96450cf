"""Names of stages and snapshots, the patterns that find them, and paths of files."""

import pytest

from matrixone_core.errors import InvalidArgument
from matrixone_core.loading.inputs.file_listing import check_files
from matrixone_core.names import check_texts, is_like, stage_path


@pytest.mark.parametrize(
    ("pattern", "found"), [("a%", True), ("a_c", True), ("a\\_c", False), ("%C", False), ("%c", True), ("ab", False)]
)
def test_like(pattern, found):
    assert is_like("abc", pattern) is found


@pytest.mark.parametrize(
    ("file", "says"),
    [("", "is empty"), ("/", "is empty"), ("d/", "is a folder"), ("../a", "leave the stage"), ("d/../../a", "leave the stage"),
     ("stage://s/a", "is a URL"), ("a b", "space"), ("a#b", "'#'"), ("a%20b", "'%'"), ("a\nb", "printed")],
)  # fmt: skip
def test_paths_that_no_file_of_a_stage_has(file, says):
    with pytest.raises(InvalidArgument, match=says):
        stage_path("s", file)


def test_what_is_no_list_of_texts():
    with pytest.raises(InvalidArgument, match="names=5 must be a list of texts$"):
        check_texts(5, "names")
    with pytest.raises(InvalidArgument, match="file=5 must be a list of texts or one text$"):
        check_files(5)
