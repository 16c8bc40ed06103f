"""Many signals of one axis at once, by the compiled Newton method, on all cores."""

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import compiled
from ..operators import norm_squared
from ..penalties import Penalty
from .fista import REPEAT
from .many import Found
from .problem import Array, Problem, is_convex
from .rows import number, rows, scalars
from .solver import PATIENCE, Trace, complaint
from .structure import Stack
from .units import LEAST

if TYPE_CHECKING:
    from .many import Run

#: Points of the gradient method before the first try of Newton; each failure doubles their number.
WARM_UP = 4

#: What rounding may add to an objective, in units of the last digit.
SLACK = 10

#: Signals of a part. Parts are the same for every number of threads, so are all sums.
PART = 64


def batch(run: "Run", stack: Stack, starts: Array | None) -> tuple[list[Found], dict[int, str], Array]:
    """Solve what needs no unit of its own; return what was found, complaints by number, and the numbers left."""
    fused = None if run.phi.hubers is None else compiled.kernels("weep.denoise.fused_many")
    count = len(stack.y)
    if fused is None or run.callback is not None:
        return [], {}, np.arange(count)
    parts: list[tuple[Found, Array] | None] = [None] * -(-count // PART)

    def task(first: int, last: int) -> None:
        for k in range(first, last):
            which = np.arange(k * PART, min((k + 1) * PART, count))
            parts[k] = _part(run, stack, starts, which, fused.batch)

    compiled.share(task, len(parts), compiled.threads())
    done = [part for part in parts if part is not None]
    dtype, complaints = stack.y.dtype, {}
    for found, ends in done:
        for k in np.flatnonzero(~(ends[:, 2] <= run.tol)):
            steps, _, residual, floor = ends[k]
            words = complaint("newton", dtype, floor, int(steps), residual, run.tol, run.max_iter)
            complaints[int(found.which[k])] = words
    left = np.setdiff1d(np.arange(count), np.concatenate([found.which for found, _ in done]))
    return [found for found, _ in done], complaints, left


def _part(run: "Run", stack: Stack, starts: Array | None, which: Array, kernel: Any) -> tuple[Found, Array]:
    """Solve for some signals: those of an ordinary size, less their means."""
    with np.errstate(over="ignore", invalid="ignore"):
        y = stack.y[which]
        offsets = y.mean(1, np.float64, keepdims=True).astype(y.dtype)
        y -= offsets
        typical = np.sqrt(np.einsum("kn,kn->k", y, y) / y.shape[1])
        least = np.maximum(LEAST, 4 * np.abs(np.spacing(offsets[:, 0])))
        usual = (least <= typical) & (typical <= 1 / LEAST)
    which, y, offsets = which[usual], y[usual], offsets[usual]
    start = y if starts is None else starts[which] - offsets
    uniform = stack.lams is None and stack.weights is None
    if uniform:
        convex = is_convex(run.phi, stack.lam, y.shape[1:])
    else:
        convex = all([stack.problem(k, stack.y[k], run.phi, None).convex for k in which])
    weights = lams = None
    if not uniform:
        weights = np.ones((1, y.shape[1]), y.dtype) if stack.weights is None else stack.weights[which]
        lams = np.full((1, y.shape[1]), stack.lam, y.dtype) if stack.lams is None else stack.lams[0][which]
    out, ends, history = together(y, start, weights, lams, stack.lam, run.phi, run.tol, run.max_iter, kernel)
    length = int(ends[:, 0].max(initial=0))
    sums, largest, gone, last = history[: length + 1].T
    course = np.column_stack((sums + np.cumsum(gone), np.maximum(largest, np.maximum.accumulate(last))))[:length]
    converged = bool(np.all(ends[:, 2] <= run.tol))
    known = ("global" if convex else "stationary") if converged else "none"
    return Found(which, out + offsets, course, float(ends[:, 1].sum()), converged, "newton", known), ends


def together(
    y: Array,
    start: Array,
    weights: Array | None,
    lams: Array | None,
    lam: float,
    phi: Penalty,
    tol: float,
    max_iter: int,
    kernel: Any,
) -> tuple[Array, Array, Array]:
    """Call the kernel: solutions; count, objective, residual and rounding level of each; and the history of all."""
    dtype, eps = y.dtype, float(np.finfo(y.dtype).eps)
    numbers = *scalars(phi, lam, dtype), number(dtype)(0.5)
    how = (tol, float(PATIENCE), float(max_iter), REPEAT, float(WARM_UP), SLACK * eps)
    out, ends, history = np.empty_like(y), np.empty((len(y), 4)), np.zeros((max_iter + 1, 4))
    constants = phi.lipschitz, norm_squared(y.shape[1:]), eps
    kernel(y, start, out, weights, lams, numbers, *constants, how, ends, history)
    return out, ends, history


def alone(problem: Problem, start: Array, trace: Trace, kernel: Any) -> Array:
    """The same for one signal, as a solver."""
    weights, lams = (None if row is None else row[None] for row in rows(problem))
    y, start = np.ascontiguousarray(problem.y)[None], np.ascontiguousarray(start)[None]
    out, ends, history = together(y, start, weights, lams, problem.lam, problem.phi, trace.tol, trace.max_iter, kernel)
    trace.replay(history[: int(ends[0, 0]), :2])
    return out[0]
