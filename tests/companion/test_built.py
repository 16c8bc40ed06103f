"""What a build of the book computed is what the notebooks store, wherever it was built.

These tests need a built book (see the README). Without one they are skipped, and so is a notebook whose code changed
since it was built. With the environment variable WEEP_PAGES=required, as in CI, either is an error.
"""

import os
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent.parent
BUILT = Path(os.environ.get("WEEP_HTML", ROOT / "_build" / "html")).parent / "jupyter_execute" / "book"
NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def stream(cell, name):
    """What a cell writes to a stream. Parts may be apart; the build adds later ones to the first, and keeps them."""
    first, *others = [part.text for part in cell.outputs if part.output_type == "stream" and part.name == name] or [""]
    rest = "".join(others)
    return first if first.endswith(rest) else first + rest


def shown(cell):
    """What a reader can compare: all that a cell prints, but pictures."""
    found = [(name, stream(cell, name)) for name in ("stdout", "stderr")]
    for output in cell.outputs:
        for kind, content in sorted(output.get("data", {}).items()):
            if not kind.startswith("image/"):
                found.append((kind, content))
    return found


def differences(stored, built):
    """Numbers of code cells that show something else."""
    pairs = zip(code(stored), code(built), strict=True)
    return [number for number, (here, there) in enumerate(pairs, 1) if shown(here) != shown(there)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_build_computes_what_is_stored(path):
    stored, built = nbformat.read(path, as_version=4), None
    if (BUILT / path.name).exists():
        built = nbformat.read(BUILT / path.name, as_version=4)
    if built is None or [c.source for c in code(stored)] != [c.source for c in code(built)]:
        reason = f"{path.name} is not built as it stands: jupyter-book build ."
        (pytest.fail if os.environ.get("WEEP_PAGES") == "required" else pytest.skip)(reason)
    assert differences(stored, built) == []


def test_the_comparison_can_fail():
    from nbformat.v4 import new_code_cell, new_notebook, new_output

    def notebook(text, picture=""):
        outputs = [new_output("display_data", data={"text/plain": text, "image/png": picture})]
        return new_notebook(cells=[new_code_cell("x", outputs=outputs)])

    assert differences(notebook("0.1"), notebook("0.2")) == [1]
    assert differences(notebook("0.1", "here"), notebook("0.1", "there")) == []

    def printed(*parts):
        outputs = [new_output("stream", name="stdout", text=part) for part in parts]
        return new_notebook(cells=[new_code_cell("x", outputs=outputs)])

    assert differences(printed("a", "b"), printed("ab")) == differences(printed("a", "b"), printed("ab", "b")) == []
    assert differences(printed("a", "b"), printed("a")) == [1]
