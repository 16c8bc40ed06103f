"""Methods for differentiable penalties: memory gradient, accelerated gradient, L-BFGS."""

import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from .lanczos import largest
from .problem import Array, Problem, Trace, norm, secant, second

#: How much of the last gradient step the optimised gradient method repeats, as in `weep.denoise`.
REPEAT = 0.85


def memory_gradient(problem: Problem, start: Array, trace: Trace) -> Array:
    """Go to the best point in the plane of the preconditioned gradient and the last move, again and again.

    In the plane, the data term is a quadratic form of two variables whose matrix is known, and the penalty is majorised
    by the parabola that touches it. Where the second derivative is positive definite in the plane, a step by that goes
    first, and is kept if it descends enough.
    """
    # The point and its images move in place; an operator may return its argument, hence copies.
    x, ax, lx = (np.array(part) for part in (start, problem.A(start), problem.L(start)))
    planes, count = [np.empty((2, part.size)) for part in (x, ax, lx)], 1
    while True:
        value, gradient = problem.evaluate(ax, lx)
        if trace.record(x, value, norm(gradient)):
            return x
        d = -problem.scaling(gradient)
        for rows, first in zip(planes, (d, problem.A(d), problem.L(d)), strict=True):
            rows[0] = first
        c = _plane(problem, ax - problem.y, lx, planes[1][:count], planes[2][:count])
        for rows, part in zip(planes, (x, ax, lx), strict=True):
            rows[1] = c @ rows[:count]
            part += rows[1]
        count = 2


def _plane(problem: Problem, r: Array, lx: Array, ad: Array, ld: Array) -> Array:
    """Coefficients of a good point in the span of the directions, whose images by A and L are given."""
    gram, lam, phi = ad @ ad.T, problem.lam, problem.phi
    slope = ad @ r + lam * (ld @ phi.grad(lx))
    step = _solve(gram + lam * (ld * second(phi, lx)) @ ld.T, slope)
    if step is not None:
        # It must descend by a share of what the slope says: on a parabola, that would be a half.
        rise = float(np.sum(phi(lx + step @ ld)) - np.sum(phi(lx)))
        if step @ (gram @ step) / 2 + step @ (ad @ r) + lam * rise <= 0.1 * float(step @ slope):
            return step
    return -np.linalg.lstsq(gram + lam * (ld * secant(phi, lx)) @ ld.T, slope, rcond=1e-14)[0]


def _solve(matrix: Array, g: Array) -> Array | None:
    """The Newton step, or None where the matrix is not clearly positive definite."""
    scale = np.sqrt(np.abs(np.diag(matrix)))
    if not np.all(scale > 0):
        return None
    values, vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
    if values[0] <= 1e-12:
        return None
    return -(vectors @ ((vectors.T @ (g / scale)) / values)) / scale


def accelerated(problem: Problem, start: Array, trace: Trace) -> Array:
    """The optimised gradient method in the preconditioned variables; momentum restarts where it points uphill."""
    scale, bend = problem.scaling, problem.lam * problem.phi.lipschitz

    def curved(x: Array) -> Array:
        v = scale(x, -0.5)
        return scale(problem.A.adjoint(problem.A(v)) + bend * problem.L.adjoint(problem.L(v)), -0.5)

    step = 1 / (largest(curved, start.size) or 1.0)
    x, v, theta = start, start, 1.0
    while True:
        value, gradient = problem.evaluate(problem.A(v), problem.L(v))
        if trace.record(v, value, norm(gradient)):
            return v
        stride = step * scale(gradient)
        stepped = v - stride
        move = stepped - x
        x = stepped
        if gradient @ move > 0:
            v, theta = x, 1.0
            continue
        following = (1 + math.sqrt(1 + 4 * theta * theta)) / 2
        v = x + (theta - 1) / following * move - REPEAT * theta / following * stride
        theta = following


def lbfgs(problem: Problem, start: Array, trace: Trace) -> Array:
    """SciPy's L-BFGS-B in the preconditioned variables, stopped by the same residual as the other methods."""
    scale = problem.scaling
    seen: dict[str, Array] = {}

    def evaluate(z: Array) -> tuple[float, Array]:
        x = scale(z, -0.5)
        value, gradient = problem.evaluate(problem.A(x), problem.L(x))
        seen["x"], seen["gradient"] = x, gradient
        return value, scale(gradient, -0.5)

    def after(intermediate_result: OptimizeResult) -> None:
        # SciPy calls this right after the evaluation at the accepted point.
        if trace.record(seen["x"], float(intermediate_result.fun), norm(seen["gradient"])):
            raise StopIteration

    value, _ = evaluate(scale(start, 0.5))
    if trace.record(start, value, norm(seen["gradient"])):
        return start
    options = {"maxiter": trace.max_iter, "maxfun": 20 * trace.max_iter, "ftol": 0.0, "gtol": 0.0, "maxcor": 20}
    found = minimize(evaluate, scale(start, 0.5), jac=True, method="L-BFGS-B", callback=after, options=options)
    return scale(np.asarray(found.x), -0.5)


Solver = Callable[[Problem, Array, Trace], Array]
