"""ADMM on the splitting z = Dx: any penalty with a single-valued prox."""

import math

import numpy as np

from ..operators import adjoint, differences, resolvent
from .problem import Array, Problem
from .solver import Solver, Trace
from .units import norm


def admm(problem: Problem, start: Array, trace: Trace) -> Array:
    """Run from z = D(start), u = 0 until both residuals are small."""
    y, phi, rho = problem.y, problem.phi, problem.step
    step = problem.lam / rho
    solve = resolvent(y.shape, rho, y.dtype)
    z = differences(start)
    u = [np.zeros_like(part) for part in z]
    while True:
        x = solve(y + rho * adjoint([zk - uk for zk, uk in zip(z, u, strict=True)]))
        dx = differences(x)
        v = [part + uk for part, uk in zip(dx, u, strict=True)]
        old, z = z, [phi.prox(part, step) for part in v]
        u = [part - zk for part, zk in zip(v, z, strict=True)]
        primal = norm([part - zk for part, zk in zip(dx, z, strict=True)])
        dual = rho * norm([adjoint([zk - ok for zk, ok in zip(z, old, strict=True)])])
        if trace.record(x, problem.value(x, dx), max(primal, dual)):
            return x


def single_valued(problem: Problem) -> bool:
    """Whether some step makes the prox single-valued."""
    return math.isfinite(problem.phi.weak_convexity)


ADMM = Solver("admm", single_valued, "a penalty of finite weak_convexity", admm)
