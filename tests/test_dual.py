"""The method ``dual`` of denoise_tv: against ADMM, with and without kernels, in tiles of any height."""

import numpy as np
import pytest

from weep import L1, WEEP, ConvergenceWarning, compiled, denoise_tv
from weep.denoise import objective

LAYOUTS = [
    ((300,), {}),
    ((40, 17), {}),
    ((40, 17), {"isotropic": True}),
    ((17, 40), {"isotropic": True}),
    ((3, 30, 11), {"isotropic": True, "channel_axis": 0}),
    ((2, 200), {"isotropic": True, "channel_axis": 0}),
    ((1, 300), {"isotropic": True}),
    ((6, 7, 8), {}),
    ((6, 7, 8), {"isotropic": True}),
]


def data(shape, seed=0):
    """Plateaus and noise."""
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.choice([0.0, 0.0, 1.0], size=shape), axis=-1) % 2 + 0.2 * rng.normal(size=shape)


@pytest.mark.parametrize(("shape", "options"), LAYOUTS, ids=repr)
def test_its_residual_bounds_the_distance_from_the_solution(shape, options):
    y = data(shape)
    size = np.linalg.norm(y - y.mean())
    best = denoise_tv(y, L1(), 0.15, "admm", tol=1e-9, max_iter=50000, **options)
    for tol in (0.3, 1e-2, 1e-4):
        result = denoise_tv(y, L1(), 0.15, "dual", tol=tol, max_iter=3000, **options)
        assert (result.converged, result.certificate, result.method) == (True, "global", "dual")
        residual = result.history[-1, 1] * size
        assert residual <= tol * size
        assert np.linalg.norm(result.x - best.x) <= residual + 1e-6
        assert result.objective - best.objective <= residual**2 / 2 + 1e-6
        assert objective(result.x, y, L1(), 0.15, **options) == pytest.approx(result.objective, rel=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("shape", "options"), LAYOUTS[:-2], ids=repr)
def test_compiled_tiles_agree_with_numpy(shape, options, dtype, monkeypatch):
    pytest.importorskip("numba", reason="needs the extra 'fast'")
    y = data(shape).astype(dtype)
    for tol in (0.1, 1e-2, 1e-4):
        found = []
        for used in (False, True, True):
            monkeypatch.setattr(compiled, "USE", used)
            monkeypatch.setattr("weep.denoise.dual.TALL", (128, 20, 16)[len(found)])
            found.append(denoise_tv(y, L1(), 0.15, "dual", tol=tol, max_iter=3000, **options))
        plain, *tiled = found
        for fast in tiled:
            assert fast.x.dtype == plain.x.dtype == dtype
            np.testing.assert_allclose(fast.x, plain.x, atol=1e-4)
            few = min(len(fast.history), len(plain.history), 3)
            rtol = 1e-2 if tol > 1e-3 else 1e-7  # single precision
            np.testing.assert_allclose(fast.history[:few], plain.history[:few], rtol=rtol, atol=rtol / 100)
            assert fast.converged


@pytest.mark.parametrize(("shape", "options"), LAYOUTS[1:5], ids=repr)
def test_the_number_of_threads_changes_no_bit(shape, options, monkeypatch):
    pytest.importorskip("numba", reason="needs the extra 'fast'")
    monkeypatch.setattr("weep.denoise.dual.WORTH_SHARING", 1)
    monkeypatch.setattr("weep.denoise.dual.TALL", 3)
    found = []
    for count in (1, 2, 5):
        monkeypatch.setattr(compiled, "threads", lambda count=count: count)
        found.append(denoise_tv(data(shape), L1(), 0.15, "dual", tol=1e-2, **options))
    for other in found[1:]:
        np.testing.assert_array_equal(other.x, found[0].x)
        np.testing.assert_array_equal(other.history, found[0].history)


@pytest.mark.parametrize("isotropic", [False, True])
def test_many_lam(isotropic):
    y, rng = data((12, 30)), np.random.default_rng(1)
    shapes = [y.shape] if isotropic else [(11, 30), (12, 29)]
    lams = [rng.choice([0.0, 0.1, 0.3], size=shape) for shape in shapes]
    lam = lams[0] if isotropic else lams
    best = denoise_tv(y, L1(), lam, "admm", tol=1e-9, max_iter=50000, isotropic=isotropic)
    result = denoise_tv(y, L1(), lam, "dual", tol=1e-5, max_iter=5000, isotropic=isotropic)
    np.testing.assert_allclose(result.x, best.x, atol=1e-4)


def test_more_is_asked_for_than_rounding_leaves():
    y = data((20, 20))
    with pytest.warns(ConvergenceWarning, match="rounding in float64 hides what is left, so allow a larger tol"):
        result = denoise_tv(y, L1(), 0.15, "dual", tol=1e-12, max_iter=20000)
    assert result.n_iter < 20000
    assert result.history[:, 1].min() < 3e-8


def test_what_it_does_not_take():
    y = data((20,))
    for change in ({"phi": WEEP(10.0, 0.1)}, {"weights": np.linspace(0.5, 1.0, 20)}):
        with pytest.raises(ValueError, match="method='dual' needs a multiple of L1"):
            denoise_tv(**{"y": y, "phi": L1(), "lam": 0.1, "method": "dual"} | change)


def test_auto_takes_it_for_a_few_digits():
    y = data((20, 20))
    assert [denoise_tv(y, L1(), 0.1, tol=tol).method for tol in (0.1, 0.01, 0.009)] == ["dual", "dual", "admm"]
