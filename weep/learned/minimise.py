"""The minimum of the denoising problem of a bank, by accelerated gradient."""

import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import compiled
from ..penalties import Penalty
from .filters import Filters

__all__ = ["minimise"]

Array = NDArray[Any]
Gradient = Callable[[Array], tuple[float, Array]]

#: Smaller pictures do not wait for a compiler.
WORTH_COMPILING = 4096

#: Rows of a picture that compiled code treats at once.
ROWS = 64

#: Weight of the quadratic problem whose solution is the start.
START = 3.0


def minimise(y: Array, operator: Filters, phi: Penalty, tol: float, max_iter: int) -> tuple[Array, list[Any]]:
    """The minimum for one picture, and the objective and the relative residual of each iteration."""
    # The mean of a constant picture rounds, and what it misses by is no scale.
    scale = float(np.linalg.norm(y - y.mean() if np.ptp(y) else y)) or 1.0
    history: list[Any] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        gradient_at = objective(y, operator, phi, pool)
        for x, value, gradient in _accelerated(operator.resolvent(START, y), gradient_at, phi.lipschitz):
            history.append((value, float(np.linalg.norm(gradient)) / scale))
            if history[-1][1] <= tol or len(history) == max_iter:
                return x, history
    raise AssertionError("the iterates do not end")  # pragma: no cover


def _accelerated(x: Array, gradient_at: Gradient, curvature: float) -> Iterator[tuple[Array, float, Any]]:
    """Points of the optimised gradient method, the objective and its gradient there, for ever."""
    step, theta = x.dtype.type(1 / (1 + max(1.0, curvature))), 1.0
    v, move, descent, after = x.copy(), *(np.empty_like(x) for _ in range(3))  # and no array more in the loop
    while True:
        value, gradient = gradient_at(v)
        yield v, value, gradient
        np.multiply(gradient, step, out=descent)
        np.subtract(v, descent, out=after)
        np.subtract(after, x, out=move)
        x, after = after, x
        if np.vdot(gradient, move) > 0:
            theta = 1.0
            np.copyto(v, x)
        else:
            following = (1 + math.sqrt(1 + 4 * theta * theta)) / 2
            move *= x.dtype.type((theta - 1) / following)
            descent *= x.dtype.type(0.85 * theta / following)
            np.add(x, move, out=v)
            v -= descent
            theta = following


def objective(y: Array, operator: Filters, phi: Penalty, pool: ThreadPoolExecutor) -> Gradient:
    """A function that returns the objective at a picture and its gradient.

    Bands of rows are treated side by side, and summed in order, so that the number of threads does not count.
    """
    worth = phi.hubers is not None and y.size >= WORTH_COMPILING
    fused = compiled.kernels("weep.learned.fused") if worth else None
    return _plain(y, operator, phi, pool) if fused is None else _fused(y, operator, phi, pool, fused.band)


def _plain(y: Array, operator: Filters, phi: Penalty, pool: ThreadPoolExecutor) -> Gradient:
    bands = operator.bands()
    a, x1, x2 = (np.asarray(value, y.dtype) for value in phi.hubers or (0, 0, 0))

    def band(extended: Array, rows: slice) -> tuple[float, Array]:
        u = operator.analyse(extended, rows)
        if phi.hubers is None:
            return float(np.sum(phi(u))), operator.synthesise(phi.grad(u), rows)
        # WEEP is a difference of two Huber losses, as in the denoisers.
        inner, outer = np.clip(u, -x1, x1), np.clip(u, -x2, x2)
        outer -= inner
        slopes = a * inner
        slopes -= outer
        rise = 2 * np.vdot(slopes, u) - np.vdot(slopes, inner) + np.vdot(outer, outer + inner)
        return float(rise) / 2, operator.synthesise(slopes, rows)

    def evaluate(x: Array) -> tuple[float, Array]:
        extended, rest = operator.extend(x), x - y
        out, value = np.zeros_like(extended), float(np.vdot(rest, rest)) / 2
        for rows, (cost, part) in zip(bands, pool.map(lambda rows: band(extended, rows), bands), strict=True):
            value += cost
            out[rows.start : rows.start + len(part)] += part
        return value, rest + operator.fold(out)

    return evaluate


def _fused(y: Array, operator: Filters, phi: Penalty, pool: ThreadPoolExecutor, band: Callable[..., float]) -> Gradient:
    assert phi.hubers is not None
    y = np.ascontiguousarray(y)
    *parts, first = operator.symmetry
    bends = [np.broadcast_to(np.ravel(value), len(operator.filters))[first].astype(y.dtype) for value in phi.hubers]
    half = y.dtype.type(0.5)
    border, height, out = 2 * (operator.filters.shape[-1] // 2), len(y), np.empty_like(y)

    def evaluate(x: Array) -> tuple[float, Array]:
        extended = np.pad(x, border, "symmetric")

        def rows(top: int) -> float:
            return band(extended, y, out, top, min(top + ROWS, height), *parts, *bends, half)

        return sum(pool.map(rows, range(0, height, ROWS))), out

    return evaluate
