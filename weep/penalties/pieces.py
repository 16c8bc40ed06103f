"""Piecewise quadratic penalties for any array library, differentiable by its own autograd.

Everything follows from ``phi.pieces`` and from what the NumPy kernels say at the points where pieces meet: between
them, the value, the derivative and the prox are the Taylor expansions of one piece. The kernels of the classes are
faster in NumPy; these use array-API operations alone (no masks, no buffers), so that PyTorch and JAX can trace them.
They select whole pieces and, without a kink there, never go through ``abs`` near zero: so all derivatives are right at
zero, and, at the end of a piece, those of the inner side. At a kink at zero they are 0, as for the NumPy kernels.
"""

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, is_array_api_obj, is_numpy_array
from numpy.typing import NDArray

__all__ = ["Piece", "curvature", "expansion", "foreign"]


class Piece(NamedTuple):
    """φ(x) = value + slope (x − start) + curvature (x − start)²/2, for x from ``start`` to ``end``."""

    start: float
    end: float
    value: float
    slope: float
    curvature: float


def foreign(x: object) -> bool:
    """Whether x is an array of a library other than NumPy."""
    return is_array_api_obj(x) and not is_numpy_array(x)


def floating(name: str, x: Any) -> Any:
    """Return a real array of any library in floating point: integers in the library's default."""
    xp = array_namespace(x)
    if xp.isdtype(x.dtype, "real floating"):
        return x
    if xp.isdtype(x.dtype, ("integral", "bool")):
        return xp.astype(x, xp.asarray(1.0).dtype)
    raise TypeError(f"{name} must hold real numbers, not {x.dtype}")


@lru_cache
def expansion(phi: Any) -> tuple[Piece, ...]:
    """The pieces of a penalty for x ≥ 0, with value and slope where each starts.

    Parameters
    ----------
    phi : Penalty
        One that has ``pieces``.

    Returns
    -------
    tuple of Piece
        From zero outwards; the last one ends at infinity.

    Raises
    ------
    TypeError
        If the penalty is not piecewise quadratic.
    """
    if not phi.pieces:
        raise TypeError(f"{phi!r} is not piecewise quadratic, so for NumPy arrays only: convert with numpy.asarray")
    starts, curvatures = zip(*phi.pieces, strict=True)
    ends = (*starts[1:], math.inf)
    # A straight piece has one slope. Taken at its far end, it is exact, and no rounding of the start gets in. Any other
    # is asked just beyond its start, where a kink may be.
    beyond = np.nextafter(starts, math.inf)
    slopes = phi.grad(np.where(curvatures, beyond, ends)) - curvatures * (beyond - starts)
    columns = starts, ends, map(float, phi(np.array(starts))), map(float, slopes), curvatures
    return tuple(Piece(*row) for row in zip(*columns, strict=True))


def odd(xp: Any, x: Any, plus: Any, minus: Any) -> Any:
    """One thing right of zero, another left of it, and at zero 0, with the derivative 0: abs has 1 there in JAX."""
    return xp.where(x > 0, plus, xp.where(x < 0, minus, 0 * x))


def value(phi: Any, x: Any) -> Any:
    """φ(x), elementwise."""
    first, *others = expansion(phi)
    x = floating("x", x)
    xp = array_namespace(x)
    # No curvature and no slope is times an infinite x, which would be NaN.
    out, r = (0.5 * first.curvature * x) * x if first.curvature else 0.0, xp.abs(x)
    if first.slope:
        out = out + odd(xp, x, first.slope * x, -first.slope * x)
    for p in others:
        t = r - p.start
        rise = (p.slope + 0.5 * p.curvature * t) * t if p.curvature else p.slope * t if p.slope else 0.0
        out = xp.where(r > p.start, p.value + rise, out)
    return out


def grad(phi: Any, x: Any) -> Any:
    """φ'(x), elementwise."""
    first, *others = expansion(phi)
    x = floating("x", x)
    xp = array_namespace(x)
    out, r = first.curvature * x if first.curvature else 0.0, xp.abs(x)
    if first.slope:
        out = out + odd(xp, x, first.slope, -first.slope)
    for p in others:
        slope = p.slope + p.curvature * (r - p.start) if p.curvature else p.slope
        out = xp.where(r > p.start, xp.copysign(slope, x), out)
    return out


def prox(phi: Any, z: Any, step: Any) -> Any:
    """argmin over x of step·φ(x) + (x − z)²/2, elementwise; a step that is an array is taken to have no jump."""
    first, *others = expansion(phi)
    z = floating("z", z)
    xp = array_namespace(z)
    if math.isinf(phi.weak_convexity) and not isinstance(step, float):
        raise ValueError(f"step must be a Python float for {phi!r}: its prox jumps at every step")
    r, rate = xp.abs(z), 1 + step * first.curvature
    lines = [(p, 1 + step * p.curvature) for p in others]
    if not isinstance(step, float) or step * phi.weak_convexity < 1:
        out = xp.copysign(xp.clip(r - step * first.slope, 0, None) / rate, z) if first.slope else z / rate
        for p, steep in lines:
            move = r - (p.start + step * p.slope)
            out = xp.where(move > 0, xp.copysign(p.start + move / steep, z), out)
        return out
    # A piece that is too concave holds no minimum. Of the others, each has its best point; the earlier wins a tie.
    least = 0 if first.slope else None  # the tie of r with 0 would halve the derivative at zero
    best = xp.clip((r - step * first.slope) / rate, least, first.end) if rate > 0 else 0 * r
    for p, steep in lines:
        if steep > 0:
            x = xp.clip(p.start + (r - (p.start + step * p.slope)) / steep, p.start, p.end)
            excess = step * (value(phi, x) - value(phi, best)) + (x - best) * ((x + best) / 2 - r)
            best = xp.where(excess >= 0, best, x)
    out = xp.copysign(best, z)
    return out if first.slope else xp.where(z == 0, z / rate, out)  # r has no derivative at zero


def curvature(phi: Any, x: NDArray[Any]) -> NDArray[Any]:
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
    """
    pieces = expansion(phi)
    inner = np.searchsorted([p.start for p in pieces[1:]], np.abs(x))
    return np.array([p.curvature for p in pieces])[inner]
