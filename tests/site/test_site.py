"""The built documentation: every method is in it, and a browser finds one by its name. `nox -s docs` runs this."""

import functools
import html
import http.server
import inspect
import os
import re
import shutil
import threading
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

import matrixone
import matrixone_async.managers
import matrixone_sync.managers

SITE = Path(os.environ.get("BUILT_SITE", "build/docs")).resolve()
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


def methods(owner):
    """The public methods that this package gives a class, inherited ones too; drivers call `perform`, not users."""
    given = [vars(base) for base in owner.__mro__ if base.__module__.startswith("matrixone_")]
    names = {name for members in given for name in members if not name.startswith("_")} - {"perform"}
    found = {name: getattr(owner, name) for name in names}
    return sorted(name for name, value in found.items() if inspect.isfunction(value) and is_ours(value))


def is_ours(function):
    """Whether a function is more than a guard around one of SQLAlchemy's."""
    return function.__module__.startswith("matrixone_")


def owners():
    for side in (matrixone_sync.managers, matrixone_async.managers):
        for name, value in vars(side).items():
            if name.endswith("Manager") and name not in {"Manager", "AsyncManager"}:
                yield f"{side.__name__}.{name}", value
    for name in ("Client", "AsyncClient", "Session", "AsyncSession", "StagePath", "AsyncStagePath"):
        yield f"matrixone.{name}", getattr(matrixone, name)


@pytest.mark.parametrize(("name", "owner"), [pytest.param(*pair, id=pair[0]) for pair in owners()])
def test_every_method_is_in_the_reference(name, owner):
    pages = "".join(page.read_text(encoding="utf-8") for page in SITE.glob("reference/*/index.html"))
    assert methods(owner) or name.startswith("matrixone.")
    assert [method for method in methods(owner) if f'id="{name}.{method}"' not in pages] == []


def test_a_method_has_the_parameters_and_the_result_of_its_operation():
    page = (SITE / "reference" / "client" / "index.html").read_text(encoding="utf-8")
    start = page.index('id="matrixone_sync.managers.StageManager.create_s3"')
    shown = page[start : start + 20_000]
    assert "aws_secret_key" in shown
    assert "name of the bucket, without a prefix" in shown
    assert "Op[" not in page
    assert 'href="../errors/#matrixone.StageExists"' in shown


def test_a_client_has_the_types_of_its_managers():
    page = (SITE / "reference" / "client" / "index.html").read_text(encoding="utf-8")
    assert 'href="#matrixone_sync.managers.StageManager"' in page
    assert "<code>Final</code>" not in page


def test_signatures_have_line_breaks():
    page = (SITE / "reference" / "client" / "index.html").read_text(encoding="utf-8")
    signatures = re.findall(r'<div class="doc-signature highlight">.*?</div>', page, re.DOTALL)
    lines = [line for found in signatures for line in html.unescape(re.sub("<.*?>", "", found)).splitlines()]
    assert max(map(len, lines)) <= 150


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server of files that writes nothing."""

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    handler = functools.partial(Quiet, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def browser(tmp_path):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--window-size=1400,1000",
        f"--user-data-dir={tmp_path}",
    ):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield browser
    browser.quit()


@pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="Chromium and its driver are not installed")
def test_a_name_is_searched_and_followed(site, browser):
    browser.get(f"{site}querying/")
    wait = WebDriverWait(browser, 60)
    field = wait.until(expected_conditions.element_to_be_clickable((By.CSS_SELECTOR, ".md-search__input")))
    field.click()
    field.send_keys("read_csv_stage")
    wait.until(lambda _: browser.find_elements(By.CSS_SELECTOR, ".md-search-result__link"))
    links = [link.get_attribute("href") for link in browser.find_elements(By.CSS_SELECTOR, ".md-search-result__link")]
    target = next(link for link in links if link.endswith("#matrixone_sync.managers.LoadManager.read_csv_stage"))
    browser.get(target)
    heading = wait.until(expected_conditions.presence_of_element_located((By.ID, target.partition("#")[2])))
    assert "read_csv_stage" in heading.text
    assert "ignore_lines" in browser.find_element(By.TAG_NAME, "body").text


@pytest.mark.skipif(not (SITE / "assets" / "mermaid.min.js").exists(), reason="npm is not installed")
@pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="Chromium and its driver are not installed")
@pytest.mark.parametrize("page", ["", "architecture/", "errors/", "tutorials/many-stages/"])
def test_pictures_are_drawn(site, browser, page):
    browser.get(f"{site}{page}")
    wanted = (SITE / page / "index.html").read_text(encoding="utf-8").count('class="mermaid"')
    drawn = "return [...document.querySelectorAll('div.mermaid')].filter(picture => picture.offsetHeight > 50).length"
    WebDriverWait(browser, 60).until(lambda _: browser.execute_script(drawn) == wanted)
    assert wanted > 0
