"""Methods for penalties with a kink, which use their prox: ADMM, Condat and Vu's primal-dual, proximal gradient."""

import math
from collections.abc import Callable

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from .problem import Array, Problem, Trace, norm
from .shaped import Shaped

#: Largest number of unknowns for which ADMM factorises the matrix of an A that is given as an array.
DENSE = 1500


def proximal_gradient(problem: Problem, start: Array, trace: Trace) -> Array:
    """Accelerated proximal gradient for L = I; momentum restarts where it points uphill or the objective rises.

    The gradient of the data term is affine, so that at extrapolated points it costs no application of A.
    """
    A, y, lam, phi = problem.A, problem.y, problem.lam, problem.phi
    step = 1 / (problem.norm_squared or 1.0)

    def data(x: Array) -> tuple[float, Array]:
        r = A(x) - y
        return float(r @ r) / 2 + lam * float(np.sum(phi(x))), A.adjoint(r)

    x = start
    value, g = data(x)
    v, gv, theta = x, g, 1.0
    while True:
        new = phi.prox(v - step * gv, step * lam)
        there, after = data(new)
        if there > value + 1e-14 * abs(value) and v is not x:
            v, gv, theta = x, g, 1.0  # without momentum, a step does not rise
            continue
        # (v − new)/step − gv is a slope of λφ at the new point.
        if trace.record(new, there, norm((v - new) / step - gv + after)):
            return new
        uphill = (v - new) @ (new - x) > 0
        following = 1.0 if uphill else (1 + math.sqrt(1 + 4 * theta * theta)) / 2
        beta = 0.0 if uphill else (theta - 1) / following
        v, gv = (new, after) if beta == 0 else (new + beta * (new - x), after + beta * (after - g))
        x, value, g, theta = new, there, after, following


def splitting_step(problem: Problem, start: Array) -> float:
    """The first ρ: 2.2 λ times the weak convexity, and at least eight times the secant of λφ at a typical entry."""
    lam = problem.lam
    typical = start if np.any(start) else problem.A.adjoint(problem.y) / (problem.norm_squared or 1.0)
    lx = problem.L(typical)
    s = norm(lx) / math.sqrt(max(1, lx.size))
    phi = problem.phi.scalar if isinstance(problem.phi, Shaped) else problem.phi
    secant = float(phi.grad(s)) / s if s > 0 else 0.0
    return max(2.2 * lam * problem.phi.weak_convexity, 8 * lam * secant) or lam


def admm(problem: Problem, start: Array, trace: Trace) -> Array:
    """Alternate between x and z = Lx; ρ is balanced now and then, more and more rarely.

    The system in x is solved by a factorisation where A is an array of few columns, else by conjugate gradients that
    start from the last x and stop when they are well below the residual of the whole.
    """
    L, lam, phi = problem.L, problem.lam, problem.phi
    least, rho = 2.2 * lam * phi.weak_convexity, splitting_step(problem, start)
    x, z = start, L(start)
    u, right, lx = np.zeros_like(z), problem.A.adjoint(problem.y), z
    solve = _system(problem, rho)
    residual, following = norm(right), 10
    for n in range(1, 10**9):
        x, error = solve(right + rho * L.adjoint(z - u), x, 0.1 * residual)
        lx = L(x)
        old, z = z, phi.prox(lx + u, lam / rho)
        u = u + lx - z
        # The gradient of the data term at x and the slope ρu of λφ at z do not add up to zero by this much.
        dual = norm(error + rho * L.adjoint(old - z))
        primal = norm(lx - z) / (math.sqrt(problem.l_norm_squared) * norm(x) or 1.0) * trace.scale
        r = problem.A(x) - problem.y
        residual = max(primal, dual)
        if trace.record(x, problem.cost(r, lx), residual):
            return x
        if n == following:
            following = math.ceil(1.5 * n)
            new = max(least, rho * balance(primal, dual))
            if not 0.6 < new / rho < 1.6:
                u, rho = u * (rho / new), new
                solve = _system(problem, rho)
    raise AssertionError("the iterations do not end")  # pragma: no cover


Solve = Callable[[Array, Array, float], tuple[Array, Array]]


def _system(problem: Problem, rho: float) -> Solve:
    """Prepare to solve (A'A + ρL'L) x = b from a start: it returns x, and what is left of the equation."""
    A, L, n = problem.A, problem.L, problem.A.shape[1]

    def apply(x: Array) -> Array:
        return A.adjoint(A(x)) + rho * L.adjoint(L(x))

    if A.matrix is not None and n <= DENSE:
        gram = np.stack([L.adjoint(L(column)) for column in np.eye(n)])
        matrix = A.matrix.T @ A.matrix + rho * gram
        try:
            factor = cho_factor(matrix)
        except np.linalg.LinAlgError:
            pass  # A and L have a common null vector: conjugate gradients stay orthogonal to it
        else:

            def exact(b: Array, x: Array, enough: float) -> tuple[Array, Array]:
                x = cho_solve(factor, b)
                return x, matrix @ x - b

            return exact
    scaling = problem.frequencies.scaling(rho)

    def iterate(b: Array, x: Array, enough: float) -> tuple[Array, Array]:
        r = b - apply(x)
        d = s = scaling(r)
        size = float(r @ s)
        for _ in range(100):
            if norm(r) <= enough or size <= 0:
                break
            ad = apply(d)
            along = size / float(d @ ad)
            x, r = x + along * d, r - along * ad
            s = scaling(r)
            size, old = float(r @ s), size
            d = s + size / old * d
        return x, -r

    return iterate


def primal_dual(problem: Problem, start: Array, trace: Trace) -> Array:
    """The method of Condat and Vu: no system is solved, A and L are applied once a step, and their adjoints.

    The dual step σ is balanced now and then, more and more rarely, and the primal one follows.
    """
    A, L, lam, phi = problem.A, problem.L, problem.lam, problem.phi
    least, sigma = 2.2 * lam * phi.weak_convexity, splitting_step(problem, start)
    x, lx = start, L(start)
    u = np.zeros_like(lx)
    r = A(x) - problem.y
    g, lu, following = A.adjoint(r), np.zeros_like(x), 10
    for n in range(1, 10**9):
        tau = 1 / (problem.norm_squared / 2 + sigma * problem.l_norm_squared or 1.0)
        new = x - tau * (g + lu)
        lnew = L(new)
        v = u + sigma * (2 * lnew - lx)
        z = phi.prox(v / sigma, lam / sigma)
        u = v - sigma * z
        lu, r = L.adjoint(u), A(new) - problem.y
        after = A.adjoint(r)
        dual = norm(after + lu)
        primal = norm(lnew - z) / (math.sqrt(problem.l_norm_squared) * norm(new) or 1.0) * trace.scale
        x, lx, g = new, lnew, after
        if trace.record(x, problem.cost(r, lx), max(primal, dual)):
            return x
        if n == following:
            following = math.ceil(1.5 * n)
            sigma = max(least, sigma * balance(primal, dual))
    raise AssertionError("the iterations do not end")  # pragma: no cover


def balance(primal: float, dual: float) -> float:
    """The factor of ρ or σ that brings two residuals together: at most five, either way."""
    return min(max(math.sqrt(max(primal, 1e-30) / max(dual, 1e-30)), 0.2), 5.0)
