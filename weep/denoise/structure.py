"""What belongs together in the data of (11): axes with differences, channels that share a length, signals apart."""

import math
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import distance_transform_edt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..checks import axes_of, finite, floating, integer, nonnegative
from ..operators import cuts
from ..penalties import Penalty
from .problem import Array, Problem


class Layout(NamedTuple):
    """The axes that have differences, that of channels which share a length, and whether lengths are penalised.

    The other axes hold independent signals, ``apart``. Arrays are stacked as signals × [channels] × entries along the
    axes, which is the ``order``, or None where nothing has to move.
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    channel: int | None
    isotropic: bool
    apart: tuple[int, ...] = ()
    order: tuple[int, ...] | None = None

    @classmethod
    def of(cls, shape: tuple[int, ...], axis: Any, channel_axis: Any, isotropic: Any) -> "Layout":
        """Check the options of `denoise_tv` that say what belongs together."""
        if not isinstance(isotropic, bool | np.bool_):
            raise TypeError(f"isotropic={isotropic!r} must be True or False, not {type(isotropic).__name__}")
        if axis is None and channel_axis is None and shape and 0 not in shape:
            return cls(shape, tuple(range(len(shape))), None, bool(isotropic))
        channel = None
        if channel_axis is not None:
            (channel,) = axes_of("channel_axis", integer("channel_axis", channel_axis), len(shape))
        axes = axes_of("axis", axis, len(shape))
        if axis is None:
            axes = tuple(k for k in axes if k != channel)
        if channel in axes:
            raise ValueError(f"channel_axis={channel_axis!r} must not be one of axis={axis!r}, which has differences")
        if not axes or 0 in (shape[k] for k in axes) or (axis is None and 0 in shape):
            raise ValueError(
                f"y must have at least one axis and one entry, not the shape {shape}: channels are no axis"
            )
        channel = channel if isotropic else None
        apart = tuple(k for k in range(len(shape)) if k not in axes and k != channel)
        order = (*apart, *(() if channel is None else (channel,)), *axes)
        return cls(shape, axes, channel, bool(isotropic), apart, order)

    def split(self, array: Array) -> Array:
        """Stack the signals of an array."""
        if self.order is None:
            return array[None]
        moved = np.transpose(array, self.order)
        inner = moved.shape[len(self.apart) :]
        return np.ascontiguousarray(moved).reshape(math.prod(moved.shape[: len(self.apart)]), *inner)

    def join(self, stack: Array) -> Array:
        """Undo `split`."""
        if self.order is None:
            return stack[0]
        moved = stack.reshape([self.shape[k] for k in self.order])
        return np.ascontiguousarray(np.transpose(moved, np.argsort(self.order)))

    def strengths(self, lam: Any, dtype: Any) -> tuple[float, list[Array] | None]:
        """The largest λ, and, where there are many, those of the differences along each axis, or of the lengths."""
        if isinstance(lam, Real) or isinstance(lam, str | bytes) or not (np.iterable(lam) or hasattr(lam, "__array__")):
            return nonnegative("lam", lam), None
        if self.isotropic:
            given, shapes = [lam], [tuple(1 if k == self.channel else n for k, n in enumerate(self.shape))]
        else:
            several = isinstance(lam, list | tuple) and len(self.axes) > 1
            if several and len(lam) != len(self.axes):
                raise ValueError(f"lam has {len(lam)} items, and must have one for each of {len(self.axes)} axes")
            given = list(lam) if several else [lam] * len(self.axes)
            shapes = [tuple(n - (k == axis) for k, n in enumerate(self.shape)) for axis in self.axes]
        found = []
        for item, shape in zip(given, shapes, strict=True):
            array = finite("lam", floating("lam", item))
            if np.any(array < 0):
                raise ValueError("lam must not be negative, and holds a number below 0")
            try:
                found.append(self.split(np.broadcast_to(array.astype(dtype), shape)))
            except ValueError:
                what = "lengths, one for each entry" if self.isotropic else "differences"
                raise ValueError(
                    f"lam of shape {array.shape} must broadcast over the {what}, of shape {shape}"
                ) from None
        return max((float(part.max()) for part in found if part.size), default=0.0), found


class Stack(NamedTuple):
    """Independent problems (11): their data, λ and weights, one after the other."""

    layout: Layout
    y: Array
    lam: float
    lams: list[Array] | None
    weights: Array | None

    @classmethod
    def of(cls, layout: Layout, data: Array, lam: Any, weights: ArrayLike | None) -> "Stack":
        """Check λ and weights; where a weight is 0, put the nearest entry that counts in the place of the data."""
        largest, lams = layout.strengths(lam, data.dtype)
        if weights is None:
            return cls(layout, layout.split(data), largest, lams, None)
        given = finite("weights", floating("weights", weights)).astype(data.dtype, copy=False)
        if given.shape != data.shape:
            raise ValueError(f"weights must have the shape {data.shape} of y, not {given.shape}")
        if np.any(given < 0):
            raise ValueError("weights must not be negative, and hold a number below 0")
        y, w = layout.split(data), layout.split(given)
        seen = w > 0
        if not np.all(seen.any(tuple(range(-len(layout.axes), 0)))):
            raise ValueError(
                "weights must have an entry above 0 in each signal and channel: nothing else fixes its level"
            )
        return cls(layout, y if np.all(seen) else nearest(y, seen, len(layout.axes)), largest, lams, w)

    def problem(self, k: int, y: Array, phi: Penalty, rho: float | None) -> Problem:
        """Problem number k, with its data in the units of the penalty."""
        weights = None if self.weights is None or np.all(self.weights[k] == 1) else self.weights[k]
        lam, lams, isotropic = self.lam, None, self.layout.isotropic
        if self.lams is not None:
            lams = tuple(part[k] for part in self.lams)
            sizes = [part for part in lams if part.size]
            lam = float(max((part.max() for part in sizes), default=0.0))
            lams = None if all(part.min() == lam for part in sizes) else lams
        channels = self.layout.channel is not None
        if isotropic and y.ndim == 1:  # a length of one difference
            isotropic, lams = False, None if lams is None else (lams[0][:-1],)
        problem = Problem(y, phi, lam, rho, lams, weights, isotropic, channels)
        if weights is not None and not determined(problem):
            raise ValueError("lam must be above 0 on the way from each missing value to an entry of weight above 0")
        return problem


def nearest(y: Array, seen: Array, axes: int) -> Array:
    """The data, and where they are not seen the nearest that are: along the last so many axes."""
    far = 1.0 + 2 * sum(y.shape[-axes:])  # no path leaves a signal
    sampling = [far] * (y.ndim - axes) + [1.0] * axes
    where = distance_transform_edt(~seen, sampling, return_distances=False, return_indices=True)
    return y[tuple(where)]


def determined(problem: Problem) -> bool:
    """Whether differences that count connect each entry with one that counts."""
    assert problem.weights is not None
    seen = problem.weights.ravel() > 0
    if np.all(seen) or (problem.lams is None and problem.lam > 0):
        return True
    index = np.arange(problem.y.size).reshape(problem.y.shape)
    pairs = []
    for axis, lam in zip(problem.axes, problem.edges, strict=True):
        low, high = cuts(axis)
        counts = np.broadcast_to(lam, index[low].shape) > 0
        pairs.append(np.stack([index[low][counts], index[high][counts]]))
    i, j = np.concatenate(pairs, axis=1)
    count, part = connected_components(coo_array((np.ones(i.size), (i, j)), (index.size,) * 2), directed=False)
    return bool(np.all(np.bincount(part[seen], minlength=count) > 0))


def objective(
    x: ArrayLike,
    y: ArrayLike,
    phi: Penalty,
    lam: Any,
    *,
    isotropic: bool = False,
    channel_axis: int | None = None,
    axis: int | tuple[int, ...] | None = None,
    weights: ArrayLike | None = None,
) -> float:
    """Objective (11).

    Parameters
    ----------
    x, y : array_like
        A candidate and the data, of one shape.
    phi : Penalty
        The penalty.
    lam, isotropic, channel_axis, axis, weights
        Those of `denoise_tv`.

    Returns
    -------
    float
        Σ w_i (y_i − x_i)²/2 + Σ λ_j φ((Dx)_j), with the options as for `denoise_tv`, summed in double precision.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    layout = Layout.of(x.shape, axis, channel_axis, isotropic)
    stack = Stack.of(layout, y, lam, weights)
    value = 0.0
    for k, signal in enumerate(layout.split(x)):
        problem = stack.problem(k, stack.y[k], phi, None)
        value += problem.value(signal, problem.differences(signal))
    return value
