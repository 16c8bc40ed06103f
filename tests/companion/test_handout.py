"""A downloaded notebook runs by itself, and links that launch one are right for whoever builds the book."""

import ast
import importlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from packaging.requirements import Requirement

import weep
from weep.companion import ledger

ROOT = Path(__file__).parent.parent.parent
NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))
sys.path.append(str(ROOT / "book" / "_ext"))
handout = importlib.import_module("handout")
TITLES = {path.stem: handout.title(nbformat.read(path, as_version=4)) for path in NOTEBOOKS}
WHEEL = f"weep_companion-{weep.__version__}-py3-none-any.whl"
FORK = "https://github.com/someone/her-fork"
ids = {"ids": lambda path: path.stem}


def handed_out(path, url=""):
    needed = handout.requirement(url, "main", WHEEL)
    return handout.handout(nbformat.read(path, as_version=4), path.stem, needed, TITLES)


def code(path):
    """The code of a stored notebook as a syntax tree."""
    cells = nbformat.read(path, as_version=4).cells
    return ast.parse("\n".join(cell.source for cell in cells if cell.cell_type == "code"))


def reaches_out(tree):
    """Whatever in some code names a file of the repository, or opens or lists files."""
    inside = {path.name for folder in (ROOT, ROOT / "book") for path in folder.iterdir()}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in inside - {"weep"}:
            yield node.value
        if isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            if (
                re.fullmatch(r"open|Path|glob|listdir|chdir|read_\w+|loadtxt|__file__|environ", name)
                or ast.unparse(node) == "ledger.collect"
            ):
                yield name


@pytest.mark.parametrize("path", NOTEBOOKS, **ids)
def test_a_notebook_refers_to_no_other_file_unless_it_collects_them(path):
    assert bool(list(reaches_out(code(path)))) == (path.stem in handout.COLLECTING)


def installed_by(extra):
    """Distributions that come with the package and an extra of it, as far as they are installed here."""
    found, todo = set(), [Requirement(f"weep-companion[{extra}]")]
    while todo:
        wanted = todo.pop()
        for asked in {"", *wanted.extras}:
            if (wanted.name.lower(), asked) in found:
                continue
            found.add((wanted.name.lower(), asked))
            for line in importlib.metadata.requires(wanted.name) or ():
                needed = Requirement(line)
                if needed.marker is None or needed.marker.evaluate({"extra": asked}):
                    todo.append(needed)
    return {name.replace("_", "-") for name, _ in found}


def test_the_line_that_a_reader_types_installs_what_the_notebooks_import():
    names = set()
    for path in NOTEBOOKS:
        for node in ast.walk(code(path)):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module.partition(".")[0])
    provided = importlib.metadata.packages_distributions()
    chapters = installed_by("chapters")
    outside = names - set(sys.stdlib_module_names) - {"weep"}
    assert {"jax", "skimage"} <= outside
    for name in outside:
        assert {dist.lower().replace("_", "-") for dist in provided[name]} & chapters, name
    assert "jax" not in installed_by("all")
    assert "-e .[chapters]" in (ROOT / ".binder" / "requirements.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", NOTEBOOKS, **ids)
def test_a_handed_out_notebook_reads_well_in_plain_jupyter(path):
    notebook = handed_out(path)
    nbformat.validate(notebook)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert not re.findall(r"\{[\w:]+\}`|^:::|\[\]\(|\(eq-\d+\)|^```\{", text, re.MULTILINE)
    stored = nbformat.read(path, as_version=4).cells
    assert [c.source for c in notebook.cells[2:] if c.cell_type == "code"] == [
        c.source for c in stored if c.cell_type == "code"
    ]


def test_what_only_the_book_understands_becomes_plain():
    text = (
        ":::{admonition} After\n:class: tip\n- by [](b.ipynb);\n:::\n\n(eq-4)=\nsee [(3)](eq-3), {cite}`k2000`, "
        "{term}`proxes <prox>` and {term}`PSNR`, {py:func}`f <weep.g>`, {py:func}`weep.h`\n\n"
        "```{dropdown} Solution\nIt is $x$.\n```\n\n```python\nx\n```"
    )
    assert handout.plain(text, {"b": "B"}) == (
        "**After**\n\n- by [B](b.ipynb);\n\nsee (3), [k2000], proxes and PSNR, `weep.g`, `weep.h`\n\n"
        "<details><summary>Solution</summary>\n\nIt is $x$.\n\n</details>\n\n```python\nx\n```"
    )


def test_a_quoted_table_is_handed_out_with_its_rows():
    text = "\n".join(cell.source for cell in handed_out(ROOT / "book" / "guide.ipynb").cells)
    assert ledger.table(ROOT / "book", "16-inverse", "decision-table") in text


def test_a_handed_out_notebook_runs_from_an_empty_folder_after_its_line(tmp_path):
    """The package comes from the wheel that the book hands out; its libraries are those installed here."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "download")]
    subprocess.run(build, cwd=ROOT, check=True)
    (wheel,) = (tmp_path / "download").iterdir()
    with zipfile.ZipFile(wheel) as parts:  # as an installer does with a wheel of Python alone
        parts.extractall(tmp_path / "site")
    notebook = handed_out(ROOT / "book" / "03-smoothness.ipynb")
    notebook.cells.append(nbformat.v4.new_code_cell("import weep; print(weep.__file__)"))
    empty = tmp_path / "empty"
    empty.mkdir()
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": empty}})
    client.execute(env={**os.environ, "PYTHONPATH": str(tmp_path / "site")})
    assert str(tmp_path / "site") in notebook.cells[-1].outputs[0].text
    assert list(empty.iterdir()) == []


def test_the_first_cell_installs_from_beside_or_from_the_repository():
    path = ROOT / "book" / "04-prox.ipynb"
    assert f'%pip install -q "./{WHEEL}[chapters]"' in handed_out(path).cells[1].source
    assert f'%pip install -q "weep-companion[chapters] @ git+{FORK}@main"' in handed_out(path, FORK).cells[1].source
    assert handout.ARCHIVE in handed_out(ROOT / "book" / "ledger.ipynb", FORK).cells[1].source


def test_the_address_is_that_of_the_fork_whose_workflow_builds_the_book():
    on_github = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "someone/her-fork",
    }
    assert handout.repository("", {}) == ""
    assert handout.repository("https://gitlab.com/a/b.git/", {}) == "https://gitlab.com/a/b"
    assert handout.repository("https://github.com/upstream/weep", on_github) == FORK


@pytest.mark.parametrize(
    ("url", "binder", "colab"),
    [
        ("", None, None),
        (FORK, "gh/someone/her-fork/dev%2F1", "github/someone/her-fork/blob/gh-pages/_sources/book/04-prox.ipynb"),
        ("https://gitlab.com/group/sub/weep", "gl/group%2Fsub%2Fweep/dev%2F1", None),
        ("https://codeberg.org/a/weep", "git/https%3A%2F%2Fcodeberg.org%2Fa%2Fweep/dev%2F1", None),
    ],
)
def test_links_follow_from_the_address(url, binder, colab):
    expected = {}
    if binder:
        expected["Binder"] = f"https://mybinder.org/v2/{binder}?urlpath=lab%2Ftree%2Fbook%2F04-prox.ipynb"
    if colab:
        expected["Colab"] = f"https://colab.research.google.com/{colab}"
    assert handout.links(url, "dev/1", "04-prox") == expected
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert f"git init -q -b {handout.PUBLISHED}\n" in workflow
    assert "Colab" not in handout.links(url, "main", "ledger")  # there it would find nothing to collect


@pytest.mark.parametrize("url", ["", FORK])
def test_a_small_book_shows_the_links_of_its_address_and_none_without(tmp_path, url):
    book = tmp_path / "book"
    shutil.copytree(ROOT / "book" / "_ext", book / "_ext", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("_static", "_explorer"):
        shutil.copytree(ROOT / "book" / name, book / name)
    for name in ("errata.ipynb", "references.bib", "run.md"):
        shutil.copy(ROOT / "book" / name, book)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "weep", tmp_path / "weep", ignore=shutil.ignore_patterns("__pycache__"))
    config = (ROOT / "_config.yml").read_text(encoding="utf-8")
    assert config.count('\n    repository_url: ""') == 1
    config = config.replace('\n    repository_url: ""', f'\n    repository_url: "{url}"').replace(
        "notebooks: force", 'notebooks: "off"'
    )
    (tmp_path / "_config.yml").write_text(config, encoding="utf-8")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/run\nchapters:\n- file: book/errata\n")
    elsewhere = {name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")}
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", str(tmp_path)]
    subprocess.run(command, check=True, env=elsewhere, capture_output=True)

    html = tmp_path / "_build" / "html"
    page, run = ((html / "book" / f"{name}.html").read_text(encoding="utf-8") for name in ("errata", "run"))
    services = set(re.findall(r'href="(https://(?:mybinder|colab)[^"]+)"', page))
    assert services == set(handout.links(url, "main", "errata").values())
    assert "fa-rocket" not in run
    assert (f"git+{url}@main" if url else f"./{WHEEL}[chapters]") in run
    assert f'href="../_downloads/{WHEEL}"' in run and (html / "_downloads" / WHEEL).is_file()
    with zipfile.ZipFile(html / "_downloads" / handout.ARCHIVE) as archive:
        assert set(archive.namelist()) == {f"weep-book/{name}" for name in (WHEEL, "errata.ipynb")}
        assert archive.read("weep-book/errata.ipynb") == (html / "_sources" / "book" / "errata.ipynb").read_bytes()
