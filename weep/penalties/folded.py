"""Penalties that are concave on each side of zero all the way out: log-sum, Lp and piecewise exponential."""

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammainc, lambertw

from ..checks import positive
from .base import Penalty


class Folded(Penalty):
    """What these penalties share: φ(x) = f(\\|x\\|) with f concave and f'' increasing.

    Then x + step·f'(x) is convex in x > 0, and the prox of z is 0 or the larger root of x + step·f'(x) = \\|z\\|.
    Both cost the same where x²/2 = step·(f(x) − x·f'(x)). As (f(x) − x·f'(x))/x² falls, this has one solution, the
    *landing*: the prox leaves zero by a jump to it. Without one (step·weak_convexity ≤ 1) the landing is 0: no jump.
    Comparing \\|z\\| with the point where the root begins to exist, in place of the cost, is the usual mistake.

    The gradient at 0 is 0, the subgradient of least norm.
    """

    @property
    def lipschitz(self) -> float:
        """``inf``: the derivative jumps at 0."""
        return math.inf

    @abstractmethod
    def _slope(self, r: Any) -> Any:
        """f'(r), for r > 0, and for r = 0 if it is finite there."""

    @abstractmethod
    def _landing(self, step: float) -> float: ...

    @abstractmethod
    def _root(self, r: NDArray[Any], step: float) -> NDArray[Any]:
        """Larger root of x + step·f'(x) = r, for an r that has one."""

    def _grad(self, x: NDArray[Any]) -> NDArray[Any]:
        with np.errstate(divide="ignore"):  # the slope of Lp at zero
            return np.where(x == 0, x, np.sign(x) * self._slope(np.abs(x)))

    def _prox(self, z: NDArray[Any], step: float) -> NDArray[Any]:
        landing = self._landing(step)
        threshold = landing + step * float(self._slope(landing))
        r = np.abs(z)
        x = self._root(np.maximum(r, threshold), step)
        return np.where(r > threshold, np.copysign(x, z), 0 * z)


@dataclass(frozen=True)
class LogSum(Folded):
    r"""The log-sum penalty: φ(x) = log(1 + \|x\|/ε), ε = ``eps``. It grows without bound; its slope falls to nothing.

    For \|z\| above the threshold, the prox solves a quadratic:
    :math:`x = \big(|z| - \varepsilon + \sqrt{(|z| + \varepsilon)^2 - 4\,\text{step}}\big)/2`. The threshold is step/ε
    up to step = ε². From there on the prox jumps, at the point where both candidates cost the same. A root that is
    taken wherever it is real is no minimiser there, and one of a negative number is NaN, not zero.

    Parameters
    ----------
    eps : float
        Width ε > 0.

    References
    ----------
    E. J. Candès, M. B. Wakin, S. P. Boyd, "Enhancing sparsity by reweighted ℓ1 minimization", J. Fourier Anal. Appl.
    14(5), 2008. A. Prater-Bennette, L. Shen, E. E. Tripp, "The proximity operator of the log-sum penalty", J. Sci.
    Comput. 93(3), 2022.

    Examples
    --------
    >>> from weep import LogSum
    >>> LogSum(eps=1.0)([0.0, 1.0, 3.0]).round(2)
    array([0.  , 0.69, 1.39])
    """

    eps: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "eps", positive("eps", self.eps))

    @property
    def weak_convexity(self) -> float:
        """1/ε²."""
        return (1 / self.eps) ** 2

    def _value(self, x: NDArray[Any]) -> NDArray[Any]:
        return np.log1p(np.abs(x) / self.eps)

    def _slope(self, r: Any) -> Any:
        return 1 / (r + self.eps)

    def _landing(self, step: float) -> float:
        k = step / self.eps / self.eps
        high = 1.01 * math.sqrt(2 * k) * math.sqrt(math.log1p(2 * k))
        return self.eps * _landing(lambda u: (math.log1p(u) - u / (1 + u)) / u / u, k, 0.75, high)

    def _root(self, r: NDArray[Any], step: float) -> NDArray[Any]:
        double = 2 * math.sqrt(step)
        root = np.sqrt(np.maximum(r + self.eps - double, 0)) * np.sqrt(r + self.eps + double)
        # For r < ε the difference would cancel: divide the product of the two roots by the other one.
        small = 2 * (r * self.eps - step) / (root + np.maximum(self.eps - r, 0) + np.finfo(r.dtype).tiny)
        return np.where(r < self.eps, small, 0.5 * (r - self.eps) + 0.5 * root)


@dataclass(frozen=True)
class PiE(Folded):
    r"""The piecewise exponential penalty: φ(x) = 1 − exp(−\|x\|/σ), σ = ``sigma``. It saturates at 1.

    For \|z\| above the threshold, the prox is :math:`|z| + \sigma W_0(-(\text{step}/\sigma^2) e^{-|z|/\sigma})` with
    Lambert's W. The threshold is step/σ up to step = σ²; from there on the prox jumps.

    Parameters
    ----------
    sigma : float
        Width σ > 0.

    References
    ----------
    P. S. Bradley, O. L. Mangasarian, "Feature selection via concave minimization and support vector machines", ICML
    1998. Y. Liu, Y. Zhou, R. Lin, "The proximal operator of the piece-wise exponential function", IEEE Signal Process.
    Lett. 31, 2024, who correct an earlier prox that lacked a case.

    Examples
    --------
    >>> from weep import PiE
    >>> PiE(sigma=1.0).grad([0.5, 1.0, 3.0]).round(2)
    array([0.61, 0.37, 0.05])
    """

    sigma: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigma", positive("sigma", self.sigma))

    @property
    def weak_convexity(self) -> float:
        """1/σ²."""
        return (1 / self.sigma) ** 2

    def _value(self, x: NDArray[Any]) -> NDArray[Any]:
        return -np.expm1(-np.abs(x) / self.sigma)

    def _slope(self, r: Any) -> Any:
        return np.exp(-r / self.sigma) / self.sigma

    def _landing(self, step: float) -> float:
        k = step / self.sigma / self.sigma
        # The incomplete gamma function P(2, u) is 1 − (1 + u) exp(−u), without cancellation.
        return self.sigma * _landing(lambda u: float(gammainc(2, u)) / u / u, k, 1.5, 1.01 * math.sqrt(2 * k))

    def _root(self, r: NDArray[Any], step: float) -> NDArray[Any]:
        log = math.log(step) - 2 * math.log(self.sigma)
        argument = -np.exp(np.minimum(log - r / self.sigma, -1))  # at least −1/e, where W begins to exist
        # SciPy has W up to double precision.
        return r + self.sigma * np.real(lambertw(argument.astype(np.float64))).astype(r.dtype)


@dataclass(frozen=True)
class Lp(Folded):
    r"""A power below one: φ(x) = \|x\|^p, 0 < p < 1. Its slope is infinite at zero, and tends to zero for large values.

    The prox is 0 up to a threshold and jumps there to :math:`(2\,\text{step}(1-p))^{1/(2-p)}`. Beyond, it has a closed
    form for p = 1/2 (a cubic, by cosines) and p = 2/3 (a quartic, by cube roots). For any other p, Newton's iteration
    from \|z\| finds it: it descends to the root, because x + step·p·x^(p−1) is convex, with slope 1 − p/2 to 1.

    Parameters
    ----------
    p : float
        The power, 0 < p < 1.

    References
    ----------
    G. Marjanovic, V. Solo, "On ℓq optimization and matrix completion", IEEE Trans. Signal Process. 60(11), 2012.
    Z. Xu, X. Chang, F. Xu, H. Zhang, "L1/2 regularization: a thresholding representation theory and a fast solver",
    IEEE Trans. Neural Netw. Learn. Syst. 23(7), 2012.

    Examples
    --------
    >>> from weep import Lp
    >>> Lp(p=0.5)([0.0, 1.0, 4.0])
    array([0., 1., 2.])
    """

    p: float

    def __post_init__(self) -> None:
        p = positive("p", self.p)
        if p >= 1:
            raise ValueError(f"p={self.p!r} must be less than 1")
        object.__setattr__(self, "p", p)

    @property
    def weak_convexity(self) -> float:
        """``inf``: the second derivative falls without bound towards 0."""
        return math.inf

    def _value(self, x: NDArray[Any]) -> NDArray[Any]:
        return np.abs(x) ** self.p

    def _slope(self, r: Any) -> Any:
        return self.p * r ** (self.p - 1)

    def _landing(self, step: float) -> float:
        return float((2 * (1 - self.p)) ** (1 / (2 - self.p)) * step ** (1 / (2 - self.p)))

    def _root(self, r: NDArray[Any], step: float) -> NDArray[Any]:
        if self.p == 1 / 2:
            angle = np.arccos(np.minimum((r / (3 * (step / 4) ** (2 / 3))) ** -1.5, 1))
            return r * ((2 / 3) * (1 + np.cos((2 / 3) * (math.pi - angle))))
        if self.p == 2 / 3:
            # With x = r t³ it is t⁴ − t + q = 0, whose quadratic factors have the coefficient √y with y³ − 4qy = 1.
            q = (r / (2 / 3 * step) ** 0.75) ** (-4 / 3)
            u = np.cbrt((1 + np.sqrt(np.maximum(1 - 4 * (4 * q / 3) ** 3, 0))) / 2)
            y = u + (4 * q / 3) / u
            return r * ((np.sqrt(y) + np.sqrt(np.maximum(2 / np.sqrt(y) - y, 0))) / 2) ** 3
        x, floor = r, self._landing(step)
        for _ in range(60):
            slope = step * self._slope(x)
            last, x = x, np.maximum(x - (x + slope - r) / (1 + (self.p - 1) * slope / x), floor)
            if np.all((np.abs(last - x) <= 4 * np.finfo(r.dtype).eps * r) | ~np.isfinite(x)):
                break
        return np.where(np.isinf(r), r, x)


def _landing(ratio: Callable[[float], float], k: float, low: float, high: float) -> float:
    """Solve ratio(u) = 1/(2k) for the ratio (f(u) − u·f'(u))/u², which falls from 1/2; 0 if k ≤ 1.

    The root lies above low·(1 − 1/k), by the first two terms of the ratio's series, and below ``high``.
    """
    if k <= 1:
        return 0.0
    low *= 1 - 1 / k

    def excess(u: float) -> float:
        return ratio(u) - 0.5 / k

    if excess(low) <= 0:  # only by rounding, where the jump is as small as it
        return low
    return float(brentq(excess, low, high, xtol=1e-300, rtol=1e-15))
