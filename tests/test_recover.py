"""Problem (1) against optimality conditions, SciPy, other libraries, and its own solvers against each other."""

import math
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from weep import (
    CEL0,
    L0,
    L1,
    L2,
    MCP,
    SCAD,
    WEEP,
    CappedL1,
    ConvergenceWarning,
    Huber,
    LogSum,
    Lp,
    PiE,
    Tukey,
    denoise_tv,
    recover,
)
from weep.denoise import objective
from weep.operators import Differences, Incidence
from weep.penalties import Grouped
from weep.recover import METHODS
from weep.recover.lanczos import largest, sign
from weep.recover.path import family

SMOOTH = [L2(), Huber(0.05), WEEP(20.0, 0.2, scale=0.1), WEEP(2.0, 2.0), Tukey(0.7)]
KINKED = [L1(), MCP(0.5, 5.0), SCAD(0.2, 4.0)]


def problem(m=40, n=64, seed=0, noise=0.02):
    """Steps, their random measurements, and the matrix."""
    rng = np.random.default_rng(seed)
    x = np.repeat(rng.normal(size=n // 16), 16)
    A = rng.normal(size=(m, n)) / math.sqrt(m)
    return A @ x + noise * rng.normal(size=m), A, x


def sparse_problem(m=40, n=80, k=5, seed=0):
    """A sparse signal, its measurements, and the matrix."""
    rng = np.random.default_rng(seed)
    x = np.zeros(n)
    x[rng.choice(n, k, replace=False)] = rng.choice([-1, 1], k) * rng.uniform(1, 2, k)
    A = rng.normal(size=(m, n)) / math.sqrt(m)
    return A @ x + 0.01 * rng.normal(size=m), A, x


def cost(x, y, A, phi, lam, L):
    return np.sum(np.abs(A @ x - y) ** 2) / 2 + lam * np.sum(phi(L @ x))


def gradient(x, y, A, phi, lam, L):
    return (A.conj().T @ (A @ x - y)).real + lam * (L.T @ phi.grad(L @ x))


@pytest.mark.parametrize("phi", SMOOTH, ids=repr)
@pytest.mark.parametrize("method", ["memory_gradient", "accelerated", "lbfgs"])
@pytest.mark.parametrize("L", [None, "differences", "matrix"])
def test_smooth_penalties_reach_a_zero_gradient(phi, method, L):
    y, A, _ = problem()
    D = Differences(64)
    L = D if L == "differences" else L if L is None else D @ np.eye(64)
    tol = 1e-7 if method == "lbfgs" else 1e-8
    result = recover(y, A, phi, 0.05, L, method=method, tol=tol)
    assert result.converged
    assert result.method == method
    matrix = np.eye(64) if L is None else D @ np.eye(64)
    assert np.linalg.norm(gradient(result.x, y, A, phi, 0.05, matrix)) <= 1.01 * tol * np.linalg.norm(A.T @ y)
    assert result.objective == pytest.approx(cost(result.x, y, A, phi, 0.05, matrix), rel=1e-12)
    assert len(result.history) == result.n_iter
    assert result.n_applications >= result.n_iter


@pytest.mark.parametrize("phi", [Huber(0.05), WEEP(2.0, 2.0)], ids=repr)
def test_all_methods_agree_with_scipy_where_the_problem_is_convex(phi):
    y, A, _ = problem()
    D = Differences(64) @ np.eye(64)
    options = {"ftol": 1e-16, "gtol": 1e-10, "maxiter": 20000, "maxfun": 20000}
    args = (y, A, phi, 0.05, D)
    other = minimize(cost, np.zeros(64), args, jac=gradient, method="L-BFGS-B", options=options)
    for method in ("memory_gradient", "accelerated", "lbfgs", "admm"):
        result = recover(y, A, phi, 0.05, D, method=method, tol=1e-7, max_iter=20000)
        assert result.objective == pytest.approx(other.fun, rel=1e-8), method
        assert result.certificate == "global"


@pytest.mark.parametrize("phi", KINKED, ids=repr)
def test_kinked_penalties_have_a_slope_that_balances_the_data_term(phi):
    y, A, _ = sparse_problem()
    lam = 0.1
    for method in ("proximal_gradient", "admm"):
        result = recover(y, A, phi, lam, method=method, tol=1e-8, max_iter=20000)
        assert result.converged
        pull, on = A.T @ (y - A @ result.x), np.abs(result.x) > 1e-6
        np.testing.assert_allclose(pull[on], lam * phi.grad(result.x)[on], atol=1e-6)
        assert np.all(np.abs(pull[~on]) <= lam * float(phi.grad(1e-300)) + 1e-6)


def test_methods_with_a_prox_agree_with_one_another_on_total_variation():
    y, A, _ = problem(m=80)
    found = [
        recover(y, A, L1(), 0.02, Differences(64), method=m, tol=1e-7, max_iter=50000) for m in ("admm", "primal_dual")
    ]
    assert found[0].objective == pytest.approx(found[1].objective, rel=2e-6)
    assert all(result.certificate == "global" for result in found)
    # Conjugate gradients, for the same problem given as an operator, do as the factorisation does.
    third = recover(y, aslinearoperator(A), L1(), 0.02, Differences(64), method="admm", tol=1e-7)
    assert third.objective == pytest.approx(found[0].objective, rel=2e-6)


def test_the_primal_dual_steps_find_their_balance_where_the_measurements_are_sums():
    L, sums = Differences(64), np.tril(np.ones((64, 64))) / 64
    y = sums @ np.repeat([0.0, 1.0, -1.0, 2.0], 16)
    found = [recover(y, sums, L1(), 1e-3, L, method=m, tol=1e-4, max_iter=8000) for m in ("admm", "primal_dual")]
    assert found[1].converged
    assert found[0].objective == pytest.approx(found[1].objective, rel=5e-3)


def test_the_lasso_is_that_of_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    y, A, _ = sparse_problem()
    model = linear_model.Lasso(alpha=0.05 / len(y), fit_intercept=False, tol=1e-14, max_iter=100000).fit(A, y)
    result = recover(y, A, L1(), 0.05, tol=1e-9)
    assert result.method == "proximal_gradient"
    np.testing.assert_allclose(result.x, model.coef_, atol=1e-7)


@pytest.mark.parametrize("shape", [(50,), (9, 7), (4, 5, 3)])
@pytest.mark.parametrize("phi", [Huber(0.1), WEEP(5.0, 0.1), L2()], ids=repr)
def test_denoising_is_the_case_of_the_identity(shape, phi):
    y = np.random.default_rng(0).normal(size=shape)
    lam = 0.05
    result, other = recover(y, None, phi, lam, Differences(shape), tol=1e-9), denoise_tv(y, phi, lam, tol=1e-9)
    assert result.x.shape == shape
    np.testing.assert_allclose(result.x, other.x, atol=1e-7)
    assert result.objective == pytest.approx(objective(other.x, y, phi, lam), rel=1e-10)
    assert result.certificate == other.certificate == "global"


@settings(max_examples=40)
@given(
    st.integers(1, 8),
    st.integers(1, 8),
    st.floats(1e-3, 1e3),
    st.floats(-3, 3).map(lambda e: 10.0**e),
    st.sampled_from([*SMOOTH, L1(), MCP(1.0, 2.0)]),
    st.integers(0, 1000),
)
def test_every_random_problem_ends_at_a_stationary_point_or_says_so(m, n, lam, size, phi, seed):
    rng = np.random.default_rng(seed)
    y, A = size * rng.normal(size=m), rng.normal(size=(m, n))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = recover(y, A, phi, lam, tol=1e-6, max_iter=3000)
    assert result.converged == (result.certificate != "none")
    at_zero = np.sum(y**2) / 2
    assert result.objective <= at_zero * (1 + 1e-9)
    if result.converged and math.isfinite(phi.lipschitz):
        rest = gradient(result.x, y, A, phi, lam, np.eye(n))
        assert np.linalg.norm(rest) <= 1.1e-6 * np.linalg.norm(A.T @ y)


def test_a_nearly_unbiased_penalty_finds_the_spikes_on_a_path_and_not_from_zero():
    y, A, x = sparse_problem(m=96, n=256, k=24)
    phi, lam = WEEP(100.0, 0.0, scale=0.05), 0.05
    on_path, direct = (recover(y, A, phi, lam, path=k, tol=1e-8) for k in (5, None))
    error = [np.linalg.norm(result.x - x) / np.linalg.norm(x) for result in (on_path, direct)]
    assert error[0] < 0.02
    assert error[1] > 5 * error[0]
    assert on_path.objective < direct.objective
    assert on_path.certificate == "local"


@pytest.mark.parametrize("make", [np.array, csr_array, aslinearoperator], ids=["array", "sparse", "operator"])
def test_complex_measurements_are_their_real_and_imaginary_parts(make):
    y, A, _ = problem()
    y2, A2, _ = problem(seed=1)
    phi, D = WEEP(20.0, 0.2, scale=0.1), Differences(64)
    result = recover(y + 1j * y2, make(A + 1j * A2), phi, 0.05, D, tol=1e-9)
    stacked = recover(np.r_[y, y2], np.vstack([A, A2]), phi, 0.05, D, tol=1e-9)
    assert result.x.dtype == np.float64
    np.testing.assert_allclose(result.x, stacked.x, atol=1e-7)
    assert result.objective == pytest.approx(stacked.objective, rel=1e-9)


def test_operators_of_pylops_are_taken_with_their_shapes():
    pylops = pytest.importorskip("pylops")
    image = np.random.default_rng(0).normal(size=(12, 10))
    F = pylops.signalprocessing.FFT2D((12, 10), norm="ortho", dtype=np.complex128)
    D = pylops.Gradient((12, 10), kind="forward", edge=False, dtype=np.float64)
    phi = Huber(0.1)
    result = recover(F @ image, F, phi, 0.1, D, tol=1e-9)
    assert result.x.shape == (12, 10)
    np.testing.assert_allclose(result.x, denoise_tv(image, phi, 0.1, tol=1e-9).x, atol=1e-7)


def test_the_graph_of_a_chain_has_the_differences_of_a_signal():
    y, A, _ = problem()
    chain = Incidence([(i, i + 1) for i in range(63)], 64)
    results = [recover(y, A, Huber(0.05), 0.05, L, tol=1e-8) for L in (chain, Differences(64))]
    np.testing.assert_allclose(results[0].x, results[1].x, atol=1e-6)


def test_weights_are_repeated_measurements_and_zero_is_none():
    y, A, _ = problem()
    phi, D = Huber(0.05), Differences(64)
    w = np.ones(40)
    w[0], w[1], missing = 2, 0, y.copy()
    missing[1] = np.nan
    result = recover(missing, A, phi, 0.05, D, tol=1e-9, weights=w)
    rows = np.r_[0, 0, 2:40]
    np.testing.assert_allclose(result.x, recover(y[rows], A[rows], phi, 0.05, D, tol=1e-9).x, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, ">f8", np.int64])
def test_every_real_type_is_computed_in_double_precision(dtype):
    rng = np.random.default_rng(0)
    A, y = rng.integers(-3, 4, (20, 10)), rng.integers(-9, 9, 20)
    result = recover(y.astype(dtype), A.astype(dtype), Huber(0.5), 0.1, tol=1e-9)
    assert result.x.dtype == np.dtype(np.float64)
    np.testing.assert_allclose(result.x, recover(y, A, Huber(0.5), 0.1, tol=1e-9).x, atol=1e-12)


def test_without_a_penalty_it_is_least_squares():
    y, A, _ = problem(m=80)
    for phi in (L1(), WEEP(3.0, 0.1)):
        result = recover(y, A, phi, 0, Differences(64), tol=1e-10)
        np.testing.assert_allclose(result.x, np.linalg.lstsq(A, y)[0], atol=1e-7)
        assert result.certificate == "global"


def test_zero_data_give_zero_and_the_start_counts():
    A = problem()[1]
    assert not recover(np.zeros(40), A, WEEP(3.0, 0.1), 0.1).x.any()
    y = problem()[0]
    done = recover(y, A, Huber(0.05), 0.05, Differences(64), tol=1e-8)
    again = recover(y, A, Huber(0.05), 0.05, Differences(64), tol=1e-7, init=done.x)
    assert again.n_iter == 1


@settings(max_examples=30)
@given(st.integers(1, 12), st.floats(0.01, 2), st.integers(0, 1000))
def test_global_is_said_where_all_eigenvalues_are_nonnegative(n, lam, seed):
    rng = np.random.default_rng(seed)
    A, L, y = rng.normal(size=(n + 3, n)), rng.normal(size=(n, n)) / math.sqrt(n), rng.normal(size=n + 3)
    least = np.linalg.eigvalsh(A.T @ A - lam * L.T @ L)[0]
    result = recover(y, A, WEEP(2.0, 0.1), lam, L, tol=1e-7)
    if abs(least) > 1e-6:
        assert (result.certificate == "global") == (least > 0)


@pytest.mark.parametrize("seed", range(4))
def test_local_is_said_where_the_second_derivative_is_positive_definite(seed):
    y, A, _ = problem(seed=seed)
    phi, D = WEEP(20.0, 0.2, scale=0.1), Differences(64) @ np.eye(64)
    for path in (None, 4):
        result = recover(y, A, phi, 0.05, D, tol=1e-9, path=path)
        t = np.abs(D @ result.x)
        bends = np.select([t <= phi.x1, t <= phi.x2], [phi.a, -1.0], 0.0)
        least = np.linalg.eigvalsh(A.T @ A + 0.05 * D.T @ (bends[:, None] * D))[0]
        assert abs(least) > 1e-9
        assert result.certificate == ("local" if least > 0 else "stationary")


def test_zeros_at_a_kink_are_held_by_the_data_in_a_local_minimum():
    y, A, x = sparse_problem()
    result = recover(y, A, MCP(1.0, 2.0), 0.1, path=5, tol=1e-9)
    np.testing.assert_array_equal(result.x != 0, x != 0)
    assert result.certificate == "local"
    rng = np.random.default_rng(0)
    for _ in range(100):
        near = result.x + 1e-3 * rng.normal(size=x.size) * rng.integers(0, 2, x.size)
        assert cost(near, y, A, MCP(1.0, 2.0), 0.1, np.eye(x.size)) >= result.objective


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=20), st.integers(0, 100))
def test_the_signs_of_eigenvalues_are_those_of_a_diagonal(values, seed):
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(len(values), len(values))))[0]
    matrix = rotation @ np.diag(values) @ rotation.T
    if abs(min(values)) > 1e-6:
        assert sign(matrix.__matmul__, len(values)) == (1 if min(values) > 0 else -1)
    square = matrix @ matrix
    top = max(v * v for v in values)
    assert top * (1 - 1e-9) <= largest(square.__matmul__, len(values)) <= 1.05 * top + 1e-300


@pytest.mark.parametrize(
    "phi",
    [WEEP(5.0, 0.1), MCP(1.0, 2.0), CEL0(0.5, 2.0), SCAD(1.0), Tukey(2.0), LogSum(0.5), PiE(0.5), Lp(0.5)],
    ids=repr,
)
def test_a_path_starts_nearly_convex_and_ends_at_the_penalty(phi):
    steps = family(phi, 5)
    assert steps[-1] == (phi, 1.0)
    assert len(steps) == 5
    t = np.linspace(0.02, 3, 50)
    # Concavity, relative to the slope, shrinks along the path backwards.
    shares = [float(-f * np.diff(p(t), 2).min() / np.diff(p(t)).max() / f) for p, f in steps]
    assert shares[0] <= max(0.05 * max(shares), 1e-12)
    assert family(phi, 1) == [(phi, 1.0)]
    y, A, _ = sparse_problem()
    result = recover(y, A, phi, 0.1, path=3, tol=1e-4)
    assert result.converged


@pytest.mark.parametrize("L", [Differences(64), Differences(64) @ np.eye(64)], ids=["differences", "matrix"])
def test_a_path_to_a_kinked_penalty_ends_where_a_slope_balances_the_data(L):
    y, A, x = problem()
    phi, lam, matrix = MCP(1.0, 0.5), 0.05, Differences(64) @ np.eye(64)
    result = recover(y, A, phi, lam, L, path=4, tol=1e-8, max_iter=20000)
    assert result.converged and result.method == "admm" and result.certificate == "stationary"
    found = matrix @ result.x
    np.testing.assert_array_equal(np.argsort(np.abs(found))[-3:], np.argsort(np.abs(matrix @ x))[-3:])
    # D' is injective: the slopes on all differences are told by the data.
    slopes = np.linalg.lstsq(lam * matrix.T, A.T @ (y - A @ result.x))[0]
    jump = np.abs(found) > 1e-6
    np.testing.assert_allclose(slopes[jump], phi.grad(found)[jump], atol=1e-4)
    assert np.all(np.abs(slopes[~jump]) <= 1 + 1e-4)


@settings(max_examples=20, deadline=None)
@given(st.floats(-6, 6), st.floats(-6, 6), st.sampled_from(["memory_gradient", "accelerated", "admm"]))
def test_units_do_not_matter(signal, gain, method):
    """With y in other units and A with another gain, x changes its unit and nothing else."""
    y, A, _ = problem(m=20, n=32)
    s, g = 10.0**signal, 10.0**gain
    D, lam = Differences(32), 0.05
    one, other = (
        recover(g * s * y, g * A, WEEP(2.0, 0.2, scale=s), g * g * lam, D, method=method, tol=1e-8, max_iter=20000)
        for g, s in ((1.0, 1.0), (g, s))
    )
    np.testing.assert_allclose(other.x / s, one.x, atol=1e-5)
    assert other.objective == pytest.approx((g * s) ** 2 * one.objective, rel=1e-6)
    assert abs(other.n_iter - one.n_iter) <= 0.1 * one.n_iter + 3
    assert other.certificate == one.certificate


def test_a_result_goes_to_another_process_with_its_certificate():
    y, A, _ = problem()
    result = recover(y, A, Huber(0.05), 0.05, Differences(64))
    again = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(again.x, result.x)
    assert again.certificate == result.certificate == "global"
    assert (again.n_iter, again.method) == (result.n_iter, result.method)


@pytest.mark.parametrize("library", ["torch", "jax.numpy"])
def test_arrays_and_operators_of_another_library_are_taken_and_returned(library):
    xp = pytest.importorskip(library)
    y, A, _ = problem()
    phi, D = Huber(0.05), Differences(64)
    there, matrix = xp.asarray(y), xp.asarray(A)
    expected = recover(y, A, phi, 0.05, D, tol=1e-8).x
    tol = 1e-8 if "64" in str(there.dtype) else 1e-4  # JAX has single precision unless it is told otherwise

    def apply(x):
        assert type(x) is type(there) and x.dtype == there.dtype
        return matrix @ x

    for made in (matrix, operator(apply, lambda u: matrix.T @ u)):
        result = recover(there, made, phi, 0.05, D, tol=tol)
        assert result.converged
        assert type(result.x) is type(there) and result.x.dtype == there.dtype
        np.testing.assert_allclose(np.asarray(result.x), expected, atol=1e-6 if tol < 1e-4 else 1e-2)
    waves = operator(lambda x: 1j * (matrix @ x), lambda u: -1j * (matrix.T + 0j) @ u)
    result = recover(1j * there, waves, phi, 0.05, D, tol=tol)
    assert result.x.dtype == there.dtype
    np.testing.assert_allclose(np.asarray(result.x), expected, atol=1e-6 if tol < 1e-4 else 1e-2)


@pytest.mark.parametrize("method", ["memory_gradient", "accelerated", "lbfgs", "admm"])
@pytest.mark.parametrize("library", ["torch", "jax.numpy"])
def test_functions_of_another_library_are_taken_with_the_adjoint_that_it_derives(library, method):
    xp = pytest.importorskip(library)
    y, A, _ = problem()
    phi, D = Huber(0.05), Differences(64)
    there, matrix = xp.asarray(y), xp.asarray(A)
    tol = 1e-6 if "64" in str(there.dtype) else 1e-4
    result = recover(there, lambda x: matrix @ x, phi, 0.05, D, method=method, tol=tol)
    assert result.converged and result.certificate == "global"
    assert type(result.x) is type(there) and result.x.dtype == there.dtype
    expected = recover(y, A, phi, 0.05, D, tol=1e-8).x
    np.testing.assert_allclose(np.asarray(result.x), expected, atol=1e-4 if tol < 1e-4 else 0.01)


@pytest.mark.parametrize("library", ["torch", "jax.numpy"])
def test_a_function_sees_pictures_and_may_return_complex_numbers(library):
    xp = pytest.importorskip(library)
    image = np.add.outer(np.repeat([0.0, 1.0], 4), np.repeat([2.0, 0.0, 1.0], 3))
    kept = np.random.default_rng(0).random(image.shape) < 0.7
    data, keep, lam = np.fft.fft2(image, norm="ortho")[kept], xp.asarray(kept), 0.1

    def A(x):
        assert tuple(x.shape) == image.shape
        return xp.fft.fft2(x, norm="ortho")[keep]

    def L(x):
        return xp.stack([xp.roll(x, 1, 0) - x, xp.roll(x, 1, 1) - x])

    y, rows = xp.asarray(data), np.fft.fft2(np.eye(72).reshape(72, 8, 9), norm="ortho")[:, kept].T
    down, across = (np.roll(np.eye(n), 1, 0) - np.eye(n) for n in (8, 9))
    cyclic = np.vstack([np.kron(down, np.eye(9)), np.kron(np.eye(8), across)])
    tol = 1e-6 if "128" in str(y.dtype) else 1e-4
    for phi in (Huber(0.1), Grouped(Huber(0.1), axis=0)):
        made = recover(y, A, phi, lam, L, tol=tol, init=xp.zeros(image.shape))
        assert made.x.shape == image.shape and type(made.x) is type(y)
        plain = LinearOperator(cyclic.shape, matvec=cyclic.__matmul__, rmatvec=cyclic.T.__matmul__, dtype=float)
        plain.dims, plain.dimsd = image.shape, (2, *image.shape)
        other = recover(data, rows, phi, lam, plain, tol=tol)
        np.testing.assert_allclose(np.asarray(made.x), other.x, atol=1e-4 if tol < 1e-4 else 0.01)


def test_a_function_of_torch_gets_the_shape_of_the_start_or_of_the_operator_or_of_the_data():
    torch = pytest.importorskip("torch")
    seen = []

    def A(x):
        seen.append(tuple(x.shape))
        return 2 * x.reshape(4, 3)

    y, phi = torch.ones(4, 3), Huber(0.1)
    assert recover(y, A, phi, 0.1).x.shape == (4, 3)
    assert recover(y, A, phi, 0.1, Differences((2, 6))).x.shape == (2, 6)
    assert recover(y, A, phi, 0.1, np.eye(12)).x.shape == (12,)
    assert recover(y, A, phi, 0.1, lambda x: x[1:] - x[:-1], init=torch.zeros(3, 4)).x.shape == (3, 4)
    assert list(dict.fromkeys(seen)) == [(4, 3), (2, 6), (12,), (3, 4)]
    assert recover(y, None, phi, 0.1, lambda x: x[1:] - x[:-1]).x.shape == (4, 3)


def test_what_is_no_linear_function_of_torch_is_refused_by_name():
    torch = pytest.importorskip("torch")
    y, phi = torch.ones(5), Huber(0.1)
    with pytest.raises(ValueError, match="A is not a linear function: for random x and u"):
        recover(y, torch.abs, phi, 0.1)
    with pytest.raises(ValueError, match="L is not a linear function"):
        recover(y, None, phi, 0.1, lambda x: x + 1)
    with pytest.raises(ValueError, match=r"A must take x, and failed on one of the shape \(5,\), that of init"):
        recover(y, lambda x: torch.eye(4) @ x, phi, 0.1)
    with pytest.raises(TypeError, match="A must return an array that depends on x"):
        recover(y, lambda x: x.detach(), phi, 0.1)


def test_slow_runs_are_told():
    y, A, _ = problem()
    for method in METHODS:
        L = None if method == "proximal_gradient" else Differences(64)
        with pytest.warns(ConvergenceWarning, match=method):
            result = recover(y, A, Huber(0.05), 0.05, L, method=method, tol=1e-12, max_iter=3)
        assert not result.converged
        assert result.certificate == "none"
        assert result.n_iter == 3


def test_every_iterate_is_handed_to_the_callback():
    y, A, _ = problem()
    seen = []
    for method in METHODS:
        seen.clear()
        L = None if method == "proximal_gradient" else Differences(64)
        result = recover(
            y, A, Huber(0.05), 0.5, L, method=method, tol=1e-3, max_iter=9000, callback=lambda k, x: seen.append((k, x))
        )
        assert [k for k, _ in seen] == list(range(1, result.n_iter + 1))
        np.testing.assert_array_equal(seen[-1][1], result.x)


def operator(matvec, rmatvec, shape=(40, 64)):
    """What a user may write, with nothing of SciPy that would mend it."""

    class Bare:
        pass

    bare = Bare()
    bare.shape, bare.matvec, bare.rmatvec = shape, matvec, rmatvec
    return bare


def test_a_wrong_adjoint_is_refused_by_name():
    y, A, _ = problem()
    with pytest.raises(ValueError, match=r"A\.rmatvec is not the adjoint"):
        recover(y, operator(A.__matmul__, lambda u: 1.01 * (A.T @ u)), L1(), 0.1)
    D = Differences(64)
    wrong = LinearOperator((63, 64), matvec=D.matvec, rmatvec=lambda u: -D.rmatvec(u), dtype=float)
    with pytest.raises(ValueError, match=r"L\.rmatvec is not the adjoint"):
        recover(y, A, Huber(), 0.1, wrong)
    single = operator(lambda x: A.astype("f4") @ x.astype("f4"), lambda u: A.T.astype("f4") @ u.astype("f4"))
    assert recover(y, single, Huber(0.1), 0.1, tol=1e-5).converged


Y, MATRIX, _ = problem()
NAN = np.where(np.eye(40, 64) > 0, np.nan, MATRIX)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"y": Y[1:]}, ValueError, "y must have 40 entries"),
        ({"y": NAN[:, 0]}, ValueError, "y must be finite"),
        ({"y": Y + 1j}, TypeError, "y must be real"),
        ({"y": Y.astype(object)}, TypeError, "y must hold real"),
        ({"A": NAN}, ValueError, "A must be finite"),
        ({"A": csr_array(NAN)}, ValueError, "A must be finite"),
        ({"A": MATRIX[0]}, ValueError, "A must be a matrix"),
        ({"A": MATRIX.astype(object)}, TypeError, "A must hold numbers"),
        ({"A": np.empty((40, 0))}, ValueError, "x must have one entry"),
        ({"A": operator(lambda x: x, lambda u: MATRIX.T @ u)}, ValueError, r"A\.matvec returned the shape"),
        ({"A": operator(MATRIX.__matmul__, lambda u: u)}, ValueError, r"A\.rmatvec returned the shape"),
        ({"A": operator(lambda x: ["a"] * 40, lambda u: MATRIX.T @ u)}, TypeError, "A must return numbers"),
        ({"A": operator(MATRIX.__matmul__, lambda u: 1j * (MATRIX.T @ u))}, TypeError, r"A\.rmatvec must return real"),
        ({"A": operator(NAN.__matmul__, MATRIX.T.__matmul__)}, ValueError, "what A returns must be finite"),
        ({"A": np.abs}, TypeError, "A=.* is a function, and its adjoint is known only where y is an array of PyTorch"),
        ({"L": np.diff}, TypeError, "L=.* is a function, and its adjoint is known only where y is an array of PyTorch"),
        ({"L": Differences(63)}, ValueError, "L must have 64 columns"),
        ({"L": 1j * np.eye(64)}, TypeError, "L must be real"),
        ({"L": csr_array(1j * np.eye(64))}, TypeError, "L must be real"),
        ({"lam": -1.0}, ValueError, "lam=-1.0 must not be negative"),
        ({"lam": math.nan}, ValueError, "lam=nan must be finite"),
        ({"tol": 0}, ValueError, "tol=0 must be greater"),
        ({"max_iter": 0}, ValueError, "max_iter=0 must be at least 1"),
        ({"path": 0}, ValueError, "path=0 must be at least 1"),
        ({"path": 2, "phi": L0()}, ValueError, "path is for penalties"),
        ({"path": 2, "phi": CappedL1(1.0)}, ValueError, "path is for penalties"),
        ({"phi": "L1"}, TypeError, "phi='L1' must be a penalty"),
        ({"phi": L0(), "L": Differences(64)}, ValueError, "no finite weak_convexity"),
        ({"method": "admm", "phi": L0()}, ValueError, "needs a penalty of finite weak_convexity"),
        ({"method": "lbfgs", "phi": L1()}, ValueError, "needs a differentiable penalty"),
        ({"method": "proximal_gradient", "L": Differences(64)}, ValueError, "needs L=None"),
        ({"method": "magic"}, ValueError, "method='magic' must be one of 'auto', 'memory_gradient'"),
        ({"init": np.zeros(63)}, ValueError, "init must have the shape"),
        ({"init": np.full(64, np.inf)}, ValueError, "init must be finite"),
        ({"weights": -np.ones(40)}, ValueError, "weights must be at least 0"),
        ({"weights": np.ones(3)}, ValueError, "weights must be at least 0"),
        ({"y": np.ones((4, 16)), "A": None, "L": Differences((16, 4))}, ValueError, "for x of one shape"),
    ],
)
def test_bad_input_has_its_own_error(change, error, match):
    arguments = {"y": Y, "A": MATRIX, "phi": Huber(), "lam": 0.1} | change
    with pytest.raises(error, match=match):
        recover(**arguments)


@pytest.mark.parametrize("method", METHODS)
def test_a_callback_ends_the_run(method):
    def stop(count, x):
        if count == 3:
            raise StopIteration

    y = np.random.default_rng(0).normal(size=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = recover(y, None, Huber(0.1), 1.0, method=method, tol=1e-14, callback=stop)
    assert result.n_iter == 3 and not result.converged and result.certificate == "none"
