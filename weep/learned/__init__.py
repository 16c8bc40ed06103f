"""Filter banks with WEEP potentials, learned from pictures: convex, certified, and used with NumPy and SciPy alone."""

from .bank import Bank, denoise, load, stored
from .data import pictures
from .filters import Filters, mirrored, norm_squared

__all__ = ["Bank", "Filters", "denoise", "load", "mirrored", "norm_squared", "pictures", "stored"]
