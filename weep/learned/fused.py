"""A compiled kernel for learned banks: objective and gradient of a band of rows, filters by their symmetry.

A filter and its mirror image are P + Q and P − Q, where P and Q are even or odd along an axis. So sums and differences
of opposite pixels, made once for all filters, leave a quarter of the multiplications where filters are even or odd
under point reflection, and half of them otherwise.
"""

import numpy as np

from ..compiled import jit
from ..denoise.fused import FAST, bend

#: Pixels of a row that are treated together, a multiple of what a loop over vector registers takes at once. All their
#: filtered values fit the first-level cache, or nearly.
COLUMNS, UNIT = 512, 32


def four_of(out, w, p, q, r, s):
    """Add w[0]·p + w[1]·q + w[2]·r + w[3]·s."""
    w0, w1, w2, w3 = w[0], w[1], w[2], w[3]
    for j in range(out.size):
        out[j] += (w0 * p[j] + w1 * q[j]) + (w2 * r[j] + w3 * s[j])


def one_of(out, w, p):
    """Add w·p."""
    for j in range(out.size):
        out[j] += w * p[j]


def both_of(out, p, q):
    """Add p + q."""
    for j in range(out.size):
        out[j] += p[j] + q[j]


def between_of(out, p, q):
    """Add p − q."""
    for j in range(out.size):
        out[j] += p[j] - q[j]


four, one, both, between = (jit(f, **FAST) for f in (four_of, one_of, both_of, between_of))


def mix_of(weights, spans, rows, out):
    """out[i] = Σ_c weights[i, c]·rows[c] over c in spans[i]: a product of matrices, four terms at a time."""
    for i in range(len(weights)):
        c, stop = spans[i]
        w, to = weights[i], out[i]
        to[:] = 0
        while c + 4 <= stop:
            four(to, w[c:], rows[c], rows[c + 1], rows[c + 2], rows[c + 3])
            c += 4
        while c < stop:
            one(to, w[c], rows[c])
            c += 1


mix = jit(mix_of, **FAST)


def slope_of(p, mask, a, x1, x2, half):
    """p becomes φ'(p). Returns the sum of φ(p) where the mask is 1."""
    whole, halves = half - half, half - half
    for j in range(p.size):
        p[j], first, second = bend(p[j], a, x1, x2)
        whole += mask[j] * first
        halves += mask[j] * second
    return whole + half * halves


def slopes_of(p, q, mask, a, x1, x2, half):
    """p, q become φ'(p + q) ± φ'(p − q). Returns the sum of φ(p + q) + φ(p − q) where the mask is 1."""
    whole, halves = half - half, half - half
    for j in range(p.size):
        r, first, second = bend(p[j] + q[j], a, x1, x2)
        s, third, fourth = bend(p[j] - q[j], a, x1, x2)
        p[j], q[j] = r + s, r - s
        whole += mask[j] * (first + third)
        halves += mask[j] * (second + fourth)
    return whole + half * halves


slope, slopes = jit(slope_of, **FAST), jit(slopes_of, **FAST)


def band_of(v, y, out, top, bottom, planes, weights, spans, back, back_spans, single, a, x1, x2, half):
    """Write the gradient at v on rows top to bottom of out, and return their part of the objective.

    ``v`` has a border of 2q pixels on every side for filters of 2q + 1. The filtered values are made q pixels beyond
    the band, so that no band writes into another: there they are what a mirrored picture gives. Each P has its own
    a, x1 and x2.
    """
    q, width, count, total = (v.shape[0] - y.shape[0]) // 4, y.shape[1], len(single), 0.0
    side = 2 * q + 1
    for left in range(0, width, COLUMNS - 2 * q):
        n = min(COLUMNS - 2 * q, width - left)
        most = (n + 2 * q + UNIT - 1) // UNIT * UNIT
        folded, parts = np.zeros((side, most + 2 * q), v.dtype), np.empty((side * side, most), v.dtype)
        filtered, mask = np.empty((2 * count, most), v.dtype), np.zeros(most, v.dtype)
        mask[q : q + n] = 1
        for i in range(top, bottom):
            rest = out[i, left : left + n]
            rest[:] = 0
            between(rest, v[i + 2 * q, left + 2 * q :], y[i, left:])
            fidelity = half - half
            for j in range(n):
                fidelity += rest[j] * rest[j]
            total += half * fidelity
        for i in range(top - q, bottom + q):
            here = i + 2 * q
            folded[:] = 0
            one(folded[0, : n + 4 * q], half + half, v[here, left:])
            for t in range(1, q + 1):
                both(folded[t, : n + 4 * q], v[here + t, left:], v[here - t, left:])
                between(folded[q + t, : n + 4 * q], v[here + t, left:], v[here - t, left:])
            parts[:] = 0
            for p in range(side * side):
                row, t = folded[planes[p, 0]], planes[p, 1]
                if t == 0:
                    one(parts[p], half + half, row[q:])
                elif t <= q:
                    both(parts[p], row[q + t :], row[q - t :])
                else:
                    between(parts[p], row[t:], row[2 * q - t :])
            mix(weights, spans, parts, filtered)
            for k in range(count):
                even, odd = filtered[k], filtered[count + k]
                if single[k]:
                    cost = slope(even, mask, a[k], x1[k], x2[k], half)
                else:
                    cost = slopes(even, odd, mask, a[k], x1[k], x2[k], half)
                if top <= i < bottom:
                    total += cost
            mix(back, back_spans, filtered, parts)
            folded[:] = 0
            for p in range(side * side):
                row, t = folded[planes[p, 0], :n], planes[p, 1]
                if t == 0:
                    one(row, half + half, parts[p, q:])
                elif t <= q:
                    both(row, parts[p, q - t :], parts[p, q + t :])
                else:
                    between(row, parts[p, 2 * q - t :], parts[p, t:])
            for t in range(-q, q + 1):
                if top <= i + t < bottom:
                    to = out[i + t, left : left + n]
                    if t == 0:
                        one(to, half + half, folded[0])
                    elif t > 0:
                        both(to, folded[t], folded[q + t])
                    else:
                        between(to, folded[-t], folded[q - t])
    return total


band = jit(band_of, nogil=True, **FAST)
