"""The solvers of (11) against optimality conditions, another solver, and each other."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear, minimize

from weep import (
    L0,
    L1,
    L2,
    MCP,
    SCAD,
    WEEP,
    CappedL1,
    CappedL2,
    ConvergenceWarning,
    Huber,
    Tukey,
    denoise_tv,
    operators,
)
from weep.denoise import METHODS, admm_step, is_convex, objective
from weep.denoise.problem import Problem
from weep.denoise.solver import Solver

SMOOTH = [L2(), Huber(0.3), WEEP(10.0, 0.1), WEEP(3.0, 0.0, scale=0.2), WEEP(2.0, 2.0), Tukey(0.7)]
KINKED = [L1(), MCP(0.5, 2.0), SCAD(0.2)]
CAPPED = [CappedL1(0.5), CappedL2(2.0)]  # of infinite weak convexity: no method but the exact one
DIRECT = ("closed_form", "exact")
ITERATIVE = [solver.name for solver in METHODS if solver.name not in DIRECT]
TYPICAL = {method: WEEP(10.0, 0.1) for method in ITERATIVE} | {"dual": L1()}


def signal(shape=(40,), seed=0):
    """Steps of height one along the first axis, and noise."""
    rng = np.random.default_rng(seed)
    steps = np.repeat(rng.integers(0, 3, -(-shape[0] // 8)), 8)[: shape[0]]
    return steps.reshape(-1, *[1] * (len(shape) - 1)) + 0.2 * rng.normal(size=shape)


def gradient(x, y, phi, lam):
    return x - y + lam * operators.adjoint([phi.grad(part) for part in operators.differences(x)])


def methods(phi, ndim):
    """The iterative methods that take this problem."""
    problem = Problem(signal((4,) * ndim), phi, 0.1)
    return [solver.name for solver in METHODS if solver.name not in DIRECT and solver.takes(problem)]


@pytest.mark.parametrize("shape", [(40,), (12, 9), (6, 5, 4), (2,), (1, 7)])
@pytest.mark.parametrize("phi", SMOOTH, ids=repr)
@pytest.mark.parametrize("method", ITERATIVE)
def test_smooth_penalties_reach_a_zero_gradient(phi, shape, method):
    if method not in methods(phi, len(shape)):
        with pytest.raises(ValueError, match=f"method='{method}' needs"):
            denoise_tv(signal(shape), phi, 0.08, method)
        return
    y = signal(shape)
    # L-BFGS-B compares objectives, and those of neighbours are equal to the last digit at a residual of about 1e-8.
    result = denoise_tv(y, phi, 0.08, method, tol=1e-7 if method == "lbfgs" else 1e-9, max_iter=5000)
    assert result.converged
    assert result.method == method
    assert np.linalg.norm(gradient(result.x, y, phi, 0.08)) < 2e-7 * np.linalg.norm(y)
    assert result.objective == pytest.approx(objective(result.x, y, phi, 0.08), rel=1e-14)


@pytest.mark.parametrize("phi", [L2(), Huber(0.3), WEEP(10.0, 0.1), WEEP(2.0, 2.0)], ids=repr)
def test_all_methods_agree_with_scipy_where_the_problem_is_convex(phi):
    shape, lam = (12, 9), 0.1
    assert lam * phi.weak_convexity * operators.norm_squared(shape) < 1
    y = signal(shape)
    other = minimize(
        lambda x: objective(x.reshape(shape), y, phi, lam),
        y.ravel(),
        jac=lambda x: gradient(x.reshape(shape), y, phi, lam).ravel(),
        method="L-BFGS-B",
        options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 5000},
    )
    for method in methods(phi, 2):
        result = denoise_tv(y, phi, lam, method, tol=1e-7, max_iter=5000)
        assert result.certificate == "global"
        np.testing.assert_allclose(result.x, other.x.reshape(shape), atol=1e-6)


@pytest.mark.parametrize("shape", [(40,), (9, 8)])
def test_l1_agrees_with_its_dual_problem(shape):
    """The dual of L1-TV is a least-squares problem in a box, which SciPy solves."""
    y, lam = signal(shape), 0.3
    seen = {}
    result = denoise_tv(y, L1(), lam, "admm", tol=1e-9, max_iter=20000, callback=lambda n, x: seen.update({n: x}))
    assert list(seen) == list(range(1, result.n_iter + 1))
    np.testing.assert_array_equal(seen[result.n_iter], result.x)
    columns = np.eye(y.size).reshape(-1, *shape)
    matrix = np.stack([np.concatenate([q.ravel() for q in operators.differences(c)]) for c in columns], axis=1)
    dual = lsq_linear(matrix.T, y.ravel(), bounds=(-lam, lam), tol=1e-14, lsmr_tol="auto")
    np.testing.assert_allclose(result.x.ravel(), y.ravel() - matrix.T @ dual.x, atol=1e-5)
    if y.ndim == 1:
        np.testing.assert_allclose(denoise_tv(y, L1(), lam, "exact").x, y - matrix.T @ dual.x, atol=1e-6)


@pytest.mark.parametrize("phi", KINKED, ids=repr)
def test_no_small_move_improves_a_kinked_penalty(phi):
    y, lam = signal((20,)), 0.2
    result = denoise_tv(y, phi, lam, tol=1e-9, max_iter=20000)
    rng = np.random.default_rng(1)
    moves = [np.eye(20)[k] for k in range(20)] + [np.cumsum(np.eye(20)[k]) for k in range(20)]
    moves += list(rng.normal(size=(200, 20)))
    for move in moves:
        for step in (1e-3, -1e-3, 1e-5, -1e-5):
            assert objective(result.x + step * move, y, phi, lam) > result.objective - 1e-7


def test_closed_form_and_admm_agree_on_l2():
    for shape in [(50,), (7, 9), (4, 5, 6)]:
        y = signal(shape)
        closed = denoise_tv(y, L2(), 2.0)
        assert (closed.n_iter, closed.converged, closed.history.shape) == (0, True, (0, 2))
        np.testing.assert_allclose(denoise_tv(y, L2(), 2.0, "admm", tol=1e-10).x, closed.x, atol=1e-8)


@settings(max_examples=30)
@given(st.floats(-1e3, 1e3), st.floats(1e-3, 10), st.integers(0, 1000))
def test_a_shift_of_the_data_shifts_the_result(offset, lam, seed):
    y = signal((16,), seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        low, high = (denoise_tv(data, WEEP(10.0, 0.1), lam, max_iter=50).x for data in (y, y + offset))
    np.testing.assert_allclose(high - offset, low, atol=1e-8 * (1 + abs(offset)))
    assert low.mean() == pytest.approx(y.mean(), abs=1e-9)


@pytest.mark.parametrize("method", ["closed_form", "admm"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(method, dtype):
    y = signal((10, 6)).astype(dtype)
    kept = y.copy()
    result = denoise_tv(y, L2(), 0.5, method=method, tol=1e-4)
    assert result.x.dtype == dtype
    np.testing.assert_array_equal(y, kept)
    np.testing.assert_allclose(result.x, denoise_tv(y.astype(float), L2(), 0.5).x, atol=1e-3)


@pytest.mark.parametrize("method", ITERATIVE)
@pytest.mark.parametrize("shape", [(300,), (20, 30), (8, 9, 7)])
def test_single_precision_is_enough_for_its_digits(method, shape):
    phi, y = WEEP(10.0, 0.1), signal(shape).astype(np.float32)
    if method in methods(phi, len(shape)):
        result = denoise_tv(y, phi, 0.05, method, tol=1e-5)
        assert result.x.dtype == np.float32
        assert result.converged
        np.testing.assert_allclose(result.x, denoise_tv(y.astype(float), phi, 0.05).x, atol=1e-4)


@pytest.mark.parametrize("method", ITERATIVE)
def test_callback_sees_every_iterate_that_the_history_tells_of(method):
    y, phi, lam, seen = signal(), TYPICAL[method], 0.2, []
    result = denoise_tv(y, phi, lam, method, tol=1e-7, callback=lambda n, x: seen.append((n, x.copy())))
    assert [n for n, _ in seen] == list(range(1, result.n_iter + 1))
    assert result.history.shape == (result.n_iter, 2)
    np.testing.assert_array_equal(seen[-1][1], result.x)
    np.testing.assert_allclose([objective(x, y, phi, lam) for _, x in seen], result.history[:, 0], rtol=1e-13)
    assert result.history[-1, 1] <= 1e-7 < result.history[-2, 1]


@pytest.mark.parametrize("shape", [(1000,), (37, 11), (9, 8, 7), (1, 300), (300, 1), (2,)])
@pytest.mark.parametrize(
    "phi", [WEEP(10.0, 0.1), WEEP(1e-3, 0.0), WEEP(2.0, 2.0), Huber(0.3), Tukey(0.7), L2()], ids=repr
)
def test_bands_give_the_objective_and_its_gradient(phi, shape, monkeypatch):
    monkeypatch.setattr("weep.denoise.problem.BAND", 100)
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, *shape))
    value, found = Problem(y, phi, 0.3).evaluate(x)
    np.testing.assert_allclose(found, gradient(x, y, phi, 0.3), rtol=1e-12, atol=1e-14)
    assert value == pytest.approx(objective(x, y, phi, 0.3), rel=1e-13)


def test_newton_lands_at_rounding_error():
    for phi in (WEEP(10.0, 0.1), WEEP(3.0, 0.0, scale=0.2), Huber(0.3)):
        y = signal((400,))
        result = denoise_tv(y, phi, 0.2, tol=1e-12)
        assert result.method == "newton"
        assert result.n_iter < 60
        assert np.linalg.norm(gradient(result.x, y, phi, 0.2)) < 1e-13 * np.linalg.norm(y)


@pytest.mark.parametrize("shape", [(30,), (9, 11), (4, 5, 3), (1, 6)])
@pytest.mark.parametrize("phi", [WEEP(10.0, 0.1), MCP(1.0, 2.0), Tukey(1.0), SCAD(1.0)], ids=repr)
def test_convexity_is_decided_on_both_sides(phi, shape):
    """Above the condition, a ramp whose slope is where the penalty is most concave is a witness."""
    limit = 1 / (phi.weak_convexity * operators.norm_squared(shape))
    assert is_convex(phi, limit * (1 - 1e-9), shape)
    assert not is_convex(phi, limit * (1 + 1e-9), shape)
    slope = {WEEP: 1.0, MCP: 1.0, Tukey: math.sqrt(0.6), SCAD: 2.0}[type(phi)]
    ramp = slope * sum(np.meshgrid(*map(np.arange, shape), indexing="ij")).astype(float)
    wave = np.ones(())
    for n in shape:  # the eigenvector of the largest eigenvalue of DᵀD
        wave = np.multiply.outer(wave, np.cos(np.pi * (n - 1) * (np.arange(n) + 0.5) / n))
    wave /= np.linalg.norm(wave)

    def curvature(lam, h=1e-3):
        low, middle, high = (objective(ramp + t * wave, 0 * ramp, phi, lam) for t in (-h, 0, h))
        return (low - 2 * middle + high) / h**2

    assert curvature(limit * 0.9) == pytest.approx(0.1, abs=1e-3)
    assert curvature(limit * 1.1) == pytest.approx(-0.1, abs=1e-3)


UNITS = st.tuples(st.integers(-66, 66), st.sampled_from([0.0, 1.0, -3e3]), st.sampled_from([np.float32, np.float64]))


@pytest.mark.parametrize("method", [solver.name for solver in METHODS])
@settings(max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from(range(6)), UNITS, st.sampled_from([(2,), (9,), (300,), (5, 4), (20, 16)]))
def test_the_result_is_the_same_in_all_units(method, seed, which, units, shape):
    """For y → size·y + offset, φ(x) → size² φ(x/size): in powers of two, from 1e-20 to 1e20."""
    (exponent, offset, dtype), lam = units, 0.1
    size = 2.0**exponent
    phi, scaled, weight = [
        (WEEP(10.0, 0.1, 0.5), WEEP(10.0, 0.1, 0.5 * size), lam),
        (Huber(0.3), Huber(0.3 * size), lam),
        (L2(), L2(), lam),
        (L1(), L1(), lam * size),
        (MCP(0.5, 2.0), MCP(0.5 * size, 2.0), lam),
        (Tukey(1.0), Tukey(size), lam),
    ][which]
    solver = {solver.name: solver for solver in METHODS}[method]
    if not solver.takes(Problem(np.zeros(shape), phi, lam)) or (method == "exact" and shape[0] > 100):
        return
    moved = (size * np.round(signal(shape, seed), 2) + size * offset).astype(dtype)
    y = (moved.astype(float) - size * offset) / size  # what rounding to that type has left
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of L-BFGS-B, at rounding level
        plain = denoise_tv(y, phi, lam, method, tol=1e-8, max_iter=3000)
    other = denoise_tv(moved, scaled, weight, method, max_iter=3000)
    assert other.converged
    assert other.x.dtype == dtype
    single = dtype == np.float32
    spread, eps = np.linalg.norm(y - y.mean()), float(np.finfo(dtype).eps)
    back = (other.x.astype(float) - size * offset) / size
    np.testing.assert_allclose(back, plain.x, atol=(1e-3 if single else 1e-4) * spread + 4 * eps * (1 + abs(offset)))
    value = other.objective / size / size
    # At a kink, the objective moves by the first power of the error of x, which is larger in single precision.
    assert value == pytest.approx(plain.objective, rel=1e-4 if single else 1e-5, abs=1e-7 * spread**2)
    assert other.certificate == plain.certificate or not plain.converged


def test_a_signal_far_from_zero_is_solved_as_well_as_one_at_zero():
    """Kelvin in single precision, timestamps in double: no digit of the differences is lost."""
    for offset, dtype in ((273.15, np.float32), (1.7e9, np.float64), (-1e15, np.float64)):
        y = (signal((500,)) + offset).astype(dtype)
        near = y.astype(float) - y[0].astype(float)
        result, other = denoise_tv(y, WEEP(10.0, 0.1), 0.2), denoise_tv(near, WEEP(10.0, 0.1), 0.2, tol=1e-9)
        assert result.certificate == "global"
        np.testing.assert_allclose(result.x.astype(float) - y[0], other.x, atol=1e-5 + np.spacing(abs(y[0])))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("phi", [*SMOOTH, MCP(0.5, 2.0)], ids=repr)
def test_the_default_tolerance_can_be_reached_in_each_type(phi, dtype):
    for shape in ((500,), (40, 30)):
        for method in methods(phi, len(shape)):
            assert denoise_tv(signal(shape).astype(dtype), phi, 0.1, method, max_iter=3000).converged


@pytest.mark.parametrize("method", [method for method in ITERATIVE if method != "dual"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_stop_at_rounding_level_says_so(method, dtype):
    y, words = signal((300,)).astype(dtype), f"rounding in {np.dtype(dtype)} hides what is left, so allow a larger tol"
    words += ", or pass float64" * (dtype == np.float32)
    if method == "lbfgs" and dtype == np.float64:  # it compares objectives, and stops before
        words = "finds no better point"
    with pytest.warns(ConvergenceWarning, match=words):
        result = denoise_tv(y, WEEP(10.0, 0.1), 0.2, method, tol=1e-30, max_iter=3000)
    assert (result.converged, result.certificate) == (False, "none")
    assert result.n_iter < 3000
    assert result.history[:, 1].min() < (1e-6 if method == "lbfgs" else 30 * np.finfo(dtype).eps)


@pytest.mark.parametrize("method", ITERATIVE)
def test_a_callback_ends_the_run_by_stopiteration(method):
    def stop(n, x):
        seen.append(x)
        if n == 3:
            raise StopIteration

    seen = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the caller knows
        result = denoise_tv(signal(), TYPICAL[method], 0.2, method, tol=1e-12, callback=stop)
    assert (result.n_iter, result.converged, result.certificate) == (3, False, "none")
    np.testing.assert_array_equal(result.x, seen[-1])
    final = denoise_tv(signal(), TYPICAL[method], 0.2, method, tol=10.0, callback=lambda n, x: next(iter(())))
    assert (final.n_iter, final.converged) == (1, True)


@pytest.mark.parametrize("solver", METHODS, ids=lambda solver: solver.name)
@pytest.mark.parametrize("dtype", [">f4", ">f8", "<f8", np.float16, np.longdouble, np.int16, ">i4", bool])
def test_arrays_of_all_real_types_are_taken(solver, dtype):
    phi = L2() if solver.name == "closed_form" else TYPICAL.get(solver.name, WEEP(10.0, 0.1))
    y = np.repeat([0, 1, 0, 1, 1], 80).astype(dtype)  # long enough for compiled kernels
    result, plain = (denoise_tv(data, phi, 0.1, solver.name, init=data) for data in (y, y.astype(float)))
    assert result.x.dtype == (np.float32 if y.dtype.kind == "f" and y.dtype.itemsize <= 4 else np.float64)
    assert result.x.dtype.isnative
    np.testing.assert_allclose(result.x, plain.x, atol=1e-4)
    assert objective(y, y, phi, 0.1) == objective(y.astype(float), y.astype(float), phi, 0.1)
    assert admm_step(y, phi, 0.1) == pytest.approx(admm_step(y.astype(float), phi, 0.1))


@pytest.mark.parametrize("method", [method for method in ITERATIVE if method != "dual"])
@pytest.mark.parametrize("y", [[0.0, 3.0], [0.0, 3.0, 6.5]])
def test_a_stationary_start_is_the_end(method, y):
    """Beyond x2, WEEP with b = 0 does not pull."""
    phi = WEEP(80.0, 0.0)
    result = denoise_tv(y, phi, 0.1, method)
    assert result.converged
    assert result.n_iter >= 1
    np.testing.assert_allclose(result.x, y, atol=1e-12)


def test_a_solver_is_added_by_one_entry(monkeypatch):
    def run(problem, start, trace):
        trace.record(start, problem.value(start, operators.differences(start)), 0.0)
        return start

    toy = Solver("stay", lambda problem: problem.lam < 1e-3, "a weight below 1e-3", run)
    monkeypatch.setattr("weep.denoise.METHODS", [toy, *METHODS])
    y = signal()
    result = denoise_tv(y, L1(), 1e-4)
    assert (result.method, result.n_iter, result.converged, result.certificate) == ("stay", 1, True, "global")
    np.testing.assert_allclose(result.x, y, atol=1e-15)
    assert denoise_tv(y, L1(), 1.0).method == "exact"
    with pytest.raises(ValueError, match="method='stay' needs a weight below 1e-3"):
        denoise_tv(y, L1(), 1.0, "stay")


def test_auto_takes_the_first_that_can():
    chosen = {phi: denoise_tv(signal(), phi, 0.1, tol=1e-3).method for phi in (L2(), Huber(), Tukey(), L1(), *CAPPED)}
    assert list(chosen.values()) == ["closed_form", "newton", "fista", "exact", "exact", "exact"]
    assert denoise_tv(signal((5, 6)), Huber(), 0.1).method == "fista"
    assert denoise_tv(signal(), MCP(0.5, 2.0), 0.1).method == "admm"
    for phi in (Huber(), L1()):
        assert denoise_tv(signal(), phi, 0.1, rho=1.0).method == "admm"


def test_results_can_be_compared_and_numpys_integers_count():
    first, second = (denoise_tv(signal(), Huber(0.3), 0.1, max_iter=np.int64(50)) for _ in range(2))
    assert first == first
    assert first != second


def test_a_start_can_be_given_and_decides_where_the_objective_is_not_convex():
    y, phi, lam = np.array([-1.1, 1.1]), WEEP(30.0, 0.0), 1.0  # close them, or leave the gap and pay 1
    assert not is_convex(phi, lam, y.shape)
    closed, apart = (denoise_tv(y, phi, lam, "fista", tol=1e-9, init=x) for x in (np.zeros(2), y))
    assert closed.certificate == apart.certificate == "stationary"
    np.testing.assert_allclose(closed.x, y / 61, atol=1e-9)
    np.testing.assert_allclose(apart.x, y, atol=1e-9)
    assert apart.objective == pytest.approx(1.0, abs=1e-12)
    for method in ("lbfgs", "admm", "newton"):
        np.testing.assert_allclose(denoise_tv(y, phi, lam, method, init=closed.x).x, closed.x, atol=1e-6)


def test_integers_become_float64():
    assert denoise_tv([0, 0, 5, 5], WEEP(10, 0.1), 0.1).x.dtype == np.float64


@pytest.mark.parametrize("y", [[3.0], [[3.0]], [0.1, 0.1, 0.1], np.zeros((3, 4)), np.full(9, 1e-30)])
def test_constant_data_is_its_own_solution(y):
    for phi in (L1(), L2(), MCP(1.0, 2.0), WEEP(10.0, 0.1)):
        for method in ["auto", *methods(phi, np.ndim(y))]:
            result = denoise_tv(y, phi, 0.7, method, init=np.ones(np.shape(y)))
            assert (result.certificate, result.n_iter, result.objective) == ("global", 0, 0.0)
            np.testing.assert_array_equal(result.x, y)


def test_without_weight_the_data_stays():
    y = signal()
    for phi in (L1(), L2()):
        np.testing.assert_allclose(denoise_tv(y, phi, 0.0).x, y, atol=1e-14)


@pytest.mark.parametrize("method", ITERATIVE)
def test_too_few_iterations_are_admitted(method):
    with pytest.warns(ConvergenceWarning, match=r"3 iterations .* not tol=1.0e-12") as caught:
        result = denoise_tv(signal(), TYPICAL[method], 0.2, method, tol=1e-12, max_iter=3)
    assert caught[0].filename == __file__
    assert not result.converged
    assert result.certificate == "none"
    assert result.n_iter == 3
    assert result.history.shape == (3, 2)
    assert result.history[-1, 0] == result.objective


def test_step_just_above_the_necessary_one_cycles_although_the_problem_is_strongly_convex():
    phi, lam, y = WEEP(10.0, 0.0), 0.1, signal((32, 32))
    assert lam * phi.weak_convexity * operators.norm_squared(y.shape) < 0.8
    with pytest.warns(ConvergenceWarning):
        stuck = denoise_tv(y, phi, lam, rho=1.05 * lam, max_iter=2000)
    assert stuck.history[1000:, 1].min() > 1e-3
    assert denoise_tv(y, phi, lam).n_iter < 200


def test_default_step_lies_above_the_necessary_one():
    y = signal((20, 20))
    for phi in SMOOTH + KINKED:
        for lam in (1e-3, 0.1, 10.0):
            assert admm_step(y, phi, lam) > lam * phi.weak_convexity
    assert admm_step(np.zeros(5), L1(), 0.3) > 0


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"y": 1.0}, ValueError, "y must have at least one axis"),
        ({"y": []}, ValueError, "y must have at least one axis"),
        ({"y": [1.0, math.nan]}, ValueError, "y must be finite"),
        ({"y": [1.0, math.inf]}, ValueError, "y must be finite"),
        ({"y": [1j, 2.0]}, TypeError, "y must hold real numbers"),
        ({"y": ["a"]}, TypeError, "y must hold real numbers"),
        ({"phi": np.abs}, TypeError, "phi=.* must be a penalty"),
        ({"phi": L0()}, ValueError, "finite weak_convexity"),
        ({"phi": CappedL2(1.0), "y": [[0.0, 1.0]]}, ValueError, "finite weak_convexity"),
        (
            {"phi": CappedL2(1.0), "method": "admm"},
            ValueError,
            "method='admm' needs a penalty of finite weak_convexity",
        ),
        ({"y": np.float32([-3e38, 3e38, 3e38])}, ValueError, "y must span less than the largest float32, 3.4e"),
        ({"lam": -0.1}, ValueError, "lam=-0.1 must not be negative"),
        ({"lam": math.nan}, ValueError, "lam=nan must be finite"),
        ({"lam": "1"}, TypeError, "lam='1' must be a real number"),
        ({"method": "magic"}, ValueError, "method='magic' must be"),
        ({"method": "closed_form"}, ValueError, "needs a quadratic penalty such as L2"),
        ({"tol": 0}, ValueError, "tol=0 must be greater than 0"),
        ({"max_iter": 0}, ValueError, "max_iter=0 must be at least 1"),
        ({"max_iter": 1.5}, TypeError, "max_iter=1.5 must be an integer"),
        ({"max_iter": True}, TypeError, "max_iter=True must be an integer"),
        ({"method": "newton", "y": [[0.0, 1.0]]}, ValueError, "method='newton' needs one axis"),
        (
            {"method": "newton", "phi": Tukey()},
            ValueError,
            "a differentiable piecewise quadratic .* Tukey",
        ),
        ({"method": "exact", "y": [[0.0, 1.0]]}, ValueError, "method='exact' needs one axis .* and 2 axes"),
        ({"method": "exact", "phi": Tukey()}, ValueError, "method='exact' needs one axis and a piecewise quadratic"),
        ({"method": "fista", "phi": L1()}, ValueError, "method='fista' needs a differentiable penalty"),
        ({"method": "lbfgs", "phi": MCP(1.0, 2.0)}, ValueError, "method='lbfgs' needs a differentiable penalty"),
        ({"method": "fista", "rho": 1.0}, ValueError, "rho=1.0 is a parameter of ADMM"),
        ({"init": [0.0]}, ValueError, "init must have the shape"),
        ({"init": [0.0, math.nan]}, ValueError, "init must be finite"),
        ({"init": ["a", "b"]}, TypeError, "init must hold real numbers"),
        ({"rho": 0.1}, ValueError, "rho=0.1 must be greater than lam"),
        ({"rho": -1.0}, ValueError, "rho=-1.0 must be greater than 0"),
    ],
)
def test_bad_input(change, error, message):
    arguments = {"y": [0.0, 1.0], "phi": WEEP(10.0, 0.1), "lam": 0.1} | change
    with pytest.raises(error, match=message):
        denoise_tv(**arguments)
