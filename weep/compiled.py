"""Kernels compiled by numba, where it is installed (the extra ``fast``): when to use them, and how to make them.

Nothing here imports numba before the first array that is worth it. Set the environment variable ``WEEP_NUMBA=0``, or
`USE` to False, to do without.
"""

import importlib
import importlib.util
import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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


def fast(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """Compile a function that plain Python runs as well, or return None where numba is absent or not wanted."""
    return _compile(function) if USE else None


@cache
def _compile(function: Callable[..., Any]) -> Callable[..., Any] | None:
    return jit(function, nogil=True) if importlib.util.find_spec("numba") else None


def threads() -> int:
    """How many threads numba would use: what ``numba.set_num_threads`` or NUMBA_NUM_THREADS set, or all cores."""
    import numba

    return numba.get_num_threads()


def share(task: Callable[[int, int], Any], count: int, workers: int) -> None:
    """Run ``task(first, last)`` on consecutive parts of range(count), one for each thread.

    Python's threads, and kernels that let go of the lock, instead of numba's own: those end the process if another
    thread calls at the same time, or if it was forked.
    """
    workers = min(workers, count)
    if workers <= 1:
        task(0, count)
        return
    first, *others = itertools.pairwise(count * k // workers for k in range(workers + 1))
    waiting = [_pool().submit(task, *part) for part in others]
    task(*first)
    for future in waiting:
        future.result()


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor()  # which starts no more threads than are given work


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a child has none of its parent's threads
