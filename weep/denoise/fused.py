"""Compiled kernels for (11) with a difference of two Huber losses: the steps of the solvers, each one loop over memory.

Sums are made in pieces, in the type of the data, and added in double precision.
"""

import numpy as np

from ..compiled import jit

FAST = {"fastmath": {"reassoc", "contract", "nsz"}}  # sums may be reordered; infinities and NaN stay what they are


def bend_of(d, a, x1, x2):
    """Return p = φ'(d), and two terms of φ(d): the first plus half of the second.

    With c = clip(d, ±x1), w = clip(d, ±x2) and e = w − c: p = a·c − e and φ(d) = p·(d − c/2) + e·w/2.
    """
    c = d if d < x1 else x1  # selections, which become vector instructions; calls of min and max do not
    c = c if c > -x1 else -x1
    w = d if d < x2 else x2
    w = w if w > -x2 else -x2
    e = w - c
    p = a * c - e
    return p, p * d, e * w - p * c


bend = jit(bend_of, **FAST)


def slopes_of(here, beyond, out, a, x1, x2, lam, half):
    """Write λφ'(beyond − here), entry by entry, and return the sum of λφ(beyond − here)."""
    whole, halves = half - half, half - half
    for k in range(out.size):
        p, first, second = bend(beyond[k] - here[k], a, x1, x2)
        out[k] = lam * p
        whole += first
        halves += second
    return lam * (whole + half * halves)


slopes = jit(slopes_of, **FAST)


def move_of(here, old, data, new, inflow, outflow, across, step, beta, gamma, half):
    """Gradient g at a row, then x ← v − step·g and following ← x + beta·(x − old x) − gamma·step·g.

    Returns the fidelity, the squared norm of g, and ⟨g, x − old x⟩.
    """
    fidelity, squares, products = half - half, half - half, half - half
    for k in range(here.size):
        r = here[k] - data[k]
        g = r + inflow[k] - outflow[k] + across[k] - across[k + 1]
        s = step * g
        stepped = here[k] - s
        move = stepped - old[k]
        fidelity += r * r
        squares += g * g
        products += g * move
        old[k] = stepped
        new[k] = stepped + beta * move - gamma * s
    return half * fidelity, squares, products


move = jit(move_of, **FAST)


def sweep_1d(v, x, y, following, a, x1, x2, lam, step, beta, gamma, half):
    """One step of accelerated gradient: `move` at each entry of a signal.

    Returns the objective at v, the squared norm of its gradient g, and ⟨g, x − old x⟩.
    """
    n, chunk = v.size, 1024
    zero = half - half
    value, norm, along = 0.0, 0.0, 0.0
    across = np.zeros(chunk + 1, v.dtype)  # λφ' left of each entry, and right of the last
    none = np.zeros(chunk, v.dtype)
    for start in range(0, n, chunk):
        stop = min(start + chunk, n)
        inside = min(stop, n - 1) - start
        across[0] = across[chunk] if start > 0 else zero
        across[inside + 1 :] = zero
        costs = slopes(v[start:stop], v[start + 1 : stop + 1], across[1 : inside + 1], a, x1, x2, lam, half)
        rows = v[start:stop], x[start:stop], y[start:stop], following[start:stop]
        fidelity, squares, products = move(*rows, none, none, across, step, beta, gamma, half)
        value += fidelity + costs
        norm += squares
        along += products
    return value, norm, along


def sweep_3d(v, x, y, following, a, x1, x2, lam, step, beta, gamma, half):
    """The same for a volume; an image is a volume of one plane."""
    depth, height, width = v.shape
    zero = half - half
    value, norm, along = 0.0, 0.0, 0.0
    across, above, below = np.zeros(width + 1, v.dtype), np.zeros(width, v.dtype), np.zeros(width, v.dtype)
    ahead, behind = np.zeros(width, v.dtype), np.zeros((height if depth > 1 else 0, width), v.dtype)
    for k in range(depth):
        above[:] = zero
        for i in range(height):
            here = v[k, i]
            costs = slopes(here, here[1:], across[1:width], a, x1, x2, lam, half)
            if i + 1 < height:
                costs += slopes(here, v[k, i + 1], below, a, x1, x2, lam, half)
            else:
                below[:] = zero
            if depth > 1:
                if k + 1 < depth:
                    costs += slopes(here, v[k + 1, i], ahead, a, x1, x2, lam, half)
                else:
                    ahead[:] = zero
                above += behind[i] - ahead
                behind[i] = ahead
            rows = here, x[k, i], y[k, i], following[k, i]
            fidelity, squares, products = move(*rows, above, below, across, step, beta, gamma, half)
            above, below = below, above
            value += fidelity + costs
            norm += squares
            along += products
    return value, norm, along


def newton_1d(v, y, moved, ratios, a, x1, x2, lam, half):
    """Solve for the Newton step at v and write v + step, in one pass down and one up.

    Returns the objective there and the squared norm of its gradient; an infinite objective if the Hessian at v is not
    positive definite, and then nothing useful is written. What is in ``ratios`` before and after does not matter.
    """
    n = v.size
    zero, one = half - half, half + half
    inverse = one
    slope_before, weight_before, rhs = zero, zero, zero
    for i in range(n):
        slope, weight = zero, zero
        if i + 1 < n:
            d = v[i + 1] - v[i]
            slope = lam * bend(d, a, x1, x2)[0]
            weight = lam * a if abs(d) <= x1 else -lam if abs(d) <= x2 else zero
        ratio = weight_before * inverse
        rhs = slope - slope_before - v[i] + y[i] + ratio * rhs
        # Not ratio·weight: each pivot waits for the one before it, and this way for one product less.
        pivot = one + weight_before + weight - weight_before * weight_before * inverse
        if not pivot > 0:
            return np.inf, np.inf
        inverse = one / pivot
        moved[i] = rhs * inverse
        ratios[i] = weight * inverse
        slope_before, weight_before = slope, weight
    value, norm = 0.0, 0.0
    move, beyond, outflow = zero, zero, zero
    for i in range(n - 1, -1, -1):
        move = moved[i] + ratios[i] * move
        here = v[i] + move
        moved[i] = here
        inflow, costs = zero, zero
        if i + 1 < n:
            p, first, second = bend(beyond - here, a, x1, x2)
            residual = beyond - y[i + 1]
            inflow, costs = lam * p, lam * (first + half * second)
            g = residual + inflow - outflow
            value += half * residual * residual + costs
            norm += g * g
        beyond, outflow = here, inflow
    residual = beyond - y[0]
    g = residual - outflow
    return value + half * residual * residual, norm + g * g


sweeps = {1: jit(sweep_1d, **FAST), 3: jit(sweep_3d, **FAST)}
newton = jit(newton_1d, fastmath={"contract"})
