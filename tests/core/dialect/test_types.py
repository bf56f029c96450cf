"""Vectors and full text: values, distances, indexes of models, MATCH."""

import array
import ctypes
import decimal

import numpy
import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, Text, bindparam, literal, select
from sqlalchemy.exc import CompileError
from sqlalchemy.schema import CreateIndex

from matrixone import InvalidArgument, orm
from matrixone.orm import VECF32, VECF64, FullTextIndex, VectorIndex, match
from matrixone_core.dialect import MatrixOneDialect_pymysql

DIALECT = MatrixOneDialect_pymysql()


class OnlyTheInterface:
    def __init__(self, values):
        self.held = numpy.array(values)
        self.__array_interface__ = self.held.__array_interface__


@pytest.mark.parametrize("kind", [VECF32(2), VECF64(2)], ids=repr)
@pytest.mark.parametrize(
    "value",
    [
        [1.5, -2],
        (1.5, -2),
        [decimal.Decimal("1.5"), numpy.float32(-2)],
        numpy.array([1.5, -2]),
        numpy.array([1.5, -2], dtype=">f4"),
        numpy.array([1.5, 0, -2], dtype="float16")[::2],
        array.array("f", [1.5, -2]),
        memoryview(array.array("d", [1.5, -2])),
        OnlyTheInterface([1.5, -2]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_holds_numbers_is_a_vector(kind, value):
    assert kind.bind_processor(DIALECT)(value) == "[1.5,-2.0]"
    assert str(literal(value, kind).compile(dialect=DIALECT, compile_kwargs={"literal_binds": True})) == "'[1.5,-2.0]'"


@pytest.mark.parametrize(
    "value",
    [
        (ctypes.c_double * 2)(1.5, -2),
        (ctypes.c_float.__ctype_be__ * 2)(1.5, -2),
        memoryview(numpy.array([1.5, -2], ">f4")),
        memoryview(numpy.array([1.5, -2], "float16")),
        memoryview(array.array("d", [1.5, 0, -2]))[::2],
    ],
    ids=["double", "big-endian", "big-endian view", "half", "every second"],
)
def test_what_has_a_buffer_alone_is_a_vector(value):
    assert VECF32(2).bind_processor(DIALECT)(value) == "[1.5,-2.0]"


@pytest.mark.parametrize(
    "kind", [ctypes.c_long, ctypes.c_long.__ctype_be__, ctypes.c_ulong, ctypes.c_int16, ctypes.c_uint8, ctypes.c_bool]
)
def test_buffers_of_whole_numbers_of_every_size(kind):
    assert VECF32(3).bind_processor(DIALECT)((kind * 3)(1, 0, 1)) == "[1.0,0.0,1.0]"
    if kind(-1).value < 0:
        assert VECF32(1).bind_processor(DIALECT)((kind * 1)(-3)) == "[-3.0]"


def test_numbers_keep_every_digit():
    value = numpy.array([0.1, 1 / 3], dtype="float32")
    sent = VECF32(2).bind_processor(DIALECT)(value)
    assert [numpy.float32(part) for part in sent.strip("[]").split(",")] == value.tolist()
    assert VECF64(1).bind_processor(DIALECT)([0.1]) == "[0.1]"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("[1,2]", "text and bytes"),
        (b"\0" * 8, "memoryview"),
        ([[1, 2]], "list"),
        (numpy.zeros((2, 2)), "ndarray"),
        (["1"], "list"),
        (5, "int"),
        ({1, 2}, "set"),
        ((ctypes.c_double * 2 * 2)(), "2 dimensions"),
        (memoryview(numpy.zeros((1, 2))), "2 dimensions"),
        (memoryview(b"ab").cast("c"), "the format c"),
        (memoryview(numpy.zeros(2, [("x", "f4")])), "the format T"),
        (numpy.ma.array([1.0, 2.0], mask=[False, True]), "MaskedArray"),
        (numpy.array([1, 2], "M8[ns]"), "moments"),
        ([10**400, 0], "too large"),
        ([float("nan")], "finite"),
        (numpy.array([1, numpy.inf]), "finite"),
    ],
)
def test_what_is_no_vector_is_refused(value, why):
    with pytest.raises(InvalidArgument, match=rf"VECF32\(2\).*{why}"):
        VECF32(2).bind_processor(DIALECT)(value)


T = Table(
    "t",
    MetaData(),
    Column("id", Integer),
    Column("v", VECF32(2)),
    Column("w", VECF32(2)),
    Column("s", String),
    Column("x", Text),
)


class Model(orm.Base):
    __tablename__ = "of_vectors"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    v = orm.mapped_column(VECF32(2))


@pytest.mark.parametrize(
    "name", ["l2_distance", "l2_distance_sq", "cosine_distance", "cosine_similarity", "inner_product"]
)
def test_distances(name):
    asked = getattr(T.c.v, name)(numpy.array([1, 2])).compile(dialect=DIALECT)
    assert str(asked) == f"{name}(t.v, %s)"
    assert [kind.bind_processor(DIALECT)(asked.params[key]) for key, kind in [("param_1", T.c.v.type)]] == ["[1.0,2.0]"]
    assert str(getattr(T.c.v, name)(T.c.w).compile(dialect=DIALECT)) == f"{name}(t.v, t.w)"
    assert str(getattr(Model.v, name)(Model.v).compile(dialect=DIALECT)) == f"{name}(of_vectors.v, of_vectors.v)"
    later = getattr(T.c.v, name)(bindparam("later")).compile(dialect=DIALECT)
    assert (str(later), later.bind_names) == (f"{name}(t.v, %s)", {next(iter(later.bind_names)): "later"})
    assert next(iter(later.bind_names)).type.bind_processor(DIALECT)(numpy.array([1, 2])) == "[1.0,2.0]"
    assert select(getattr(Model.v, name)([1, 2])).selected_columns[0].type.python_type is float
    first, second = (select(getattr(T.c.v, name)(v))._generate_cache_key() for v in ([1, 2], numpy.array([3, 4])))  # noqa: SLF001  # SQLAlchemy's
    assert first.key == second.key


def made(*indexes):
    Table(
        "t", MetaData(), Column("id", Integer), Column("v", VECF32(2)), Column("s", String), Column("x", Text), *indexes
    )
    return str(CreateIndex(indexes[0]).compile(dialect=DIALECT))


@pytest.mark.parametrize(
    ("index", "sql"),
    [
        (VectorIndex("i", "v"), "CREATE INDEX i USING ivfflat ON t (v)"),
        (
            VectorIndex("i", "v", lists=2, op_type="vector_l2_ops"),
            "CREATE INDEX i USING ivfflat ON t (v) LISTS = 2 OP_TYPE 'vector_l2_ops'",
        ),
        (
            VectorIndex("i", "v", using="hnsw", m=16, ef_construction=64, ef_search=32, op_type="vector_ip_ops"),
            "CREATE INDEX i USING hnsw ON t (v) OP_TYPE 'vector_ip_ops' M = 16 EF_CONSTRUCTION = 64 EF_SEARCH = 32",
        ),
        (
            orm.Index("i", "v", matrixone_using="ivfflat", matrixone_async=True, matrixone_quantization="f'16"),
            "CREATE INDEX i USING ivfflat ON t (v) QUANTIZATION 'f''16' ASYNC",
        ),
        (orm.Index("i", "v", matrixone_async=False), "CREATE INDEX i ON t (v)"),
        (FullTextIndex("i", "s", "x"), "CREATE FULLTEXT INDEX i ON t (s, x)"),
        (FullTextIndex("i", "x", parser="ngram"), "CREATE FULLTEXT INDEX i ON t (x) WITH PARSER ngram"),
    ],
)
def test_indexes_of_models(index, sql):
    assert made(index) == sql
    copied = index.table.to_metadata(MetaData())
    assert str(CreateIndex(next(iter(copied.indexes))).compile(dialect=DIALECT)) == sql


def test_options_of_the_other_kind_are_refused():
    with pytest.raises(InvalidArgument, match="'ivfflat' has no option ef_search, m"):
        VectorIndex("i", "v", m=3, ef_search=4)
    with pytest.raises(InvalidArgument, match="'hnsw' has no option lists"):
        VectorIndex("i", "v", using="hnsw", lists=2)
    with pytest.raises(InvalidArgument, match="using='flat' must be 'ivfflat' or 'hnsw'"):
        VectorIndex("i", "v", using="flat")


def test_match():
    asked = match(T.c.s, T.c.x, against="a")
    assert str(asked.compile(dialect=DIALECT)) == "MATCH (t.s, t.x) AGAINST (%s)"
    assert str(asked.in_boolean_mode().compile(dialect=DIALECT)) == "MATCH (t.s, t.x) AGAINST (%s IN BOOLEAN MODE)"
    with pytest.raises(CompileError, match="QUERY EXPANSION"):
        asked.with_query_expansion().compile(dialect=DIALECT)
