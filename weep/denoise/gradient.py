"""Gradient methods, for differentiable penalties: accelerated gradient with restart, and SciPy's L-BFGS-B."""

import math
from collections.abc import Callable, Iterator

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from ..operators import differences
from .problem import Array, Problem, Trace, norm


def accelerated(problem: Problem, start: Array) -> Iterator[tuple[Array, float, float]]:
    """Nesterov's accelerated gradient with step 1/L; the momentum restarts when it points uphill.

    Yields, for ever, the extrapolated point, and the objective and the norm of its gradient there. The point may be
    overwritten by the step after the next.
    """
    advance = _fused(problem, start) if problem.fused else _plain(problem, start)
    v, theta = start, 1.0
    while True:
        following = (1 + math.sqrt(1 + 4 * theta * theta)) / 2
        after, value, size, uphill = advance(v, (theta - 1) / following)
        yield v, value, size
        v, theta = after, 1.0 if uphill else following


Advance = Callable[[Array, float], tuple[Array, float, float, bool]]


def _plain(problem: Problem, start: Array) -> Advance:
    step, x = 1 / problem.lipschitz, start

    def advance(v: Array, beta: float) -> tuple[Array, float, float, bool]:
        nonlocal x
        parts = differences(v)
        gradient = problem.gradient(v, parts)
        x, old = v - step * gradient, x
        move = x - old
        uphill = float(np.vdot(gradient, move)) > 0
        return x if uphill else x + beta * move, problem.value(v, parts), norm([gradient]), uphill

    return advance


def _fused(problem: Problem, start: Array) -> Advance:
    assert problem.fused is not None
    sweep, convert = problem.fused.sweeps[start.ndim], start.dtype.type
    y, x, step = np.ascontiguousarray(problem.y), start.copy(), convert(1 / problem.lipschitz)
    pair = [np.empty_like(x), np.empty_like(x)]

    def advance(v: Array, beta: float) -> tuple[Array, float, float, bool]:
        pair.reverse()
        value, squares, along = sweep(v, x, y, pair[0], *problem.scalars, step, convert(beta), convert(0.5))
        if along > 0:
            pair[0][...] = x
        return pair[0], value, math.sqrt(squares), along > 0

    return advance


def fista(problem: Problem, start: Array, trace: Trace) -> Array:
    """Accelerated gradient until the gradient is small."""
    for x, value, size in accelerated(problem, start):
        if trace.record(x, value, size):
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
