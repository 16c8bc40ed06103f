"""Search over parameters: in parallel, with a progress bar, and with a cache that survives an interrupt."""

import functools
import hashlib
import itertools
import math
import os
import pickle
import sys
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from ..checks import extra

__all__ = ["Search", "evaluate", "search"]

#: Whether a call of `evaluate` runs: one within it shows no bar of its own, as bars of several workers would mix.
_inside = ContextVar("_inside", default=False)


@dataclass(frozen=True)
class Search:
    """What a search found.

    Attributes
    ----------
    best : dict
        The parameters of the highest score; the first of them in a tie.
    score : float
        That score.
    trials : list of (dict, float)
        All parameters and their scores, in the order of the grid or of the draws.
    """

    best: dict[str, Any]
    score: float
    trials: list[tuple[dict[str, Any], float]]

    def at_edge(self, grid: Mapping[str, Sequence[Any]]) -> list[str]:
        """Names of the parameters whose best value is the first or last of three or more: the grid may be too small.

        Parameters
        ----------
        grid : mapping of str to sequence
            The grid that was searched.

        Returns
        -------
        list of str
            Empty if the best point is inside.
        """
        return [name for name, v in grid.items() if len(v) > 2 and self.best[name] in (v[0], v[-1])]


def evaluate(
    function: Callable[..., Any],
    points: Sequence[Mapping[str, Any]],
    n_jobs: int = -1,
    label: str | None = None,
    *,
    cache: str | os.PathLike[str] | None = None,
) -> list[Any]:
    """Call a function once for each point, in parallel.

    Processes of this machine do the work, or whatever ``joblib.parallel_config`` names: inside
    ``with joblib.parallel_config(backend="dask"):`` it is the cluster of the current Dask client, and Ray alike.

    Parameters
    ----------
    function : callable
        Called as ``function(**point)``.
    points : sequence of mappings
        The keyword arguments of each call.
    n_jobs : int, optional
        Workers of joblib: all by default. The results do not depend on it.
    label : str, optional
        Shown beside the progress bar. The environment variable ``TQDM_DISABLE=1`` hides the bar, and a call within
        another one has none.
    cache : path, optional
        A folder, made if it is not there, which keeps the result of each call as soon as it is known: after an
        interrupt, a second run continues. Nothing is kept by default. See the notes.

    Returns
    -------
    list
        What the calls returned, in the order of the points.

    Raises
    ------
    ImportError
        If joblib or tqdm are not installed (the extra ``tune``).

    Notes
    -----
    A kept result is used again only if all that can change it is what it was: the point; the code of ``function``, its
    defaults, and the values that it takes from the functions and the module around it, followed into further functions
    there; and every source file of this package. Other packages count by their names alone: remove the folder after
    an upgrade. Each entry is a small pickle, written whole or not at all. Like any pickle, it can run code when it is
    read, so name a folder that only you write to.
    """
    with extra("tune", "the search"):
        from joblib import Parallel, delayed
        from tqdm import tqdm
    files = _files(function, points, Path(cache)) if cache is not None else [None] * len(points)
    results: dict[int, Any] = {
        i: pickle.loads(file.read_bytes()) for i, file in enumerate(files) if file is not None and file.exists()
    }
    missing = [(i, points[i]) for i in range(len(points)) if i not in results]
    calls = (delayed(_numbered)(function, i, point) for i, point in missing)
    quiet = {"disable": True} if _inside.get() else {}  # else what the environment variable TQDM_DISABLE says
    with tqdm(desc=label, total=len(points), initial=len(results), leave=False, **quiet) as bar:
        for i, result in Parallel(n_jobs=n_jobs, return_as="generator_unordered")(calls):
            results[i] = result
            if (file := files[i]) is not None:
                _keep(file, result)
            bar.update()
    return [results[i] for i in range(len(points))]


def search(
    score: Callable[..., float],
    grid: Mapping[str, Any],
    n_jobs: int = -1,
    label: str | None = None,
    *,
    n_random: int | None = None,
    seed: int = 0,
    cache: str | os.PathLike[str] | None = None,
) -> Search:
    """Evaluate a score on every point of a grid, or on random points, and keep the highest.

    Parameters
    ----------
    score : callable
        Called as ``score(name=value, ...)``.
    grid : mapping of str to sequence
        The values of each parameter. For a random search, an entry may also be a distribution of ``scipy.stats``,
        such as ``loguniform(0.01, 1)``; from a sequence, each value is drawn with the same probability.
    n_jobs, label, cache
        As in `evaluate`.
    n_random : int, optional
        Number of random points. All points of the grid, if it is not given.
    seed : int, optional
        Of the random points. They are drawn before the first is evaluated; more points continue fewer.

    Returns
    -------
    Search
        The best point, its score, and all trials.

    Raises
    ------
    ValueError
        If the grid is empty, ``n_random`` is below 1, or every score is NaN.

    References
    ----------
    J. Bergstra and Y. Bengio, "Random search for hyper-parameter optimization", J. Mach. Learn. Res. 13, 2012.
    """
    if n_random is not None and n_random < 1:
        raise ValueError(f"n_random={n_random!r} must be at least 1")
    if not grid or any(hasattr(values, "__len__") and len(values) == 0 for values in grid.values()):
        raise ValueError(f"grid={dict(grid)!r} must have at least one parameter, and a value for each")
    if n_random is None:
        points = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    else:
        rng = np.random.default_rng(seed)
        points = [{name: _draw(values, rng) for name, values in grid.items()} for _ in range(n_random)]
    scores = map(float, evaluate(score, points, n_jobs, label, cache=cache))
    trials = list(zip(points, scores, strict=True))
    valid = [trial for trial in trials if not math.isnan(trial[1])]
    if not valid:
        raise ValueError("every score is NaN")
    best, value = max(valid, key=lambda trial: trial[1])
    return Search(best, value, trials)


def _draw(values: Any, rng: np.random.Generator) -> Any:
    if hasattr(values, "rvs"):
        return float(values.rvs(random_state=rng))
    return values[int(rng.integers(len(values)))]


def _numbered(function: Callable[..., Any], i: int, point: Mapping[str, Any]) -> tuple[int, Any]:
    token = _inside.set(True)
    try:
        return i, function(**point)
    finally:
        _inside.reset(token)


def _keep(file: Path, result: Any) -> None:
    """Write a result so that a reader finds all of it or nothing."""
    part = file.with_suffix(f".{os.getpid()}")
    part.write_bytes(pickle.dumps(result))
    part.replace(file)


def _files(function: Callable[..., Any], points: Sequence[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Where the result of each point is kept: names that change with everything that may change the result."""
    from joblib.hashing import NumpyHasher

    class Hasher(NumpyHasher):  # type: ignore[misc]
        """joblib's hash of objects and arrays, and of functions by what they do instead of by their name."""

        def __init__(self) -> None:
            super().__init__("sha1")
            self.seen: dict[int, int] = {}

        def save(self, value: Any) -> None:
            if isinstance(value, MethodType):
                value = value.__func__, value.__self__
            elif isinstance(value, ModuleType):
                value = value.__name__
            elif isinstance(value, frozenset):  # joblib sorts a set alone, and a constant set is frozen
                value = frozenset, set(value)
            elif isinstance(value, FunctionType | type) and _written_here(value):
                known, number = id(value) in self.seen, self.seen.setdefault(id(value), len(self.seen))
                value = number if known else (number, _content(value))
            super().save(value)

    folder.mkdir(parents=True, exist_ok=True)
    what = Hasher().hash(function)
    return [folder / Hasher().hash((what, _sources(), dict(point))) for point in points]


def _written_here(thing: FunctionType | type) -> bool:
    """Whether a function or class is of a script or a notebook, and not of a package, whose name says which it is."""
    return "." not in thing.__module__ and thing.__module__ not in sys.stdlib_module_names


def _content(thing: FunctionType | type) -> tuple[Any, ...]:
    """All that decides what a function does, or what the methods of a class do."""
    if isinstance(thing, type):
        return thing.__bases__, [part for _, part in sorted(vars(thing).items()) if isinstance(part, FunctionType)]
    codes = [thing.__code__]
    for code in codes:  # grows: the code of an inner function is a constant of the outer one
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    names = {name for code in codes for name in code.co_names}
    taken = {name: thing.__globals__[name] for name in names & thing.__globals__.keys()}
    constants = [[c for c in code.co_consts if not isinstance(c, CodeType)] for code in codes]
    around = [cell.cell_contents for cell in thing.__closure__ or ()]
    steps = [(code.co_code, code.co_names) for code in codes]
    return steps, constants, thing.__defaults__, thing.__kwdefaults__, around, taken


@functools.cache
def _sources() -> str:
    """Hash of the source files of this package."""
    digest = hashlib.sha1(usedforsecurity=False)
    for file in sorted(Path(__file__).parent.parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
