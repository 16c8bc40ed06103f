"""Robust regression against other solvers, brute force, optimality conditions and symmetries."""

import itertools
import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize
from threadpoolctl import threadpool_limits

from weep import L0, L1, L2, MCP, WEEP, ConvergenceWarning, Huber, Tukey, regress
from weep.regression import METHODS, Result

CONVEX = [L2(), Huber(), Huber(0.1), WEEP(2.0, 2.0), WEEP(0.5, 1.0, scale=3.0)]
REDESCENDING = [Tukey(), Tukey(2.0), WEEP(100.0, 0.01), WEEP(10.0, 0.0, scale=2.0), WEEP(10.0, 0.3)]
LOSSES = CONVEX + REDESCENDING


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """With two unknowns, threads of BLAS only wait: L-BFGS takes several times as long with two."""
    with threadpool_limits(1):
        yield


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
    ],
)
def test_bad_input(change, error, message):
    with pytest.raises(error, match=message):
        regress(**{"X": [[1.0], [2.0]], "y": [1.0, 2.0], "rho": Huber()} | change)
