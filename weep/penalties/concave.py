"""Penalties that bend until they are flat: MCP, CEL0 and SCAD."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import floating, positive
from .base import evaluate
from .pieces import PiecewiseQuadratic


@dataclass(frozen=True)
class MCP(PiecewiseQuadratic):
    r"""Zhang's minimax concave penalty: slope λ = ``lam`` at zero, falling to nothing at γλ.

    .. math::

        \phi(x) = \lambda|x| - \frac{x^2}{2\gamma} \quad (|x| \le \gamma\lambda), \qquad
        \phi(x) = \frac{\gamma\lambda^2}{2} \quad (|x| > \gamma\lambda)

    The gradient at 0 is 0, the subgradient of least norm. The prox is firm thresholding for step < γ, and hard
    thresholding at :math:`\lambda\sqrt{\text{step}\,\gamma}` from there on, where several libraries go wrong.

    Parameters
    ----------
    lam : float
        Slope at zero, λ > 0.
    gamma : float
        Width γ > 0: the penalty is flat beyond γλ. (Zhang asks for γ > 1, which matters for his estimator only.)

    References
    ----------
    C.-H. Zhang, "Nearly unbiased variable selection under minimax concave penalty", Ann. Stat. 38(2), 2010.

    Examples
    --------
    >>> from weep import MCP
    >>> MCP(lam=1.0, gamma=2.0).prox([0.4, 1.0, 3.0], step=0.5).round(2)
    array([0.  , 0.67, 3.  ])
    """

    lam: float
    gamma: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "lam", positive("lam", self.lam))
        object.__setattr__(self, "gamma", positive("gamma", self.gamma))

    def _pieces(self) -> tuple[tuple[float, float, float], ...]:
        return (0.0, self.lam, -1 / self.gamma), (self.gamma * self.lam, 0.0, 0.0)

    def parameter_grads(self, x: ArrayLike) -> dict[str, Any]:
        """Derivative of φ' by ``gamma``, elementwise: x/γ² up to γλ, and 0 beyond.

        There is none by ``lam``, which is no parameter of its own in a problem that weights the penalty.

        Parameters
        ----------
        x : array_like of real numbers
            Any shape. Floating dtypes are kept, integers become float64.

        Returns
        -------
        dict of str to ndarray or scalar
            ``"gamma"`` → derivative, of the shape of ``x``.
        """

        def by_gamma(x: NDArray[Any]) -> NDArray[Any]:
            return np.where(np.abs(x) > self.gamma * self.lam, 0, x) / self.gamma / self.gamma

        return {"gamma": evaluate(by_gamma, floating("x", x))}

    def _value(self, x: NDArray[Any]) -> NDArray[Any]:
        inner = np.minimum(np.abs(x), self.gamma * self.lam)
        return inner * (self.lam - inner / (2 * self.gamma))

    def _grad(self, x: NDArray[Any]) -> NDArray[Any]:
        return np.sign(x) * np.maximum(self.lam - np.abs(x) / self.gamma, 0)

    def _prox(self, z: NDArray[Any], step: float) -> NDArray[Any]:
        r = np.abs(z)
        if step < self.gamma:
            firm = np.minimum((r - step * self.lam) * (1 / (1 - step / self.gamma)), r)
            return np.copysign(np.maximum(firm, 0), z)
        return np.where(r > self.lam * math.sqrt(step * self.gamma), z, 0 * z)


@dataclass(frozen=True)
class CEL0(PiecewiseQuadratic):
    r"""The continuous exact L0 penalty: the L0 penalty λ = ``lam``, relaxed for a column of a design of norm ``norm``.

    .. math::

        \phi(x) = \lambda - \frac{\|a\|^2}{2}\Big(|x| - \frac{\sqrt{2\lambda}}{\|a\|}\Big)^2
        \quad \Big(|x| \le \frac{\sqrt{2\lambda}}{\|a\|}\Big), \qquad \phi(x) = \lambda \quad \text{beyond}

    Added to :math:`\|Ax - y\|^2/2`, it has the global minimisers of λ times L0, and no local ones that L0
    has not. It is MCP with slope :math:`\|a\|\sqrt{2\lambda}` at zero and γ = 1/\|a\|², and the kernels are those of
    `MCP`. λ is a parameter of its shape: to scale the penalty by a step afterwards breaks the exactness.

    Parameters
    ----------
    lam : float
        Weight λ > 0 of L0: the plateau.
    norm : float, optional
        Norm of the column a, above 0.

    References
    ----------
    E. Soubies, L. Blanc-Féraud, G. Aubert, "A continuous exact ℓ0 penalty (CEL0) for least squares regularized
    problem", SIAM J. Imaging Sci. 8(3), 2015.

    Examples
    --------
    >>> from weep import CEL0
    >>> CEL0(lam=0.5, norm=2.0)([0.0, 0.1, 3.0])
    array([0.  , 0.18, 0.5 ])
    """

    lam: float
    norm: float = 1.0
    _mcp: MCP = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lam, norm = positive("lam", self.lam), positive("norm", self.norm)
        if not 1e-150 < norm < 1e150:
            raise ValueError(f"norm={norm!r} must lie between 1e-150 and 1e150, where its square does not overflow")
        object.__setattr__(self, "lam", lam)
        object.__setattr__(self, "norm", norm)
        object.__setattr__(self, "_mcp", MCP(norm * math.sqrt(2 * lam), norm**-2))

    def _pieces(self) -> tuple[tuple[float, float, float], ...]:
        return self._mcp._pieces()

    def _value(self, x: NDArray[Any]) -> NDArray[Any]:
        return self._mcp._value(x)

    def _grad(self, x: NDArray[Any]) -> NDArray[Any]:
        return self._mcp._grad(x)

    def _prox(self, z: NDArray[Any], step: float) -> NDArray[Any]:
        return self._mcp._prox(z, step)


@dataclass(frozen=True)
class SCAD(PiecewiseQuadratic):
    r"""Fan and Li's smoothly clipped absolute deviation: slope λ = ``lam`` up to λ, falling to nothing at aλ.

    .. math::

        \phi'(x) = \operatorname{sgn}(x)\,\min\!\Big(\lambda, \frac{(a\lambda - |x|)_+}{a - 1}\Big), \qquad \phi(0) = 0

    The gradient at 0 is 0, the subgradient of least norm. For step < a − 1 the prox is continuous. From there on it
    jumps from soft thresholding to z at λ(a + 1 + step)/2, and, if step > a + 1, from 0 to z at
    :math:`\lambda\sqrt{\text{step}(a+1)}`.

    Parameters
    ----------
    lam : float
        Slope at zero, λ > 0.
    a : float, optional
        Width, a > 2: the penalty is flat beyond aλ, at λ²(a + 1)/2.

    References
    ----------
    J. Fan, R. Li, "Variable selection via nonconcave penalized likelihood and its oracle properties", J. Am. Stat.
    Assoc. 96(456), 2001.

    Examples
    --------
    >>> from weep import SCAD
    >>> SCAD(lam=1.0).prox([0.5, 1.0, 4.0], step=0.5)
    array([0. , 0.5, 4. ])
    """

    lam: float
    a: float = 3.7

    def __post_init__(self) -> None:
        object.__setattr__(self, "lam", positive("lam", self.lam))
        object.__setattr__(self, "a", positive("a", self.a))
        if self.a <= 2:
            raise ValueError(f"a={self.a!r} must be greater than 2")

    def _pieces(self) -> tuple[tuple[float, float, float], ...]:
        return (0.0, self.lam, 0.0), (self.lam, self.lam, -1 / (self.a - 1)), (self.a * self.lam, 0.0, 0.0)

    def _value(self, x: NDArray[Any]) -> NDArray[Any]:
        lam, end = self.lam, self.a * self.lam
        r = np.abs(x)
        middle = np.clip(r, lam, end)
        return lam * np.minimum(r, lam) + (middle - lam) * ((end - lam) + (end - middle)) / (2 * (self.a - 1))

    def _grad(self, x: NDArray[Any]) -> NDArray[Any]:
        falling = np.maximum(self.a * self.lam - np.abs(x), 0) / (self.a - 1)
        return np.sign(x) * np.minimum(falling, self.lam)

    def _prox(self, z: NDArray[Any], step: float) -> NDArray[Any]:
        lam, a = self.lam, self.a
        r = np.abs(z)
        soft = np.maximum(r - step * lam, 0)
        if step < a - 1:
            slope = step / (a - 1)
            middle = (r - slope * a * lam) * (1 / (1 - slope))
            return np.copysign(np.maximum(soft, np.minimum(middle, r)), z)
        jump = lam * (a + 1 + step) / 2 if step <= a + 1 else lam * math.sqrt(step * (a + 1))
        return np.where(r > jump, z, np.copysign(soft, z))
