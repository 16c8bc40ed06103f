"""Compiled value, gradient and prox of WEEP: one pass over the array for each.

The operations and their order are those of `weep.penalties.weep`, so are the results. NaN is kept: it fails every
comparison, and each choice is written so that it then keeps the operand that is NaN.
"""

import numpy as np

from ..compiled import jit


@jit
def value(x, out, a, b, m, x1, x2, kink, half):
    """Write φ(x), with kink = a·x1 and half = 1/2 in the type of x."""
    zero = x1 - x1
    for i in range(x.size):
        r = abs(x[i])
        inner = x1 if r > x1 else r
        middle = x1 if r < x1 else x2 if r > x2 else r
        total = (a * inner) * inner
        total += (middle - x1) * (kink + (m - middle))
        total *= half
        if b > 0:  # else an infinite x would give 0 · inf
            total += b * (r - x2 if r > x2 else zero)
        out[i] = total


@jit
def grad(x, out, a, b, m):
    """Write φ'(x)."""
    for i in range(x.size):
        r = abs(x[i])
        outer = m - r
        outer = b if outer < b else outer
        slope = a * r
        out[i] = np.copysign(outer if outer < slope else slope, x[i])


@jit
def prox(z, out, shrink, back, stretch, shift):
    """Write the prox for steps below 1, where it is continuous."""
    for i in range(z.size):
        r = abs(z[i])
        shrunk = r * shrink
        middle = (r - back) * stretch
        shifted = r - shift
        low = shifted if shifted < middle else middle
        out[i] = np.copysign(low if low > shrunk else shrunk, z[i])


@jit
def prox_jump(z, out, shrink, shift, threshold):
    """Write the prox for steps from 1 on, where it jumps at the threshold."""
    for i in range(z.size):
        r = abs(z[i])
        out[i] = np.copysign(r - shift if r > threshold else r * shrink, z[i])
