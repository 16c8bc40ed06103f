"""Gradient methods, for differentiable penalties: accelerated gradient with restart, and SciPy's L-BFGS-B."""

import math
from collections.abc import Iterator

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from ..operators import differences
from .problem import Array, Problem, Trace, norm


def accelerated(problem: Problem, start: Array) -> Iterator[tuple[Array, float, Array]]:
    """Nesterov's accelerated gradient with step 1/L; the momentum restarts when it points uphill.

    Yields, for ever, the extrapolated point, and the objective and its gradient there.
    """
    step = 1 / problem.lipschitz
    x, v, theta = start, start, 1.0
    while True:
        parts = differences(v)
        gradient = problem.gradient(v, parts)
        yield v, problem.value(v, parts), gradient
        x, old = v - step * gradient, x
        move = x - old
        if np.vdot(gradient, move) > 0:
            theta, v = 1.0, x
        else:
            following = (1 + math.sqrt(1 + 4 * theta * theta)) / 2
            v = x + ((theta - 1) / following) * move
            theta = following


def fista(problem: Problem, start: Array, trace: Trace) -> Array:
    """Accelerated gradient until the gradient is small."""
    for x, value, gradient in accelerated(problem, start):
        if trace.record(x, value, norm([gradient])):
            return x
    raise AssertionError("the iterates do not end")  # pragma: no cover


def lbfgs(problem: Problem, start: Array, trace: Trace) -> Array:
    """SciPy's L-BFGS-B, in double precision, stopped by the same residual as the other methods."""
    shape, dtype = problem.y.shape, problem.y.dtype
    exact = Problem(problem.y.astype(np.float64), problem.phi, problem.lam)
    seen: dict[str, Array] = {}

    def evaluate(flat: Array) -> tuple[float, Array]:
        parts = differences(flat.reshape(shape))
        gradient = exact.gradient(flat.reshape(shape), parts).ravel()
        seen["gradient"] = gradient
        return exact.value(flat.reshape(shape), parts), gradient

    def after(intermediate_result: OptimizeResult) -> None:
        # SciPy calls this right after the evaluation at the accepted point.
        x = intermediate_result.x.reshape(shape).astype(dtype)
        if trace.record(x, float(intermediate_result.fun), norm([seen["gradient"]])):
            raise StopIteration

    options = {"maxiter": trace.max_iter, "maxfun": 20 * trace.max_iter, "ftol": 0.0, "gtol": 0.0}
    first = start.astype(np.float64).ravel()
    found = minimize(evaluate, first, jac=True, method="L-BFGS-B", callback=after, options=options)
    return np.asarray(found.x.reshape(shape), dtype)
