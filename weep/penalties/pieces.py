"""Piecewise quadratic penalties: what such a penalty states, and all that follows from it.

The constants follow from the curvatures, and from whether the slopes of neighbouring pieces agree. Value, gradient and
prox are the Taylor expansions of one piece. They are written in operations of the array API alone (no masks, no
buffers), so that PyTorch and JAX can trace and differentiate them, and NumPy can run them where a class has no faster
ones. They select whole pieces and, without a kink there, never go through ``abs`` near zero: so all derivatives are
right at zero, and, at the end of a piece, those of the inner side. At a kink at zero they are 0. A piece gets no
argument beyond its end, since what overflows there has a derivative of NaN, taken or not.
"""

import math
from abc import abstractmethod
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from .base import Penalty, Piece

__all__ = ["Piece", "PiecewiseQuadratic", "curvature"]

#: Slopes count as equal if the rounding of a few operations, and of the place where they meet, explains the difference.
ROUNDING = 16 * 2.0**-53


class PiecewiseQuadratic(Penalty):
    """A penalty that states its pieces: all else is derived.

    A subclass is a frozen dataclass that has the method ``_pieces``: start, slope and curvature of each piece, for
    x ≥ 0. The first starts at 0, the last ends at infinity, φ(0) = 0 and φ is continuous; nothing else is assumed.
    The kernels for NumPy, ``_value``, ``_grad`` and ``_prox``, may be overridden by faster ones.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from weep.penalties import PiecewiseQuadratic
    >>> @dataclass(frozen=True)
    ... class DeadZone(PiecewiseQuadratic):
    ...     width: float
    ...
    ...     def _pieces(self):
    ...         return (0.0, 0.0, 0.0), (self.width, 1.0, 0.0)
    >>> phi = DeadZone(0.5)
    >>> float(phi(2.0)), float(phi.prox(2.0, 0.25)), phi.lipschitz, phi.weak_convexity
    (1.5, 1.75, inf, 0.0)
    """

    @abstractmethod
    def _pieces(self) -> tuple[tuple[float, float, float], ...]:
        """(start, slope, curvature) of each piece, for x ≥ 0: slope and curvature just beyond the start."""

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The pieces for x ≥ 0, from zero outwards."""
        return _facts(self).pieces

    @property
    def lipschitz(self) -> float:
        """Best Lipschitz constant of φ': the largest magnitude of a curvature, ``inf`` where the derivative jumps."""
        return _facts(self).lipschitz

    @property
    def weak_convexity(self) -> float:
        """Best modulus of weak convexity: how far curvatures fall below 0, ``inf`` where the derivative jumps down."""
        return _facts(self).weak_convexity

    @property
    def hubers(self) -> tuple[float, float, float] | None:
        """(a, x1, x2) if φ is (a + 1) times the Huber loss of threshold x1 less that of threshold x2; else None."""
        return _facts(self).hubers

    def _foreign_value(self, x: Any) -> Any:
        return value(self.pieces, x)

    def _foreign_grad(self, x: Any) -> Any:
        return grad(self.pieces, x)

    def _foreign_prox(self, z: Any, step: Any) -> Any:
        if math.isinf(self.weak_convexity) and not isinstance(step, float):
            raise ValueError(f"step must be a Python float for {self!r}: its prox jumps at every step")
        return prox(self.pieces, self.weak_convexity, z, step)

    def _value(self, x: NDArray[Any]) -> NDArray[Any]:
        return value(self.pieces, x)

    def _grad(self, x: NDArray[Any]) -> NDArray[Any]:
        return grad(self.pieces, x)

    def _prox(self, z: NDArray[Any], step: float) -> NDArray[Any]:
        return prox(self.pieces, self.weak_convexity, z, step)


class Facts(NamedTuple):
    """What is derived from the pieces once."""

    pieces: tuple[Piece, ...]
    lipschitz: float
    weak_convexity: float
    hubers: tuple[float, float, float] | None


@lru_cache(1024)
def _facts(phi: PiecewiseQuadratic) -> Facts:
    # In plain arithmetic: PyTorch's compiler, which looks through the cache, traces no NumPy.
    rows = phi._pieces()
    pieces, height = [], 0.0
    for (start, slope, bend), (end, _, _) in pairwise((*rows, (math.inf, 0.0, 0.0))):
        pieces.append(Piece(start, end, height, slope, bend))
        if end < math.inf:
            t = end - start
            height += (slope + 0.5 * bend * t) * t
    rises = [2 * pieces[0].slope, *(jump(p, q) for p, q in pairwise(pieces))]
    bends = [p.curvature for p in pieces]
    lipschitz = max(map(abs, bends)) if not any(rises) else math.inf
    weak = max(0.0, -min(bends)) if min(rises) >= 0 else math.inf
    hubers = None
    if lipschitz < math.inf and bends[1:] in ([0.0], [-1.0, 0.0]):
        hubers = bends[0], pieces[1].start, pieces[-1].start
    return Facts(tuple(pieces), lipschitz, weak, hubers)


def jump(p: Piece, q: Piece) -> float:
    """By how much the slope jumps up from one piece to the next: 0 if only by rounding."""
    rise = q.slope - (p.slope + p.curvature * (p.end - p.start))
    sizes = abs(p.slope) + abs(p.curvature) * p.end + abs(q.slope)
    return rise if abs(rise) > ROUNDING * sizes else 0.0


def odd(xp: Any, x: Any, plus: Any, minus: Any) -> Any:
    """One thing right of zero, another left of it, and at zero 0, with the derivative 0: abs has 1 there in JAX."""
    return xp.where(x > 0, plus, xp.where(x < 0, minus, 0 * x))


def within(xp: Any, p: Piece, r: Any, end: Any, t: Any) -> Any:
    """The argument t of a piece: 0 where r lies beyond the end, and NaN where it is that."""
    return t if math.isinf(p.end) else xp.where(r > end, 0.0, t)


def rise(p: Piece, t: Any) -> Any:
    """φ(start + t) − φ(start) on a piece. No curvature and no slope is times an infinite t, which would be NaN."""
    return (p.slope + 0.5 * p.curvature * t) * t if p.curvature else p.slope * t if p.slope else 0.0


def value(pieces: tuple[Piece, ...], x: Any) -> Any:
    """φ(x), elementwise."""
    first, *others = pieces
    xp = array_namespace(x)
    r = xp.abs(x)
    t = within(xp, first, r, first.end, x)
    out = (0.5 * first.curvature * t) * t if first.curvature else 0 * t if not first.slope else 0.0
    if first.slope:
        out = out + odd(xp, t, first.slope * t, -first.slope * t)
    for p in others:
        out = xp.where(r > p.start, p.value + rise(p, within(xp, p, r, p.end, r - p.start)), out)
    return out


def grad(pieces: tuple[Piece, ...], x: Any) -> Any:
    """φ'(x), elementwise."""
    first, *others = pieces
    xp = array_namespace(x)
    r = xp.abs(x)
    t = within(xp, first, r, first.end, x)
    out = first.curvature * t if first.curvature else 0 * t if not first.slope else 0.0
    if first.slope:
        out = out + odd(xp, x, first.slope, -first.slope)
    for p in others:
        slope = p.slope + p.curvature * within(xp, p, r, p.end, r - p.start) if p.curvature else p.slope
        out = xp.where(r > p.start, xp.copysign(xp.ones_like(x), x) * slope, out)
    return out


def prox(pieces: tuple[Piece, ...], weak_convexity: float, z: Any, step: Any) -> Any:
    """argmin over x of step·φ(x) + (x − z)²/2, elementwise; a step that is an array is taken to have no jump."""
    if isinstance(step, float) and step * weak_convexity >= 1:
        return _best_of_pieces(pieces, z, step)
    # x + step·φ'(x) increases. Its inverse has a piece for each of φ, and stays where φ' jumps up.
    xp = array_namespace(z)
    r, out = xp.abs(z), z
    for p, q in zip(pieces, (*pieces[1:], None), strict=True):
        near, rate, up = p.start + step * p.slope, 1 + step * p.curvature, jump(p, q) if q else 0.0
        far = q.start + step * (q.slope - up) if q else math.inf
        if p.start == 0 and not p.slope:
            out = within(xp, p, r, far, z) / rate
        else:
            move = within(xp, p, r, far, r - near)
            move = move if p.start else xp.clip(move, 0, None)
            x = xp.copysign(p.start + move / rate, z)
            out = xp.where(r > near, x, out) if p.start else x
        if up:
            out = xp.where(r > far, xp.copysign(p.end, z), out)
    return out


def _best_of_pieces(pieces: tuple[Piece, ...], z: Any, step: float) -> Any:
    """Prox where it jumps. The best point of a piece is its start if it is too concave; the earlier one wins a tie."""
    first, *others = pieces
    xp = array_namespace(z)
    r, rate = xp.abs(z), 1 + step * first.curvature
    least = 0 if first.slope else None  # the tie of r with 0 would halve the derivative at zero
    best = xp.clip((r - step * first.slope) / rate, least, first.end) if rate > 0 else 0 * r
    height = rise(first, best)
    for p in others:
        steep = 1 + step * p.curvature
        move = (r - (p.start + step * p.slope)) / steep if steep > 0 else 0 * r
        x = xp.clip(p.start + move, p.start, p.end)
        top = p.value + rise(p, x - p.start)
        worse = step * (top - height) + (x - best) * ((x + best) / 2 - r) >= 0
        best, height = xp.where(worse, best, x), xp.where(worse, height, top)
    out = xp.copysign(best, z)
    return xp.where(z == 0, z / rate, out) if not first.slope and rate > 0 else out  # r has no derivative at zero


def curvature(phi: Penalty, x: NDArray[Any]) -> NDArray[Any]:
    """φ''(x) of NumPy arrays, elementwise; at the end of a piece, that of the inner side.

    Parameters
    ----------
    phi : Penalty
        One that has ``pieces``.
    x : ndarray
        Where.

    Returns
    -------
    ndarray
        Same shape as ``x``.

    Raises
    ------
    TypeError
        If the penalty is not piecewise quadratic.
    """
    if not phi.pieces:
        raise TypeError(f"{phi!r} is not piecewise quadratic: it has no pieces, which are needed here")
    far = np.abs(x)
    out = np.full(far.shape, phi.pieces[0].curvature)
    for piece in phi.pieces[1:]:
        np.copyto(out, piece.curvature, where=far > piece.start)
    return out
