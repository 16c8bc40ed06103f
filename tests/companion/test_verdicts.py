"""A verdict that no measurement could change is no verdict: a wrong input flips it.

Each case judges twice with a few cells of a chapter as they are stored: once rightly, and once with one thing changed.
That is a formula, a constant or a sign in a cell, or the measurements, where a long cell makes them. A case more is a
line in one of the two tables.
"""

import math
from pathlib import Path

import nbformat
import numpy as np
import pytest

from weep import WEEP
from weep.companion import report
from weep.companion.measure import interval, signed

BOOK = Path(__file__).parent.parent.parent / "book"


def judged(monkeypatch, stem, ids, old="", new="", **given):
    """The verdicts of some cells of a chapter: number or words of the claim → key of `report.VERDICTS`.

    ``old`` must occur once in these cells, where ``new`` replaces it. The names in ``given`` are there from the start.
    """
    pytest.importorskip("matplotlib").use("Agg")
    judge = report.Judge()
    monkeypatch.setattr(report, "judge", judge)
    (path,) = BOOK.glob(f"{stem}-*.ipynb")
    cells = {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}
    sources = [cells[name] for name in ids.split()]
    if old:
        assert sum(source.count(old) for source in sources) == 1
        sources = [source.replace(old, new) for source in sources]
    known = {"np": np, "math": math, "judge": judge, "interval": interval, "signed": signed}
    namespace = {**known, "display": lambda *things: None, **given}
    for source in sources:
        exec(source, namespace)
    words = {claim["claim"]: claim["number"] for claim in report.claims()}
    verdicts = {shown: key for key, shown in report.VERDICTS.items()}
    return {words.get(claim, claim): verdicts[shown] for claim, shown, _ in judge.table().rows}


#: Chapter, cells, what to change into what, a claim, and its verdict before and after.
WRONG = [
    ("02", "02-01 02-08 02-j2", "x1, x2 =", "x2, x1 =", "III-C.2", "holds", "fails"),
    ("02", "02-01 02-10 02-11 02-17 02-j4", "{S.m: r.m,", "{S.m: r.m + 1,", "eq.8", "holds", "fails"),
    ("02", "02-01 02-10 02-11 02-17 02-22 02-j5", "plus, minus =", "minus, plus =", "III-C.4", "holds", "fails"),
    ("02", "02-01 02-l391 02-j7", "np.max(slopes", "np.mean(slopes", "eq.3", "holds", "fails"),
    (
        "03",
        "03-01 03-03 03-05 03-07 03-j1 03-19a 03-19 03-20 03-j2",
        "certify.lipschitz(phi.grad,",
        "certify.lipschitz(lambda x: 2 * phi.grad(x),",
        "III-D.2",
        "holds",
        "fails",
    ),
    ("03", "03-01 03-l231 03-j5", "+ lam * phi.lipschitz", "+ phi.lipschitz / 9", "II-B.1", "conditional", "fails"),
    ("03", "03-01 03-24a 03-j6 03-j7", "(10, 100, 1000)", "(1000, 100, 10)", "IV-C.9", "holds", "fails"),
    ("04", "04-01 04-30", "candidate.prox(z, step)", "candidate.prox(z, 2 * step)", "T1.prox.WEEP", "holds", "fails"),
    ("05", "05-01 05-29 05-31a 05-31 05-j6", "- alpha * r**2", "+ alpha * r**2", "VI.1", "fails", "holds"),
    ("09", "09-01 09-13 09-15 09-j6", "np.abs(y - w), 1e-9", "(y - w) ** 2, 1e-9", "T1.loss.DWF", "fails", "holds"),
    ("09", "09-01 09-17 09-j7", '"CEL0": CEL0(1.0)', '"CEL0": L1()', "IV-C.3", "holds", "fails"),
    ("09", "09-01 09-18 09-j8", "((0.1, 0.5))", "((0.0, 0.0))", "IV-C.7", "holds", "fails"),
]


@pytest.mark.parametrize(("stem", "ids", "old", "new", "claim", "before", "after"), WRONG)
def test_a_wrong_input_flips_the_verdict(monkeypatch, stem, ids, old, new, claim, before, after):
    for library in ("sympy", "mpmath"):
        pytest.importorskip(library)
    assert judged(monkeypatch, stem, ids)[claim] == before
    assert judged(monkeypatch, stem, ids, old, new)[claim] == after


def noisy(mean, size=10):
    """Measurements with this mean and standard deviation 0.1."""
    x = np.random.default_rng(0).normal(size=size)
    return mean + 0.1 * (x - x.mean()) / x.std()


def steps(slope, modulus=1.0):
    """What chapter 1 measures of the three steps: slope for large values, modulus and jump."""
    found = {"Capped L2": (0.0, math.inf, 0.8), "base penalty": (slope, math.inf, 0.7), "WEEP": (slope, modulus, 0.0)}
    return {"steps": found, "phi": WEEP(3.0, 0.3)}


def wishes(first, second):
    """Bias for a step of a half, slope and two more of WEEP, whose slopes are given for b = 0 and for b = 0.1."""
    return {"wishes": {"WEEP": (first / 2, first), "WEEP, $b = 0.1$": (second / 2, second)}}


def jumps(x1, x2, smooth=True):
    """Jumps of the second derivative at the two ends, and whether the first is continuous."""
    return {"jumps": {"x1": x1, "x2": x2}, "smooth": smooth}


def excess(below, above):
    """How far (10) is above the minimum, for steps below 1 and above."""
    return {"steps": [0.5, 3.0], "printed": [below, above]}


def walks(falling):
    """What steps leave, as chapter 11 measures it: 1/L, 1/(4L), and falling like 1/k for two budgets."""
    left = np.array([0.05, 0.01, 4e-3, falling])[:, None] * np.ones(10)
    return {"L1": left, "MCP": left, "SCAD": left, "WEEP, b = 0": 0 * left}


def gaps(value):
    return dict.fromkeys(("L1", "MCP", "SCAD"), np.full(10, value))


def biases(lasso):
    """Scores of chapter 12 in which L1 has this mean bias, and others none."""
    means = {"L1": lasso, "MCP": 0.0, "SCAD": 0.0, "WEEP": 0.0, "DWF": 0.0}
    return {(n, name): np.array([noisy(mean)] * 4) for n in (48, 96, 192) for name, mean in means.items()}


def learners(removed):
    """Results of chapter 13 in which WEEP removes so many percent more than the others."""
    return {
        name: {"share": noisy(d), "accuracy": noisy(0.0)[::-1]}
        for name, d in (("WEEP", removed), ("L1", 0.0), ("weight decay", 0.0))
    }


HARD = {"hard": ("L1", "MCP", "SCAD")}
SIZES = {"sizes": (48, 96, 192)}
MORE = "More weights can be removed with WEEP than with L1."

#: Chapter, cells, a claim, and what could be measured, each with its verdict.
MEASURED = [
    ("01", "01-j1", "III-A.1", [(steps(0.3), "holds"), (steps(0.0), "fails")]),
    ("01", "01-j1", "F1.1", [(steps(0.3), "holds"), (steps(0.3, math.inf), "fails"), (steps(0.0), "fails")]),
    ("01", "01-j2", "T1.vanishing.WEEP", [(wishes(0.0, 0.1), "holds"), (wishes(0.0, 0.0), "fails")]),
    (
        "01",
        "01-j2",
        "IV-B.2",
        [(wishes(0.0, 0.0), "holds"), (wishes(0.0, 0.1), "conditional"), (wishes(0.1, 0.1), "fails")],
    ),
    ("03", "03-j4", "III-D.1", [(jumps(0, 0), "holds"), (jumps(-3, 1), "conditional"), (jumps(-3, 1, False), "fails")]),
    ("04", "04-j1", "eq.10", [(excess(0, 0), "holds"), (excess(0, 1), "conditional"), (excess(1, 1), "fails")]),
    (
        "09",
        "09-j5",
        "T1.sparsity.WEEP",
        [
            ({"lead": lambda name, other, d=d: (d, 0.05), "weeps": ("a", "b")}, verdict)
            for d, verdict in ((0.1, "holds"), (0.01, "unsettled"), (-0.1, "fails"))
        ],
    ),
    (
        "11",
        "11-k4",
        "I.3",
        [
            (HARD | {"left": walks(4e-4), "kept": gaps(1e-3), "smoothed": gaps(1e-7)}, "conditional"),
            (HARD | {"left": walks(4e-3), "kept": gaps(1e-3), "smoothed": gaps(1e-7)}, "holds"),
            (HARD | {"left": walks(4e-4), "kept": gaps(1e-3), "smoothed": gaps(1e-3)}, "holds"),
            (HARD | {"left": walks(4e-4), "kept": gaps(1e-8), "smoothed": gaps(1e-7)}, "fails"),
        ],
    ),
    (
        "12",
        "12-j1 12-j2",
        "I.1",
        [
            (SIZES | {"score": biases(d)}, verdict)
            for d, verdict in ((-0.3, "holds"), (0.01, "unsettled"), (0.3, "fails"))
        ],
    ),
    (
        "13",
        "13-j1",
        MORE,
        [({"result": learners(d)}, verdict) for d, verdict in ((1.0, "holds"), (0.0, "unsettled"), (-1.0, "fails"))],
    ),
    (
        "14",
        "14-j4",
        "I.10",
        [
            ({"kinked": {"L1": True, "MCP": True}, "gain": 5.0}, "fails"),
            ({"kinked": {"L1": True, "MCP": False}, "gain": 5.0}, "holds"),
            ({"kinked": {"L1": True, "MCP": True}, "gain": 0.1}, "holds"),
        ],
    ),
]


@pytest.mark.parametrize(("stem", "ids", "claim", "cases"), MEASURED, ids=lambda value: str(value)[:12])
def test_a_verdict_follows_the_measurement(monkeypatch, stem, ids, claim, cases):
    for given, verdict in cases:
        assert judged(monkeypatch, stem, ids, **given)[claim] == verdict
