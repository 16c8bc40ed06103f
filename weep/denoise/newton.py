"""Semismooth Newton in one dimension: exact once the pieces of a piecewise quadratic penalty are identified."""

import numpy as np
from scipy.linalg import get_lapack_funcs

from ..operators import differences
from .gradient import accelerated
from .problem import Array, Problem, Trace, norm

#: Gradient steps before the first try of Newton; each failure doubles their number.
WARM_UP = 4


def newton(problem: Problem, start: Array, trace: Trace) -> Array:
    """Gradient steps to find the pieces, then Newton steps for as long as they descend."""
    following = WARM_UP
    for n, (x, value, gradient) in enumerate(accelerated(problem, start), 1):
        if trace.record(x, value, norm([gradient])):
            return x
        if n == following:
            following *= 2
            end, done = descend(problem, x, value, gradient, trace)
            if done:
                return end
    raise AssertionError("the iterates do not end")  # pragma: no cover


def descend(problem: Problem, x: Array, value: float, gradient: Array, trace: Trace) -> tuple[Array, bool]:
    """Take Newton steps while the Hessian is positive definite and the objective does not rise."""
    dx = np.diff(x)
    while True:
        move = newton_step(problem, dx, gradient)
        if move is None:
            return x, False
        candidate = x + move
        (dx,) = differences(candidate)
        lower = problem.value(candidate, [dx])
        if not lower <= value + 1e-14 * abs(value):
            return x, False
        x, value, gradient = candidate, lower, problem.gradient(candidate, [dx])
        if trace.record(x, value, norm([gradient])):
            return x, True


def newton_step(problem: Problem, dx: Array, gradient: Array) -> Array | None:
    """Solve (I + λ Dᵀ W D) s = −gradient for the curvatures W at Dx; None if it is not positive definite."""
    starts, curvatures = np.array(problem.phi.pieces, dx.dtype).T
    weights = problem.lam * curvatures[np.searchsorted(starts[1:], np.abs(dx))]
    diagonal = np.ones_like(gradient)
    diagonal[:-1] += weights
    diagonal[1:] += weights
    (ptsv,) = get_lapack_funcs(("ptsv",), (diagonal,))
    _, _, step, info = ptsv(diagonal, -weights, -gradient)
    return step if info == 0 else None
