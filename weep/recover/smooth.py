"""Methods for differentiable penalties: memory gradient, accelerated gradient, L-BFGS."""

import itertools
import math
from collections.abc import Callable

import numpy as np
from scipy.linalg.lapack import dposv
from scipy.optimize import OptimizeResult, minimize

from .lanczos import largest
from .problem import Array, Problem, Trace, norm, secant, second

#: Moves that the memory gradient method remembers. One does where (1) is nearly quadratic; three save up to two thirds
#: of the iterations where it is not.
MEMORY = 3

#: How much of the last gradient step the optimised gradient method repeats, as in `weep.denoise`.
REPEAT = 0.85


def memory_gradient(problem: Problem, start: Array, trace: Trace) -> Array:
    """Go to the best point in the span of the preconditioned gradient and the last moves, again and again.

    In that span, the data term is a quadratic form of few variables whose matrix is known, and the penalty is majorised
    by the parabola that touches it. Where the second derivative is positive definite in the span, a step by that goes
    first, and is kept if it descends enough. The images of all directions are kept, so that an iteration applies A once
    and its adjoint once.
    """
    A, L, lam, phi = problem.A, problem.L, problem.lam, problem.phi
    # The point, its residual and its image by L are one array, as are those of each direction: a move is one sum.
    point = np.concatenate((start, A(start) - problem.y, L(start)))
    cuts = start.size, start.size + problem.y.size
    x, r, lx = np.split(point, cuts)
    penalty = float(np.sum(phi(lx)))
    rows = np.empty((1 + MEMORY, point.size))
    dx, dr, dl = np.split(rows, cuts, axis=1)
    for k in itertools.count():
        gradient = A.adjoint(r) + lam * L.adjoint(phi.grad(lx))
        if trace.record(x, float(r @ r) / 2 + lam * penalty, norm(gradient)):
            break
        np.negative(problem.scaling(gradient), out=dx[0])
        dr[0], dl[0] = A(dx[0]), L(dx[0])
        n = 1 + min(k, MEMORY)
        c, penalty = _step(problem, lx, penalty, dr[:n] @ dr[:n].T, dr[:n] @ r, dx[:n] @ gradient, dl[:n])
        move = c @ rows[:n]
        rows[1 + k % MEMORY] = move
        point += move
    return x


def _step(
    problem: Problem, lx: Array, penalty: float, gram: Array, pull: Array, slope: Array, directions: Array
) -> tuple[Array, float]:
    """Coefficients of a good point in the span of directions, and the value of the penalty there.

    Of the data term the matrix ``gram`` and the slopes ``pull`` are given, of the penalty its value at Lx and the
    images of the directions by L, and ``slope`` is that of the objective.
    """
    lam, phi = problem.lam, problem.phi
    c = _newton(gram + lam * (directions * second(phi, lx)) @ directions.T, slope)
    if c is not None:
        # It must descend by a share of what the slope says: on a parabola, that would be a half.
        there = float(np.sum(phi(lx + c @ directions)))
        if c @ (gram @ c) / 2 + c @ pull + lam * (there - penalty) <= 0.1 * float(c @ slope):
            return c, there
    majorant = gram + lam * (directions * secant(phi, lx)) @ directions.T
    c = -np.linalg.lstsq(majorant, slope, rcond=1e-14)[0]
    return c, float(np.sum(phi(lx + c @ directions)))


def _newton(matrix: Array, slope: Array) -> Array | None:
    """The Newton step, or None where the matrix is not clearly positive definite."""
    diagonal = matrix.diagonal()
    factor, solved, info = dposv(matrix, slope)
    # The pivots are those of the matrix of unit diagonal, times the diagonal.
    return None if info or np.any(factor.diagonal() ** 2 < 1e-12 * diagonal) else -solved


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
