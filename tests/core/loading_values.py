"""What tests of loads begin with: requests, tables, files, and what the server says beforehand."""

from script import Driver, Server

from matrixone_core.errors import ServerError
from matrixone_core.loading.inputs.files import StageFile
from matrixone_core.loading.request import build_named_request
from matrixone_core.loading.table import parse_table
from matrixone_core.session.unit_of_work import UnitOfWork
from matrixone_core.sql.files import DigestFile, FileLength, ReadFile, ReadRange
from matrixone_core.sql.load import Csv

#: The answer to the question before each load: a stage, and a table in use.
STATE = {
    "now": 1_000_000, "current_database": "d", "in_use": 1, "reached": 0, "stage_name": "s", "url": "file:///a/",
    "stage_credentials": "", "stage_status": "enabled", "created": None, "comment": "",
}  # fmt: skip


def request(form="csv", table="t", **options):
    """A load that is asked for."""
    return build_named_request(table, form, options)


def definition(*lines, name="t"):
    """A SHOW CREATE TABLE text; without lines it has a key and a text."""
    lines = lines or ("`id` int NOT NULL", "`name` varchar(10) DEFAULT NULL", "PRIMARY KEY (`id`)")
    return f"CREATE TABLE `{name}` (\n" + ",\n".join(f"  {line}" for line in lines) + "\n)"


def table(*lines, names=("t",)):
    """A table of these columns and keys."""
    return parse_table(names, definition(*lines, name=names[-1]))


def file(names=("id", "name"), form=Csv(), path="stage://s/a.csv", **more):  # noqa: B008  # a frozen value
    """A file of a stage."""
    return StageFile(path, form, tuple(names), **more)


def server(rules=None, *lines, state=None):
    """A server that has a table of these columns and keys, and answers by rules; without any it loads three rows.

    It does not tell how long a file is, so that the footers of Parquet files cannot be read.
    """
    return Server({
        "SELECT instr(load_file": [{"place": 0, "length": 12}],
        "`line` LIKE": [{"n": 0}],
        "AS current_database": [STATE | (state or {})],
        "SHOW CREATE TABLE": [{"Create Table": definition(*lines)}],
        **({"LOAD DATA": 3, "INSERT INTO `t`": 3} if rules is None else rules),
        "SELECT length(load_file": ServerError("cannot be read"),
    })  # fmt: skip


def brief(log):
    """The statements of a log by their first words, those before a load left out."""
    before = ("AS current_database", "SHOW CREATE", "SELECT instr(load_file")
    return [_verb(text) for text in log if not any(one in text for one in before)]


def _verb(text):
    words = text.split()
    return " ".join(words[: 3 if words[0] == "aside:" else 2])


class StageFiles:
    """A stage's files, which statements read; other statements are answered by rules."""

    def __init__(self, files, rules=None, *lines, state=None):
        self.files = {f"stage://s/{name}": data for name, data in files.items()}
        self.others = server({"LOAD DATA": 3, "INSERT INTO `t`": 3} | (rules or {}), *lines, state=state)
        if rules and "AS current_database" in rules:
            self.others.rules["AS current_database"] = list(rules["AS current_database"])

    def __call__(self, statement):
        match statement:
            case ReadFile():
                data = self.files[statement.url]
                return data[statement.offset : statement.offset + statement.pieces * statement.size]
            case ReadRange():
                return self.files[statement.url][statement.offset : statement.offset + statement.size]
            case FileLength():
                return len(self.files[statement.url])
            case DigestFile():
                return tuple("d" for _ in statement.offsets)
        return self.others(statement)


def run_on_files(op, files, rules=None, *lines, state=None, session=False):
    """What an operation on a stage of these files gives, and its driver."""
    driver = Driver(StageFiles(files, rules, *lines, state=state))
    return driver.run(UnitOfWork().within(op) if session else op), driver
