"""The penalties on arrays of PyTorch and JAX: against the NumPy kernels, and under each library's transformations."""

import importlib.util
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weep import L0, L1, L2, MCP, SCAD, WEEP, CappedL1, CappedL2, Huber, LogSum, Tukey
from weep.penalties import pieces

QUADRATIC = [
    WEEP(10.0, 0.1),
    WEEP(0.3, 0.2, scale=3.0),
    WEEP(3.0, 0.0),
    WEEP(2.0, 2.0),
    WEEP(1e6, 0.01, scale=0.2),
    L2(),
    Huber(),
    Huber(0.3),
]
KINKED = [L1(), MCP(0.5, 0.7), SCAD(1.0), CappedL1(0.33), CappedL2(3.0)]
quadratic = pytest.mark.parametrize("phi", QUADRATIC + KINKED, ids=repr)
every = pytest.mark.parametrize("phi", [*QUADRATIC, *KINKED, Tukey(), Tukey(0.7)], ids=repr)


class Torch:
    def __init__(self):
        self.torch = pytest.importorskip("torch")

    def array(self, x, dtype="float64"):
        return self.torch.tensor(x, dtype=getattr(self.torch, dtype))

    def derivative(self, f):
        return self.torch.func.vmap(self.torch.func.grad(f))

    def compiled(self, f):
        return f  # see test_torch_compiles_the_whole_graph: to compile takes seconds

    def vectorised(self, f):
        return self.torch.func.vmap(f)


class Jax:
    def __init__(self):
        self.jax = pytest.importorskip("jax")
        self.jax.config.update("jax_enable_x64", True)

    def array(self, x, dtype="float64"):
        return self.jax.numpy.asarray(x, dtype=dtype)

    def derivative(self, f):
        return self.jax.vmap(self.jax.grad(f))

    def compiled(self, f):
        return self.jax.jit(f)

    def vectorised(self, f):
        return self.jax.vmap(f)


@pytest.fixture(params=[Torch, Jax])
def library(request):
    return request.param()


def points(phi):
    """Zero, both sides and the ends of every piece, and large values."""
    ends = [p.start for p in phi.pieces] if phi.pieces else [0.0, phi.c]
    near = [end * factor for end in ends for factor in (0.5, 1 - 1e-9, 1.0, 1 + 1e-9, 1.5)]
    x = np.unique([*near, 1e-300, 1e-3, 1.0, 30.0, 1e6])
    return np.concatenate([-x[::-1], x])


def close(got, want, scale=1.0):
    np.testing.assert_allclose(np.asarray(got), want, rtol=1e-12, atol=4e-15 * scale)


@every
def test_values_and_gradients_are_those_of_numpy(library, phi):
    x = points(phi)
    t = library.array(x)
    for method in (phi, phi.grad):
        for f in (method, library.compiled(method), library.vectorised(method)):
            got = f(t)
            assert type(got) is type(t) and got.dtype == t.dtype and got.shape == t.shape
            close(got, method(x), np.abs(method(x[np.abs(x) <= 30])).max())


def jumps(phi, z, step):
    """Whether the prox jumps next to a point: there, rounding decides."""
    return np.abs(phi.prox(z * (1 + 1e-9), step) - phi.prox(z * (1 - 1e-9), step)) > 1e-4 * np.abs(z)


@quadratic
@pytest.mark.parametrize("step", [0.4, 0.999, 1.0, 40.0])
def test_prox_is_that_of_numpy(library, phi, step):
    x = np.concatenate([points(phi), np.linspace(-3, 3, 201) * (1 + step)])
    x = x[~jumps(phi, x, step)]
    t = library.array(x)
    ways = [phi.prox, library.compiled(lambda z, _: phi.prox(z, step))]
    if step * phi.weak_convexity < 1:  # a compiled step is an array, and must be below the jump
        ways.append(library.compiled(lambda z, step: phi.prox(z, step)))
    for f in ways:
        got = f(t, step)
        assert type(got) is type(t) and got.dtype == t.dtype
        np.testing.assert_allclose(np.asarray(got), phi.prox(x, step), rtol=1e-9, atol=1e-13)


def tukey_curvature(phi, x):
    v = np.minimum((x / phi.c) ** 2, 1)
    return (1 - v) * (1 - 5 * v)


@pytest.mark.parametrize("phi", [Tukey(), Tukey(0.7)], ids=repr)
@pytest.mark.parametrize("step", [0.01, 0.4, 1.2])
def test_prox_of_tukey_is_that_of_numpy_and_has_its_derivatives(library, phi, step):
    z = np.concatenate([points(phi), np.linspace(-3, 3, 201), [np.nan, np.inf, -np.inf]])
    t = library.array(z)
    x = phi.prox(z, step)
    for f in (phi.prox, library.compiled(phi.prox)):
        got = f(t, step)
        assert type(got) is type(t) and got.dtype == t.dtype
        np.testing.assert_allclose(np.asarray(got), x, rtol=1e-12, atol=1e-15)
    z, x = z[np.abs(z) < 2 * phi.c], x[np.abs(z) < 2 * phi.c]
    slope = 1 / (1 + step * tukey_curvature(phi, x))
    got = library.derivative(lambda z: phi.prox(z, step))(library.array(z))
    np.testing.assert_allclose(np.asarray(got), slope, rtol=1e-9)
    for i in (len(z) // 3, len(z) // 2):
        got = library.derivative(lambda s, i=i: phi.prox(library.array(z[i]), s))(library.array(np.array([step])))
        np.testing.assert_allclose(np.asarray(got), -phi.grad(x[i]) * slope[i], rtol=1e-9, atol=1e-12)


@every
def test_autograd_of_the_value_is_the_gradient(library, phi):
    x = points(phi)
    want = phi.grad(x)
    close(library.derivative(phi)(library.array(x)), want, np.abs(want[np.abs(x) <= 30]).max())


@every
def test_autograd_of_the_gradient_is_the_curvature(library, phi):
    x = np.concatenate([np.linspace(-6, 6, 241), [0.0]])
    want = pieces.curvature(phi, x) if phi.pieces else tukey_curvature(phi, x)
    np.testing.assert_allclose(np.asarray(library.derivative(phi.grad)(library.array(x))), want, atol=1e-12)


@pytest.mark.parametrize("phi", QUADRATIC[:3] + KINKED, ids=repr)
@pytest.mark.parametrize("step", [0.2, 0.9])
def test_autograd_of_the_prox_in_both_arguments(library, phi, step):
    """With x the prox: x' = 1/(1 + step φ''(x)) in z, and −φ'(x) x' in the step; at a kink, x stays."""
    z = np.linspace(-4, 4, 161) + 1e-3
    z[80] = 0.0
    x = phi.prox(z, step)
    held = (x == 0) & (phi.pieces[0].slope > 0)
    slope = np.where(held, 0, 1 / (1 + step * pieces.curvature(phi, x)))
    got = library.derivative(lambda z: phi.prox(z, step))(library.array(z))
    np.testing.assert_allclose(np.asarray(got), slope, rtol=1e-10)
    if step * phi.weak_convexity >= 1:
        return
    steps = library.array(np.full_like(z, step))
    for i in (0, 80, 100):
        point = library.array(z[i])
        got = library.derivative(lambda s, point=point: phi.prox(point, s))(steps[:1])
        np.testing.assert_allclose(np.asarray(got), -phi.grad(x[i]) * slope[i], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("phi", [WEEP(10.0, 0.1), Tukey()], ids=repr)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_shape_and_dtype(library, phi, dtype, shape):
    x = np.arange(math.prod(shape)).reshape(shape)
    t = library.array(x, dtype)
    want = t.dtype if "float" in dtype else library.array(1.0).dtype
    results = [phi(t), phi.grad(t), phi.prox(t, 0.4)] + ([phi.prox(t, 3.0)] if phi.pieces else [])
    for result in results:
        assert type(result) is type(t)
        assert result.shape == t.shape
        assert result.dtype == want or dtype == "int32"
        assert "float" in str(result.dtype)


@quadratic
def test_nan_and_infinity(library, phi):
    x = np.array([np.nan, np.inf, -np.inf])
    t = library.array(x)
    for got, want in [
        (phi(t), phi(x)),
        (phi.grad(t), phi.grad(x)),
        (phi.prox(t, 0.4), phi.prox(x, 0.4)),
        (phi.prox(t, 4.0), phi.prox(x, 4.0)),
    ]:
        np.testing.assert_allclose(np.asarray(got), want, rtol=4e-16)


@settings(deadline=None, max_examples=50)
@given(st.floats(-6, 8), st.floats(0, 1), st.floats(-1e3, 1e3), st.floats(1e-3, 0.99))
def test_jax_agrees_with_numpy_over_the_domain(exponent, fraction, x, step):
    jnp = Jax().jax.numpy
    a = 10**exponent
    phi = WEEP(a, fraction * math.sqrt(2 * a))
    t = jnp.asarray(x)
    assert float(phi(t)) == pytest.approx(phi(x), rel=1e-9, abs=1e-12)
    assert float(phi.grad(t)) == pytest.approx(phi.grad(x), rel=1e-9, abs=1e-14 * phi.m)
    assert float(phi.prox(t, step)) == pytest.approx(phi.prox(x, step), rel=1e-9, abs=1e-12 * phi.m / (1 - step))


@quadratic
def test_expansion_at_the_pieces(phi):
    """Each piece ends with the value and the slope with which the next one starts."""
    for p, q in zip(phi.pieces, phi.pieces[1:], strict=False):
        t = p.end - p.start
        assert p.value + p.slope * t + p.curvature * t**2 / 2 == pytest.approx(q.value, rel=1e-12)
        end = p.slope + p.curvature * t
        if math.isfinite(phi.weak_convexity):
            assert end == pytest.approx(q.slope, rel=1e-9, abs=1e-14 * phi.grad(p.end) + 1e-13)
        else:
            assert end > q.slope  # the cap: a concave kink


@quadratic
def test_float16_has_the_derivatives_of_numpy_up_to_its_largest_value(library, phi):
    """Squares overflow in branches that are not taken: their derivative must not be NaN."""
    x = np.array([-6e4, -300.0, -2.0, 0.0, 0.1, 2.0, 300.0, 6e4], np.float16)
    t = library.array(x, "float16")
    for got, want in [
        (phi(t), phi(x)),
        (phi.grad(t), phi.grad(x)),
        (phi.prox(t, 0.4), phi.prox(x, 0.4)),
        (library.derivative(phi)(t), phi.grad(x)),
        (library.derivative(phi.grad)(t), pieces.curvature(phi, x)),
    ]:
        assert got.dtype == t.dtype
        with np.errstate(over="ignore"):
            np.testing.assert_allclose(np.asarray(got), np.asarray(want, np.float16), rtol=2e-3)
    assert np.all(np.isfinite(np.asarray(library.derivative(lambda z: phi.prox(z, 0.4))(t))))


@quadratic
def test_float32_has_derivatives_where_its_squares_overflow(library, phi):
    x = np.array([-1e30, -1e20, 1e20, 1e30], np.float32)
    t = library.array(x, "float32")
    np.testing.assert_allclose(np.asarray(library.derivative(phi)(t)), phi.grad(x), rtol=1e-6)
    assert np.all(np.isfinite(np.asarray(library.derivative(lambda z: phi.prox(z, 0.4))(t))))


@pytest.mark.filterwarnings("ignore:Dynamo detected a call to a `functools.lru_cache`", "ignore::DeprecationWarning")
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("phi", [WEEP(10.0, 0.1), L1(), CappedL1(0.33)], ids=repr)
def test_torch_compiles_the_whole_graph(phi, backend):
    torch = pytest.importorskip("torch")
    phi = type(phi)(**vars(phi)) if not isinstance(phi, WEEP) else WEEP(phi.a, phi.b, 1.5)  # its pieces are not cached
    x = np.linspace(-3, 3, 60)
    for method in (phi, phi.grad, lambda z: phi.prox(z, 0.4), lambda z: phi.prox(z, 4.0)):
        torch._dynamo.reset()
        compiled = torch.compile(method, fullgraph=True, backend=backend)
        t = torch.tensor(x, requires_grad=True)
        got = compiled(t)
        np.testing.assert_allclose(got.detach().numpy(), method(x), rtol=1e-12, atol=1e-14)
        (slope,) = torch.autograd.grad(got.sum(), t)
        (want,) = torch.autograd.grad(method(t).sum(), t)
        torch.testing.assert_close(slope, want)


def test_out_is_for_numpy(library):
    t = library.array([1.0])
    for call in (lambda: L2()(t, out=t), lambda: L2().grad(t, out=t), lambda: L2().prox(t, 1.0, out=t)):
        with pytest.raises(TypeError, match="out is for NumPy arrays"):
            call()


def test_what_has_no_kernel_says_so(library):
    t = library.array([1.0])
    for call in (lambda: L0()(t), lambda: LogSum(1.0).grad(t), lambda: LogSum(1.0).prox(t, 1.0)):
        with pytest.raises(TypeError, match="for NumPy arrays only"):
            call()
    with pytest.raises(TypeError, match="x must hold real numbers"):
        L2()(library.array([1.0], "complex64"))
    with pytest.raises(ValueError, match=r"step=1\.3 must be at most 5/4 for Tukey"):
        Tukey().prox(t, 1.3)
    with pytest.raises(ValueError, match="step must be a Python float for CappedL1"):
        CappedL1(1.0).prox(t, t[0])


@pytest.mark.parametrize("library_name", ["torch", "jax"])
def test_libraries_are_not_imported_by_the_package(library_name):
    if importlib.util.find_spec(library_name) is None:
        pytest.skip(f"{library_name} is not installed")
    code = f"import sys, weep; weep.L2()([1.0]); sys.exit({library_name!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
