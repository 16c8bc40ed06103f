"""What Tables II and III reveal of the data behind them, which the paper does not describe: a search for the protocol.

``python -m weep.companion.protocol FILE`` tries some hundred protocols and writes them, with their distances, to a CSV
file.
"""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares

from ..compiled import kernels
from ..penalties import L2, Huber
from ..regression import regress
from .data import contaminated_lines

__all__ = [
    "LAWS",
    "PAPER",
    "RANGES",
    "WINNER",
    "distance",
    "fastest",
    "misfit",
    "read",
    "scan",
    "scores",
    "search",
    "trial",
    "z_scores",
]

Array = NDArray[np.float64]
Data = tuple[Array, Array, NDArray[np.bool_]]
Protocol = dict[str, Any]

#: Tables II and III: mean and standard deviation of w1, w2, and of MSE and MAE on test inliers.
PAPER = {
    "L2": (2.05, 0.94, 43.16, 5.84, 692.95, 201.37, 24.62, 3.69),
    "Huber": (0.28, 1.58, 58.42, 11.06, 1153.33, 406.34, 30.63, 6.31),
    "Tukey": (3.99, 12.46, 10.42, 27.13, 5931.55, 38995.08, 36.72, 59.97),
    "WEEP": (6.17, 2.92, 7.92, 19.54, 392.75, 747.68, 12.59, 13.04),
}
RUNS = 1000
#: What the search tried.
STORED = Path(__file__).with_name("protocols.csv")
#: What is searched, between which bounds: points, share of them to train on, range of x, noise, and the outliers.
RANGES = {
    "n": (40, 400),
    "share": (0.5, 0.9),
    "low": (-10.0, 4.0),
    "high": (6.0, 20.0),
    "noise": (0.1, 10.0),
    "level": (30.0, 120.0),
    "slope": (-3.0, 6.0),
    "spread": (1.0, 40.0),
}
LAWS = ("normal", "uniform", "laplace")
#: The best of the search, rounded: the defaults of `contaminated_lines`, split into 80 and 20.
WINNER: Protocol = {"n": 100, "share": 0.8, "low": 0.5, "high": 10.0, "noise": 3.0, "level": 70.0}
WINNER |= {"slope": 0.0, "spread": 10.0, "law": "normal"}


def trial(seed: int = 0, **changes: Any) -> tuple[Data, Data]:
    """A thousand data sets, each split into training and test data; the order of points is random.

    Parameters
    ----------
    seed : int, optional
        Of NumPy's default generator.
    **changes
        What differs from `WINNER`, or goes to `contaminated_lines`.

    Returns
    -------
    (train, test)
        Each x, y and the mask of inliers, of shape (1000, points).
    """
    rest = WINNER | changes
    n, share, span = rest.pop("n"), rest.pop("share"), (rest.pop("low"), rest.pop("high"))
    x, y, inlier = contaminated_lines(RUNS, n, span=span, seed=seed, **rest)
    parts = slice(None, round(share * n)), slice(round(share * n), None)
    train, test = ((x[:, part], y[:, part], inlier[:, part]) for part in parts)
    return train, test


def scores(coef: Array, test: Data) -> Array:
    """Slope, intercept, MSE and MAE on test inliers: an array of shape (runs, 4)."""
    x, y, inlier = test
    error = y - coef[:, :1] * x - coef[:, 1:]
    share = inlier / np.maximum(inlier.sum(1, keepdims=True), 1)
    return np.column_stack((coef, (error**2 * share).sum(1), (np.abs(error) * share).sum(1)))


def z_scores(found: Array, published: ArrayLike) -> Array:
    """Means, then deviations, less the published ones: in standard errors of a difference, both being of 1000 runs."""
    m, s = found.mean(0), found.std(0)
    kurtosis = (((found - m) / s) ** 4).mean(0)
    errors = s / RUNS**0.5, s * np.sqrt((kurtosis - 1) / 4 / RUNS)
    values = np.asarray(published)
    return np.array(((m - values[::2]) / errors[0], (s - values[1::2]) / errors[1])) / 2**0.5


def fastest() -> str:
    """The method of `regress` for thousands of problems: in numba where that is used, and else the same in NumPy."""
    return "newton" if kernels("weep.regression.fused") is None else "compiled"


def misfit(seed: int = 0, **changes: Any) -> Array:
    """The 16 `z_scores` of the convex rows, L2 and Huber, for data made by `trial` with the same arguments."""
    (x, y, _), test = trial(seed, **changes)
    X, found = np.stack((x, np.ones_like(x)), axis=-1), []
    for name, rho in (("L2", L2()), ("Huber", Huber(1.345))):
        coef = regress(X, y, rho, "ols", fastest()).coef
        found.append(z_scores(scores(coef, test), PAPER[name]).ravel())
    return np.concatenate(found)


def distance(seed: int = 0, **changes: Any) -> float:
    """Sum of the squares of `misfit`: near 16 for a true protocol."""
    return float((misfit(seed, **changes) ** 2).sum())


def search(seed: int = 0, drawn: int = 120, steps: int = 20) -> Iterator[Protocol]:
    """Try protocols drawn at random; from the best with each law of the outliers, fit the rest by least squares.

    Parameters
    ----------
    seed : int, optional
        Of NumPy's default generator.
    drawn : int, optional
        How many are drawn.
    steps : int, optional
        Largest number of steps of each fit; each takes nine trials, for its derivatives.

    Yields
    ------
    dict
        The protocol, its ``stage`` ("drawn" or "fitted") and its ``distance``.
    """
    rng, rows = np.random.default_rng(seed), list[Protocol]()
    low, high = np.array(list(RANGES.values())).T

    def attempt(place: Array, stage: str, law: str) -> Array:
        values = dict(zip(RANGES, (low + (high - low) * (place - 1)).tolist(), strict=True))
        values = {name: round(value) if name == "n" else round(value, 3) for name, value in values.items()}
        z = misfit(**values, law=law)
        rows.append({"stage": stage, **values, "law": law, "distance": float((z**2).sum()), "place": place})
        return z

    for k in range(drawn):
        attempt(rng.uniform(1, 2, len(RANGES)), "drawn", LAWS[k % len(LAWS)])
    for law in LAWS:
        best = min((row for row in rows if row["law"] == law), key=lambda row: row["distance"])
        # Between 1 and 2, steps of a derivative are hundredths of a range: wide enough for a count to change.
        least_squares(attempt, best["place"], bounds=(1, 2), diff_step=0.01, max_nfev=steps, args=("fitted", law))
    yield from ({name: value for name, value in row.items() if name != "place"} for row in rows)


def scan() -> Iterator[Protocol]:
    """Change one entry of the winner at a time, over its range and close by; yields rows as `search` does."""
    for name, (low, high) in RANGES.items():
        step = (high - low) / 12
        values = [*np.linspace(low, high, 7), *(WINNER[name] + step * k for k in (-0.6, -0.3, -0.1, 0, 0.1, 0.3, 0.6))]
        for value in sorted(value for value in values if low <= value <= high):
            change: Protocol = {name: round(value) if name == "n" else round(float(value), 3)}
            yield {"stage": name, **WINNER, **change, "distance": distance(**change)}
    for law in LAWS:
        yield {"stage": "law", **WINNER, "law": law, "distance": distance(law=law)}


def read() -> list[Protocol]:
    """The rows that ``python -m weep.companion.protocol`` wrote into ``protocols.csv``, beside this file."""
    with STORED.open(encoding="utf-8", newline="") as file:
        return [
            {name: value if name in ("stage", "law") else float(value) for name, value in row.items()}
            for row in csv.DictReader(file)
        ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m weep.companion.protocol", description="Search for the protocol.")
    parser.add_argument("file", type=Path, help="the CSV file to write")
    with parser.parse_args().file.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["stage", *WINNER, "distance"], lineterminator="\n")
        writer.writeheader()
        for source in (search(), scan()):
            writer.writerows({**row, "distance": f"{row['distance']:.4g}"} for row in source)
