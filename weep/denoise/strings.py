"""The exact minimum of (11) in one dimension for φ = c|x|: dynamic programming on slopes, for many signals.

Let M_i(z) be the least cost of the first i entries if the last of them is z. Its slope is continuous, increasing and
piecewise linear. With z at entry i + 1, entry i is best at z, but no farther left than where M_i has the slope −λc, and
no farther right than where it has the slope λc. So the slope of the next cost is that of M_i, clipped to [−λc, λc],
plus w (z − y). Clipping removes seams at both ends and adds one at each: all of them together take as long as the
signal.

A line is a pair (p, q), for p z + q. Seams hold where they are, and what is added to the line on their left.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import compiled
from .dual import multiple
from .many import Found
from .problem import WORTH_COMPILING, Array, Problem
from .rows import plain, rows
from .solver import Trace
from .structure import Stack

if TYPE_CHECKING:
    from .many import Run


def walk(ys: Any, out: Any, costs: Any, weights: Any, lams: Any, lam: Any, slope: Any, seams: Any, ends: Any) -> None:
    """Solve for each row of ys, and write the objectives: loops to be compiled, which lists go through as well.

    Weights and λ have one row for all or one for each; None is 1, and the one λ. The slope is c. Seams and ends are
    memory to work in: three times 2n + 2 numbers and twice n.
    """
    n = len(ys[0])
    at, steeper, higher = seams
    low, high = ends
    infinity = float("inf")
    for k in range(len(ys)):
        w = weights[k if len(weights) > 1 else 0] if weights is not None else None
        strengths = lams[k if len(lams) > 1 else 0] if lams is not None else None
        y, x = ys[k], out[k]
        offset = float(y[0])
        first, last = n + 1, n
        left_p, left_q, right_p, right_q = 0.0, 0.0, 0.0, 0.0
        for i in range(n):
            weight = 1.0 if w is None else float(w[i])
            pull = weight * (y[i] - offset)
            left_p, left_q, right_p, right_q = left_p + weight, left_q - pull, right_p + weight, right_q - pull
            level = 0.0 if i + 1 == n else slope * (lam if strengths is None else strengths[i])
            p, q = left_p, left_q
            while first <= last and p * at[first] + q < -level:
                p, q = p + steeper[first], q + higher[first]
                first += 1
            low[i], left_p, left_q = -infinity, p, q
            if level == 0:  # the entry is where it is best, whatever follows
                low[i] = high[i] = -q / p if p != 0 else infinity  # nothing fixes it
                first, last = n + 1, n
                left_p, left_q, right_p, right_q = 0.0, 0.0, 0.0, 0.0
                continue
            if p > 0:  # else nothing on the left has the slope −λc
                first -= 1
                low[i], left_p, left_q = (-level - q) / p, 0.0, -level
                at[first], steeper[first], higher[first] = low[i], p, q + level
            p, q = right_p, right_q
            while first <= last and p * at[last] + q > level:
                p, q = p - steeper[last], q - higher[last]
                last -= 1
            high[i], right_p, right_q = infinity, p, q
            if p > 0:
                last += 1
                high[i], right_p, right_q = (level - q) / p, 0.0, level
                at[last], steeper[last], higher[last] = high[i], -p, level - q
        z, misfit, penalty = low[n - 1], 0.0, 0.0
        for i in range(n - 1, -1, -1):
            after, z = z, min(max(z, low[i]), high[i])
            x[i] = z + offset
            r = z - (y[i] - offset)
            misfit += r * r if w is None else w[i] * r * r
            if i + 1 < n:
                penalty += abs(after - z) if strengths is None else strengths[i] * abs(after - z)
        costs[k] = misfit / 2 + slope * (penalty * lam if strengths is None else penalty)


def solve(
    y: Array, weights: Array | None, lams: Array | None, lam: float, slope: float
) -> tuple[Array, NDArray[np.float64]]:
    """The solution for each row of y, and its objective, on all cores."""
    count, n = y.shape
    x, costs = np.empty_like(y), np.empty(count)
    kernel = compiled.fast(walk) if y.size >= WORTH_COMPILING else None

    def task(first: int, last: int) -> None:
        arrays = [None if a is None else a[first:last] if len(a) > 1 else a for a in (y, x, costs, weights, lams)]
        items: list[Any] = [*arrays, lam, slope, np.empty((3, 2 * n + 2)), np.empty((2, n))]
        if kernel is not None:
            kernel(*items)
            return
        items = [item.tolist() if isinstance(item, np.ndarray) else item for item in items]  # faster in a plain loop
        walk(*items)
        x[first:last], costs[first:last] = items[1:3]

    compiled.share(task, count, 1 if kernel is None else compiled.threads())
    return x, costs


def one(problem: Problem, trace: Trace) -> Array:
    """The solution of one problem."""
    weights, lams = (None if row is None else row[None] for row in rows(problem))
    x, costs = solve(plain(problem.y)[None], weights, lams, problem.lam, problem.pieces[0].slope)
    return trace.settle(x[0], float(costs[0]))


def many(run: "Run", stack: Stack, starts: Array | None) -> tuple[list[Found], dict[int, str], Array]:
    """Solve all at once if φ = c|x|; return what was found, and the numbers of those that are left.

    Where squares overflow, NaN is in the data, or a missing value cut off, the objective shows it. Such signals need a
    unit of their own, or a message.
    """
    everything = np.arange(len(stack.y))
    if not multiple(run.phi.pieces):
        return [], {}, everything
    lams = None if stack.lams is None else stack.lams[0]
    weights, lams = (None if a is None else plain(a) for a in (stack.weights, lams))
    x, costs = solve(plain(stack.y), weights, lams, stack.lam, run.phi.pieces[0].slope)
    fine = np.isfinite(costs)
    done, left = everything[fine], everything[~fine]
    x = x[fine] if len(left) else x
    return [Found(done, x, np.empty((0, 2)), float(costs[fine].sum()), True, "exact", "global")], {}, left
