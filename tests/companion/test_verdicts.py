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
from weep.companion import contest, report
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


#: Words of findings that have no number.
SAME = "All methods find the same minimum of the convex problem."
EXACTLY = "(11) with WEEP is convex exactly if λ‖D‖² ≤ 1."
STRICT = (
    "Without noise, a sparse signal with large entries is a strict local minimum for WEEP up to as many entries as "
    "measurements, and not beyond."
)
HIDDEN = "The hidden variable has exact zeros, and the weighted problem in it has the objective of the problem in $x$."
GRAPH = (
    "On a graph, the problem with WEEP is convex exactly for $\\lambda\\,\\lambda_{\\max} \\le 1$, if $a$ exceeds the "
    "number of colours."
)

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
    ("08", "regression-1 regression-3 regression-5a", "y, L2(),", "y, Huber(1.345),", "eq.12", "holds", "fails"),
    ("08", "regression-1 regression-3 regression-18", "Tukey(4.685)", "Tukey(3.0)", "V-C.2", "holds", "fails"),
    ("10", "solvers-01 solvers-03", "(y, phi, lam, m,", "(y, phi, lam + len(m) / 1e6, m,", SAME, "holds", "fails"),
    ("10", "solvers-01 solvers-03 solvers-07 solvers-07b", "limit = 1 /", "limit = 1.5 /", EXACTLY, "holds", "fails"),
    ("15", "15-01 15-13", "(x == 0)", "(x != 0)", STRICT, "holds", "fails"),
    ("15", "15-01 15-05 15-15", "np.eye(32) + added", "np.eye(32) + 2 * added", HIDDEN, "holds", "fails"),
    ("18", "9f724f46 6e966f5d 3fc0b0bb", "/ top[-1]", "/ top[-2]", GRAPH, "holds", "fails"),
]


@pytest.mark.parametrize(("stem", "ids", "old", "new", "claim", "before", "after"), WRONG)
def test_a_wrong_input_flips_the_verdict(monkeypatch, stem, ids, old, new, claim, before, after):
    for library in ("sympy", "mpmath", "sklearn", "statsmodels", "threadpoolctl", "networkx"):
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


def unshrunk(lead):
    """Chapter 13's errors on three tasks, in which WEEP has this lead."""
    found = dict.fromkeys(("L1", "L1, refit", "MCP"), 10 + noisy(0.0)) | {"WEEP": 10 - lead + noisy(0.0)[::-1]}
    errors = dict.fromkeys(("law_error", "coefficient_error", "net_error", "photo_error"), found)
    return errors | {"lessons": range(10), "problem_seeds": range(20)}


def features(**columns):
    """What chapter 6 measures on fresh draws: penalty → five columns, given by penalty and column."""
    found = {name: np.tile(noisy(0.5, 20), (5, 1)).T for name in ("L2", "L1", "MCP", "WEEP")}
    for key, mean in columns.items():
        name, column = key.split("_")
        found[name][:, int(column)] += mean - 0.5
    return {"measured": found}


def study(leads, errors=1.0):
    """Chapter 6's twelve cases, of ten draws each.

    WEEP leads MCP by so many decibels, MCP leads L1, and L1 leads L2. WEEP's errors at edges and in texture are these
    multiples of those of the others.
    """
    six = ["L2", "L1", "Huber", "MCP", "WEEP", "WEEP with scale"]
    cases = [(name, level) for name in ("mixed", "textured", "steps", "ramps") for level in (0.1, 0.2, 0.4)]
    table = np.ones((12, 6, 10, 5)) + noisy(0.0)[:, None] / 10
    table[..., 0] += 3 * np.arange(6)[:, None]
    table[:, 4, :, 0] += np.array(leads)[:, None] - 3 + noisy(0.0)[::-1]
    table[:, 4, :, 1:3] = np.broadcast_to(errors, 12)[:, None, None] * (1 + noisy(0.0)[::-1, None] / 20)
    return {"six": six, "cases": cases, "table": table}


def iterations(lbfgs, gap=0.0):
    """Chapter 6's learning curves, in which WEEP needs so many iterations of L-BFGS and ends in this gap."""
    needed = {"WEEP, ADMM": 34, "WEEP, L-BFGS": lbfgs, "L1, ADMM": 66, "MCP, ADMM": 141}
    return {"needed": needed, "curves": dict.fromkeys(needed, (None, None, [gap]))}


def scored(**columns):
    """Chapter 7's scores of two pictures: all alike but for the columns given by picture, method and column."""
    methods = ("L2-TV", "L1-TV", "Huber-TV", "MCP-TV", "WEEP-TV")
    fresh = {
        (m, name): np.zeros((5, 7)) + noisy(0.0, 5)[:, None] * (k - 2) for k, m in enumerate(methods) for name in "ab"
    }
    for key, mean in columns.items():
        name, method, column = key.split("_")
        fresh[f"{method}-TV", name][:, int(column)] += mean
    clean = dict.fromkeys("ab", np.arange(10.0)[None])
    return {"names": ["a", "b"], "methods": methods, "fresh": fresh, "Table": report.Table, "clean": clean}


def eyes(lead):
    """Chapter 7's similarity around the eyes, where WEEP has this lead."""
    made = scored()
    found = dict.fromkeys((method, name) for method in made["methods"] for name in made["names"])

    def on_seeds(cells, seeds):
        values = np.zeros((len(cells), len(seeds), 7)) + noisy(0.0, len(seeds))[:, None]
        ours = [method == "WEEP-TV" for method, _ in cells]
        values[ours] = lead + noisy(0.0, len(seeds))[::-1, None]
        return values

    return made | {"found": found, "on_seeds": on_seeds}


def fits(**errors):
    """Chapter 8's runs: mean absolute errors of a thousand, of which WEEP's are near a mean, or a share is good."""
    runs = {name: np.full((1000, 4), 25.0) + 10 * noisy(0.0, 1000)[:, None] for name in ("L2", "Huber", "Tukey")}
    runs["WEEP"] = np.full((1000, 4), errors.get("mean", 2.0)) + 10 * noisy(0.0, 1000)[::-1, None]
    if "good" in errors:
        runs["WEEP"] = np.where(np.arange(1000) < 1000 * errors["good"], 1.0, 9.0)[:, None] * np.ones(4)
    return {"runs": runs}


def excesses(easy, hard):
    """Chapter 10's excess over the global minimum, for the convex problem and for the others."""
    problems = {name: (name == "convex",) for name in ("convex", "b", "c", "d")}
    made = {"hard": problems, "excesses": lambda convex, seed: [easy if convex else hard] * 4}
    return made | {"Table": report.Table}


def recovered(*leads):
    """Chapter 15's leads of WEEP over L1, one for each setting."""
    settings = {f"setting {k}": None for k in range(len(leads))}
    fresh = {}
    for k, lead in enumerate(leads):
        for m in ("L1", "Huber", "MCP"):
            fresh[f"setting {k}", m] = noisy(30.0, 8)
        fresh[f"setting {k}", "WEEP"] = 30.0 + lead + noisy(0.0, 8)[::-1]
    return {"settings": settings, "fresh": fresh}


def hits(first, second):
    """Chapter 15's counts of draws: by a path, and with L1."""
    names = ["L1", "Huber", "MCP, path", "WEEP, path", "wide WEEP from zero"]
    counts = dict.fromkeys((*names, "narrow WEEP, path", "narrow WEEP from zero"), 8)
    counts |= {"WEEP, path": first, "L1": second}
    found = {name: np.tile(np.arange(16) < count, (5, 1)) + 0.0 for name, count in counts.items()}
    return {"hits": {"L = I": found, "L = D": found}}


def problems(fourier, tomography):
    """Chapter 16's problems, in which WEEP has these leads, in decibels, where measurements mix."""
    kinds = ("deconvolution, spikes", "deblurring, phantom", "Fourier, photograph", *MIXING)
    fresh = {(c, m): noisy(20.0, 6) for c in kinds for m in ("L1", "Huber", "MCP", "WEEP")}
    for c, lead in zip(MIXING, (fourier, tomography), strict=True):
        fresh[c, "WEEP"] = 20.0 + lead + noisy(0.0, 6)[::-1]
    cases = dict.fromkeys(kinds, (np.arange(9.0), None, None))
    return {"fresh": fresh, "cases": cases, "Table": report.Table}


def learned(certificate, leads):
    """Chapter 17's certificates, and leads over total variation at three levels of noise."""
    lead = np.array(leads)[:, None] * np.ones(7)
    return {
        "levels": (15, 25, 50),
        "lead": lead,
        "least": lead.min(1),
        "certificates": {certificate},
        "at_most_one": True,
    }


def karate(error):
    """Chapter 18's errors on the graph, WEEP's with this mean."""
    found = {"L1": 1 + noisy(0.0), "MCP": 1 + noisy(0.0), "WEEP": error + noisy(0.0)[::-1]}
    return {"errors": {"karate club": found}, "lead": contest.lead}


LAW = "WEEP finds a law of motion better than L1 and a refit."
INPUTS = "WEEP teaches a network its four inputs better than L1 and a refit."
PIXELS = "WEEP predicts pixels of photographs better than L1."
HARD = {"hard": ("L1", "MCP", "SCAD")}
SIZES = {"sizes": (48, 96, 192)}
MORE = "More weights can be removed with WEEP than with L1."
MIXING = ("Fourier, phantom", "tomography, phantom")
MIXED = "WEEP leads the better of L1 and Huber on phantoms from mixing measurements."
CONVEX, START = (
    "Where (11) is convex, Newton ends at the global minimum.",
    "Where (11) is not convex, the start does not matter.",
)
ALL_FOUR = "WEEP recovers better than L1 in all four settings."
SPIKES = "By a path, WEEP recovers more spikes than L1."
FREELY = "A penalty that a network learned freely from pictures is a WEEP."

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
    *(
        (
            "13",
            "13-u04 13-j3 13-j4 13-j5",
            claim,
            [(unshrunk(d), verdict) for d, verdict in ((1.0, "holds"), (0.0, "unsettled"), (-1.0, "fails"))],
        )
        for claim in (LAW, INPUTS, PIXELS)
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
    (
        "06",
        "6-edges",
        "V-A.7",
        [(features(L2_3=0.5), "holds"), (features(L2_3=0.7), "unsettled"), (features(L2_3=0.9), "fails")],
    ),
    (
        "06",
        "9ed6f282 6-surely a3dab305 6-highest",
        "V-A.4",
        [
            (study([1.0] * 12), "holds"),
            (study([1.0] * 6 + [-1.0] * 6), "conditional"),
            (study([0.0] * 6 + [-1.0] * 6), "unsettled"),
            (study([-1.0] * 12), "fails"),
        ],
    ),
    (
        "06",
        "9ed6f282 6-surely a3dab305 6-highest 6-texture 6-small",
        "V-A.6",
        [
            (study([0.0] * 12, 0.5), "holds"),
            (study([0.0] * 12, [0.5] * 3 + [1.0] * 9), "conditional"),
            (study([0.0] * 12, [1 / 1.1] * 3 + [1.0] * 9), "unsettled"),
            (study([0.0] * 12), "fails"),
        ],
    ),
    (
        "06",
        "9ed6f282 6-surely a3dab305 6-highest 6-texture 6-small",
        "IV-C.4",
        [(study([0.0] * 12, 0.5), "holds"), (study([0.0] * 12, 0.98), "unsettled"), (study([0.0] * 12), "fails")],
    ),
    (
        "06",
        "6-curves",
        "V-A.9",
        [(iterations(40), "holds"), (iterations(60), "unsettled"), (iterations(90), "fails")],
    ),
    ("06", "6-curves", "V-A.3", [(iterations(40), "holds"), (iterations(40, 1e-3), "fails")]),
    (
        "07",
        "ee2cdc12 7-lead",
        "V-B.2",
        [
            (scored(**{"a_WEEP_1": 1.0, "b_WEEP_1": 1.0}), "holds"),
            (scored(**{"a_WEEP_1": 1.0}), "conditional"),
            (scored(**{"a_WEEP_1": 0.0}), "fails"),
        ],
    ),
    (
        "07",
        "ee2cdc12 7-lead 7-keeps 7-painted",
        "V-B.5",
        [
            (scored(**{f"{n}_{m}_6": 1.1 for n in "ab" for m in ("L1", "MCP")}), "holds"),
            (scored(**{f"{n}_{m}_6": 0.0 for n in "ab" for m in ("L1", "MCP")}), "unsettled"),
            (scored(**{f"{n}_{m}_6": -1.0 for n in "ab" for m in ("L1", "MCP")}), "fails"),
        ],
    ),
    (
        "07",
        "ee2cdc12 7-lead 7-keeps 7-eye",
        "F4.1",
        [(eyes(0.5), "holds"), (eyes(0.0), "unsettled"), (eyes(-0.5), "fails")],
    ),
    (
        "08",
        "regression-12v",
        "T3.WEEP",
        [({"largest": {"WEEP": z}}, verdict) for z, verdict in ((1.0, "holds"), (2.5, "unsettled"), (7.0, "fails"))],
    ),
    (
        "08",
        "regression-14b",
        "V-C.3",
        [(fits(good=0.9), "holds"), (fits(good=0.5), "unsettled"), (fits(good=0.2), "fails")],
    ),
    ("08", "regression-15b", "V-C.7", [(fits(mean=2.0), "holds"), (fits(mean=30.0), "fails")]),
    ("10", "solvers-14", CONVEX, [(excesses(0.0, 0.1), "holds"), (excesses(1e-3, 0.1), "fails")]),
    ("10", "solvers-14", START, [(excesses(0.0, 0.0), "holds"), (excesses(0.0, 0.1), "fails")]),
    (
        "15",
        "15-10",
        ALL_FOUR,
        [
            (recovered(5.0, 5.0), "holds"),
            (recovered(5.0, 0.0), "conditional"),
            (recovered(0.0, -5.0), "fails"),
        ],
    ),
    ("15", "15-22", SPIKES, [(hits(12, 4), "holds"), (hits(8, 8), "unsettled"), (hits(4, 12), "fails")]),
    (
        "16",
        "16-23 16-24 16-26",
        MIXED,
        [(problems(9, 2), "holds"), (problems(9, 0.05), "conditional"), (problems(0.0, -1), "fails")],
    ),
    (
        "17",
        "1cfba29d",
        FREELY,
        [
            ({"errors": {"WEEP": e, "Huber": other}}, verdict)
            for e, other, verdict in ((1e-4, 0.3, "holds"), (0.01, 0.3, "fails"), (1e-4, 0.01, "fails"))
        ],
    ),
    (
        "17",
        "74c339b8",
        "The learned problem is convex.",
        [(learned("global", (1, 1, 1)), "holds"), (learned("stationary", (1, 1, 1)), "fails")],
    ),
    (
        "18",
        "13d9fd8a",
        "On the graph, WEEP leads L1.",
        [(karate(0.8), "holds"), (karate(1.0), "unsettled"), (karate(1.2), "fails")],
    ),
]


@pytest.mark.parametrize(("stem", "ids", "claim", "cases"), MEASURED, ids=lambda value: str(value)[:12])
def test_a_verdict_follows_the_measurement(monkeypatch, stem, ids, claim, cases):
    for given, verdict in cases:
        assert judged(monkeypatch, stem, ids, **given)[claim] == verdict
