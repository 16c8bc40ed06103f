"""Semismooth Newton in one dimension: exact once the pieces of a piecewise quadratic penalty are identified."""

import math
from collections.abc import Callable

import numpy as np
from scipy.linalg import get_lapack_funcs

from .. import compiled
from .batch import SLACK, WARM_UP, alone, batch
from .fista import accelerated
from .problem import Array, Problem
from .rows import number, rows, scalars
from .solver import Solver, Trace
from .units import norm


def newton(problem: Problem, start: Array, trace: Trace) -> Array:
    """Gradient steps to find the pieces, then Newton steps for as long as they descend."""
    if problem.fused is not None and trace.callback is None:
        kernels = compiled.kernels("weep.denoise.fused_many")
        assert kernels is not None
        return alone(problem, start, trace, kernels.batch)
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
    slack = SLACK * np.finfo(x.dtype).eps
    take = (_fused if problem.fused else _plain)(problem)
    while True:
        found = take(x)
        if found is None or not found[1] <= value + slack * abs(value):
            return x, False
        x, value, size = found
        if trace.record(x, value, size):
            return x, True


Take = Callable[[Array], tuple[Array, float, float] | None]


def _plain(problem: Problem) -> Take:
    starts = np.array([piece.start for piece in problem.pieces], problem.y.dtype)
    curvatures = np.array([piece.curvature for piece in problem.pieces], problem.y.dtype)
    (ptsv,) = get_lapack_funcs(("ptsv",), (problem.y,))
    gradient: Array | None = None  # at the point that was returned last, where the next step starts

    def take(x: Array) -> tuple[Array, float, float] | None:
        """Solve (I + Dᵀ λWD) s = −gradient for the curvatures W at Dx; None if it is not positive definite.

        Weights of the data take the place of the identity.
        """
        nonlocal gradient
        if gradient is None:
            gradient = problem.evaluate(x)[1]
        bends = problem.strengths[0] * curvatures[np.searchsorted(starts[1:], np.abs(np.diff(x)))]
        diagonal = np.ones_like(x) if problem.weights is None else problem.weights.copy()
        diagonal[:-1] += bends
        diagonal[1:] += bends
        _, _, move, info = ptsv(diagonal, np.negative(bends, out=bends), gradient, True, True, True)
        if info != 0:
            return None
        moved = np.subtract(x, move, out=move)
        value, gradient = problem.evaluate(moved)
        return moved, value, norm([gradient])

    return take


def _fused(problem: Problem) -> Take:
    assert problem.fused is not None
    solve, y, half = problem.fused.newton, np.ascontiguousarray(problem.y), number(problem.y.dtype)(0.5)
    pair, ratios = [np.empty_like(y), np.empty_like(y)], np.empty_like(y)
    constant = (*rows(problem), *scalars(problem.phi, problem.lam, problem.y.dtype))

    def take(x: Array) -> tuple[Array, float, float] | None:
        pair.reverse()
        value, squares = solve(x, y, pair[0], ratios, *constant, half)
        return None if math.isinf(value) else (pair[0], value, math.sqrt(squares))

    return take


def identifiable(problem: Problem) -> bool:
    """Whether the Hessian is tridiagonal, and constant on each of finitely many pieces."""
    return problem.smooth and problem.y.ndim == 1 and bool(problem.pieces)


NEWTON = Solver("newton", identifiable, "one axis and a differentiable piecewise quadratic penalty", newton, batch)
