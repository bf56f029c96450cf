"""Exports of every type: they come back from stages and from the client's files as they were."""

import pyarrow.parquet
import pytest
from export_case import FORMATS, rows_of
from sqlalchemy import Column, Integer, MetaData, Table, select

from matrixone import VECF32, errors

TYPES = {
    "TINYINT": ["-128", "127"],
    "SMALLINT UNSIGNED": ["0", "65535"],
    "INT": ["-2147483648", "2147483647"],
    "INT UNSIGNED": ["4294967295"],
    "BIGINT": ["-9223372036854775808", "9223372036854775807"],
    "BIGINT UNSIGNED": ["18446744073709551615", "0"],
    "DECIMAL(10,2)": ["-12345678.90", "0.01"],
    "DECIMAL(38,10)": ["1234567890123456789012345678.0123456789"],
    "FLOAT": ["1.2345679", "-0.5"],
    "DOUBLE": ["1.7976931348623157e308", "0.1", "-1e-300"],
    "BOOL": ["1", "0"],
    "DATE": ["'1000-01-01'", "'9999-12-31'"],
    "DATETIME": ["'2024-02-29 23:59:59'"],
    "DATETIME(6)": ["'2024-02-29 23:59:59.123456'", "'2024-02-29 00:00:00'"],
    "TIMESTAMP(3)": ["'2024-02-29 23:59:59.123'"],
    "TIME": ["'-10:20:30'", "'100:00:00'"],
    "TIME(3)": ["'00:00:00.125'", "'-00:00:01.500'"],
    "YEAR": ["2024", "1999"],
    "CHAR(9)": ["'abc'", "''"],
    "VARCHAR(99)": ["''", "'NULL'", "'\\\\N'", "'null'", "'say \"hi\", \\\\ \\n\\r\\ttab'", "'C:\\\\new\\\\table'", "'  blank '", "'üñ日本😀'", "','"],
    "TEXT": ["'a\\nb'", "'{\"a\": 1}'"],
    "BINARY(3)": ["x'00ff22'"],
    "VARBINARY(9)": ["x'5c2c0a0d22'", "x''"],
    "BLOB": ["x'00010203fffefd'", "''", "x'c3'", f"x'{bytes(range(256)).hex() * 230}'"],
    "JSON": ["'{\"a\": [1, null, \"x \\\\\\\\ y\"], \"b\": {\"c\": 1.5}}'", "'[]'", "'\"text\"'", "'null'", "'1'", "'true'", "'\"1\"'", "'\"null\"'", "'\"say \\\\\"hi\\\\\" \\\\\\\\ \\\\n é\\\\u0007\"'"],
    "ENUM('a','b c')": ["'a'", "'b c'"],
    "BIT(1)": ["b'1'", "b'0'"],
    "BIT(16)": ["b'10110000101100'", "b'0010001001011100'"],
    "BIT(64)": ["b'1111111111111111111111111111111111111111111111111111111111111111'"],
    "VECF32(3)": ["'[1,-2.5,0.001]'"],
    "VECF64(2)": ["'[1e-300,3]'"],
    "UUID": ["'6d2bd0a0-1111-4222-8333-444455556666'"],
}  # fmt: skip


@pytest.fixture
def stage(client, unique, files):
    return client.stage.create_local(unique(), files.folder).name


@pytest.fixture
def typed(client):
    """A table that has a column of each type, with the type's values and NULL; and `again`, which is alike."""
    columns = ", ".join(f"c{number} {kind}" for number, kind in enumerate(TYPES))
    client.execute(f"CREATE TABLE typed (id INT PRIMARY KEY, {columns})")
    client.execute("CREATE TABLE again LIKE typed")
    for at in range(max(map(len, TYPES.values())) + 1):
        values = ", ".join(values[at] if at < len(values) else "NULL" for values in TYPES.values())
        client.execute(f"INSERT INTO typed VALUES ({at}, {values})")
    return rows_of(client, "typed")


def without_vectors(client):
    """The typed table without what the server writes to no Parquet file."""
    for number, kind in enumerate(TYPES):
        if kind.startswith("VEC"):
            for table in ("typed", "again"):
                client.execute(f"ALTER TABLE {table} DROP COLUMN c{number}")
    return rows_of(client, "typed")


def is_same(client, expected):
    """Whether what was loaded is what was exported; the error names the types that differ."""
    found = rows_of(client, "again")
    kinds = ["id", *TYPES]
    different = [
        (kind, a, b)
        for rows in zip(expected, found, strict=True)
        for kind, a, b in zip(kinds, *rows, strict=False)
        if a != b
    ]
    assert different == []
    return True


@pytest.mark.parametrize("form", FORMATS)
def test_every_type_comes_back_from_a_stage_the_same(client, typed, stage, form):
    file = f"typed.{FORMATS[form]}"
    if form == "parquet":
        with pytest.raises(errors.NotSupported, match="writes no vectors"):
            client.export.to_stage("typed", stage, file)
        typed = without_vectors(client)
    report = client.export.to_stage("typed", stage, file, manifest=True)
    assert report.rows == len(typed)
    client.load_data.read_manifest_stage(stage, f"{file}.manifest.json", "again", mode="replace")
    assert is_same(client, typed)
    read = {"csv": client.load_data.read_csv_stage, "jsonline": client.load_data.read_json_stage,
            "parquet": client.load_data.read_parquet_stage}[form]  # fmt: skip
    read(stage, file, "again", mode="replace", **report.load_options)
    assert is_same(client, typed)


@pytest.mark.parametrize("form", FORMATS)
def test_every_type_comes_back_from_a_file_the_same(client, typed, tmp_path, form):
    path = tmp_path / f"typed.{FORMATS[form]}"
    style = {"escape": "\\", "null_value": "\\N"} if form == "csv" else {}
    report = client.export.to_file("typed", path, **style)
    assert (report.rows, report.bytes) == (len(typed), path.stat().st_size)
    read = {"csv": client.load_data.read_csv, "jsonline": client.load_data.read_json,
            "parquet": client.load_data.read_parquet}[form]  # fmt: skip
    read(path, "again", mode="replace", **report.load_options)
    assert is_same(client, typed)


def test_types_of_parquet(client, typed, tmp_path):
    """Made of the reply without an object for each value, and the same as `query_arrow` has, but for TIME."""
    client.export.to_file("typed", tmp_path / "t.parquet")
    schema = pyarrow.parquet.read_schema(tmp_path / "t.parquet")
    found = {kind: str(each) for kind, each in zip(TYPES, schema.types[1:], strict=True)}
    assert found == {
        "TINYINT": "int8", "SMALLINT UNSIGNED": "uint16", "INT": "int32", "INT UNSIGNED": "uint32", "BIGINT": "int64",
        "BIGINT UNSIGNED": "uint64", "DECIMAL(10,2)": "decimal128(10, 2)", "DECIMAL(38,10)": "decimal128(38, 10)",
        "FLOAT": "float", "DOUBLE": "double", "BOOL": "bool", "DATE": "date32[day]", "DATETIME": "timestamp[us]",
        "DATETIME(6)": "timestamp[us]", "TIMESTAMP(3)": "timestamp[us]", "TIME": "string", "TIME(3)": "string",
        "YEAR": "int16", "CHAR(9)": "string", "VARCHAR(99)": "string", "TEXT": "string", "BINARY(3)": "binary",
        "VARBINARY(9)": "binary", "BLOB": "binary", "JSON": "string", "ENUM('a','b c')": "string", "BIT(1)": "uint64",
        "BIT(16)": "uint64", "BIT(64)": "uint64", "VECF32(3)": "fixed_size_list<element: float>[3]",
        "VECF64(2)": "fixed_size_list<element: double>[2]", "UUID": "string",
    }  # fmt: skip
    client.execute("CREATE TABLE lists (id INT PRIMARY KEY, v VECF32(3))")
    client.execute("INSERT INTO lists VALUES (1, '[1,2.5,-3]'), (2, NULL)")
    lists = Table("lists", MetaData(), Column("id", Integer), Column("v", VECF32(3)))
    client.export.to_file(select(lists.c.v).order_by(lists.c.id), tmp_path / "l.parquet")
    assert pyarrow.parquet.read_table(tmp_path / "l.parquet")["v"].to_pylist() == [[1, 2.5, -3], None]
    client.execute("CREATE VIEW seen AS SELECT id FROM lists")
    assert client.export.to_file("seen", tmp_path / "s.parquet").rows == 2


@pytest.mark.parametrize("form", FORMATS)
def test_columns_whose_names_have_line_ends_are_exported_loaded_and_restored(client, database, stage, unique, form):
    """They were left out: of files, of loads, and of the rows that a restore put back."""
    columns = "id INT PRIMARY KEY, `car\rriage` VARCHAR(9), `sep\u2028arator` INT, last INT"
    client.execute(f"CREATE TABLE typed ({columns})")
    client.execute("CREATE TABLE again LIKE typed")
    client.execute("INSERT INTO typed VALUES (1, 'x', 2, 3), (2, NULL, NULL, NULL)")
    rows, file = rows_of(client, "typed"), f"typed.{FORMATS[form]}"
    report = client.export.to_stage("typed", stage, file, manifest=True, header=False)
    assert report.columns == ("id", "car\rriage", "sep\u2028arator", "last")
    client.load_data.read_manifest_stage(stage, f"{file}.manifest.json", "again")
    assert rows_of(client, "again") == rows
    client.snapshots.create(before := unique(), database=database)
    client.execute("DELETE FROM again")
    client.restore.table("again", before, replace_rows=True)
    assert rows_of(client, "again") == rows
