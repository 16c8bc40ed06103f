"""Paths of problems, from a convex or nearly convex penalty to the one that is wanted."""

import dataclasses
import math
from typing import Any

import numpy as np

from ..penalties import CEL0, MCP, SCAD, WEEP, LogSum, Lp, PiE, Tukey
from .shaped import Shaped

#: How many times a parameter that makes a penalty convex at infinity is larger at the start of the path.
FAR = 100.0


def family(phi: Any, k: int) -> list[tuple[Any, float]]:
    """The k penalties of a path to φ, each with a factor of λ, the last one φ with 1.

    Parameters
    ----------
    phi : Penalty or Shaped
        Where the path ends. A structured penalty takes the path of the scalar one in it.
    k : int
        Number of problems.

    Returns
    -------
    list of (Penalty or Shaped, float)
        Only φ where it is convex.

    Raises
    ------
    ValueError
        If nothing is known that leads to φ.
    """
    if phi.weak_convexity == 0:
        return [(phi, 1.0)]
    if isinstance(phi, Shaped):
        return [(phi.around(member), factor) for member, factor in family(phi.scalar, k)]
    t = np.linspace(0, 1, k) if k > 1 else np.ones(1)
    larger = [float(FAR ** (1 - s)) for s in t]
    if isinstance(phi, WEEP):
        top = math.sqrt(2 * phi.a)
        return [(dataclasses.replace(phi, b=float(top + s * (phi.b - top)) if s < 1 else phi.b), 1.0) for s in t]
    if isinstance(phi, MCP):
        return [(MCP(phi.lam, phi.gamma * f), 1.0) for f in larger]
    if isinstance(phi, CEL0):
        slope, gamma = math.sqrt(2 * phi.lam) * phi.norm, phi.norm**-2
        return [(MCP(slope, gamma * f), 1.0) if f > 1 else (phi, 1.0) for f in larger]
    if isinstance(phi, SCAD):
        return [(SCAD(phi.lam, phi.a * f), 1.0) for f in larger]
    if isinstance(phi, Tukey):
        return [(Tukey(phi.c * f), 1.0) for f in larger]
    if isinstance(phi, LogSum):
        return [(LogSum(phi.eps * f), f) for f in larger]
    if isinstance(phi, PiE):
        return [(PiE(phi.sigma * f), f) for f in larger]
    if isinstance(phi, Lp):
        return [(Lp(1 - (1 - phi.p) / f), 1.0) for f in larger]
    raise ValueError(f"path is for penalties with a known way from a convex one, and none is known to {phi!r}")
