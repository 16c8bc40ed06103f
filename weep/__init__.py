"""An executable companion to WEEP, a differentiable sparse penalty (arXiv:2507.20447)."""

from .denoise import ConvergenceWarning, denoise_tv
from .penalties import L0, L1, L2, MCP, SCAD, WEEP, CappedL2, Huber, Tukey
from .regress import regress

__version__ = "0.1.0"
__all__ = [
    "L0",
    "L1",
    "L2",
    "MCP",
    "SCAD",
    "WEEP",
    "CappedL2",
    "ConvergenceWarning",
    "Huber",
    "Tukey",
    "denoise_tv",
    "regress",
]
