"""Kernels compiled by numba, where it is installed (the extra ``fast``): when to use them, and how to make them.

Nothing here imports numba before the first array that is worth it. Set the environment variable ``WEEP_NUMBA=0``, or
`USE` to False, to do without.
"""

import importlib
import importlib.util
import os
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

USE = os.environ.get("WEEP_NUMBA", "1") != "0"


def kernels(module: str) -> ModuleType | None:
    """Import a module of kernels, or return None where numba is absent or not wanted."""
    return _load(module) if USE else None


@cache
def _load(module: str) -> ModuleType | None:
    return importlib.import_module(module) if importlib.util.find_spec("numba") else None


def jit(function: Callable[..., Any], **options: Any) -> Any:
    """Compile on first call. The machine code is kept for the next process if there is a folder to write to."""
    import numba

    try:
        return numba.njit(function, cache=True, error_model="numpy", **options)
    except RuntimeError:  # numba has found no such folder
        return numba.njit(function, error_model="numpy", **options)
