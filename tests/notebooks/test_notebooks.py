"""What a notebook shows, in a real kernel: tables, progress bars, and %sql. `nox -s notebooks` runs this."""

import nbformat
import pytest
from nbclient import NotebookClient


@pytest.fixture
def outputs(matrixone_url, database):
    """Run cells in a kernel of their own; what each of them shows, by MIME type."""

    def run(*cells):
        setup = f"from matrixone import Client\nclient = Client(url={matrixone_url!r}, database={database!r}).connect()"
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in (setup, *cells)])
        NotebookClient(notebook, timeout=100, kernel_name="python3").execute()
        return [
            {kind: text for output in cell.outputs for kind, text in output.get("data", {}).items()}
            for cell in notebook.cells[1:]
        ]

    return run


def test_lists_of_stages_and_reports_are_tables(outputs, unique, files):
    name = unique()
    files.put("rows.csv", "1\n2\n")
    created, listed, loaded = outputs(
        f"client.execute('CREATE TABLE t (id INT)')\nclient.stage.create_local({name!r}, {files.folder!r})",
        f"client.stage.list(like={name!r})",
        f"client.load_data.read_csv_stage({name!r}, 'rows.csv', 't')",
    )
    assert f"<caption>{name}</caption>" in created["text/html"]
    assert "<caption>Stage: 1</caption>" in listed["text/html"]
    assert "<caption>t: 2 rows" in loaded["text/html"]


def test_progress_is_a_widget_of_the_notebook(outputs):
    [loaded] = outputs(
        "client.execute('CREATE TABLE t (id INT)')\n"
        "report = client.load_data.read_csv(b'1\\n2\\n', 't', progress=True)\n"
        "assert report.rows == 2"
    )
    assert "application/vnd.jupyter.widget-view+json" in loaded


def test_sql_magic_on_the_engine_of_a_client(outputs):
    _, _, selected = outputs(
        "client.execute('CREATE TABLE t (id INT)')\nclient.execute('INSERT INTO t VALUES (7)')",
        "%load_ext sql\n%config SqlMagic.displaycon = False\nengine = client.engine\n%sql engine",
        "%sql SELECT id FROM t",
    )
    assert "<td>7</td>" in selected["text/html"]


def test_sql_magic_by_url(outputs, matrixone_url):
    url = matrixone_url.replace("mysql://", "matrixone://")
    _, selected = outputs(f"%load_ext sql\n%sql {url}", "%sql SELECT 6 * 7 AS answer")
    assert "<td>42</td>" in selected["text/html"]
