"""Arrays of other libraries (PyTorch, JAX, ...): which they are, and how an elementwise kernel meets them."""

from collections.abc import Callable
from typing import Any

from array_api_compat import array_namespace, is_array_api_obj, is_numpy_array

__all__ = ["elementwise", "foreign"]


def foreign(x: object) -> bool:
    """Whether x is an array of a library other than NumPy."""
    return is_array_api_obj(x) and not is_numpy_array(x)


def elementwise(kernel: Callable[[Any], Any], name: str, x: Any, out: object) -> Any:
    """Apply a kernel to an array of another library: integers in that library's default of floating types.

    Types of 16 bits are computed in 32, as in NumPy: their squares overflow from 256 on, and a branch that overflows
    turns derivatives into NaN even where it is not taken.
    """
    if out is not None:
        raise TypeError(f"out is for NumPy arrays: with {name} of type {type(x).__name__} it must be left out")
    xp = array_namespace(x)
    if xp.isdtype(x.dtype, ("integral", "bool")):
        x = xp.astype(x, xp.asarray(1.0).dtype)
    elif not xp.isdtype(x.dtype, "real floating"):
        raise TypeError(f"{name} must hold real numbers, not {x.dtype}")
    if xp.finfo(x.dtype).bits >= 32:
        return kernel(x)
    return xp.astype(kernel(xp.astype(x, xp.float32)), x.dtype)
