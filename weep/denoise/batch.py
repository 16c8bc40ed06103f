"""Many signals of one axis at once, by the compiled Newton method, on all cores."""

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import compiled
from .fista import REPEAT
from .many import Found
from .problem import Array, is_convex
from .rows import number, scalars
from .solver import PATIENCE, complaint
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
    weights = np.ones((1, y.shape[1]), y.dtype) if stack.weights is None else stack.weights[which]
    lams = np.full((1, y.shape[1]), stack.lam, y.dtype) if stack.lams is None else stack.lams[0][which]
    eps = float(np.finfo(y.dtype).eps)
    numbers = *scalars(run.phi, y.dtype), number(y.dtype)(0.5)
    how = tuple(map(float, (run.tol, PATIENCE, run.max_iter, REPEAT, WARM_UP, SLACK * eps)))
    out, ends, history = np.empty_like(y), np.empty((len(y), 4)), np.zeros((run.max_iter + 1, 4))
    kernel(y, start, out, weights, lams, numbers, run.phi.lipschitz, eps, how, ends, history)
    length = int(ends[:, 0].max(initial=0))
    sums, largest, gone, last = history[: length + 1].T
    rows = np.column_stack((sums + np.cumsum(gone), np.maximum(largest, np.maximum.accumulate(last))))[:length]
    converged = bool(np.all(ends[:, 2] <= run.tol))
    known = ("global" if convex else "stationary") if converged else "none"
    return Found(which, out + offsets, rows, float(ends[:, 1].sum()), converged, "newton", known), ends
