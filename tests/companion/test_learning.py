"""The lines for PyTorch that the chapter on learning prints do what they say, where PyTorch is installed."""

import re
from pathlib import Path

import nbformat
import pytest

CHAPTER = Path(__file__).parent.parent.parent / "book" / "13-learning.ipynb"


def test_lines_for_pytorch_train_a_network_to_small_weights():
    torch = pytest.importorskip("torch")
    text = "\n".join(cell.source for cell in nbformat.read(CHAPTER, 4).cells if cell.cell_type == "markdown")
    (lines,) = re.findall(r"```python\n(import torch\n.*?)```", text, re.DOTALL)
    small, history = {}, {}
    for lam in ("1e-3", "0.0"):
        names = {}
        exec(lines.replace("1e-3", lam), names)
        weights = torch.cat([w.detach().ravel() for n, w in names["model"].named_parameters() if n.endswith("weight")])
        small[lam], history[lam] = float((weights.abs() < 0.01).float().mean()), names["history"]
    assert lines.count("1e-3") == 1
    assert history["1e-3"][-1] < history["1e-3"][0]
    assert small["1e-3"] > small["0.0"] + 0.2
