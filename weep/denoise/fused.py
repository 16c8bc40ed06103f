"""Compiled kernels for (11) with a difference of two Huber losses: the accelerated step and the Newton step.

With the clipped differences c = clip(d, ±x1) and e = clip(d, ±x2) − c, the penalty's gradient is a·c − e. The rest of
the file is one loop over memory for each step, with the sums that the solvers need. Sums are made row by row in the
type of the data, and added in double precision.
"""

import numpy as np

from ..compiled import jit

FAST = {"fastmath": {"reassoc", "contract", "nsz"}}  # sums may be reordered; infinities and NaN stay what they are


def slopes_of(here, beyond, out, a, x1, x2, lam, half):
    """Write λφ'(beyond − here), entry by entry, and return the sum of φ(beyond − here)."""
    low1, low2, costs = -x1, -x2, half - half
    for k in range(out.size):
        d = beyond[k] - here[k]
        c = d if d < x1 else x1  # selections, which become vector instructions; calls of min and max do not
        c = c if c > low1 else low1
        e = d if d < x2 else x2
        e = (e if e > low2 else low2) - c
        p = a * c - e
        out[k] = lam * p
        costs += a * c * (half * c + e) - half * e * e + p * (d - c - e)
    return costs


slopes = jit(slopes_of, **FAST)


def sweep_1d(v, x, y, following, a, x1, x2, lam, step, beta, half):
    """Gradient g at v, then x ← v − step·g and following ← x + beta·(x − old x).

    Returns the objective at v, the squared norm of g, and ⟨g, x − old x⟩.
    """
    n, chunk = v.size, 1024
    zero = half - half
    value, norm, along = 0.0, 0.0, 0.0
    across = np.zeros(chunk + 1, v.dtype)  # λφ' left of each entry, and right of the last
    for start in range(0, n, chunk):
        stop = min(start + chunk, n)
        inside = min(stop, n - 1) - start
        across[0] = across[chunk] if start > 0 else zero
        across[inside + 1 :] = zero
        costs = slopes(v[start:stop], v[start + 1 : stop + 1], across[1 : inside + 1], a, x1, x2, lam, half)
        here, old, data, new = v[start:stop], x[start:stop], y[start:stop], following[start:stop]
        fidelity, squares, products = zero, zero, zero
        for k in range(stop - start):
            r = here[k] - data[k]
            g = r + across[k] - across[k + 1]
            stepped = here[k] - step * g
            move = stepped - old[k]
            fidelity += r * r
            squares += g * g
            products += g * move
            old[k] = stepped
            new[k] = stepped + beta * move
        value += half * fidelity + lam * costs
        norm += squares
        along += products
    return value, norm, along


def sweep_2d(v, x, y, following, a, x1, x2, lam, step, beta, half):
    """The same in two dimensions."""
    height, width = v.shape
    zero = half - half
    value, norm, along = 0.0, 0.0, 0.0
    up, down, across = np.zeros(width, v.dtype), np.zeros(width, v.dtype), np.zeros(width + 1, v.dtype)
    for i in range(height):
        here, old, data, new = v[i], x[i], y[i], following[i]
        costs = slopes(here, here[1:], across[1:width], a, x1, x2, lam, half)
        if i + 1 < height:
            costs += slopes(here, v[i + 1], down, a, x1, x2, lam, half)
        else:
            down[:] = zero
        fidelity, squares, products = zero, zero, zero
        for j in range(width):
            r = here[j] - data[j]
            g = r + up[j] - down[j] + across[j] - across[j + 1]
            stepped = here[j] - step * g
            move = stepped - old[j]
            fidelity += r * r
            squares += g * g
            products += g * move
            old[j] = stepped
            new[j] = stepped + beta * move
        up, down = down, up
        value += half * fidelity + lam * costs
        norm += squares
        along += products
    return value, norm, along


def newton_1d(v, y, moved, a, x1, x2, lam, half):
    """Solve for the Newton step at v and write v + step, in one pass down and one up.

    Returns whether the Hessian is positive definite there; else nothing useful is written.
    """
    n = v.size
    zero, one = half - half, half + half
    ratios, inverse = np.empty(n, v.dtype), one
    slope_before, weight_before, rhs = zero, zero, zero
    for i in range(n):
        slope, weight = zero, zero
        if i + 1 < n:
            d = v[i + 1] - v[i]
            c = min(max(d, -x1), x1)
            e = min(max(d, -x2), x2) - c
            slope = lam * (a * c - e)
            weight = lam * a if abs(d) <= x1 else -lam if abs(d) <= x2 else zero
        ratio = weight_before * inverse
        rhs = slope - slope_before - v[i] + y[i] + ratio * rhs
        pivot = one + weight_before + weight - ratio * weight_before
        if not pivot > 0:
            return False
        inverse = one / pivot
        moved[i] = rhs * inverse
        ratios[i] = weight * inverse
        slope_before, weight_before = slope, weight
    move = zero
    for i in range(n - 1, -1, -1):
        move = moved[i] + ratios[i] * move
        moved[i] = v[i] + move
    return True


sweeps = {1: jit(sweep_1d, **FAST), 2: jit(sweep_2d, **FAST)}
newton = jit(newton_1d, fastmath={"contract"})
