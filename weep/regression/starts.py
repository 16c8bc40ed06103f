"""Where to start: it decides where a solver of (12) ends, unless the loss is convex."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .problem import LARGE, Array, Problem, Solver, real, times

#: Starts that `regress` knows by name.
INITS = ("zeros", "ols", "random", "multistart")

REFINED = 5  # candidates of a multistart that are followed to their minimum
BLOCK = 1 << 20  # residuals of candidates that are held at once


def start(problem: Problem, init: ArrayLike, seed: int) -> Array:
    """Coefficients to start from."""
    batch, _, p = problem.X.shape
    if isinstance(init, str):
        if init == "zeros":
            return np.zeros((batch, p))
        if init == "ols":
            return problem.coef(problem.gradient(problem.weighted(problem.y)))
        if init == "random":
            drawn: Array = np.random.default_rng(seed).standard_normal((batch, p))
            # Without its component in the null space of X, so that the answer has none either.
            return problem.coef(problem.gradient(problem.weighted(times(problem.X, drawn))))
        raise ValueError(f"init={init!r} must be an array, or one of {list(INITS)}")
    given = real("init", init)
    if given.shape not in ((p,), (batch, p)):
        raise ValueError(f"init must have the shape {(p,)} or {(batch, p)}, not {given.shape}")
    coef = np.broadcast_to(given, (batch, p)).copy()
    with np.errstate(over="ignore", invalid="ignore"):
        # A bound by the largest entries spares the residuals; those decide only where it is not enough.
        if not np.all(problem.reach(coef) < LARGE) and not np.all(np.abs(problem.residuals(coef)) < LARGE):
            raise ValueError(f"init must have residuals below {LARGE}")
    return coef


def multistart(problem: Problem, solver: Solver, starts: int, seed: int) -> tuple[Array, NDArray[Any]]:
    """Follow the best candidates to their minima, and return the best of these."""
    coef = candidates(problem, starts, seed)
    tried = [solver.run(problem, coef[:, k]) for k in range(coef.shape[1])]
    costs = np.stack([problem.value(problem.residuals(found)) for found, _ in tried])
    best, every = costs.argmin(axis=0), np.arange(len(coef))
    return np.stack([found for found, _ in tried])[best, every], np.stack([count for _, count in tried])[best, every]


def candidates(problem: Problem, starts: int, seed: int) -> Array:
    """The best few of least squares and exact fits of random rows, of shape (batch, few, p)."""
    batch, n, p = problem.X.shape
    rows = _draw(problem, starts, seed)
    some = max(1, BLOCK // n)  # candidates evaluated at once
    coef = np.empty((batch, min(REFINED, starts + 1), p))
    for first in range(0, batch, size := max(1, some // starts)):
        few = problem.part(np.arange(first, min(first + size, batch)))
        exact: Any = np.linalg.pinv(np.moveaxis(few.U[:, :, rows], 1, -1), rcond=1e-12)
        ols = few.gradient(few.weighted(few.y))[:, None]
        lines = np.concatenate((ols, times(exact, few.y[:, rows])), axis=1) @ few.T
        costs = np.concatenate([_costs(few, lines[:, k : k + some]) for k in range(0, starts + 1, some)], axis=1)
        best = np.argsort(costs, axis=1, kind="stable")[:, : coef.shape[1]]
        coef[first : first + size] = np.take_along_axis(lines, best[..., None], axis=1)
    return coef


def _draw(problem: Problem, starts: int, seed: int) -> NDArray[np.intp]:
    """Row numbers of shape (starts, p), or all n if they are fewer; of rows that have a weight."""
    _, n, p = problem.X.shape
    usable = np.arange(n) if problem.weights is None else np.flatnonzero(problem.weights.any(axis=0))
    count, rng = min(len(usable), p), np.random.default_rng(seed)
    rows = np.empty((starts, count), dtype=np.intp)
    for k in range(starts):  # the first of a random order, without sorting the rest
        order = rng.random(len(usable))
        first = np.argpartition(order, count - 1)[:count]
        rows[k] = usable[first[order[first].argsort()]]
    return rows


def _costs(problem: Problem, lines: Array) -> Array:
    losses = problem.rho(problem.y[:, None] - lines @ np.swapaxes(problem.X, 1, 2))
    return (losses if problem.weights is None else losses * problem.weights[:, None]).sum(-1)
