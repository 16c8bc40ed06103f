"""Total-variation denoising with the arguments of scikit-image's ``denoise_tv_chambolle``."""

from typing import Any

from ..checks import extra

with extra("images", "this adapter"):
    from skimage.util import img_as_float

from .. import denoise
from ..penalties import WEEP, Penalty

__all__ = ["denoise_tv"]


def denoise_tv(
    image: Any,
    weight: float = 0.1,
    eps: float = 2.0e-4,
    max_num_iter: int = 1000,
    *,
    phi: Penalty | None = None,
    channel_axis: int | None = None,
    isotropic: bool = False,
    weights: Any = None,
) -> Any:
    """Denoise an image by total variation with a penalty.

    Parameters
    ----------
    image : ndarray
        Integers are scaled to [0, 1], or to [−1, 1] if signed, as everywhere in scikit-image.
    weight : float, optional
        Weight λ of the penalty.
    eps : float, optional
        Tolerance, that of ``weep.denoise_tv``.
    max_num_iter : int, optional
        Largest number of iterations.
    phi : Penalty, optional
        WEEP(a=100, b=0.1, scale=0.2) unless given.
    channel_axis : int or None, optional
        The axis of channels, each denoised by itself, or, with ``isotropic``, together; None for a grey image.
    isotropic : bool, optional
        Whether the penalty is one of the lengths of gradients. ``denoise_tv_chambolle`` has these, of each channel.
    weights : ndarray, optional
        Weights of the data, of the shape of the image. Where one is 0 or False, the image may be NaN, and is filled in.

    Returns
    -------
    ndarray
        Floating point, same shape.

    Examples
    --------
    >>> import numpy as np
    >>> from weep import WEEP
    >>> from weep.interop.skimage import denoise_tv
    >>> picture = np.kron([[0.2, 0.8], [0.6, 0.4]], np.ones((8, 8)))
    >>> noisy = picture + 0.1 * np.random.default_rng(0).standard_normal(picture.shape)
    >>> bool(np.std(denoise_tv(noisy, 0.1) - picture) < np.std(noisy - picture))
    True
    """
    phi = WEEP(a=100.0, b=0.1, scale=0.2) if phi is None else phi
    return denoise.denoise_tv(
        img_as_float(image),
        phi,
        weight,
        tol=eps,
        max_iter=max_num_iter,
        isotropic=isotropic,
        channel_axis=channel_axis,
        weights=weights,
    ).x
