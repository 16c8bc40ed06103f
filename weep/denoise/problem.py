"""Problem (11): its objective, its gradient, and what solvers ask about it."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import compiled
from ..checks import floating
from ..operators import differences, norm_squared
from ..penalties import Penalty
from ..penalties.base import BLOCK, Piece
from .units import norm

#: Entries of a band: what suits elementwise kernels suits the sums over them.
BAND = BLOCK

#: Smaller signals are solved as fast in numpy, and do not wait for a compiler.
WORTH_COMPILING = 256

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Problem:
    """The objective (11) of one signal, and the step of ADMM if it is given."""

    y: Array
    phi: Penalty
    lam: float
    rho: float | None = None

    def __post_init__(self) -> None:
        least = self.lam * self.phi.weak_convexity
        if self.rho is not None and self.rho <= least:
            raise ValueError(
                f"rho={self.rho!r} must be greater than lam * weak_convexity = {least!r}: the z-step has two minima"
            )

    @property
    def trivial(self) -> bool:
        """Whether the data are the solution: without weight, or if they are zero."""
        return self.lam == 0 or self.scale == 0

    @property
    def convex(self) -> bool:
        """Whether the objective is convex."""
        return is_convex(self.phi, self.lam, self.y.shape)

    @property
    def smooth(self) -> bool:
        """Whether the objective is differentiable."""
        return math.isfinite(self.phi.lipschitz)

    @property
    def lipschitz(self) -> float:
        """Lipschitz constant of the gradient: 1 + λ L ‖D‖²."""
        return 1 + self.lam * self.phi.lipschitz * norm_squared(self.y.shape)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The pieces of φ for x ≥ 0; none if it is not piecewise quadratic."""
        return self.phi.pieces

    @cached_property
    def step(self) -> float:
        """Step ρ of ADMM."""
        return admm_step(self.y, self.phi, self.lam) if self.rho is None else self.rho

    @cached_property
    def scale(self) -> float:
        """The norm of the data, which residuals are relative to."""
        return norm([self.y])

    @property
    def rounding(self) -> float:
        """What rounding may leave of a relative residual: its terms are as much larger than the data as curvatures.

        Measured in single precision: up to 0.18 of this product on pictures and signals, and 0.31 in ADMM with Tukey.
        """
        largest = self.lipschitz if self.smooth else 1 + self.step * norm_squared(self.y.shape)
        return 0.25 * float(np.finfo(self.y.dtype).eps) * largest

    @cached_property
    def fused(self) -> ModuleType | None:
        """Compiled kernels for this problem, or None."""
        small = self.y.size < WORTH_COMPILING or self.y.ndim > 3
        return None if small or self.phi.hubers is None else compiled.kernels("weep.denoise.fused")

    @property
    def number(self) -> Callable[[float], Any]:
        """What makes a number that compiled kernels take with the data; they are called faster with Python's own."""
        return float if self.y.dtype == np.float64 else self.y.dtype.type

    @property
    def scalars(self) -> tuple[Any, ...]:
        """What the compiled kernels want to know of φ and λ."""
        assert self.phi.hubers is not None
        a, x1, x2 = self.phi.hubers
        largest = 1e30  # a number in single precision, and no difference reaches it
        return tuple(map(self.number, (a, min(x1, largest), min(x2, largest), self.lam)))

    def value(self, x: Array, parts: list[Array]) -> float:
        """Objective at x, with Dx given."""
        return norm([self.y - x]) ** 2 / 2 + self.lam * sum(total(self.phi, part) for part in parts)

    def slopes(self, d: Array) -> tuple[Array, float]:
        """λφ'(d), and the sum of λφ(d)."""
        if self.phi.hubers is None:
            return self.lam * self.phi.grad(d), self.lam * total(self.phi, d)
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


def total(phi: Penalty, d: Array) -> float:
    """Σ φ(d), in double precision."""
    return float(np.sum(phi(d.astype(np.float64, copy=False))))


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

    Examples
    --------
    >>> import numpy as np
    >>> from weep import L1
    >>> from weep.denoise import objective
    >>> objective(np.array([0.0, 1.0]), np.array([0.0, 2.0]), L1(), lam=0.5)
    1.0
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
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

    Examples
    --------
    >>> from weep import WEEP
    >>> from weep.denoise import is_convex
    >>> is_convex(WEEP(30.0, 0.0), 0.125, (64, 64)), is_convex(WEEP(30.0, 0.0), 0.2, (64, 64))
    (True, False)
    """
    return lam * phi.weak_convexity * norm_squared(shape) <= 1


def admm_step(y: Array, phi: Penalty, lam: float) -> float:
    """Step ρ of ADMM for (11).

    A differentiable penalty that is not convex gets 2.2 λ times its weak convexity. At twice that product the
    oscillating part of the iteration stops to grow (the chapter on the prox derives it); the tenth on top makes it
    decay. Others get the secant λφ'(s)/s at the root mean square s of Dy, and eight times that if they have a kink:
    on images and signals, this was measured to be within a factor two of the best. Beyond 1/ε of the type of the data,
    rounding would lose the identity of I + ρDᵀD.

    Parameters
    ----------
    y : ndarray
        The data.
    phi : Penalty
        Of finite weak convexity.
    lam : float
        Weight λ > 0.

    Returns
    -------
    float
        ρ > 0.

    Examples
    --------
    >>> import numpy as np
    >>> from weep import WEEP
    >>> from weep.denoise import admm_step
    >>> round(admm_step(np.array([0.0, 2.0, 1.0]), WEEP(10.0, 0.1), lam=0.5), 2)
    1.1
    """
    y, least = floating("y", y), 2.2 * lam * phi.weak_convexity
    kinked = math.isinf(phi.lipschitz)
    if least > 0 and not kinked:
        return least
    parts = differences(y)
    s = norm(parts) / math.sqrt(sum(part.size for part in parts))
    secant = float(phi.grad(s)) / s if s > 0 else 0.0
    most = 1 / float(np.finfo(y.dtype).eps)
    return max(least, min(most, lam * secant * (8 if kinked else 1))) or lam
