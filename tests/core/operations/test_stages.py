"""Operations on stages, driven by scripted answers."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from script import MemoryMachine, play, rows, texts

from matrixone_core import catalog
from matrixone_core.errors import InvalidArgument, PermissionDenied, ServerError, StageExists, StageNotFound
from matrixone_core.operations import stages
from matrixone_core.secrets import Credentials
from matrixone_core.sql.stage import AlterStage, CreateStage, DropStage, SelectStages, ShowStages, Stage
from matrixone_core.steps import OutsideTransaction, Reply

ROW = {
    "stage_name": "s", "url": "file:///a/", "stage_credentials": None, "stage_status": "in_use", "created": 1700000000,
    "comment": None,
}  # fmt: skip
STAGE = Stage("s", "file:///a/", True, datetime.fromtimestamp(1700000000, UTC), "", Credentials())
DONE = Reply()


def test_create_sends_one_statement_and_reads_the_stage_back():
    steps, result = play(stages.create("S", "file:///a/"), DONE, rows(ROW))
    assert steps == [CreateStage("s", "file:///a/"), SelectStages(name="s")]
    assert result == STAGE


def test_create_with_everything_prints_no_secret():
    (create, _), _ = play(
        stages.create("s", "s3://b/", credentials={"AWS_KEY_ID": "id", "ENDPOINT": "http://e"}, comment="it's",
                      if_not_exists=True),
        DONE, rows(ROW),
    )  # fmt: skip
    assert str(create) == (
        "CREATE STAGE IF NOT EXISTS `s` URL='s3://b/' CREDENTIALS={'AWS_KEY_ID'='***', 'ENDPOINT'='http://e'}"
        " COMMENT='it''''s'"
    )
    assert "id" not in repr(create).replace("AWS_KEY_ID", "")


def test_create_raises_what_exists_unless_told_to_leave_it():
    with pytest.raises(StageExists):
        play(stages.create("s", "file:///a/"), StageExists("x"))
    assert play(stages.create("s", "file:///a/", if_not_exists=True), StageExists("x"), rows(ROW))[1] == STAGE


@pytest.mark.parametrize(
    ("name", "says"),
    [("", "empty"), ("x" * 65, "65 characters"), ("a b", "' '"), ("a'b", '"\'"'), ("a`b", "'`'"), ("a/b", "'/'"),
     ("a@b", "'@'"), ("a:b", "':'"), ("a?b", "'?'"), ("a#b", "'#'"), ("a%b", "'%'"), ("a\\b", r"'\\'"), ("..", "letter"),
     (None, "NoneType"), ("a\0", r"'\x00'")],
)  # fmt: skip
def test_names_that_cannot_be(name, says):
    for op in (stages.create(name, "file:///a/"), catalog.get(name), stages.exists(name), stages.drop(name),
               stages.alter(name, comment="x")):  # fmt: skip
        with pytest.raises(InvalidArgument) as caught:
            play(op)
        assert caught.value.steps == []
        assert says in str(caught.value)


@pytest.mark.parametrize("name", ["a", "x" * 64, "a-b_c.d$e", "1st", "select", "größe", "阿達", "हिन्दी"])
def test_names_that_can_be(name):
    assert play(stages.drop(name), DONE)[0] == [DropStage(name)]


@pytest.mark.parametrize(
    ("url", "says"),
    [("data/imports", "must begin with"), ("https://x/y", "file:///, s3://"), ("S3://b/", "lower case"),
     ("file://data/", "file:/// and the path"), ("s3://", "bucket"), ("stage:///", "parent"), ("file:///a/../b", "'..'")],
)  # fmt: skip
def test_urls_that_cannot_be(url, says):
    for op in (stages.create("s", url), stages.alter("s", url=url)):
        with pytest.raises(InvalidArgument) as caught:
            play(op)
        assert says in str(caught.value)


@pytest.mark.parametrize(
    "op",
    [lambda: stages.create("s", None), lambda: stages.create("s", "file:///", comment=3), lambda: stages.alter("s", comment=3),
     lambda: stages.create("s", "s3://b/", credentials={"K": None}), lambda: stages.alter("s", credentials="K=v"),
     lambda: stages.create_s3("s", None, "", "k", "x"), lambda: stages.create_s3("s", "b", 3, "k", "x"),
     lambda: stages.create_local("s", b"/a/"), lambda: stages.create_local("s", 5), lambda: stages.list_(5)],
)  # fmt: skip
def test_what_is_no_text_is_refused(op):
    with pytest.raises(InvalidArgument, match=r"must be a (str|mapping)"):
        play(op())


def test_a_local_path_is_absolute():
    assert play(stages.create_local("s", Path("/a")), DONE, rows(ROW))[0][0] == CreateStage("s", "file:///a")
    assert play(stages.create_local("s", "/a/"), DONE, rows(ROW))[0][0] == CreateStage("s", "file:///a/")
    with pytest.raises(InvalidArgument, match="'/data/imports/'"):
        play(stages.create_local("s", "a/"))


@pytest.mark.parametrize(
    ("credentials", "says"),
    [({"AWS_KEY": "sesame"}, "'AWS_KEY'; it reads AWS_KEY_ID, AWS_SECRET_KEY, .* in any case"),
     ({"aws_access_key_id": "sesame"}, "AWS_KEY_ID"), ({"": "x"}, "it reads"),
     ({"aws_key_id": "sesame,open"}, "comma"), ({"Aws_Secret_Key": ""}, "empty"),
     ({"ENDPOINT": "localhost:9000"}, "http://")],
)  # fmt: skip
def test_credentials_that_cannot_be(credentials, says):
    for op in (stages.create("s", "s3://b/", credentials=credentials), stages.alter("s", credentials=credentials)):
        with pytest.raises(InvalidArgument, match=says) as caught:
            play(op)
        assert "sesame" not in str(caught.value)


def s3(variables=None, **arguments):
    op = stages.create_s3("s", "b", "p/", "k", "x", **arguments)
    (create, _), _ = play(op, DONE, rows(ROW), machine=MemoryMachine(variables))
    return create.credentials


def test_s3_defaults():
    assert dict(s3()) == {
        "AWS_KEY_ID": "k", "AWS_SECRET_KEY": "x", "AWS_REGION": "us-east-1",
        "ENDPOINT": "https://s3.us-east-1.amazonaws.com", "PROVIDER": "amazon",
    }  # fmt: skip
    assert s3(region="cn-north-1")["ENDPOINT"] == "https://s3.cn-north-1.amazonaws.com.cn"
    assert s3(region="cn-north-1")["PROVIDER"] == "amazon"
    assert s3(endpoint="http://localhost:9000")["PROVIDER"] == "minio"
    assert s3(endpoint="https://amazonaws.com.evil.example")["PROVIDER"] == "minio"
    assert s3(endpoint="https://s3.eu-west-1.amazonaws.com/")["PROVIDER"] == "amazon"
    assert s3(endpoint="https://cos.example", provider="cos")["PROVIDER"] == "cos"


@pytest.mark.parametrize(
    ("variables", "name", "value"),
    [({"AWS_REGION": "a", "AWS_DEFAULT_REGION": "b"}, "AWS_REGION", "a"),
     ({"AWS_DEFAULT_REGION": "b"}, "AWS_REGION", "b"),
     ({"AWS_ENDPOINT_URL_S3": "http://a", "AWS_ENDPOINT_URL": "http://b"}, "ENDPOINT", "http://a"),
     ({"AWS_ENDPOINT_URL": "http://b"}, "ENDPOINT", "http://b")],
)  # fmt: skip
def test_s3_settings_from_the_environment(variables, name, value):
    assert s3(variables)[name] == value
    assert s3(variables, region="r", endpoint="http://e")[name] == {"AWS_REGION": "r", "ENDPOINT": "http://e"}[name]


def test_s3_keys_that_are_missing_are_named():
    with pytest.raises(InvalidArgument, match="aws_key_id .*AWS_ACCESS_KEY_ID.* and aws_secret_key"):
        play(stages.create_s3("s", "b"))
    with pytest.raises(InvalidArgument, match="needs aws_secret_key .*AWS_SECRET_ACCESS_KEY"):
        play(stages.create_s3("s", "b"), machine=MemoryMachine({"AWS_ACCESS_KEY_ID": "k"}))


def test_s3_keys_from_the_environment():
    machine = MemoryMachine({"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "open sesame"})
    (create, _), _ = play(stages.create_s3("s", "b"), DONE, rows(ROW), machine=machine)
    assert (create.credentials["AWS_KEY_ID"], create.credentials["AWS_SECRET_KEY"]) == ("k", "open sesame")
    assert "sesame" not in repr(create)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [({"bucket": "a/b"}, "bucket='a/b'"), ({"bucket": ""}, "bucket="), ({"bucket": "s3://b"}, "name alone"),
     ({"bucket": "b", "provider": "gcs"}, "amazon, minio, cos"), ({"bucket": "b", "endpoint": "localhost"}, "http://")],
)  # fmt: skip
def test_s3_arguments_that_cannot_be(arguments, says):
    with pytest.raises(InvalidArgument, match=says):
        play(stages.create_s3("s", aws_key_id="k", aws_secret_key="x", **arguments))


def test_s3_path_may_begin_with_a_slash():
    (create, _), _ = play(stages.create_s3("s", "b", "/p/", "k", "x"), DONE, rows(ROW))
    assert create.url == "s3://b/p/"


def test_list():
    assert play(stages.list_(), rows(ROW)) == ([SelectStages()], (STAGE,))
    assert play(stages.list_("S%"), rows())[0] == [SelectStages("s%")]


def test_who_may_not_read_the_catalogue_sees_what_show_stages_tells():
    op = stages.list_("s")
    assert next(op) == SelectStages("s")
    aside = op.throw(PermissionDenied("no"))
    assert isinstance(aside, OutsideTransaction)
    shown = {"STAGE_NAME": "s", "URL": "file:///a/", "STATUS": "disabled", "COMMENT": "c"}
    steps, result = play(aside.op, rows(shown, shown | {"STAGE_NAME": "a"}))
    assert steps == [ShowStages("s")]
    assert result == (
        Stage("a", "file:///a/", False, None, "c", None),
        Stage("s", "file:///a/", False, None, "c", None),
    )
    assert texts([ShowStages(), ShowStages("a'%")]) == ["SHOW STAGES", "SHOW STAGES LIKE 'a''%'"]


def test_get_asks_for_the_one_name():
    with pytest.raises(StageNotFound, match="a_b"):
        play(catalog.get("a_b"), rows())
    assert play(stages.exists("A_b"), rows(ROW | {"stage_name": "a_b"})) == ([SelectStages(name="a_b")], True)
    assert str(SelectStages(name="a_b")).endswith("WHERE stage_name='a_b' ORDER BY stage_name")
    assert str(SelectStages("a%")).endswith("WHERE stage_name LIKE 'a%' ORDER BY stage_name")
    assert play(stages.exists("a_b"), rows())[1] is False


def test_alter_of_nothing():
    with pytest.raises(InvalidArgument, match="there is nothing to change"):
        play(stages.alter("s"))


def test_alter_sends_one_statement_a_change():
    stored = ROW | {"stage_credentials": "AWS_KEY_ID=old,AWS_REGION=r"}
    steps, _ = play(
        stages.alter("s", url="file:///b/", credentials={"aws_key_id": "new"}, enable=True, comment="c"),
        rows(stored), DONE, DONE, DONE, DONE, rows(stored),
    )  # fmt: skip
    assert steps[1:-1] == [
        AlterStage("s", url="file:///b/"),
        AlterStage("s", credentials=Credentials({"AWS_KEY_ID": "new", "AWS_REGION": "r"})),
        AlterStage("s", enable=True),
        AlterStage("s", comment="c"),
    ]
    assert texts(steps[1:-1]) == [
        "ALTER STAGE `s` SET URL='file:///b/'",
        "ALTER STAGE `s` SET CREDENTIALS={'AWS_KEY_ID'='***', 'AWS_REGION'='r'}",
        "ALTER STAGE `s` SET ENABLE=TRUE",
        "ALTER STAGE `s` SET COMMENT='c'",
    ]


def test_an_alter_that_fails_undoes_what_was_done_before():
    refused = ServerError("no")
    with pytest.raises(ServerError, match="^no$") as caught:
        play(stages.alter("s", url="file:///b/", enable=False, comment="c"), rows(ROW), DONE, DONE, refused, DONE, DONE)
    assert caught.value.steps[1:] == [
        AlterStage("s", url="file:///b/"),
        AlterStage("s", enable=False),
        AlterStage("s", comment="c"),
        AlterStage("s", enable=True),
        AlterStage("s", url="file:///a/"),
    ]


def test_what_cannot_be_undone_is_noted():
    with pytest.raises(ServerError, match="no") as caught:
        play(stages.alter("s", url="file:///b/", enable=False), rows(ROW), DONE, ServerError("no"), ServerError("gone"))
    assert "could not be undone: ALTER STAGE `s` SET URL='file:///a/': gone" in caught.value.__notes__[0]


def test_alter_cannot_merge_credentials_that_it_cannot_read():
    op = stages.alter("s", credentials={"AWS_KEY_ID": "x"})
    next(op)
    aside = op.throw(PermissionDenied("no"))
    shown = (Stage("s", "s3://b/"),)
    assert isinstance(aside, OutsideTransaction)
    with pytest.raises(PermissionDenied, match="whole set"):
        op.send(shown)


def test_credentials_with_an_equals_sign_and_none_at_all():
    found = SelectStages().parse(rows(ROW | {"stage_credentials": "AWS_SECRET_KEY=a=b,,junk", "created": None}))
    assert dict(found[0].credentials) == {"AWS_SECRET_KEY": "a=b"}
    assert found[0].created_time is None


def test_drop():
    assert texts(play(stages.drop("s"), DONE)[0]) == ["DROP STAGE `s`"]
    assert texts(play(stages.drop("s", if_exists=True), DONE)[0]) == ["DROP STAGE IF EXISTS `s`"]
