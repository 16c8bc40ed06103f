"""WEEP with parameters that are arrays: one for each filter or entry, to be learned in PyTorch or JAX."""

import math
from dataclasses import dataclass, field
from typing import Any, Self

from array_api_compat import array_namespace, is_array_api_obj

from ..checks import positive
from .weep import WEEP

__all__ = ["LearnableWEEP"]


@dataclass(frozen=True, eq=False)
class LearnableWEEP:
    r"""`WEEP` whose parameters are arrays of PyTorch, JAX or NumPy, which may be differentiated or traced.

    Parameters
    ----------
    a, b, scale : array or float
        As in `WEEP`, a > 0, :math:`0 \le b \le \sqrt{2a}`, s > 0. Shapes are broadcast, with that of the argument too.
        The domain is *not* checked, for traced arrays have no values: `of_free` stays inside it.

    Attributes
    ----------
    x1, x2, m : array
        As in `WEEP`.

    See Also
    --------
    weep.WEEP : With numbers, which are checked; more exact, and with kernels for NumPy.

    Notes
    -----
    Everything is a minimum and a maximum of straight lines, (9) and (10), with the derivative a at zero. Where two
    lines meet, libraries share the derivative between the sides.

    Examples
    --------
    >>> import numpy as np
    >>> from weep.penalties import LearnableWEEP
    >>> phi = LearnableWEEP(np.array([10.0, 1.0]), 0.0)
    >>> phi.grad(np.array([[0.1, 0.1], [9.0, 9.0]]))
    array([[1. , 0.1],
           [0. , 0. ]])
    """

    a: Any
    b: Any
    scale: Any = 1.0
    x1: Any = field(init=False, repr=False)
    x2: Any = field(init=False, repr=False)
    m: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        xp, (a, b, s) = _arrays(a=self.a, b=self.b, scale=self.scale)
        root, rest = xp.sqrt(a + 1), xp.sqrt(2 * a) - b
        x1, x2 = s * (b + rest / root) / a, s * (b + rest * root) / a
        for name, value in {"a": a, "b": b, "scale": s, "x1": x1, "x2": x2, "m": (a + 1) * x1}.items():
            object.__setattr__(self, name, value)

    @classmethod
    def of_free(cls, log_a: Any, logit_b: Any, log_scale: Any = 0.0) -> Self:
        r"""The WEEP of free parameters: every real number is in the domain.

        Parameters
        ----------
        log_a, logit_b, log_scale : array
            :math:`a = e^{p}`, :math:`b = \sqrt{2a}/(1 + e^{-q})`, :math:`s = e^{r}`.

        Returns
        -------
        LearnableWEEP
            With 0 < b < √(2a), up to rounding.
        """
        xp, (p, q, r) = _arrays(log_a=log_a, logit_b=logit_b, log_scale=log_scale)
        a = xp.exp(p)
        # The hyperbolic tangent overflows nowhere.
        return cls(a, xp.sqrt(2 * a) * (1 + xp.tanh(q / 2)) / 2, xp.exp(r))

    @staticmethod
    def free(phi: WEEP) -> tuple[float, float, float]:
        """The free parameters of a WEEP, to start from. Both ends of b, which are at infinity, become ±36."""
        part = phi.b / math.sqrt(2 * phi.a)
        logit = math.log(part / (1 - part)) if 0 < part < 1 else math.copysign(math.inf, part - 0.5)
        return math.log(phi.a), min(max(logit, -36.0), 36.0), math.log(phi.scale)

    def __call__(self, x: Any) -> Any:
        """Value φ(x), elementwise, for finite x: the integral of (9), piece by piece."""
        xp = array_namespace(x, self.a)
        r = xp.abs(x)
        inner = xp.minimum(r, self.x1)
        middle = xp.minimum(xp.maximum(r, self.x1), self.x2)
        low = self.a * inner * inner + (middle - self.x1) * (self.a * self.x1 + (self.m - middle))
        return low / 2 + self.scale * self.b * xp.maximum(r - self.x2, 0 * r)

    def grad(self, x: Any) -> Any:
        """Derivative φ'(x), elementwise."""
        xp = array_namespace(x, self.a)
        line, end = self.a * x, self.scale * self.b
        right = xp.minimum(line, xp.maximum(self.m - x, end))
        left = xp.maximum(line, xp.minimum(-self.m - x, -end))
        return xp.where(x >= 0, right, left)

    def prox(self, z: Any, step: Any) -> Any:
        """Minimiser of ``step·φ(x) + (x − z)²/2``, elementwise.

        Parameters
        ----------
        z : array
            Broadcast with the parameters.
        step : float or array
            Above 0 and below 1, where the minimiser jumps nowhere. A number is checked, an array is not.

        Returns
        -------
        array
            Of the broadcast shape.

        Raises
        ------
        ValueError
            If ``step`` is a number outside (0, 1).
        """
        if not is_array_api_obj(step) and positive("step", step) >= 1:
            raise ValueError(f"step={step!r} must be below 1: from there on the prox jumps, and has no derivative")
        xp = array_namespace(z, self.a)
        shrunk, far, end = z / (1 + step * self.a), step * self.m, step * self.scale * self.b
        right = xp.maximum(shrunk, xp.minimum((z - far) / (1 - step), z - end))
        left = xp.minimum(shrunk, xp.maximum((z + far) / (1 - step), z + end))
        return xp.where(z >= 0, right, left)


def _arrays(**values: Any) -> tuple[Any, list[Any]]:
    """The library of the arrays among some parameters, and all of them as its arrays."""
    given = [value for value in values.values() if is_array_api_obj(value)]
    if not given:
        raise TypeError(f"{', '.join(values)} are numbers: one at least must be an array. WEEP takes numbers")
    xp = array_namespace(*given)
    kind = xp.result_type(*given)
    return xp, [value if is_array_api_obj(value) else xp.asarray(value, dtype=kind) for value in values.values()]
