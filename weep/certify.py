"""Numerical certificates for any scalar penalty, by brute force and never through its closed forms.

Every function takes plain callables on arrays, so that a closed form can be held against a search that does not know
it. What a search returns is a bound or an estimate, and each docstring names the kind.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import ConvexHull

__all__ = [
    "bias",
    "convex_envelope",
    "lipschitz",
    "prox",
    "prox_excess",
    "prox_vector",
    "tail_slope",
    "weak_convexity",
    "weakly_convex_envelope",
]

Array = NDArray[np.float64]
Scalar = Callable[[Array], Any]

# The search for a prox: points in a grid, how many valleys of it each refinement follows, and how many refinements.
POINTS, VALLEYS, ROUNDS = 801, 4, 6
# It evaluates a penalty on tables of this many points at most, so that memory stays small.
TABLE = 2_000_000
# A difference of two or three computed values is trusted down to this multiple of the largest of them.
ROUNDING = 1e-15


def convex_envelope(f: Scalar, x: ArrayLike) -> Array:
    """Largest convex function below the samples of f on a grid, by the lower half of a convex hull.

    Parameters
    ----------
    f : callable
        Takes and returns an array.
    x : array_like
        Increasing grid of three points or more.

    Returns
    -------
    ndarray
        The envelope on the grid: never below that of f itself, and above it by the error of linear interpolation.

    Raises
    ------
    ValueError
        If the grid does not increase.

    Examples
    --------
    >>> import numpy as np
    >>> from weep import certify
    >>> certify.convex_envelope(lambda x: np.abs(np.abs(x) - 1), [-2.0, -1.0, 0.0, 1.0, 2.0])
    array([1., 0., 0., 0., 1.])
    """
    grid = _grid(x)
    values = np.asarray(f(grid), dtype=np.float64)
    # The two added points, high above the ends, make the lower hull one run of vertices from left to right.
    top = values.max() + 1 + np.ptp(values)
    points = np.column_stack([np.r_[grid, grid[[-1, 0]]], np.r_[values, top, top]])
    vertices = ConvexHull(points).vertices
    lower = np.sort(vertices[vertices < grid.size])
    return np.interp(grid, grid[lower], values[lower])


def weakly_convex_envelope(f: Scalar, x: ArrayLike, modulus: float = 1.0) -> Array:
    """Largest function below f that is convex once ``modulus·x²/2`` is added, on a grid.

    Parameters
    ----------
    f : callable
        Takes and returns an array.
    x : array_like
        Increasing grid of three points or more.
    modulus : float, optional
        The modulus ρ of weak convexity, as in (3), where it is 1.

    Returns
    -------
    ndarray
        The envelope on the grid, from above as in `convex_envelope`.

    Examples
    --------
    >>> import numpy as np
    >>> from weep import WEEP, certify
    >>> phi, x = WEEP(3.0, 0.3), np.linspace(-4, 4, 4001)
    >>> bool(np.max(np.abs(certify.weakly_convex_envelope(phi.base, x) - phi(x))) < 1e-5)
    True
    """
    grid = _grid(x)
    parabola = modulus / 2 * grid**2
    return convex_envelope(lambda t: f(t) + modulus / 2 * t**2, grid) - parabola


def prox(f: Scalar, z: ArrayLike, step: float) -> tuple[Array, Array]:
    """Global minimiser of ``step·f(x) + (x − z)²/2``, by a grid over all candidates and repeated refinement.

    For a penalty that is not negative, a minimiser cannot be farther from z than √(2·step·f(z)) or √(2·step·f(0) + z²):
    the grid covers that interval, holds the points 0 and z, and is refined around its best few valleys.

    Parameters
    ----------
    f : callable
        A penalty with f ≥ 0.
    z : array_like
        Where to evaluate, all finite.
    step : float
        Weight of the penalty, above 0.

    Returns
    -------
    x, value : ndarray
        The best point found, and its objective: an upper bound of the minimum. The value is good to rounding; the
        point, as in any search on values, only to about the square root of that.

    Examples
    --------
    >>> from weep import L1, certify
    >>> x, value = certify.prox(L1(), [2.0, 0.3], step=0.5)
    >>> x.round(6), value.round(6)
    (array([1.5, 0. ]), array([0.875, 0.045]))
    """
    centre = np.atleast_1d(np.asarray(z, dtype=np.float64)).ravel()
    best_x, best_value = np.empty_like(centre), np.empty_like(centre)
    rows = TABLE // (POINTS * VALLEYS)
    for start in range(0, centre.size, rows):
        part = slice(start, start + rows)
        best_x[part], best_value[part] = _search(f, centre[part], step)
    return best_x.reshape(np.shape(z)), best_value.reshape(np.shape(z))


def prox_excess(f: Scalar, candidate: Callable[[Array], Any], z: ArrayLike, step: float) -> float:
    """How far a claimed prox is from a global minimum, at the worst z and relative to 1 + the objective.

    Parameters
    ----------
    f : callable
        A penalty with f ≥ 0.
    candidate : callable
        The claimed prox, z ↦ x.
    z : array_like
        Where to compare.
    step : float
        Weight of the penalty, above 0.

    Returns
    -------
    float
        At most rounding for a right prox; clearly positive for one that is not a global minimiser. NaN if it gives NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from weep import WEEP, certify
    >>> phi, z = WEEP(10.0, 0.1), np.linspace(-3, 3, 61)
    >>> certify.prox_excess(phi, lambda z: phi.prox(z, 0.5), z, 0.5) < 1e-12
    True
    """
    centre = np.asarray(z, dtype=np.float64)
    x = np.asarray(candidate(centre), dtype=np.float64)
    claimed = step * np.asarray(f(x)) + (x - centre) ** 2 / 2
    found = prox(f, centre, step)[1]
    return float(np.max((claimed - found) / (1 + np.abs(found))))


def prox_vector(f: Scalar, z: ArrayLike, step: float, points: int = 15, rounds: int = 24) -> tuple[Array, float]:
    """Global minimiser of ``step·f(x) + ‖x − z‖²/2`` over vectors of two to four entries, by grids that shrink.

    The grid covers the ball that a minimiser of a penalty f ≥ 0 must lie in, and holds 0, z and the best points so far.
    It shrinks slowly around the best few of them, which are kept apart.

    Parameters
    ----------
    f : callable
        A penalty with f ≥ 0. It takes an array of shape (k, n), one point a row, and returns k values.
    z : array_like of shape (n,)
        Where to evaluate.
    step : float
        Weight of the penalty, above 0.
    points, rounds : int, optional
        Points along each axis, and how often the grid shrinks, each time to a little over the half.

    Returns
    -------
    ndarray of shape (n,), float
        The best point found, and its objective: an upper bound of the minimum.
    """
    centre = np.asarray(z, dtype=np.float64)

    def objective(x: Array) -> Array:
        return np.asarray(step * f(x) + np.sum((x - centre) ** 2, axis=1) / 2)

    heads = np.stack([centre, np.zeros_like(centre)])
    reach = math.sqrt(2 * float(objective(heads).min()))
    unit = np.stack(np.meshgrid(*[np.linspace(-1, 1, points)] * centre.size), axis=-1).reshape(-1, centre.size)
    for _ in range(rounds):
        x = np.concatenate([heads, *(head + reach * unit for head in heads)])
        x = x[np.argsort(objective(x), kind="stable")]
        heads = x[:1]
        for _ in range(VALLEYS - 1):  # the best point that is not near one of them
            apart = np.min(np.linalg.norm(x[:, None] - heads, axis=2), axis=1) > reach / 2
            heads = np.concatenate([heads, x[apart][:1]])
        reach *= 0.6
    return heads[0], float(objective(heads[:1])[0])


def lipschitz(grad: Scalar, low: float, high: float) -> float:
    """Largest difference quotient of a derivative on an interval, refined where it is largest.

    Parameters
    ----------
    grad : callable
        The derivative, on arrays.
    low, high : float
        The interval. Let 0 be in its middle: it is then a point of every grid.

    Returns
    -------
    float
        A lower bound of the Lipschitz constant on the interval, good to about a thousandth; ``inf`` if the quotients
        grow with the refinement as those of a jump do.

    Examples
    --------
    >>> from weep import WEEP, certify
    >>> round(certify.lipschitz(WEEP(10.0, 0.1).grad, -3.0, 3.0), 2)
    10.0
    """

    def quotients(x: Array) -> tuple[Array, float]:
        values, steps = np.asarray(grad(x), dtype=np.float64), np.diff(x)
        return np.abs(np.diff(values)) / steps, ROUNDING * np.max(np.abs(values)) / steps.min()

    return _steepest(quotients, low, high)


def weak_convexity(f: Scalar, low: float, high: float) -> float:
    """Smallest ρ ≥ 0 for which f + ρx²/2 has no negative second difference on an interval, refined at the worst place.

    Parameters
    ----------
    f : callable
        The penalty, on arrays.
    low, high : float
        The interval. Let 0 be in its middle: it is then a point of every grid.

    Returns
    -------
    float
        A lower bound of the modulus on the interval, good to about a thousandth; ``inf`` if it grows with the
        refinement as at a concave kink or a jump.

    Examples
    --------
    >>> from weep import WEEP, certify
    >>> round(certify.weak_convexity(WEEP(10.0, 0.1), -3.0, 3.0), 2)
    1.0
    """

    def concavity(x: Array) -> tuple[Array, float]:
        # Divided differences by the steps as they are: near a kink, their rounding would pass for curvature.
        values, steps = np.asarray(f(x), dtype=np.float64), np.diff(x)
        second = 2 * np.diff(np.diff(values) / steps) / (x[2:] - x[:-2])
        return -second, ROUNDING * np.max(np.abs(values)) / steps.min() ** 2

    return _steepest(concavity, low, high)


def bias(prox: Callable[[float, float], Any], step: float, far: float = 1e6) -> float:
    """What a prox takes off a large value: z − prox(z) at z = ``far``. Zero for a penalty without bias.

    Examples
    --------
    >>> from weep import WEEP, certify
    >>> round(certify.bias(WEEP(10.0, 0.1).prox, step=0.5), 6)
    0.05
    """
    return float(far - prox(far, step))


def tail_slope(f: Callable[[float], Any], far: float = 1e6) -> float:
    """Mean slope of a penalty between ``far`` and twice that. Zero where gradients vanish.

    Examples
    --------
    >>> from weep import WEEP, certify
    >>> round(certify.tail_slope(WEEP(10.0, 0.1)), 6)
    0.1
    """
    return float((f(2 * far) - f(far)) / far)


def _grid(x: ArrayLike) -> Array:
    grid = np.asarray(x, dtype=np.float64)
    if grid.ndim != 1 or grid.size < 3 or not np.all(np.diff(grid) > 0):
        raise ValueError(f"x must be an increasing grid of at least 3 points, not of shape {grid.shape}")
    return grid


def _search(f: Scalar, z: Array, step: float) -> tuple[Array, Array]:
    def objective(x: Array) -> Array:
        return np.asarray(step * f(x) + (x - z[:, None]) ** 2 / 2)

    at_z = np.sqrt(2 * step * np.asarray(f(z)))
    at_zero = np.sqrt(2 * step * np.asarray(f(np.zeros(1))) + z**2)
    radius = np.minimum(at_z, at_zero)[:, None]
    unit = np.linspace(-1, 1, POINTS)
    x = np.concatenate([z[:, None] + radius * unit, np.zeros((z.size, 1)), z[:, None]], axis=1)
    width = radius * (unit[1] - unit[0])
    for _ in range(ROUNDS):
        value = objective(x)
        # Follow the best local minima of the grid, not the best points, which may all lie in one valley.
        order = np.argsort(x, axis=1)
        x, value = np.take_along_axis(x, order, 1), np.take_along_axis(value, order, 1)
        padded = np.pad(value, ((0, 0), (1, 1)), constant_values=np.inf)
        valley = (value <= padded[:, :-2]) & (value <= padded[:, 2:])
        best = np.argsort(np.where(valley, value, np.inf), axis=1, kind="stable")[:, :VALLEYS]
        heads = np.take_along_axis(x, best, 1)
        x = np.concatenate([(heads[:, :, None] + width[:, :, None] * unit).reshape(z.size, -1), heads], axis=1)
        width = width * (unit[1] - unit[0])
    value = objective(x)
    best = np.argmin(value, axis=1)[:, None]
    return np.take_along_axis(x, best, 1)[:, 0], np.take_along_axis(value, best, 1)[:, 0]


def _steepest(measure: Callable[[Array], tuple[Array, float]], low: float, high: float) -> float:
    """Largest value of a difference quotient, refined around it; infinite if it keeps growing as the step shrinks."""
    largest, growth = 0.0, 0.0
    for _ in range(4):
        x = np.linspace(low, high, 4001)
        x[np.abs(x) < 1e-6 * (x[1] - x[0])] = 0.0  # where penalties jump; linspace may miss it by rounding
        values, noise = measure(x)
        at = int(np.argmax(values))
        if noise > 1e-3 * values[at]:
            break  # what a finer grid shows is rounding
        growth = values[at] / largest if largest > 0 else 0.0
        largest = max(largest, float(values[at]))
        reach = 20 * (x[1] - x[0])
        low, high = x[at + 1] - reach, x[at + 1] + reach
    return float("inf") if growth > 10 else largest
