"""Reweighted least squares that turn into Newton's method, for all problems of a batch at once."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve

from .. import compiled
from ..checks import extra
from ..penalties import L2, WEEP, Huber, Tukey
from .problem import FEW, Array, Problem, Solver, norm, times


class Place(NamedTuple):
    """Where problems stand: coordinates, residuals, objective, influences, minus the gradient, and its norm."""

    t: Array
    r: Array
    value: Array
    psi: Array
    g: Array
    slope: Array


class State(NamedTuple):
    """Problems under way: their numbers, the start and its residuals, a bound of what rounding does, the damping."""

    which: NDArray[np.intp]
    start: Array
    base: Array
    coarse: Array
    mu: Array
    up: Array


def newton(problem: Problem, start: Array) -> tuple[Array, NDArray[Any]]:
    """Step in all problems that are not yet stationary."""
    found, n_iter = np.zeros_like(start), np.zeros(len(start), dtype=int)
    state, whole = _begin(problem, start), problem
    at = _place(problem, state.base, found)
    for _ in range(problem.max_iter):
        curved = problem.curvatures(at.r, at.psi)
        going = _unfinished(problem, state, at, curved)
        if 2 * np.sum(going) <= len(going):  # those that are done leave the batch
            found[state.which] = at.t
            problem = problem.part(going)
            state, at = State._make(array[going] for array in state), Place._make(array[going] for array in at)
            curved = curved[0][going], curved[1][going]
            going = going[going]
            if len(going) == 0:
                break
        n_iter[state.which[going]] += 1
        step, mu = _step(problem.U, at.g, *curved, state.mu)
        new = _place(problem, state.base, at.t + step)
        hoped, ahead = (at.g * step).sum(-1) / 2, (new.g * step).sum(-1)
        taken, mu, up = damping(mu, state.up, at.value, new.value, hoped, at.slope, new.slope, ahead)
        state, taken = state._replace(mu=mu, up=up), taken & going
        if not taken.all():
            rows = taken[:, None]
            new = Place(*(np.where(rows if b.ndim == 2 else taken, a, b) for a, b in zip(new, at, strict=True)))
        at = new
    found[state.which] = at.t
    return start + whole.coef(found), n_iter


def damping(mu: Any, up: Any, value: Any, value2: Any, hoped: Any, slope: Any, slope2: Any, ahead: Any) -> Any:
    """Whether to take a step, and the damping of the next one: for arrays, and compiled for numbers.

    Parameters
    ----------
    mu, up : array or float
        The damping μ, and the factor by which it rises when a step fails.
    value, value2 : array or float
        Objective before and after the step.
    hoped : array or float
        By how much the model lets it fall.
    slope, slope2 : array or float
        Norm of the gradient before and after.
    ahead : array or float
        Minus the derivative along the step, at its end.

    Returns
    -------
    (array or bool, array or float, array or float)
        Whether to take the step, and the next μ and factor.
    """
    # Selections are products with 0 and 1: in numba, np.where would make an array of every number.
    fell, rounding = value - value2, 1e-12 * np.abs(value)
    # Where rounding hides how much the objective fell, the gradient has to tell: it has halved, or the way still goes
    # down at the end of the step.
    onward = (-fell <= rounding) & ((slope2 <= 0.5 * slope) | (ahead >= 0))
    good = ((hoped > rounding) & (fell > 0.1 * hoped)) | ((hoped <= rounding) & onward)
    bold = good & ((hoped <= rounding) | (fell > 0.5 * hoped))
    taken = good | (mu >= 1)
    kept = bold * np.maximum(0.1 * mu, 1e-12) + (1 - bold) * mu
    return taken, taken * kept + (1 - taken) * np.minimum(up * mu, 1.0), taken * 4.0 + (1 - taken) * 4.0 * up


def _begin(problem: Problem, start: Array) -> State:
    mu = np.ones(len(start))
    return State(np.arange(len(start)), start, problem.residuals(start), problem.coarse(start), mu, 4 * mu)


def _place(problem: Problem, base: Array, t: Array) -> Place:
    r = base - times(np.swapaxes(problem.U, 1, 2), t)
    psi = problem.influences(r)
    g = problem.gradient(psi)
    return Place(t, r, problem.value(r), psi, g, norm(g))


def _unfinished(problem: Problem, state: State, at: Place, curved: tuple[Array, Array]) -> NDArray[np.bool_]:
    allowed = problem.tol * problem.size(at.psi)
    going = at.slope > allowed
    close = going & (at.slope <= allowed + state.coarse)
    if close.any():
        secants, second = curved[0][close], curved[1][close]
        going[close] = at.slope[close] > allowed[close] + problem.rounding(close, secants, second, state.start)
    return going


def _step(U: Array, g: Array, secants: Array, second: Array, mu: Array) -> tuple[Array, Array]:
    """Solve with the Newton matrix and μ times what the reweighted one has more; raise μ till that is definite."""
    Ut = np.swapaxes(U, 1, 2)
    A, H = ((U * each[:, None]) @ Ut for each in (secants, second))
    trace = np.trace(A, axis1=1, axis2=2)
    A += np.maximum(1e-13 * trace, 1e-300)[:, None, None] * np.eye(U.shape[1])  # if fewer than p rows have weight
    solve = _solve if U.shape[1] <= FEW else _solve_each
    more = A - H
    step, definite = solve(H + mu[:, None, None] * more, g, np.where(mu < 1, 1e-14 * trace, 0))
    while len(rows := np.flatnonzero(~definite & (mu < 1))):
        mu = np.where(definite, mu, np.minimum(4 * mu, 1))
        some = mu[rows]
        least = np.where(some < 1, 1e-14 * trace[rows], 0)
        step[rows], definite[rows] = solve(H[rows] + some[:, None, None] * more[rows], g[rows], least)
    return step, mu


def _solve(matrix: Array, right: Array, least: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Eliminate in a batch of symmetric matrices, in place; tells where all pivots are above the least."""
    x, definite = right.copy(), np.ones(len(right), dtype=bool)
    for j in range(right.shape[1]):
        definite &= matrix[:, j, j] > least
        row = matrix[:, j] / np.where(definite, matrix[:, j, j], 1)[:, None]
        x[:, j + 1 :] -= row[:, j + 1 :] * x[:, j, None]
        matrix[:, j + 1 :] -= row[:, j + 1 :, None] * matrix[:, None, j]
    for j in reversed(range(right.shape[1])):
        x[:, j] -= (matrix[:, j, j + 1 :] * x[:, j + 1 :]).sum(-1)
        x[:, j] /= np.where(definite, matrix[:, j, j], 1)
    return x, definite


def _solve_each(matrix: Array, right: Array, least: Array) -> tuple[Array, NDArray[np.bool_]]:
    """The same for large matrices, one after the other."""
    x, definite = np.zeros_like(right), np.zeros(len(right), dtype=bool)
    for k in range(len(right)):
        try:
            factor = np.linalg.cholesky(matrix[k])
        except np.linalg.LinAlgError:
            continue
        definite[k] = np.diag(factor).min() ** 2 > least[k]
        x[k] = cho_solve((factor, True), right[k])
    return x, definite


def fused_newton(problem: Problem, start: Array) -> tuple[Array, NDArray[Any]]:
    """The same in numba, problem after problem."""
    if not compiled.USE:
        raise ImportError("method='compiled' needs numba, which is switched off (by WEEP_NUMBA=0, for instance)")
    with extra("fast", "method='compiled'"):
        from . import fused
    state, encoded = _begin(problem, start), fused.encode(problem.rho)
    t, n_iter = fused.solve(
        (problem.X, problem.y, problem.U),
        problem.weights,
        (start, state.base, state.coarse),
        encoded,
        problem.tol,
        problem.max_iter,
    )
    return start + problem.coef(t), n_iter


NEWTON = Solver("newton", 1e-12, newton, again=True)
COMPILED = Solver(
    "compiled",
    1e-12,
    fused_newton,
    lambda rho: isinstance(rho, L2 | Huber | Tukey | WEEP),
    "L2, Huber, Tukey or WEEP",
    again=True,
)
