"""Quoting, and values that do not show themselves."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.dialects import mysql

from matrixone_core import fragments
from matrixone_core.secrets import Credentials, Secret, SecretText, redact, secret
from matrixone_core.signatures import hide


@given(st.text())
def test_text_without_parameters_is_sent_as_it_stands(sql):
    compiled = text(fragments.as_text(sql)).compile(dialect=mysql.dialect(paramstyle="format"))
    assert str(compiled) == sql.replace("%", "%%")
    assert compiled.params == {}


def test_values_are_bound():
    assert fragments.bind_values(["a:b ", fragments.Value("x"), " ", fragments.Value(3)]) == (
        "a\\:b :p0 :p1",
        {"p0": "x", "p1": 3},
    )
    assert fragments.render_masked(
        ["a ", fragments.Value("it's"), " ", fragments.Value(3), " ", fragments.Value(Secret("x"))]
    ) == ("a 'it''s' 3 '***'")


def test_what_is_read_twice():
    assert fragments.read_twice("it's \\ \0") == "it''s \\\\ \\0"
    twice = fragments.read_twice(Secret("it's"))
    assert isinstance(twice, Secret)
    assert twice.reveal() == "it''s"


def test_a_secret_is_masked_everywhere_but_where_it_is_asked():
    hidden = Secret("sesame")
    assert "sesame" not in f"{hidden} {hidden!r} {hidden!s} {hidden:>10} {[hidden]} {str(hidden)} " + "%s" % hidden  # noqa: RUF010, UP031  # each way
    assert hidden == "sesame"
    assert hidden.reveal() == "sesame"
    assert type(hidden.reveal()) is str
    assert Secret(hidden) is hidden
    assert secret(None) is None
    with pytest.raises(TypeError, match="not NoneType"):
        Secret(None)
    for twin in (pickle.loads(pickle.dumps(hidden)), copy.deepcopy(hidden)):
        assert isinstance(twin, Secret)
        assert twin == "sesame"


def test_credentials_are_a_mapping_that_masks():
    found = Credentials({"aws_secret_key": "sesame", "AWS_REGION": "r"})
    assert repr(found) == "Credentials({'AWS_SECRET_KEY': '***', 'AWS_REGION': 'r'})"
    assert found["Aws_Secret_Key"] == "sesame"
    assert len(found) == 2
    assert hash(found) == hash(Credentials([("AWS_REGION", "r"), ("AWS_SECRET_KEY", "sesame")]))
    assert found == Credentials(found) == {"AWS_SECRET_KEY": "sesame", "AWS_REGION": "r"}
    assert pickle.loads(pickle.dumps(found)) == found
    with pytest.raises(KeyError):
        found["X"]


def test_secrets_are_cut_out_of_words():
    assert redact("no sesame-seed, sesame", [Secret("sesame"), Secret("sesame-seed")]) == "no ***, ***"
    assert redact("for key x", [Secret("key")]) == "for key x"


def test_a_column_of_secrets():
    assert SecretText().process_result_value("x", mysql.dialect()) == "x"
    assert isinstance(SecretText().process_result_value("x", mysql.dialect()), Secret)
    assert SecretText().process_result_value(None, mysql.dialect()) is None


def test_settings_with_secrets_are_hidden_in_place():
    given_ = {"password": "x", "url": "y", "host": "z"}
    hide(given_)
    assert repr(given_) == "{'password': '***', 'url': '***', 'host': 'z'}"
