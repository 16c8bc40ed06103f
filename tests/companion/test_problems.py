"""The data of the experiments: what they promise, and operators against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from scipy.sparse.linalg import aslinearoperator

from weep.companion import problems

OPERATORS = {
    "pulse": lambda: problems.pulse(40, 2.5),
    "blur": lambda: problems.blur((7, 10), 1.3),
    "fourier": lambda: problems.fourier(problems.radial_mask(12, 5)),
    "radon": lambda: problems.radon(12, 7),
}


@given(st.integers(1, 200), st.integers(0, 200), st.integers(0, 2**32))
def test_spikes_are_as_many_and_as_large_as_asked(n, count, seed):
    count = min(count, n)
    x = problems.spikes(n, count, seed, 0.5, 3.0)
    sizes = np.abs(x[x != 0])
    assert x.shape == (n,) and sizes.size == count
    assert np.all((sizes >= 0.5) & (sizes <= 3.0))
    np.testing.assert_array_equal(x, problems.spikes(n, count, seed, 0.5, 3.0))


@given(st.integers(1, 200), st.integers(0, 200), st.integers(0, 2**32))
def test_steps_jump_as_often_as_asked_and_visibly(n, jumps, seed):
    jumps = min(jumps, n - 1)
    x = problems.steps(n, jumps, seed)
    moves = np.diff(x)
    assert x.shape == (n,) and np.all((x >= 0) & (x <= 1))
    assert np.sum(moves != 0) == jumps and np.all(np.abs(moves[moves != 0]) >= 0.1)


def test_texture_lies_in_the_middle_half_and_is_as_large_as_asked():
    wave = problems.steps(400, 5, 3, texture=0.1) - problems.steps(400, 5, 3)
    assert np.all(wave[:100] == 0) and np.all(wave[300:] == 0)
    assert 0.08 < np.max(np.abs(wave)) <= 0.1


def test_columns_of_a_gaussian_matrix_have_a_length_near_one():
    lengths = np.linalg.norm(problems.gaussian(400, 50, 0), axis=0)
    assert np.all(np.abs(lengths - 1) < 0.2)
    assert not np.array_equal(problems.gaussian(4, 5, 0), problems.gaussian(4, 5, 1))


def test_phantom_has_few_values_and_a_black_border():
    picture = problems.phantom(64)
    assert len(np.unique(np.round(picture, 9))) < 10
    assert picture.min() == 0 and picture.max() == 1
    assert np.all(picture[[0, -1]] == 0) and np.all(picture[:, [0, -1]] == 0)
    assert picture[20, 32] > picture[50, 32]  # the bright disc is above the centre


@pytest.mark.parametrize("name", OPERATORS)
def test_adjoint_by_inner_products(name):
    A = aslinearoperator(OPERATORS[name]())
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(A.shape[1]), rng.standard_normal(A.shape[0]) + 0j
    if not np.iscomplexobj(A @ x):
        y = y.real
    else:
        y = y + 1j * rng.standard_normal(y.size)
    np.testing.assert_allclose(np.vdot(y, A @ x), np.vdot(A.rmatvec(y), x), rtol=1e-12)


@pytest.mark.parametrize("width", [0.7, 3.0])
def test_pulse_is_a_convolution(width):
    n, reach = 60, int(np.ceil(5 * width))
    t = np.arange(-reach, reach + 1) / width
    x = problems.spikes(n, 7, 1)
    expected = np.convolve(x, (1 - t**2) * np.exp(-(t**2) / 2))[reach:-reach]
    np.testing.assert_allclose(problems.pulse(n, width) @ x, expected, atol=1e-12)


def test_pulse_of_a_short_signal_is_cut():
    assert problems.pulse(3, 10.0).shape == (3, 3)


def test_blur_is_the_gaussian_filter_of_a_mirrored_picture():
    picture = np.random.default_rng(0).random((20, 30))
    ours = (problems.blur((20, 30), 2.0) @ picture.ravel()).reshape(20, 30)
    np.testing.assert_allclose(ours, ndimage.gaussian_filter(picture, 2.0, mode="reflect", truncate=9), atol=1e-7)


def test_fourier_of_all_frequencies_is_unitary_and_rows_of_a_part_are_orthonormal():
    picture = np.random.default_rng(0).random((6, 6))
    whole = problems.fourier(np.ones((6, 6), bool)) @ picture.ravel()
    np.testing.assert_allclose(whole, np.fft.fft2(picture, norm="ortho").ravel(), atol=1e-12)
    part = problems.fourier(problems.radial_mask(6, 2))
    y = np.arange(part.shape[0]) + 1j
    np.testing.assert_allclose(part @ part.rmatvec(y), y, atol=1e-12)


def test_lines_of_frequencies_pass_the_origin_and_two_are_a_cross():
    cross = problems.radial_mask(8, 2)
    assert np.all(cross[0]) and np.all(cross[:, 0]) and cross.sum() == 15
    assert problems.radial_mask(9, 200).all()  # enough lines cover all
    assert problems.radial_mask(64, 12)[0, 0]


def test_radon_of_a_disc_is_its_chord_at_each_angle():
    size, radius = 101, 40.0
    centre = np.arange(size) - 50
    disc = np.hypot(centre[:, None], centre) <= radius
    seen = (problems.radon(size, 9) @ disc.ravel().astype(float)).reshape(9, size)
    chord = 2 * np.sqrt(np.maximum(radius**2 - centre**2, 0))
    assert np.max(np.abs(seen - chord)) < 6  # pixels at the rim are in or out
    assert np.mean(np.abs(seen - chord)) < 1
    np.testing.assert_allclose(seen.sum(1), disc.sum(), rtol=1e-12)  # each angle sees all of it


def test_radon_at_right_angles_sums_columns_and_rows():
    picture = np.random.default_rng(0).random((5, 5))
    seen = (problems.radon(5, 2) @ picture.ravel()).reshape(2, 5)
    np.testing.assert_allclose(seen, [picture.sum(0), picture.sum(1)], rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: problems.spikes(4, 5, 0), ValueError, r"count=5 must lie in \[0, n\] = \[0, 4\]"),
        (lambda: problems.spikes(4, 2, 0, 2.0, 1.0), ValueError, "high=1.0 must be at least low=2.0"),
        (lambda: problems.steps(4, 4, 0), ValueError, r"jumps=4 must lie in \[0, n\) = \[0, 4\)"),
        (lambda: problems.gaussian(0, 4, 0), ValueError, "m=0 must be at least 1"),
        (lambda: problems.phantom(2.5), TypeError, "size=2.5 must be an integer"),
        (lambda: problems.pulse(8, 0), ValueError, "width=0 must be greater than 0"),
        (lambda: problems.blur((4, 4), -1), ValueError, "width=-1 must be greater than 0"),
        (lambda: problems.fourier(np.ones((2, 2))), TypeError, "mask must hold booleans, not float64"),
        (lambda: problems.radon(4, 0), ValueError, "angles=0 must be at least 1"),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
