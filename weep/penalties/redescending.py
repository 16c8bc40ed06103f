"""Smooth losses whose derivative returns to zero: Tukey's biweight."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray
from scipy.optimize.elementwise import find_root

from ..checks import positive
from .base import Penalty


@dataclass(frozen=True)
class Tukey(Penalty):
    r"""Tukey's biweight: φ'(x) = x (1 − (x/c)²)² up to c, and 0 beyond; the plateau is c²/6.

    Parameters
    ----------
    c : float, optional
        Width c > 0. The default has 95 % efficiency for Gaussian residuals of unit variance.

    Notes
    -----
    The second derivative, (1 − v)(1 − 5v) with v = (x/c)², is 1 at zero and least, −4/5, at v = 3/5: these are the two
    constants. The prox solves a quintic, by bracketed root finding on each stretch where x + step·φ'(x) increases;
    from step 5/4 on there are two such stretches, and the better of their two points is returned. Arrays of PyTorch,
    JAX and other libraries are taken too; for them the prox goes up to step 5/4, and is differentiable.

    References
    ----------
    A. E. Beaton, J. W. Tukey, "The fitting of power series, meaning polynomials, illustrated on band-spectroscopic
    data", Technometrics 16(2), 1974.

    Examples
    --------
    >>> from weep import Tukey
    >>> Tukey(c=3.0).grad([0.5, 2.0, 4.0]).round(2)
    array([0.47, 0.62, 0.  ])
    """

    c: float = 4.685

    def __post_init__(self) -> None:
        object.__setattr__(self, "c", positive("c", self.c))

    @property
    def lipschitz(self) -> float:
        """1: the second derivative at 0."""
        return 1.0

    @property
    def weak_convexity(self) -> float:
        """4/5: minus the least second derivative."""
        return 0.8

    def _value(self, x: NDArray[Any]) -> NDArray[Any]:
        v = array_namespace(x).clip(x / self.c, -1, 1) ** 2
        return (self.c**2 / 6) * v * (3 - v * (3 - v))

    def _grad(self, x: NDArray[Any]) -> NDArray[Any]:
        inner = array_namespace(x).clip(x, -self.c, self.c)
        u = inner / self.c
        return inner * ((1 - u) * (1 + u)) ** 2

    # Two of the kernels are made of operations that every array library has; the prox of NumPy's needs a root finder.
    def _foreign_value(self, x: Any) -> Any:
        return self._value(x)

    def _foreign_grad(self, x: Any) -> Any:
        return self._grad(x)

    def _foreign_prox(self, z: Any, step: Any) -> Any:
        if isinstance(step, float) and step > 1.25:
            raise ValueError(
                f"step={step!r} must be at most 5/4 for {self!r}: beyond, the prox jumps, for NumPy arrays only"
            )
        xp = array_namespace(z)
        y = z / self.c
        # Halving from fixed ends has no derivative. The Newton step after it has the right one.
        low, high = xp.full_like(y, -1.0), xp.full_like(y, 1.0)
        for _ in range(55):
            middle = (low + high) / 2
            above = _optimality(middle, step) > y
            low, high = xp.where(above, low, middle), xp.where(above, middle, high)
        v = low * low
        u = low - (_optimality(low, step) - y) / (1 + step * (1 - v) * (1 - 5 * v))
        return xp.where(xp.abs(y) < 1, self.c * u, z)

    def _prox(self, z: NDArray[Any], step: float) -> NDArray[Any]:
        y = np.abs(np.asarray(z, dtype=np.float64)) / self.c
        u = y.copy()  # right beyond the plateau, for NaN and for infinities
        inside = y < 1
        u[inside] = _prox_unit(y[inside], step)
        if step > 1.25:
            # Some y beyond the plateau are still better served by the inner stretch.
            turn = _turns(step)[0]
            both = (y >= 1) & (y <= _optimality(turn, step))
            low = _increasing_root(y[both], 0.0, turn, step)
            u[both] = np.where(_cost(low, y[both], step) <= _cost(y[both], y[both], step), low, y[both])
        # A long double beyond the plateau keeps its digits, and its range.
        return np.where(u == y, z, np.copysign(u * self.c, z).astype(z.dtype))


# The unit problem: c = 1, and u, y ≥ 0.


def _optimality(u: Any, step: float) -> Any:
    """u + step·φ'(u) for u ≤ 1, which the prox sets equal to y."""
    return u * (1 + step * ((1 - u) * (1 + u)) ** 2)


def _turns(step: float) -> tuple[float, float]:
    """Where the expression above stops to increase, and where it starts again (step > 5/4)."""
    root = math.sqrt(36 - 20 * (1 + 1 / step))
    return math.sqrt((6 - root) / 10), math.sqrt((6 + root) / 10)


def _cost(u: NDArray[Any], y: NDArray[Any], step: float) -> NDArray[Any]:
    v = np.minimum(u, 1) ** 2
    return step * v * (3 - v * (3 - v)) / 6 + (u - y) ** 2 / 2


def _increasing_root(y: NDArray[Any], low: float, high: Any, step: float) -> NDArray[Any]:
    """Solve the optimality condition on a stretch where it increases from below y to above y."""
    if y.size == 0:
        return y
    bracket = np.full_like(y, low), np.broadcast_to(high, y.shape)
    return np.asarray(find_root(lambda u, y: _optimality(u, step) - y, bracket, args=(y,)).x)


def _prox_unit(y: NDArray[Any], step: float) -> NDArray[Any]:
    if step <= 1.25:
        return _increasing_root(y, 0.0, y, step)
    first, second = _turns(step)
    near, far = y <= _optimality(first, step), y >= _optimality(second, step)
    low, high = np.full_like(y, np.nan), np.full_like(y, np.nan)
    low[near] = _increasing_root(y[near], 0.0, np.minimum(first, y[near]), step)
    high[far] = _increasing_root(y[far], second, np.maximum(second, y[far]), step)
    better = far & ~(near & (_cost(low, y, step) <= _cost(high, y, step)))
    return np.where(better, high, low)
