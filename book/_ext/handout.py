"""Hand the chapters out: as notebooks that run by themselves, with the package beside them, and launched elsewhere.

The built book then has all that a reader needs, wherever it stands. The one place to set the address of the repository
is ``repository_url`` in _config.yml; without it, no page links to a service.
"""

import copy
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import quote

import nbformat
from nbformat.v4 import new_code_cell

from quotes import quoted

FOLDER = "_downloads"
ARCHIVE = "weep-book.zip"
#: Where the workflow publishes the book: Colab takes the notebooks that
#: install the package from there.
PUBLISHED = "gh-pages"
#: These collect what the other notebooks store.
COLLECTING = ("index", "story", "ledger", "errata")


def repository(url, environ):
    """Address of the repository: in GitHub's workflows the fork that runs them, else what _config.yml says."""
    if environ.get("GITHUB_ACTIONS") == "true":
        url = f"{environ['GITHUB_SERVER_URL']}/{environ['GITHUB_REPOSITORY']}"
    return url.rstrip("/").removesuffix(".git")


def links(url, branch, name):
    """Services that open a notebook: their name → the address."""
    if not url:
        return {}
    host, _, path = url.removeprefix("https://").partition("/")
    source = {
        "github.com": f"gh/{path}",
        "gitlab.com": f"gl/{quote(path, safe='')}",
    }.get(host, f"git/{quote(url, safe='')}")
    lab = quote(f"lab/tree/book/{name}.ipynb", safe="")
    binder = f"https://mybinder.org/v2/{source}/{quote(branch, safe='')}"
    found = {"Binder": f"{binder}?urlpath={lab}"}
    if host == "github.com" and name not in COLLECTING:
        found["Colab"] = (
            f"https://colab.research.google.com/github/{path}"
            f"/blob/{PUBLISHED}/_sources/book/{name}.ipynb"
        )
    return found


def requirement(url, branch, wheel):
    """What pip has to install: the package with all that the chapters use."""
    if url:
        return f"weep-companion[chapters] @ git+{url}@{branch}"
    return f"./{wheel}[chapters]"


def plain(text, titles):
    """Markdown as Jupyter shows it by itself: without what only the book understands."""
    text = quoted(text)
    for pattern, replacement in (
        (r"^\([\w-]+\)=\n", ""),  # labels
        (r"\[([^\]]+)\]\(eq-\d+\)", r"\1"),
        (r"\{cite\}`([^`]+)`", r"[\1]"),
        (r"\{py:\w+\}`(?:[^`<]*<)?([^`<>]+)>?`", r"`\1`"),
        (r"\{term\}`([^`<]+?)(?: <[^`>]+>)?`", r"\1"),
        (r"^:::\{admonition\} (.+)\n(?::class: .+\n)?", r"**\1**\n\n"),
        (r"^:::$\n?", ""),
        (
            r"^```\{dropdown\} (.+)\n((?:.*\n)*?)```$",
            r"<details><summary>\1</summary>\n\n\2\n</details>",
        ),
    ):
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return re.sub(
        r"\[\]\((([\w-]+)\.\w+)\)",
        lambda m: f"[{titles.get(m[2], m[2])}]({m[1]})",
        text,
    )


def handout(notebook, name, needed, titles):
    """The notebook of a chapter, with a first cell that installs the package where it is absent."""
    made = copy.deepcopy(notebook)
    for cell in made.cells:
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source, titles)
    about = "# Installs the package where it is absent."
    if name in COLLECTING:
        about += (
            "\n# This page collects what the other notebooks store:"
            f"\n# run it where {ARCHIVE} is unpacked, or in a clone."
        )
    elif needed.startswith("./"):
        about += (
            "\n# Its file must lie beside this notebook:"
            '\n# the page "Run it yourself" of the book has it.'
        )
    install = new_code_cell(
        f"{about}\nfrom importlib.util import find_spec\n\n"
        'if find_spec("weep") is None:\n'
        f'    %pip install -q "{needed}"',
        id="install",
    )
    made.cells.insert(1, install)
    return made


def title(notebook):
    return re.search(r"^# (.+)$", notebook.cells[0].source, re.MULTILINE)[1]


def settings(app):
    url = repository(app.config.repository_url, os.environ)
    return url, app.config.repository_branch


def build_wheel(app):
    """Put the package into the book."""
    app.weep_wheel = ""
    if app.builder.format == "html":
        folder = Path(app.outdir, FOLDER)
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
        for old in folder.glob("*.whl"):
            old.unlink()
        subprocess.run([*command, "-d", folder], cwd=app.srcdir, check=True)
        (made,) = folder.glob("*.whl")
        app.weep_wheel = made.name


def fill(app, docname, source):
    """Names and addresses that only the build knows, on the page that says how to run the chapters."""
    if docname == "book/run":
        url, branch = settings(app)
        for name, value in (
            ("WHEEL", app.weep_wheel),
            ("NEEDED", requirement(url, branch, app.weep_wheel)),
            ("ADDRESS", url or "no address"),
        ):
            source[0] = source[0].replace(f"@{name}@", value)


def launch(app, pagename, templatename, context, doctree):
    """A button with the services, on the pages of notebooks."""
    if not str(context.get("sourcename", "")).endswith(".ipynb"):
        return
    found = links(*settings(app), Path(pagename).name)
    buttons = [
        {"type": "link", "text": service, "tooltip": f"Open on {service}"}
        | {"icon": "fas fa-rocket", "url": address}
        for service, address in found.items()
    ]
    if buttons:
        context["header_buttons"].append(
            {
                "type": "group",
                "tooltip": "Run this page elsewhere",
                "icon": "fas fa-rocket",
                "buttons": buttons,
                "label": "launch-buttons",
            }
        )


def hand_out(app, exception):
    """Replace the sources that a page offers for download, and pack all of them."""
    if exception or app.builder.format != "html":
        return
    needed = requirement(*settings(app), app.weep_wheel)
    book = Path(app.srcdir, "book")
    notebooks = {
        path.stem: nbformat.read(path, as_version=4)
        for path in sorted(book.glob("*.ipynb"))
        if f"book/{path.stem}" in app.env.found_docs
    }
    titles = {name: title(notebook) for name, notebook in notebooks.items()}
    folder = Path(app.outdir, FOLDER)
    with zipfile.ZipFile(
        folder / ARCHIVE, "w", zipfile.ZIP_DEFLATED
    ) as archive:
        archive.write(folder / app.weep_wheel, f"weep-book/{app.weep_wheel}")
        for name, notebook in notebooks.items():
            page = Path(app.outdir, "_sources", "book", f"{name}.ipynb")
            nbformat.write(handout(notebook, name, needed, titles), page)
            archive.write(page, f"weep-book/{page.name}")


def setup(app):
    app.add_config_value("repository_url", "", "env")
    app.add_config_value("repository_branch", "main", "env")
    app.connect("builder-inited", build_wheel)
    app.connect("source-read", fill)
    app.connect("html-page-context", launch, priority=700)
    app.connect("build-finished", hand_out)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
