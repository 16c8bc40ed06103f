"""Semismooth Newton in one dimension: exact once the pieces of a piecewise quadratic penalty are identified."""

import math
from collections.abc import Callable

import numpy as np
from scipy.linalg import get_lapack_funcs

from .gradient import accelerated
from .problem import Array, Problem, Trace, norm

#: Gradient steps before the first try of Newton; each failure doubles their number.
WARM_UP = 4


def newton(problem: Problem, start: Array, trace: Trace) -> Array:
    """Gradient steps to find the pieces, then Newton steps for as long as they descend."""
    following = WARM_UP
    for n, (x, value, size) in enumerate(accelerated(problem, start), 1):
        if trace.record(x, value, size):
            return x
        if n == following:
            following *= 2
            end, done = descend(problem, x, value, trace)
            if done:
                return end
    raise AssertionError("the iterates do not end")  # pragma: no cover


def descend(problem: Problem, x: Array, value: float, trace: Trace) -> tuple[Array, bool]:
    """Take Newton steps while the Hessian is positive definite and the objective does not rise."""
    slack = 10 * np.finfo(x.dtype).eps  # of rounding
    take = _fused(problem) if problem.fused else _plain(problem)
    while True:
        found = take(x)
        if found is None or not found[1] <= value + slack * abs(value):
            return x, False
        x, value, size = found
        if trace.record(x, value, size):
            return x, True


Take = Callable[[Array], tuple[Array, float, float] | None]


def _plain(problem: Problem) -> Take:
    starts, curvatures = np.array(problem.phi.pieces, problem.y.dtype).T
    (ptsv,) = get_lapack_funcs(("ptsv",), (problem.y,))

    def take(x: Array) -> tuple[Array, float, float] | None:
        """Solve (I + λ Dᵀ W D) s = −gradient for the curvatures W at Dx; None if it is not positive definite."""
        dx = np.diff(x)
        weights = problem.lam * curvatures[np.searchsorted(starts[1:], np.abs(dx))]
        diagonal = np.ones_like(x)
        diagonal[:-1] += weights
        diagonal[1:] += weights
        _, _, move, info = ptsv(diagonal, -weights, -problem.gradient(x, [dx]))
        if info != 0:
            return None
        parts = [np.diff(x + move)]
        return x + move, problem.value(x + move, parts), norm([problem.gradient(x + move, parts)])

    return take


def _fused(problem: Problem) -> Take:
    assert problem.fused is not None
    solve, sweep, zero, half = problem.fused.newton, problem.fused.sweeps[1], *map(problem.y.dtype.type, (0.0, 0.5))
    unused = np.empty_like(problem.y), np.empty_like(problem.y)

    def take(x: Array) -> tuple[Array, float, float] | None:
        moved = np.empty_like(x)
        if not solve(x, problem.y, moved, *problem.scalars, half):
            return None
        value, squares, _ = sweep(moved, unused[0], problem.y, unused[1], *problem.scalars, zero, zero, half)
        return moved, value, math.sqrt(squares)

    return take
