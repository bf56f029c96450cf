"""Packages that know the server by its dialect; docs/ecosystem.md has a line for each."""

import decimal
import warnings

import pytest
from sqlalchemy import create_engine, make_url, text


@pytest.fixture
def url(matrixone_url, database):
    return make_url(matrixone_url).set(drivername="matrixone+pymysql", database=database)


@pytest.fixture
def engine(url):
    engine = create_engine(url)
    yield engine
    engine.dispose()


def test_sqlmodel(engine):
    from sqlmodel import Field, Session, SQLModel, select

    class Hero(SQLModel, table=True):
        id: int | None = Field(default=None, primary_key=True)
        name: str = Field(index=True)
        pay: decimal.Decimal = Field(default=0, max_digits=10, decimal_places=2)

    SQLModel.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Hero(name="Ada" * 200, pay=decimal.Decimal("1.50")))
        session.commit()
        found = session.exec(select(Hero).where(Hero.name == "Ada" * 200)).one()
        assert (found.pay, found.id is not None) == (decimal.Decimal("1.50"), True)


def test_pandas(engine):
    import pandas

    frame = pandas.DataFrame({"n": [1, 2], "s": ["x", None], "at": pandas.to_datetime(["2026-01-01", "2026-01-02"])})
    for exists in ("fail", "replace", "append"):
        frame.to_sql("of_pandas", engine, index=False, if_exists=exists)
    read = pandas.read_sql_table("of_pandas", engine)
    assert read["n"].tolist() == [1, 2, 1, 2]
    assert read["at"].tolist() == frame["at"].tolist() * 2
    assert pandas.read_sql("SELECT s FROM of_pandas WHERE n = 1", engine)["s"].tolist() == ["x", "x"]


def test_polars(engine):
    import polars

    frame = polars.DataFrame({"n": [1, 2, 3], "s": ["a", None, "it's"], "f": [1.5, None, 2.0]})
    for exists in ("fail", "append", "replace"):
        frame.write_database("of_polars", engine, engine="sqlalchemy", if_table_exists=exists)
    assert polars.read_database("SELECT n, s, f FROM of_polars ORDER BY n", engine).rows() == frame.rows()
    batches = polars.read_database("SELECT n FROM of_polars", engine, iter_batches=True, batch_size=2)
    assert sum(batch.height for batch in batches) == 3


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")  # its own
def test_advanced_alchemy(engine):
    from advanced_alchemy.base import UUIDAuditBase
    from advanced_alchemy.repository import SQLAlchemySyncRepository
    from sqlalchemy.orm import Mapped, Session

    class Author(UUIDAuditBase):
        __tablename__ = "authors"
        name: Mapped[str]

    class Authors(SQLAlchemySyncRepository[Author]):
        model_type = Author

    Author.metadata.create_all(engine, tables=[Author.__table__])
    with Session(engine, expire_on_commit=False) as session:
        authors = Authors(session=session)
        first = authors.add(Author(name="Ada"))
        authors.add_many([Author(name="Grace"), Author(name="Alan")])
        authors.upsert(Author(id=first.id, name="Ada L."))
        authors.delete_where(name="Alan")
        session.commit()
        found, count = authors.get_many_and_count()
        assert ({author.name for author in found}, count) == ({"Ada L.", "Grace"}, 2)


@pytest.fixture
def pipeline(url, unique, tmp_path, monkeypatch):
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    import dlt

    name = unique("dlt")
    target = url.render_as_string(hide_password=False)
    yield dlt.pipeline(
        name, pipelines_dir=str(tmp_path), destination=dlt.destinations.sqlalchemy(target), dataset_name=name
    )
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for database in (name, f"{name}_staging"):
            connection.execute(text(f"DROP DATABASE IF EXISTS {database}"))
    engine.dispose()


@pytest.mark.filterwarnings("default")  # dlt's own
def test_dlt(pipeline):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for rows in ([{"id": 1, "name": "a", "parts": [{"x": 1}]}, {"id": 2, "name": "b"}], [{"id": 1, "name": "A"}]):
            pipeline.run(rows, table_name="items", primary_key="id", write_disposition="merge")
        items = pipeline.dataset().items
        assert sorted(items.select("id", "name").fetchall()) == [(1, "A"), (2, "b")]
        assert items.df().shape[0] == 2
