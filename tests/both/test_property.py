"""Awkward strings go to the server and come back as they were: hypothesis makes them up."""

import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matrixone import errors
from matrixone_core.loading.table import fetch_table

# what a MySQL server stores in utf8mb4: anything but surrogates; the NUL has its own escape
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
AWKWARD = st.text(st.sampled_from("'\"\\`%:;-#/*{}=(),.@$ \n\r\t\x1aaZ09_é😀"), max_size=30)
# Go's URL parser, which a server may ask, refuses control characters and stray percent signs
PATHS = st.text(st.sampled_from("'\"`:;-=(),.@$ aZ09_é😀"), max_size=30)
NAMES = st.text(st.characters(categories=["Ll", "Lo", "Nd"]) | st.sampled_from("_-.$"), min_size=1, max_size=20)
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def dropped(client):
    made = []
    yield made
    for name in made:
        client.stage.drop(name, if_exists=True)


@QUICK
@given(comment=TEXT | AWKWARD, folder=PATHS, secret=TEXT | AWKWARD)
def test_comments_urls_and_credentials(client, dropped, comment, folder, secret):
    name = f"p_{uuid.uuid4().hex}"
    dropped.append(name)
    url = f"s3://bucket/{folder}"
    try:
        stage = client.stage.create(name, url, credentials={"AWS_SECRET_KEY": secret}, comment=comment)
    except errors.InvalidArgument:
        assert not secret or "," in secret or ".." in folder
        return
    assert (stage.url, stage.comment, stage.credentials["AWS_SECRET_KEY"]) == (url, comment, secret)
    assert client.stage.alter(name, comment=comment[::-1]).comment == comment[::-1]
    client.stage.drop(name)


@QUICK
@given(name=NAMES)
def test_names(client, dropped, name):
    name = f"{name}{uuid.uuid4().hex}"[:64]
    dropped.append(name)
    assert client.stage.create_local(name, "/tmp/").name == name.lower()
    assert client.stage.exists(name)
    client.stage.drop(name)
    assert not client.stage.exists(name)


@QUICK
@given(value=TEXT | AWKWARD)
def test_text_of_the_callers_own(client, value):
    assert client.execute("SELECT :value", {"value": value}).scalar() == value


@settings(QUICK, max_examples=10)
@given(table=st.text(st.sampled_from("a:'\"`%é ;-"), min_size=1, max_size=12).map(lambda t: f"t{t}x"))
def test_names_of_tables_and_columns(client, dropped, files, table):
    from sqlalchemy import Column, Integer, MetaData, Table, select

    files.put("a.csv", "1\n2\n")
    name = f"p_{uuid.uuid4().hex}"
    dropped.append(name)
    client.stage.create_local(name, files.folder)
    target = Table(table, MetaData(), Column(table, Integer))
    client.create_table(target)
    assert client.load_data.read_csv_stage(name, "a.csv", target, columns=[table], null_values="x").rows == 2
    assert sorted(client.execute(select(target)).scalars()) == [1, 2]
    client.drop_table(target)


@pytest.mark.parametrize("names", [('no"such',), ("none_such", 'no"such')])
def test_a_missing_table_whose_name_show_create_table_cannot_take(client, names):
    with pytest.raises(errors.TableNotFound, match="there is no table .*no\"such'"):
        client.load_data.perform(fetch_table(names))


@pytest.mark.parametrize("table", ['t``"x', "t``x", 't"x'])
def test_doubled_back_quotes_in_names(client, dropped, files, table):
    from sqlalchemy import Column, Integer, MetaData, Table, select

    name = f"p_{uuid.uuid4().hex}"
    dropped.append(name)
    files.put("a.csv", "1\n2\n")
    client.stage.create_local(name, files.folder)
    target = Table(table, MetaData(), Column(table, Integer))
    client.create_table(target)
    assert client.load_data.read_csv_stage(name, "a.csv", target, columns=[table]).rows == 2
    assert sorted(client.execute(select(target)).scalars()) == [1, 2]
    client.drop_table(target)
