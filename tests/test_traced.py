"""Networks alike are traced once, and what is written of a model that was traced before is what its own tracing gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from likeness.card import Card
from likeness.checkpoint import write_weights
from likeness.engine import open_weights
from likeness.engine.graph import Port
from likeness.engine.torch import Network
from likeness.export import export, traced
from likeness.recipe import freeze, override
from likeness.systems import recipe
from likeness.systems.portrait.graphs import graphs

FACE = Port("x", ("batch", 3, 8, 8)), Port("y", ("batch", 3, 8, 8))


class Scaled(torch.nn.Module):
    """A convolution, what it is multiplied by, and a constant that no weights file has."""

    def __init__(self, factor: float = 2.0, channels: int = 3, constant: float = 0.5) -> None:
        super().__init__()
        self.net, self.factor = torch.nn.Conv2d(channels, 3, 1), factor
        self.register_buffer("constant", torch.full((3, 1, 1), constant), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The picture."""
        moved: torch.Tensor = self.net(x) * self.factor + self.constant
        return moved


def digest(module: torch.nn.Module, *ports: Port) -> str:
    one, other = ports or FACE
    return traced.structure(Network(module, (one,), (other,)))


def test_what_a_structure_is_made_of() -> None:
    """Not the weights' values; but their shapes, settings, constants, ports, and the class."""
    plain = digest(Scaled())
    assert len(plain) == 64 and plain == digest(Scaled())
    others = [Scaled(3.0), Scaled(channels=1), Scaled(constant=0.25), torch.nn.Sequential(Scaled())]
    found = [digest(one) for one in others] + [digest(Scaled(), FACE[0], Port("z", FACE[1].shape))]
    assert len({plain, *found}) == 1 + len(found)

    class Local(torch.nn.Identity):
        """Not to be pickled."""

    assert digest(Local()) == ""


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tracings, and a memory of their own."""
    asked: list[str] = []
    whole = traced.trace
    monkeypatch.setattr(traced, "known", {})
    monkeypatch.setattr(traced, "trace", lambda network: asked.append(network.inputs[0].name) or whole(network))
    return asked


def written(folder: Path, seed: int, *settings: str) -> Path:
    """Fresh weights of portrait, and its graph."""
    torch.manual_seed(seed)
    frozen = freeze(override(recipe("portrait:tiny"), settings))
    state = {name: value for one in graphs(frozen).values() for name, value in one.module.state_dict().items()}
    path = write_weights(folder / "weights.safetensors", state, Card("portrait", frozen, 1))
    (graph,) = export(path)
    return graph


def test_other_weights_of_the_same_networks(counted: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One tracing for two runs whose recipes differ in training; the second graph is its own tracing's, byte for byte."""
    written(tmp_path / "one", 1)
    graph = written(tmp_path / "two", 2, "training.batch=3")
    assert len(counted) == 1
    content = graph.read_bytes()
    traced.known.clear()
    written(tmp_path / "two", 2, "training.batch=3")
    assert len(counted) == 2 and graph.read_bytes() == content
    engines: Callable[[str], object] = lambda engine: open_weights(graph.with_name("weights.safetensors"), engine)  # noqa: E731
    assert engines("onnx") and engines("torch")
    written(tmp_path / "wide", 1, "width=12")
    assert len(counted) == 3
