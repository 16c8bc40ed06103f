"""Give the explorer, and no other page, its chart library, its script and its style.

Jupyter Book puts every script below a static path on every page, and plotly.js weighs as much as the rest of the book.
"""

import shutil
from importlib.resources import as_file, files
from pathlib import Path

PAGE = "book/explorer"
OWN = Path(__file__).parent.parent / "_explorer"


def copy(app):
    """Lay the files where Sphinx expects them: plotly.js comes from the Python package, and no network is needed."""
    if app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    static.mkdir(parents=True, exist_ok=True)
    with as_file(
        files("plotly") / "package_data" / "plotly.min.js"
    ) as plotly:
        shutil.copyfile(plotly, static / "plotly.min.js")
    for path in OWN.iterdir():
        shutil.copyfile(path, static / path.name)


def add(app, pagename, templatename, context, doctree):
    if pagename == PAGE:
        app.add_js_file("plotly.min.js", loading_method="defer", priority=800)
        app.add_js_file("explorer.js", loading_method="defer", priority=801)
        app.add_css_file("explorer.css", priority=801)


def setup(app):
    app.connect("builder-inited", copy)
    app.connect("html-page-context", add)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
