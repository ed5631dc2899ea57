"""The documentation site: built without a warning, its notebooks run, and used in real headless Chromium."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.conftest import PROJECT

pytest.importorskip("myst_nb", reason="the extra 'docs' is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")


class Page(HTMLParser):
    """Where a page leads, and the places in it that others may lead to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.links += [value for name in ("href", "src") if (value := values.get(name))]
        self.places |= {value for name in ("id", "name") if (value := values.get(name))}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site."""
    out = tmp_path_factory.mktemp("site") / "html"
    build = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "docs", str(out)]
    done = subprocess.run(build, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where a browser finds it: the search reads pages by requests, which files on disk do not answer."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """An empty page; at the end no error may have been logged, and nothing requested from elsewhere."""
    opened = browser.new_page(viewport={"width": 1440, "height": 900})
    messages: list[str] = []
    requests: list[str] = []
    opened.on("console", lambda message: message.type != "log" and messages.append(message.text))
    opened.on("pageerror", lambda error: messages.append(str(error)))
    opened.on("request", lambda request: requests.append(request.url))
    yield opened
    opened.close()
    assert messages == []
    assert [url for url in requests if not url.startswith((address, "data:", "blob:"))] == []


def test_the_notebooks_ran(site: Path) -> None:
    first = (site / "notebooks" / "first-look.html").read_text()
    assert "Segmenter(DifNet, 7 classes" in first and first.count("<img") >= 2
    (right, without) = re.findall(r"(?:cascade|seed_only)/seed0 +([\d.]+)%", first)
    assert float(right) > 85 and float(without) > 80
    own = (site / "notebooks" / "my-own-ablation.html").read_text()
    assert "Without image and layer1" in own and "three_levels" in own
    compared = own.partition("boundary_f</td>")[2]
    assert re.findall(r"<td>([-\d.]+)</td>", compared)[3] == "2.000000" or "<td>2</td>" in compared


def test_the_reference_is_that_of_the_code(site: Path) -> None:
    assert "difnet.diffusion.random_walk" in Page(site / "api.html").places
    assert {"difnet-train", "difnet-init", "difnet-export"} <= Page(site / "generated" / "cli.html").places
    keys = (site / "generated" / "keys.html").read_text()
    assert "The restart weight a of every level: learned, or a number in [0, 1]." in keys


def test_no_link_is_broken(site: Path) -> None:
    pages = {
        path: Page(path) for path in site.rglob("*.html") if not {"_downloads", "_static"} & {*path.parts}
    }
    assert len(pages) > 25
    broken = []
    for path, one in pages.items():
        for link in one.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link == "#":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = unquote(parts.fragment)
            if not target.is_file() or (place and target in pages and place not in pages[target].places):
                broken.append(f"{path.relative_to(site)}: {link}")
    assert broken == []


def test_the_search_finds_a_function_and_a_page(page: Any, address: str) -> None:
    page.goto(f"{address}/index.html")
    page.keyboard.press("Control+k")
    page.locator("dialog input[type=search], .search-button__search-container input[type=search]").first.fill(
        "random_walk"
    )
    page.keyboard.press("Enter")
    page.locator("#search-results li a", has_text="random_walk").first.wait_for()
    page.goto(f"{address}/search.html?q=Holm")
    page.locator("#search-results li a", has_text="Statistics").first.wait_for()


def test_a_report_opens_in_place(page: Any, address: str) -> None:
    page.goto(f"{address}/gallery.html")
    page.get_by_role("link", name="Open the report").click()
    page.locator("h1", has_text="Shapes (synthetic)").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "name", ["index", "running", "api", "tables", "notebooks/first-look", "generated/keys"]
)
def test_axe_finds_no_violation(page: Any, address: str, name: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.goto(f"{address}/{name}.html")
    # It would look for the style sheets that others import beside the page.
    found = axe.Axe().run(page, options={"preload": False}).response["violations"]
    assert {one["id"]: [node["html"][:120] for node in one["nodes"][:3]] for one in found} == {}
