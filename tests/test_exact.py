"""The exact solver of (11) against brute force over all faces, a grid, the optimality conditions and other methods."""

import itertools
import math
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weep import CEL0, L1, L2, MCP, SCAD, WEEP, CappedL1, CappedL2, Huber, compiled, denoise_tv
from weep.checks import ConvergenceWarning
from weep.denoise import objective
from weep.penalties import PiecewiseQuadratic

PIECEWISE = [L1(), L2(), Huber(0.5), WEEP(10.0, 0.1), WEEP(1.0, 0.0), WEEP(2.0, 2.0), MCP(1.0, 1.0), MCP(0.5, 2.0)]
PIECEWISE += [SCAD(0.2), SCAD(1.0, 3.0), CappedL1(0.5), CappedL1(1.0), CappedL2(2.0), CEL0(1.0, 1.0), CEL0(0.25, 1.0)]


@dataclass(frozen=True)
class Corners(PiecewiseQuadratic):
    """A penalty with convex kinks away from zero."""

    rows: tuple

    def _pieces(self):
        return self.rows


CORNERS = [
    Corners(((0.0, 0.0, 0.0), (0.5, 1.0, 0.0))),
    Corners(((0.0, 0.5, -0.25), (1.0, 1.0, 0.0))),
    Corners(((0.0, 0.0, 1.0), (1.0, 2.0, -1.0), (2.0, 1.0, 0.0))),
]


@dataclass(frozen=True)
class Slope(PiecewiseQuadratic):
    """A multiple of the absolute value."""

    slope: float

    def _pieces(self):
        return ((0.0, self.slope, 0.0),)


def signal(n, seed=0):
    """Steps, and much noise."""
    rng = np.random.default_rng(seed)
    return np.repeat(rng.integers(0, 3, -(-n // 8)), 8)[:n] + 0.2 * rng.normal(size=n)


def stationary_points(phi, lam, n, weights=1.0):
    """Of (11), on each choice of a piece or of a seam for each difference: matrices that map (y, 1) to x."""
    lams, weights = np.broadcast_to(lam, n - 1), np.broadcast_to(weights, n)
    on_piece = [(sign, piece, None) for piece in phi.pieces for sign in (1, -1)]
    on_seam = [(sign, piece, sign * piece.start) for sign, piece, _ in on_piece if piece.start > 0 or sign > 0]
    maps = []
    for choice in itertools.product(on_piece + on_seam, repeat=n - 1):
        hessian, border, values = np.diag(weights), [], []
        right = np.column_stack((hessian, np.zeros(n)))
        for d, lam, (sign, piece, seam) in zip(np.diff(np.eye(n), axis=0), lams, choice, strict=True):
            if seam is None:
                hessian = hessian + lam * piece.curvature * np.outer(d, d)
                right[:, n] -= lam * sign * (piece.slope - piece.curvature * piece.start) * d
            else:
                border, values = [*border, d], [*values, [*np.zeros(n), seam]]
        border = np.array(border).reshape(-1, n)
        system = np.block([[hessian, border.T], [border, np.zeros((len(border),) * 2)]])
        if np.linalg.matrix_rank(system) == len(system):  # else a neighbouring face has as good a point
            maps.append(np.linalg.solve(system, np.vstack([right, *values]))[:n])
    return np.array(maps)


def best_of_all_faces_is_found(phi, lam):
    """Whether the exact solver agrees with brute force, on all integer signals of length four."""
    maps = stationary_points(phi, lam, 4)
    for y in map(np.array, itertools.product((0.0, 1.0, 2.0), repeat=4)):
        x = maps @ np.append(y, 1.0)
        costs = np.sum((x - y) ** 2, axis=1) / 2 + lam * np.sum(phi(np.diff(x, axis=1)), axis=1)
        found = denoise_tv(y, phi, lam, "exact")
        assert found.certificate == "global"
        assert found.objective == pytest.approx(costs.min(), abs=1e-12)


@pytest.mark.parametrize("lam", [0.1, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("phi", PIECEWISE + CORNERS[:2], ids=repr)
def test_exact_is_the_best_of_all_faces_on_all_small_integer_signals(phi, lam):
    """Ties, and stationary points on the seam of two pieces, are the rule there."""
    best_of_all_faces_is_found(phi, lam)


@pytest.mark.parametrize("used", [True, False])
@pytest.mark.parametrize("phi", PIECEWISE + CORNERS[:2], ids=repr)
def test_exact_is_the_best_of_all_faces_with_weights_and_many_lam(phi, used, monkeypatch):
    if used:
        pytest.importorskip("numba", reason="needs the extra 'fast'")
    monkeypatch.setattr(compiled, "USE", used)
    rng = np.random.default_rng(0)
    for weights, lam in (
        ([1.0, 0.5, 2.0, 1.0], 0.25),
        ([1.0, 1.0, 1.0, 1.0], [0.25, 0.0, 1.0]),
        ([0.0, 1.0, 0.0, 2.0], [0.5, 0.25, 0.125]),
        ([0.5, 0.0, 0.0, 1.0], [0.5, 0.5, 1.0]),
        ([2.0, 1.0, 1.0, 0.0], [1.0, 0.25, 0.75]),
    ):
        w, lams = np.array(weights), np.broadcast_to(lam, 3)
        maps = stationary_points(phi, lam, 4, w)
        for y in rng.integers(0, 3, (12, 4)).astype(float):
            x = maps @ np.append(y, 1.0)
            costs = (x - y) ** 2 @ w / 2 + phi(np.diff(x, axis=1)) @ lams
            found = denoise_tv(np.where(w > 0, y, np.nan), phi, lam, "exact", weights=w)
            assert found.certificate == "global"
            assert found.objective == pytest.approx(costs.min(), abs=1e-12)
            x = found.x
            assert (x - y) ** 2 @ w / 2 + phi(np.diff(x)) @ lams == pytest.approx(found.objective, abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("phi", [L1(), Slope(0.5)], ids=repr)
def test_many_signals_of_l1_are_solved_as_one(phi, dtype, monkeypatch):
    pytest.importorskip("numba", reason="needs the extra 'fast'")
    rng = np.random.default_rng(0)
    y = (np.stack([signal(70, seed) for seed in range(9)]) + 100).astype(dtype)
    weights, lam = rng.choice([0.0, 0.5, 2.0], y.shape), rng.uniform(0.05, 0.5, (9, 69))
    weights[:, ::7] = 1.0
    for options in ({"lam": 0.3}, {"lam": 0.3, "weights": weights}, {"lam": lam}, {"lam": lam, "weights": weights}):
        found = []
        for threads, used in ((1, True), (3, True), (1, False)):
            monkeypatch.setattr(compiled, "threads", lambda threads=threads: threads)
            monkeypatch.setattr(compiled, "USE", used)
            found.append(denoise_tv(y, phi, axis=1, **options))
        monkeypatch.setattr(compiled, "USE", True)
        together, *others = found
        for other in others:
            np.testing.assert_array_equal(together.x, other.x)
            assert together.objective == other.objective
        assert together.objective == pytest.approx(objective(together.x, y, phi, axis=1, **options), rel=1e-5)
        assert (together.x.dtype, together.method, together.certificate) == (dtype, "exact", "global")
        single = []
        for k in range(9):
            own = {name: value[k] if np.ndim(value) else value for name, value in options.items()}
            for used in (True, False):
                monkeypatch.setattr(compiled, "USE", used)
                single.append(denoise_tv(y[k], phi, method="exact", **own))
                seen = weights[k] > 0 if "weights" in own else ...  # elsewhere it is not unique
                atol = 1e-4 if dtype == np.float32 else 1e-10
                np.testing.assert_allclose(together.x[k][seen], single[-1].x[seen], atol=atol)
            monkeypatch.setattr(compiled, "USE", True)
        assert together.objective == pytest.approx(sum(r.objective for r in single[::2]), rel=1e-6)
        assert together.objective == pytest.approx(sum(r.objective for r in single[1::2]), rel=1e-6)


@pytest.mark.parametrize("used", [True, False])
def test_of_many_signals_of_l1_the_unusual_ones_are_solved_by_themselves(used, monkeypatch):
    monkeypatch.setattr(compiled, "USE", used)
    y = np.stack([signal(70, seed) for seed in range(5)])
    y[2] *= 1e200  # whose squares are no numbers
    found = denoise_tv(y, L1(), 0.3, axis=1)
    for k in range(5):
        np.testing.assert_allclose(found.x[k], denoise_tv(y[k], L1(), 0.3).x, rtol=1e-12)
    with pytest.raises(ValueError, match="y must be finite"):
        denoise_tv(np.where(np.arange(350).reshape(5, 70) == 100, np.nan, y), L1(), 0.1, axis=1)
    seen, lam = np.ones((5, 70)), np.ones((5, 69))
    seen[3, 0], lam[3, 0] = 0, 0
    with pytest.raises(ValueError, match="lam must be above 0 on the way"):
        denoise_tv(signal(350).reshape(5, 70), L1(), lam, weights=seen, axis=1)


def test_a_length_of_one_difference_is_its_size():
    y, lam = np.stack([signal(70, seed) for seed in range(5)]), np.random.default_rng(0).uniform(0.1, 0.5, (5, 70))
    found = denoise_tv(y, L1(), lam, axis=1, isotropic=True)
    np.testing.assert_array_equal(found.x, denoise_tv(y, L1(), lam[:, :-1], axis=1).x)
    assert found.objective == pytest.approx(objective(found.x, y, L1(), lam, axis=1, isotropic=True), rel=1e-12)


OFFSETS = [1e-13, -1e-13, 1e-10, -1e-10, 1e-8, -1e-8, 1e-7, -1e-7]
CRITICAL = [(MCP(1.0, 1.0), 0.5), (SCAD(1.0, 3.0), 2.0), (WEEP(1.0, 0.0), 1.0), (CEL0(1.0, 1.0), 1.0)]
CRITICAL += [(CORNERS[1], 4.0)]


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize(("phi", "critical"), CRITICAL, ids=repr)
def test_exact_is_the_best_of_all_faces_where_curvatures_nearly_cancel(phi, critical, offset):
    """A nearly flat piece has its stationary point anywhere, and rounding must not lose it."""
    best_of_all_faces_is_found(phi, critical * (1 + offset))


@pytest.mark.parametrize(
    ("y", "phi", "lam"),
    [
        ([0.0, 0, 1, 2], MCP(1.0, 1.0), 0.25),
        ([0.0, 2, 0, 0, 2], Huber(0.5), 1.0),
        ([0.0, 2, 1, 0, 1], Huber(0.5), 0.5),
    ],
)
def test_exact_is_never_above_the_data_nor_above_another_method(y, phi, lam):
    """Where it once lost the minimum on a seam, returned another point, or raised."""
    found, data = denoise_tv(y, phi, lam, "exact").objective, np.array(y)
    assert found <= objective(data, data, phi, lam) + 1e-12
    if isinstance(phi, Huber):  # convex
        assert found == pytest.approx(denoise_tv(y, phi, lam, "newton", tol=1e-10).objective, abs=1e-12)


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, 3), min_size=2, max_size=30),
    st.sampled_from([L1(), L2(), Huber(0.5), WEEP(2.0, 2.0)]),
    st.sampled_from([0.125, 0.25, 0.5, 1.0, 3.0]),
)
def test_exact_satisfies_the_optimality_conditions_of_convex_problems_on_integer_data(y, phi, lam):
    """The running sum of y − x is λφ' of the difference, or, at a kink, between its one-sided limits."""
    x = denoise_tv(y, phi, lam, "exact").x
    pull, d = np.cumsum(np.array(y) - x), np.diff(x)
    assert pull[-1] == pytest.approx(0, abs=1e-11)
    low, high = (lam * phi.grad(d + side * 1e-11) for side in (-1, 1))
    assert np.all((low - 1e-9 <= -pull[:-1]) & (-pull[:-1] <= high + 1e-9))


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(2, 40),
    st.sampled_from(PIECEWISE + CORNERS),
    st.floats(0.05, 3),
    st.sampled_from([0.0, 1e3, -1e6]),
)
def test_exact_is_never_above_a_local_minimum_and_keeps_kinks_to_the_last_digit(seed, n, phi, lam, offset):
    """ADMM and Newton start at the exact solution too, and find nothing lower close by."""
    y = np.cumsum(np.random.default_rng(seed).normal(size=n)) + offset
    best = denoise_tv(y, phi, lam, "exact")
    slack = 1e-12 * n * (1 + np.ptp(y)) ** 2
    for method in ("newton", "admm"):
        for init in (None, best.x):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                try:
                    other = denoise_tv(y, phi, lam, method, init=init, max_iter=100)
                except ValueError:  # it does not take the penalty
                    break
            centred = objective(other.x - offset, y - offset, phi, lam)
            assert best.objective <= centred + slack + 1e-9 * (offset != 0)
    if phi.pieces[0].slope > 0:
        d = np.abs(np.diff(best.x))
        assert np.all((d == 0) | (d > 1e-9))


def test_exact_ends_where_two_ways_cost_the_same_everywhere():
    """Rounding decides which is lower, entry by entry, and must not divide an interval without end."""
    y = [2.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 1.0]
    assert denoise_tv(y, MCP(1.0, 1.0), 2.0, "exact").objective == pytest.approx(1.05, abs=1e-12)


def least_on_grid(y, phi, lam, grid):
    """The least objective among signals with values on a grid, by dynamic programming over the grid."""
    jump = lam * phi(grid[:, None] - grid)
    cost = (grid - y[0]) ** 2 / 2
    for entry in y[1:]:
        cost = (cost + jump).min(axis=1) + (grid - entry) ** 2 / 2
    return cost.min()


@pytest.mark.parametrize(
    ("phi", "lam"),
    [
        *[(WEEP(10.0, 0.1), 1.0), (WEEP(30.0, 0.0, scale=0.3), 4.0), (WEEP(1.0, 0.5), 3.0), (Huber(0.1), 2.0)],
        *[(L2(), 1.0), (L1(), 0.3), (MCP(0.5, 0.3), 1.0), (SCAD(0.3), 0.8), (CappedL1(0.5), 0.7), (CappedL2(3.0), 0.7)],
    ],
)
def test_exact_is_a_global_minimum(phi, lam):
    for seed in range(3):
        y = signal(24, seed) + 0.6 * np.random.default_rng(seed).normal(size=24)
        best = denoise_tv(y, phi, lam, "exact")
        assert best.certificate == "global"
        assert best.objective == pytest.approx(objective(best.x, y, phi, lam), rel=1e-14)
        grid, spacing = np.linspace(y.min(), y.max(), 401, retstep=True)
        on_grid = least_on_grid(y, phi, lam, grid)
        # Rounding a minimiser to the grid costs at most this, as the gradient is zero there, or the slope of a kink.
        kink, bend = (1.0, 3.0) if math.isinf(phi.lipschitz) else (0.0, phi.lipschitz)
        slack = y.size * spacing * ((1 + 4 * lam * bend) * spacing / 8 + lam * kink)
        assert on_grid - slack <= best.objective <= on_grid + 1e-12
        for method in ("fista", "newton") if math.isfinite(phi.lipschitz) else ():
            assert denoise_tv(y, phi, lam, method, max_iter=3000).objective >= best.objective - 1e-10


def test_exact_survives_a_tie_in_the_middle_of_an_interval():
    """For the capped L1 norm, two candidates often cross there; then rounding must not choose for both sides."""
    y = np.cumsum(np.random.default_rng(1155).normal(size=20))
    x = denoise_tv(y, CappedL1(1.0), 0.234385, "exact").x
    assert x[18] == x[19] == pytest.approx(y[18:].mean(), abs=1e-12)


def test_the_others_do_miss_the_global_minimum():
    """Else the test above could not tell a global minimiser from a local one."""
    y = signal(24) + 0.6 * np.random.default_rng(0).normal(size=24)
    best, other = (denoise_tv(y, WEEP(30.0, 0.0, scale=0.3), 4.0, method) for method in ("exact", "newton"))
    assert other.converged
    assert other.objective > 1.01 * best.objective


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 12), st.floats(-3, 2), st.floats(0, 1), st.sampled_from([1e-6, 1.0, 1e5]))
def test_exact_is_where_newton_lands_if_the_problem_is_convex(seed, n, exponent, part, size):
    phi = WEEP(10**exponent, part * math.sqrt(2 * 10**exponent), scale=size)
    y = 2 * size * np.random.default_rng(seed).normal(size=n)
    best, other = (denoise_tv(y, phi, 0.2, method, tol=1e-9, max_iter=9999) for method in ("exact", "newton"))
    np.testing.assert_allclose(best.x, other.x, atol=1e-6 * size)
