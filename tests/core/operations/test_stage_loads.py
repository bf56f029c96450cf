"""What loads from stages refuse before anything is sent."""

import pytest

from matrixone_core.errors import InvalidArgument
from matrixone_core.operations import stage_loads


def test_a_plan_of_no_files():
    with pytest.raises(InvalidArgument, match="the list of files is empty; name a file"):
        next(stage_loads.plan("s", [], "t"))
