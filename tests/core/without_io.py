"""Drives the core in a process that can open no file, read no environment, and reach no terminal, socket or thread.

Run by `test_sans_io.py`. What the interpreter and SQLAlchemy need for themselves is imported first.
"""

import builtins
import codecs
import importlib
import io
import os
import pkgutil
import sys
import traceback
import warnings

for library in ("dialects.mysql.aiomysql", "dialects.mysql.pymysql", "ext.asyncio", "orm"):
    importlib.import_module(f"sqlalchemy.{library}")
IMPORTED = tuple(filter(None, sys.path))
MODULES = ("tempfile", "socket", "ssl", "subprocess", "threading", "asyncio", "select", "shutil", "rich", "anyio")
SIDES = ("matrixone_platform", "matrixone_sync", "matrixone_async")
AUDITED = ("open", "os.", "socket.", "subprocess.", "tempfile.", "shutil.", "glob.", "signal.", "fcntl.", "mmap.")
REGISTERED = ("matrixone_core.dialect.alembic", "matrixone_core.dialect.dlt")  # imported where Alembic or dlt run


class Blocked:
    """Stands in for a part of the machine: any use of it is an error."""

    def __init__(self, name):
        self.__dict__["_name"] = name

    def __getattr__(self, attribute):
        raise AssertionError(f"the core uses {self._name}.{attribute}")

    def __call__(self, *arguments, **options):
        raise AssertionError(f"the core calls {self._name}")

    __setattr__ = __getitem__ = __contains__ = __iter__ = __getattr__


class ModuleFinder:
    """Refuses imports of modules that reach the machine."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in (*MODULES, *SIDES, "opentelemetry"):  # which reads the environment
            raise ImportError(f"the core imports {name}")


def refuse(event, arguments):
    """An audit hook, which sees what is done in C as well; the import system may read modules."""
    is_import = event in {"open", "os.listdir"} and str(arguments[0]).startswith(IMPORTED)
    if is_blocked and event.startswith(AUDITED) and not is_import:
        raise AssertionError(f"the core causes {event}{arguments[:2]}")


def report(*error):
    """Write an exception, with all that this takes."""
    global is_blocked
    is_blocked, builtins.open, io.open = False, opener, opener
    print(*traceback.format_exception(*error), sep="", file=answer_with, flush=True)
    os._exit(1)


answer_with, opener = os.fdopen(os.dup(1), "w"), open
codecs.lookup("utf-8-sig")
warnings.filterwarnings("ignore")
for name in MODULES:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, ModuleFinder)
builtins.open = io.open = Blocked("open")
os.environ, os.getenv = Blocked("os.environ"), Blocked("os.getenv")
sys.stdin, sys.stdout, sys.stderr = Blocked("sys.stdin"), Blocked("sys.stdout"), Blocked("sys.stderr")
is_blocked = True
sys.addaudithook(refuse)
sys.excepthook = report

core = importlib.import_module("matrixone_core")
names = [module.name for module in pkgutil.walk_packages(core.__path__, "matrixone_core.")]
for name in names:
    if name not in REGISTERED:
        importlib.import_module(name)
script = importlib.import_module("script")
values = importlib.import_module("loading_values")
stages = importlib.import_module("matrixone_core.operations.stages")
loads = importlib.import_module("matrixone_core.operations.loads")
stage_loads = importlib.import_module("matrixone_core.operations.stage_loads")
files = importlib.import_module("matrixone_core.operations.stage_path_files")
transfers = importlib.import_module("matrixone_core.operations.stage_transfers")

AWS = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "eu-west-1"}
STAGE = {"stage_name": "s", "url": "s3://b/", "stage_credentials": None, "stage_status": "in_use", "created": None,
         "comment": ""}  # fmt: skip
machine = script.MemoryMachine(AWS, **{"users.csv": b"1,a\n2,b\n3,c\n"})


def driver(**rules):
    return script.Driver(values.server({**rules, "LOAD DATA": 3, "INSERT INTO `t`": 3}), machine)


creating = script.Driver(script.Server({"CREATE STAGE": 0, "mo_stages": [STAGE]}), machine)
created = creating.run(stages.create_s3("s", "b"))
facts = {"hex(load_file": [{"piece0": b"1,a\n".hex()}], "SELECT count(*)": [{"n": 0}]}
plan = driver(**facts).run(stage_loads.plan("s", "a.csv", "t"))
given = (b"1,a\n2,b\n3,c\n", "users.csv", io.StringIO("1,a\n2,b\n3,c\n"))
rows = [driver().run(loads.read_csv(data, "t", progress=True)).rows for data in given]
uploaded = driver(**facts).run(
    transfers.upload(files.location("s", ("u",)), "users.csv", overwrite=False, progress=None)
)
print(created.name, creating.log[0], plan.files[0], rows, uploaded, sep="\n", file=answer_with, flush=True)
os._exit(0)  # the interpreter would close the standard streams
