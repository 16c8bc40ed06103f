"""Compiled Newton in one dimension for many signals: the steps of `weep.denoise.newton`, with no Python between."""

import numpy as np

from ..compiled import jit
from .fused import line, newton


def judge_of(state, history, value, relative, tol, floor, patience, max_iter):
    """Note an iterate, and return whether it is the last one. The state is count, best, its count, objective, residual.

    Columns of the history: sums of objectives and largest residuals of those that are still on their way.
    """
    state[0] += 1
    count = int(state[0])
    state[3], state[4] = value, relative
    history[count - 1, 0] += value
    history[count - 1, 1] = max(history[count - 1, 1], relative)
    if relative < 0.9 * state[1]:
        state[1], state[2] = relative, count
    exhausted = count - state[2] >= patience and state[1] <= floor
    return relative <= tol or exhausted or count >= max_iter


judge = jit(judge_of)


def solve_of(y, v, x, after, moved, beyond, ratios, weights, lams, scalars, scale, bound, floor, run, state, history):
    """Solve for one signal from v; return the one of the buffers in which the solution is."""
    lam, a, x1, x2, half = scalars
    tol, patience, max_iter, repeat, warm_up, slack = run
    numbers = np.empty(3, y.dtype)
    numbers[0] = 1 / bound
    x[:] = v
    theta, steps, following = 1.0, 0, int(warm_up)
    while True:
        target = (1 + np.sqrt(1 + 4 * theta * theta)) / 2
        numbers[1], numbers[2] = (theta - 1) / target, repeat * theta / target
        momentum = numbers[0], numbers[1], numbers[2]
        value, squares, along = line(v, x, y, after, weights, lams, lam, a, x1, x2, *momentum, half)
        if along > 0:
            after[:] = x
        theta = 1.0 if along > 0 else target
        if judge(state, history, value, np.sqrt(squares) / scale, tol, floor, patience, max_iter):
            return v
        steps += 1
        if steps == following:
            following *= 2
            here = v
            while True:
                cost, squares = newton(here, y, moved, ratios, weights, lams, lam, a, x1, x2, half)
                if not cost <= value + slack * abs(value):
                    break
                value, here, moved, beyond = cost, moved, beyond, moved
                if judge(state, history, value, np.sqrt(squares) / scale, tol, floor, patience, max_iter):
                    return here
        v, after = after, v


solve = jit(solve_of)


def line_of(array, k):
    """A line, or the only one, or None of None."""
    return None if array is None else array[k if len(array) > 1 else 0]


its_line = jit(line_of)


def batch_of(ys, starts, out, weights, lams, scalars, lipschitz, norm_squared, eps, run, ends, history):
    """Solve for each row of ys. Writes the solutions, and count, objective, residual and rounding level of each."""
    n, dtype = ys.shape[1], ys.dtype
    x, after, moved = np.empty(n, dtype), np.empty(n, dtype), np.empty(n, dtype)
    beyond, ratios, v = np.empty(n, dtype), np.empty(n, dtype), np.empty(n, dtype)
    state = np.empty(5)
    for k in range(len(ys)):
        y, w, lam = ys[k], its_line(weights, k), its_line(lams, k)
        size, scale, bound = 0.0, 0.0, 0.0
        if weights is None:
            for i in range(n):
                size += float(y[i]) * y[i]
            scale, bound = size, 1 + lipschitz * scalars[0] * norm_squared
        else:
            most, largest = 0.0, 0.0
            for i in range(n):
                size += float(y[i]) * y[i]
                scale += (float(w[i]) * y[i]) ** 2
                degree = (lam[i] if i + 1 < n else 0.0) + (lam[i - 1] if i > 0 else 0.0)
                bound = max(bound, w[i] + 2 * lipschitz * degree)
                most = max(most, w[i])
                largest = max(largest, lam[i] if i + 1 < n else 0.0)
            bound = min(bound, most + lipschitz * largest * norm_squared)
        scale = np.sqrt(scale)
        floor = 0.25 * eps * bound * np.sqrt(size) / scale
        state[:] = 0.0
        state[1] = np.inf
        v[:] = starts[k]
        out[k] = solve(y, v, x, after, moved, beyond, ratios, w, lam, scalars, scale, bound, floor, run, state, history)
        count = int(state[0])
        ends[k, 0], ends[k, 1], ends[k, 2], ends[k, 3] = count, state[3], state[4], floor
        history[count, 2] += state[3]
        history[count, 3] = max(history[count, 3], state[4])


batch = jit(batch_of, nogil=True)
