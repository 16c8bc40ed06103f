"""The contest finds the best trial on its draws, scores on others, and says how far one is ahead."""

import numpy as np
import pytest

from weep import L1, L2, MCP
from weep.companion import contest
from weep.penalties import Spectral


@pytest.mark.parametrize(
    "trial", [("MCP", 0.4, 3.0), ("WEEP", 0.4, 3.0, 20.0), ("WEEP", 0.4, 3.0, 20.0, 0.3), ("L1", 0.4)]
)
def test_slope_and_width_are_those_that_were_asked_for(trial):
    phi, lam = contest.penalised(*trial)
    method, slope, width, *shape = (*trial, 1.0)[: max(3, len(trial))]
    share = shape[1] if len(shape) > 1 else 0.0
    t = np.linspace(1e-9, 2 * width, 200_001)
    slopes = lam * phi.grad(t)
    assert slopes.max() == pytest.approx(slope, rel=1e-3)
    if method != "L1":
        far = slopes[t > 1.001 * width]
        assert np.ptp(far) < 1e-9 and far[0] < 0.7 * slope
        assert (far[0] == 0) == (share == 0)


def test_a_contest_tunes_on_its_draws_and_scores_on_fresh_ones():
    seen = []

    def attempt(phi, lam, seed):
        seen.append(seed)
        return abs(lam - 0.3) + seed / 1000

    found = contest.contest(attempt, {"L1": [(0.1,), (0.3,)], "L2": [(1.0,), (0.2,)]}, range(2), range(10, 13))
    np.testing.assert_allclose(found["L1"], [0.01, 0.011, 0.012])
    np.testing.assert_allclose(found["L2"], [0.11, 0.111, 0.112])
    assert seen.count(0) == 4 and seen.count(10) == 2
    won = contest.lead(found, "L2", "L1")
    assert won["margin"] == pytest.approx(0.1 / 0.111) and won["spread"] == 0.02
    assert won["because"] == "the error of L1 is 90 ± 0 % below that of L2"
    assert "% above that of L1" in contest.lead(found, "L1", "L2")["because"]
    level = {"L1": np.array([1.0, 1.0, 1.0]), "L2": np.array([1.02, 0.98, 1.0])}
    assert contest.lead(level, "L2", "L1")["because"] == "the error of L1 is within 5 % of that of L2"
    assert "| a       | 0.011 ± 0.001 | 0.111 ± 0.001 |" in repr(contest.table({"a": found}, "problem", 3))


@pytest.mark.parametrize(
    ("trials", "fresh", "words"),
    [
        ({"L1": [(1.0,)], "L2": [(1.0,), (2.0,)]}, [9], "as many for each family"),
        ({"L1": [(1.0,)]}, [0], "other seeds"),
    ],
)
def test_unfair_contests_are_refused(trials, fresh, words):
    with pytest.raises(ValueError, match=words):
        contest.contest(lambda *_: 0.0, trials, [0, 1], fresh)


def test_every_family_gets_eight_trials():
    assert {m: len(g) for m, g in contest.grids(1.0, 2.0, 4.0, 10.0).items()} == dict.fromkeys(
        ("L2", "L1", "MCP", "WEEP"), 8
    )
    assert contest.penalised("L1", 0.3) == (L1(), 0.3) and contest.penalised("L2", 3.0) == (L2(), 3.0)
    assert contest.penalised("MCP", 0.5, 2.0) == (MCP(0.5, 4.0), 1.0)


def test_a_fit_takes_structured_penalties():
    y = np.diag([3.0, 1.0])
    np.testing.assert_allclose(contest.fit(y, None, Spectral(L1()), 1.5), np.diag([1.5, 0.0]), atol=1e-3)
