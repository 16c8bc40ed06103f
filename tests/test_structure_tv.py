"""denoise_tv with independent axes, weights, many lam, lengths and channels: against written-out objectives."""

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from weep import L1, L2, MCP, WEEP, CappedL1, ConvergenceWarning, Huber, LogSum, Tukey, compiled, denoise_tv
from weep.denoise import METHODS, objective
from weep.denoise.problem import Problem
from weep.operators import Differences

WEEPS = WEEP(4.0, 0.1, scale=0.5)
SMOOTH = [Huber(0.3), WEEPS, Tukey(1.0), L2()]


def data(shape, seed=0):
    """Plateaus and noise."""
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.choice([0.0, 0.0, 1.0], size=shape), axis=-1) % 2 + 0.2 * rng.normal(size=shape)


def written_out(x, y, phi, lam, axes, isotropic=False, channel=None, weights=None):
    """(11) entry by entry, in loops; lam is a function of an axis (None for lengths) and of an index."""
    w = np.ones(y.shape) if weights is None else weights
    value = sum(w[i] * (x[i] - y[i]) ** 2 / 2 for i in np.ndindex(y.shape) if w[i] > 0)
    squares = {}
    for index in np.ndindex(y.shape):
        for axis in axes:
            following = tuple(n + (k == axis) for k, n in enumerate(index))
            if following[axis] < y.shape[axis]:
                d = x[following] - x[index]
                if isotropic:
                    pixel = tuple(0 if k == channel else n for k, n in enumerate(index))
                    squares[pixel] = squares.get(pixel, 0.0) + d * d
                else:
                    value += lam(axis, index) * phi(d)
    return value + sum(lam(None, pixel) * phi(np.sqrt(s)) for pixel, s in squares.items())


LAYOUTS = [
    ((4, 5), {"axis": 1}),
    ((5, 2), {"axis": 0}),
    ((2, 3, 3), {"axis": (2, 1)}),
    ((4, 3), {"isotropic": True}),
    ((3, 3, 2), {"isotropic": True, "channel_axis": 2}),
    ((2, 3, 3), {"isotropic": True, "axis": (1, 2)}),
    ((2, 6), {"isotropic": True, "channel_axis": 0}),
    ((3, 2, 2), {"channel_axis": 0}),
    ((2, 2, 3), {"isotropic": True}),
]


def axes_of(shape, options):
    axis = options.get("axis")
    channel = options.get("channel_axis")
    axes = [k for k in range(len(shape)) if k != channel] if axis is None else np.atleast_1d(axis)
    return [int(k) for k in axes], channel if options.get("isotropic") else None


@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("phi", [Huber(0.3), WEEPS], ids=repr)
@pytest.mark.parametrize(("shape", "options"), LAYOUTS, ids=repr)
def test_the_written_out_objective_is_minimised(shape, options, phi, weighted, adaptive):
    rng, y = np.random.default_rng(1), data(shape)
    axes, channel = axes_of(shape, options)
    w = rng.uniform(0.5, 2.0, shape) if weighted else None
    if w is not None:
        w[(0,) * len(shape)] = 0.0
    isotropic = options.get("isotropic", False)
    if not adaptive:
        lam = 0.07
    elif isotropic:
        lam = rng.uniform(0.02, 0.07, [1 if k == channel else n for k, n in enumerate(shape)])
    else:
        lam = [rng.uniform(0.02, 0.07, [n - (k == axis) for k, n in enumerate(shape)]) for axis in axes]
        lam = lam if len(axes) > 1 else lam[0]

    def weight(axis, index):
        if not adaptive:
            return lam
        return lam[index] if isotropic else (lam[axes.index(axis)] if len(axes) > 1 else lam)[index]

    def cost(x):
        return written_out(x, y, phi, weight, axes, isotropic, channel, w)

    result = denoise_tv(y, phi, lam, tol=1e-10, max_iter=20000, weights=w, **options)
    assert result.converged
    assert result.objective == pytest.approx(cost(result.x), rel=1e-12)
    assert objective(result.x, y, phi, lam, weights=w, **options) == pytest.approx(result.objective, rel=1e-12)
    assert result.certificate == "global" or (weighted and phi is WEEPS)
    start = result.x if result.certificate == "stationary" else np.zeros(shape)  # a convex problem has one minimum
    other = minimize(lambda x: cost(x.reshape(shape)), start.ravel(), method="L-BFGS-B", options={"ftol": 1e-15})
    assert result.objective <= other.fun + 1e-9
    assert result.objective >= other.fun - 1e-4
    for method in ("fista", "lbfgs", "admm"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            again = denoise_tv(y, phi, lam, method, tol=1e-8, max_iter=20000, weights=w, init=result.x, **options)
        assert again.objective == pytest.approx(result.objective, abs=1e-9)
        if not weighted:  # far differences of a missing value have a constant slope: it may not be unique
            np.testing.assert_allclose(again.x, result.x, atol=1e-6)


@pytest.mark.parametrize(("shape", "options"), LAYOUTS, ids=repr)
@pytest.mark.parametrize("weighted", [False, True])
def test_no_move_lowers_a_kinked_objective(shape, options, weighted):
    rng, y = np.random.default_rng(2), data(shape)
    w = rng.choice([0.0, 1.0, 2.0], size=shape, p=[0.2, 0.4, 0.4]) if weighted else None
    if w is not None:
        w.flat[0::5] = 1.0
    try:
        result = denoise_tv(y, L1(), 0.2, tol=1e-8, max_iter=50000, weights=w, **options)
    except ValueError:  # a signal without data
        assert weighted
        return
    assert result.converged
    moves = [*np.eye(y.size).reshape(-1, *shape), *rng.normal(size=(100, *shape))]
    moves += [np.ones(shape)] + [np.broadcast_to((np.arange(n) < n // 2), shape) for n in (shape[-1],)]
    for move, step in itertools.product(moves, (1e-3, -1e-3)):
        moved = objective(result.x + step * move, y, L1(), 0.2, weights=w, **options)
        assert moved > result.objective - 1e-7


@pytest.mark.parametrize("phi", [*SMOOTH, L1(), MCP(0.3, 3.0)], ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_signals_together_are_the_same_as_one_by_one(phi, dtype):
    for size in (20, 300) if phi in SMOOTH else (20,):
        y = data((3, size, 2)).astype(dtype)
        y[1, :, 1] = 3.0  # a constant one
        y[2] *= 1e-9
        tol = 1e-5 if dtype == np.float32 else 1e-9
        together = denoise_tv(y, phi, 0.1, axis=1, tol=tol, max_iter=20000)
        assert together.x.dtype == dtype
        single = {(i, j): denoise_tv(y[i, :, j], phi, 0.1, tol=tol, max_iter=20000) for i in range(3) for j in range(2)}
        for (i, j), result in single.items():
            size = np.ptp(y[i, :, j])
            np.testing.assert_allclose(
                together.x[i, :, j], result.x, atol=(1e-3 if dtype == np.float32 else 1e-6) * size
            )
        assert together.objective == pytest.approx(sum(r.objective for r in single.values()), rel=1e-5)
        assert together.converged
        assert together.n_iter == max(r.n_iter for r in single.values()) or dtype == np.float32
        assert together.history.shape == (together.n_iter, 2)
        if together.n_iter:
            assert together.history[-1, 0] == pytest.approx(together.objective, rel=1e-6)
        assert together.certificate == min(
            (r.certificate for r in single.values()), key=["none", "stationary", "global"].index
        )


def test_a_signal_that_fails_is_named_and_admitted():
    y = data((70, 300))
    with pytest.warns(
        ConvergenceWarning, match=r"70 of 70 signals have not converged, the first at \(0,\): .* 2 itera"
    ):
        result = denoise_tv(y, WEEPS, 0.1, axis=-1, tol=1e-9, max_iter=2)
    assert (result.converged, result.certificate, result.n_iter) == (False, "none", 2)
    smooth = np.zeros((70, 300))
    smooth[:] = np.sign(np.arange(300) - 150)  # solved by the first point
    smooth[66] = y[66]
    with pytest.warns(ConvergenceWarning, match=r"1 of 70 signals have not converged, the first at \(66,\)"):
        result = denoise_tv(smooth, WEEP(80.0, 0.0, scale=0.1), 0.1, axis=-1, tol=1e-9, max_iter=2)
    assert (result.converged, result.certificate) == (False, "none")
    with pytest.raises(ValueError, match="y must be finite"):
        denoise_tv(np.where(np.arange(70)[:, None] == 66, np.nan, y), WEEPS, 0.1, axis=-1)


def test_the_certificate_is_that_of_the_least_certain_signal():
    y = data((3, 300))
    lam = np.array([[0.1], [0.2], [0.4]])
    assert denoise_tv(y[:2], WEEPS, lam[:2], axis=1).certificate == "global"
    assert denoise_tv(y, WEEPS, 0.2, axis=1).certificate == "global"
    assert denoise_tv(y, WEEPS, lam, axis=1, max_iter=5000).certificate == "stationary"
    for k in range(3):
        one = denoise_tv(y[k], WEEPS, float(lam[k, 0]), max_iter=5000)
        assert one.certificate == ("stationary" if k == 2 else "global")


@pytest.mark.parametrize("phi", [Huber(0.3), WEEPS, L1()], ids=repr)
def test_without_pull_a_missing_value_is_removed(phi):
    """In one dimension, a gap of two is a longer way between its neighbours; at the border nothing is missed."""
    y = data((30,))
    w = np.ones(30)
    w[-4:] = 0.0
    y[-4:] = np.nan
    result = denoise_tv(y, phi, 0.1, weights=w, tol=1e-9, max_iter=20000)
    short = denoise_tv(y[:-4], phi, 0.1, tol=1e-9, max_iter=20000)
    np.testing.assert_allclose(result.x[:-4], short.x, atol=1e-6)
    np.testing.assert_allclose(result.x[-4:], short.x[-1], atol=1e-6)
    assert result.objective == pytest.approx(short.objective, rel=1e-7)


def test_quadratic_gaps_are_bridged_by_lines():
    y = np.array([0.0, np.nan, np.nan, 3.0, 3.0])
    x = denoise_tv(y, L2(), 0.5, weights=[1, 0, 0, 1, 1]).x
    np.testing.assert_allclose(np.diff(x[:4], 2), 0, atol=1e-12)
    image = np.add.outer(np.arange(6.0), np.zeros(5))
    holes = np.ones((6, 5))
    holes[2:4, 1:3] = 0
    with_nan = np.where(holes > 0, image, np.nan)
    result = denoise_tv(with_nan, L2(), 0.5, weights=holes, tol=1e-10)
    other = denoise_tv(np.where(holes > 0, image, 100.0), L2(), 0.5, "admm", weights=holes, tol=1e-9, max_iter=5000)
    assert result.certificate == "global"
    np.testing.assert_allclose(result.x, other.x, atol=1e-7)


@pytest.mark.parametrize("phi", [WEEPS, L1(), L2(), Tukey(1.0)], ids=repr)
@pytest.mark.parametrize("shape", [(300,), (17, 20)])
def test_weights_of_one_and_equal_lam_change_nothing(phi, shape):
    y = data(shape)
    plain = denoise_tv(y, phi, 0.1, tol=1e-7, max_iter=5000)
    lams = [np.full([n - (k == axis) for k, n in enumerate(shape)], 0.1) for axis in range(len(shape))]
    for options in ({"weights": np.ones(shape)}, {"weights": np.ones(shape, int)}):
        np.testing.assert_array_equal(denoise_tv(y, phi, 0.1, tol=1e-7, max_iter=5000, **options).x, plain.x)
    for lam in (np.full(1, 0.1), lams if len(shape) > 1 else lams[0], np.array(0.1)):
        np.testing.assert_array_equal(denoise_tv(y, phi, lam, tol=1e-7, max_iter=5000).x, plain.x)


@settings(max_examples=25)
@given(st.floats(1e-3, 1e3), st.integers(0, 1000))
def test_weights_and_lam_have_one_unit(size, seed):
    rng = np.random.default_rng(seed)
    y, w, lam = data((16,), seed), rng.uniform(0.5, 2, 16), rng.uniform(0.01, 0.1, 15)
    one, other = (denoise_tv(y, WEEPS, s * lam, weights=s * w, tol=1e-10) for s in (1.0, size))
    np.testing.assert_allclose(other.x, one.x, atol=1e-7)
    assert other.objective == pytest.approx(size * one.objective, rel=1e-6)
    assert other.certificate == one.certificate == "global"


@pytest.mark.parametrize("phi", [Huber(0.3), WEEPS, Tukey(1.0), L1()], ids=repr)
def test_lengths_see_no_order_of_axes_and_channels(phi):
    y = data((9, 8, 3))
    options = {"isotropic": True, "tol": 1e-9, "max_iter": 20000}
    x = denoise_tv(y, phi, 0.1, channel_axis=2, **options).x
    np.testing.assert_allclose(
        denoise_tv(y.swapaxes(0, 1), phi, 0.1, channel_axis=-1, **options).x.swapaxes(0, 1), x, atol=1e-6
    )
    np.testing.assert_allclose(denoise_tv(y[..., ::-1], phi, 0.1, channel_axis=2, **options).x[..., ::-1], x, atol=1e-6)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]  # lengths over channels see no rotation
    np.testing.assert_allclose(denoise_tv(y @ turn, phi, 0.1, channel_axis=2, **options).x @ turn.T, x, atol=1e-6)
    grey = np.repeat(y[..., :1], 2, axis=2)
    alone = denoise_tv(y[..., 0], phi, 0.1, isotropic=True, tol=1e-9, max_iter=20000).x
    apart = denoise_tv(grey, phi, 0.1, axis=(0, 1), **options).x
    np.testing.assert_allclose(apart, np.repeat(alone[..., None], 2, axis=2), atol=1e-9)


def test_a_length_of_one_difference_is_its_size():
    y = data((300,))
    lam = np.linspace(0.05, 0.1, 300)
    plain = denoise_tv(y, WEEPS, lam[:-1])
    np.testing.assert_array_equal(denoise_tv(y, WEEPS, lam, isotropic=True).x, plain.x)
    assert plain.method == "newton"


PLAIN = [
    ((400,), {}),
    ((5, 300), {"axis": 1}),
    ((20, 17), {}),
    ((80, 9), {"isotropic": True}),
    ((3, 40, 9), {"isotropic": True, "channel_axis": 0}),
    ((9, 10, 11), {"isotropic": True}),
    ((2, 400), {"isotropic": True, "channel_axis": 0}),
    ((7, 70, 5), {}),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("shape", "options"), PLAIN, ids=repr)
def test_compiled_kernels_agree_with_numpy(shape, options, dtype, monkeypatch):
    pytest.importorskip("numba", reason="needs the extra 'fast'")
    rng, y = np.random.default_rng(3), data(shape).astype(dtype)
    axes, channel = axes_of(shape, options)
    w = rng.uniform(0.2, 2.0, shape).astype(dtype)
    if options.get("isotropic"):
        lam = rng.uniform(0.02, 0.06, [1 if k == channel else n for k, n in enumerate(shape)])
    else:
        lam = [rng.uniform(0.02, 0.06, [n - (k == axis) for k, n in enumerate(shape)]) for axis in axes]
        lam = lam if len(axes) > 1 else lam[0]
    tol = 1e-4 if dtype == np.float32 else 1e-9
    for more in ({}, {"weights": w}, {"lam": lam}, {"weights": w, "lam": lam}):
        arguments = {"y": y, "phi": WEEPS, "lam": 0.06, "tol": tol, "max_iter": 5000} | options | more
        monkeypatch.setattr(compiled, "USE", True)
        fast = denoise_tv(**arguments)
        monkeypatch.setattr(compiled, "USE", False)
        slow = denoise_tv(**arguments)
        assert fast.x.dtype == slow.x.dtype == dtype
        np.testing.assert_allclose(fast.x, slow.x, atol=1e-3 if dtype == np.float32 else 1e-7)
        few = min(len(fast.history), len(slow.history), 4)
        np.testing.assert_allclose(fast.history[:few], slow.history[:few], rtol=2e-4 if dtype == np.float32 else 1e-8)
        assert (fast.method, fast.certificate, fast.converged) == (slow.method, slow.certificate, True)


def test_the_number_of_threads_changes_no_bit(monkeypatch):
    numba = pytest.importorskip("numba", reason="needs the extra 'fast'")
    monkeypatch.setattr("weep.denoise.fista.WORTH_SHARING", 1)
    jobs = [
        (data((150, 300)), {"axis": 1, "tol": 1e-9}),
        (data((150, 20)), {}),
        (data((4, 80, 10)), {}),
        (data((3, 70, 10)), {"isotropic": True, "channel_axis": 0}),
    ]
    monkeypatch.setattr(compiled, "threads", lambda: 1)
    alone = [denoise_tv(y, WEEPS, 0.05, **options) for y, options in jobs]
    for count in (2, 3, 100):
        monkeypatch.setattr(compiled, "threads", lambda count=count: count)
        for (y, options), one in zip(jobs, alone, strict=True):
            result = denoise_tv(y, WEEPS, 0.05, **options)
            np.testing.assert_array_equal(result.x, one.x)
            np.testing.assert_array_equal(result.history, one.history)
    monkeypatch.undo()
    assert compiled.threads() == numba.get_num_threads()


def test_work_is_shared_without_gaps():
    for count, workers in itertools.product((1, 2, 7), (1, 2, 3, 20)):
        parts = []
        compiled.share(lambda first, last: parts.append((first, last)), count, workers)  # noqa: B023
        assert [k for first, last in sorted(parts) for k in range(first, last)] == list(range(count))
    with pytest.raises(ZeroDivisionError):
        compiled.share(lambda first, last: 1 // (2 - last), 2, 2)


def test_no_signals_are_no_problem():
    for phi in (WEEPS, L1()):
        result = denoise_tv(np.empty((0, 5), np.float32), phi, 0.1, axis=1)
        assert (result.x.shape, result.x.dtype, result.objective, result.n_iter) == ((0, 5), np.float32, 0.0, 0)
        assert (result.converged, result.certificate) == (True, "global")
    with pytest.raises(ValueError, match="at least one axis and one entry"):
        denoise_tv(np.empty((0, 5)), WEEPS, 0.1, axis=0)


def test_differences_along_some_axes():
    x = data((3, 4, 2))
    for axes in (1, (0, 2), [2, 0], -1):
        whole = Differences(x.shape, axes)
        order = np.atleast_1d(axes)
        np.testing.assert_array_equal(whole @ x.ravel(), np.concatenate([np.diff(x, axis=k).ravel() for k in order]))
        p = np.random.default_rng(0).normal(size=whole.shape[0])
        assert p @ (whole @ x.ravel()) == pytest.approx((whole.T @ p) @ x.ravel())


def test_bounds_of_the_hessian_hold():
    """What certifies convexity and what sets the step lie on the safe side of the eigenvalues."""
    rng = np.random.default_rng(0)
    for shape, channels in (((6,), False), ((4, 3), False), ((2, 3, 3), True)):
        for _ in range(20):
            w, y = rng.uniform(0.1, 3.0, shape), data(shape)
            spatial = shape[1:] if channels else shape
            lam = rng.uniform(0, 1, (1, *spatial) if channels else shape)
            isotropic = len(spatial) > 1
            lams = (lam,) if isotropic else (lam[:-1],)
            problem = Problem(y, WEEPS, lam.max(), None, lams, w, isotropic, channels)
            D = Differences(shape, tuple(problem.axes)) @ np.eye(y.size)
            edges = np.concatenate(
                [
                    np.broadcast_to(e, d.shape).ravel()
                    for e, d in zip(problem.edges, problem.differences(y), strict=True)
                ]
            )
            laplacian = D.T @ (edges[:, None] * D)
            largest = np.linalg.eigvalsh(np.diag(w.ravel()) + WEEPS.lipschitz * laplacian)[-1]
            assert largest <= problem.lipschitz * (1 + 1e-12)
            least = np.linalg.eigvalsh(np.diag(w.ravel()) - WEEPS.weak_convexity * laplacian)[0]
            assert least >= -1e-12 or not problem.convex


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"axis": 2}, ValueError, "axis=2 must lie between -2 and 1"),
        ({"axis": (0, -2)}, ValueError, r"axis=\(0, -2\) must name one axis or more, each once"),
        ({"axis": ()}, ValueError, "must name one axis or more"),
        ({"axis": 0.5}, TypeError, "axis=0.5 must be an integer"),
        ({"axis": 1, "channel_axis": 1}, ValueError, "channel_axis=1 must not be one of axis=1"),
        ({"channel_axis": 5}, ValueError, "channel_axis=5 must lie between"),
        ({"channel_axis": (0, 1)}, TypeError, "channel_axis=.* must be an integer"),
        ({"y": [1.0, 2.0], "channel_axis": 0}, ValueError, "channels are no axis"),
        ({"isotropic": "yes"}, TypeError, "isotropic='yes' must be True or False"),
        ({"weights": np.ones(4)}, ValueError, r"weights must have the shape \(3, 4\) of y"),
        ({"weights": -np.ones((3, 4))}, ValueError, "weights must not be negative"),
        ({"weights": np.full((3, 4), np.nan)}, ValueError, "weights must be finite"),
        ({"weights": np.full((3, 4), "a")}, TypeError, "weights must hold real numbers"),
        ({"weights": np.zeros((3, 4))}, ValueError, "weights must have an entry above 0 in each signal"),
        ({"weights": np.eye(3, 4), "axis": 0}, ValueError, "weights must have an entry above 0 in each signal"),
        ({"weights": np.eye(3, 4), "lam": 0.0}, ValueError, "lam must be above 0 on the way"),
        ({"weights": np.eye(3, 4), "lam": [0.0, np.ones((3, 3))]}, None, ""),
        ({"weights": np.eye(3, 4), "lam": [0.1, np.array([1.0, 1, 0])]}, ValueError, "lam must be above 0 on the way"),
        ({"lam": [0.1, 0.1, 0.1]}, ValueError, "lam has 3 items, and must have one for each of 2 axes"),
        (
            {"lam": np.ones((3, 4))},
            ValueError,
            r"lam of shape \(3, 4\) must broadcast over the differences, of shape \(2, 4\)",
        ),
        ({"lam": np.ones(3), "isotropic": True}, ValueError, "must broadcast over the lengths, one for each entry"),
        ({"lam": -np.ones((1, 1))}, ValueError, "lam must not be negative"),
        ({"lam": np.full((1, 1), np.nan)}, ValueError, "lam must be finite"),
        ({"axis": 1, "callback": print}, ValueError, "callback must be None for 3 independent signals"),
        ({"method": "newton", "isotropic": True}, ValueError, "method='newton' needs one axis"),
        ({"weights": np.full((3, 4), 2.0), "method": "exact"}, ValueError, "needs one axis .* 2 axes, with weights"),
        ({"lam": [0.1, np.array([0.1, 0.2, 0.3])], "phi": CappedL1(1.0)}, ValueError, "2 axes, with an array lam"),
        (
            {"method": "closed_form", "phi": L2(), "weights": np.full((3, 4), 2.0)},
            ValueError,
            "'closed_form' needs .* one axis",
        ),
        ({"phi": LogSum(0.5), "lam": [0.1, 0.2]}, ValueError, "with an array lam also a piecewise quadratic"),
        ({"y": np.full((3, 4), np.nan)}, ValueError, "y must be finite"),
    ],
)
def test_bad_options(change, error, message):
    arguments = {"y": data((3, 4)), "phi": WEEPS, "lam": 0.1} | change
    if error is None:
        with pytest.raises(ValueError, match="lam must be above 0 on the way"):  # rows 1 and 2 have no way to column 3
            denoise_tv(**arguments | {"lam": [0.0, np.ones((3, 3)) * (np.arange(3) < 2)]})
        return
    with pytest.raises(error, match=message):
        denoise_tv(**arguments)


def test_methods_take_what_their_records_say():
    names = [solver.name for solver in METHODS]
    assert names == ["closed_form", "newton", "fista", "exact", "dual", "admm", "lbfgs"]
    y, w = data((40,)), np.linspace(0.5, 1.0, 40)
    chosen = [denoise_tv(y, phi, 0.1, weights=w, max_iter=20000).method for phi in (L2(), WEEPS, Tukey(), L1())]
    assert chosen == ["closed_form", "newton", "fista", "exact"]
