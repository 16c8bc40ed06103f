"""Penalties: frozen, validated objects with value, gradient, prox and best constants, on numbers, groups, matrices."""

from .base import Penalty
from .capped import L0, CappedL1, CappedL2
from .concave import CEL0, MCP, SCAD
from .convex import L1, L2, Huber
from .factorised import DWF
from .folded import LogSum, Lp, PiE
from .learnable import LearnableWEEP
from .ordered import EROWL, ROWL, RSSS
from .pieces import Piece, PiecewiseQuadratic
from .redescending import Tukey
from .structured import Grouped, Spectral
from .weep import WEEP

__all__ = [
    "CEL0",
    "DWF",
    "EROWL",
    "L0",
    "L1",
    "L2",
    "MCP",
    "ROWL",
    "RSSS",
    "SCAD",
    "WEEP",
    "CappedL1",
    "CappedL2",
    "Grouped",
    "Huber",
    "LearnableWEEP",
    "LogSum",
    "Lp",
    "Penalty",
    "PiE",
    "Piece",
    "PiecewiseQuadratic",
    "Spectral",
    "Tukey",
]
