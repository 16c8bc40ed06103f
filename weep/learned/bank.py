r"""A bank of learned filters with one WEEP: a penalty for natural pictures, and denoising with it."""

import math
import os
import warnings
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import ConvergenceWarning, finite, floating, integer, nonnegative, positive
from ..denoise import Result
from ..penalties import WEEP
from .each import Each
from .filters import Filters, completed, mirrored, norm_squared
from .minimise import minimise

__all__ = ["Bank", "denoise", "load", "stored"]

Array = NDArray[Any]

#: The noise level that the filters of a bank are stored for: 25 of 255.
REFERENCE = 25 / 255

#: What rounding to single precision may add to the norm of a bank.
MARGIN = 1e-6


@dataclass(frozen=True, eq=False)
class Bank:
    r"""Filters :math:`w_k`, an exponent for each, and a WEEP whose scale follows the noise, for all or for each.

    For noise of standard deviation σ, with :math:`t = \log(\sigma/\sigma_0)` and :math:`\sigma_0 = 25/255`, the bank
    is :math:`W = c\,(e^{p_k t} w_k)_k`, with c such that ‖W‖ ≤ 1, and the penalty is
    :math:`\sum_{k,i}\phi_s((Wx)_{k,i})` with :math:`\phi_s(u) = s^2\phi(u/s)` and :math:`s = \sigma e^{q_0 + q_1 t}`.
    There may be such a scale for each filter; its mirror images share it.

    Parameters
    ----------
    filters : array_like of shape (K, s, s)
        Filters of mean zero, s odd. Their mirror images need not be among them.
    exponents : array_like of shape (K,)
        :math:`p_k`: filters with larger ones count more as the noise grows.
    a, b : float
        Of the WEEP.
    scale : array_like of shape (2,) or (2, K)
        :math:`q_0` and :math:`q_1`, the same for all filters, or those of each.
    sigmas : (float, float)
        The least and the largest σ of the training. Beyond them t stays where it is, and s stays in proportion to σ.

    Raises
    ------
    ValueError
        If a shape does not fit, a number is outside its domain, or a filter has another mean than zero.
    """

    filters: Array
    exponents: Array
    a: float
    b: float
    scale: Array
    sigmas: tuple[float, float]

    def __post_init__(self) -> None:
        bank = mirrored(self.filters)[: len(np.asarray(self.filters))].astype(np.float64)
        exponents = finite("exponents", floating("exponents", self.exponents)).astype(np.float64)
        if exponents.shape != bank.shape[:1]:
            raise ValueError(
                f"exponents must have the shape ({len(bank)},), one for each filter, not {exponents.shape}"
            )
        if np.max(np.abs(bank.mean((1, 2)))) > 1e-6 * np.max(np.abs(bank)):
            raise ValueError("filters must have the mean 0, so that a constant picture costs nothing")
        low, high = (positive("sigmas", value) for value in self.sigmas)
        if low > high:
            raise ValueError(f"sigmas={self.sigmas!r} must be the least and the largest")
        scale = finite("scale", floating("scale", self.scale)).astype(np.float64)
        if scale.shape not in ((2,), (2, len(bank))):
            raise ValueError(f"scale must have the shape (2,), or (2, {len(bank)}) for a scale each, not {scale.shape}")
        phi = WEEP(float(self.a), float(self.b))
        values = {"filters": bank, "exponents": exponents, "a": phi.a, "b": phi.b}
        for name, value in {**values, "scale": scale, "sigmas": (low, high)}.items():
            object.__setattr__(self, name, value)

    def at(self, sigma: float) -> tuple[Array, WEEP | Each]:
        """The bank for a noise level, with all mirror images and a norm of at most 1, and its penalty.

        Parameters
        ----------
        sigma : float
            Standard deviation of the noise, above 0, for pictures in [0, 1].

        Returns
        -------
        filters : ndarray
            Of shape (K', s, s).
        phi : WEEP or Each
            With its scale; or a WEEP for each filter and each mirror image, of which each part is one.
        """
        sigma = positive("sigma", sigma)
        t = math.log(min(max(sigma, self.sigmas[0]), self.sigmas[1]) / REFERENCE)
        bank, of = completed(self.filters * np.exp(self.exponents * t)[:, None, None])
        bank *= (1 - MARGIN) / math.sqrt(norm_squared(bank))
        scales = sigma * np.exp(self.scale[0] + self.scale[1] * t)
        if scales.ndim == 0:
            return bank, WEEP(self.a, self.b, float(scales))
        return bank, Each(tuple(WEEP(self.a, self.b, scales[k]) for k in of))

    def operator(self, shape: tuple[int, int], sigma: float, dtype: Any = np.float64) -> tuple[Filters, WEEP | Each]:
        """W and φ for problem (1): ``L, phi = bank.operator(y.shape, sigma)``, and λ = 1 (or less) keeps it convex.

        Parameters
        ----------
        shape : (int, int)
            Height and width of the pictures.
        sigma : float
            Standard deviation of the noise, above 0. With another A than the identity, a strength to tune.
        dtype : dtype, optional
            float64 or float32.

        Returns
        -------
        W : Filters
            A `LinearOperator` with ‖W‖ ≤ 1.
        phi : WEEP or Each
            Its penalty.
        """
        bank, phi = self.at(sigma)
        return Filters(bank, shape, dtype), phi

    @property
    def n_parameters(self) -> int:
        """How many numbers were learned: a filter that is even or odd under point reflection counts half its size."""
        side = self.filters.shape[1]
        return len(self.filters) * ((side * side - 1) // 2 + 1) + 2 + self.scale.size

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the bank to a file .npz."""
        values: dict[str, Any] = {f.name: np.asarray(getattr(self, f.name)) for f in fields(self)}
        np.savez(path, **values)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """The bank that `save` wrote."""
        with np.load(path, allow_pickle=False) as data:
            return cls(**{f.name: data[f.name][()] if f.name in ("a", "b") else data[f.name] for f in fields(cls)})


def stored() -> list[str]:
    """The names of the banks that come with the package."""
    return sorted(Path(str(f)).stem for f in files(__package__).iterdir() if str(f).endswith(".npz"))


@cache
def load(name: str = "weep") -> Bank:
    """A bank that comes with the package. The file ``BANKS.md`` beside it says how it was trained.

    Parameters
    ----------
    name : str, optional
        One of `stored`.

    Returns
    -------
    Bank
        Read once.

    Raises
    ------
    ValueError
        If there is none of this name.

    Examples
    --------
    >>> from weep import learned
    >>> filters, phi = learned.load().at(sigma=0.1)
    >>> phi.weak_convexity
    1.0
    """
    if name not in stored():
        raise ValueError(f"name={name!r} must be one of {stored()}")
    with as_file(files(__package__) / f"{name}.npz") as path:
        return Bank.read(path)


def denoise(
    y: ArrayLike,
    sigma: float,
    bank: Bank | str = "weep",
    *,
    tol: float = 1e-3,
    max_iter: int = 300,
    channel_axis: int | None = None,
) -> Result:
    r"""Denoise a picture with a learned bank: the minimum of the convex function

    .. math::

        \tfrac12\|x - y\|^2 + \sum_k \sum_i \phi_{s_k}((w_k * x)_i).

    Parameters
    ----------
    y : array_like of shape (height, width)
        A noisy picture with values about in [0, 1]. float32 is kept and faster, other types become float64.
    sigma : float
        Standard deviation of the noise, σ ≥ 0: 25/255 where grey values go to 255 and the noise is 25.
    bank : Bank or str, optional
        The bank, or the name of a stored one: ``"weep"``, or ``"large"``, better and four to five times slower.
    tol : float, optional
        Stop when the norm of the gradient is at most ``tol`` times that of y − mean(y).
    max_iter : int, optional
        Largest number of iterations.
    channel_axis : int, optional
        The axis of colours, each of which is then a grey picture with the noise σ.

    Returns
    -------
    Result
        With ``x``, ``objective``, ``n_iter``, ``converged``, ``history``, ``method`` and ``certificate``, which is
        ``"global"`` if the iteration converged: the function is convex.

    Warns
    -----
    ConvergenceWarning
        If ``max_iter`` iterations did not reach ``tol``.

    Raises
    ------
    TypeError
        If ``y`` or a number is not real.
    ValueError
        If ``y`` is no picture or not finite, or a number is outside its domain.

    Notes
    -----
    φ is 1-weakly convex at every scale and ‖W‖ ≤ 1, hence the sum of φ plus :math:`\|Wx\|^2/2` is convex, and
    :math:`\|x\|^2/2 - \|Wx\|^2/2` too: the sum is the function above, up to linear terms.

    The method is the optimised gradient method with restart, with the step 1/(1 + max(1, a)). It starts from
    (I + 3 WᵀW)⁻¹ y, which saves a third of the steps. Where numba is installed, pictures of 64 × 64 pixels and more
    are filtered by compiled code. Rows are shared among the processors, and the result does not depend on how many.

    References
    ----------
    A. Goujon, S. Neumayer, M. Unser, "Learning weakly convex regularizers for convergent image-reconstruction
    algorithms", SIAM J. Imaging Sci. 17(1), 2024. arXiv:2308.10542.

    See Also
    --------
    weep.learned.load : The stored bank.
    weep.denoise_tv : Differences in the place of learned filters.

    Examples
    --------
    >>> import numpy as np
    >>> from weep import learned
    >>> clean = np.kron([[0.2, 0.8], [0.6, 0.4]], np.ones((16, 16)))
    >>> y = clean + 0.1 * np.random.default_rng(0).standard_normal(clean.shape)
    >>> r = learned.denoise(y, 0.1)
    >>> bool(np.mean((r.x - clean) ** 2) < np.mean((y - clean) ** 2) / 4), r.certificate
    (True, 'global')
    """
    data = finite("y", floating("y", y))
    data = data.astype(np.float32 if data.dtype.itemsize <= 4 else np.float64, copy=False)
    sigma, tol, max_iter = nonnegative("sigma", sigma), positive("tol", tol), integer("max_iter", max_iter, least=1)
    bank = load(bank) if isinstance(bank, str) else bank
    if channel_axis is None:
        stack = data[None]
    else:
        stack = np.moveaxis(data, integer("channel_axis", channel_axis), 0)
    if stack.ndim != 3 or stack.size == 0:
        raise ValueError(f"y must be a picture (height, width), with a channel_axis one axis more, not {data.shape}")
    if sigma == 0:
        return Result(data.copy(), 0.0, 0, True, np.empty((0, 2)), "closed_form", "global")
    operator, phi = bank.operator(stack.shape[1:], sigma, data.dtype)
    runs = [minimise(picture, operator, phi, tol, max_iter) for picture in stack]
    x = runs[0][0] if channel_axis is None else np.moveaxis(np.stack([run[0] for run in runs]), 0, channel_axis)
    longest = max((run[1] for run in runs), key=len)
    worst = max(run[1][-1][1] for run in runs)
    converged = worst <= tol
    if not converged:
        warnings.warn(
            f"{len(longest)} iterations reached a residual of {worst:.1e}, not tol={tol:.1e}: allow more with max_iter",
            ConvergenceWarning,
            stacklevel=2,
        )
    value = float(sum(run[1][-1][0] for run in runs))
    certificate = "global" if converged else "none"
    return Result(x, value, len(longest), converged, np.array(longest), "accelerated gradient", certificate)
