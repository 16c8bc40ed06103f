"""Semismooth Newton in one dimension: exact once the pieces of a piecewise quadratic penalty are identified."""

import numpy as np
from scipy.linalg import get_lapack_funcs

from ..operators import differences
from .admm import iterates
from .problem import Array, Problem, Trace, norm

#: Steps of ADMM before the first try of Newton, and between tries that failed.
WARM_UP, PAUSE = 20, 10


def newton(problem: Problem, rho: float, start: Array, trace: Trace) -> Array:
    """Steps of ADMM to find the pieces, then Newton steps for as long as they descend."""
    for n, (x, dx, residual) in enumerate(iterates(problem, rho, start), 1):
        if trace.record(x, problem.value(x, dx), residual):
            return x
        if n >= WARM_UP and (n - WARM_UP) % PAUSE == 0:
            x, done = descend(problem, x, trace)
            if done:
                return x
    raise AssertionError("the iterates do not end")  # pragma: no cover


def descend(problem: Problem, x: Array, trace: Trace) -> tuple[Array, bool]:
    """Take Newton steps while the Hessian is positive definite and the objective does not rise."""
    parts = differences(x)
    value, gradient = problem.value(x, parts), problem.gradient(x, parts)
    while True:
        move = newton_step(problem, parts[0], gradient)
        if move is None:
            return x, False
        candidate = x + move
        parts = differences(candidate)
        lower = problem.value(candidate, parts)
        if not lower <= value + 1e-14 * abs(value):
            return x, False
        x, value, gradient = candidate, lower, problem.gradient(candidate, parts)
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
