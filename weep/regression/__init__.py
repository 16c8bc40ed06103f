r"""M-estimation: problem (12), for one regression or for thousands at once."""

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize

from ..checks import ConvergenceWarning, extra, floating, positive
from ..penalties import Penalty

__all__ = ["INITS", "METHODS", "Result", "regress"]

Array = NDArray[np.float64]

#: Starts that `regress` knows by name.
INITS = ("zeros", "ols", "random", "multistart")
#: Its methods, and the tolerance that each has by default.
METHODS = {"lbfgs": 1e-5, "newton": 1e-12, "compiled": 1e-12}

REFINED = 5  # candidates of a multistart that are followed to their minimum
BLOCK = 1 << 20  # residuals of candidates that are held at once


@dataclass(frozen=True)
class Result:
    """What `regress` found; for a batch, each entry is an array over the problems.

    Attributes
    ----------
    coef : ndarray of shape (p,) or (batch, p)
        The coefficients w.
    objective : float or ndarray of shape (batch,)
        The sum (12) of losses at ``coef``.
    n_iter : int or ndarray of shape (batch,)
        Iterations made; for a multistart, those that led to ``coef``.
    converged : bool or ndarray of shape (batch,)
        Whether the gradient reached the tolerance: then ``coef`` is stationary. It is a global minimum if the loss is
        convex, and need not be one otherwise.
    """

    coef: Array
    objective: Any
    n_iter: Any
    converged: Any


def regress(
    X: ArrayLike,
    y: ArrayLike,
    rho: Penalty,
    init: ArrayLike = "zeros",
    method: str = "lbfgs",
    *,
    tol: float | None = None,
    max_iter: int = 1000,
    starts: int = 100,
    seed: int = 0,
) -> Result:
    r"""Fit a linear model by a robust loss: a minimum of (12),

    .. math::

        \min_w \sum_{i=1}^n \rho\bigl(y_i - (Xw)_i\bigr).

    Parameters
    ----------
    X : array_like of real numbers, of shape (n, p) or (batch, n, p)
        The design, or one for each problem. There is no hidden intercept: give X a column of ones.
    y : array_like of real numbers, of shape (n,) or (batch, n)
        The responses.
    rho : Penalty
        The loss, with a derivative that is Lipschitz: `L2`, `Huber`, `Tukey`, `WEEP`. Its scale is that of the
        residuals: nothing is estimated.
    init : {"zeros", "ols", "random", "multistart"} or array_like of shape (p,) or (batch, p), optional
        Where to start; a loss that is not convex makes the result depend on it. ``ols`` is least squares, ``random``
        a standard normal vector. ``multistart`` fits p random rows exactly, ``starts`` times (lines through pairs of
        points, if p = 2), keeps the 5 candidates of least objective, these and least squares considered, follows each
        to its minimum and returns the best.
    method : {"lbfgs", "newton", "compiled"}, optional
        ``lbfgs`` is SciPy's L-BFGS-B, problem after problem. ``newton`` takes all problems at once: iteratively
        reweighted least squares that turn into Newton steps. ``compiled`` is the same in numba, for the four losses.
    tol : float, optional
        A method stops when the projection of the influences ρ'(y − Xw) on the columns of X is at most ``tol`` times
        their norm: 1e-5 for ``lbfgs`` and 1e-12 for the others by default.
    max_iter : int, optional
        Largest number of iterations of one problem.
    starts : int, optional
        Random candidates of a multistart.
    seed : int, optional
        Of NumPy's default generator, for ``random`` and ``multistart``. All problems of a batch share the rows drawn.

    Returns
    -------
    Result
        With ``coef``, ``objective``, ``n_iter`` and ``converged``.

    Warns
    -----
    ConvergenceWarning
        If the gradient of a problem did not reach ``tol``.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If data are not finite or shapes do not match, if ρ' is not Lipschitz, or if a name is not known.
    ImportError
        If ``method`` is ``compiled`` and numba is not there (the extra ``fast``).

    Notes
    -----
    If the columns of X are linearly dependent (n < p, or a constant x beside the intercept), the minimisers form an
    affine space. The answer has then no component in the null space of X, but for that of ``init`` if it is an
    array: from every other start it is the minimiser of least norm among those with its fitted values.

    With the influences :math:`\psi = \rho'(y - Xw)`, a step solves :math:`M\Delta = X^\top\psi`, where
    :math:`M = X^\top\mathrm{diag}\bigl(\rho'' + \mu(\psi/r - \rho'')\bigr)X`. At μ = 1 it is a reweighted step, which
    never raises the objective if ψ(r)/r falls with \\|r\\|: this holds for the four losses. At μ = 0 it is Newton's,
    exact on pieces where ρ is quadratic. It starts at 1, falls tenfold after a step that lowered the objective by half
    of what M predicts or more, and rises where a step failed or M is not positive definite.

    References
    ----------
    P. J. Huber, "Robust regression: asymptotics, conjectures and Monte Carlo", Ann. Stat. 1(5), 1973.

    Examples
    --------
    >>> from weep import Huber, regress
    >>> X = [[0.0, 1.0], [1.0, 1.0], [2.0, 1.0], [3.0, 1.0], [4.0, 1.0]]
    >>> regress(X, [1.0, 3.0, 5.0, 7.0, 90.0], Huber(0.001), method="newton").coef.round(2)
    array([2., 1.])
    """
    design, target = _data(X, y)
    if not isinstance(rho, Penalty):
        raise TypeError(f"rho={rho!r} must be a penalty of weep.penalties, not {type(rho).__name__}")
    if math.isinf(rho.lipschitz):
        raise ValueError(f"rho={rho!r} must have a Lipschitz derivative, and has a kink")
    if method not in METHODS:
        raise ValueError(f"method={method!r} must be one of {list(METHODS)}")
    for name, value in (("max_iter", max_iter), ("starts", starts)):
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name}={value!r} must be an integer, not {type(value).__name__}")
        if value < 1:
            raise ValueError(f"{name}={value!r} must be at least 1")
    problem = _Problem.of(design, target, rho, METHODS[method] if tol is None else positive("tol", tol), max_iter)
    solve = {"lbfgs": _lbfgs, "newton": _newton, "compiled": _compiled}[method]
    if isinstance(init, str) and init == "multistart":
        coef, n_iter = _multistart(problem, solve, starts, seed)
    else:
        coef, n_iter = solve(problem, _start(problem, init, seed))
    residuals = problem.residuals(coef)
    objective = rho(residuals).sum(-1)
    excess = problem.excess(residuals)
    if not np.all(converged := excess <= 2):  # not 1: the residuals of the coefficients are rounded anew
        warnings.warn(
            f"{np.sum(~converged)} of {len(converged)} problems stopped with a gradient above tol={problem.tol:.1e}, "
            f"the worst at {np.max(excess):.1e} times that: allow more with max_iter={max_iter}, or raise tol",
            ConvergenceWarning,
            stacklevel=2,
        )
    if np.ndim(X) == 3:
        return Result(coef, objective, n_iter, converged)
    return Result(coef[0], float(objective[0]), int(n_iter[0]), bool(converged[0]))


@dataclass(frozen=True)
class _Problem:
    """A batch of problems, each with orthonormal rows U = TXᵀ beside its design.

    In the coordinates t of U, with w = Tᵀt, the problems are well conditioned, and the same whatever the units of X. A
    dependent column of X gives a row of zeros in U.
    """

    X: Array
    y: Array
    rho: Penalty
    tol: float
    max_iter: int
    U: Array
    T: Array

    @classmethod
    def of(cls, X: Array, y: Array, rho: Penalty, tol: float, max_iter: int) -> "_Problem":
        U = np.ascontiguousarray(np.swapaxes(X, 1, 2))
        size = np.abs(U).max(axis=-1)  # units first, so that the rank does not depend on them
        size[size == 0] = 1
        U = U / size[..., None]
        T = np.eye(X.shape[2]) / size[:, None]
        near = _orthonormalise(U, T)
        if near.any():
            U[near], T[near] = _by_singular_values(X[near] / size[near, None], size[near])
        return cls(X, y, rho, tol, max_iter, U, T)

    def part(self, which: NDArray[Any]) -> "_Problem":
        X, y, U, T = (array[which] for array in (self.X, self.y, self.U, self.T))
        return _Problem(X, y, self.rho, self.tol, self.max_iter, U, T)

    def residuals(self, coef: Array) -> Array:
        return self.y - _times(self.X, coef)

    def coef(self, t: Array) -> Array:
        return _times(np.swapaxes(self.T, 1, 2), t)

    def gradient(self, psi: Array) -> Array:
        return _times(self.U, psi)

    def rounding(self, residuals: Array) -> Array:
        """What the rounding of residuals can make of a gradient that is zero."""
        norm = _norm(self.y) + _norm(self.y - residuals)
        return 4 * np.finfo(float).eps * self.rho.lipschitz * norm

    def excess(self, residuals: Array) -> Array:
        """Norm of Uρ'(r), in units of what is tolerated: tol times the norm of ρ'(r), and the rounding of r."""
        psi = self.rho.grad(residuals)
        allowed = self.tol * _norm(psi) + self.rounding(residuals)
        return _norm(self.gradient(psi)) / np.where(allowed > 0, allowed, 1)


def _orthonormalise(U: Array, T: Array) -> NDArray[np.bool_]:
    """Gram and Schmidt, in place; tells which problems it should not be trusted with: rows that nearly depend."""
    near = np.zeros(len(U), dtype=bool)
    for j in range(U.shape[1]):
        before = _norm(U[:, j])
        for k in range(j):
            along = (U[:, k] * U[:, j]).sum(-1, keepdims=True)
            U[:, j] -= along * U[:, k]
            T[:, j] -= along * T[:, k]
        length = _norm(U[:, j])
        near |= length <= 1e-4 * before
        length = np.where(near, 1, length)[:, None]
        U[:, j] /= length
        T[:, j] /= length
    return near


def _by_singular_values(X: Array, size: Array) -> tuple[Array, Array]:
    """U and T of designs in their units, whatever their rank."""
    n, p = X.shape[1:]
    left, values, right = np.linalg.svd(X, full_matrices=False)
    kept = (values > np.finfo(float).eps * max(n, p) * values[:, :1])[..., None]
    T = kept * right / np.where(kept, values[..., None], 1) / size[:, None]
    # T has no component in the null space of X / size: make it one of X.
    deficient = (kept.sum(axis=1) < p)[..., None]
    null = deficient * (np.eye(p) - np.swapaxes(right, 1, 2) @ (kept * right)) / size[..., None]
    T -= T @ np.swapaxes(null @ np.linalg.pinv(null, rcond=1e-10), 1, 2)
    U, full = np.zeros((len(X), p, n)), np.zeros((len(X), p, p))
    U[:, : len(values[0])], full[:, : len(values[0])] = np.where(kept, np.swapaxes(left, 1, 2), 0), T
    return U, full


def _norm(rows: Array) -> Array:
    return np.sqrt((rows * rows).sum(-1))


def _times(matrix: Array, vector: Array) -> Array:
    return (matrix @ vector[..., None])[..., 0]


def _data(X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    design, target = (floating(name, values).astype(np.float64) for name, values in (("X", X), ("y", y)))
    if design.ndim not in (2, 3) or 0 in design.shape:
        raise ValueError(f"X must have the shape (n, p) or (batch, n, p), not {design.shape}, and no empty axis")
    if target.shape != design.shape[:-1]:
        raise ValueError(f"y must have the shape {design.shape[:-1]}, as X has {design.shape}, not {target.shape}")
    for name, values in (("X", design), ("y", target)):
        if not np.all(np.isfinite(values)):
            raise ValueError(f"{name} must be finite, and holds NaN or infinity")
    n, p = design.shape[-2:]
    return design.reshape(-1, n, p), target.reshape(-1, n)


def _start(problem: _Problem, init: ArrayLike, seed: int) -> Array:
    batch, _, p = problem.X.shape
    if isinstance(init, str):
        if init == "zeros":
            return np.zeros((batch, p))
        if init == "ols":
            return problem.coef(problem.gradient(problem.y))
        if init == "random":
            drawn: Array = np.random.default_rng(seed).standard_normal((batch, p))
            # Without its component in the null space of X, so that the answer has none either.
            return problem.coef(problem.gradient(_times(problem.X, drawn)))
        raise ValueError(f"init={init!r} must be an array, or one of {list(INITS)}")
    start = floating("init", init).astype(np.float64)
    if start.shape not in ((p,), (batch, p)):
        raise ValueError(f"init must have the shape {(p,)} or {(batch, p)}, not {start.shape}")
    if not np.all(np.isfinite(start)):
        raise ValueError("init must be finite, and holds NaN or infinity")
    return np.broadcast_to(start, (batch, p)).copy()


def _multistart(problem: _Problem, solve: Any, starts: int, seed: int) -> tuple[Array, NDArray[Any]]:
    batch, n, p = problem.X.shape
    order = np.random.default_rng(seed).random((starts, n)).argsort(axis=1)
    rows = order[:, : min(n, p)]
    coef = np.empty((batch, min(REFINED, starts + 1), p))
    for first in range(0, batch, size := max(1, BLOCK // (starts * n))):
        few = problem.part(np.arange(first, min(first + size, batch)))
        exact: Any = np.linalg.pinv(np.moveaxis(few.U[:, :, rows], 1, -1), rcond=1e-12)
        lines = np.concatenate((few.gradient(few.y)[:, None], _times(exact, few.y[:, rows])), axis=1) @ few.T
        costs = few.rho(few.y[:, None] - lines @ np.swapaxes(few.X, 1, 2)).sum(-1)
        best = np.argsort(costs, axis=1, kind="stable")[:, : coef.shape[1]]
        coef[first : first + size] = np.take_along_axis(lines, best[..., None], axis=1)
    tried = [solve(problem, coef[:, k]) for k in range(coef.shape[1])]
    costs = np.stack([problem.rho(problem.residuals(found)).sum(-1) for found, _ in tried])
    best, every = costs.argmin(axis=0), np.arange(batch)
    return np.stack([found for found, _ in tried])[best, every], np.stack([count for _, count in tried])[best, every]


def _lbfgs(problem: _Problem, start: Array) -> tuple[Array, NDArray[Any]]:
    coef, n_iter = start.copy(), np.zeros(len(start), dtype=int)
    options = {"maxiter": problem.max_iter, "maxfun": 20 * problem.max_iter, "ftol": 0, "gtol": 0}
    last: dict[str, Array] = {}  # the residuals of the last evaluation

    def value_and_gradient(w: Array, X: Array, y: Array) -> tuple[float, Array]:
        last["r"] = r = y - X @ w
        return float(problem.rho(r).sum()), -(problem.rho.grad(r) @ X)

    def stop(_: Array) -> None:
        if one.excess(last["r"][None])[0] <= 1:
            raise StopIteration

    going = problem.excess(problem.residuals(start)) > 1
    for k in np.flatnonzero(going):
        one = problem.part(np.array([k]))
        found = minimize(
            value_and_gradient,
            start[k],
            (one.X[0], one.y[0]),
            jac=True,
            method="L-BFGS-B",
            callback=stop,
            options=options,
        )
        coef[k], n_iter[k] = found.x, found.nit
    return coef, n_iter


def _newton(problem: _Problem, start: Array) -> tuple[Array, NDArray[Any]]:
    rho, active = problem.rho, np.arange(len(start))
    found, n_iter = np.zeros_like(start), np.zeros(len(start), dtype=int)
    U, base, t, mu = problem.U, problem.residuals(start), found.copy(), np.ones(len(start))
    up = np.full(len(start), 4.0)
    floor, r, value, psi = problem.rounding(base), base, rho(base).sum(-1), rho.grad(base)
    g = _times(U, psi)
    for _ in range(problem.max_iter):
        slope = _norm(g)
        going = slope > problem.tol * _norm(psi) + floor
        if 2 * np.sum(going) <= len(going):  # those that are done leave the batch
            found[active] = t
            state: Any = (active, U, base, floor, t, mu, up, r, value, psi, g, slope, going)
            active, U, base, floor, t, mu, up, r, value, psi, g, slope, going = (array[going] for array in state)
            if len(active) == 0:
                break
        n_iter[active[going]] += 1
        step, mu = _step(U, g, *_curvatures(rho, r, psi), mu)
        r2 = base - _times(np.swapaxes(U, 1, 2), t + step)
        value2, psi2 = rho(r2).sum(-1), rho.grad(r2)
        g2 = _times(U, psi2)
        hoped, fell, rounding = (g * step).sum(-1) / 2, value - value2, 1e-12 * np.abs(value)
        clear = hoped > rounding
        # Else the gradient has to tell: it has halved, or the way still goes down at the end of the step.
        onward = (_norm(g2) <= 0.5 * slope) | ((g2 * step).sum(-1) >= 0)
        good = np.where(clear, fell > 0.1 * hoped, (-fell <= rounding) & onward)
        taken = (good | (mu >= 1)) & going
        bold = good & ~(clear & (fell <= 0.5 * hoped))
        mu = np.where(taken, np.where(bold, np.maximum(0.1 * mu, 1e-12), mu), np.minimum(up * mu, 1))
        up = np.where(taken, 4, 4 * up)
        every = taken[:, None]
        t, g, value = np.where(every, t + step, t), np.where(every, g2, g), np.where(taken, value2, value)
        r, psi = np.where(every, r2, r), np.where(every, psi2, psi)
    found[active] = t
    return start + problem.coef(found), n_iter


def _curvatures(rho: Penalty, r: Array, psi: Array) -> tuple[Array, Array]:
    """Of the reweighted and of the Newton model at each residual: ψ(r)/r and ψ'(r), with their limits at 0."""
    near = 1e-150
    weights = np.divide(psi, r, out=np.full_like(r, rho.grad(near) / near), where=r != 0)
    h = 1e-6 * np.abs(r) + near  # a difference of first derivatives: exact on straight pieces of ρ'
    return weights, (rho.grad(r + h) - rho.grad(r - h)) / (2 * h)


def _step(U: Array, g: Array, weights: Array, second: Array, mu: Array) -> tuple[Array, Array]:
    """Solve with the Newton matrix and μ times what the reweighted one has more; raise μ till that is definite."""
    Ut = np.swapaxes(U, 1, 2)
    A, H = ((U * each[:, None]) @ Ut for each in (weights, second))
    trace = np.trace(A, axis1=1, axis2=2)
    A += np.maximum(1e-13 * trace, 1e-300)[:, None, None] * np.eye(U.shape[1])  # if fewer than p rows have weight
    while True:
        step, definite = _solve(H + mu[:, None, None] * (A - H), g, np.where(mu < 1, 1e-14 * trace, 0))
        if np.all(definite | (mu >= 1)):
            return step, mu
        mu = np.where(definite, mu, np.minimum(4 * mu, 1))


def _solve(matrix: Array, right: Array, least: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Eliminate in a batch of symmetric matrices; tells where all pivots are above the least."""
    matrix, x, definite = matrix.copy(), right.copy(), np.ones(len(right), dtype=bool)
    for j in range(right.shape[1]):
        definite &= matrix[:, j, j] > least
        row = matrix[:, j] / np.where(definite, matrix[:, j, j], 1)[:, None]
        x[:, j + 1 :] -= row[:, j + 1 :] * x[:, j, None]
        matrix[:, j + 1 :] -= row[:, j + 1 :, None] * matrix[:, None, j]
    for j in reversed(range(right.shape[1])):
        x[:, j] -= (matrix[:, j, j + 1 :] * x[:, j + 1 :]).sum(-1)
        x[:, j] /= np.where(definite, matrix[:, j, j], 1)
    return x, definite


def _compiled(problem: _Problem, start: Array) -> tuple[Array, NDArray[Any]]:
    with extra("fast", "method='compiled'"):
        from . import fused
    code, base = fused.encode(problem.rho), problem.residuals(start)
    t, n_iter = fused.solve(problem.U, base, problem.rounding(base), *code, problem.tol, problem.max_iter)
    return start + problem.coef(t), n_iter
