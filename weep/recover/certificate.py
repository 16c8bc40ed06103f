"""What is known of a point that a solver of (1) found."""

import math

import numpy as np

from ..operators import Differences, norm_squared
from .lanczos import sign
from .problem import Array, Problem, second

#: Below this part of the largest eigenvalue, a negative one passes for rounding.
SLACK = 1e-10


def certificate(problem: Problem, x: Array, margin: float) -> str:
    """Global, local or stationary, for a point where the solver has converged; ``margin`` is its relative tolerance."""
    if is_convex(problem):
        return "global"
    return "local" if _is_local(problem, x, margin) else "stationary"


def is_convex(problem: Problem) -> bool:
    """Whether A'A − λwL'L is certified to have no negative eigenvalue, for the modulus w of weak convexity."""
    A, L, w = problem.A, problem.L, problem.lam * problem.phi.weak_convexity
    if w == 0:
        return True
    if math.isinf(w):
        return False
    m, n = A.shape
    differences = isinstance(L.source, Differences)
    if A.source is None and (L.source is None or differences):
        return w * (norm_squared(L.source.dims) if differences else 1.0) <= 1
    # A maps n − m directions or more to zero, and L fewer.
    kernel = 1 if differences else 0 if L.source is None else n - min(L.shape[0], n)
    if n - m > kernel and (differences or L.source is None):
        return False
    return sign(lambda x: A.adjoint(A(x)) - w * L.adjoint(L(x)), n, SLACK) > 0


def _is_local(problem: Problem, x: Array, margin: float) -> bool:
    """Whether the second derivative is there and positive definite, zeros at a kink for L = I held fixed."""
    A, L, lam, phi = problem.A, problem.L, problem.lam, problem.phi
    if not phi.pieces:
        return False
    lx = L(x)
    bends = second(phi, lx)
    pieces = phi.pieces
    ends, far = np.array([p.start for p in pieces[1:]]), np.abs(lx)
    reach = margin * max(float(far.max(initial=0.0)), float(ends.max(initial=0.0)))
    if ends.size and np.min(np.abs(far[:, None] - ends), initial=np.inf) <= reach:
        return False
    if pieces[0].slope == 0:
        scale = problem.frequencies.scaling(lam * max(p.curvature for p in pieces))

        def hessian(v: Array) -> Array:
            v = scale(v, -0.5)
            return scale(A.adjoint(A(v)) + lam * L.adjoint(bends * L(v)), -0.5)

        return sign(hessian, x.size) > 0
    if L.source is not None:
        return False
    free = x != 0
    pull = np.abs(A.adjoint(A(x) - problem.y)[~free])
    if np.any(pull >= lam * pieces[0].slope * (1 - margin)) or np.any(far[free] <= reach):
        return False

    def reduced(v: Array) -> Array:
        whole = np.zeros_like(x)
        whole[free] = v
        return A.adjoint(A(whole))[free] + lam * bends[free] * v

    count = int(free.sum())
    return count == 0 or sign(reduced, count) > 0
