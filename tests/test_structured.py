"""Penalties of lengths and of singular values: against grids in two to four dimensions, differences, and midpoints."""

import importlib.util
import itertools
import math
import pickle
from dataclasses import FrozenInstanceError, dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import LinearOperator
from scipy.stats import ortho_group

import weep
from weep import CEL0, L0, L1, L2, MCP, ROWL, SCAD, WEEP, CappedL2, Huber, LogSum, Lp, PiE, Tukey, certify
from weep.operators import Differences, Groups
from weep.penalties import Grouped, Penalty, PiecewiseQuadratic, Spectral
from weep.penalties.structured import Structured

SMOOTH = [WEEP(10.0, 0.1), WEEP(0.3, 0.2), WEEP(3.0, 0.0, scale=0.2), WEEP(2.0, 2.0), L2(), Huber(0.5), Tukey(1.0)]
KINKED = [L1(), MCP(0.5, 0.7), SCAD(1.0), CEL0(0.5, 1.3), LogSum(0.2), PiE(0.3)]
JUMPING = [L0(), CappedL2(3.0), Lp(0.5)]
every = pytest.mark.parametrize("phi", SMOOTH + KINKED + JUMPING, ids=repr)
weak = pytest.mark.parametrize("phi", SMOOTH + KINKED, ids=repr)
smooth = pytest.mark.parametrize("phi", SMOOTH, ids=repr)
STEPS = (0.05, 0.5, 1.0, 3.0)
GROUPED, SPECTRAL = "grouped", "spectral"
both = pytest.mark.parametrize("kind", [GROUPED, SPECTRAL])


def made(kind, phi):
    """The penalty of a 2 × 3 array: of its rows, or of its singular values."""
    return Grouped(phi, 1) if kind == GROUPED else Spectral(phi)


def by_definition(kind, phi, x):
    """The value without the class: lengths from a loop, singular values from the eigenvalues of X'X."""
    if kind == GROUPED:
        return sum(float(phi(math.sqrt(math.fsum(t * t for t in row)))) for row in x)
    return sum(float(phi(math.sqrt(max(t, 0.0)))) for t in np.linalg.eigvalsh(x @ x.T))


def cost(penalty, x, z, step):
    if isinstance(penalty, Spectral):  # what rounding leaves of a singular value of zero is none
        sizes = np.linalg.svd(x, compute_uv=False)
        return step * float(np.sum(penalty.phi(sizes * (sizes > 1e-12)))) + np.sum((x - z) ** 2) / 2
    return step * float(np.sum(penalty(x))) + np.sum((x - z) ** 2) / 2


@both
@every
def test_value_is_that_of_the_definition(kind, phi):
    x = np.random.default_rng(0).normal(size=(2, 3))
    assert made(kind, phi)(x) == pytest.approx(by_definition(kind, phi, x), rel=1e-12)
    assert made(kind, phi)(0 * x) == 0


@every
@pytest.mark.parametrize("step", STEPS)
def test_prox_of_a_group_is_the_best_point_of_a_grid_in_the_plane(phi, step):
    penalty = Grouped(phi, 0)
    for z in np.random.default_rng(1).normal(size=(4, 2)) * [[0.3], [1.0], [2.0], [4.0]]:
        _, best = certify.prox_vector(lambda x: phi(np.linalg.norm(x, axis=1)), z, step)
        assert cost(penalty, penalty.prox(z, step), z, step) <= best + 1e-12 * (1 + best)


@pytest.mark.parametrize("phi", [WEEP(10.0, 0.1), MCP(0.5, 0.7), L0()], ids=repr)
@pytest.mark.parametrize("step", [0.5, 3.0])
def test_proxes_are_best_in_three_and_four_dimensions(phi, step):
    rng = np.random.default_rng(2)
    z, matrix = rng.normal(size=3), rng.normal(size=(2, 2))
    ball, spectral = Grouped(phi, 0), Spectral(phi)
    _, best = certify.prox_vector(lambda x: phi(np.linalg.norm(x, axis=1)), z, step)
    assert cost(ball, ball.prox(z, step), z, step) <= best + 1e-10
    _, best = certify.prox_vector(lambda x: spectral(x.reshape(-1, 2, 2)), matrix.ravel(), step, points=9, rounds=20)
    assert cost(spectral, spectral.prox(matrix, step), matrix, step) <= best + 1e-10


@both
@every
@settings(max_examples=8)
@given(seed=st.integers(0, 10**6), step=st.sampled_from(STEPS))
def test_no_random_point_is_better_than_the_prox(kind, phi, seed, step):
    rng = np.random.default_rng(seed)
    penalty, z = made(kind, phi), rng.normal(size=(2, 3)) * rng.choice([0.1, 1.0, 5.0])
    x = penalty.prox(z, step)
    least = cost(penalty, x, z, step)
    for rival in (0 * z, z, *(x + rng.normal(size=z.shape) * 10.0**-k for k in range(4)), -x, x[::-1]):
        assert least <= cost(penalty, rival, z, step) + 1e-12 * (1 + least)


@both
@weak
@settings(max_examples=8)
@given(seed=st.integers(0, 10**6))
def test_adding_the_scalar_modulus_makes_it_convex_at_midpoints(kind, phi, seed):
    rng = np.random.default_rng(seed)
    penalty = made(kind, phi)
    w = penalty.weak_convexity
    x = rng.normal(size=(2, 3)) * rng.choice([0.1, 1.0, 3.0])
    y = x + rng.normal(size=(2, 3)) * rng.choice([0.01, 1.0])

    def lifted(x):
        return float(penalty(x)) + w / 2 * np.sum(x * x)

    assert lifted((x + y) / 2) <= (lifted(x) + lifted(y)) / 2 + 1e-10 * (1 + lifted(x) + lifted(y))


@pytest.mark.parametrize("phi", [WEEP(10.0, 0.1), MCP(0.5, 0.7), Tukey(1.0)], ids=repr)
def test_the_modulus_is_best_on_a_line_through_zero(phi):
    direction = np.array([0.6, 0.8])
    on_line = certify.weak_convexity(lambda t: phi(np.linalg.norm(np.outer(t, direction), axis=1)), -3, 3)
    assert on_line == pytest.approx(Grouped(phi, 0).weak_convexity, rel=2e-3)


@both
@smooth
@settings(max_examples=8)
@given(seed=st.integers(0, 10**6))
def test_gradient_is_that_of_differences_and_lipschitz(kind, phi, seed):
    rng = np.random.default_rng(seed)
    penalty = made(kind, phi)
    x, y, d = rng.normal(size=(3, 2, 3)) * rng.choice([0.3, 2.0])
    h = 1e-5
    slope = (float(penalty(x + h * d)) - float(penalty(x - h * d))) / (2 * h)
    # At the end of a piece, the second derivative jumps by the Lipschitz constant at most.
    slack = (1 + penalty.lipschitz) * h * np.sum(d * d)
    assert slope == pytest.approx(np.sum(penalty.grad(x) * d), abs=slack)
    change = np.linalg.norm(penalty.grad(x) - penalty.grad(y))
    assert change <= penalty.lipschitz * np.linalg.norm(x - y) * (1 + 1e-9) + 1e-12
    assert not np.any(penalty.grad(0 * x))


@settings(max_examples=8)
@given(seed=st.integers(0, 10**6), step=st.sampled_from(STEPS))
@every
def test_both_turn_with_an_orthogonal_change_of_axes(phi, seed, step):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(3, 4)) * 3
    left, right = (ortho_group.rvs(n, random_state=seed) for n in (3, 4))
    rows, spectral = Grouped(phi, 1), Spectral(phi)
    assert rows(z @ right) == pytest.approx(rows(z), rel=1e-9)
    assert spectral(left @ z @ right) == pytest.approx(spectral(z), rel=1e-9)
    for turned, moved in (
        (rows.prox(z @ right, step), rows.prox(z, step) @ right),
        (spectral.prox(left @ z @ right, step), left @ spectral.prox(z, step) @ right),
    ):
        np.testing.assert_allclose(turned, moved, atol=1e-9)


@every
def test_groups_of_one_entry_and_diagonal_matrices_are_the_scalar_penalty(phi):
    x = np.array([-3.0, -0.4, 0.0, 1e-3, 0.7, 5.0])
    singles = (Grouped(phi, ()), x), (Grouped(phi, -1), x[:, None]), (Spectral(phi), np.diag(x))
    for penalty, array in singles:
        assert np.sum(penalty(array)) == pytest.approx(float(np.sum(phi(x))), rel=1e-12)
        for got, want in ((penalty.grad(array), phi.grad(x)), (penalty.prox(array, 0.3), phi.prox(x, 0.3))):
            found = np.diag(got) if isinstance(penalty, Spectral) else got.ravel()
            np.testing.assert_allclose(found, want, rtol=1e-9, atol=1e-12)


def test_axes_may_be_several_and_negative_and_a_stack_is_many_matrices():
    x = np.random.default_rng(3).normal(size=(2, 3, 4))
    phi = WEEP(10.0, 0.1)
    together = phi(np.linalg.norm(x.transpose(1, 0, 2).reshape(3, 8), axis=1)).sum()
    assert Grouped(phi, (0, -1))(x) == pytest.approx(together)
    assert Grouped(phi, [2, 0]) == Grouped(phi, (2, 0))
    spectral = Spectral(phi)
    np.testing.assert_allclose(spectral(x), [spectral(matrix) for matrix in x])
    np.testing.assert_allclose(spectral.prox(x, 0.5), [spectral.prox(matrix, 0.5) for matrix in x])
    np.testing.assert_allclose(spectral.grad(x), [spectral.grad(matrix) for matrix in x])


@both
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, ">f4", int])
def test_dtypes_stay(kind, dtype):
    x = np.array([[3, 4, 0], [0, 0, 1]], dtype)
    penalty = made(kind, WEEP(10.0, 0.1))
    want = np.float64 if dtype is int else np.dtype(dtype).newbyteorder("=")
    for out, exact in (
        (penalty.grad(x), penalty.grad(x.astype(float))),
        (penalty.prox(x, 0.5), penalty.prox(x.astype(float), 0.5)),
    ):
        assert out.dtype == want and out.shape == x.shape
        np.testing.assert_allclose(out.astype(float), exact, rtol=2e-3, atol=2e-3)
    assert penalty(x) == pytest.approx(float(penalty(x.astype(float))), rel=1e-3)


@both
@given(exponent=st.integers(-140, 140), single=st.booleans())
def test_tiny_and_huge_values_keep_their_digits(kind, exponent, single):
    s = 10.0 ** (exponent / (8 if single else 1))
    x = np.array([[3.0, -4.0, 12.0], [1.0, 2.0, 2.0]]) * s
    x, rtol = (x.astype(np.float32), 1e-5) if single else (x, 1e-12)
    lengths = [13.0, 3.0] if kind == GROUPED else np.linalg.svd(x / s, compute_uv=False)
    assert made(kind, L1())(x) == pytest.approx(s * float(np.sum(lengths)), rel=rtol)
    np.testing.assert_allclose(made(kind, L2()).prox(x, 1.0), x / 2, rtol=10 * rtol)
    if kind == GROUPED:
        np.testing.assert_allclose(Grouped(L1(), 1).prox(x, 0.25 * s), x * [[1 - 0.25 / 13], [1 - 0.25 / 3]], rtol=rtol)


@both
def test_empty_arrays(kind):
    penalty = made(kind, MCP(0.5, 0.7))
    for shape in ((0, 3), (3, 0), (0, 0), (2, 0, 3)):
        x = np.empty(shape)
        assert np.sum(penalty(x)) == 0
        assert penalty.prox(x, 1.0).shape == penalty.grad(x).shape == shape


def test_zero_dimensions_have_no_axis():
    assert Grouped(L1(), ())(np.float64(-2.0)) == 2.0
    assert Grouped(L1(), ()).prox(-2.0, 0.5) == -1.5
    with pytest.raises(ValueError, match=r"axis=0 must name axes of x, which has the shape \(\)"):
        Grouped(L1(), 0)(1.0)
    with pytest.raises(ValueError, match=r"axis=\(0, -1\) must name axes"):
        Grouped(L1(), (0, -1))([1.0])
    with pytest.raises(ValueError, match="z must be a matrix or a stack of matrices"):
        Spectral(L1()).prox([1.0], 1.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_nan_and_infinity_spoil_their_group_or_matrix_alone(bad):
    x = np.ones((2, 2, 2))
    x[0, 0, 0] = bad
    spoilt = np.zeros((2, 2, 2), bool)
    spoilt[0, 0] = True
    for penalty, where in (
        (Grouped(WEEP(10.0, 0.1), -1), spoilt),
        (Spectral(WEEP(10.0, 0.1)), spoilt | spoilt[:, ::-1]),
    ):
        np.testing.assert_array_equal(np.isnan(penalty.prox(x, 0.5)).any(-1), where.any(-1))
        np.testing.assert_array_equal(np.isnan(penalty.grad(x)).any(-1), where.any(-1))
    assert np.isnan(Spectral(L1())(x)).tolist() == [True, False]
    assert not np.isfinite(Grouped(L1(), -1)(x))


class Odd(Penalty):
    """A loss of two sides, which is no penalty on a length."""

    lipschitz = math.inf
    weak_convexity = 0.0

    def _value(self, x):
        return np.maximum(-0.2 * x, 0.8 * x)

    def _grad(self, x):
        return np.where(x > 0, 0.8, -0.2)

    def _prox(self, z, step):
        return z


@dataclass(frozen=True)
class Well(PiecewiseQuadratic):
    """A kink down at zero: even, and falling at first."""

    def _pieces(self):
        return (0.0, -0.5, 1.0), (2.0, 1.5, 0.0)


def test_assumptions_on_the_scalar_penalty_are_checked():
    for phi, words in ((Odd(), "must be even"), (Well(), r"must not decrease in \|x\|")):
        for build in (lambda: Grouped(phi, 0), lambda: Spectral(phi)):  # noqa: B023
            with pytest.raises(ValueError, match=words):
                build()
    for phi in (WEEP(1e12, 0.0), WEEP(1e-8, 0.0), WEEP(1e6, 3.0, scale=1e-6), *SMOOTH, *KINKED, *JUMPING):
        assert Spectral(phi).phi is phi


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: Grouped(WEEP, 0), TypeError, r"phi=.*give it its parameters"),
        (lambda: Grouped(ROWL((1.0, 2.0)), 0), TypeError, "penalty on single numbers"),
        (lambda: Grouped(Grouped(L1(), 0), 0), TypeError, "penalty on groups or matrices"),
        (lambda: Grouped(L1(), 0.5), TypeError, "axis=0.5 must be an integer"),
        (lambda: Grouped(L1(), True), TypeError, "axis=True must be an integer"),
        (lambda: Grouped(L1(), None), TypeError, "axis=None must be an integer"),
        (lambda: Grouped(L1(), (1, 1)), ValueError, r"axis=\(1, 1\) must not name an axis twice"),
        (lambda: Grouped(L1(), 0).prox([1.0], 0.0), ValueError, "step=0.0 must be greater than 0"),
        (lambda: Grouped(L1(), 0)([1j]), TypeError, "x must hold real numbers"),
        (lambda: weep.denoise_tv([1.0, 2.0], Grouped(L1(), 0), 1.0), TypeError, "phi=Grouped.*isotropic=True"),
        (lambda: weep.denoise_tv([1.0, 2.0], Spectral(L1()), 1.0), TypeError, "phi=Spectral.*recover takes it"),
        (lambda: weep.regress([[1.0], [2.0]], [1.0, 2.0], Spectral(L1())), TypeError, "=Spectral"),
    ],
)
def test_bad_input_is_refused_by_name(build, error, words):
    with pytest.raises(error, match=words):
        build()


def test_they_are_values():
    phi = Grouped(WEEP(10, 0.1), (1,))
    assert repr(phi) == "Grouped(phi=WEEP(a=10.0, b=0.1, scale=1.0), axis=1)"
    assert phi == Grouped(WEEP(10.0, 0.1), 1) and hash(phi) == hash(Grouped(WEEP(10.0, 0.1), 1))
    assert phi != Grouped(WEEP(10.0, 0.1), 0) and Spectral(L1()) != Spectral(L2())
    assert pickle.loads(pickle.dumps(phi)) == phi
    assert isinstance(phi, Structured) and repr(Spectral(L1())) == "Spectral(phi=L1())"
    with pytest.raises(FrozenInstanceError):
        phi.axis = 2


def library(name):
    module = pytest.importorskip(name)
    if name == "jax":
        return module.numpy.asarray, np.asarray, lambda f, x: np.asarray(module.grad(f)(module.numpy.asarray(x)))

    def derivative(f, x):
        x = module.tensor(x, requires_grad=True)
        f(x).backward()
        return x.grad.numpy()

    return module.tensor, np.asarray, derivative


@pytest.mark.parametrize("name", ["torch", "jax"])
@both
@pytest.mark.parametrize("phi", [WEEP(10.0, 0.1), MCP(0.5, 0.7), L1()], ids=repr)
def test_arrays_of_other_libraries_agree_and_differentiate(name, kind, phi):
    to, back, derivative = library(name)
    penalty, rng = made(kind, phi), np.random.default_rng(4)
    x = rng.normal(size=(2, 3)).astype(np.float32)
    for step in (0.5, 3.0):
        np.testing.assert_allclose(back(penalty.prox(to(x), step)), penalty.prox(x, step), atol=2e-5)
    np.testing.assert_allclose(back(penalty.grad(to(x))), penalty.grad(x), atol=2e-5)
    assert float(penalty(to(x))) == pytest.approx(float(penalty(x)), rel=1e-5)
    np.testing.assert_allclose(derivative(penalty, x), penalty.grad(x), atol=1e-4)
    if kind == GROUPED:
        x[0] = 0  # no root of zero on the way
        np.testing.assert_allclose(derivative(penalty, x), penalty.grad(x), atol=1e-4)
        bend = derivative(lambda x: penalty.grad(x)[0, 1], x)[0, 1]
        assert bend == pytest.approx(phi.pieces[0].curvature if not phi.pieces[0].slope else 0.0)


def test_foreign_arrays_need_a_piecewise_quadratic_penalty():
    if importlib.util.find_spec("torch") is None:
        pytest.skip("needs PyTorch")
    import torch

    with pytest.raises(TypeError, match="NumPy arrays only"):
        Grouped(LogSum(1.0), 0)(torch.ones(3))


def grouped_problem(seed=0):
    rng = np.random.default_rng(seed)
    x = np.zeros((10, 4))
    x[:2] = rng.normal(size=(2, 4)) + 1
    A = rng.normal(size=(30, 40)) / 30**0.5
    return A @ x.ravel() + 0.01 * rng.normal(size=30), A, x


BLOCKS = Groups(np.arange(40).reshape(10, 4), 40)


@pytest.mark.parametrize("method", ["admm", "primal_dual", "accelerated", "lbfgs"])
def test_recover_finds_a_point_where_slopes_of_groups_balance_the_data(method):
    y, A, _ = grouped_problem()
    phi = Huber(0.1) if method in ("accelerated", "lbfgs") else L1()
    penalty = Grouped(phi, 1)
    result = weep.recover(y, A, penalty, 0.05, BLOCKS, method=method, tol=1e-7, max_iter=30_000)
    assert result.converged and result.certificate == "global"
    x = result.x.reshape(10, 4)
    assert result.objective == pytest.approx(0.05 * penalty(x) + np.sum((A @ result.x - y) ** 2) / 2)
    pull = (A.T @ (y - A @ result.x)).reshape(10, 4) / 0.05
    on = np.linalg.norm(x, axis=1) > 1e-4
    np.testing.assert_allclose(pull[on], penalty.grad(x)[on], atol=1e-4)
    assert np.all(np.linalg.norm(pull[~on], axis=1) <= 1 + 1e-4)


@pytest.mark.parametrize("phi", [MCP(0.5, 3.0), WEEP(20.0, 0.1, 0.2)], ids=repr)
def test_recover_takes_groups_by_shape_and_by_path(phi):
    rng = np.random.default_rng(5)
    clean = np.zeros((10, 4))
    clean[3] = 2
    y = clean + 0.1 * rng.normal(size=clean.shape)
    result = weep.recover(y, None, Grouped(phi, 1), 0.5, path=3)
    assert result.x.shape == (10, 4) and result.converged
    alone = weep.recover(y.ravel(), None, Grouped(phi, 1), 0.5, BLOCKS, path=3, tol=1e-9).x
    np.testing.assert_allclose(result.x.ravel(), alone, atol=1e-4)
    if phi.lipschitz < math.inf:
        with pytest.raises(ValueError, match=r"memory_gradient.*single numbers"):
            weep.recover(y, None, Grouped(phi, 1), 0.5, method="memory_gradient")


@pytest.mark.parametrize("phi", [L1(), MCP(0.5, 3.0), WEEP(20.0, 0.1, 0.2)], ids=repr)
def test_recover_denoises_a_matrix_as_the_prox_does_and_completes_one(phi):
    rng = np.random.default_rng(6)
    low = rng.normal(size=(24, 2)) @ rng.normal(size=(2, 18))
    penalty = Spectral(phi)
    step = 0.9 / phi.weak_convexity if phi.weak_convexity else 0.5
    result = weep.recover(low, None, penalty, step, tol=1e-9)
    np.testing.assert_allclose(result.x, penalty.prox(low, step), atol=1e-7)
    assert result.certificate == "global"
    seen = rng.random(low.shape) < 0.6
    filled = weep.recover(np.where(seen, low, np.nan), None, penalty, 0.3, weights=seen + 0.0, path=3).x
    assert np.linalg.norm(filled - low) < 0.3 * np.linalg.norm(low)


def test_recover_names_what_does_not_fit():
    with pytest.raises(ValueError, match=r"axis=1 must name axes of x, which has the shape \(3,\)"):
        weep.recover(np.ones(3), None, Grouped(L1(), 1), 1.0)
    with pytest.raises(ValueError, match="Lx must be a matrix"):
        weep.recover(np.ones(3), None, Spectral(L1()), 1.0, Differences(3))
    bad = Groups([(0, 1)], 3)
    bad.dimsd = (5, 5)
    with pytest.raises(ValueError, match=r"L.dimsd=\(5, 5\) must have 2 entries"):
        weep.recover(np.ones(3), None, Grouped(L1(), 1), 1.0, bad)


@pytest.mark.parametrize("groups", [[(0, 1), (1, 2, 3)], [(3,)], []])
def test_groups_copy_entries_and_have_their_adjoint(groups):
    L, x = Groups(groups, 4), np.array([1.0, 2.0, 3.0, 4.0])
    rows = (L @ x).reshape(L.dimsd)
    for row, group in itertools.zip_longest(rows, groups):
        np.testing.assert_array_equal(row[: len(group)], x[list(group)])
        assert not row[len(group) :].any()
    np.testing.assert_array_equal(L.rmatvec(L @ x), x * [sum(k in g for g in groups) for k in range(4)])


@pytest.mark.parametrize("groups", [[(0, 0)], [(0, 4)], [(-1,)], [()]])
def test_groups_must_hold_different_entries(groups):
    with pytest.raises(ValueError, match="groups must hold different entries from 0 to 3"):
        Groups(groups, 4)
    with pytest.raises(TypeError, match=r"groups=0.5 must be an integer"):
        Groups([(0.5,)], 4)


def test_brute_force_over_vectors_finds_the_lower_of_two_valleys():
    def wells(x):
        low, high = ([1.0, 0.0], [-1.0, 0.0])
        return np.minimum(np.sum((x - low) ** 2, axis=1), 0.1 + np.sum((x - high) ** 2, axis=1))

    x, value = certify.prox_vector(wells, [-0.02, 0.0], 10.0)
    np.testing.assert_allclose(x, [0.951, 0.0], atol=1e-3)
    assert value == pytest.approx(10 * 0.0024 + 0.971**2 / 2, rel=1e-2)


class Gradient(LinearOperator):
    """Forward differences of pixels with channels, zero beyond the border: (axis, row, column, channel)."""

    def __init__(self, shape):
        self.dims, self.dimsd = shape, (2, *shape)
        super().__init__(float, (2 * math.prod(shape), math.prod(shape)))

    def _matvec(self, x):
        x = x.reshape(self.dims)
        return np.stack([np.diff(x, axis=k, append=np.take(x, [-1], axis=k)) for k in (0, 1)]).ravel()

    def _rmatvec(self, p):
        return (self @ np.eye(self.shape[1])).T @ p.ravel()

    def _matmat(self, X):
        return np.stack([self._matvec(x) for x in X.T], axis=1)


@pytest.mark.parametrize("phi", [L1(), Huber(0.1), WEEP(5.0, 0.2)], ids=repr)
def test_isotropic_total_variation_of_colours_is_a_penalty_on_groups(phi):
    y = np.random.default_rng(7).normal(size=(5, 6, 3))
    L, lam = Gradient(y.shape), 0.1  # convex: 0.1 · 1 · 8 < 1
    groups = weep.recover(y, None, Grouped(phi, (0, 3)), lam, L, tol=1e-8, max_iter=50_000)
    direct = weep.denoise_tv(y, phi, lam, isotropic=True, channel_axis=-1, tol=1e-7, max_iter=50_000)
    assert groups.certificate == "global"
    np.testing.assert_allclose(direct.x, groups.x, atol=1e-5)
    assert direct.objective == pytest.approx(groups.objective, rel=1e-9)
