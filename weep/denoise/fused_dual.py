"""Compiled steps on the dual of (11) for φ = |x|: several in one pass over memory, tile by tile.

A tile is a band of rows, with as many rows around it as steps are made: what lies farther away has no effect on the
band. So tiles need nothing of each other, and no bit depends on who computes which. They work in the type of the
forces, which may be narrower than that of the data.

Forces are p for the differences of (11), across a row and down from it, so that x = y − Dᵀp. In a row of forces across,
entry k stands before entry k of x, so that there is a zero at both ends; a row of x has its last entry twice.
"""

import numpy as np

from ..compiled import jit
from .fused import FAST


def fill_of(out, value):
    """Write one number everywhere."""
    for k in range(out.size):
        out[k] = value


fill = jit(fill_of, **FAST)


def copy_of(given, out):
    """Copy entry by entry, from one type to another: assigning a slice takes several times as long."""
    for k in range(given.size):
        out[k] = given[k]


copy = jit(copy_of, **FAST)


def less_of(data, across, above, below, out):
    """Write a row of y − Dᵀp."""
    n = data.size
    for k in range(n):
        out[k] = data[k] - across[k] + across[k + 1] - above[k] + below[k]
    out[n] = out[n - 1]


less = jit(less_of, **FAST)


def climb_of(here, beyond, across, down, squares, step):
    """Add the step times the differences to the forces that start in a row, and their squares to the squares."""
    for k in range(squares.size):
        p = across[k + 1] + step * (here[k + 1] - here[k])
        q = down[k] + step * (beyond[k] - here[k])
        across[k + 1], down[k] = p, q
        squares[k] += p * p + q * q


climb = jit(climb_of, **FAST)


def shrink_of(squares, lam):
    """Replace r² by the factor that brings a force of the length r to at most λ."""
    for k in range(squares.size):
        r = np.sqrt(squares[k])
        squares[k] = lam / (r if r > lam else lam)


shrink = jit(shrink_of, **FAST)


def pull_of(force, old, factors, beta):
    """Apply the factors, and go on by beta times what this has moved since the last time."""
    for k in range(factors.size):
        p = factors[k] * force[k]
        force[k] = p + beta * (p - old[k])
        old[k] = p


pull = jit(pull_of, **FAST)


def single_of(here, beyond, across, down, old_across, old_down, lam, step, beta):
    """All three for one channel, where nothing has to be kept in between: twice as fast."""
    for k in range(down.size):
        p = across[k + 1] + step * (here[k + 1] - here[k])
        q = down[k] + step * (beyond[k] - here[k])
        r = np.sqrt(p * p + q * q)
        factor = lam / (r if r > lam else lam)
        p *= factor
        q *= factor
        across[k + 1] = p + beta * (p - old_across[k + 1])
        down[k] = q + beta * (q - old_down[k])
        old_across[k + 1], old_down[k] = p, q


single = jit(single_of, **FAST)


def clip_of(here, beyond, across, down, old_across, old_down, lam, step, beta):
    """The same for differences, of which each has a force of its own."""
    for k in range(down.size):
        p = across[k + 1] + step * (here[k + 1] - here[k])
        p = p if p < lam else lam
        p = p if p > -lam else -lam
        q = down[k] + step * (beyond[k] - here[k])
        q = q if q < lam else lam
        q = q if q > -lam else -lam
        across[k + 1] = p + beta * (p - old_across[k + 1])
        down[k] = q + beta * (q - old_down[k])
        old_across[k + 1], old_down[k] = p, q


clip = jit(clip_of, **FAST)


def weigh_of(here, beyond, data, across, down, squares, out, half):
    """Add the squares of differences, write a row of the result, and return ⟨p, Dx⟩ and the misfit there."""
    work, miss = half - half, half - half
    for k in range(squares.size):
        right, low, r = here[k + 1] - here[k], beyond[k] - here[k], here[k] - data[k]
        squares[k] += right * right + low * low
        work += across[k + 1] * right + down[k] * low
        miss += r * r
        out[k] = here[k]
    return work, half * miss


weigh = jit(weigh_of, **FAST)


def lengths_of(squares, half):
    """The sum of lengths."""
    total = half - half
    for k in range(squares.size):
        total += np.sqrt(squares[k])
    return total


lengths = jit(lengths_of, **FAST)


def sizes_of(here, beyond, half):
    """The sum of the sizes of differences."""
    total = half - half
    for k in range(beyond.size - 1):
        total += abs(here[k + 1] - here[k]) + abs(beyond[k] - here[k])
    return total


sizes = jit(sizes_of, **FAST)


def tiles_of(first, last, tall, sums, y, x, before, after, fresh, keep, betas, lam, step, half, radial):
    """Make a step for each of the betas in those bands of rows, from the forces ``before``, or none if fresh.

    ``before`` and ``after`` hold forces and extrapolated forces, across and down. Writes x, the forces if they are to
    be kept, and to a row of ``sums`` for each band the penalty and the misfit at x, and the work of the forces.

    A step at a row needs the step before at the row after it, and nothing later. So rows come in one after the other,
    and each step follows one row behind the one before it, all in a few rows that stay in the cache.
    """
    channels, height, width = y.shape
    count, kind, zero = betas.size, betas.dtype, half - half
    rows = count + 3
    data, squares = np.empty((rows, channels, width), kind), np.empty(width, kind)
    across, old_across = np.zeros((rows, channels, width + 1), kind), np.zeros((rows, channels, width + 1), kind)
    down, old_down = np.empty((rows, channels, width), kind), np.empty((rows, channels, width), kind)
    points = np.empty((count + 1, 2, channels, width + 1), kind)
    for band in range(first, last):
        top, bottom = band * tall, min(band * tall + tall, height)
        low, high = max(0, top - count), min(height, bottom + count + 1)
        n = high - low
        penalty, miss, work = 0.0, 0.0, 0.0
        for coming in range(-1, n + count + 1):
            here = coming % rows
            for c in range(channels if coming < n else 0):
                if coming >= 0:
                    copy(y[c, low + coming], data[here, c])
                if fresh or low + coming < 0:
                    fill(across[here, c], zero)
                    fill(old_across[here, c], zero)
                    fill(down[here, c], zero)
                    fill(old_down[here, c], zero)
                else:
                    copy(before[0, 0, c, low + coming], old_across[here, c, 1:])
                    copy(before[1, 0, c, low + coming], across[here, c, 1:])
                    copy(before[0, 1, c, low + coming], old_down[here, c])
                    copy(before[1, 1, c, low + coming], down[here, c])
            for j in range(count + 1):
                r = coming - 1 - j
                end = bottom - low if j == count else n if high == height else n - 1 - j
                begin = top - low if j == count else 0 if low == 0 else j
                if not begin <= r < end:
                    continue
                above, here, below = (r - 1) % rows, r % rows, (r + 1) % rows
                sides, downs = (across, down) if j < count else (old_across, old_down)
                point, beyond = points[j, r % 2], points[j, (r + 1) % 2]
                if channels > 1 or j == count:
                    fill(squares, zero)
                for c in range(channels):
                    if r == begin:
                        less(data[here, c], sides[here, c], downs[above, c], downs[here, c], point[c])
                    if low + r + 1 < height:
                        less(data[below, c], sides[below, c], downs[here, c], downs[below, c], beyond[c])
                    else:
                        copy(point[c], beyond[c])
                    forces = across[here, c], down[here, c], old_across[here, c], old_down[here, c]
                    if j == count:
                        done, misfit = weigh(
                            point[c], beyond[c], data[here, c], *forces[2:], squares, x[c, low + r], half
                        )
                        work += done
                        miss += misfit
                        if not radial:
                            penalty += sizes(point[c], beyond[c], half)
                        if keep:
                            copy(old_across[here, c, 1:], after[0, 0, c, low + r])
                            copy(across[here, c, 1:], after[1, 0, c, low + r])
                            copy(old_down[here, c], after[0, 1, c, low + r])
                            copy(down[here, c], after[1, 1, c, low + r])
                    elif not radial:
                        clip(point[c], beyond[c], *forces, lam, step, betas[j])
                    elif channels == 1:
                        single(point[c], beyond[c], *forces, lam, step, betas[j])
                    else:
                        climb(point[c], beyond[c], across[here, c], down[here, c], squares, step)
                if radial and j == count:
                    penalty += lengths(squares, half)
                elif radial and channels > 1:
                    shrink(squares, lam)
                    for c in range(channels):
                        pull(across[here, c, 1:], old_across[here, c, 1:], squares, betas[j])
                        pull(down[here, c], old_down[here, c], squares, betas[j])
        sums[band, 0], sums[band, 1], sums[band, 2] = lam * penalty, miss, work


tiles = jit(tiles_of, nogil=True, **FAST)
