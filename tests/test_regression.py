"""Robust regression against other solvers, brute force, optimality conditions and symmetries."""

import ast
import itertools
import math
import subprocess
import sys
import tracemalloc
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

import weep
from weep import L0, L1, L2, MCP, WEEP, ConvergenceWarning, Huber, Tukey, compiled, regress
from weep.penalties import Penalty
from weep.regression import METHODS, Result

CONVEX = [L2(), Huber(), Huber(0.1), WEEP(2.0, 2.0), WEEP(0.5, 1.0, scale=3.0)]
REDESCENDING = [Tukey(), Tukey(2.0), WEEP(100.0, 0.01), WEEP(10.0, 0.0, scale=2.0), WEEP(10.0, 0.3)]
LOSSES = CONVEX + REDESCENDING


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """With two unknowns, threads of BLAS only wait: L-BFGS takes several times as long with two."""
    with threadpool_limits(1):
        yield


@dataclass(frozen=True)
class LogCosh(Penalty):
    """log cosh x: a loss that the package does not have."""

    lipschitz = 1.0
    weak_convexity = 0.0

    def _value(self, x):
        return np.logaddexp(x, -x) - np.log(2)

    def _grad(self, x):
        return np.tanh(x)

    def _prox(self, z, step):
        raise NotImplementedError


def lines(batch=None, n=40, seed=0, outliers=0.3):
    """Lines with outliers, one or a batch: design and responses."""
    rng = np.random.default_rng(seed)
    shape = (n,) if batch is None else (batch, n)
    x = rng.uniform(0, 10, shape)
    y = np.where(rng.random(shape) < outliers, rng.normal(30, 10, shape), 2 * x - 1 + rng.normal(size=shape))
    return np.stack((x, np.ones(shape)), axis=-1), y


def objective(w, X, y, rho):
    return float(np.sum(rho(y - X @ w)))


def largest_gradient(w, X, y, rho):
    """Gradient in units of what it would be if all its terms had one sign, and a little more on flat stretches."""
    psi = rho.grad(y - X @ w)
    return np.max(np.abs(X.T @ psi) / (np.abs(X).T @ (np.abs(psi) + 1e-3 * rho.lipschitz)))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rho", LOSSES, ids=repr)
def test_the_gradient_vanishes(rho, method):
    X, y = lines(batch=20)
    result = regress(X, y, rho, "multistart", method, starts=5)
    assert result.converged.all()
    least = 1e-4 if method == "lbfgs" else 1e-10
    for w, Xk, yk, value in zip(result.coef, X, y, result.objective, strict=True):
        assert largest_gradient(w, Xk, yk, rho) < least
        assert value == pytest.approx(objective(w, Xk, yk, rho), rel=1e-12)


@pytest.mark.parametrize("init", ["zeros", "random", "multistart"])
@pytest.mark.parametrize("rho", CONVEX, ids=repr)
def test_methods_and_another_solver_agree_where_the_problem_is_convex(rho, init):
    X, y = lines(batch=5)
    found = {method: regress(X, y, rho, init, method) for method in METHODS}
    for k, (Xk, yk) in enumerate(zip(X, y, strict=True)):
        other = minimize(
            lambda w, X, y: (objective(w, X, y, rho), -X.T @ rho.grad(y - X @ w)),
            np.zeros(2),
            (Xk, yk),
            jac=True,
            method="BFGS",
            options={"gtol": 1e-9},
        )
        for method, result in found.items():
            # L-BFGS stops earlier, and where the loss is linear near the minimum its argument is less certain.
            assert result.objective[k] <= other.fun * (1 + (1e-8 if method == "lbfgs" else 1e-13)), method
            np.testing.assert_allclose(result.coef[k], other.x, atol=1e-2 if method == "lbfgs" else 1e-5)


def test_a_narrow_huber_loss_is_least_absolute_deviations():
    X, y = lines()
    n = len(y)
    program = linprog(
        np.r_[np.zeros(2), np.ones(2 * n)],
        A_eq=np.hstack((X, np.eye(n), -np.eye(n))),
        b_eq=y,
        bounds=[(None, None)] * 2 + [(0, None)] * (2 * n),
    )
    np.testing.assert_allclose(regress(X, y, Huber(1e-6), method="newton").coef, program.x[:2], atol=1e-4)


@pytest.mark.parametrize("loss", ["HuberT", "TukeyBiweight"])
def test_statsmodels_agrees(loss):
    robust = pytest.importorskip("statsmodels.api")
    ours = {"HuberT": Huber(1.345), "TukeyBiweight": Tukey(4.685)}[loss]
    norm = getattr(robust.robust.norms, loss)()
    X, y = lines()
    start = regress(X, y, Huber(), method="newton").coef
    theirs = robust.RLM(y, X, M=norm).fit(
        start_params=start, update_scale=False, scale_est=lambda *_: 1.0, tol=1e-12, maxiter=500
    )
    if theirs.scale != 1:  # it estimates a scale at the start: compare in its units
        ours = type(ours)(*(theirs.scale * value for value in vars(ours).values()))
    result = regress(X, y, ours, start, "newton")
    np.testing.assert_allclose(result.coef, theirs.params, rtol=1e-6)


@pytest.mark.parametrize("rho", REDESCENDING, ids=repr)
def test_a_multistart_finds_the_global_minimum_of_small_problems(rho):
    """Brute force: local descent, by another solver, from the line through each pair of points."""
    for seed in range(3):
        X, y = lines(n=12, seed=seed)
        pairs = (np.linalg.solve(X[[i, j]], y[[i, j]]) for i, j in itertools.combinations(range(12), 2))
        best = min(minimize(objective, line, (X, y, rho), method="Nelder-Mead").fun for line in pairs)
        for method in METHODS:
            result = regress(X, y, rho, "multistart", method, starts=300)
            assert result.objective <= best * (1 + 1e-6), method


@pytest.mark.parametrize("method", METHODS)
def test_outliers_beyond_a_redescending_loss_do_not_matter(method):
    X, y = lines(outliers=0.0)
    clean = regress(X, y, Tukey(), "ols", method)
    far = y + 1e3 * (np.arange(len(y)) % 10 == 0)
    kept = np.arange(len(y)) % 10 != 0
    without = regress(X[kept], y[kept], Tukey(), clean.coef, method)
    dirty = regress(X, far, Tukey(), clean.coef, method)
    np.testing.assert_allclose(dirty.coef, without.coef, atol=1e-4 if method == "lbfgs" else 1e-9)


@pytest.mark.filterwarnings("ignore::weep.ConvergenceWarning")  # L-BFGS may stall on an almost flat stretch
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rho", LOSSES, ids=repr)
def test_a_batch_is_its_problems(rho, method):
    X, y = lines(batch=6, seed=3)
    for init in ("zeros", "ols", "multistart"):
        together = regress(X, y, rho, init, method)
        for k in range(6):
            alone = regress(X[k], y[k], rho, init, method)
            assert (
                isinstance(alone.objective, float)
                and isinstance(alone.n_iter, int)
                and isinstance(alone.converged, bool)
            )
            np.testing.assert_allclose(alone.coef, together.coef[k], rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("n", [3, 15])
@pytest.mark.parametrize("method", ["newton", "compiled"])
@pytest.mark.parametrize("rho", [*LOSSES, Huber(1e-6)], ids=repr)
def test_small_problems_converge(rho, method, n):
    """The hard case: of so few points, few have curvature, and long ways are almost straight."""
    X, y = lines(batch=1000, n=n)
    ols = np.stack([np.linalg.lstsq(Xk, yk)[0] for Xk, yk in zip(X, y, strict=True)])
    seen = rho.grad(y - (X @ ols[..., None])[..., 0]).any(axis=1)  # elsewhere there is no way to go
    assert seen.mean() > 0.5
    assert regress(X[seen], y[seen], rho, "ols", method).converged.mean() > 0.995  # a step may end on the plateau


@settings(max_examples=25, deadline=None)
@given(st.floats(-100, 100), st.floats(-100, 100), st.integers(0, 10**6))
def test_adding_a_line_to_the_data_adds_it_to_the_fit(slope, intercept, seed):
    X, y = lines(n=15, seed=seed)
    added = np.array([slope, intercept])
    for rho in (Huber(), Tukey(), WEEP(100.0, 0.01)):
        first = regress(X, y, rho, "multistart", "newton")
        second = regress(X, y + X @ added, rho, first.coef + added, "newton").coef
        np.testing.assert_allclose(second - added, first.coef, atol=1e-7)


@settings(max_examples=25, deadline=None)
@given(st.floats(-6, 6), st.integers(0, 10**6))
def test_units_of_the_responses(power, seed):
    X, y = lines(n=15, seed=seed)
    s = 2.0 ** round(power * 3)
    first = regress(X, y, WEEP(10.0, 0.1), "ols", "newton")
    second = regress(X, s * y, WEEP(10.0, 0.1, scale=s), "ols", "newton")
    np.testing.assert_allclose(second.coef, s * first.coef, rtol=1e-6, atol=1e-6 * s)
    assert second.objective == pytest.approx(s**2 * first.objective, rel=1e-6)


@pytest.mark.parametrize("units", [1e-12, 1.0, 1e12])
def test_units_of_the_design(units):
    X, y = lines()
    scales = np.array([units, 1.0])
    for method in ("newton", "compiled"):
        for rho in LOSSES:
            first, second = (regress(Z, y, rho, "ols", method) for Z in (X, X * scales))
            np.testing.assert_allclose(second.coef * scales, first.coef, rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rho", LOSSES, ids=repr)
def test_a_dependent_design_leaves_the_others_of_its_batch_alone(rho, method):
    X, y = lines(batch=3, n=20)
    alone = regress(X[[0, 2]], y[[0, 2]], rho, "multistart", method).coef
    X[1, :, 0] = 1
    together = regress(X, y, rho, "multistart", method).coef
    np.testing.assert_allclose(together[[0, 2]], alone, rtol=1e-7)
    assert together[1, 0] == pytest.approx(together[1, 1])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rho", LOSSES, ids=repr)
def test_dependent_columns_get_the_answer_of_least_norm(rho, method):
    y = lines(n=20)[1]
    constant = np.ones((20, 2))  # a constant x beside the intercept
    for init in ("zeros", "ols", "random", "multistart"):
        w = regress(constant, y, rho, init, method).coef
        assert w[0] == pytest.approx(w[1], abs=1e-8 * (1 + abs(w[0])))
    kept = regress(constant, y, rho, [3.0, 1.0], method).coef
    assert kept[0] - kept[1] == pytest.approx(2.0)  # of an array, the component in the null space stays
    wide = np.random.default_rng(0).normal(size=(3, 5))  # n < p: the data are met
    result = regress(wide, y[:3], rho, "ols", method)
    np.testing.assert_allclose(result.coef, np.linalg.pinv(wide) @ y[:3], rtol=1e-9)
    assert result.converged and result.objective == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_exact_data_zero_columns_and_single_points(method):
    X, y = lines(outliers=0.0)
    w = np.array([2.0, -1.0])
    for rho in LOSSES:
        assert regress(X, X @ w, rho, "multistart", method).coef == pytest.approx(w, abs=1e-6)
        assert regress([[2.0]], [6.0], rho, "ols", method).coef == pytest.approx(np.array([3.0]))
        zero = regress(np.zeros((4, 2)), y[:4], rho, "zeros", method)
        assert zero.converged and not zero.coef.any()


def test_more_columns_than_two():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3, 200, 6)) @ rng.normal(size=(6, 6))
    w = rng.normal(size=(3, 6))
    y = (X @ w[..., None])[..., 0] + 0.1 * rng.normal(size=(3, 200))
    y[:, ::5] += 50
    for method in ("newton", "compiled"):
        np.testing.assert_allclose(regress(X, y, Tukey(0.5), "multistart", method).coef, w, atol=0.2)
        result = regress(X, y, Huber(0.1), "zeros", method)
        assert all(largest_gradient(result.coef[k], X[k], y[k], Huber(0.1)) < 1e-10 for k in range(3))


def test_starts_are_what_they_say():
    X, y = lines(batch=4)
    stopped = {"max_iter": 1, "tol": 1e9}  # no step is needed
    assert not regress(X, y, Huber(), "zeros", **stopped).coef.any()
    ols = np.stack([np.linalg.lstsq(Xk, yk)[0] for Xk, yk in zip(X, y, strict=True)])
    np.testing.assert_allclose(regress(X, y, Huber(), "ols", **stopped).coef, ols, rtol=1e-9)
    random = regress(X, y, Huber(), "random", seed=5, **stopped).coef
    np.testing.assert_allclose(random, np.random.default_rng(5).standard_normal((4, 2)), rtol=1e-9)
    array = np.arange(8.0).reshape(4, 2)
    np.testing.assert_array_equal(regress(X, y, Huber(), array, **stopped).coef, array)
    np.testing.assert_array_equal(regress(X, y, Huber(), array[1], **stopped).coef, array[[1] * 4])


def test_more_starts_never_hurt_much_and_the_seed_decides():
    X, y = lines(batch=10, outliers=0.6)
    rho = WEEP(100.0, 0.01)
    few, again, many = (regress(X, y, rho, "multistart", "newton", starts=n, seed=1) for n in (5, 5, 400))
    np.testing.assert_array_equal(few.coef, again.coef)
    assert many.objective.mean() < few.objective.mean()
    other = regress(X, y, rho, "multistart", "newton", starts=5, seed=2)
    assert not np.array_equal(few.coef, other.coef)


def test_input_is_left_alone_and_integers_will_do():
    X, y = lines()
    copies = X.copy(), y.copy(), np.ones(2)
    start = np.ones(2)
    for method in METHODS:
        regress(X, y, Tukey(), start, method)
    np.testing.assert_array_equal(X, copies[0])
    np.testing.assert_array_equal(y, copies[1])
    np.testing.assert_array_equal(start, copies[2])
    assert isinstance(regress([[1], [2]], [1, 2], Huber()), Result)
    assert regress(X.astype(np.float32), y.astype(np.float32), Huber()).coef.dtype == np.float64


@pytest.mark.parametrize("method", METHODS)
def test_too_few_iterations_are_admitted(method):
    X, y = lines(batch=3)
    with pytest.warns(ConvergenceWarning, match=r"of 3 problems stopped .* max_iter=2") as caught:
        result = regress(X, y, Huber(), method=method, max_iter=2)
    assert caught[0].filename == __file__
    assert not result.converged.all()


@pytest.mark.parametrize("method", METHODS)
def test_a_flat_loss_holds_the_start_and_says_that_it_means_nothing(method):
    X, y = lines(outliers=0.0)
    with pytest.warns(ConvergenceWarning, match="1 of 1 problems stopped where the loss is flat at all residuals"):
        result = regress(X, y, Tukey(), [0.0, 1e6], method)
    assert not result.converged and result.n_iter == 0
    np.testing.assert_array_equal(result.coef, [0.0, 1e6])


def test_compiled_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "weep.regression.fused", raising=False)
    import weep

    monkeypatch.delattr(weep.regression, "fused", raising=False)
    with pytest.raises(ImportError, match="needs the extra 'fast'"):
        regress([[1.0]], [1.0], Huber(), method="compiled")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"X": [1.0, 2.0]}, ValueError, r"X must have the shape \(n, p\) or \(batch, n, p\), not \(2,\)"),
        ({"X": np.empty((0, 2)), "y": []}, ValueError, "no empty axis"),
        ({"X": [[1.0], [math.nan]]}, ValueError, "X must be finite"),
        ({"y": [1.0, math.inf]}, ValueError, "y must be finite"),
        ({"y": [1.0]}, ValueError, r"y must have the shape \(2,\)"),
        ({"y": [[1.0, 2.0]]}, ValueError, r"y must have the shape \(2,\)"),
        ({"X": [["a"], ["b"]]}, TypeError, "X must hold real numbers"),
        ({"y": [1j, 2j]}, TypeError, "y must hold real numbers"),
        ({"rho": np.square}, TypeError, "rho=.* must be a penalty"),
        ({"rho": L1()}, ValueError, "must have a Lipschitz derivative"),
        ({"rho": L0()}, ValueError, "must have a Lipschitz derivative"),
        ({"rho": MCP(1.0, 2.0)}, ValueError, "must have a Lipschitz derivative"),
        ({"init": "magic"}, ValueError, "init='magic' must be an array, or one of"),
        ({"init": [1.0, 2.0]}, ValueError, "init must have the shape"),
        ({"init": [math.nan]}, ValueError, "init must be finite"),
        ({"method": "magic"}, ValueError, "method='magic' must be one of"),
        ({"tol": 0.0}, ValueError, "tol=0.0 must be greater than 0"),
        ({"max_iter": 0}, ValueError, "max_iter=0 must be at least 1"),
        ({"max_iter": 2.0}, TypeError, "max_iter=2.0 must be an integer"),
        ({"starts": 0}, ValueError, "starts=0 must be at least 1"),
        ({"starts": True}, TypeError, "starts=True must be an integer"),
        (
            {"X": csr_array([[1.0], [2.0]])},
            TypeError,
            r"X is sparse: regress takes dense arrays only, such as X.toarray",
        ),
        ({"X": np.ma.masked_less([[1.0], [2.0]], 1.5)}, TypeError, "X is a masked array"),
        ({"y": np.ma.masked_less([1.0, 2.0], 1.5)}, TypeError, "y is a masked array"),
        ({"y": np.array([1, 2], np.longdouble) * np.longdouble("1e4000")}, ValueError, "y must be finite"),
        ({"sample_weight": [1.0]}, ValueError, "sample_weight must have the shape"),
        ({"sample_weight": [1.0, -1.0]}, ValueError, "sample_weight must not be negative"),
        ({"sample_weight": [0.0, 0.0]}, ValueError, "sample_weight must not .* be zero in all rows"),
        ({"sample_weight": [1.0, math.nan]}, ValueError, "sample_weight must be finite"),
    ],
)
def test_bad_input(change, error, message):
    with pytest.raises(error, match=message):
        regress(**{"X": [[1.0], [2.0]], "y": [1.0, 2.0], "rho": Huber()} | change)


def fit_in_units(X, y, method, of_x, of_y, offset, level):
    """A Huber fit of s(x + offset) and t(y + level), given back in the units of x and y."""
    s, t = 10.0**of_x, 10.0**of_y
    design = np.column_stack((s * (X[:, 0] + offset), np.ones(len(y))))
    slope, intercept = regress(design, t * (y + level), Huber(1.345 * t), method=method).coef
    return np.array([slope * s / t, intercept / t + slope * s / t * offset - level])


@pytest.mark.parametrize("method", METHODS)
def test_a_convex_fit_is_the_same_in_all_units_and_beside_an_offset(method):
    X, y = lines()
    first = regress(X, y, Huber()).coef

    @given(st.floats(-30, 30), st.floats(-30, 30), st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
    @example(0.0, 0.0, 1.7e9, 0.0)  # timestamps
    def check(of_x, of_y, offset, level):
        found = fit_in_units(X, y, method, of_x, of_y, offset, level)
        # What is left of the digits of x and y: 1e-16 of the offset.
        rest = 1e-13 * (abs(offset) + abs(level)) * (1 + abs(offset))
        assert abs(found[0] - first[0]) < 1e-4 + 1e-13 * (abs(offset) + abs(level))
        assert abs(found[1] - first[1]) < 1e-3 + rest

    check()


@pytest.mark.parametrize("method", ["newton", "compiled"])
@pytest.mark.parametrize("rho", LOSSES, ids=repr)
def test_no_loss_sees_the_units_of_the_design(rho, method):
    X, y = lines(seed=5)
    expected = regress(X, y, rho, method=method).coef

    @given(st.floats(-100, 100), st.floats(-100, 100))
    def check(of_x, of_one):
        scales = 10.0 ** np.array([of_x, of_one])
        found = regress(X * scales, y, rho, method=method).coef * scales
        np.testing.assert_allclose(found, expected, rtol=1e-5)

    check()


def test_units_whose_squares_vanish_are_refused():
    X, y = lines()
    for change, name in (((X * 1e-200, y), "each column of X"), ((X, y * 1e200), "y")):
        with pytest.raises(ValueError, match=f"{name} must have its largest entry between 1e-150 and 1e\\+150"):
            regress(*change, Huber())
    with pytest.raises(ValueError, match=r"init must have residuals below 1e\+150"):
        regress(X, y, Huber(), [1e200, 0.0])


@pytest.mark.parametrize("method", METHODS)
def test_a_loss_far_narrower_than_the_last_digits_of_the_data_does_not_pass_for_converged(method):
    """Its influences are smaller than the rounding of the residuals, which says nothing where the loss is straight."""
    X, y = lines()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = regress(X, y, Huber(1e-20), "zeros", method, max_iter=1)
    assert not result.converged


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rho", LOSSES, ids=repr)
def test_weights_are_repetitions(rho, method):
    X, y = lines(seed=2)
    times = np.random.default_rng(0).integers(0, 4, len(y))
    start = regress(X, y, Huber()).coef
    weighted = regress(X, y, rho, start, method, sample_weight=times)
    repeated = regress(np.repeat(X, times, axis=0), np.repeat(y, times), rho, start, method)
    np.testing.assert_allclose(weighted.coef, repeated.coef, rtol=1e-4 if method == "lbfgs" else 1e-9)
    assert weighted.objective == pytest.approx(repeated.objective, rel=1e-6)
    scaled = regress(X, y, rho, start, method, sample_weight=1e-200 * times)
    np.testing.assert_allclose(scaled.coef, weighted.coef, rtol=1e-4 if method == "lbfgs" else 1e-9)
    assert scaled.objective == pytest.approx(1e-200 * weighted.objective, rel=1e-6, abs=0)
    for init in ("ols", "multistart", "random"):
        odd = y + 1e6 * (times == 0)  # rows of weight 0 count for nothing
        np.testing.assert_allclose(
            *(regress(X, z, rho, init, method, sample_weight=times).coef for z in (y, odd)), rtol=1e-4
        )


@pytest.mark.parametrize("method", METHODS)
def test_weights_of_a_batch(method):
    X, y = lines(batch=3, seed=2)
    s = np.random.default_rng(0).uniform(0, 2, y.shape)
    for weights in (s, s[0]):
        together = regress(X, y, Huber(), method=method, sample_weight=weights).coef
        each = np.broadcast_to(weights, y.shape)
        alone = [
            regress(*one, Huber(), method=method, sample_weight=w).coef for *one, w in zip(X, y, each, strict=True)
        ]
        np.testing.assert_allclose(together, alone, rtol=1e-4 if method == "lbfgs" else 1e-9)
    ols = regress(X, y, L2(), method=method, sample_weight=s).coef
    for w, Xk, yk, sk in zip(ols, X, y, s, strict=True):
        np.testing.assert_allclose(w, np.linalg.lstsq(np.sqrt(sk)[:, None] * Xk, np.sqrt(sk) * yk)[0], rtol=1e-7)


@pytest.mark.parametrize("rho", REDESCENDING, ids=repr)
def test_the_default_start_sees_the_data(rho):
    """Of a redescending loss, all influences vanish at zero if the line is far away."""
    X, noise = lines(seed=9)
    w = np.array([50.0, -1000.0])
    np.testing.assert_allclose(regress(X, X @ w, rho).coef, w, rtol=1e-9)
    rough = X @ w + noise
    least = np.linalg.lstsq(X, rough)[0]
    assert regress(X, rough, rho).objective <= objective(least, X, rough, rho)


def test_many_columns_meet_another_solver():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(150, 40)), 3 * rng.standard_t(2, size=150)
    for rho in (Huber(), WEEP(2.0, 2.0)):
        found = regress(X, y, rho)
        assert found.converged and largest_gradient(found.coef, X, y, rho) < 1e-10
        assert regress(X, y, rho, method="lbfgs").objective == pytest.approx(found.objective, rel=1e-8)
    deficient = np.hstack((X, X[:, :3]))
    np.testing.assert_allclose(regress(deficient, y, Huber()).objective, regress(X, y, Huber()).objective)


def test_a_multistart_of_many_points_takes_little_memory():
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, 10**5)
    X, y = np.stack((x, np.ones_like(x)), axis=-1), 2 * x - 1 + rng.normal(size=10**5)
    tracemalloc.start()
    found = regress(X, y, Tukey(), "multistart")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_allclose(found.coef, [2.0, -1.0], atol=0.05)
    assert peak < 100e6


@pytest.mark.parametrize("kind", [">f8", "<f4", ">f4", np.float16, np.longdouble, ">i2", bool])
def test_every_real_dtype_is_taken(kind):
    X, y = np.rint(lines()[0]).astype(kind), np.rint(lines()[1]).astype(kind)
    wanted = regress(X.astype(float), y.astype(float), Huber()).coef
    for method in METHODS:
        np.testing.assert_allclose(regress(X, y, Huber(), method=method).coef, wanted, rtol=1e-3, atol=1e-3)


def test_results_compare():
    X, y = lines(batch=2)
    first, second = regress(X, y, Huber()), regress(X, y, Huber())
    assert first == first and first != second and first != 1


def test_numpy_integers_are_integers():
    X, y = lines()
    options = {"max_iter": np.int64(500), "starts": np.uint8(10)}
    np.testing.assert_array_equal(
        regress(X, y, Tukey(), "multistart", **options).coef, regress(X, y, Tukey(), "multistart", starts=10).coef
    )


@pytest.mark.parametrize("method", METHODS)
def test_a_method_takes_what_it_says(method):
    solver = METHODS[method]
    assert solver.name == method and solver.takes(Huber())
    other = LogCosh()
    if solver.takes(other):
        X, y = lines()
        assert regress(X, y, other, method=method).converged
    else:
        with pytest.raises(ValueError, match=f"method='{method}' takes {solver.needs}, not rho=LogCosh"):
            regress([[1.0]], [1.0], other, method=method)


def test_compiled_says_that_it_is_switched_off(monkeypatch):
    monkeypatch.setattr(compiled, "USE", False)
    with pytest.raises(ImportError, match="switched off"):
        regress([[1.0]], [1.0], Huber(), method="compiled")


def test_compiled_needs_no_folder_for_its_cache():
    """As in an installation that nobody may write to."""
    code = """if True:
        import numba
        njit = numba.njit
        def without(function, cache=False, **options):
            if cache:
                raise RuntimeError("cannot cache function: no locator available")
            return njit(function, **options)
        numba.njit = without
        import weep
        print(weep.regress([[1.0], [2.0]], [2.0, 4.0], weep.Huber(), "zeros", "compiled").coef)
    """
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[2.]"


def test_only_one_module_imports_numba():
    """All kernels go through it. (skglm, which brings numba, wants types of its own.)"""
    root, found = Path(weep.__file__).parent, set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if any(name.split(".")[0] == "numba" for name in names):
                found.add(path.relative_to(root).as_posix())
    assert found == {"compiled.py", "interop/skglm.py"}


def test_one_damping_rule_serves_arrays_and_numbers():
    """The kernel calls this very function on numbers: compiled and plain, it gives what it gives on arrays."""
    from weep.regression import fused, newton

    assert fused.damping.py_func is newton.damping
    rng = np.random.default_rng(0)
    mu = rng.choice([1e-12, 1e-3, 0.5, 1.0], 400)
    rest = rng.choice([4.0, 16.0], 400), *rng.choice([-1.0, 0.0, 1e-13, 0.3, 1.0], (6, 400))
    together = newton.damping(mu, *rest)
    for k, numbers in enumerate(zip(mu, *rest, strict=True)):
        np.testing.assert_array_equal(fused.damping(*numbers), [column[k] for column in together])
    taken, after, up = together
    assert np.all((after <= 1) & (after >= 1e-12)) and np.all(taken[mu >= 1])
    assert np.all(after[taken] <= mu[taken]) and np.all(after[~taken] >= mu[~taken]) and np.all(up[taken] == 4)
