"""Problem (12): its data, coordinates in which it is well conditioned, and what a solver is and reports."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse

from ..checks import ConvergenceWarning, finite, floating
from ..penalties import Penalty
from ..penalties.base import penalty

Array = NDArray[np.float64]

#: Units in which squares neither vanish nor overflow.
SMALL, LARGE = 1e-150, 1e150
#: So few columns are treated in all problems of a batch at once, more of them in one problem after the other.
FEW = 12
EPS = float(np.finfo(float).eps)
#: What rounding may leave of a slope at the edge of a plateau.
FLAT = 1e-9
NEAR = 2.0**-498  # so near to zero, ρ'(r) = ρ''(0) r


@dataclass(frozen=True, eq=False)
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
        convex, and need not be one otherwise. False also where the loss is flat at all residuals, so that the gradient
        is zero without any meaning.
    """

    coef: Array
    objective: Any
    n_iter: Any
    converged: Any


class Loss(Protocol):
    """What a solver needs of ρ: a `Penalty`, or another function of rows of residuals."""

    @property
    def lipschitz(self) -> float: ...
    def __call__(self, x: Any) -> Any: ...
    def grad(self, x: Any) -> Any: ...


@dataclass(frozen=True)
class Problem:
    """A batch of problems, each with rows U = TXᵀ beside its design that are orthonormal: U diag(weights) Uᵀ = I.

    In the coordinates t of U, with w = Tᵀt, the problems are well conditioned, and the same whatever the units of X. A
    dependent column of X gives a row of zeros in U. Weights None are ones.
    """

    X: Array
    y: Array
    weights: Array | None
    rho: Loss
    tol: float
    max_iter: int
    U: Array
    T: Array
    peaks: tuple[Array, Array]  # largest |y|, and largest entry of each column of X

    @classmethod
    def of(cls, X: Array, y: Array, weights: Array | None, rho: Loss, tol: float, max_iter: int) -> "Problem":
        """Find the coordinates."""
        U = np.swapaxes(X, 1, 2).copy()
        size = np.maximum(U.max(axis=-1), -U.min(axis=-1))  # units first, so that the rank does not depend on them
        peaks = np.abs(y).max(axis=-1), size
        for what, peak in zip(("y", "each column of X"), peaks, strict=True):
            if np.any((peak != 0) & ((peak < SMALL) | (peak > LARGE))):
                raise ValueError(f"{what} must have its largest entry between {SMALL} and {LARGE}: choose another unit")
        size = np.where(size == 0, 1, size)
        U /= size[..., None]
        if weights is not None:
            root = np.sqrt(weights)[:, None]
            U *= root
        T = np.eye(X.shape[2]) / size[:, None]
        near = np.ones(len(X), dtype=bool) if X.shape[2] > FEW else _orthonormalise(U, T)
        if near.any():
            scaled = X[near] / size[near, None]
            if weights is not None:
                scaled *= np.swapaxes(root[near], 1, 2)
            U[near], T[near] = _by_singular_values(scaled, size[near])
        if weights is not None:
            U = np.divide(U, root, out=np.zeros_like(U), where=np.broadcast_to(root > 0, U.shape))
        return cls(X, y, weights, rho, tol, max_iter, U, T, peaks)

    def part(self, which: NDArray[Any]) -> "Problem":
        """Some of the problems."""
        X, y, U, T = (array[which] for array in (self.X, self.y, self.U, self.T))
        peaks = self.peaks[0][which], self.peaks[1][which]
        weights = None if self.weights is None else self.weights[which]
        return replace(self, X=X, y=y, U=U, T=T, peaks=peaks, weights=weights)

    def residuals(self, coef: Array) -> Array:
        """y − Xw."""
        return self.y - times(self.X, coef)

    def coef(self, t: Array) -> Array:
        """w = Tᵀt."""
        return times(np.swapaxes(self.T, 1, 2), t)

    def weighted(self, rows: Array) -> Array:
        """Rows times the weights."""
        return rows if self.weights is None else rows * self.weights

    def value(self, r: Array) -> Array:
        """The sum of losses of each problem."""
        return self.weighted(self.rho(r)).sum(-1)

    def influences(self, r: Array) -> Array:
        """ψ, the weighted ρ'(r)."""
        return self.weighted(self.rho.grad(r))

    def gradient(self, psi: Array) -> Array:
        """Uψ: minus the gradient in the coordinates t."""
        return times(self.U, psi)

    def size(self, psi: Array) -> Array:
        """Largest norm that Uψ can have: where there are no weights, that of ψ."""
        if self.weights is None:
            return norm(psi)
        return norm(np.divide(psi, np.sqrt(self.weights), out=np.zeros_like(psi), where=self.weights > 0))

    def curvatures(self, r: Array, psi: Array) -> tuple[Array, Array]:
        """The weighted ρ'(r)/r and ρ''(r), with their limits at 0."""
        with np.errstate(invalid="ignore"):
            secants = psi / r
        if (zero := r == 0).any():
            limits = self.weighted(np.broadcast_to(self.rho.grad(np.full(r.shape[-1], NEAR)) / NEAR, r.shape))
            secants[zero] = limits[zero]
        return secants, self.weighted(second_derivative(self.rho, r))

    @property
    def digits(self) -> float:
        """Relative rounding of a residual: of p coefficients, products and sums, with a little more."""
        return 2 * (self.X.shape[-1] + 2) * EPS

    def reach(self, coef: Array) -> Array:
        """A bound of the terms of y − Xw, and of their sum, by the largest entries."""
        y, X = self.peaks
        total: Array = y + (X * np.abs(coef)).sum(-1)
        return total

    def coarse(self, coef: Array) -> Array:
        """A bound of what the rounding of y − Xw can make of a gradient that is zero, however much of Xw cancels."""
        return self.digits * self.rho.lipschitz * math.sqrt(self.y.shape[-1]) * self.reach(coef)

    def rounding(self, which: NDArray[np.bool_], secants: Array, second: Array, coef: Array) -> Array:
        """The same, closely, for some of the problems, from their curvatures: a straight loss makes next to nothing."""
        weights = None if self.weights is None else self.weights[which]
        some = replace(self, X=self.X[which], y=self.y[which], weights=weights)  # without copies of what is not asked
        reach = np.abs(some.y) + times(np.abs(some.X), np.abs(coef[which]))  # what r is rounded to the last digits of
        return self.digits * some.size(np.maximum(secants, np.abs(second)) * reach)

    def excess(self, r: Array, psi: Array, coef: Array) -> Array:
        """Norm of the gradient Uψ, in units of what is tolerated: tol times the size of ψ, and rounding."""
        slope, allowed = norm(self.gradient(psi)), self.tol * self.size(psi)
        if (above := slope > allowed).any():
            allowed[above] += self.rounding(above, *self.part(above).curvatures(r[above], psi[above]), coef)
        return slope / np.where(allowed > 0, allowed, 1)

    def judge(self, solver: "Solver", coef: Array, n_iter: NDArray[Any], level: int) -> tuple[Array, NDArray[np.bool_]]:
        """Objectives, and which problems converged; warns of the others, in the name of the caller at that level.

        Some solvers add steps to the residuals of their start, and those of a start that is far away are rounded to its
        size. Problems that their new residuals show to be unfinished are run once more, from where they ended.
        """
        r = self.residuals(coef)
        psi = self.influences(r)
        excess = self.excess(r, psi, coef)
        if solver.again and len(rest := np.flatnonzero((excess > 1) & (n_iter < self.max_iter))):
            some = self.part(rest)
            coef[rest], added = solver.run(some, coef[rest])
            n_iter[rest] = np.minimum(n_iter[rest] + added, self.max_iter)
            r[rest] = some.residuals(coef[rest])
            psi[rest] = some.influences(r[rest])
            excess[rest] = some.excess(r[rest], psi[rest], coef[rest])
        lost = self.lost(r, psi)
        short = (excess > 2) & ~lost  # not 1: the residuals of the coefficients are rounded anew
        if lost.any():
            warnings.warn(
                f"{np.sum(lost)} of {len(lost)} problems stopped where the loss is flat at all residuals, so that none "
                f"has an influence: take another start, such as init='multistart', or a wider loss than {self.rho!r}",
                ConvergenceWarning,
                stacklevel=level,
            )
        if short.any():
            more = np.any(short & (n_iter >= self.max_iter))
            remedy = f"allow more with max_iter={self.max_iter}" if more else "no step lowers the objective any more"
            warnings.warn(
                f"{np.sum(short)} of {len(short)} problems stopped with a gradient above tol={self.tol:.1e}, the worst "
                f"at {np.max(excess):.1e} times that: {remedy}, or raise tol",
                ConvergenceWarning,
                stacklevel=level,
            )
        return self.value(r), ~(short | lost)

    def lost(self, r: Array, psi: Array) -> NDArray[np.bool_]:
        """Whether the loss is flat at all residuals that could change: then it gives no direction to go."""
        some = np.flatnonzero(dot(psi, psi) <= (FLAT * self.rho.lipschitz * self.peaks[0]) ** 2)
        found = np.zeros(len(r), dtype=bool)
        if len(some):
            moves, beyond = self.U[some].any(axis=1), r[some] * (1 + 1e-9)  # at an edge, rounding decides
            flat = ~moves | ((beyond != 0) & (self.rho.grad(beyond) == 0))
            found[some] = moves.any(axis=-1) & flat.all(axis=-1)
        return found


@dataclass(frozen=True)
class Solver:
    """A method of `regress`.

    Attributes
    ----------
    name : str
        What ``method`` calls it.
    tol : float
        Its tolerance unless given.
    run : callable
        (problem, start) ↦ coefficients and iterations made.
    takes : callable
        Whether it treats a loss.
    needs : str
        In words, which losses it treats.
    again : bool
        Whether it adds steps to the residuals of the start, so that rounding may make a second run worth while.
    """

    name: str
    tol: float
    run: Callable[[Problem, Array], tuple[Array, NDArray[Any]]]
    takes: Callable[[Loss], bool] = lambda rho: True
    needs: str = "a loss with a Lipschitz derivative"
    again: bool = False


def _orthonormalise(U: Array, T: Array) -> NDArray[np.bool_]:
    """Gram and Schmidt, in place; tells which problems it should not be trusted with: rows that nearly depend."""
    near = np.zeros(len(U), dtype=bool)
    for j in range(U.shape[1]):
        before = norm(U[:, j])
        for k in range(j):
            along = dot(U[:, k], U[:, j])[:, None]
            U[:, j] -= along * U[:, k]
            T[:, j] -= along * T[:, k]
        length = norm(U[:, j])
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
    if deficient.any():
        null = deficient * (np.eye(p) - np.swapaxes(right, 1, 2) @ (kept * right)) / size[..., None]
        T -= T @ np.swapaxes(null @ np.linalg.pinv(null, rcond=1e-10), 1, 2)
    U, full = np.zeros((len(X), p, n)), np.zeros((len(X), p, p))
    U[:, : len(values[0])], full[:, : len(values[0])] = np.where(kept, np.swapaxes(left, 1, 2), 0), T
    return U, full


def norm(rows: Array) -> Array:
    """Euclidean norm along the last axis, of rows as small or large as floating point allows."""
    squares = dot(rows, rows)
    found: Array = np.sqrt(squares)
    if (odd := ~((squares > 1e-250) & (squares < 1e250))).any():
        peak = np.abs(rows[odd]).max(-1, keepdims=True)
        scaled = np.divide(rows[odd], peak, out=np.zeros_like(rows[odd]), where=peak > 0)
        found[odd] = peak[..., 0] * np.sqrt((scaled * scaled).sum(-1))
    return found


def dot(left: Array, right: Array) -> Array:
    """Inner products along the last axis, without an array of all products."""
    return np.einsum("...i,...i->...", left, right)


def second_derivative(rho: Loss, r: Array) -> Array:
    """ρ''(r), by a difference of first derivatives: exact on straight pieces of ρ'."""
    h = 1e-6 * np.abs(r) + NEAR
    after, before = rho.grad(r + np.multiply.outer((1.0, -1.0), h))  # one call costs less than two
    out: Array = (after - before) / (2 * h)
    return out


def times(matrix: Array, vector: Array) -> Array:
    """Matrices times vectors."""
    return (matrix @ vector[..., None])[..., 0]


def smooth(name: str, rho: object) -> Penalty:
    """Return a penalty that has a Lipschitz derivative, or raise an error that names the argument."""
    if math.isinf((found := penalty(name, rho)).lipschitz):
        raise ValueError(f"{name}={rho!r} must have a Lipschitz derivative, and has a kink")
    return found


def real(name: str, values: ArrayLike) -> Array:
    """Return finite real numbers of any type as doubles, or raise an error that names them."""
    if issparse(values):
        raise TypeError(f"{name} is sparse: regress takes dense arrays only, such as {name}.toarray()")
    if np.ma.isMaskedArray(values):
        raise TypeError(f"{name} is a masked array: leave masked rows out, or fill them and give them sample_weight 0")
    with np.errstate(over="ignore"):  # of longdouble: the check says so
        return finite(name, floating(name, values).astype(np.float64))


def data(X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> tuple[Array, Array, Array | None]:
    """Check designs, responses and weights, and return them with the axis of the batch."""
    design, target = real("X", X), real("y", y)
    if design.ndim not in (2, 3) or 0 in design.shape:
        raise ValueError(f"X must have the shape (n, p) or (batch, n, p), not {design.shape}, and no empty axis")
    if target.shape != design.shape[:-1]:
        raise ValueError(f"y must have the shape {design.shape[:-1]}, as X has {design.shape}, not {target.shape}")
    n, p = design.shape[-2:]
    design, target = design.reshape(-1, n, p), target.reshape(-1, n)
    if sample_weight is None:
        return design, target, None
    weights = real("sample_weight", sample_weight)
    if weights.shape not in ((n,), np.shape(y)):
        raise ValueError(f"sample_weight must have the shape {(n,)} or that of y, {np.shape(y)}, not {weights.shape}")
    if weights.min() < 0 or not np.all(weights.any(axis=-1)):
        raise ValueError("sample_weight must not be negative, and not be zero in all rows of a problem")
    return design, target, np.broadcast_to(weights, target.shape).copy()
