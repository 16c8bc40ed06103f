"""Search over parameters, in parallel, with a progress bar."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Search", "evaluate", "search"]


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
        All parameters and their scores, in the order of the grid.
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
    function: Callable[..., Any], points: Sequence[Mapping[str, Any]], n_jobs: int = -1, label: str | None = None
) -> list[Any]:
    """Call a function once for each point, in parallel.

    Parameters
    ----------
    function : callable
        Called as ``function(**point)``.
    points : sequence of mappings
        The keyword arguments of each call.
    n_jobs : int, optional
        Processes of joblib: all cores by default.
    label : str, optional
        Shown beside the progress bar. The environment variable ``TQDM_DISABLE=1`` hides the bar.

    Returns
    -------
    list
        What the calls returned, in the order of the points.

    Raises
    ------
    ImportError
        If joblib or tqdm are not installed (the extra ``tune``).
    """
    try:
        from joblib import Parallel, delayed
        from tqdm import tqdm
    except ImportError as error:
        raise ImportError("the search needs the extra 'tune': pip install 'weep-companion[tune]'") from error
    results = Parallel(n_jobs=n_jobs, return_as="generator")(delayed(function)(**point) for point in points)
    return list(tqdm(results, label, len(points), leave=False))


def search(
    score: Callable[..., float], grid: Mapping[str, Sequence[Any]], n_jobs: int = -1, label: str | None = None
) -> Search:
    """Evaluate a score on every point of a grid, and keep the highest.

    Parameters
    ----------
    score : callable
        Called as ``score(name=value, ...)``.
    grid : mapping of str to sequence
        The values of each parameter.
    n_jobs, label
        As in `evaluate`.

    Returns
    -------
    Search
        The best point, its score, and all trials.

    Raises
    ------
    ValueError
        If the grid is empty, or every score is NaN.
    """
    points = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    if not grid or not points:
        raise ValueError(f"grid={dict(grid)!r} must have at least one parameter, and a value for each")
    trials = list(zip(points, map(float, evaluate(score, points, n_jobs, label)), strict=True))
    valid = [trial for trial in trials if not math.isnan(trial[1])]
    if not valid:
        raise ValueError("every score is NaN")
    best, value = max(valid, key=lambda trial: trial[1])
    return Search(best, value, trials)
