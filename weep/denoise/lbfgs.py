"""SciPy's L-BFGS-B, for differentiable penalties."""

from dataclasses import replace

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from .problem import Array, Problem
from .solver import Solver, Trace
from .units import norm


def lbfgs(problem: Problem, start: Array, trace: Trace) -> Array:
    """SciPy's L-BFGS-B, in double precision, stopped by the same residual as the other methods."""
    shape, dtype = problem.y.shape, problem.y.dtype
    double = replace(problem, y=problem.y.astype(np.float64))
    seen: dict[str, Array] = {}

    def evaluate(flat: Array) -> tuple[float, Array]:
        value, gradient = double.evaluate(flat.reshape(shape))
        seen["gradient"] = gradient
        return value, gradient.ravel()

    def after(intermediate_result: OptimizeResult) -> None:
        # SciPy calls this right after the evaluation at the accepted point.
        x = intermediate_result.x.reshape(shape).astype(dtype)
        if trace.record(x, float(intermediate_result.fun), norm([seen["gradient"]])):
            raise StopIteration

    options = {"maxiter": trace.max_iter, "maxfun": 20 * trace.max_iter, "ftol": 0.0, "gtol": 0.0}
    first = start.astype(np.float64).ravel()
    found = minimize(evaluate, first, jac=True, method="L-BFGS-B", callback=after, options=options)
    if not trace.rows:  # it has not left the start
        value, gradient = double.evaluate(found.x.reshape(shape))
        trace.record(start, value, norm([gradient]))
    return np.asarray(found.x.reshape(shape), dtype)


LBFGS = Solver("lbfgs", lambda problem: problem.smooth, "a differentiable penalty", lbfgs)
