"""A penalty as a loss and as a regulariser of PyTorch."""

from collections.abc import Iterable

from ..checks import extra, nonnegative

with extra("torch", "this adapter"):
    import torch

from ..penalties import Penalty
from ..penalties.base import penalty

__all__ = ["Loss", "Regulariser"]


class Loss(torch.nn.Module):
    """The loss φ(input − target), reduced like PyTorch's own losses.

    Parameters
    ----------
    phi : Penalty
        The loss.
    reduction : {"mean", "sum", "none"}, optional
        Over all entries.

    Raises
    ------
    TypeError
        If ``phi`` is no penalty.
    ValueError
        If ``reduction`` is not known, or, when called, if prediction and target differ in shape: broadcasting would
        compare each entry of one with each of the other.
    """

    def __init__(self, phi: Penalty, reduction: str = "mean") -> None:
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction={reduction!r} must be 'mean', 'sum' or 'none'")
        self.phi, self.reduction = penalty("phi", phi), reduction

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The loss of a prediction."""
        if input.shape != target.shape:
            raise ValueError(
                f"input and target must have one shape, not {tuple(input.shape)} and {tuple(target.shape)}"
            )
        value = self.phi(input - target)
        return value if self.reduction == "none" else getattr(value, self.reduction)()


class Regulariser(torch.nn.Module):
    """The sum λ Σ φ(w) over parameters: ``loss + regulariser(model.parameters())``.

    Parameters
    ----------
    phi : Penalty
        The penalty.
    lam : float
        Weight λ ≥ 0.

    Raises
    ------
    TypeError
        If ``phi`` is no penalty, or ``lam`` no real number.
    ValueError
        If ``lam`` is negative.
    """

    def __init__(self, phi: Penalty, lam: float) -> None:
        super().__init__()
        self.phi, self.lam = penalty("phi", phi), nonnegative("lam", lam)

    def forward(self, parameters: Iterable[torch.Tensor]) -> torch.Tensor:
        """The penalty on all entries of all tensors."""
        return self.lam * torch.stack([self.phi(w).sum() for w in parameters]).sum()
