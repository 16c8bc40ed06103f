"""The benchmark of problem (1): all solvers reach one goal, and what is counted is what is applied."""

import numpy as np
import pytest

from weep.companion import benchmark_recover as benchmark


@pytest.fixture(scope="module")
def setting():
    return benchmark.dense(60)


def test_the_solvers_of_recover_and_scipy_reach_the_goal(setting, monkeypatch):
    monkeypatch.setattr(benchmark, "PATIENCE", 1e6)
    rows = list(benchmark.compare(setting, repeats=1, rivals=False))
    assert [row.solver for row in rows] == ["auto", "memory_gradient", "accelerated", "lbfgs", "SciPy, L-BFGS-B"]
    assert all(np.isfinite(row.seconds) and row.applications > 0 for row in rows)
    assert rows[0].applications == rows[1].applications and rows[0].ratio == 1
    assert [row.target for row in rows] == [0, 0, 0, 0, 1]


def test_rows_come_one_by_one_and_say_who_was_left(setting, monkeypatch):
    monkeypatch.setattr(benchmark, "PATIENCE", 0)
    rows = benchmark.compare(setting, repeats=1, rivals=False)
    first = next(rows)
    assert (first.solver, first.ratio) == ("auto", 1)
    assert [(row.seconds, row.ratio, row.applications) for row in rows] == 4 * [(np.inf, np.inf, 0)]


def test_pyproximal_solves_the_same_problem(setting):
    pytest.importorskip("pyproximal", reason="needs the extra 'pyproximal'")
    A = benchmark.Counted(setting.A)
    goal = benchmark.ours(setting, "auto", 1000, None).objective * (1 + 1e-4)
    for name, steps in benchmark.pyproximal(setting, A).items():
        reached = [benchmark.reach(setting, solver, goal, 5.0) for solver in steps]
        count, _ = min(reached, key=lambda pair: pair[1])
        end = steps[reached.index(min(reached, key=lambda pair: pair[1]))](count, None)
        assert benchmark.objective(setting, A, end)[0] <= goal, name


def test_a_solver_without_patience_is_left(setting):
    count, seconds = benchmark.reach(setting, lambda n, tell: [tell(np.zeros(60)) for _ in range(n)], 0.0, 0.01)
    assert count > 0 and np.isinf(seconds)


@pytest.mark.parametrize("make", [benchmark.deblurring, benchmark.tomography])
def test_applications_are_counted_and_the_adjoint_is_one(make):
    setting = make(12)
    A, rng = benchmark.Counted(setting.A), np.random.default_rng(0)
    x, u = rng.normal(size=A.shape[1]), rng.normal(size=A.shape[0])
    assert A.matvec(x) @ u == pytest.approx(x @ A.rmatvec(u))
    assert A.count == 2
    assert setting.y.shape == (A.shape[0],)
