"""Search over parameters: in parallel, with a progress bar, and able to continue after an interrupt."""

import contextlib
import itertools
import math
import os
import pickle
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import extra
from .frontend import watched

__all__ = ["Search", "by_cell", "evaluate", "search"]

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
        Shown beside the progress bar. There is a bar if a person looks on, at a terminal or a notebook, and none
        within another call. The environment variable ``TQDM_DISABLE`` decides instead, if it is set: ``1`` hides the
        bar, and an empty value shows it.
    cache : path, optional
        A folder, made if it is not there, which keeps the result of each call as soon as it is known, until all are
        known: after an interrupt, a second run continues. See the notes.

    Returns
    -------
    list
        What the calls returned, in the order of the points.

    Raises
    ------
    ImportError
        If joblib or tqdm are not installed (the extra ``tune``).
    ValueError
        If the folder holds a result that ``function`` does not give any more, or a point cannot be pickled.

    Warns
    -----
    UserWarning
        If results of an interrupted run are used.

    Notes
    -----
    Results are kept by the name of ``function`` and by the point, so nothing can tell from an entry whether the
    function, or anything that it uses, has changed since. Three things keep a changed function from being served old
    results in silence. A run that ends removes what it kept: only an interrupt leaves anything to continue from. A run
    that continues says so in a warning, with the folder to remove if the function has changed. And it first
    calls the function once more at a point that is kept, and raises an error if the result is not the same, whatever
    has changed: code, attributes, modules, data. So ``function`` must give the same result twice. Each entry is a small
    pickle, written whole or not at all. Like any pickle, it can run code when it is read, so name a folder that only
    you write to.
    """
    with extra("tune", "the search"):
        from joblib import Parallel, delayed
        from tqdm import tqdm
    files = _files(function, points, Path(cache)) if cache is not None else []
    results: dict[int, Any] = {i: pickle.loads(file.read_bytes()) for i, file in enumerate(files) if file.exists()}
    if results:
        _verify(function, points, results, cache)
    missing = [(i, points[i]) for i in range(len(points)) if i not in results]
    calls = (delayed(_numbered)(function, i, point) for i, point in missing)
    hidden = _inside.get() or not ("TQDM_DISABLE" in os.environ or watched())
    quiet = {"disable": True} if hidden else {}  # else what the environment variable says
    with tqdm(desc=label, total=len(points), initial=len(results), leave=False, **quiet) as bar:
        for i, result in Parallel(n_jobs=n_jobs, return_as="generator_unordered")(calls):
            results[i] = result
            if files:
                _keep(files[i], result)
            bar.update()
    for file in files:
        file.unlink(missing_ok=True)
    if cache is not None:
        with contextlib.suppress(OSError):  # it may hold what is not ours
            Path(cache).rmdir()
    return [results[i] for i in range(len(points))]


def by_cell(
    function: Callable[..., Any],
    names: Sequence[str],
    cells: Sequence[tuple[Any, ...]],
    n_jobs: int = -1,
    label: str | None = None,
) -> dict[tuple[Any, ...], Any]:
    """Call a function once for each cell of a design, in parallel: equal searches for several methods, for one.

    Parameters
    ----------
    function : callable
        Called as ``function(**dict(zip(names, cell)))``.
    names : sequence of str
        What the entries of a cell are.
    cells : sequence of tuples
        The design, such as (method, signal, level of noise).
    n_jobs, label
        As in `evaluate`.

    Returns
    -------
    dict
        Cell → what the call returned, in the order of the cells.
    """
    points = [dict(zip(names, cell, strict=True)) for cell in cells]
    return dict(zip(cells, evaluate(function, points, n_jobs, label), strict=True))


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
    """Where the result of each point is kept. The place in the list counts, as functions in points may look alike."""
    from joblib import hash as digest

    folder.mkdir(parents=True, exist_ok=True)
    name = getattr(function, "__qualname__", type(function).__name__)
    try:
        return [folder / digest((name, i, dict(point)), hash_name="sha1") for i, point in enumerate(points)]
    except pickle.PicklingError as error:
        raise ValueError(
            f"points must hold what pickle can save, if cache={os.fspath(folder)!r} is to keep them"
        ) from error


def _verify(
    function: Callable[..., Any],
    points: Sequence[Mapping[str, Any]],
    kept: Mapping[int, Any],
    folder: str | os.PathLike[str] | None,
) -> None:
    """Say that kept results are used, and raise an error if one of them is not what the function returns now."""
    from joblib import hash as digest

    where = f"cache={os.fspath(folder or '')!r}"
    i, old = next(iter(kept.items()))
    new = pickle.loads(pickle.dumps(_numbered(function, i, points[i])[1]))  # as the old one went through a file
    if digest(new) != digest(old):
        raise ValueError(f"{where} holds a result for {dict(points[i])!r} that the function does not give any more")
    what = f"{len(kept)} of {len(points)} results are those of an interrupted run, in {where}"
    warnings.warn(f"{what}: remove the folder if the function has changed since", UserWarning, stacklevel=3)
