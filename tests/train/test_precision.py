"""bfloat16 where it is quicker."""

from __future__ import annotations

import pytest
import torch

from likeness.recipe import Training
from likeness.train.precision import casting, multiplies_bfloat16

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(
    ("known", "quick"),
    [
        ({"architecture": "x86_64", "amx_bf16": True}, True),
        ({"architecture": "x86_64", "amx_bf16": False, "avx512_bf16": True}, False),
        ({"architecture": "aarch64"}, True),
    ],
)
def test_processors(known: dict[str, object], quick: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known, raising=False)
    assert multiplies_bfloat16(CPU) == quick
    assert multiplies_bfloat16(CUDA)
    layer, given = torch.nn.Linear(2, 2), torch.ones(1, 2)
    with casting(Training(bf16=True), CPU):
        assert layer(given).dtype == (torch.bfloat16 if quick else torch.float32)
    with casting(Training(bf16=False), CPU):
        assert layer(given).dtype == torch.float32
