"""ADMM on the splitting z = Dx: any penalty with a single-valued prox."""

import math

import numpy as np

from ..operators import adjoint, differences, resolvent
from ..penalties import Penalty
from .problem import Array, Problem, Trace, norm


def admm_step(y: Array, phi: Penalty, lam: float) -> float:
    """Step ρ of ADMM for (11).

    A differentiable penalty that is not convex gets 2.2 λ times its weak convexity. At twice that product the
    oscillating part of the iteration stops to grow (the chapter on the prox derives it); the tenth on top makes it
    decay. Others get the secant λφ'(s)/s at the root mean square s of Dy, and eight times that if they have a kink:
    on images and signals, this was measured to be within a factor two of the best.

    Parameters
    ----------
    y : ndarray
        The data.
    phi : Penalty
        Of finite weak convexity.
    lam : float
        Weight λ > 0.

    Returns
    -------
    float
        ρ > 0.
    """
    least = 2.2 * lam * phi.weak_convexity
    kinked = math.isinf(phi.lipschitz)
    if least > 0 and not kinked:
        return least
    parts = differences(y)
    s = norm(parts) / math.sqrt(sum(part.size for part in parts))
    secant = float(phi.grad(s)) / s if s > 0 else 0.0
    return max(least, lam * secant * (8 if kinked else 1)) or lam


def admm(problem: Problem, rho: float, start: Array, trace: Trace) -> Array:
    """Run from z = D(start), u = 0 until both residuals are small."""
    y, phi, step = problem.y, problem.phi, problem.lam / rho
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
