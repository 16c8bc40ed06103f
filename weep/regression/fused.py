"""The method ``newton`` of `weep.regress`, compiled by numba: one problem at a time, nothing allocated in its loop."""

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from ..penalties import L2, WEEP, Huber, Penalty, Tukey

__all__ = ["encode", "solve"]

Array = NDArray[np.float64]

# Sums may be reordered, so that they use the vector registers; that data are finite is checked before.
FAST = {"reassoc", "contract", "nsz", "arcp"}


def encode(rho: Penalty) -> tuple[bool, Array]:
    """The loss in numbers: whether it is Tukey's, and (c,), or (k₁, x₁, k₂, x₂) of a difference of two Huber losses.

    Parameters
    ----------
    rho : Penalty
        L2, Huber, Tukey or WEEP.

    Returns
    -------
    (bool, ndarray)
        In the second case ρ' = k₁ clip(r, ±x₁) − k₂ clip(r, ±x₂).

    Raises
    ------
    ValueError
        If it is another loss.
    """
    if isinstance(rho, Tukey):
        return True, np.array([rho.c])
    if isinstance(rho, L2):
        return False, np.array([1.0, math.inf, 0.0, 1.0])
    if isinstance(rho, Huber):
        return False, np.array([1.0, rho.delta, 0.0, 1.0])
    if isinstance(rho, WEEP):
        return False, np.array([rho.a + 1, rho.x1, 1.0, rho.x2])
    raise ValueError(f"method='compiled' is for L2, Huber, Tukey and WEEP, not for rho={rho!r}")


@numba.njit(cache=True, error_model="numpy", fastmath=FAST)
def _influence(r: Array, tukey: bool, c: Array, psi: Array) -> tuple[float, float]:
    """Write ρ'(r); return the objective, and the norm of what was written."""
    total = norm = 0.0
    if tukey:
        per = 1 / c[0] ** 2
        for i in range(len(r)):
            v = min(r[i] * r[i] * per, 1.0)
            total += v * (3 - v * (3 - v))
            psi[i] = r[i] * (1 - v) ** 2
            norm += psi[i] * psi[i]
        return c[0] ** 2 / 6 * total, math.sqrt(norm)
    k1, x1, k2, x2 = c[0], c[1], c[2], c[3]
    for i in range(len(r)):
        s = abs(r[i])
        inner, outer = min(s, x1), min(s, x2)
        total += k1 * inner * (s - 0.5 * inner) - k2 * outer * (s - 0.5 * outer)
        psi[i] = math.copysign(k1 * inner - k2 * outer, r[i])
        norm += psi[i] * psi[i]
    return total, math.sqrt(norm)


@numba.njit(cache=True, error_model="numpy", fastmath=FAST)
def _curvatures(r: Array, psi: Array, tukey: bool, c: Array, weights: Array, second: Array) -> None:
    """Write ψ(r)/r and ψ'(r)."""
    if tukey:
        per = 1 / c[0] ** 2
        for i in range(len(r)):
            v = min(r[i] * r[i] * per, 1.0)
            weights[i], second[i] = (1 - v) ** 2, (1 - v) * (1 - 5 * v)
        return
    k1, x1, k2, x2 = c[0], c[1], c[2], c[3]
    for i in range(len(r)):
        s = abs(r[i])
        second[i] = (k1 if s <= x1 else 0.0) - (k2 if s <= x2 else 0.0)
        weights[i] = k1 - k2 if s <= x1 else psi[i] / r[i]


@numba.njit(cache=True, error_model="numpy", fastmath=FAST)
def _residuals(base: Array, U: Array, t: Array, r: Array) -> None:
    for i in range(len(r)):
        r[i] = base[i] - t[0] * U[0, i]
    for j in range(1, len(t)):
        for i in range(len(r)):
            r[i] -= t[j] * U[j, i]


@numba.njit(cache=True, error_model="numpy", fastmath=FAST)
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


@numba.njit(cache=True, error_model="numpy", fastmath=FAST)
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


@numba.njit(cache=True, error_model="numpy")
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


@numba.njit(cache=True, error_model="numpy")
def solve(U: Array, base: Array, floor: Array, tukey: bool, c: Array, tol: float, max_iter: int) -> tuple[Array, Any]:
    """Minimise Σ ρ(base − Uᵀt) for a batch, from t = 0.

    Parameters
    ----------
    U : ndarray of shape (batch, p, n)
        Orthonormal rows, or rows of zeros.
    base : ndarray of shape (batch, n)
        Residuals of the start.
    floor : ndarray of shape (batch,)
        What rounding can make of a gradient that is zero.
    tukey, c
        The loss, from `encode`.
    tol : float
        Tolerance of the gradient, in units of the norm of ρ'.
    max_iter : int
        Largest number of iterations.

    Returns
    -------
    (ndarray of shape (batch, p), ndarray of shape (batch,))
        The minimisers t, and the iterations made.
    """
    batch, p, n = U.shape
    found, n_iter = np.zeros((batch, p)), np.zeros(batch, dtype=np.int64)
    A, H, M = np.empty((p, p)), np.empty((p, p)), np.empty((p, p))
    g, g2, t2, step = np.empty(p), np.empty(p), np.empty(p), np.empty(p)
    r, r2, psi, psi2 = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    weights, second = np.empty(n), np.empty(n)
    for b in range(batch):
        t, mu, up, moved, trace = found[b], 1.0, 4.0, True, 0.0
        r[:] = base[b]
        value, norm = _influence(r, tukey, c, psi)
        slope = _gradient(U[b], psi, g)
        while n_iter[b] < max_iter and slope > tol * norm + floor[b]:
            n_iter[b] += 1
            if moved:
                _curvatures(r, psi, tukey, c, weights, second)
                trace = _matrices(U[b], weights, second, A, H)
            while True:
                for j in range(p):
                    for k in range(j + 1):
                        M[j, k] = H[j, k] + mu * (A[j, k] - H[j, k])
                if _divide(M, g, 1e-14 * trace if mu < 1 else 0.0, step) or mu >= 1:
                    break
                mu = min(4 * mu, 1.0)
            hoped = 0.0
            for j in range(p):
                t2[j] = t[j] + step[j]
                hoped += g[j] * step[j] / 2
            _residuals(base[b], U[b], t2, r2)
            value2, norm2 = _influence(r2, tukey, c, psi2)
            slope2 = _gradient(U[b], psi2, g2)
            fell, rounding = value - value2, 1e-12 * abs(value)
            clear = hoped > rounding  # else the gradient has to tell
            ahead = 0.0
            for j in range(p):
                ahead += g2[j] * step[j]
            good = fell > 0.1 * hoped if clear else (-fell <= rounding and (slope2 <= 0.5 * slope or ahead >= 0))
            moved = good or mu >= 1
            if moved:
                t[:] = t2
                value, norm, slope = value2, norm2, slope2
                r, r2, psi, psi2, g, g2 = r2, r, psi2, psi, g2, g
                up = 4.0
                if good and not (clear and fell <= 0.5 * hoped):
                    mu = max(0.1 * mu, 1e-12)
            else:
                mu, up = min(up * mu, 1.0), 4 * up
    return found, n_iter
