"""Penalties: each scalar one a frozen, validated object with value, gradient, prox and its best constants."""

from .base import Penalty
from .capped import L0, CappedL1, CappedL2
from .concave import CEL0, MCP, SCAD
from .convex import L1, L2, Huber
from .folded import LogSum, Lp, PiE
from .redescending import Tukey
from .weep import WEEP

__all__ = [
    "CEL0",
    "L0",
    "L1",
    "L2",
    "MCP",
    "SCAD",
    "WEEP",
    "CappedL1",
    "CappedL2",
    "Huber",
    "LogSum",
    "Lp",
    "Penalty",
    "PiE",
    "Tukey",
]
