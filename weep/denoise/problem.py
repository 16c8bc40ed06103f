"""Problem (11): its objective, its gradient, and what solvers ask about it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import compiled
from ..checks import floating
from ..operators import adjoint, cuts, differences, norm_squared, ratio, within
from ..penalties import Penalty
from ..penalties.base import BLOCK, Piece
from ..penalties.pieces import prox
from .units import inner, norm, total

#: Entries of a band: what suits elementwise kernels suits the sums over them.
BAND = BLOCK

#: Smaller signals are solved as fast in numpy, and do not wait for a compiler.
WORTH_COMPILING = 256

Array = NDArray[Any]
Band = tuple[slice, ...]


@dataclass(frozen=True, eq=False)
class Problem:
    """The objective (11) of one signal, and the step of ADMM if it is given.

    ``lam`` is the largest λ. Where they differ, ``lams`` has those of the differences along each axis, or, if lengths
    of gradients are penalised (``isotropic``), those of the entries. Channels that share a length stand on a first
    axis, without differences along it.
    """

    y: Array
    phi: Penalty
    lam: float
    rho: float | None = None
    lams: tuple[Array, ...] | None = None
    weights: Array | None = None
    isotropic: bool = False
    channels: bool = False

    def __post_init__(self) -> None:
        if self.rho is not None and self.rho <= (least := self.lam * self.phi.weak_convexity):
            raise ValueError(
                f"rho={self.rho!r} must be greater than lam * weak_convexity = {least!r}: the z-step has two minima"
            )

    @property
    def axes(self) -> range:
        """The axes that have differences."""
        return range(int(self.channels), self.y.ndim)

    @property
    def uniform(self) -> bool:
        """Whether there are no weights, and one λ."""
        return self.weights is None and self.lams is None

    @property
    def trivial(self) -> bool:
        """Whether the data are the solution: without weight, or if they are zero."""
        return self.lam == 0 or self.scale == 0

    @cached_property
    def norm_squared(self) -> float:
        """‖D‖²."""
        return norm_squared(self.y.shape[int(self.channels) :])

    @property
    def convex(self) -> bool:
        """Whether the objective is certainly convex: by `is_convex`, or by the weights of each entry."""
        concave = self.lam * self.phi.weak_convexity
        if self.uniform or concave == 0:
            return concave * self.norm_squared <= 1
        weights = np.ones((), self.y.dtype) if self.weights is None else self.weights
        if concave * self.norm_squared <= weights.min():
            return True
        return math.isfinite(concave) and bool(np.all(self.phi.weak_convexity * self.degrees <= weights))

    @property
    def edges(self) -> list[Any]:
        """The λ of the differences along each axis, also where they are those of lengths."""
        if not self.isotropic:
            return list(self.strengths)
        (lam,) = self.strengths
        return [lam[cuts(axis)[0]] if np.ndim(lam) else lam for axis in self.axes]

    @cached_property
    def degrees(self) -> Array:
        """Twice the sum of the λ at each entry: a diagonal above Dᵀ diag(λ) D, as (r − s)² ≤ 2r² + 2s²."""
        total = np.zeros(self.y.shape)
        for axis, lam in zip(self.axes, self.edges, strict=True):
            low, high = cuts(axis)
            total[low] += lam
            total[high] += lam
        return 2 * total

    @property
    def strengths(self) -> tuple[Any, ...]:
        """The λ of the differences along each axis, or, of lengths, one item."""
        return self.lams or (self.lam,) * (1 if self.isotropic else len(self.axes))

    @property
    def smooth(self) -> bool:
        """Whether the objective is differentiable."""
        return math.isfinite(self.phi.lipschitz)

    @cached_property
    def lipschitz(self) -> float:
        """Lipschitz constant of the gradient, or a bound: 1 + λ L ‖D‖² without weights."""
        bend = self.phi.lipschitz
        most = 1 if self.weights is None else float(self.weights.max())
        if self.uniform:
            return most + self.lam * bend * self.norm_squared
        by_entry = np.max((1 if self.weights is None else self.weights) + bend * self.degrees)
        return min(most + self.lam * bend * self.norm_squared, float(by_entry))

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """The pieces of φ for x ≥ 0; none if it is not piecewise quadratic: every method asks."""
        return self.phi.pieces

    @cached_property
    def hubers(self) -> tuple[float, float, float] | None:
        """Those of φ: asked for in every step."""
        return self.phi.hubers

    @cached_property
    def step(self) -> float:
        """Step ρ of ADMM."""
        return admm_step(self.y, self.phi, self.lam, self.axes) if self.rho is None else self.rho

    @cached_property
    def scale(self) -> float:
        """The norm of the weighted data, which residuals are relative to."""
        return norm([self.weighted(self.y)])

    @property
    def unit(self) -> float:
        """The scale over the norm of the data: what a typical weight is."""
        return 1.0 if self.weights is None else self.scale / norm([self.y])

    @property
    def rounding(self) -> float:
        """What rounding may leave of a relative residual: its terms are as much larger than the data as curvatures.

        Measured in single precision: up to 0.18 of this product on pictures and signals, and 0.31 in ADMM with Tukey.
        """
        largest = self.lipschitz if self.smooth else self.unit + self.step * self.norm_squared
        return 0.25 * float(np.finfo(self.y.dtype).eps) * largest / self.unit

    @cached_property
    def fused(self) -> ModuleType | None:
        """Compiled kernels for this problem, or None."""
        small = self.y.size < WORTH_COMPILING or len(self.axes) > 3
        return None if small or self.hubers is None else compiled.kernels("weep.denoise.fused")

    def differences(self, x: Array) -> list[Array]:
        """Dx."""
        return differences(x, self.axes)

    def adjoint(self, parts: Sequence[Array]) -> Array:
        """Dᵀp."""
        return adjoint(parts, self.axes)

    def weighted(self, r: Array) -> Array:
        """Each entry times its weight."""
        return r if self.weights is None else self.weights * r

    def lengths(self, parts: Sequence[Array], shape: Sequence[int]) -> Array:
        """The length of the forward differences at each entry of an array of that shape, over its channels."""
        squares = np.zeros(shape, parts[0].dtype)
        for part in parts:
            squares[within(part)] += part * part
        return np.sqrt(squares.sum(0, keepdims=True) if self.channels else squares)

    def value(self, x: Array, parts: Sequence[Array]) -> float:
        """Objective at x, with Dx given."""
        r = self.y - x
        fidelity = norm([r]) ** 2 if self.weights is None else inner(self.weights * r, r)
        arguments = [self.lengths(parts, x.shape)] if self.isotropic else parts
        costs = (total(self.phi, part, lam) for part, lam in zip(arguments, self.strengths, strict=True))
        return fidelity / 2 + sum(costs)

    def shrink(self, parts: Sequence[Array], rho: float) -> list[Array]:
        """The prox of the penalty over ρ: of differences, or of the lengths of the vectors that they make."""
        if not self.isotropic:
            return [self._prox(part, lam, rho) for part, lam in zip(parts, self.strengths, strict=True)]
        r = self.lengths(parts, self.y.shape)
        factor = ratio(self._prox(r, self.strengths[0], rho), r)
        return [factor[within(part)] * part for part in parts]

    def _prox(self, z: Array, lam: Any, rho: float) -> Array:
        if self.lams is None:
            return self.phi.prox(z, lam / rho)
        return prox(self.pieces, self.phi.weak_convexity, z, (lam / rho).astype(z.dtype))

    def slopes(self, d: Array, lam: Any) -> tuple[Array, float]:
        """λφ'(d), and the sum of λφ(d)."""
        if self.hubers is None:
            return lam * self.phi.grad(d), total(self.phi, d, lam)
        a, x1, x2 = self.hubers
        inner, outer = np.clip(d, -x1, x1), np.clip(d, -x2, x2)
        rest = np.subtract(outer, inner)
        rest *= lam
        slopes = (lam * a) * inner
        slopes -= rest
        twice = 2 * np.vdot(slopes, d) - np.vdot(slopes, inner) + np.vdot(rest, outer)
        return slopes, float(twice) / 2

    def forces(
        self, parts: Sequence[Array], shape: Sequence[int], band: tuple[slice, ...]
    ) -> tuple[list[Array], float]:
        """The gradient of the penalty by its differences, and the penalty, in a band of that shape."""
        lams = self.strengths if self.lams is None else [lam[band] for lam in self.lams]
        if not self.isotropic:
            found = [self.slopes(part, lam) for part, lam in zip(parts, lams, strict=True)]
            return [slopes for slopes, _ in found], sum(cost for _, cost in found)
        r = self.lengths(parts, shape)
        slopes, cost = self.slopes(r, lams[0])
        factor = ratio(slopes, r)
        return [factor[within(part)] * part for part in parts], cost

    def bands(self, x: Array) -> Iterator[tuple[Band, float, Array]]:
        """The objective and its gradient at x, in bands of entries along the first axis of D that fit the cache."""
        first, *others = self.axes
        before = (slice(None),) * first
        n, inflow = x.shape[first], np.zeros_like(x.take([0], first))
        height = max(1, BAND * n // x.size)
        for start in range(0, n, height):
            band = (*before, slice(start, min(start + height, n)))
            here = x[band]
            residual = here - self.y[band]
            gradient = residual if self.weights is None else self.weights[band] * residual
            cost = float(np.vdot(gradient, residual)) / 2
            # Along the first axis, the last difference crosses to the next band.
            parts = [np.diff(x[(*before, slice(start, start + height + 1))], axis=first)]
            parts += [np.diff(here, axis=axis) for axis in others]
            (down, *across), costs = self.forces(parts, here.shape, band)
            cost += costs
            for axis, slopes in zip(others, across, strict=True):
                low, high = cuts(axis)
                gradient[low] -= slopes
                gradient[high] += slopes
            rows = down.shape[first]
            gradient[(*before, slice(1))] += inflow
            gradient[(*before, slice(rows))] -= down
            gradient[(*before, slice(1, None))] += down[(*before, slice(gradient.shape[first] - 1))]
            inflow = down[(*before, slice(-1, None))] if rows else inflow
            yield band, cost, gradient

    def evaluate(self, x: Array) -> tuple[float, Array]:
        """Objective and gradient at x."""
        gradient, value = np.empty_like(x), 0.0
        for band, cost, part in self.bands(x):
            gradient[band] = part
            value += cost
        return value, gradient


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


def admm_step(y: Array, phi: Penalty, lam: float, axes: Sequence[int] | None = None) -> float:
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
    axes : sequence of int, optional
        The axes that have differences: all by default.

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
    parts = differences(y, axes)
    s = norm(parts) / math.sqrt(sum(part.size for part in parts))
    secant = float(phi.grad(s)) / s if s > 0 else 0.0
    most = 1 / float(np.finfo(y.dtype).eps)
    return max(least, min(most, lam * secant * (8 if kinked else 1))) or lam
