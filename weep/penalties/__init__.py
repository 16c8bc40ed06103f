"""Scalar penalties: each a frozen, validated object with value, gradient, prox and its best constants."""

from .base import Penalty
from .concave import L0, MCP, SCAD, CappedL2
from .convex import L1, L2, Huber
from .redescending import Tukey
from .weep import WEEP

__all__ = ["L0", "L1", "L2", "MCP", "SCAD", "WEEP", "CappedL2", "Huber", "Penalty", "Tukey"]
