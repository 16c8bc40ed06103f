"""The benchmark measures what it says: its rivals reach their goal, and cut runs are long enough."""

import math

import pytest

from weep import compiled
from weep.companion import benchmark, benchmark_structure
from weep.denoise import objective


def test_medians_interleave_and_leave_the_first_round_out():
    order = []
    spent = benchmark.medians({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, repeats=2)
    assert order == ["a", "b"] * 3
    assert set(spent) == {"a", "b"}
    assert min(spent.values()) >= 0


def test_rivals_reach_the_goal():
    y = benchmark.steps((40, 40))
    goal = benchmark.solve(y, tol=1e-9).objective * (1 + 1e-5)
    assert benchmark.dct_admm(y, goal) < 199
    for method in ("fista", "lbfgs"):
        end = benchmark.reach(y, method, goal)()
        assert end.objective <= goal
        assert end.n_iter == 1 or end.history[-2, 0] > goal


def test_pyproximal_solves_the_same_problem():
    pytest.importorskip("pyproximal", reason="needs the extra 'pyproximal'")
    y = benchmark.steps((60,))
    goal = benchmark.solve(y, tol=1e-12).objective
    end = benchmark.pyproximal_admm(y, goal)()
    assert objective(end, y, benchmark.PHI, benchmark.LAM) <= goal * (1 + 1e-6)


def test_plain_switches_compiled_kernels_off_and_on_again(monkeypatch):
    monkeypatch.setattr(compiled, "USE", True)
    seen = []
    benchmark.plain(lambda: seen.append(compiled.USE))()
    assert (seen, compiled.USE) == ([False], True)


def test_regressions_name_each_loss_twice(monkeypatch):
    pytest.importorskip("numba", reason="needs the extra 'fast'")
    monkeypatch.setattr(compiled, "USE", True)
    rows = benchmark.regressions(problems=30, repeats=1)
    assert [row.target for row in rows] == [200, 15] * 3
    assert all(row.ratio > 1 for row in rows)


def test_regressions_are_timed_without_numba_too(monkeypatch):
    monkeypatch.setattr(compiled, "USE", False)
    rows = benchmark.regressions(problems=2, repeats=1)
    assert [math.isnan(row.ratio) for row in rows] == [True, False] * 3
    assert ["NumPy" in row.job for row in rows] == [False, True] * 3


def test_structure_is_compared_on_equal_terms():
    pytest.importorskip("TVDCondat2013", reason="needs the extra 'bench'")
    rows = benchmark_structure.signals(3, 300, 1) + benchmark_structure.gradients(32, 1)
    assert [row.target for row in rows] == [1 / 4, 1, 1 / 2, 1 / 2]
    rows += [benchmark_structure.alone(1), benchmark_structure.threaded((40, 40), 1)]
    assert all(row.ratio > 0 for row in rows)


def test_chambolles_stopping_point_is_reached_and_lies_above_the_minimum():
    pytest.importorskip("skimage", reason="needs the extra 'images'")
    y = benchmark.steps((48, 48))
    for picture in (y, y[:, :, None] + [0.0, 1.0]):
        ratio, gap = benchmark_structure.chambolle(picture, 0.1, 1)
        assert ratio > 0
        assert 1e-5 < gap < 0.2
