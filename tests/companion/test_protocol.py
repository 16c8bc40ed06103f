"""The search for the protocol: its statistics against a bootstrap, its trials against the stored ones."""

import subprocess
import sys

import numpy as np
import pytest

from weep import compiled
from weep.companion import protocol
from weep.companion.data import contaminated_lines

STORED = protocol.read()


def test_the_winner_is_the_default_of_the_data():
    (x, y, inlier), (_, held, _) = protocol.trial(seed=3)
    everywhere = contaminated_lines(1000, 100, seed=3)
    assert y.shape == (1000, 80) and held.shape == (1000, 20)
    for part, whole in zip((x, y, inlier), everywhere, strict=True):
        np.testing.assert_array_equal(part, whole[:, :80])


def test_scores_are_those_of_inliers_alone():
    x, y = np.array([[0.0, 1.0, 2.0]]), np.array([[1.0, 50.0, 2.0]])
    found = protocol.scores(np.array([[1.0, 0.0]]), (x, y, np.array([[True, False, True]])))
    np.testing.assert_allclose(found, [[1.0, 0.0, 0.5, 0.5]])
    assert not protocol.scores(np.array([[1.0, 0.0]]), (x, y, np.zeros((1, 3), dtype=bool)))[0, 2:].any()


def test_differences_are_in_standard_errors():
    """Of two samples of 1000, for a skewed law too: the squares have the mean 1."""
    rng = np.random.default_rng(0)
    squares = []
    for _ in range(300):
        first, second = rng.gamma(4.0, size=(2, 1000, 1))
        squares.append(protocol.z_scores(first, np.ravel((second.mean(0), second.std(0)))) ** 2)
    np.testing.assert_allclose(np.mean(squares, axis=0), 1, atol=0.25)


def test_stored_trials_come_out_again():
    for row in (STORED[0], STORED[-1], min(STORED[:400], key=lambda row: row["distance"])):
        change = {name: row[name] for name in protocol.WINNER} | {"n": int(row["n"])}
        assert protocol.distance(**change) == pytest.approx(row["distance"], rel=2e-3)


def test_trials_are_the_same_without_numba(monkeypatch):
    pytest.importorskip("numba", reason="needs the extra 'fast'")
    monkeypatch.setattr(compiled, "USE", True)
    assert protocol.fastest() == "compiled"
    expected = protocol.misfit(seed=7, n=60)
    monkeypatch.setattr(compiled, "USE", False)
    assert protocol.fastest() == "newton"
    np.testing.assert_allclose(protocol.misfit(seed=7, n=60), expected, rtol=1e-7)


def test_the_search_has_a_seed_and_goes_down():
    first, again = (list(protocol.search(seed=5, drawn=3, steps=1)) for _ in range(2))
    assert first == again
    assert {row["stage"] for row in first} == {"drawn", "fitted"}
    for row in first:
        assert all(low <= row[name] <= high for name, (low, high) in protocol.RANGES.items())
    drawn, fitted = (min(r["distance"] for r in STORED if r["stage"] == stage) for stage in ("drawn", "fitted"))
    assert fitted < 0.1 * drawn


def test_the_command_without_a_file_says_how_to_call_it():
    command = [sys.executable, "-m", "weep.companion.protocol"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 2 and "usage: python -m weep.companion.protocol [-h] file" in ended.stderr
