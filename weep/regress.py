r"""M-estimation: problem (12), for one regression or for thousands at once."""

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize

from .denoise import ConvergenceWarning
from .penalties import Penalty
from .penalties.base import floating, positive

__all__ = ["INITS", "METHODS", "Result", "regress"]

Array = NDArray[np.float64]

#: Starts that `regress` knows by name.
INITS = ("zeros", "ols", "random", "multistart")
#: Its methods, and the tolerance that each has by default.
METHODS = {"lbfgs": 1e-5, "newton": 1e-12, "compiled": 1e-12}

IRLS_FIRST = 10  # steps before Newton is tried: by then the basin is chosen
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
        reweighted least squares, then Newton. ``compiled`` is the same in numba, for the four losses above.
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

    With the influences :math:`\psi = \rho'(y - Xw)` and the weights :math:`\psi_i / r_i`, a reweighted step solves
    :math:`X^\top\mathrm{diag}(\psi/r)X\,\Delta = X^\top\psi`. It never raises the objective if ψ(r)/r falls with
    \\|r\\|, which holds for the four losses. A Newton step has ρ'' in place of the weights, and is taken if that matrix
    is positive definite, the gradient falls to a half, and the objective as far as by a reweighted step. Where the
    matrix is not, or the step was refused, reweighted steps are stretched for as long as that pays.

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
    """A batch of problems, each with orthonormal columns U = XT beside its design.

    In the coordinates t of U the problems are well conditioned, and the same whatever the units of X. A dependent
    column of X gives a column of zeros in U.
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
        n, p = X.shape[1:]
        size = np.abs(X).max(axis=1, keepdims=True)  # units first, so that the rank does not depend on them
        size[size == 0] = 1
        left, values, right = np.linalg.svd(X / size, full_matrices=False)
        kept = values > np.finfo(float).eps * max(n, p) * values[:, :1]
        U = np.where(kept[:, None], left, 0)
        T = np.swapaxes(right, 1, 2) * np.where(kept, 1 / np.where(kept, values, 1), 0)[:, None]
        T /= np.swapaxes(size, 1, 2)
        if not np.all(kept) or n < p:  # T has no component in the null space of X / size: make it one of X
            null = (np.eye(p) - (V := np.swapaxes(right, 1, 2) * kept[:, None]) @ np.swapaxes(V, 1, 2)) / np.swapaxes(
                size, 1, 2
            )
            T -= null @ (np.linalg.pinv(null, rcond=1e-10) @ T)
        return cls(X, y, rho, tol, max_iter, U, T)

    def part(self, which: NDArray[Any]) -> "_Problem":
        X, y, U, T = (array[which] for array in (self.X, self.y, self.U, self.T))
        return _Problem(X, y, self.rho, self.tol, self.max_iter, U, T)

    def residuals(self, coef: Array) -> Array:
        return self.y - _times(self.X, coef)

    def excess(self, residuals: Array) -> Array:
        """Norm of Uᵀρ'(r), in units of what is tolerated: tol times the norm of ρ'(r), and the rounding of r."""
        psi = self.rho.grad(residuals)
        norm = np.linalg.norm(self.y, axis=-1) + np.linalg.norm(self.y - residuals, axis=-1)
        allowed = self.tol * np.linalg.norm(psi, axis=-1) + 4 * np.finfo(float).eps * self.rho.lipschitz * norm
        return self.gradient(residuals) / np.where(allowed > 0, allowed, 1)

    def gradient(self, residuals: Array) -> Array:
        return np.linalg.norm(_times(np.swapaxes(self.U, 1, 2), self.rho.grad(residuals)), axis=-1)

    def least_squares(self) -> Array:
        return _times(self.T, _times(np.swapaxes(self.U, 1, 2), self.y))


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
            return problem.least_squares()
        if init == "random":
            drawn = np.random.default_rng(seed).standard_normal((batch, p))
            # Without its component in the null space of X, so that the answer has none either.
            return _times(problem.T, _times(np.swapaxes(problem.U, 1, 2), _times(problem.X, drawn)))
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
        exact = np.linalg.pinv(few.U[:, rows], rcond=1e-12) @ few.y[:, rows][..., None]
        lines = np.concatenate((few.least_squares()[:, None], (few.T[:, None] @ exact)[..., 0]), axis=1)
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
    coef, n_iter = start.copy(), np.zeros(len(start), dtype=int)
    active, few, t, r = np.arange(len(start)), problem, np.zeros_like(problem.U[:, 0]), problem.residuals(start)
    base, stretch, refused = r, np.full(len(start), 2.0), np.zeros(len(start), dtype=bool)
    for step in range(problem.max_iter + 1):
        going = few.excess(r) > 1 if step < problem.max_iter else np.zeros(len(r), dtype=bool)
        if not np.all(going):  # those that are done leave the batch
            done = active[~going]
            coef[done] = start[done] + _times(few.T[~going], t[~going])
            n_iter[done] = step
            few = few.part(going)
            active, t, r, base = active[going], t[going], r[going], base[going]
            stretch, refused = stretch[going], refused[going]
            if active.size == 0:
                break
        safe, fast, direct = _directions(few, r, step >= IRLS_FIRST)
        r_safe = base - _times(few.U, t + safe)
        if step < IRLS_FIRST:
            t, r = t + safe, r_safe
            continue
        direct &= ~refused
        fast = np.where(direct[:, None], fast, stretch[:, None] * safe)
        r_fast = base - _times(few.U, t + fast)
        good = few.rho(r_fast).sum(-1) <= few.rho(r_safe).sum(-1) * (1 + 1e-12)
        good &= ~direct | (few.gradient(r_fast) <= 0.5 * few.gradient(r))
        refused = np.where(direct, ~good, refused & good)
        stretch = np.where(good & ~direct, 2 * stretch, 2.0)
        t, r = t + np.where(good[:, None], fast, safe), np.where(good[:, None], r_fast, r_safe)
    return coef, n_iter


def _directions(few: _Problem, r: Array, newton: bool) -> tuple[Array, Array, NDArray[np.bool_]]:
    """The reweighted step, the Newton step, and where the second may be tried: where ρ'' makes it a descent."""
    U, Ut = few.U, np.swapaxes(few.U, 1, 2)
    near = np.where(r == 0, 1e-150, r)  # ψ(r)/r has a limit at 0, which this gives
    psi = few.rho.grad(near)
    gradient = _times(Ut, few.rho.grad(r))
    eye = np.eye(U.shape[2])
    weighted = (Ut * (psi / near)[:, None]) @ U
    ridge = np.maximum(1e-13 * np.trace(weighted, axis1=1, axis2=2), 1e-300)  # if fewer than p rows have weight
    safe = _times(np.linalg.inv(weighted + ridge[:, None, None] * eye), gradient)
    if not newton:
        return safe, safe, np.zeros(len(r), dtype=bool)
    # The second derivative by a difference of first ones: exact on straight pieces of ρ'.
    h = 1e-6 * np.abs(near)
    second = (few.rho.grad(near + h) - few.rho.grad(near - h)) / (2 * h)
    empty = 1 - np.round((U**2).sum(1))  # columns of zeros
    values, vectors = np.linalg.eigh((Ut * second[:, None]) @ U + empty[:, None] * eye)
    direct = values[:, 0] > 1e-9 * values[:, -1]
    along = _times(np.swapaxes(vectors, 1, 2), gradient) / np.where(direct[:, None], values, 1)
    return safe, _times(vectors, along), direct


def _compiled(problem: _Problem, start: Array) -> tuple[Array, NDArray[Any]]:
    try:
        from . import _irls
    except ImportError as error:
        raise ImportError("method='compiled' needs the extra 'fast': pip install '.[fast]' in a clone") from error
    code = _irls.encode(problem.rho)
    t, n_iter = _irls.solve(
        problem.U, problem.residuals(start), problem.y, *code, problem.rho.lipschitz, problem.tol / 2, problem.max_iter
    )
    return start + _times(problem.T, t), n_iter
