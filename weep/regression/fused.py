"""The method ``newton`` of `weep.regress`, compiled by numba: one problem at a time, nothing allocated in its loop."""

import math
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiled import jit
from ..penalties import L2, Huber, Tukey
from . import newton
from .problem import EPS

Array = NDArray[np.float64]

# Sums may be reordered, so that they use the vector registers; that data are finite is checked before.
fast = partial(jit, fastmath={"reassoc", "contract", "nsz", "arcp"})

# One rule for both solvers. (numba's cache on disk looks at the time of this file alone: touch it if the rule changes.)
damping = jit(newton.damping)


def encode(rho: Any) -> tuple[bool, Array]:
    """The loss in numbers: whether it is Tukey's, and (c,), or (k₁, x₁, k₂, x₂) of a difference of two Huber losses.

    Parameters
    ----------
    rho : Penalty
        L2, Huber, Tukey or WEEP.

    Returns
    -------
    (bool, ndarray)
        In the second case ρ' = k₁ clip(r, ±x₁) − k₂ clip(r, ±x₂).
    """
    if isinstance(rho, Tukey):
        return True, np.array([rho.c])
    if isinstance(rho, L2):
        return False, np.array([1.0, math.inf, 0.0, 1.0])
    if isinstance(rho, Huber):
        return False, np.array([1.0, rho.delta, 0.0, 1.0])
    return False, np.array([rho.a + 1, rho.x1, 1.0, rho.x2])


@fast
def _influence(r: Array, tukey: bool, c: Array, weights: Any, psi: Array) -> tuple[float, float]:
    """Write the weighted ρ'(r); return the objective, and the size of what was written."""
    total = size = 0.0
    if tukey:
        per, top = 1 / c[0] ** 2, c[0] ** 2 / 6
        for i in range(len(r)):
            v = min(r[i] * r[i] * per, 1.0)
            s = 1.0 if weights is None else weights[i]
            slope = r[i] * (1 - v) ** 2
            total += s * v * (3 - v * (3 - v))
            psi[i] = s * slope
            size += s * slope * slope
        return top * total, math.sqrt(size)
    k1, x1, k2, x2 = c[0], c[1], c[2], c[3]
    for i in range(len(r)):
        s = 1.0 if weights is None else weights[i]
        d = abs(r[i])
        inner, outer = min(d, x1), min(d, x2)
        slope = k1 * inner - k2 * outer
        total += s * (k1 * inner * (d - 0.5 * inner) - k2 * outer * (d - 0.5 * outer))
        psi[i] = s * math.copysign(slope, r[i])
        size += s * slope * slope
    return total, math.sqrt(size)


@fast
def _curvatures(r: Array, psi: Array, tukey: bool, c: Array, weights: Any, secants: Array, second: Array) -> None:
    """Write ψ(r)/r and ψ'(r)."""
    if tukey:
        per = 1 / c[0] ** 2
        for i in range(len(r)):
            v = min(r[i] * r[i] * per, 1.0)
            s = 1.0 if weights is None else weights[i]
            secants[i], second[i] = s * (1 - v) ** 2, s * (1 - v) * (1 - 5 * v)
        return
    k1, x1, k2, x2 = c[0], c[1], c[2], c[3]
    for i in range(len(r)):
        d = abs(r[i])
        s = 1.0 if weights is None else weights[i]
        second[i] = s * ((k1 if d <= x1 else 0.0) - (k2 if d <= x2 else 0.0))
        secants[i] = s * (k1 - k2) if d <= x1 else psi[i] / r[i]


@fast
def _rounding(secants: Array, second: Array, X: Array, y: Array, weights: Any, start: Array) -> float:
    """What the rounding of residuals can make of a gradient that is zero."""
    total = 0.0
    for i in range(len(y)):
        reach = abs(y[i])
        for j in range(len(start)):
            reach += abs(X[i, j] * start[j])
        each = (max(secants[i], abs(second[i])) * reach) ** 2
        if weights is None:
            total += each
        elif weights[i] > 0:
            total += each / weights[i]
    return 2 * (len(start) + 2) * EPS * math.sqrt(total)


@fast
def _residuals(base: Array, U: Array, t: Array, r: Array) -> None:
    for i in range(len(r)):
        r[i] = base[i] - t[0] * U[0, i]
    for j in range(1, len(t)):
        for i in range(len(r)):
            r[i] -= t[j] * U[j, i]


@fast
def _gradient(U: Array, psi: Array, g: Array) -> float:
    """Write it; return its norm."""
    norm = 0.0
    for j in range(len(g)):
        s = 0.0
        for i in range(len(psi)):
            s += U[j, i] * psi[i]
        g[j] = s
        norm += s * s
    return math.sqrt(norm)


@fast
def _matrices(U: Array, weights: Array, second: Array, A: Array, H: Array) -> float:
    """Write the lower halves of both; return the trace of A."""
    trace = 0.0
    for j in range(len(A)):
        for k in range(j + 1):
            a = h = 0.0
            for i in range(len(weights)):
                product = U[j, i] * U[k, i]
                a += weights[i] * product
                h += second[i] * product
            A[j, k], H[j, k] = a, h
        trace += A[j, j]
    for j in range(len(A)):
        A[j, j] += max(1e-13 * trace, 1e-300)
    return trace


@jit
def _divide(M: Array, g: Array, least: float, out: Array) -> bool:
    """Solve Mx = g by Cholesky, in place, from the lower half; False if a pivot is not above ``least``."""
    p = len(g)
    for j in range(p):
        for i in range(j, p):
            s = M[i, j]
            for k in range(j):
                s -= M[i, k] * M[j, k]
            if i == j:
                if not s > least:
                    return False
                M[j, j] = math.sqrt(s)
            else:
                M[i, j] = s / M[j, j]
    for j in range(p):
        s = g[j]
        for k in range(j):
            s -= M[j, k] * out[k]
        out[j] = s / M[j, j]
    for j in range(p - 1, -1, -1):
        s = out[j]
        for k in range(j + 1, p):
            s -= M[k, j] * out[k]
        out[j] = s / M[j, j]
    return True


@jit
def solve(data: Any, weights: Any, begin: Any, loss: Any, tol: float, max_iter: int) -> tuple[Array, Any]:
    """Minimise Σ weights ρ(base − Uᵀt) for a batch, from t = 0.

    Parameters
    ----------
    data : (ndarray of shape (batch, n, p), ndarray of shape (batch, n), ndarray of shape (batch, p, n))
        The design, the responses, and orthonormal rows U, some of them perhaps zero.
    weights : ndarray of shape (batch, n), or None
        None compiles to loops without weights.
    begin : (ndarray of shape (batch, p), ndarray of shape (batch, n), ndarray of shape (batch,))
        Coefficients of the start, their residuals, and a bound of what rounding can make of a gradient that is zero.
    loss : (bool, ndarray)
        From `encode`.
    tol : float
        Tolerance of the gradient, in units of the size of ρ'.
    max_iter : int
        Largest number of iterations.

    Returns
    -------
    (ndarray of shape (batch, p), ndarray of shape (batch,))
        The minimisers t, and the iterations made.
    """
    X, y, U = data
    start, base, coarse = begin
    tukey, c = loss
    batch, p, n = U.shape
    found, n_iter = np.zeros((batch, p)), np.zeros(batch, dtype=np.int64)
    A, H, M = np.empty((p, p)), np.empty((p, p)), np.empty((p, p))
    g, g2, t2, step = np.empty(p), np.empty(p), np.empty(p), np.empty(p)
    r, r2, psi, psi2 = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    secants, second = np.empty(n), np.empty(n)
    for b in range(batch):
        s = None if weights is None else weights[b]
        t, mu, up, moved, trace = found[b], 1.0, 4.0, True, 0.0
        r[:] = base[b]
        value, size = _influence(r, tukey, c, s, psi)
        slope = _gradient(U[b], psi, g)
        while n_iter[b] < max_iter and slope > tol * size:
            if moved:
                _curvatures(r, psi, tukey, c, s, secants, second)
                close = slope <= tol * size + coarse[b]
                if close and slope <= tol * size + _rounding(secants, second, X[b], y[b], s, start[b]):
                    break
                trace = _matrices(U[b], secants, second, A, H)
            n_iter[b] += 1
            while True:
                for j in range(p):
                    for k in range(j + 1):
                        M[j, k] = H[j, k] + mu * (A[j, k] - H[j, k])
                if _divide(M, g, 1e-14 * trace if mu < 1 else 0.0, step) or mu >= 1:
                    break
                mu = min(4 * mu, 1.0)
            hoped = ahead = 0.0
            for j in range(p):
                t2[j] = t[j] + step[j]
                hoped += g[j] * step[j] / 2
            _residuals(base[b], U[b], t2, r2)
            value2, size2 = _influence(r2, tukey, c, s, psi2)
            slope2 = _gradient(U[b], psi2, g2)
            for j in range(p):
                ahead += g2[j] * step[j]
            moved, mu, up = damping(mu, up, value, value2, hoped, slope, slope2, ahead)
            if moved:
                t[:] = t2
                value, size, slope = value2, size2, slope2
                r, r2, psi, psi2, g, g2 = r2, r, psi2, psi, g2, g
    return found, n_iter
