"""LOAD DATA as SQL."""

import pytest

from matrixone_core.secrets import Credentials
from matrixone_core.sql.load import ClientData, Csv, JsonLines, LoadData, Parquet, S3Object

FIELDS = "FIELDS TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY ''"


@pytest.mark.parametrize(
    ("statement", "sql"),
    [
        (LoadData("/a.csv", ("d", "t"), Csv(2, "|", "'", "!", "\r\n")),
         "LOAD DATA INFILE '/a.csv' INTO TABLE `d`.`t` FIELDS TERMINATED BY '|' ENCLOSED BY '''' ESCAPED BY '!' LINES TERMINATED BY '\r\n' IGNORE 2 LINES"),
        (LoadData("stage://s/a", ("t",), JsonLines("array", "gzip")),
         "LOAD DATA INFILE {'filepath'='stage://s/a', 'compression'='gzip', 'format'='jsonline', 'jsondata'='array'} INTO TABLE `t`"),
        (LoadData("stage://s/a", ("t",), Parquet()), "LOAD DATA INFILE {'filepath'='stage://s/a', 'format'='parquet'} INTO TABLE `t`"),
        (LoadData(ClientData("x"), ("t",), Csv(), parallel=True), f"LOAD DATA LOCAL INFILE 'x' INTO TABLE `t` {FIELDS} PARALLEL 'TRUE'"),
        (LoadData(S3Object("b", "k", Credentials({"AWS_REGION": "r"})), ("t",), JsonLines()),
         "LOAD DATA URL s3option {'bucket'='b', 'filepath'='k', 'region'='r', 'format'='jsonline', 'jsondata'='object'} INTO TABLE `t`"),
        (LoadData(S3Object("b", "k", Credentials()), ("t",), Csv(compression="bz2")),
         f"LOAD DATA URL s3option {{'bucket'='b', 'filepath'='k', 'compression'='bz2'}} INTO TABLE `t` {FIELDS}"),
    ],
)  # fmt: skip
def test_statements(statement, sql):
    assert str(statement) == sql
