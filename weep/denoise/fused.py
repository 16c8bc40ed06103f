"""Compiled kernels for (11) with a difference of two Huber losses: the steps of the solvers, each one loop over memory.

Sums are made in pieces, in the type of the data, and added in double precision. Images and volumes are swept in bands
of rows, always the same ones, so that the result does not depend on who sweeps which.

Weights of the data and the λ of the differences come as arrays, of which one row may serve for all rows, or as None for
the weight 1 and one λ. Numba compiles kernels for None by themselves, without what arrays need.
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


def slopes_of(here, beyond, out, lams, lam, a, x1, x2, half):
    """Write λφ'(beyond − here), entry by entry, and return the sum of λφ(beyond − here)."""
    whole, halves = half - half, half - half
    for k in range(out.size):
        p, first, second = bend(beyond[k] - here[k], a, x1, x2)
        if lams is None:
            out[k] = lam * p
            whole += first
            halves += second
        else:
            out[k] = lams[k] * p
            whole += lams[k] * first
            halves += lams[k] * second
    cost = whole + half * halves
    return lam * cost if lams is None else cost


slopes = jit(slopes_of, **FAST)


def gather_of(here, beyond, out, squares):
    """Write beyond − here, and add its square."""
    for k in range(out.size):
        d = beyond[k] - here[k]
        out[k] = d
        squares[k] += d * d


gather = jit(gather_of, **FAST)


def factors_of(squares, lams, lam, a, x1, x2, half):
    """Replace r² by λφ'(r)/r, entry by entry, and return the sum of λφ(r)."""
    whole, halves, one = half - half, half - half, half + half
    for k in range(squares.size):
        r = np.sqrt(squares[k])
        p, first, second = bend(r, a, x1, x2)
        size = r if r > 0 else one
        if lams is None:
            squares[k] = lam * p / size
            whole += first
            halves += second
        else:
            squares[k] = lams[k] * p / size
            whole += lams[k] * first
            halves += lams[k] * second
    cost = whole + half * halves
    return lam * cost if lams is None else cost


factors = jit(factors_of, **FAST)


def scale_of(out, factor):
    """Multiply entry by entry."""
    for k in range(out.size):
        out[k] *= factor[k]


scale = jit(scale_of, **FAST)


def move_of(here, old, data, new, weights, inflow, outflow, across, step, beta, gamma, half):
    """Gradient g at a row, then x ← v − step·g and following ← x + beta·(x − old x) − gamma·step·g.

    Returns the fidelity, the squared norm of g, and ⟨g, x − old x⟩.
    """
    fidelity, squares, products = half - half, half - half, half - half
    for k in range(here.size):
        r = here[k] - data[k]
        force = r if weights is None else weights[k] * r
        g = force + inflow[k] - outflow[k] + across[k] - across[k + 1]
        s = step * g
        stepped = here[k] - s
        move = stepped - old[k]
        fidelity += force * r
        squares += g * g
        products += g * move
        old[k] = stepped
        new[k] = stepped + beta * move - gamma * s
    return half * fidelity, squares, products


move = jit(move_of, **FAST)


def part_of(array, start, stop):
    """A part of an array, or None of None."""
    return None if array is None else array[start:stop]


part = jit(part_of)


def sweep_1d(v, x, y, following, weights, lams, lam, a, x1, x2, step, beta, gamma, half):
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
        ends, between = (v[start:stop], v[start + 1 : stop + 1]), across[1 : inside + 1]
        costs = slopes(*ends, between, part(lams, start, n), lam, a, x1, x2, half)
        rows = v[start:stop], x[start:stop], y[start:stop], following[start:stop], part(weights, start, stop)
        fidelity, squares, products = move(*rows, none, none, across, step, beta, gamma, half)
        value += fidelity + costs
        norm += squares
        along += products
    return value, norm, along


def carry_of(above, behind, ahead):
    """Add what comes from the plane before and goes to the one after, and keep that for the next plane."""
    for k in range(above.size):
        above[k] += behind[k] - ahead[k]
        behind[k] = ahead[k]


carry = jit(carry_of, **FAST)


def row_of(array, c, k, i):
    """A row, or the only one, or None of None."""
    if array is None:
        return None
    channels, depth, height, _ = array.shape
    return array[c if channels > 1 else 0, k if depth > 1 else 0, i if height > 1 else 0]


row = jit(row_of, inline="always")


def sweep_3d(
    first, last, tall, sums, v, x, y, following, weights, right, down, deep, lam, a, x1, x2, step, beta, gamma, half
):
    """The same for those bands of rows of a volume; an image is a volume of one plane.

    Writes what `sweep_1d` returns to a row of ``sums`` for each band.
    """
    _, depth, height, width = v.shape
    at_v, at_x, at_y, at_following = v[0], x[0], y[0], following[0]
    zero = half - half
    across, above, below = np.zeros(width + 1, v.dtype), np.zeros(width, v.dtype), np.zeros(width, v.dtype)
    ahead, behind = np.zeros(width, v.dtype), np.zeros((tall if depth > 1 else 0, width), v.dtype)
    for band in range(first, last):
        top, bottom = band * tall, min(band * tall + tall, height)
        value, norm, along = 0.0, 0.0, 0.0
        behind[:] = zero
        for k in range(depth):
            if top > 0:  # the row above belongs to another band
                slopes(at_v[k, top - 1], at_v[k, top], above, row(down, 0, k, top - 1), lam, a, x1, x2, half)
            else:
                above[:] = zero
            for i in range(top, bottom):
                here = at_v[k, i]
                costs = slopes(here, here[1:], across[1:width], row(right, 0, k, i), lam, a, x1, x2, half)
                if i + 1 < height:
                    costs += slopes(here, at_v[k, i + 1], below, row(down, 0, k, i), lam, a, x1, x2, half)
                else:
                    below[:] = zero
                if depth > 1:
                    if k + 1 < depth:
                        costs += slopes(here, at_v[k + 1, i], ahead, row(deep, 0, k, i), lam, a, x1, x2, half)
                    else:
                        ahead[:] = zero
                    carry(above, behind[i - top], ahead)
                rows = here, at_x[k, i], at_y[k, i], at_following[k, i], row(weights, 0, k, i)
                fidelity, squares, products = move(*rows, above, below, across, step, beta, gamma, half)
                above, below = below, above
                value += fidelity + costs
                norm += squares
                along += products
        sums[band, 0], sums[band, 1], sums[band, 2] = value, norm, along


def fluxes_of(v, k, i, lams, across, below, ahead, squares, lam, a, x1, x2, half):
    """Write the forces of the differences that start in row i of plane k, if the length of all at a pixel is penalised.

    Returns their costs. The length is over all channels.
    """
    channels, depth, height, width = v.shape
    squares[:] = half - half
    if i + 1 == height:
        below[:] = half - half
    if depth > 1 and k + 1 == depth:
        ahead[:] = half - half
    for c in range(channels):
        here = v[c, k, i]
        gather(here, here[1:], across[c, 1:width], squares)
        if i + 1 < height:
            gather(here, v[c, k, i + 1], below[c], squares)
        if k + 1 < depth:
            gather(here, v[c, k + 1, i], ahead[c], squares)
    costs = factors(squares, lams, lam, a, x1, x2, half)
    for c in range(channels):
        scale(across[c, 1:width], squares)
        scale(below[c], squares)
        if depth > 1:
            scale(ahead[c], squares)
    return costs


fluxes = jit(fluxes_of, **FAST)


def sweep_radial(first, last, tall, sums, v, x, y, following, weights, lams, lam, a, x1, x2, step, beta, gamma, half):
    """The same for the lengths of the differences at each pixel, over all channels."""
    channels, depth, height, width = v.shape
    lines = (channels, width)
    above, below, ahead = np.zeros(lines, v.dtype), np.zeros(lines, v.dtype), np.zeros(lines, v.dtype)
    across, squares = np.zeros((channels, width + 1), v.dtype), np.zeros(width, v.dtype)
    behind = np.zeros((tall if depth > 1 else 0, channels, width), v.dtype)
    for band in range(first, last):
        top, bottom = band * tall, min(band * tall + tall, height)
        value, norm, along = 0.0, 0.0, 0.0
        behind[:] = half - half
        for k in range(depth):
            if top > 0:
                fluxes(v, k, top - 1, row(lams, 0, k, top - 1), across, above, ahead, squares, lam, a, x1, x2, half)
            else:
                above[:] = half - half
            for i in range(top, bottom):
                value += fluxes(v, k, i, row(lams, 0, k, i), across, below, ahead, squares, lam, a, x1, x2, half)
                if depth > 1:
                    for c in range(channels):
                        carry(above[c], behind[i - top, c], ahead[c])
                for c in range(channels):
                    rows = v[c, k, i], x[c, k, i], y[c, k, i], following[c, k, i], row(weights, c, k, i)
                    fidelity, length, product = move(*rows, above[c], below[c], across[c], step, beta, gamma, half)
                    value += fidelity
                    norm += length
                    along += product
                above, below = below, above
        sums[band, 0], sums[band, 1], sums[band, 2] = value, norm, along


def at_of(array, k, other):
    """An entry, or of None the other."""
    return other if array is None else array[k]


at = jit(at_of)


def newton_1d(v, y, moved, ratios, weights, lams, lam, a, x1, x2, half):
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
            strength = at(lams, i, lam)
            slope = strength * bend(d, a, x1, x2)[0]
            weight = strength * a if abs(d) <= x1 else -strength if abs(d) <= x2 else zero
        ratio = weight_before * inverse
        here = at(weights, i, one)
        rhs = slope - slope_before + here * (y[i] - v[i]) + ratio * rhs
        # Not ratio·weight: each pivot waits for the one before it, and this way for one product less.
        pivot = here + weight_before + weight - weight_before * weight_before * inverse
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
            strength, force = at(lams, i, lam), at(weights, i + 1, one) * residual
            inflow, costs = strength * p, strength * (first + half * second)
            g = force + inflow - outflow
            value += half * force * residual + costs
            norm += g * g
        beyond, outflow = here, inflow
    residual = beyond - y[0]
    force = at(weights, 0, one) * residual
    g = force - outflow
    return value + half * force * residual, norm + g * g


line, grid, radial = jit(sweep_1d, **FAST), jit(sweep_3d, nogil=True, **FAST), jit(sweep_radial, nogil=True, **FAST)
newton = jit(newton_1d, fastmath={"contract"})
