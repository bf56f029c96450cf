"""What notebooks show."""

from datetime import UTC, datetime

from matrixone_core.html import Listing, render_table
from matrixone_core.secrets import Credentials
from matrixone_core.sql.stage import Stage


def test_texts_are_escaped():
    shown = render_table("<a>", ("&",), [("<script>",), (None,), (3,)])
    assert shown == (
        "<table><caption>&lt;a&gt;</caption><thead><tr><th>&amp;</th></tr></thead>"
        "<tbody><tr><td>&lt;script&gt;</td></tr><tr><td></td></tr><tr><td>3</td></tr></tbody></table>"
    )


def test_a_stage_shows_no_secret():
    made = datetime(2026, 1, 1, tzinfo=UTC)
    stage = Stage("s", "s3://b/", True, made, "<b>", Credentials({"AWS_KEY_ID": "id", "AWS_SECRET_KEY": "secret"}))
    shown = stage._repr_html_()
    assert "s3://b/" in shown
    assert "&lt;b&gt;" in shown
    assert "secret" not in shown.replace("AWS_SECRET_KEY", "")


def test_a_listing_is_a_tuple_and_shows_as_a_table():
    made = datetime(2026, 1, 1, tzinfo=UTC)
    keys = Credentials({"AWS_SECRET_KEY": "secret"})
    stages = Listing([Stage("s", "s3://b/", True, made, "<b>", keys), Stage("t", "s3://c/", False, made, "", keys)])
    shown = stages._repr_html_()
    assert shown.startswith("<table><caption>Stage: 2</caption><thead><tr><th>name</th><th>url</th>")
    assert shown.count("<tr>") == 3
    assert "&lt;b&gt;" in shown
    assert ">secret" not in shown
    assert "'secret'" not in shown
    assert stages == tuple(stages)
    assert isinstance(stages, tuple)
    assert Listing()._repr_html_().startswith("<table><caption>nothing</caption>")
