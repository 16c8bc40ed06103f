"""The method ``newton`` of `weep.regress`, compiled by numba: one problem at a time, nothing allocated in its loop."""

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from .penalties import L2, WEEP, Huber, Penalty, Tukey

__all__ = ["encode", "solve"]

Array = NDArray[np.float64]
FIRST = 10  # steps before Newton is tried, as in `weep.regress`


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


@numba.njit(cache=True, inline="always")
def _loss(r: float, tukey: bool, c: Array) -> tuple[float, float, float]:
    """Value, weight ρ'(r)/r, and second derivative."""
    s = abs(r)
    if tukey:
        v = min(s / c[0], 1.0) ** 2
        return c[0] ** 2 / 6 * v * (3 - v * (3 - v)), (1 - v) ** 2, (1 - v) * (1 - 5 * v)
    inner, outer = min(s, c[1]), min(s, c[3])
    value = c[0] * inner * (s - inner / 2) - c[2] * outer * (s - outer / 2)
    second = (c[0] if s <= c[1] else 0.0) - (c[2] if s <= c[3] else 0.0)
    return value, (c[0] * inner - c[2] * outer) / s if s > 0 else c[0] - c[2], second


@numba.njit(cache=True)
def _look(U: Array, base: Array, t: Array, tukey: bool, c: Array, A: Array, H: Array, g: Array) -> tuple[float, float]:
    """Fill both matrices and the gradient at t; return the objective and the norm of the influences."""
    n, p = U.shape
    A[:], H[:], g[:] = 0.0, 0.0, 0.0
    total = norm = 0.0
    for i in range(n):
        r = base[i]
        for j in range(p):
            r -= U[i, j] * t[j]
        value, weight, second = _loss(r, tukey, c)
        total += value
        psi = weight * r
        norm += psi * psi
        if psi == 0.0 and second == 0.0:
            continue
        for j in range(p):
            g[j] += U[i, j] * psi
            for k in range(j + 1):
                product = U[i, j] * U[i, k]
                A[j, k] += weight * product
                H[j, k] += second * product
    return total, math.sqrt(norm)


@numba.njit(cache=True)
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


@numba.njit(cache=True)
def solve(
    U: Array, base: Array, y: Array, tukey: bool, c: Array, lipschitz: float, tol: float, max_iter: int
) -> tuple[Array, Any]:
    """Minimise Σ ρ(base − Ut) for a batch, from t = 0.

    Parameters
    ----------
    U : ndarray of shape (batch, n, p)
        Orthonormal columns, or columns of zeros.
    base, y : ndarray of shape (batch, n)
        Residuals of the start, and the data (for the rounding of residuals).
    tukey, c
        The loss, from `encode`.
    lipschitz, tol : float
        Lipschitz constant of ρ', and the tolerance.
    max_iter : int
        Largest number of iterations.

    Returns
    -------
    (ndarray of shape (batch, p), ndarray of shape (batch,))
        The minimisers t, and the iterations made.
    """
    batch, _, p = U.shape
    found, n_iter = np.zeros((batch, p)), np.zeros(batch, dtype=np.int64)
    A, H, A2, H2 = np.empty((p, p)), np.empty((p, p)), np.empty((p, p)), np.empty((p, p))
    g, g2, safe, fast = np.empty(p), np.empty(p), np.empty(p), np.empty(p)
    for b in range(batch):
        t = found[b]
        floor = 2 * 2.3e-16 * lipschitz * (math.sqrt(np.sum(y[b] ** 2)) + math.sqrt(np.sum((y[b] - base[b]) ** 2)))
        empty = np.array([np.sum(U[b, :, j] ** 2) < 0.5 for j in range(p)])
        stretch, refused = 2.0, False
        total, norm = _look(U[b], base[b], t, tukey, c, A, H, g)
        while n_iter[b] < max_iter and math.sqrt(np.sum(g * g)) > tol * norm + floor:
            n_iter[b] += 1
            slope, trace, bend = math.sqrt(np.sum(g * g)), 0.0, 0.0
            for j in range(p):
                trace += A[j, j]
                bend += abs(H[j, j])
            for j in range(p):
                A[j, j] += max(1e-13 * trace, 1e-300)
                if empty[j]:
                    H[j, j] += 1.0
            _divide(A, g, 0.0, safe)
            direct = n_iter[b] > FIRST and not refused and _divide(H, g, 1e-9 * bend, fast)
            old = t.copy()
            t += safe
            total, norm = _look(U[b], base[b], t, tukey, c, A, H, g)
            if n_iter[b] <= FIRST:
                continue
            for j in range(p):
                fast[j] = old[j] + (fast[j] if direct else stretch * safe[j])
            total2, norm2 = _look(U[b], base[b], fast, tukey, c, A2, H2, g2)
            good = total2 <= total * (1 + 1e-12) and (not direct or math.sqrt(np.sum(g2 * g2)) <= 0.5 * slope)
            refused = not good if direct else refused and good
            stretch = 2 * stretch if good and not direct else 2.0
            if good:
                t[:], norm = fast, norm2
                A[:], H[:], g[:] = A2, H2, g2
    return found, n_iter
