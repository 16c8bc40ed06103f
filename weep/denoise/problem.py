"""Problem (11): its objective, its gradient, and what a solver reports about it."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import compiled
from ..operators import differences, norm_squared
from ..penalties import Penalty
from ..penalties.base import BLOCK

#: Entries of a band: what suits elementwise kernels suits the sums over them.
BAND = BLOCK

#: Smaller signals are solved as fast in numpy, and do not wait for a compiler.
WORTH_COMPILING = 256

Array = NDArray[Any]
Callback = Callable[[int, Array], object]


@dataclass(frozen=True)
class Result:
    """What a solver of (11) found.

    Attributes
    ----------
    x : ndarray
        The denoised signal, of the shape and floating dtype of the data.
    objective : float
        Objective (11) at ``x``.
    n_iter : int
        Iterations made: 0 for a closed form.
    converged : bool
        Whether the residual reached the tolerance.
    history : ndarray of shape (n_iter, 2)
        Objective and residual after each iteration.
    method : str
        The method that was used.
    certificate : {"global", "stationary", "none"}
        What is known of ``x``, up to the tolerance: ``global`` is a global minimum (the objective is convex, by
        `is_convex`, or the method is exact), ``stationary`` a point where no direction descends to first order,
        and ``none`` says that the solver did not converge.
    """

    x: Array
    objective: float
    n_iter: int
    converged: bool
    history: NDArray[np.float64]
    method: str
    certificate: str


@dataclass(frozen=True)
class Problem:
    """The objective (11) of one signal."""

    y: Array
    phi: Penalty
    lam: float

    @property
    def lipschitz(self) -> float:
        """Lipschitz constant of the gradient: 1 + λ L ‖D‖²."""
        return 1 + self.lam * self.phi.lipschitz * norm_squared(self.y.shape)

    @cached_property
    def fused(self) -> ModuleType | None:
        """Compiled kernels for this problem, or None."""
        small = self.y.size < WORTH_COMPILING or self.y.ndim > 3
        return None if small or self.phi.hubers is None else compiled.kernels("weep.denoise.fused")

    @cached_property
    def scalars(self) -> tuple[Any, ...]:
        """What the compiled kernels want to know of φ and λ, in the type of the data."""
        assert self.phi.hubers is not None
        return tuple(map(self.y.dtype.type, (*self.phi.hubers, self.lam)))

    def value(self, x: Array, parts: list[Array]) -> float:
        """Objective at x, with Dx given."""
        fidelity = float(np.sum((self.y - x) ** 2, dtype=np.float64)) / 2
        return fidelity + self.lam * sum(float(np.sum(self.phi(part), dtype=np.float64)) for part in parts)

    def slopes(self, d: Array) -> tuple[Array, float]:
        """λφ'(d), and the sum of λφ(d)."""
        if self.phi.hubers is None:
            return self.lam * self.phi.grad(d), self.lam * float(np.sum(self.phi(d), dtype=np.float64))
        a, x1, x2 = self.phi.hubers
        inner, outer = np.clip(d, -x1, x1), np.clip(d, -x2, x2)
        rest = np.subtract(outer, inner)
        rest *= self.lam
        slopes = (self.lam * a) * inner
        slopes -= rest
        twice = 2 * np.vdot(slopes, d) - np.vdot(slopes, inner) + np.vdot(rest, outer)
        return slopes, float(twice) / 2

    def bands(self, x: Array) -> Iterator[tuple[slice, float, Array]]:
        """The objective and its gradient at x, in bands of entries along the first axis that fit the cache."""
        n, inflow = len(x), np.zeros(x.shape[1:], x.dtype)
        height = max(1, BAND * n // x.size)
        for start in range(0, n, height):
            band = slice(start, min(start + height, n))
            here = x[band]
            gradient = here - self.y[band]
            cost = float(np.vdot(gradient, gradient)) / 2
            for axis in range(x.ndim):
                # Along the first axis, the last difference crosses to the next band.
                part = here if axis else x[start : band.stop + 1]
                low, high = ((slice(None),) * axis + (cut,) for cut in (slice(None, -1), slice(1, None)))
                slopes, costs = self.slopes(part[high] - part[low])
                cost += costs
                if axis:
                    gradient[low] -= slopes
                    gradient[high] += slopes
                else:
                    gradient[0] += inflow
                    gradient[: len(slopes)] -= slopes
                    gradient[1:] += slopes[: len(gradient) - 1]
                    inflow = slopes[-1] if len(slopes) else inflow
            yield band, cost, gradient

    def evaluate(self, x: Array) -> tuple[float, Array]:
        """Objective and gradient at x."""
        gradient, value = np.empty_like(x), 0.0
        for band, cost, part in self.bands(x):
            gradient[band] = part
            value += cost
        return value, gradient


class Trace:
    """The history of a run: it measures residuals, calls back, and says when to stop."""

    def __init__(self, y: Array, tol: float, max_iter: int, callback: Callback | None) -> None:
        self.scale = norm([y - y.mean()])
        self.tol, self.max_iter, self.callback = tol, max_iter, callback
        self.rows: list[tuple[float, float]] = []
        self.converged = False

    def record(self, x: Array, value: float, residual: float) -> bool:
        """Note an iterate, its objective and the norm of its residual; return whether it is the last one."""
        relative = residual / self.scale if self.scale > 0 else 0.0
        self.rows.append((value, relative))
        self.converged = relative <= self.tol
        if self.callback is not None:
            self.callback(len(self.rows), x.copy())  # compiled kernels use the memory again
        return self.converged or len(self.rows) >= self.max_iter


def norm(parts: Sequence[Array]) -> float:
    """Euclidean norm of all entries together."""
    return math.sqrt(sum(float(np.vdot(part, part)) for part in parts))


def objective(x: Array, y: Array, phi: Penalty, lam: float) -> float:
    """Objective (11).

    Parameters
    ----------
    x, y : ndarray
        A candidate and the data, of one shape.
    phi : Penalty
        The penalty.
    lam : float
        Weight λ.

    Returns
    -------
    float
        ‖y − x‖²/2 + λ Σ φ((Dx)_i), summed in double precision.
    """
    return Problem(y, phi, lam).value(x, differences(x))


def is_convex(phi: Penalty, lam: float, shape: Sequence[int]) -> bool:
    r"""Whether (11) is convex, for every y.

    Parameters
    ----------
    phi : Penalty
        The penalty, with its best modulus of weak convexity w.
    lam : float
        Weight λ ≥ 0.
    shape : sequence of int
        Shape of the signals.

    Returns
    -------
    bool
        Whether :math:`\lambda\, w\, \|D\|^2 \le 1`.

    Notes
    -----
    Sufficient: :math:`\phi + \frac w2 x^2` is convex, so (11) is a convex function plus the quadratic
    :math:`\frac12\|x\|^2 - \frac{\lambda w}2\|Dx\|^2`, which is convex under the condition. Necessary: on the ramp
    :math:`x = t\,(i_1 + \dots + i_d)` all differences are t. Where φ has curvature −w at t, the Hessian there is
    :math:`I - \lambda w D^\top D`. WEEP has it between :math:`x_1` and :math:`x_2`, hence the condition on λ alone.
    """
    return lam * phi.weak_convexity * norm_squared(shape) <= 1
