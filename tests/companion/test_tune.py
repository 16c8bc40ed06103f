"""The search finds the best point of its grid, whatever runs in parallel, and continues where it was interrupted."""

import functools
import math
import os
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pytest
from scipy.stats import loguniform

from weep import WEEP
from weep.companion import tune
from weep.companion.tune import evaluate, search


def hill(x, y):
    return -((x - 2) ** 2) - (y - 10) ** 2


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_highest_score_wins(n_jobs):
    found = search(hill, {"x": [0, 1, 2, 3], "y": [7, 9, 10]}, n_jobs=n_jobs)
    assert (found.best, found.score) == ({"x": 2, "y": 10}, 0)
    assert [trial[0] for trial in found.trials[:4]] == [
        {"x": 0, "y": 7},
        {"x": 0, "y": 9},
        {"x": 0, "y": 10},
        {"x": 1, "y": 7},
    ]
    assert all(score == hill(**point) for point, score in found.trials)
    assert found.at_edge({"x": [0, 1, 2, 3], "y": [7, 9, 10]}) == ["y"]


def test_a_tie_goes_to_the_first_and_nan_never_wins():
    assert search(lambda x: 0.0 if x else math.nan, {"x": [0, 1, 2]}, n_jobs=1).best == {"x": 1}
    with pytest.raises(ValueError, match="every score is NaN"):
        search(lambda x: math.nan, {"x": [0, 1]}, n_jobs=1)


@pytest.mark.parametrize("n_random", [None, 3])
@pytest.mark.parametrize("grid", [{}, {"x": []}, {"x": np.array([])}])
def test_an_empty_grid_is_refused(grid, n_random):
    with pytest.raises(ValueError, match="grid="):
        search(hill, grid, n_random=n_random)


def test_evaluate_keeps_the_order():
    assert evaluate(pow, [{"base": 2, "exp": k} for k in range(20)], n_jobs=2) == [2**k for k in range(20)]


SPACE = {"x": loguniform(0.1, 100), "y": [7, 9, 10, 11]}


def test_random_points_are_those_of_the_seed_whatever_the_workers():
    few, many = (search(hill, SPACE, n_jobs=n, n_random=r, seed=1) for n, r in ((1, 20), (2, 40)))
    assert few.trials == many.trials[:20]
    assert few.trials != search(hill, SPACE, n_jobs=1, n_random=20, seed=2).trials
    drawn = [point for point, _ in many.trials]
    assert {point["y"] for point in drawn} == {7, 9, 10, 11}
    assert all(0.1 <= point["x"] <= 100 for point in drawn)
    assert 10 < sum(point["x"] < math.sqrt(10) for point in drawn) < 30  # half of a log-uniform draw
    assert many.score == max(hill(**point) for point in drawn)
    with pytest.raises(ValueError, match="n_random=0"):
        search(hill, SPACE, n_random=0)


def recorder(log):
    """A function that notes its calls in a file, and is interrupted once, at 3."""

    def recorded(x):
        calls = log.read_text() if log.exists() else ""
        log.write_text(f"{calls}{x}")
        if x == 3 and "3" not in calls:
            raise KeyboardInterrupt
        return x * 10

    return recorded


def test_an_interrupted_search_continues(tmp_path):
    log, cache, points = tmp_path / "log", tmp_path / "new" / "folder", [{"x": x} for x in range(6)]
    with pytest.raises(KeyboardInterrupt):
        evaluate(recorder(log), points, n_jobs=1, cache=cache)
    assert evaluate(recorder(log), points, n_jobs=1, cache=cache) == [0, 10, 20, 30, 40, 50]
    assert log.read_text() == "0123345"
    assert evaluate(recorder(log), points[::-1], n_jobs=1, cache=cache) == [50, 40, 30, 20, 10, 0]
    assert log.read_text() == "0123345"
    assert all(len(file.name) == 40 for file in cache.iterdir())  # no half-written file
    assert evaluate(recorder(log), points[:1], n_jobs=1) == [0]  # nothing is kept unless asked for
    assert log.read_text() == "01233450"


def test_an_entry_of_another_version_of_the_package_is_not_used(tmp_path, monkeypatch):
    log = tmp_path / "log"
    evaluate(recorder(log), [{"x": 1}], n_jobs=1, cache=tmp_path)
    monkeypatch.setattr(tune, "_sources", lambda: "changed")
    evaluate(recorder(log), [{"x": 1}], n_jobs=1, cache=tmp_path)
    assert log.read_text() == "11"


SCRIPT = """
import numpy as np
from functools import partial
from weep import WEEP
from weep.companion.tune import evaluate
OFFSET = 1
def inner(x): return x + OFFSET
class Scale:
    def __init__(self, by): self.by = by
    def times(self, x): return self.by * x
scale = Scale(2)
def make(y, phi):
    def score(x, power=1):
        print("call", end=" ")
        return scale.times(inner(x)) ** power + float(y.sum()) + phi(x) + (x in {"a", "b"})
    return score
print(evaluate(make(np.arange(3.0), WEEP(3.0, 0.1)), [{"x": 1.0}, {"x": 2.0}], n_jobs=1, cache="kept"))
"""


def test_a_second_process_finds_what_the_first_kept(tmp_path):
    runs = [
        subprocess.run([sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        for _ in range(3)
    ]
    assert runs[0] == "call call " + runs[1] and runs[1] == runs[2] != ""


def run(script, capsys):
    exec(script, {"__name__": "__main__"})
    printed = capsys.readouterr().out
    return printed.count("call"), printed.replace("call ", "")


@pytest.mark.parametrize(
    "change",
    [
        ("OFFSET = 1", "OFFSET = 3"),
        ("x + OFFSET", "x - OFFSET"),
        ("Scale(2)", "Scale(4)"),
        ("self.by * x", "self.by / x"),
        ("power=1", "power=3"),
        ("arange(3.0)", "arange(5.0)"),
        ("WEEP(3.0, 0.1)", "WEEP(4.0, 0.1)"),
        (') + (x in {"a", "b"})', ") + 5"),
    ],
)
def test_a_stale_entry_is_not_used(tmp_path, monkeypatch, capsys, change):
    monkeypatch.chdir(tmp_path)
    calls, first = run(SCRIPT, capsys)
    assert (calls, run(SCRIPT, capsys)) == (2, (0, first))
    assert SCRIPT.count(change[0]) == 1
    calls, second = run(SCRIPT.replace(*change), capsys)
    assert calls == 2 and first != second


def test_functions_are_told_apart_as_points_too(tmp_path):
    points = [{"f": f, "x": 2.0} for f in (lambda x: x, lambda x: x + 1, WEEP(1.0, 0.0), WEEP(2.0, 0.0), math.sqrt)]
    points += [{"f": functools.partial(hill, 1), "x": 2.0}]

    def call(f, x):
        return float(f(x))

    for _ in range(2):
        assert evaluate(call, points, n_jobs=1, cache=tmp_path) == [float(p["f"](2.0)) for p in points]
    assert len(list(tmp_path.iterdir())) == len(points)


def test_a_function_that_calls_itself_can_be_kept(tmp_path):
    def factorial(n):
        return n * factorial(n - 1) if n else 1

    assert evaluate(factorial, [{"n": 5}], n_jobs=1, cache=tmp_path) == [120]


def test_a_dask_cluster_takes_over_by_one_line(tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs the extra 'dask'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a cluster says about ports and closed event loops is not ours
        with (
            distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
            distributed.Client(cluster) as client,
            joblib.parallel_config(backend="dask"),
        ):
            before = len(client.scheduler_info()["workers"])
            found = search(hill, SPACE, n_random=20, seed=1, cache=tmp_path)
            (where,) = {type(joblib.parallel.get_active_backend()[0]).__name__}
    assert (before, where) == (2, "DaskDistributedBackend")
    assert found.trials == search(hill, SPACE, n_jobs=1, n_random=20, seed=1).trials


def test_without_joblib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "joblib", None)
    with pytest.raises(ImportError, match=r"\.\[tune\]"):
        search(hill, {"x": [1], "y": [1]})


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_within_a_search_shows_no_bar_of_its_own(n_jobs):
    code = (
        "from weep.companion.tune import evaluate\n"
        "def inner(k): return sum(evaluate(lambda i: i * k, [{'i': i} for i in range(5)], n_jobs=1))\n"
        f"print(evaluate(inner, [{{'k': k}} for k in range(3)], n_jobs={n_jobs}))"
    )
    shown = {name: value for name, value in os.environ.items() if name != "TQDM_DISABLE"}
    run = subprocess.run([sys.executable, "-c", code], env=shown, capture_output=True, text=True, check=True)
    assert run.stdout == "[0, 10, 20]\n"
    assert "/3" in run.stderr and "/5" not in run.stderr
