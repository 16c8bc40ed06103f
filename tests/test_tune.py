"""The search finds the best point of its grid, whatever runs in parallel."""

import math

import pytest

from weep.tune import evaluate, search


def hill(x, y):
    return -((x - 2) ** 2) - (y - 10) ** 2


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_highest_score_wins(n_jobs):
    found = search(hill, {"x": [0, 1, 2, 3], "y": [7, 9, 10]}, n_jobs=n_jobs)
    assert (found.best, found.score) == ({"x": 2, "y": 10}, 0)
    assert [trial[0] for trial in found.trials[:4]] == [
        {"x": 0, "y": 7},
        {"x": 0, "y": 9},
        {"x": 0, "y": 10},
        {"x": 1, "y": 7},
    ]
    assert all(score == hill(**point) for point, score in found.trials)
    assert found.at_edge({"x": [0, 1, 2, 3], "y": [7, 9, 10]}) == ["y"]


def test_a_tie_goes_to_the_first_and_nan_never_wins():
    assert search(lambda x: 0.0 if x else math.nan, {"x": [0, 1, 2]}, n_jobs=1).best == {"x": 1}
    with pytest.raises(ValueError, match="every score is NaN"):
        search(lambda x: math.nan, {"x": [0, 1]}, n_jobs=1)


@pytest.mark.parametrize("grid", [{}, {"x": []}])
def test_an_empty_grid_is_refused(grid):
    with pytest.raises(ValueError, match="grid="):
        search(hill, grid)


def test_evaluate_keeps_the_order():
    assert evaluate(pow, [{"base": 2, "exp": k} for k in range(20)], n_jobs=2) == [2**k for k in range(20)]
