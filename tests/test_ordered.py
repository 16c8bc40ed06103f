"""The penalties on whole vectors, against all permutations and a convex hull; and deep weight factorisation."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize
from scipy.spatial import ConvexHull

from weep import DWF, EROWL, L1, L2, ROWL, RSSS, Lp

KINDS = [ROWL, RSSS, EROWL]
sizes = st.integers(1, 5)
SEPARABLE = {ROWL: L1(), RSSS: L2()}


def cost(phi, x, z, step):
    return step * phi(x) + np.sum((x - z) ** 2) / 2


@st.composite
def problems(draw):
    n = draw(sizes)
    weights = np.sort(draw(arrays(float, n, elements=st.sampled_from([0.0, 0.1, 0.5, 1.0, 2.0, 7.0]))))
    z = draw(arrays(float, n, elements=st.floats(-6, 6)))
    return tuple(weights), z


@pytest.mark.parametrize("kind", [ROWL, RSSS])
@given(problem=problems(), step=st.sampled_from([0.01, 0.5, 1.0, 3.0, 50.0]))
def test_prox_is_the_best_over_all_permutations_of_the_weights(kind, problem, step):
    weights, z = problem
    phi, part = kind(weights), SEPARABLE[kind]
    best = math.inf
    for permuted in itertools.permutations(weights):
        x = np.array([part.prox(t, step * w) if w > 0 else t for t, w in zip(z, permuted, strict=True)])
        best = min(best, step * float(np.dot(permuted, part(x))) + np.sum((x - z) ** 2) / 2)
    assert cost(phi, phi.prox(z, step), z, step) == pytest.approx(best, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("kind", [ROWL, RSSS])
@given(problem=problems())
def test_value_is_the_least_over_all_permutations_of_the_weights(kind, problem):
    weights, x = problem
    sums = [float(np.dot(w, SEPARABLE[kind](x))) for w in itertools.permutations(weights)]
    assert kind(weights)(x) == pytest.approx(min(sums), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("weights", [(0.0, 1.0), (0.5, 0.8), (1.0, 1.0), (0.2, 3.0)])
def test_relaxation_is_the_envelope_that_a_convex_hull_finds(weights):
    phi, relaxed = ROWL(weights), EROWL(weights)
    grid = np.linspace(-4, 4, 81)
    points = np.array(list(itertools.product(grid, grid)))
    height = np.array([phi(x) + x @ x / 2 for x in points])
    hull = ConvexHull(np.column_stack([points, height]))
    lower = np.unique(hull.simplices[hull.equations[:, 2] < -1e-9])
    # The lower hull as the largest of its planes.
    planes = hull.equations[hull.equations[:, 2] < -1e-9]
    inside = points[np.max(np.abs(points), axis=1) <= 2][::7]
    envelope = np.max(-(inside @ planes[:, :2].T + planes[:, 3]) / planes[:, 2], axis=1) - np.sum(inside**2, axis=1) / 2
    assert lower.size > 100
    np.testing.assert_allclose([relaxed(x) for x in inside], envelope, atol=4e-3)


@given(problems(), problems())
def test_relaxation_lies_below_and_is_weakly_convex(first, second):
    weights, x = first
    n = min(len(x), len(second[1]))
    weights, x, y = weights[:n], x[:n], second[1][:n]
    phi = EROWL(weights)
    assert phi(x) <= ROWL(weights)(x) + 1e-9

    def lifted(x):
        return phi(x) + x @ x / 2

    assert lifted((x + y) / 2) <= (lifted(x) + lifted(y)) / 2 + 1e-9
    assert lifted(y) >= lifted(x) + (phi.grad(x) + x) @ (y - x) - 1e-9


@given(problems(), st.sampled_from([0.01, 0.3, 0.7, 0.99]))
def test_prox_of_the_relaxation_is_a_global_minimiser(problem, step):
    weights, z = problem
    phi = EROWL(weights)
    x = phi.prox(z, step)
    # The objective is strongly convex: no direction, and no jump to another point, may go down.
    others = np.random.default_rng(0).normal(size=(40, len(z))) * np.logspace(-4, 1, 40)[:, None]
    here = cost(phi, x, z, step)
    assert min(cost(phi, x + d, z, step) for d in others) >= here - 1e-9


@given(problems(), st.sampled_from([0.1, 1.0, 9.0]))
def test_prox_of_the_relaxation_is_the_double_inversion_of_the_jump(problem, delta):
    weights, z = problem
    x = ROWL(weights).prox(z, 1.0)
    # z is in the inverse image of x: (z + δ x)/(1 + δ) must be relaxed to x.
    np.testing.assert_allclose(EROWL(weights).prox((z + delta * x) / (1 + delta), 1 / (1 + delta)), x, atol=1e-7)


def test_relaxation_is_continuous_where_the_penalty_jumps():
    z = np.array([[2.0, 2.0 - 1e-9], [2.0, 2.0 + 1e-9]])
    jump = np.abs(np.diff([ROWL((0.0, 1.0)).prox(t, 0.5) for t in z], axis=0)).max()
    smooth = np.abs(np.diff([EROWL((0.0, 1.0)).prox(t, 0.5) for t in z], axis=0)).max()
    assert jump > 0.4
    assert smooth < 1e-8
    np.testing.assert_allclose(EROWL((0.0, 1.0)).prox([2.0, -2.0], 0.5), [1.75, -1.75])


def test_the_relaxation_refuses_steps_from_one_on():
    with pytest.raises(ValueError, match=r"step=1.0 must be less than 1"):
        EROWL((0.0, 1.0)).prox([1.0, 2.0], 1.0)


def test_a_difference_of_convex_functions():
    weights, x = (0.1, 0.5, 2.0), np.array([1.0, -3.0, 0.2])
    rest = [2.0 - w for w in weights]
    convex = 2.0 * (x @ x) / 2 - np.dot(rest, -(np.sort(-np.abs(x)) ** 2) * -1) / 2
    assert RSSS(weights)(x) == pytest.approx(convex)


@pytest.mark.parametrize("kind", KINDS)
class TestInput:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
    def test_dtype(self, kind, dtype):
        x = np.array([3, -1, 2], dtype=dtype)
        expected = dtype if np.issubdtype(dtype, np.floating) else np.float64
        phi = kind((0.0, 0.5, 1.0))
        assert phi.prox(x, 0.5).dtype == expected
        assert phi.grad(x).dtype == expected
        np.testing.assert_allclose(phi.prox(-x.astype(float), 0.5), -phi.prox(x.astype(float), 0.5))

    def test_gradient_is_the_slope(self, kind):
        phi, x, h = kind((0.1, 0.6, 1.0)), np.array([3.0, -0.4, 1.2]), 1e-6
        slope = [(phi(x + h * e) - phi(x - h * e)) / (2 * h) for e in np.eye(3)]
        np.testing.assert_allclose(phi.grad(x), slope, atol=1e-6)

    @pytest.mark.parametrize("weights", [(), (-1.0, 0.0), (1.0, 0.5), (0.0, math.nan), (0.0, math.inf)])
    def test_weights(self, kind, weights):
        with pytest.raises(ValueError, match="weights="):
            kind(weights)

    def test_shape_and_step(self, kind):
        phi = kind((0.0, 1.0))
        with pytest.raises(ValueError, match=r"z must have the shape \(2,\)"):
            phi.prox([1.0, 2.0, 3.0], 0.5)
        with pytest.raises(ValueError, match="step="):
            phi.prox([1.0, 2.0], 0.0)
        with pytest.raises(TypeError, match="x must hold real"):
            phi(["a", "b"])

    def test_weak_convexity(self, kind):
        assert kind((2.0, 2.0)).weak_convexity == 0.0
        assert kind((1.0, 2.0)).weak_convexity == (1.0 if kind is EROWL else math.inf)


depths = pytest.mark.parametrize("depth", [2, 3, 4, 7])


@depths
class TestFactorisation:
    def test_balanced_factors_attain_the_induced_penalty(self, depth):
        dwf, x = DWF(depth), np.linspace(-3, 3, 31)
        np.testing.assert_allclose(dwf.collapse(dwf.factors(x)), x, rtol=1e-13)
        np.testing.assert_allclose(dwf.penalty(dwf.factors(x)), dwf.induced(x), rtol=1e-13)
        assert dwf.induced == (L1() if depth == 2 else Lp(2 / depth))

    def test_no_factors_cost_less(self, depth):
        factors = np.random.default_rng(depth).normal(size=(depth, 5000))
        dwf = DWF(depth)
        assert np.all(dwf.penalty(factors) >= dwf.induced(dwf.collapse(factors)) - 1e-12)

    @pytest.mark.parametrize("z", [0.4, 1.0, 3.0])
    def test_best_factors_give_the_prox_of_the_induced_penalty(self, depth, z):
        dwf, step = DWF(depth), 0.3

        def objective(factors):
            x = dwf.collapse(factors)
            return step * dwf.penalty(factors) + (x - z) ** 2 / 2, dwf.pull_back(factors, x - z, step)

        starts = [np.full(depth, s) for s in (0.0, 0.7, 1.5)]
        best = min((minimize(objective, s, jac=True, tol=1e-14) for s in starts), key=lambda r: r.fun)
        assert dwf.collapse(best.x) == pytest.approx(dwf.induced.prox(z, step), abs=1e-4)

    def test_pull_back_is_the_gradient(self, depth):
        dwf, h = DWF(depth), 1e-6
        factors = np.random.default_rng(1).normal(size=depth)

        def objective(factors):
            return np.sin(dwf.collapse(factors)) + 0.3 * dwf.penalty(factors)

        slope = [(objective(factors + h * e) - objective(factors - h * e)) / (2 * h) for e in np.eye(depth)]
        found = dwf.pull_back(factors, np.cos(dwf.collapse(factors)), 0.3)
        np.testing.assert_allclose(found, slope, atol=1e-8)


def test_factorisation_checks_its_input():
    with pytest.raises(ValueError, match="depth=1 must be at least 2"):
        DWF(1)
    for bad in (2.0, True, "2"):
        with pytest.raises(TypeError, match=r"depth=.* must be an integer"):
            DWF(bad)
    assert DWF(np.int64(3)) == DWF(3)
    assert repr(DWF(np.int32(3))) == "DWF(depth=3)"
    with pytest.raises(ValueError, match="3 entries along the first axis"):
        DWF(3).collapse(np.ones((2, 5)))
