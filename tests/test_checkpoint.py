"""Weights files: what is kept comes back, in a quarter of the room where that was asked for; what is damaged is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from likeness.card import STEPS, STORES, Card, header, read_card, storage
from likeness.checkpoint import ALIGNMENT, read_weights, write_weights
from likeness.errors import LikenessError

CARD = Card("parts", {"name": "parts:tiny"}, 7)


def some() -> dict[str, torch.Tensor]:
    chance = torch.Generator().manual_seed(0)
    return {
        "convolution": torch.randn(64, 64, 3, 3, generator=chance) * torch.logspace(-3, 3, 64).reshape(64, 1, 1, 1),
        "matrix": torch.randn(256, 256, generator=chance),
        "norm": torch.randn(8, generator=chance),
        "count": torch.tensor(12345),
        "still": torch.zeros(2, 3),
    }


@pytest.mark.parametrize(("store", "share"), [("float32", 0.0), ("float16", 2**-11), ("int8", 0.5 / 127)])
def test_what_is_kept_comes_back(store: str, share: float, tmp_path: Path) -> None:
    """Each number to half a step: of float16 that of its own size, of int8 a 127th of the largest of its row."""
    state = some()
    path = write_weights(tmp_path / "w.safetensors", state, CARD, store)
    card, found = read_weights(path)
    assert card == CARD == read_card(path) and storage(path) == store
    assert found.keys() == state.keys() and int(found["count"]) == 12345
    for name, value in state.items():
        if value.is_floating_point():
            assert found[name].dtype == torch.float32 and found[name].shape == value.shape
            rows = value.flatten(1) if value.ndim > 1 else value[:, None]
            most = share * rows.abs().amax(1, keepdim=True) * 1.001 + 1e-12
            assert ((found[name].reshape(rows.shape) - rows).abs() <= most).all(), name


def test_int8_takes_a_quarter_of_the_room(tmp_path: Path) -> None:
    state = {"matrix": torch.randn(256, 256)}
    sizes = {store: write_weights(tmp_path / store, state, CARD, store).stat().st_size for store in STORES}
    assert sizes["int8"] < 0.28 * sizes["float32"] < 0.15 * 4 * sizes["float16"]


def test_tensors_begin_at_a_multiple_of_256_bytes(tmp_path: Path) -> None:
    for notes in ("", "a", "ab" * 100):
        path = write_weights(tmp_path / "w.safetensors", some(), Card("parts", {"name": "parts:tiny"}, 7, notes=notes))
        content = path.read_bytes()
        assert (8 + int.from_bytes(content[:8], "little")) % ALIGNMENT == 0
        assert read_card(path).notes == notes and header(path)


def test_written_again_they_are_the_same(tmp_path: Path) -> None:
    """So a card can be changed without the weights losing anything."""
    first = write_weights(tmp_path / "a.safetensors", some(), CARD, "int8")
    second = write_weights(tmp_path / "b.safetensors", read_weights(first)[1], CARD, "int8")
    one, two = read_weights(first)[1], read_weights(second)[1]
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_changed_step_is_told(tmp_path: Path) -> None:
    from safetensors import safe_open
    from safetensors.torch import save_file

    path = write_weights(tmp_path / "w.safetensors", some(), CARD, "int8")
    with safe_open(str(path), "pt") as file:
        state, header = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    state["matrix" + STEPS] *= 2
    save_file(state, str(path), header)
    with pytest.raises(LikenessError, match="is damaged"):
        read_weights(path)
