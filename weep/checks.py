"""Checks of arguments, and what their messages say: the name, the value, and what is allowed."""

import math
import operator
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


class ConvergenceWarning(UserWarning):
    """A solver stopped before it reached its tolerance."""


def real(name: str, value: object) -> float:
    """Return a finite real parameter as a float, or raise an error that names it."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{name}={value!r} must be a real number, not {type(value).__name__}")
    if not math.isfinite(value):
        raise ValueError(f"{name}={value!r} must be finite")
    return float(value)


def positive(name: str, value: object) -> float:
    """Return a finite parameter above zero as a float, or raise an error that names it."""
    number = real(name, value)
    if number <= 0:
        raise ValueError(f"{name}={value!r} must be greater than 0")
    return number


def nonnegative(name: str, value: object) -> float:
    """Return a finite parameter of at least zero as a float, or raise an error that names it."""
    number = real(name, value)
    if number < 0:
        raise ValueError(f"{name}={value!r} must not be negative")
    return number


def integer(name: str, value: object, least: int | None = None) -> int:
    """Return an integer parameter, NumPy's scalars included, as an int, or raise an error that names it."""
    if isinstance(value, bool | np.bool_ | np.ndarray) or not hasattr(value, "__index__"):
        raise TypeError(f"{name}={value!r} must be an integer, not {type(value).__name__}")
    number = operator.index(value)
    if least is not None and number < least:
        raise ValueError(f"{name}={value!r} must be at least {least}")
    return number


def axes_of(name: str, axes: object, ndim: int) -> tuple[int, ...]:
    """Return an axis, or a sequence of axes, of an array, counted from the front; all of them for None."""
    if axes is None:
        return tuple(range(ndim))
    given = tuple(axes) if isinstance(axes, tuple | list) else (axes,)
    found = tuple(integer(name, axis) for axis in given)
    if not found or len({axis % max(ndim, 1) for axis in found}) < len(found):
        raise ValueError(f"{name}={axes!r} must name one axis or more, each once")
    if not all(-ndim <= axis < ndim for axis in found):
        raise ValueError(f"{name}={axes!r} must lie between {-ndim} and {ndim - 1}, for an array of {ndim} axes")
    return tuple(axis % ndim for axis in found)


def floating(name: str, x: ArrayLike) -> NDArray[Any]:
    """Return real input as a plain array of native byte order: floating types stay, integers and booleans are float64.

    Subclasses of arrays that mean the same as their numbers (memory maps, `numpy.matrix`) pass. A mask or a unit would
    be lost without a word, so an array with masked entries is a ValueError, and one with a unit a TypeError.
    """
    array = np.asanyarray(x)
    if type(array) is not np.ndarray:
        if np.ma.is_masked(array):
            raise ValueError(
                f"{name} has masked entries, whose values mean nothing: give them values ({name}.filled(...)), leave "
                "them out, or give them the weight 0 where weights are taken"
            )
        unit = getattr(array, "unit", None) or getattr(array, "units", None)
        if unit is not None:
            raise TypeError(f"{name} has the unit {unit}, and must hold plain numbers: divide by a unit of your choice")
        array = np.asarray(array)
    if array.dtype.kind in "iub":
        return array.astype(np.float64)
    if array.dtype.kind != "f":
        raise TypeError(f"{name} must hold real numbers, not {array.dtype}")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def finite(name: str, x: NDArray[Any]) -> NDArray[Any]:
    """Return the array, or raise an error that names it if it holds NaN or infinity."""
    if not np.all(np.isfinite(x)):
        raise ValueError(f"{name} must be finite, and holds NaN or infinity")
    return x


@contextmanager
def extra(name: str, what: str) -> Iterator[None]:
    """Import an optional library inside, or raise an error that names what needs it and the extra that brings it."""
    try:
        yield
    except ImportError as error:
        raise ImportError(f"{what} needs the extra {name!r}: pip install '.[{name}]' in a clone") from error
