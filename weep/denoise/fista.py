"""Accelerated gradient with restart, for differentiable penalties."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import compiled
from .problem import Array, Problem
from .rows import number, rows, scalars, volume
from .solver import Solver, Trace

#: How much of the last gradient step the optimised gradient method repeats. With all of it, a part of the error whose
#: curvature is L changes sign in each step and does not shrink; 0.8 to 0.95 were measured to be equally fast elsewhere.
REPEAT = 0.85

#: Entries from which a sweep is worth the tens of microseconds that waking threads takes.
WORTH_SHARING = 2**17


def accelerated(problem: Problem, start: Array) -> Iterator[tuple[Array, float, float]]:
    """The optimised gradient method with step 1/L; its momentum restarts when it points uphill.

    Besides the last move, as Nesterov's method, it repeats the last gradient step. If it repeats all of it, and never
    restarts, its bound on the objective is half of Nesterov's, for the same work.

    Yields, for ever, the extrapolated point, and the objective and the norm of its gradient there. The point may be
    overwritten by the step after the next.

    References
    ----------
    D. Kim, J. A. Fessler, "Optimized first-order methods for smooth convex minimization", Math. Program. 159, 2016;
    "Adaptive restart of the optimized gradient method for convex optimization", J. Optim. Theory Appl. 178, 2018.
    """
    advance = (_fused if problem.fused else _plain)(problem, start)
    v, theta = start, 1.0
    while True:
        following = (1 + math.sqrt(1 + 4 * theta * theta)) / 2
        after, value, size, uphill = advance(v, (theta - 1) / following, REPEAT * theta / following)
        yield v, value, size
        v, theta = after, 1.0 if uphill else following


Advance = Callable[[Array, float, float], tuple[Array, float, float, bool]]


def _plain(problem: Problem, start: Array) -> Advance:
    step, x = 1 / problem.lipschitz, start.copy()
    pair = [np.empty_like(x), np.empty_like(x)]

    def advance(v: Array, beta: float, gamma: float) -> tuple[Array, float, float, bool]:
        pair.reverse()
        following, value, squares, along = pair[0], 0.0, 0.0, 0.0
        for band, cost, gradient in problem.bands(v):
            stride = step * gradient
            stepped = v[band] - stride
            move = stepped - x[band]
            value += cost
            squares += float(np.vdot(gradient, gradient))
            along += float(np.vdot(gradient, move))
            x[band] = stepped
            np.multiply(move, beta, out=move)
            move += stepped
            np.subtract(move, np.multiply(stride, gamma, out=stride), out=following[band])
        if along > 0:
            following[...] = x
        return following, value, math.sqrt(squares), along > 0

    return advance


def _fused(problem: Problem, start: Array) -> Advance:
    assert problem.fused is not None
    convert, shape = number(problem.y.dtype), volume(problem)
    half, step, constant = (
        convert(0.5),
        convert(1 / problem.lipschitz),
        (*rows(problem), *scalars(problem.phi, problem.lam, problem.y.dtype)),
    )
    y, x = np.ascontiguousarray(problem.y).reshape(shape), start.reshape(shape).copy()
    pair = [np.empty_like(x), np.empty_like(x)]
    sweep = problem.fused.line if len(shape) == 1 else _swept(problem)

    def advance(v: Array, beta: float, gamma: float) -> tuple[Array, float, float, bool]:
        pair.reverse()
        following, momentum = pair[0], (step, convert(beta), convert(gamma))
        value, squares, along = sweep(v.reshape(shape), x, y, following, *constant, *momentum, half)
        if along > 0:
            following[...] = x
        return following.reshape(start.shape), value, math.sqrt(squares), along > 0

    return advance


def _swept(problem: Problem) -> Callable[..., Any]:
    """A sweep in bands of rows, which are shared among threads and added in one order, whoever swept them."""
    assert problem.fused is not None
    _, depth, height, _ = volume(problem)
    tall = max(32 if depth == 1 else 8, -(-height // 32))
    sums = np.empty((-(-height // tall), 3))
    kernel = problem.fused.radial if problem.isotropic else problem.fused.grid
    threads = compiled.threads() if problem.y.size >= WORTH_SHARING else 1

    def sweep(*arguments: Any) -> Any:
        compiled.share(lambda first, last: kernel(first, last, tall, sums, *arguments), len(sums), threads)
        return sums.sum(0)

    return sweep


def fista(problem: Problem, start: Array, trace: Trace) -> Array:
    """Accelerated gradient until the gradient is small."""
    for x, value, size in accelerated(problem, start):
        if trace.record(x, value, size):
            return x
    raise AssertionError("the iterates do not end")  # pragma: no cover


FISTA = Solver("fista", lambda problem: problem.smooth, "a differentiable penalty", fista)
