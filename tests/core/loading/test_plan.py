"""Plans of loads as a specification: from a request and what the server said, the statements."""

from dataclasses import replace

import pytest
from loading_values import file, request, table

from matrixone_core.errors import InvalidArgument, LoadFailed, PermissionDenied
from matrixone_core.loading.formats.csv import CANONICAL, LineIndex
from matrixone_core.loading.inputs.files import ClientFile
from matrixone_core.loading.plan import PROBED_BYTES, LoadStrategy, PlannedColumn
from matrixone_core.loading.planning import make_plan
from matrixone_core.results import BadRow
from matrixone_core.sql.ddl import AddColumns
from matrixone_core.sql.load import Csv, JsonLines, Parquet
from matrixone_core.sql.table import LoadState

FIELDS = "FIELDS TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY ''"
USERS = table()
EMPTY, IN_USE = LoadState(in_use=False, reached=1), LoadState(in_use=True, reached=1)


def plan(*files, state=IN_USE, target=USERS, can_create_tables=True, form="csv", preparation=(), **options):
    return make_plan(
        request(form, **options), state, target, files or (file(),), can_create_tables=can_create_tables, token="t",
        preparation=preparation,
    )  # fmt: skip


def client_file(names=("id", "name"), form=CANONICAL, **more):
    return ClientFile("data", form, names, iter(()), bytes, LineIndex(), **more)


def inserts(*files, **options):
    return [sql for sql in plan(*files, **options).sql if "SELECT" in sql]


# -- how ---------------------------------------------------------------------------------------------------------------


def test_texts_are_staged_and_the_server_judges_them():
    found = plan()
    assert found.sql == (
        "CREATE TABLE `matrixone_load_t_0` (`f0` LONGTEXT, `f1` LONGTEXT)",
        f"LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE `matrixone_load_t_0` {FIELDS} (`f0`, `f1`)",
        "INSERT INTO `t` (`id`, `name`) SELECT NULLIF(s.`f0`, ''), s.`f1` FROM `matrixone_load_t_0` s"
        " WHERE NOT COALESCE(length(lower(s.`f1`)) <> length(s.`f1`), FALSE)",  # text that is not UTF-8
        "DROP TABLE IF EXISTS `matrixone_load_t_0`",
    )
    assert (found.strategy, found.table, found.files) == (LoadStrategy.STAGING_TABLE, "t", ("stage://s/a.csv",))


def test_rows_with_refused_json_are_found_by_the_error_and_else_among_the_first():
    [batch] = plan(target=table("`id` int", "`name` json")).batches
    found = [str(question).partition(" WHERE ")[2] for question in batch.json_rows("invalid input: json text {x")]
    assert found == [
        "(length(s.`f1`) > 0 AND instr('invalid input: json text {x', s.`f1`) > 0) LIMIT 1000",
        "(s.`f1` IS NOT NULL) LIMIT 1000",
    ]
    assert batch.json_rows("Column 'id' cannot be null") == plan().batches[0].json_rows("json text") == ()


def test_what_follows_the_delimiter_that_ends_a_line_has_to_be_empty():
    ends = file(form=Csv(trailing_delimiter=True))
    staged, load, insert, _ = plan(ends).sql
    assert staged.endswith("(`f0` LONGTEXT, `f1` LONGTEXT, `matrixone_end` LONGTEXT)")
    assert load.endswith("(`f0`, `f1`, `matrixone_end`)")
    assert "length(s.`matrixone_end`) > 0" in insert
    [sent] = plan(replace(ends, through_client=True)).batches
    assert sent.mapping.end is None


def test_the_staging_table_is_beside_its_target():
    target = table(names=("d", "t"))
    found = make_plan(request(table="d.t"), IN_USE, target, [file()], can_create_tables=True, token="7_ab")
    assert found.sql[0].startswith("CREATE TABLE `d`.`matrixone_load_7_ab_0` (")
    assert found.sql[2].startswith("INSERT INTO `d`.`t` (")


def test_a_column_that_the_table_lacks_is_named_with_its_file():
    with pytest.raises(InvalidArgument, match=r"^stage://s/b\.csv: the table 't' has no column 'nme'"):
        plan(file(), file(("id", "nme"), path="stage://s/b.csv"))


def test_unchecked_is_the_servers_own_load_data():
    assert plan(on_conflict="unchecked").sql == (
        f"LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE `t` {FIELDS}",
    )  # fmt: skip
    found = plan(file(("name", None, "id")), on_conflict="unchecked", columns=["name", None, "id"], null_values="-")
    assert found.strategy is LoadStrategy.LOAD_DATA
    assert found.sql == (
        f"LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE `t` {FIELDS} (`name`, @skip1, `id`)"
        " SET `name`=NULLIF(`name`, '-'), `id`=NULLIF(`id`, '-')",
    )


def test_the_server_reads_pieces_of_a_large_unchecked_file_at_once():
    large = LoadState(reached=len(PROBED_BYTES))
    options = {"on_conflict": "unchecked", "null_values": ""}
    assert plan(state=large, **options).sql[0].endswith(" PARALLEL 'TRUE'")
    assert "PARALLEL" not in "".join(plan(file(), file(), state=large, **options).sql)
    assert "PARALLEL" not in "".join(plan(state=large).sql)


@pytest.mark.parametrize("options", [{}, {"null_values": "-"}])
def test_pieces_are_not_read_where_the_server_would_make_zeros_of_blanks(options):
    """Server-facts 89: what a blank number is does not depend on how large its file is."""
    sql = plan(state=LoadState(reached=len(PROBED_BYTES)), on_conflict="unchecked", **options).sql
    assert "PARALLEL" not in "".join(sql)


@pytest.mark.parametrize(
    ("given", "sql"),
    [
        (file(form=JsonLines()), "LOAD DATA INFILE {'filepath'='stage://s/a.csv', 'format'='jsonline', 'jsondata'='object'} INTO TABLE `t`"),
        (file(form=Parquet()), "LOAD DATA INFILE {'filepath'='stage://s/a.csv', 'format'='parquet'} INTO TABLE `t`"),
        (client_file(), "LOAD DATA LOCAL INFILE 'rows.csv' INTO TABLE `t` FIELDS TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY '\\\\' (`id`, `name`)"),
        (client_file(form=Csv(trailing_delimiter=True)), f"LOAD DATA LOCAL INFILE 'rows.csv' INTO TABLE `t` {FIELDS} (`id`, `name`, @skip2)"),
        (client_file((None,), Csv()), f"LOAD DATA LOCAL INFILE 'rows.csv' INTO TABLE `t` {FIELDS}"),
    ],
)  # fmt: skip
def test_load_data_of_every_kind_of_file(given, sql):
    assert plan(given, on_conflict="unchecked").sql == (sql,)


@pytest.mark.parametrize(
    ("given", "into"),
    [
        (file(form=Parquet()), "'format'='parquet'} INTO TABLE `matrixone_load_t_0`"),
        (file(form=JsonLines()), "'jsondata'='object'} INTO TABLE `matrixone_load_t_0`"),
        (file(form=JsonLines(), through_client=True), "ESCAPED BY '\\\\' (`f0`, `f1`)"),
        (client_file(), "ESCAPED BY '\\\\' (`f0`, `f1`)"),
        (client_file(form=Csv(trailing_delimiter=True)), "(`f0`, `f1`, @skip2)"),
        (file(form=Csv(trailing_delimiter=True, compression="gzip")), "(`f0`, `f1`, `matrixone_end`)"),
    ],
)  # fmt: skip
def test_staging_of_every_kind_of_file(given, into):
    assert plan(given).sql[1].endswith(into)


def test_who_may_not_create_tables_counts_keys():
    found = plan(can_create_tables=False)
    assert (found.strategy, found.lock) == (LoadStrategy.COUNT_DUPLICATES, "rows")
    assert found.sql == (f"LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE `t` {FIELDS}",)


@pytest.mark.parametrize(
    ("given", "options"),
    [
        (file(), {"on_conflict": "skip"}), (file(), {"set": {"name": "id"}}), (file(), {"file_column": "name"}),
        (file(), {"row_column": "id"}), (file(), {"null_values": ["-", "x"]}), (file(), {"on_error": "skip"}),
        (file(form=JsonLines(), through_client=True), {}), (file(form=Parquet()), {"columns": ["id"], "form": "parquet"}),
    ],
)  # fmt: skip
def test_what_needs_a_staging_table(given, options):
    with pytest.raises(PermissionDenied, match="this load of 't' needs a staging table"):
        plan(given, can_create_tables=False, **options)


# -- files and staging tables ------------------------------------------------------------------------------------------


def batches(count=5, **options):
    files = [file(path=f"stage://s/{at}.csv") for at in range(count)]
    found = plan(*files, **options)
    return [len(batch.files) for batch in found.batches]


def test_neighbours_share_staging_tables_as_many_as_are_filled_at_once():
    assert batches() == [1, 1, 1, 2]
    assert batches(concurrency=2) == [2, 3]
    assert batches(2) == [1, 1]


@pytest.mark.parametrize(
    "options",
    [{"on_conflict": "skip"}, {"on_error": "skip"}, {"lock": "rows"}, {"once": True}, {"atomic": False}, {"file_column": "name"}, {"row_column": "id"}],
)  # fmt: skip
def test_files_of_which_something_is_known_each_have_one(options):
    assert batches(concurrency=2, **options) == [1] * 5


def test_files_of_other_columns_each_have_one():
    found = plan(file(), file(("name", "id")), concurrency=1)
    assert len(found.batches) == 2


@pytest.mark.parametrize(
    ("options", "numbered"),
    [({}, False), ({"lock": "rows"}, True), ({"on_conflict": "skip"}, True), ({"validate": True}, True), ({"row_column": "id"}, True)],
)  # fmt: skip
def test_rows_are_numbered_where_their_order_matters(options, numbered):
    assert plan(**options).sql[0].startswith("CREATE TABLE `matrixone_load_t_0` (`matrixone_row` BIGINT") == numbered


# -- keys that are there already ---------------------------------------------------------------------------------------


def test_skipped_rows_are_those_whose_key_the_target_has():
    assert inserts(on_conflict="skip") == [
        "INSERT INTO `t` (`id`, `name`) SELECT * FROM ("
        "SELECT NULLIF(s.`f0`, '') AS matrixone_value0, s.`f1` AS matrixone_value1 FROM `matrixone_load_t_0` s"
        " LEFT JOIN (SELECT `id` AS matrixone_key0 FROM `t`) t0"
        " ON t0.matrixone_key0 = CAST(NULLIF(s.`f0`, '') AS INTEGER) WHERE t0.matrixone_key0 IS NULL"
        " UNION ALL SELECT NULLIF(s.`f0`, '') AS matrixone_value0, s.`f1` AS matrixone_value1"
        " FROM `matrixone_load_t_0` s WHERE s.`matrixone_row` <> s.`matrixone_row`) u"
    ]


def test_replaced_and_updated_rows():
    assert inserts(on_conflict="replace")[0].startswith("REPLACE INTO `t` (`id`, `name`) SELECT")
    assert inserts(on_conflict="update")[0].endswith(" s ON DUPLICATE KEY UPDATE `name`=VALUES(`name`)")
    assert inserts(on_conflict=["id"])[0].endswith(" ON DUPLICATE KEY UPDATE `id`=VALUES(`id`)")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"on_conflict": "skip", "target": table("`id` int", "`name` text")}, "on_conflict='skip' needs a primary or unique key that the loaded columns decide, and 't' has none"),
        ({"on_conflict": "unchecked", "on_error": "skip"}, "cannot leave rows out"),
        ({"on_conflict": "unchecked", "validate": True}, "cannot leave rows out"),
    ],
)  # fmt: skip
def test_what_does_not_go_together(options, says):
    with pytest.raises(InvalidArgument, match=says):
        plan(**options)


def test_an_update_that_has_nothing_to_update():
    with pytest.raises(InvalidArgument, match="nothing to update: all columns of the file are the key's"):
        plan(file(("id",)), on_conflict="update").sql  # a property


# -- the table first ---------------------------------------------------------------------------------------------------


def test_a_table_that_is_replaced_is_emptied_first():
    assert plan(mode="replace", preparation=(AddColumns(("t",), (("x", "INT"),)),)).sql[:2] == (
        "ALTER TABLE `t` ADD COLUMN `x` INT", "TRUNCATE TABLE `t`",
    )  # fmt: skip


def test_a_load_that_fails_if_the_table_has_rows():
    with pytest.raises(LoadFailed, match="the table 't' has rows"):
        plan(mode="fail")
    assert plan(mode="fail", state=EMPTY).batches


# -- what is locked ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "options", "lock"),
    [
        ((), {}, "table"), ((), {"lock": "rows"}, "rows"), ((), {"lock": "table"}, "table"),
        ((), {"state": LoadState(reached=0)}, "rows"), ((file(), file()), {"state": LoadState(reached=0)}, "table"),
        ((client_file(is_small=True),), {}, "rows"), ((client_file(),), {}, "table"),
        ((), {"target": table("`id` int", "`name` text")}, "rows"), ((), {"on_conflict": "unchecked"}, "rows"),
    ],
)  # fmt: skip
def test_what_is_locked(files, options, lock):
    assert plan(*files, **options).lock == lock


# -- nothing to load, nothing known ------------------------------------------------------------------------------------


def test_no_file_and_no_table():
    nothing = make_plan(request(), IN_USE, USERS, (), can_create_tables=True, token="t")
    assert (nothing.sql, nothing.lock) == ((), "rows")
    unknown = make_plan(request(), IN_USE, None, (file(),), can_create_tables=True, token="t")
    assert unknown.sql == (f"LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE `t` {FIELDS}",)


# -- what a plan shows -------------------------------------------------------------------------------------------------


def test_a_plan_in_words():
    found = replace(
        plan(on_conflict="unchecked"),
        columns=(PlannedColumn("a", "BIGINT", "id", "INTEGER"), PlannedColumn(None, None, None, None, "no such column")),
        sampled=2, conflicts=1, bad=(BadRow("f", 2, None, None, "bad"),),
    )  # fmt: skip
    assert str(found).splitlines() == [
        "1 file -> t: load_data, locks rows", "  stage://s/a.csv", "file  found   table  type", "a     BIGINT  id     INTEGER",
        "-             -               no such column", "of the first 2 rows 1 have keys that the table has, and 1 do not fit",
        "  f, line 2: bad", f"LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE `t` {FIELDS};",
    ]  # fmt: skip
    assert str(plan(file(), file())).startswith("2 files -> t: staging_table, locks table\n")


def test_a_plan_that_was_not_asked_for_does_not_run():
    with pytest.raises(InvalidArgument, match="this plan was not made by plan"):
        plan().run()
