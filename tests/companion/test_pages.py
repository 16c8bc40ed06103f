"""The built pages, looked at in headless Chromium: skipped by name where there is no browser or no built book.

With the environment variable WEEP_PAGES=required, as in CI, either is an error. WEEP_HTML names another folder.
"""

import functools
import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import nbformat
import numpy as np
import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup

from weep import L1, L2, MCP, WEEP, Huber, denoise_tv, recover
from weep.operators import Differences, adjoint, differences

ROOT = Path(__file__).parent.parent.parent
HTML = Path(os.environ.get("WEEP_HTML", ROOT / "_build" / "html"))
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
CHAPTERS = [page for part in TOC["parts"] for page in part["chapters"]]
LISTED = [page for chapter in CHAPTERS for page in (chapter, *chapter.get("sections", []))]
PAGES = [Path(name).name for name in [TOC["root"], *(page["file"] for page in LISTED)]]
WITHOUT_MATH = {"api-reports", "bibliography", "run"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
MEGABYTE = 1_000_000
PAPER = 658  # the line of .ci/pdf: 174 mm, at 96 pixels an inch


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
        self.page.add_init_script(
            """window.shift = 0; new PerformanceObserver(list => list.getEntries().forEach(e => { shift += e.value; }))
                .observe({ type: 'layout-shift', buffered: true });"""
        )
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("response", self._weigh)
        self.page.goto(f"{site}/{name}.html", wait_until="networkidle")
        self.page.evaluate("() => window.MathJax?.startup?.promise?.then(() => null)")
        self.page.wait_for_function("() => !document.documentElement.classList.contains('typesetting')")

    def _weigh(self, response):
        if "/_static/" not in response.url:  # shared by all pages
            self.weight += int(response.headers.get("content-length", 0))
        if response.status >= 400:
            self.complaints.append(f"{response.status} {response.url}")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.context.close()


def assert_colours_follow(page, scheme):
    """The page is light or dark, and so are line figures."""
    page.wait_for_function("scheme => document.documentElement.dataset.theme === scheme", arg=scheme)
    red, green, blue = page.evaluate(
        "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    )
    assert max(red, green, blue) < 60 if scheme == "dark" else min(red, green, blue) > 230
    for figure in page.locator("img.line-figure").all():
        assert ("invert" in figure.evaluate("e => getComputedStyle(e).filter")) == (scheme == "dark")


def assert_prints_well(page, name):
    """As a dark screen would print it: nothing is wider than the paper, solutions are open, colours are light."""
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER, "height": 900})
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function("() => getComputedStyle(document.body).backgroundColor === 'rgb(255, 255, 255)'")
    assert page.locator("article details:is(.sd-dropdown, .tag_hide-cell > *):not([open])").count() == 0
    assert page.locator("article details.sd-dropdown > *:visible").count() >= (name == "04-prox")
    wide = page.evaluate(
        """paper => [...document.querySelectorAll('article *')].filter(e => e.checkVisibility()
            && !e.closest('mjx-assistive-mml, .explorer svg') && e.getBoundingClientRect().right > paper + 1)
            .map(e => e.outerHTML.slice(0, 200))""",
        PAPER,
    )
    assert wide == []
    page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"
    assert page.locator("article details[open]").count() == 0


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
@pytest.mark.parametrize("name", PAGES)
def test_page(browser, site, name, width, scheme):
    """It is loaded in two ways, which takes longest, and then looked at in the other scheme too."""
    with View(browser, site, f"book/{name}", width, scheme) as view:
        page = view.page
        assert view.complaints == []
        assert [url for url in view.requests if not url.startswith((site, "data:", "blob:"))] == []
        assert view.weight < 3 * MEGABYTE
        assert page.locator("article h1").count() == 1 and page.locator("article h1").is_visible()
        assert page.evaluate("() => window.shift") < 0.1  # what Web Vitals calls good; late mathematics moves text

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

        # Nothing makes the page itself wider than the screen, and there is no stray bar above it.
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        assert page.locator(".bd-header:visible").count() == 0

        for look in ({"light", "dark"} - {scheme}).pop(), scheme:
            page.emulate_media(color_scheme=look)
            assert_colours_follow(page, look)
        assert view.complaints == []
        assert accessibility(page) == []
        if scheme == "dark":
            assert_prints_well(page, name)


@pytest.fixture(scope="module")
def explorer(browser, site):
    """The explorer, ready; no page error may occur while the tests play with it."""
    with View(browser, site, "book/explorer", scheme="light") as view:
        view.page.locator("#explorer-tv.ready").wait_for()
        yield view.page
        assert view.complaints == []


def set_sliders(page, **values):
    """Move sliders to raw positions, as a reader would, and wait for the drawing."""
    for name, value in values.items():
        page.locator(f"#{name}").fill(str(value))
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def drawn(page, chart, trace):
    """The points of a curve, from the chart."""
    points = page.evaluate(
        """([chart, trace]) => { const found = document.getElementById(chart).data.find(t => t.name === trace);
            return [Array.from(found.x), Array.from(found.y)]; }""",
        [chart, trace],
    )
    return np.array(points)


def told(page, name):
    return float(page.locator(f"#{name}").get_attribute("data-value"))


# Raw slider positions: exponents of ten for a, the step and the scale.
@pytest.mark.parametrize(
    ("log_a", "share", "log_step", "log_scale"),
    [(0.5, 0.12, -0.3, 0), (3, 0, -0.3, -0.5), (-1, 0.5, -1.3, 0.7), (0.3, 1, 0.7, -1.3), (1, 0.05, 0, 0)],
)
def test_explorer_draws_what_the_package_computes(explorer, log_a, share, log_step, log_scale):
    set_sliders(explorer, **{"ex-a": log_a, "ex-share": share, "ex-step": log_step, "ex-s": log_scale, "ex-at": 0.35})
    for box in explorer.locator("input[name=ex-limit]").all():
        box.set_checked(True)
    set_sliders(explorer)
    a, step, s = 10.0**log_a, 10.0**log_step, 10.0**log_scale
    b = share * np.sqrt(2 * a)
    phi = WEEP(a, b, s)
    close = {"rtol": 1e-9, "atol": 1e-9}
    for name, value in [("x1", phi.x1), ("x2", phi.x2), ("m", phi.m), ("d", phi.d), ("c", phi.c), ("b", s * b)]:
        np.testing.assert_allclose(told(explorer, f"ex-{name}"), value, **close)
    assert (told(explorer, "ex-L"), told(explorer, "ex-rho")) == pytest.approx((phi.lipschitz, phi.weak_convexity))
    assert told(explorer, "ex-at-prox") == pytest.approx(phi.prox(0.35, step))

    limits = {
        "MCP": (MCP(np.sqrt(2) * s, 1.0), 1.0),
        "Huber": (Huber(s * np.sqrt(2 / a)), a),
        "L1": (L1(), s * b),
        "L2": (L2(), a),
    }
    for label, (penalty, weight) in {"WEEP": (phi, 1.0), **limits}.items():
        x, value = drawn(explorer, "ex-value", label)
        np.testing.assert_allclose(value, weight * penalty(x), **close)
        if label != "WEEP":
            away = told(explorer, f"ex-away-{label.lower()}")
            np.testing.assert_allclose(away, np.max(np.abs(phi(x) - weight * penalty(x))), **close)
        np.testing.assert_allclose(drawn(explorer, "ex-grad", label)[1], weight * penalty.grad(x), **close)
        z, moved = drawn(explorer, "ex-prox", label)
        expected = penalty.prox(z, step * weight) if weight > 0 else z
        np.testing.assert_allclose(moved, expected, **close)
    r, lifted = drawn(explorer, "ex-tangent", "WEEP + x²/2")
    np.testing.assert_allclose(lifted, phi(r) + r**2 / 2, **close)
    line = drawn(explorer, "ex-tangent", "tangent mx + d")[1]
    np.testing.assert_allclose(line, phi.m * r + phi.d, **close)
    touched, height = drawn(explorer, "ex-tangent", "x₁ and x₂")
    np.testing.assert_allclose(touched, [phi.x1, phi.x2], **close)
    np.testing.assert_allclose(height, phi(touched) + touched**2 / 2, **close)
    np.testing.assert_allclose(drawn(explorer, "ex-value", "base penalty")[1], phi.base(x), **close)


@pytest.mark.parametrize(
    ("name", "log_lam", "log_scale"), [("weep", -0.7, -0.4), ("huber", 0.5, -1), ("l1", -0.5, -0.4), ("l2", 0.5, 0)]
)
def test_explorer_denoises_as_the_package_does(explorer, name, log_lam, log_scale):
    explorer.locator(f"input[name=tv-penalty][value={name}]").check()
    set_sliders(explorer, **{"tv-lam": log_lam, **({} if name == "l2" else {"tv-s": log_scale})})
    if name == "weep":
        set_sliders(explorer, **{"tv-a": 1, "tv-share": 0.05})
    lam, s = 10.0**log_lam, 10.0**log_scale
    phi, weight = {
        "weep": (WEEP(10.0, 0.05 * np.sqrt(20), s), lam),
        "huber": (Huber(s), lam),
        "l1": (L1(), lam * s),
        "l2": (L2(), lam),
    }[name]
    assert 4 * lam * phi.weak_convexity < 1  # one minimum, which no two right solvers can disagree on
    y, x = drawn(explorer, "tv-plot", "noisy y")[1], drawn(explorer, "tv-plot", "denoised x")[1]
    result = denoise_tv(y, phi, weight, tol=1e-8, max_iter=20_000)
    np.testing.assert_allclose(x, result.x, atol=1e-4)
    np.testing.assert_allclose(told(explorer, "tv-objective"), result.objective, rtol=1e-5)


def test_explorer_finds_a_stationary_point_where_the_problem_is_not_convex(explorer):
    explorer.locator("input[name=tv-penalty][value=weep]").check()
    set_sliders(explorer, **{"tv-lam": -0.3, "tv-s": -0.2, "tv-a": 1, "tv-share": 0.05})
    before = drawn(explorer, "tv-plot", "noisy y")[1]
    explorer.locator("#tv-seed").click()
    y, x = drawn(explorer, "tv-plot", "noisy y")[1], drawn(explorer, "tv-plot", "denoised x")[1]
    assert not np.allclose(y, before)
    assert 0.09 < told(explorer, "tv-noisy-error") < 0.15
    phi, lam = WEEP(10.0, 0.05 * np.sqrt(20), 10**-0.2), 10**-0.3
    gradient = x - y + lam * adjoint([phi.grad(part) for part in differences(x)])
    assert np.linalg.norm(gradient) < 1e-5 * np.linalg.norm(y)
    assert "not convex" in explorer.locator("#tv-convex").text_content()


def sensing(page):
    """The problem that the page has solved, the weights and the scale that it took, and the signals that it found."""
    names = ["A", "y", "x", "slope", "lam", "s"]
    problem = page.evaluate("names => names.map(name => document.getElementById('cs-plot').problem[name])", names)
    A, y, x, *numbers = problem
    assert drawn(page, "cs-plot", "true signal")[1].tolist() == x
    return np.array(A), np.array(y), np.array(x), numbers, [drawn(page, "cs-plot", name)[1] for name in ("L1", "WEEP")]


@pytest.mark.parametrize("kind", ["jumps", "spikes"])
def test_explorer_recovers_as_the_package_does(explorer, kind):
    explorer.locator(f"input[name=cs-kind][value={kind}]").check()
    L = Differences(64) if kind == "jumps" else None
    for m, sigma in ((64, 0.1), (40, 0.02)):
        set_sliders(explorer, **{"cs-m": m, "cs-k": 8, "cs-sigma": sigma})
        A, y, clean, (slope, lam, s), (l1, weep) = sensing(explorer)
        assert A.shape == (m, 64) and slope == pytest.approx(2 * sigma)
        assert np.sum(np.abs(np.diff(clean) if L else clean) >= 0.5) == np.count_nonzero(L @ clean if L else clean) == 8
        assert 0.5 * sigma < np.std(y - A @ clean) < 1.5 * sigma
        phi = WEEP(100.0, 0.0, s)
        assert (phi.x2, lam * phi.m) == pytest.approx((0.5, slope))
        for x, name, penalty, weight, path in ((l1, "l1", L1(), slope, None), (weep, "weep", phi, lam, 3)):
            result = recover(y, A, penalty, weight, L, path=path, tol=1e-7, max_iter=50_000)
            np.testing.assert_allclose(x, result.x, atol=1e-4)
            assert told(explorer, f"cs-{name}-objective") == pytest.approx(result.objective, rel=1e-5)
            error = np.linalg.norm(x - clean) / np.linalg.norm(clean)
            assert told(explorer, f"cs-{name}-error") == pytest.approx(error, rel=1e-9)
            assert explorer.locator(f"#cs-{name}-state").text_content() == "yes"


def test_explorer_needs_fewer_measurements_with_weep_and_remembers_what_was_tried(explorer):
    explorer.locator("input[name=cs-kind][value=jumps]").check()
    set_sliders(explorer, **{"cs-m": 64, "cs-k": 8, "cs-sigma": 0})
    signal = sensing(explorer)[2]
    for m in (40, 24):
        set_sliders(explorer, **{"cs-m": m})
        np.testing.assert_array_equal(sensing(explorer)[2], signal)
    assert told(explorer, "cs-weep-error") < 1e-3 < 0.1 < told(explorer, "cs-l1-error")
    tried, errors = drawn(explorer, "cs-tried", "WEEP")
    assert tried.tolist() == [24, 40, 64]
    assert errors[0] == told(explorer, "cs-weep-error")
    explorer.locator("#cs-m").press("ArrowLeft")
    set_sliders(explorer)
    assert drawn(explorer, "cs-tried", "L1")[0].tolist() == [23, 24, 40, 64]
    explorer.locator("#cs-seed").click()
    assert not np.array_equal(sensing(explorer)[2], signal)
    assert drawn(explorer, "cs-tried", "L1")[0].tolist() == [23]


def test_explorer_by_keyboard_presets_and_theme(explorer):
    explorer.get_by_role("button", name="Huber", exact=True).click()
    assert told(explorer, "ex-away-huber") < 1e-9
    assert explorer.locator("input[name=ex-limit][value=huber]").is_checked()
    share = explorer.locator("#ex-share")
    share.focus()
    explorer.keyboard.press("ArrowLeft")
    set_sliders(explorer)
    assert float(share.input_value()) == pytest.approx(0.99)
    assert told(explorer, "ex-away-huber") > 1e-4
    turned = "() => getComputedStyle(document.getElementById('ex-prox')).filter"
    assert explorer.evaluate(turned) == "none"
    explorer.evaluate("() => { document.documentElement.dataset.theme = 'dark'; }")
    set_sliders(explorer)
    assert "invert" in explorer.evaluate(turned)
    assert told(explorer, "ex-b") > 0


def accessibility(page):
    """What axe-core finds serious, and headings out of order.

    Formulas are left out, as MathJax describes them; of code, one of each kind of token, or it takes minutes.
    """
    page.evaluate(
        """() => { const seen = new Set();
            document.querySelectorAll('mjx-container').forEach(formula => formula.remove());
            document.querySelectorAll('pre span').forEach(token =>
                seen.has(token.className) ? token.replaceWith(token.textContent) : seen.add(token.className)); }"""
    )
    options = {"resultTypes": ["violations"], "preload": False}  # is for sound, and for a rule that is off
    found = Axe().run(page, options=options).response["violations"]
    return [
        (violation["id"], node["html"][:200])
        for violation in found
        if violation["impact"] in ("serious", "critical") or violation["id"] == "heading-order"
        for node in violation["nodes"]
    ]


def test_the_check_of_accessibility_can_fail(browser):
    page = browser.new_page()
    page.set_content(
        "<html lang='en'><title>t</title><h1>a</h1><h3>b</h3><p style='color: #ccc'>faint</p><img src='x'>"
    )
    assert {name for name, _ in accessibility(page)} == {"heading-order", "color-contrast", "image-alt"}
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_can_be_enlarged_by_keyboard(browser, site, scheme):
    with View(browser, site, "book/04-prox", scheme=scheme) as view:
        page = view.page
        figure = page.locator("article img.line-figure").first
        opener = page.locator("button.enlarge").first
        assert page.locator("button.enlarge").count() == stored_figures("04-prox")
        opener.focus()
        page.keyboard.press("Enter")
        large = page.locator("dialog[open] img")
        assert large.get_attribute("alt") == figure.get_attribute("alt")
        assert large.bounding_box()["width"] > 1.3 * figure.bounding_box()["width"]
        assert ("invert" in large.evaluate("e => getComputedStyle(e).filter")) == (scheme == "dark")
        page.keyboard.press("Escape")
        assert page.locator("dialog[open]").count() == 0
        assert opener.evaluate("e => e === document.activeElement")
        figure.click()
        page.get_by_role("button", name="Close").click()
        assert page.locator("dialog[open]").count() == 0


def test_figures_can_be_enlarged_by_touch(browser, site):
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(f"{site}/book/04-prox.html", wait_until="networkidle")
    opener = page.locator("button.enlarge").first
    opener.tap()
    dialog, large = page.locator("dialog[open]"), page.locator("dialog[open] img")
    assert large.bounding_box()["width"] > 1.3 * 390
    assert dialog.evaluate("e => e.scrollWidth > e.clientWidth") and dialog.bounding_box()["width"] <= 390
    dialog.evaluate("e => e.scrollTo(400, 0)")
    close = page.get_by_role("button", name="Close")
    assert close.bounding_box()["x"] >= 0  # in sight, wherever the figure is scrolled to
    close.tap()
    assert page.locator("dialog[open]").count() == 0
    context.close()


def test_pdf_has_the_text_the_numbers_and_links_within_itself(tmp_path, site):
    pypdf = pytest.importorskip("pypdf")
    out = tmp_path / "part.pdf"
    command = [sys.executable, ROOT / ".ci" / "pdf", out, "book/index", "book/05-relatives"]
    subprocess.run(command, check=True, timeout=300, env=os.environ | {"WEEP_HTML": str(HTML)})
    pages = pypdf.PdfReader(out).pages
    text = "\n".join(page.extract_text() for page in pages)
    assert len(pages) > 12
    for words in ("Contents", "WEEP and its relatives", "claims of the paper", "hidden ones: 117 of 119"):
        assert words in text
    annotations = [note.get_object() for page in pages for note in page.get("/Annots", [])]
    assert any("/Dest" in note or note.get("/A", {}).get("/S") == "/GoTo" for note in annotations)
    assert not any("127.0.0.1" in str(note.get("/A", "")) for note in annotations)


def test_search_finds_the_prox(browser, site):
    with View(browser, site, "search") as view:
        view.page.goto(f"{site}/search.html?q=prox", wait_until="networkidle")
        view.page.locator("#search-results li").first.wait_for()
        found = view.page.locator("#search-results li a").all_text_contents()
        assert any("proximal" in title.lower() for title in found)
        assert view.complaints == []


def test_internal_links_lead_somewhere(site):
    pages = {path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser") for path in HTML.rglob("*.html")}
    anchors = {path: {tag["id"] for tag in soup.select("[id]")} for path, soup in pages.items()}
    for name in PAGES:
        page = HTML / "book" / f"{name}.html"
        links = {tag["href"] for tag in pages[page].select("article a[href]")}
        targets = {link for link in links if not re.match(r"[a-z]+:", link)}
        assert targets or name == "bibliography"
        for link in sorted(targets):
            path, _, anchor = link.partition("#")
            file = (page.parent / unquote(path)).resolve() if path else page
            assert file.is_file(), link
            assert not anchor or file.suffix != ".html" or unquote(anchor) in anchors[file], link
