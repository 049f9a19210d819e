"""BiSeNet's objective (Yu et al. 2018, section 3.4), each equation a function."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from likeness.records import Term


def softmax_loss(logits: Tensor, classes: Tensor, hardest: float) -> Tensor:
    """(1) −log softmax(p)_y, the mean over the ``hardest`` share of all pixels (online hard example mining; 1 is all).

    Args:
        logits: B × K × H × W.
        classes: B × H × W, integers.
    """
    losses = cross_entropy(logits.float(), classes, reduction="none").flatten()
    return losses.topk(max(1, round(hardest * losses.numel()))).values.mean()


def joint_loss(main: Tensor, beside: tuple[Tensor, ...], classes: Tensor, auxiliary: float, hardest: float) -> dict[str, Term]:
    """(2) L = l_p(main) + α Σ l_i(auxiliary heads), so that the context path learns where it stands."""
    terms = {"main": Term(softmax_loss(main, classes, hardest), 1.0, "(2)")}
    if auxiliary:
        terms["auxiliary"] = Term(torch.stack([softmax_loss(one, classes, hardest) for one in beside]).sum(), auxiliary, "(2)")
    return terms
