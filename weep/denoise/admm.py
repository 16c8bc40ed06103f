"""ADMM on the splitting z = Dx: any penalty with a single-valued prox.

With weights and more than one axis, no fast transform solves for x. Then there is a second splitting, s = x, and it is
s that meets the data.
"""

import math

import numpy as np

from ..operators import resolvent
from .problem import Array, Problem
from .solver import Solver, Trace
from .units import norm


def admm(problem: Problem, start: Array, trace: Trace) -> Array:
    """Run from z = D(start), s = start and zero duals u, t until both residuals are small."""
    y, rho, weights, adjoint = problem.y, problem.step, problem.weights, problem.adjoint
    split = weights is not None and y.ndim > 1
    sigma = problem.unit if split else 0.0
    diagonal = sigma or (1 if weights is None else weights)
    solve = resolvent(y.shape, rho, y.dtype, problem.axes, diagonal)
    data, z, s = problem.weighted(y), problem.differences(start), start
    u, t = [np.zeros_like(part) for part in z], np.zeros_like(s)
    while True:
        x = solve((sigma * (s - t) if split else data) + rho * adjoint([zk - uk for zk, uk in zip(z, u, strict=True)]))
        dx = problem.differences(x)
        v = [part + uk for part, uk in zip(dx, u, strict=True)]
        old, z = z, problem.shrink(v, rho)
        u = [part - zk for part, zk in zip(v, z, strict=True)]
        gaps = [part - zk for part, zk in zip(dx, z, strict=True)]
        drift = rho * adjoint([zk - ok for zk, ok in zip(z, old, strict=True)])
        if split:
            assert weights is not None
            last, s = s, (data + sigma * (x + t)) / (weights + sigma)
            t += x - s
            gaps.append(x - s)
            drift += sigma * (s - last)
        primal, dual = problem.unit * norm(gaps), norm([drift])
        if trace.record(x, problem.value(x, dx), max(primal, dual)):
            return x


def single_valued(problem: Problem) -> bool:
    """Whether some step makes the prox single-valued, and each difference can have its own."""
    return math.isfinite(problem.phi.weak_convexity) and (problem.lams is None or bool(problem.pieces))


ADMM = Solver(
    "admm",
    single_valued,
    "a penalty of finite weak_convexity, and a piecewise quadratic one if there are many lam",
    admm,
)
