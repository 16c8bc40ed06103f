"""A small training in JAX: fixed cosine filters, a learned weight for each, and a potential that is learned too.

The training of the package, `weep.learned.train`, learns the filters as well, and needs PyTorch.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks import extra
from ..penalties import LearnableWEEP

with extra("jax", "the small training"):
    import jax
    import jax.numpy as jnp

__all__ = ["POTENTIALS", "denoiser", "knots", "train"]

Array = NDArray[Any]
SIGMA = 25 / 255
SIDE = 5

#: The largest curvature that a potential may have. A gradient method needs a step below its inverse.
STEEPEST = 64.0


def knots() -> Array:
    """Where the pieces of the free potential meet, in units of σ: fine near zero."""
    return np.concatenate([np.linspace(0, 0.5, 11), np.linspace(0.75, 4, 14)])


def _curvature(p: Any) -> Any:
    """Between −1, which keeps the problem convex, and `STEEPEST`."""
    return -1 + (STEEPEST + 1) * jax.nn.sigmoid(p)


def _weep(p: Any, u: Any) -> Any:
    a = STEEPEST * jax.nn.sigmoid(p[0])
    return LearnableWEEP.of_free(jnp.log(a), p[1]).grad(u)


def _huber(p: Any, u: Any) -> Any:
    return STEEPEST * jax.nn.sigmoid(p[0]) * jnp.clip(u, -1, 1)


def _l1(p: Any, u: Any) -> Any:
    return STEEPEST * jnp.clip(u, -0.02, 0.02)  # as steep as is allowed: the difference to a kink is not seen


def _log(p: Any, u: Any) -> Any:
    return 8 * jax.nn.sigmoid(p[0]) * u / (1 + u * u)  # log(1 + u²), whose curvature falls to -1/8 of that at zero


def _free(p: Any, u: Any) -> Any:
    at = jnp.asarray(knots())
    heights = jnp.concatenate([jnp.zeros(1), jnp.cumsum(_curvature(p) * jnp.diff(at))])
    return jnp.sign(u) * jnp.interp(jnp.abs(u), at, heights)


#: Name → slope of the potential in units of its scale, and the parameters at the start.
POTENTIALS: dict[str, tuple[Callable[[Any, Any], Any], list[float]]] = {
    "WEEP": (_weep, [-1.0, -2.0]),
    "log": (_log, [0.0]),
    "Huber": (_huber, [-1.0]),
    "L1": (_l1, [0.0]),
    "free": (_free, [-2.0] * 5 + [-4.0] * 19),
}


def _filters(weights: Any) -> Any:
    """The bank, of norm at most 1 on a grid of frequencies."""
    n = np.arange(SIDE)
    waves = np.cos(np.pi * (2 * n + 1) * n[:, None] / (2 * SIDE))
    basis = np.einsum("ui,vj->uvij", waves, waves).reshape(-1, SIDE, SIDE)[1:]
    basis /= np.linalg.norm(basis, axis=(1, 2), keepdims=True)
    response = np.abs(np.fft.rfft2(basis, (32, 32))) ** 2
    energy = jnp.exp(2 * weights)[:, None, None]
    return jnp.asarray(basis) * jnp.sqrt(energy / jnp.max(jnp.sum(energy * jnp.asarray(response), 0)))


def _analyse(x: Any, bank: Any) -> Any:
    """All filters at all pixels, of shape (filters, pictures, height, width): a product with patches, quicker here."""
    (height, width), extended = x.shape[1:], jnp.pad(x, ((0, 0), *[(SIDE // 2,) * 2] * 2), "symmetric")
    shifts = [extended[:, i : i + height, j : j + width] for i in range(SIDE) for j in range(SIDE)]
    return jnp.tensordot(bank.reshape(len(bank), -1).astype(x.dtype), jnp.stack(shifts), 1)


def _gradient(x: Any, y: Any, parameters: Any, slope: Callable[[Any, Any], Any]) -> Any:
    bank, s = _filters(parameters["weights"]), SIGMA * jnp.exp(parameters["scale"])
    u, back = jax.vjp(lambda x: _analyse(x, bank), x)
    return x - y + back(s * slope(parameters["potential"], u / s))[0]


def _solve(y: Any, parameters: Any, slope: Callable[[Any, Any], Any], steps: int) -> Any:
    """Accelerated gradient with restart."""

    def step(_: Any, state: Any) -> Any:
        x, v, theta = state
        g = _gradient(v, y, parameters, slope)
        after = v - g / (1 + STEEPEST)
        again = jnp.vdot(g, after - x) > 0
        following = (1 + jnp.sqrt(1 + 4 * theta**2)) / 2
        ahead = after + (theta - 1) / following * (after - x) + 0.85 * theta / following * (after - v)
        return after, jnp.where(again, after, ahead), jnp.where(again, 1.0, following)

    return jax.lax.fori_loop(0, steps, step, (y, y, jnp.ones((), y.dtype)))[0]


def train(
    name: str, images: Sequence[Array], *, steps: int = 100, batch: int = 8, patch: int = 32, seed: int = 0
) -> dict[str, Any]:
    """Learn the weights and one of the `POTENTIALS` at the noise 25/255, by the derivative of the minimum.

    Parameters
    ----------
    name : str
        Of the potential.
    images : sequence of ndarray
        Clean grey pictures.
    steps, batch, patch : int, optional
        Steps of Adam, patches in each, and their side.
    seed : int, optional
        Of patches and noise.

    Returns
    -------
    dict
        ``weights``, ``scale`` and ``potential``.
    """
    slope, start = POTENTIALS[name]
    parameters = {"weights": jnp.zeros(SIDE**2 - 1), "scale": jnp.zeros(()), "potential": jnp.array(start)}

    @jax.jit
    def direction(parameters: Any, y: Any, clean: Any) -> Any:
        x = _solve(y, parameters, slope, 40)
        error = x - clean
        pull = 2 * error / jnp.sum(error**2)

        def curved(d: Any) -> Any:
            return jax.jvp(lambda x: _gradient(x, y, parameters, slope), (x,), (d,))[1]

        q, _ = jax.scipy.sparse.linalg.cg(curved, pull, tol=1e-2, maxiter=20)
        return jax.grad(lambda p: -jnp.vdot(q, _gradient(x, y, p, slope)))(parameters)

    rng = np.random.default_rng(seed)
    first = second = jax.tree.map(jnp.zeros_like, parameters)
    for i in range(1, steps + 1):
        clean = np.array([_patch(images, patch, rng) for _ in range(batch)])
        y = clean + SIGMA * rng.standard_normal(clean.shape)
        g = direction(parameters, jnp.asarray(y), jnp.asarray(clean))
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, g)
        second = jax.tree.map(lambda m, g: 0.99 * m + 0.01 * g * g, second, g)
        rate = 0.1 * min(1, i / 10) * (1 + math.cos(math.pi * i / steps)) / 2
        parameters = jax.tree.map(
            lambda p, m, v, i=i, rate=rate: p - rate * (m / (1 - 0.9**i)) / (jnp.sqrt(v / (1 - 0.99**i)) + 1e-12),
            parameters,
            first,
            second,
        )
    return parameters


def _patch(images: Sequence[Array], side: int, rng: np.random.Generator) -> Array:
    image = images[int(rng.integers(len(images)))]
    row, column = (int(rng.integers(n - side + 1)) for n in image.shape)
    return image[row : row + side, column : column + side]


def denoiser(name: str, parameters: dict[str, Any], steps: int = 80) -> Callable[[Array], Array]:
    """A function that denoises a picture with noise of 25/255 by what `train` returned."""
    solve = jax.jit(lambda y: _solve(y[None], parameters, POTENTIALS[name][0], steps)[0])
    return lambda y: np.asarray(solve(jnp.asarray(y)))
