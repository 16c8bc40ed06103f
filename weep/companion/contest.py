"""Penalties against each other on one problem: equal searches on some draws, scores on fresh ones, paired leads."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..penalties import L1, L2, MCP, Penalty
from ..recover import recover
from .measure import interval, quiet, weep
from .report import Table

__all__ = ["contest", "fit", "grids", "lead", "penalised", "table"]

Array = NDArray[np.float64]

#: A lead that is smaller than this part of the rival's error is none that anybody would see.
SEEN = 0.02


def penalised(
    method: str, slope: float, width: float = 1.0, a: float = 1.0, share: float = 0.0
) -> tuple[Penalty, float]:
    """A penalty and its weight, whose product has a largest slope, and a width from which on large values are spared.

    Parameters
    ----------
    method : {"L1", "L2", "MCP", "WEEP"}
        The family. L2 has a curvature for a slope, and no width.
    slope, width : float
        In units of the data and of Lx.
    a, share : float, optional
        For WEEP: its curvature, and its outer slope as a share of the largest, as in `weep.companion.measure.weep`.

    Returns
    -------
    (Penalty, float)
        φ and λ.
    """
    if method == "MCP":
        return MCP(slope, width / slope), 1.0
    if method == "WEEP":
        phi = weep(a, share, width / weep(a, share).x2)
        return phi, slope / (phi.a * phi.x1)
    return {"L1": L1(), "L2": L2()}[method], slope


def grids(
    unit: float, narrow: float, wide: float, curvature: float | None = None
) -> dict[str, list[tuple[float, ...]]]:
    """Eight trials for each family: arguments of `penalised`.

    Parameters
    ----------
    unit : float
        Unit of the slopes.
    narrow, wide : float
        Widths of MCP and WEEP. WEEP has b = 0 at the narrow one, and a slope for large values at the wide one.
    curvature : float, optional
        Unit of curvatures: with it, L2 takes part.

    Returns
    -------
    dict
        Family → trials.
    """
    steps = unit * np.array([0.2, 0.4, 0.8, 1.6])
    found: dict[str, list[tuple[float, ...]]] = {
        "L1": [(t,) for t in unit * np.geomspace(0.05, 3, 8)],
        "MCP": [(t, w) for t in steps for w in (narrow, wide)],
        "WEEP": [(t, *s) for t in steps for s in ((narrow, 20.0, 0.0), (wide, 100.0, 0.3))],
    }
    return found if curvature is None else {"L2": [(t,) for t in curvature * np.geomspace(0.03, 30, 8)], **found}


def fit(y: Any, A: Any, phi: Any, lam: float, L: Any = None, weights: Any = None) -> Array:
    """`weep.recover` for all alike: to 1e-3, in at most 300 iterations, by a path of three where φ is not convex."""
    path = 3 if phi.weak_convexity else None
    with quiet():
        return recover(y, A, phi, lam, L, weights=weights, path=path, tol=1e-3, max_iter=300).x


def contest(
    attempt: Callable[[Penalty, float, int], float],
    trials: Mapping[str, Sequence[tuple[float, ...]]],
    tuning: Sequence[int] = range(4),
    fresh: Sequence[int] = range(100, 112),
) -> dict[str, Array]:
    """Tune each family on some draws, and return its errors on fresh ones.

    Parameters
    ----------
    attempt : callable
        (φ, λ, seed) ↦ error on the draw of that seed.
    trials : mapping of str to sequence of tuples
        Family → arguments of `penalised`: as many for each.
    tuning, fresh : sequence of int
        Seeds, none of them in both.

    Returns
    -------
    dict
        Family → errors, one for each fresh seed.

    Raises
    ------
    ValueError
        If a family has more trials than another, or a seed is in both.
    """
    counts = {method: len(grid) for method, grid in trials.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(f"trials must be as many for each family, not {counts}")
    if set(tuning) & set(fresh):
        raise ValueError(f"fresh must hold other seeds than tuning, and both hold {sorted(set(tuning) & set(fresh))}")
    found = {}
    for method, grid in trials.items():
        candidates = [penalised(method, *trial) for trial in grid]
        errors = [np.mean([attempt(phi, lam, seed) for seed in tuning]) for phi, lam in candidates]
        phi, lam = candidates[int(np.argmin(errors))]
        found[method] = np.array([attempt(phi, lam, seed) for seed in fresh])
    return found


def lead(errors: Mapping[str, Array], rival: str, method: str = "WEEP") -> dict[str, Any]:
    """By how much a method beats a rival: the arguments of a verdict.

    Parameters
    ----------
    errors : mapping of str to ndarray
        What `contest` returned.
    rival, method : str, optional
        Two of its families.

    Returns
    -------
    dict
        ``margin``, the mean paired lead as a part of the rival's error; ``spread``, its interval at 95 %, or 2 % if
        that is more; ``because``, in words.
    """
    mean, half = np.array(interval(errors[rival] - errors[method])) / np.mean(errors[rival])
    percent, where = round(100 * abs(mean)), "below" if mean > 0 else "above"
    by = f"{percent} ± {100 * half:.0f} % {where}" if percent else f"within {max(1, round(100 * half))} % of"
    words = f"the error of {method} is {by} that of {rival}"
    return {"margin": float(mean), "spread": float(max(half, SEEN)), "because": words}


def table(rows: Mapping[str, Mapping[str, Array]], what: str, digits: int = 2) -> Table:
    """Mean errors on fresh draws, a row for each problem, with the standard deviation over draws.

    Parameters
    ----------
    rows : mapping of str to mapping
        Problem → what `contest` returned.
    what : str
        What the errors are.
    digits : int, optional
        Decimals.

    Returns
    -------
    Table
        To show.
    """
    methods = list(next(iter(rows.values())))
    said = [
        (name, *(f"{errors[m].mean():.{digits}f} ± {errors[m].std(ddof=1):.{digits}f}" for m in methods))
        for name, errors in rows.items()
    ]
    return Table((what, *methods), said)
