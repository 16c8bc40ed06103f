"""An executable companion to WEEP, a differentiable sparse penalty (arXiv:2507.20447)."""

from .checks import ConvergenceWarning
from .denoise import denoise_tv
from .penalties import (
    CEL0,
    DWF,
    EROWL,
    L0,
    L1,
    L2,
    MCP,
    ROWL,
    RSSS,
    SCAD,
    WEEP,
    CappedL1,
    CappedL2,
    Huber,
    LogSum,
    Lp,
    PiE,
    Tukey,
)
from .recover import recover
from .regression import regress

__version__ = "0.1.0"
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
    "ConvergenceWarning",
    "Huber",
    "LogSum",
    "Lp",
    "PiE",
    "Tukey",
    "denoise_tv",
    "recover",
    "regress",
]
