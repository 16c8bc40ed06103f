"""The exact minimum of (11) in one dimension for φ = |x|, compiled: dynamic programming on slopes, for many signals.

Let M_i(z) be the least cost of the first i entries if the last of them is z. Its slope is continuous, increasing and
piecewise linear. With z at entry i + 1, entry i is best at z, but no farther left than where M_i has the slope −λ, and
no farther right than where it has the slope λ. So the slope of the next cost is that of M_i, clipped to [−λ, λ], plus
w (z − y). Clipping removes seams at both ends and adds one at each: all of them together take as long as the signal.

A line is a pair (p, q), for p z + q. Seams hold where they are, and what is added to the line on their left.
"""

import numpy as np

from ..compiled import jit


def from_left_of(seams, first, last, p, q, level):
    """The first seam and the line on its left where the slope, from the left, comes to a level."""
    while first <= last and p * seams[first, 0] + q < level:
        p += seams[first, 1]
        q += seams[first, 2]
        first += 1
    return first, p, q


from_left = jit(from_left_of)


def from_right_of(seams, first, last, p, q, level):
    """The last seam and the line on its right where the slope, from the right, comes to a level."""
    while first <= last and p * seams[last, 0] + q > level:
        p -= seams[last, 1]
        q -= seams[last, 2]
        last -= 1
    return last, p, q


from_right = jit(from_right_of)


def strings_of(ys, out, weights, lams, lam, slope):
    """Solve for each row of ys. Weights and λ have one row for all or one for each; None is 1, and the one λ.

    The penalty is the slope times |x|, and the one λ is that already.
    """
    n = ys.shape[1]
    seams, ends = np.empty((2 * n + 2, 3)), np.empty((n, 2))
    for k in range(len(ys)):
        w = weights[k if len(weights) > 1 else 0] if weights is not None else None
        strengths = lams[k if len(lams) > 1 else 0] if lams is not None else None
        y, x = ys[k], out[k]
        first, last = n + 1, n
        left_p, left_q, right_p, right_q = 0.0, 0.0, 0.0, 0.0
        for i in range(n):
            weight = 1.0 if w is None else float(w[i])
            pull = weight * y[i]
            left_p, left_q, right_p, right_q = left_p + weight, left_q - pull, right_p + weight, right_q - pull
            if i + 1 == n:
                break
            level = lam if strengths is None else slope * strengths[i]
            first, p, q = from_left(seams, first, last, left_p, left_q, -level)
            ends[i, 0], left_p, left_q = -np.inf, p, q
            if level == 0:  # the entry is where it is best, whatever follows
                ends[i], first, last = -q / p, n + 1, n
                left_p, left_q, right_p, right_q = 0.0, 0.0, 0.0, 0.0
                continue
            if p > 0:  # else nothing on the left has the slope −λ
                first -= 1
                ends[i, 0], left_p, left_q = (-level - q) / p, 0.0, -level
                seams[first, 0], seams[first, 1], seams[first, 2] = ends[i, 0], p, q + level
            last, p, q = from_right(seams, first, last, right_p, right_q, level)
            ends[i, 1], right_p, right_q = np.inf, p, q
            if p > 0:
                last += 1
                ends[i, 1], right_p, right_q = (level - q) / p, 0.0, level
                seams[last, 0], seams[last, 1], seams[last, 2] = ends[i, 1], -p, level - q
        first, p, q = from_left(seams, first, last, left_p, left_q, 0.0)
        z = -q / p
        x[n - 1] = z
        for i in range(n - 2, -1, -1):
            z = min(max(z, ends[i, 0]), ends[i, 1])
            x[i] = z


strings = jit(strings_of, nogil=True)
