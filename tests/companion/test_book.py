"""The stored notebooks are run, clean and comparable; tables that point into the code point at something."""

import ast
import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

import weep
from weep.companion import ledger, report
from weep.companion import problems as problems_of_recovery
from weep.companion.measure import psnr

ROOT = Path(__file__).parent.parent.parent
NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))
CHAPTERS = [path for path in NOTEBOOKS if path.stem not in ("index", "story", "ledger", "errata")]
THEORY = ("01", "02", "03", "04", "05")
MACHINE_PATH = re.compile(r"(?<![\w.])/(home|root|tmp|work|Users|opt|usr|var)/|[A-Z]:\\\\?Users", re.IGNORECASE)
SHOWN = re.compile(r"text/(plain|html|markdown|latex)|image/(png|svg\+xml)|application/vnd\.weep\.verdicts\+json")
NOT_COMPARED = {"nbval-ignore-output", "nbval-skip", "raises-exception"}
NOT_COMPARED_COMMENT = re.compile(r"#\s*(NBVAL_IGNORE_OUTPUT|NBVAL_SKIP|PYTEST_VALIDATE_IGNORE_OUTPUT)")
ids = {"ids": lambda path: path.stem}


def tags(cell):
    return set(cell.metadata.get("tags", []))


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def prints(cell):
    return any(output.output_type == "stream" or set(output.get("data", {})) - {"image/png"} for output in cell.outputs)


def compared(cell):
    return not tags(cell) & NOT_COMPARED and not NOT_COMPARED_COMMENT.search(cell.source)


def problems(notebook):
    """What is wrong with a stored notebook, one line each."""
    found = []
    cells = code_cells(notebook)
    for number, cell in enumerate(cells, 1):
        name = f"code cell {number}"
        if cell.execution_count is None:
            found.append(f"{name} was never run")
        if any(output.output_type == "error" for output in cell.outputs):
            found.append(f"{name} holds an error")
        if any(output.get("name") == "stderr" for output in cell.outputs):
            found.append(f"{name} holds a warning, or other text on standard error")
        if not all(SHOWN.fullmatch(kind) for output in cell.outputs for kind in output.get("data", {})):
            found.append(f"{name} holds an output of a type that the book cannot show")
        if "execution" in cell.metadata:
            found.append(f"{name} holds the times of its run")
        if MACHINE_PATH.search(cell.source) or MACHINE_PATH.search(nbformat.v4.writes_json(new_notebook(cells=[cell]))):
            found.append(f"{name} shows a path of a machine")
        shown = cell.metadata.get("mystnb", {})
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            if len(shown.get("figure", {}).get("caption", "")) < 40:
                found.append(f"{name} draws a figure without a caption")
            if len(shown.get("image", {}).get("alt", "")) < 40:
                found.append(f"{name} draws a figure without alternative text")
            if shown.get("image", {}).get("classes") not in ("line-figure", "photo-figure"):
                found.append(f"{name} draws a figure that does not say how it takes the dark mode")
    printing = [cell for cell in cells if prints(cell)]
    share = sum(map(compared, printing)) / max(1, len(printing))
    if share < 0.95:
        found.append(f"only {share:.0%} of the cells that print are compared")
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, **ids)
def test_stored_notebook_is_clean(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert problems(notebook) == []
    assert notebook.metadata.kernelspec.name == "python3"


GOOD = new_code_cell("print(1)", execution_count=1, outputs=[new_output("stream", name="stdout", text="1\n")])
FIGURE = {"output_type": "display_data", "data": {"image/png": "", "text/plain": "<Figure>"}}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"execution_count": None}, "never run"),
        ({"outputs": [new_output("error", ename="E", evalue="", traceback=[])]}, "holds an error"),
        ({"outputs": [new_output("stream", name="stderr", text="Warning")]}, "holds a warning"),
        ({"outputs": [new_output("stream", name="stdout", text="at /home/me/x.py")]}, "path of a machine"),
        ({"outputs": [new_output("display_data", data={"application/x": "?"})]}, "cannot show"),
        ({"source": "open('/tmp/x')"}, "path of a machine"),
        ({"metadata": {"execution": {"iopub.status.busy": "2026"}}}, "times of its run"),
        ({"metadata": {"tags": ["nbval-ignore-output"]}}, "only 0%"),
        ({"source": "# NBVAL_SKIP\nprint(1)"}, "only 0%"),
        ({"outputs": [new_output(**FIGURE)]}, "without a caption"),
        ({"outputs": [new_output(**FIGURE)]}, "without alternative text"),
        ({"outputs": [new_output(**FIGURE)]}, "dark mode"),
    ],
)
def test_the_check_of_notebooks_can_fail(change, problem):
    bad = new_code_cell(**{"source": GOOD.source, "execution_count": 1, "outputs": GOOD.outputs, **change})
    assert any(problem in line for line in problems(new_notebook(cells=[bad])))
    assert problems(new_notebook(cells=[GOOD, new_markdown_cell("text")])) == []


@pytest.mark.parametrize("path", NOTEBOOKS, **ids)
def test_no_cell_is_longer_than_a_screen(path):
    lengths = [len(cell.source.splitlines()) for cell in code_cells(nbformat.read(path, as_version=4))]
    assert max(lengths) <= 24


@pytest.mark.parametrize("path", CHAPTERS, **ids)
def test_chapter_opens_with_what_one_will_be_able_to_do_and_ends_with_what_was_shown(path):
    cells = nbformat.read(path, as_version=4).cells
    assert re.match(r"# .+\n\n:::\{admonition\} After this chapter you can\n", cells[0].source)
    endings = [n for n, cell in enumerate(cells) if "## What was shown" in cell.source]
    assert len(endings) == 1
    assert not any("\n## " in cell.source for cell in cells[endings[0] + 1 :])
    assert cells[endings[0] + 1].source == "judge.table()"
    for word in ("**Shown:**", "**Not shown:**", "**Next:**"):
        assert word in cells[-1].source


def reasons(source):
    """What a cell says, after ``because=``, each time it judges."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    judged = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "judge"]
    return [keyword.value for call in judged for keyword in call.keywords if keyword.arg == "because"]


def typed(reason):
    """Whether a reason is the same whatever was measured: it contains no expression."""
    return all(isinstance(node, ast.Constant | ast.JoinedStr | ast.expr_context) for node in ast.walk(reason))


def test_at_most_one_reason_in_ten_is_typed():
    given = [
        reason
        for path in NOTEBOOKS
        for cell in code_cells(nbformat.read(path, as_version=4))
        for reason in reasons(cell.source)
    ]
    assert sum(map(typed, given)) <= len(given) / 10


def test_a_typed_reason_is_told_from_a_computed_one():
    cell = "judge('I.1', holds=a, because='x')\nif a:\n    judge(claim='p.', holds=a, because=f'x' 'y')\n"
    assert [typed(reason) for reason in reasons(cell)] == [True, True]
    cell = "judge('1', holds=a, because=f'{a:.1f}')\njudge('2', holds=a, because=why)\njudge.table()"
    assert [typed(reason) for reason in reasons(cell)] == [False, False]


def exercises(cells):
    """The cells of each exercise of a chapter, its statement first."""
    (start,) = [n for n, cell in enumerate(cells) if "## Exercises" in cell.source]
    (end,) = [n for n, cell in enumerate(cells) if "## What was shown" in cell.source]
    found = []
    for cell in cells[start : end + 1]:
        if ":::{admonition} Exercise" in cell.source:
            found.append([])
        if found:
            found[-1].append(cell)
    return found


@pytest.mark.parametrize("path", [path for path in CHAPTERS if path.stem[:2] in THEORY], **ids)
def test_chapter_on_theory_ends_with_exercises_whose_folded_solutions_were_run(path):
    found = exercises(nbformat.read(path, as_version=4).cells)
    assert len(found) in (2, 3)
    for number, cells in enumerate(found, 1):
        assert f":::{{admonition}} Exercise {number}\n" in cells[0].source
        solutions = [cell for cell in cells if "hide-cell" in tags(cell)]
        assert solutions and all(cell.outputs for cell in solutions)


def test_equations_of_the_paper_are_labelled_once_and_referred_to():
    pages = {
        path: "".join(c.source for c in nbformat.read(path, 4).cells if c.cell_type == "markdown") for path in NOTEBOOKS
    }
    text = "".join(pages.values()) + (ROOT / "book" / "notation.md").read_text(encoding="utf-8")
    for number in range(1, 13):
        assert text.count(f"(eq-{number})=\n") == 1
        assert text.count(f"\\tag{{{number}}}") == 1
        assert f"[({number})](eq-{number})" in text
    assert "\\begin{equation}" not in text  # Sphinx would add a number of its own beside the paper's


def test_table_of_equations_names_functions_and_tests_that_exist():
    notation = (ROOT / "book" / "notation.md").read_text(encoding="utf-8")
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    tests = re.findall(r"`(test_\w+)`", notation)
    functions = re.findall(r"<weep\.([\w.]+)\.(\w+)>`", notation)
    assert len(tests) > 10 and len(functions) > 10
    for name in tests:
        assert f"def {name}(" in sources, name
    for module, name in functions:
        assert callable(getattr(importlib.import_module(f"weep.{module}"), name))


def test_front_page_quotes_verdicts_that_the_chapter_on_images_stores():
    front = nbformat.read(ROOT / "book" / "index.ipynb", 4)
    shown = "".join(o.data.get("text/markdown", "") for c in code_cells(front) for o in c.outputs if "data" in o)
    found = ledger.collect(ROOT / "book")
    for number in ("V-B.1", "V-B.2"):
        (measured,) = [f.measured for f in found[number] if "(07-images.ipynb#" in f.link]
        assert measured in shown


def test_no_two_chapters_disagree_on_a_claim_of_the_paper():
    assert ledger.ledger(report.claims(), ledger.collect(ROOT / "book"))  # raises if two do, or if a number is unknown


def modules():
    return ["weep", *(m.name for m in pkgutil.walk_packages(weep.__path__, "weep."))]


def load(name):
    """A module; one that is for a library which is absent skips the test."""
    if ".interop." in name or name in ("weep.learned.model", "weep.learned.train", "weep.companion.ridges_train"):
        return pytest.importorskip(name, exc_type=ImportError)
    return importlib.import_module(name)


@pytest.mark.parametrize("name", modules())
def test_examples_in_docstrings(name):
    assert doctest.testmod(load(name)).failed == 0


@pytest.mark.parametrize("name", modules())
def test_public_names_are_documented(name):
    module = load(name)
    for public in getattr(module, "__all__", []):
        thing = getattr(module, public)
        if callable(thing):
            assert thing.__doc__ and len(thing.__doc__) > 30, public


def test_readme_example_runs(capsys):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    exec(example, {})
    printed = re.findall(r"#\s*prints (.+)", example)
    assert printed and capsys.readouterr().out.split("\n")[:-1] == printed


def test_lines_of_the_guide_denoise_a_file(tmp_path, monkeypatch):
    guide = nbformat.read(ROOT / "book" / "guide.ipynb", 4)
    text = "\n".join(cell.source for cell in guide.cells if cell.cell_type == "markdown")
    of_numbers, of_a_picture = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    clean = problems_of_recovery.steps(400, 6, seed=1)
    noisy = clean + 0.1 * rng.standard_normal(400)
    np.savetxt("signal.csv", np.column_stack([np.arange(400), noisy]), delimiter=",", header="time,value")
    exec(of_numbers, {})
    assert psnr(np.loadtxt("denoised.csv"), clean) > psnr(noisy, clean) + 3
    clean = problems_of_recovery.phantom(96)
    noisy = clean + 0.1 * rng.standard_normal(clean.shape)
    Image.fromarray(np.uint8(255 * noisy.clip(0, 1))).save("photo.png")
    exec(of_a_picture, {})
    assert psnr(np.asarray(Image.open("denoised.png")) / 255, clean) > psnr(noisy.clip(0, 1), clean) + 3


def test_versions_agree():
    version = weep.__version__
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
