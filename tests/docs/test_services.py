"""docs/services.md and the tutorial on a web service, run as services run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from matrixone import Client

DOCS = Path(__file__).parents[2] / "docs"
PAGES = (DOCS / "services.md", DOCS / "tutorials" / "web-service.md")


def block(name):
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    return text[text.index(f"# {name}") :].split("```")[0]


@pytest.fixture
def url(matrixone_url, database):
    return f"{matrixone_url.rstrip('/')}/{database}"


def test_fastapi(url, monkeypatch):
    monkeypatch.setenv("MATRIXONE_URL", url)
    known = {"__name__": "app"}
    exec(compile(block("app.py"), "app.py", "exec"), known)
    with TestClient(known["app"]) as browser:
        assert browser.post("/items/1", params={"name": "lamp"}).json() == {"id": 1}
        assert browser.get("/items/1").json() == {"name": "lamp"}
        assert browser.get("/items/2").status_code == 404
        assert browser.get("/count").json() == 1
        with pytest.raises(Exception, match="[Dd]uplicate"):
            browser.post("/items/1", params={"name": "twice"})
        assert browser.get("/items/1").json() == {"name": "lamp"}
        assert known["client"].engine.pool.checkedout() == 0


def test_the_tutorial(url, monkeypatch):
    monkeypatch.setenv("MATRIXONE_URL", url)
    known = {"__name__": "shop"}
    exec(compile(block("shop.py"), "shop.py", "exec"), known)
    with TestClient(known["app"]) as browser:
        assert browser.put("/products/1", params={"name": "lamp"}).json() == {"id": 1}
        assert browser.put("/products/1", params={"name": "desk lamp"}).json() == {"id": 1}
        assert browser.post("/uploads", content=b"2,chair\n3,table\n").json() == {"rows": 2}
        refused = browser.post("/uploads", content=b"4,bed\nfive,shelf\n")
        assert (refused.status_code, "line 2" in refused.text) == (422, True)
        assert browser.get("/products/1").json() == {"name": "desk lamp"}
        assert browser.get("/products/4").status_code == 404
        assert browser.get("/health").json() == {"products": 3, "waiting": 0}


def test_celery(url, tmp_path, files, unique):
    """A worker that forks, a broker in a folder."""
    stage = unique()
    files.put("rows.csv", "1\n2\n3\n")
    (tmp_path / "tasks.py").write_text(block("tasks.py"), encoding="utf-8")
    for folder in ("queue", "results"):
        (tmp_path / folder).mkdir()
    environment = os.environ | {
        "MATRIXONE_URL": url,
        "BROKER": "filesystem://",
        "BACKEND": f"file://{tmp_path}/results",
        "QUEUE": str(tmp_path / "queue"),
    }
    ask = "from tasks import load; print(load.delay('STAGE', 'rows.csv', 't').get(timeout=60))".replace("STAGE", stage)
    with Client(url=url) as client:
        client.execute("CREATE TABLE t (id INT)")
        client.stage.create_local(stage, files.folder)
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--pool", "prefork", "-c", "2", "-l", "WARNING"],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            asked = subprocess.run(
                [sys.executable, "-c", ask],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=90,
                check=False,
            )
        finally:
            worker.terminate()
            said, _ = worker.communicate(timeout=30)
        assert (asked.stdout, asked.returncode) == ("3\n", 0), asked.stderr + said
        assert client.execute("SELECT count(*) FROM t").scalar() == 3
