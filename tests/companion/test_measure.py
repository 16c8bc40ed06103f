"""What chapters measure alike, against other implementations and closed forms."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from skimage.metrics import peak_signal_noise_ratio

from weep import L1, L2, WEEP, ConvergenceWarning, Huber, Tukey, denoise_tv
from weep.companion import measure
from weep.companion.measure import efficiency, interval, l1_tv_by_dual, psnr, quiet, signed, spread


def test_psnr_is_that_of_scikit_image():
    rng = np.random.default_rng(0)
    clean, noise = rng.random((2, 9, 7))
    for peak in (None, 1.0, 3.0):
        top = np.ptp(clean) if peak is None else peak
        expected = peak_signal_noise_ratio(clean, clean + 0.1 * noise, data_range=top)
        assert psnr(clean + 0.1 * noise, clean, peak) == pytest.approx(expected, rel=1e-12)
    assert psnr(clean, clean) == np.inf
    for x, truth in ((clean, clean[0]), (clean[:0], clean[:0]), (np.ones(3), np.ones(3))):
        with pytest.raises(ValueError, match=r"clean|peak=0\.0"):
            psnr(x, truth)


def test_an_interval_is_students():
    values = np.array([1.0, 2.0, 4.0, 9.0])
    mean, half = interval(values)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (mean - half, mean + half) == pytest.approx((low, high))
    assert interval(values, 0.5)[1] < half
    for bad, level in (([1.0], 0.95), ([[1.0, 2.0]], 0.95), ([1.0, 2.0], 1.0)):
        with pytest.raises(ValueError, match=r"values has the shape|level=1\.0"):
            interval(bad, level)


def test_an_interval_covers_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(size=(2000, 5))
    covered = np.mean([abs(mean) < half for mean, half in map(interval, draws)])
    assert abs(covered - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 2000)


@given(st.floats(-1e6, 1e6), st.integers(0, 4))
def test_a_signed_number_is_no_negative_zero(value, digits):
    text = signed(value, digits)
    assert float(text) == pytest.approx(value, abs=0.5001 * 10.0**-digits)
    assert text[0] == ("-" if float(text) < 0 else "+")


def test_spread_is_mean_and_sample_deviation():
    assert spread([1.0, 2.0, 3.0]) == "2.00 ± 1.00" and spread(np.array([1.0, 3.0]), 0) == "2 ± 1"


def test_quiet_silences_early_ends_and_nothing_else():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with quiet():
            warnings.warn("early", ConvergenceWarning, stacklevel=1)
            with pytest.raises(UserWarning):
                warnings.warn("other", UserWarning, stacklevel=1)
        with pytest.raises(ConvergenceWarning):
            warnings.warn("early", ConvergenceWarning, stacklevel=1)


@given(st.floats(1e-3, 1e4), st.floats(0, 1), st.floats(0.1, 10))
def test_weep_by_its_share(a, share, scale):
    phi = measure.weep(a, share, scale)
    assert (phi.a, phi.scale) == (a, scale) and phi.b == pytest.approx(share * np.sqrt(2 * a), rel=1e-15)
    for bad in (-0.1, 1.1):
        with pytest.raises(ValueError, match="share="):
            measure.weep(a, bad)


@pytest.mark.parametrize("sigma", [0.1, 1.0, 3.0])
def test_efficiency_is_that_of_the_asymptotic_variance(sigma):
    phi, h = WEEP(100.0, 0.01), 1e-6
    for rho, kinks in ((Huber(1.345), (1.345,)), (Tukey(4.685), (4.685,)), (phi, (phi.x1, phi.x2))):

        def mean(f, points=kinks):
            inside = [p for p in points if p < 12 * sigma]
            return integrate.quad(
                lambda r: 2 * f(r) * stats.norm.pdf(r, scale=sigma), 0, 12 * sigma, points=inside, limit=400
            )[0]

        slope = mean(lambda r, rho=rho: (rho.grad(r + h) - rho.grad(r - h)) / (2 * h))
        expected = sigma**2 * slope**2 / mean(lambda r, rho=rho: rho.grad(r) ** 2)
        assert efficiency(rho, sigma) == pytest.approx(expected, rel=2e-3)
    assert efficiency(L2(), sigma) == pytest.approx(1)
    assert efficiency(L1(), sigma) == pytest.approx(2 / np.pi, rel=1e-4)


def test_the_dual_of_l1_tv_gives_the_minimiser():
    y = np.random.default_rng(0).normal(size=80).cumsum()
    for lam in (0.1, 2.0, 1e3):
        assert np.abs(l1_tv_by_dual(y, lam) - denoise_tv(y, L1(), lam, tol=1e-9, max_iter=50_000).x).max() < 1e-4
