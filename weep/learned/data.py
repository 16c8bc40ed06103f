"""The pictures that a bank is trained on. They come with scikit-image, scikit-learn and Matplotlib."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks import extra

__all__ = ["pictures"]

Array = NDArray[Any]


def pictures() -> list[Array]:
    """The pictures of the training, in grey and in three sizes. None of them is used by the chapters to judge a bank.

    Returns
    -------
    list of ndarray
        Of scikit-image: chelsea, coffee, coins, moon, the left motorcycle, rocket, and the stained tissue; of
        scikit-learn: china and flower; of Matplotlib: Grace Hopper. Each also at a half and a quarter of its size.
    """
    with extra("images", "training a bank"):
        import matplotlib.cbook
        import skimage.color
        import skimage.data
        import skimage.io
        import skimage.measure
        from sklearn.datasets import load_sample_image
    names = ("chelsea", "coffee", "coins", "moon", "rocket", "immunohistochemistry")
    found = [load_sample_image("china.jpg"), load_sample_image("flower.jpg"), skimage.data.stereo_motorcycle()[0]]
    found += [skimage.io.imread(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))]
    found += [getattr(skimage.data, name)() for name in names]
    grey = [skimage.color.rgb2gray(p) if p.ndim == 3 else p / 255 for p in found]
    even = [p[: p.shape[0] // 4 * 4, : p.shape[1] // 4 * 4] for p in grey]
    return [*grey, *(skimage.measure.block_reduce(p, n, np.mean) for n in (2, 4) for p in even)]
