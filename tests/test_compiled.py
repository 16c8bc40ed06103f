"""Compiled kernels against plain numpy, and what happens without numba or without a folder to write to."""

import math
import subprocess
import sys

import numpy as np
import pytest

from weep import WEEP, Huber, compiled, denoise_tv

pytest.importorskip("numba", reason="needs the extra 'fast'")

PENALTIES = [WEEP(10.0, 0.1), WEEP(0.3, 0.2), WEEP(3.0, 0.0), WEEP(2.0, 2.0), WEEP(100.0, 0.01, scale=0.2)]


@pytest.fixture
def plain(monkeypatch):
    """Call a function without compiled kernels."""

    def call(function):
        with monkeypatch.context() as patch:
            patch.setattr(compiled, "USE", False)
            assert compiled.kernels("weep.penalties.fused") is None
            return function()

    return call


@pytest.mark.parametrize("phi", PENALTIES, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_elementwise_kernels_give_the_same_results(phi, dtype, plain):
    x = (np.random.default_rng(0).normal(size=(70, 90)) * 3 * phi.scale).astype(dtype)
    x[0, :8] = [0.0, -0.0, math.nan, math.inf, -math.inf, phi.x1, phi.x2, 1e-30]
    assert phi._compiled("grad") is not None
    for run in (phi, phi.grad, lambda x: phi.prox(x, 0.4), lambda x: phi.prox(x, 1.0), lambda x: phi.prox(x, 4.0)):
        fast, slow = run(x), plain(lambda: run(x))  # noqa: B023
        assert fast.dtype == dtype
        assert fast.shape == x.shape
        np.testing.assert_allclose(fast, slow, rtol=8 * np.finfo(dtype).eps)
        np.testing.assert_array_equal(np.signbit(fast[0, :2]), np.signbit(slow[0, :2]))
        np.testing.assert_array_equal(run(x[:, ::-1])[:, ::-1], fast)  # not contiguous


def test_out_is_written_and_checked(plain):
    phi = WEEP(10.0, 0.1)
    for size in (10, 10000):
        x, out = np.linspace(-2, 2, size), np.empty(size)
        for run in (phi, phi.grad, lambda x, out: phi.prox(x, 0.4, out=out)):
            kept = x.copy()
            assert run(x, out=out) is out
            np.testing.assert_array_equal(x, kept)
            np.testing.assert_allclose(run(x.copy(), out=kept), out, rtol=1e-14)
            with pytest.raises(ValueError, match="out must be a contiguous array of shape"):
                run(x, out=np.empty(size, np.float32))
            with pytest.raises(ValueError, match="out must be"):
                run(x, out=np.empty((size, 2))[:, 0])
            with pytest.raises(TypeError, match="out must be a NumPy array"):
                run(x, out=[0.0] * size)


@pytest.mark.parametrize("shape", [(700,), (2100,), (40, 31), (300, 1), (1, 300), (7, 8, 9), (1, 20, 30), (20, 1, 30)])
@pytest.mark.parametrize("phi", [*PENALTIES, Huber(0.2)], ids=repr)
def test_fused_solvers_give_the_same_results(phi, shape, plain):
    rng = np.random.default_rng(1)
    y = np.cumsum(rng.choice([0.0, 0.0, 0.0, 1.0], size=shape), axis=0) % 3 + 0.2 * rng.normal(size=shape)
    for method in ("fista", "newton")[: 2 if len(shape) == 1 else 1]:
        fast, slow = (call(lambda: denoise_tv(y, phi, 0.08, method, tol=1e-9)) for call in (lambda f: f(), plain))  # noqa: B023
        assert fast.certificate == slow.certificate == "global"
        np.testing.assert_allclose(fast.x, slow.x, atol=1e-7)
        few = min(len(fast.history), len(slow.history), 4)
        np.testing.assert_allclose(fast.history[:few], slow.history[:few], rtol=1e-9)
        assert fast.objective == pytest.approx(slow.objective, rel=1e-13)


def test_importing_the_package_does_not_import_numba():
    code = "import sys, weep; weep.denoise_tv([0.0, 1.0], weep.WEEP(1, 0), 0.1); assert 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_a_folder_to_write_to_the_kernels_still_compile(monkeypatch):
    import numba

    def njit(function, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return function

    monkeypatch.setattr(numba, "njit", njit)
    assert compiled.jit(len) is len


def test_without_numba_there_are_no_kernels(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert compiled._load.__wrapped__("weep.denoise.fused") is None
    assert compiled._compile.__wrapped__(len) is None
