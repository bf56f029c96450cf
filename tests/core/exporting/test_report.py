"""Reports of exports, as they print."""

from matrixone_core.exporting.report import ExportedFile, ExportReport


def test_reports(tmp_path):
    one = ExportReport((ExportedFile("a", 1000),), 1, 0.5, "csv", ("x",), "SELECT", None, {"header": "match"})
    two = ExportReport((ExportedFile("a", 1000), ExportedFile("bc", 5)), None, 0.5, "csv", ("x",), "SELECT")
    none = ExportReport((), 0, 0.5, "parquet", ("x",), "SELECT")
    assert str(one) == "a: 1 row, 1,000 bytes in 0.50 s"
    assert str(two) == "2 files: 1,005 bytes in 0.50 s\na   1,000\nbc      5"
    assert str(none) == "0 files: 0 rows, 0 bytes in 0.50 s"
    assert two._repr_html_().startswith("<table><caption>csv: 1,005 bytes in 0.50 s</caption>")
    assert one.to_dict() == {
        "rows": 1, "bytes": 1000, "seconds": 0.5, "format": "csv", "sql": "SELECT", "manifest": None, "columns": ["x"],
        "files": [{"path": "a", "bytes": 1000}], "load_options": {"header": "match"},
    }  # fmt: skip
    assert len({one, two, one}) == 2
