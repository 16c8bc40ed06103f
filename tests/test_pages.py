"""The built pages, looked at in headless Chromium: skipped by name where there is no browser or no built book.

With the environment variable WEEP_PAGES=required, as in CI, either is an error.
"""

import functools
import os
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).parent.parent
HTML = ROOT / "_build" / "html"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
PAGES = [
    Path(name).name for name in [TOC["root"], *(page["file"] for part in TOC["parts"] for page in part["chapters"])]
]
WITHOUT_MATH = {"bibliography"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
MEGABYTE = 1_000_000


def stored_figures(name):
    """How many figures the stored notebook of a page holds."""
    path = ROOT / "book" / f"{name}.ipynb"
    cells = nbformat.read(path, as_version=4).cells if path.exists() else []
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    return sum("image/png" in output.get("data", {}) for output in outputs)


pytestmark = pytest.mark.browser


def missing(reason):
    if os.environ.get("WEEP_PAGES") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def site():
    """Address of the built book, served on this machine."""
    if not (HTML / "index.html").exists():
        missing("the book is not built: jupyter-book build .")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(HTML)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        missing("no Chromium on this machine: " + ", ".join(BROWSERS))
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


class View:
    """A loaded page, and what it asked for and complained about."""

    def __init__(self, browser, site, name, width=1280, scheme="light"):
        self.complaints, self.requests, self.weight = [], [], 0
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("response", self._weigh)
        self.page.goto(f"{site}/{name}.html", wait_until="networkidle")
        self.page.evaluate("() => window.MathJax?.startup?.promise?.then(() => null)")

    def _weigh(self, response):
        if "/_static/" not in response.url:  # shared by all pages
            self.weight += int(response.headers.get("content-length", 0))
        if response.status >= 400:
            self.complaints.append(f"{response.status} {response.url}")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_page(browser, site, name, width, scheme):
    with View(browser, site, f"book/{name}", width, scheme) as view:
        page = view.page
        assert view.complaints == []
        assert [url for url in view.requests if not url.startswith((site, "data:", "blob:"))] == []
        assert view.weight < 3 * MEGABYTE
        assert page.locator("article h1").first.is_visible()

        # Mathematics: each formula typeset, none with an error, and none left as source in the text.
        formulas = page.locator(".math").count()
        assert (formulas == 0) == (name in WITHOUT_MATH)
        assert page.locator(".math:not(:has(mjx-container))").count() == 0
        assert page.locator("mjx-merror, [data-mjx-error]").count() == 0
        prose = page.evaluate(
            """() => { const copy = document.querySelector('article').cloneNode(true);
                copy.querySelectorAll('pre, code, mjx-container, script').forEach(e => e.remove());
                return copy.textContent; }"""
        )
        assert "$" not in prose and "\\(" not in prose and "| --" not in prose

        # Figures: there, loaded, of a readable size, and described.
        figures = page.locator("img.line-figure, img.photo-figure")
        assert figures.count() == stored_figures(name)
        for figure in figures.all():
            figure.scroll_into_view_if_needed()
            assert figure.is_visible()
            assert figure.evaluate("e => e.complete && e.naturalWidth") > 800
            assert figure.bounding_box()["width"] > 550
            assert len(figure.get_attribute("alt")) > 40

        # The colours follow the scheme, and so do line figures.
        red, green, blue = page.evaluate(
            "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
        )
        assert max(red, green, blue) < 60 if scheme == "dark" else min(red, green, blue) > 230
        for figure in page.locator("img.line-figure").all():
            assert ("invert" in figure.evaluate("e => getComputedStyle(e).filter")) == (scheme == "dark")

        # Nothing makes the page itself wider than the screen, and there is no stray bar above it.
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        assert page.locator(".bd-header:visible").count() == 0


def test_search_finds_the_prox(browser, site):
    with View(browser, site, "search") as view:
        view.page.goto(f"{site}/search.html?q=prox", wait_until="networkidle")
        view.page.locator("#search-results li").first.wait_for()
        found = view.page.locator("#search-results li a").all_text_contents()
        assert any("proximal" in title.lower() for title in found)
        assert view.complaints == []


def test_internal_links_lead_somewhere(browser, site):
    for name in PAGES:
        with View(browser, site, f"book/{name}") as view:
            links = view.page.evaluate("() => [...document.querySelectorAll('article a[href]')].map(a => a.href)")
            targets = {link for link in links if link.startswith(site)}
            assert targets or name == "bibliography"
            for link in sorted(targets):
                path, _, anchor = link.removeprefix(site).partition("#")
                file = HTML / path.lstrip("/")
                assert file.is_file(), link
                if anchor and file.suffix == ".html":
                    assert f'id="{anchor}"' in file.read_text(encoding="utf-8"), link
