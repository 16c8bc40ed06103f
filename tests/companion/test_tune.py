"""The search finds the best point of its grid, whatever runs in parallel, and continues where it was interrupted."""

import functools
import math
import os
import shutil
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from scipy.stats import loguniform

from weep.companion.tune import by_cell, evaluate, search


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
    assert all(len(file.name) == 40 for file in cache.iterdir())  # no half-written file
    with pytest.warns(UserWarning, match=r"3 of 6 results are those of an interrupted run, in cache='.*folder'"):
        assert evaluate(recorder(log), points, n_jobs=1, cache=cache) == [0, 10, 20, 30, 40, 50]
    assert log.read_text() == "0123" + "0" + "345"  # the first is called once more, to compare
    assert not cache.exists()  # a run that ends leaves nothing
    assert evaluate(recorder(log), points[:1], n_jobs=1, cache=cache) == [0]
    assert log.read_text() == "012303450"


def test_what_else_is_in_the_folder_stays(tmp_path):
    (tmp_path / "mine").write_text("x")
    assert evaluate(pow, [{"base": 2, "exp": 3}], n_jobs=1, cache=tmp_path) == [8]
    assert [file.name for file in tmp_path.iterdir()] == ["mine"]


def test_a_longer_random_search_continues_a_shorter_one(tmp_path):
    calls = []

    def score(x, y):
        calls.append(x)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return hill(x, y)

    with pytest.raises(KeyboardInterrupt):
        search(score, SPACE, n_jobs=1, n_random=10, seed=1, cache=tmp_path)
    with pytest.warns(UserWarning, match="7 of 20"):
        found = search(score, SPACE, n_jobs=1, n_random=20, seed=1, cache=tmp_path)
    assert len(calls) == 8 + 1 + 13
    assert found.trials == search(hill, SPACE, n_jobs=1, n_random=20, seed=1).trials


SCRIPT = """
import functools, os, sys
import numpy as np
from weep import WEEP
from weep.companion.tune import evaluate
import own
OFFSET = 1
def inner(x): return x + OFFSET
class Scale:
    power = 2
    @staticmethod
    def half(x): return x / 2
    @property
    def twice(self): return 2
scale = Scale()
@functools.lru_cache
def helper(x): return x + 7
def make(y, phi):
    def score(x, shift=1):
        if x == 3.0 and "INTERRUPTED" in os.environ: raise KeyboardInterrupt
        value = inner(scale.half(x)) ** scale.power * scale.twice + helper(x) + own.slope(x)
        return value + float(y.sum()) + phi(x) + shift
    return score
print(evaluate(make(np.arange(3.0), WEEP(3.0, 0.1)), [{"x": float(x)} for x in range(1, 6)], n_jobs=1, cache="kept"))
"""
OWN = "def slope(x): return 3 * x"


def run(folder, monkeypatch, script=SCRIPT, own=OWN):
    """Run the script as a new session would, with its module read anew."""
    (folder / "own.py").write_text(own, encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "own", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    exec(script, {"__name__": "__main__"})


@pytest.fixture
def interrupted(tmp_path, monkeypatch):
    """A folder with a run that was interrupted after two of five points."""
    with monkeypatch.context() as patch:
        patch.setenv("INTERRUPTED", "1")
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, patch)
    assert len(list((tmp_path / "kept").iterdir())) == 2
    return tmp_path


def test_a_new_session_continues_with_the_same_results(interrupted, monkeypatch, capsys):
    with pytest.warns(UserWarning, match="2 of 5"):
        run(interrupted, monkeypatch)
    continued = capsys.readouterr().out
    run(interrupted, monkeypatch)
    assert continued == capsys.readouterr().out != ""


@pytest.mark.parametrize(
    "change",
    [
        ("OFFSET = 1", "OFFSET = 3"),
        ("x + OFFSET", "x - OFFSET"),
        ("power = 2", "power = 3"),  # a class attribute
        ("return x / 2", "return x / 4"),  # a static method
        ("return 2", "return 5"),  # a property
        ("return x + 7", "return x + 8"),  # a cached helper
        ("shift=1", "shift=2"),
        ("arange(3.0)", "arange(5.0)"),
        ("WEEP(3.0, 0.1)", "WEEP(4.0, 0.1)"),
        ("3 * x", "4 * x"),  # a module of one's own
    ],
)
def test_a_changed_function_is_not_served_what_an_interrupted_one_kept(interrupted, monkeypatch, capsys, change):
    assert (SCRIPT + OWN).count(change[0]) == 1
    changed = SCRIPT.replace(*change), OWN.replace(*change)
    with pytest.raises(ValueError, match=r"cache='kept' holds a result for \{'x': 1\.0\} that the function"):
        run(interrupted, monkeypatch, *changed)
    shutil.rmtree(interrupted / "kept")
    run(interrupted, monkeypatch, *changed)
    second = capsys.readouterr().out
    run(interrupted, monkeypatch)
    assert second != capsys.readouterr().out  # after a run that ended, nothing can be stale


def test_results_that_are_no_numbers_can_be_compared(tmp_path):
    def made(x):
        if x == 2 and "once" not in seen:
            seen.append("once")
            raise KeyboardInterrupt
        return {"a": np.full(3, x / 1.0), "b": [math.nan, "text"], "c": search(hill, {"x": [x], "y": [1]}, n_jobs=1)}

    seen = []
    with pytest.raises(KeyboardInterrupt):
        evaluate(made, [{"x": x} for x in range(4)], n_jobs=1, cache=tmp_path)
    with pytest.warns(UserWarning, match="2 of 4"):
        assert len(evaluate(made, [{"x": x} for x in range(4)], n_jobs=1, cache=tmp_path)) == 4


def test_points_that_pickle_cannot_save_are_refused_with_a_cache(tmp_path):
    with pytest.raises(ValueError, match="points must hold what pickle can save"):
        evaluate(lambda f: f(1), [{"f": lambda x: x}], n_jobs=1, cache=tmp_path)


def test_a_design_is_a_dict_of_its_cells():
    cells = [(2, 3), (5, 2)]
    assert by_cell(pow, ("base", "exp"), cells, n_jobs=1) == {(2, 3): 8, (5, 2): 25}


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
    shown = os.environ | {"TQDM_DISABLE": ""}  # else there is a bar on a terminal only
    run = subprocess.run([sys.executable, "-c", code], env=shown, capture_output=True, text=True, check=True)
    assert run.stdout == "[0, 10, 20]\n"
    assert "/3" in run.stderr and "/5" not in run.stderr


BAR = "from weep.companion.tune import evaluate\nevaluate(pow, [dict(base=2, exp=3)], n_jobs=1, label='bar')"


@pytest.mark.parametrize(("asks", "bar"), [(True, True), (False, False)])
def test_a_bar_is_shown_to_a_person_alone(tmp_path, monkeypatch, asks, bar):
    monkeypatch.delenv("TQDM_DISABLE")
    run = subprocess.run([sys.executable, "-c", BAR], capture_output=True, text=True, check=True)
    assert run.stderr == ""  # no terminal
    notebook = new_notebook(cells=[new_code_cell(BAR)])
    client = NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}})
    with client.setup_kernel():  # a front end with a person before it says that it can ask for input
        monkeypatch.setattr(client.kc, "execute", functools.partial(client.kc.execute, allow_stdin=asks))
        client.execute_cell(notebook.cells[0], 0)
    assert any("bar" in output.get("text", "") for output in notebook.cells[0].outputs) == bar
