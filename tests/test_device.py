"""Training on a GPU: what can be known of every system without one, and the conformance run where there is one.

pytest -m cuda      on a machine with a GPU: every system takes a step in bfloat16, reads nothing back, and its graphs agree
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from likeness import assets, systems
from likeness.baselines.contextual_attention import Critic, gradient_penalty
from likeness.data.store import FaceStore
from likeness.engine import open_weights
from likeness.errors import LikenessError
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces
from likeness.recipe import Phase, Recipe, Training, override
from likeness.records import Image, Term
from likeness.system import Move, System, Table
from likeness.train import compiling
from likeness.train.batches import Batches, mapped, on_device, room_for_a_thread
from likeness.train.loop import take_step, train
from likeness.train.rows import rows_of

SYSTEMS = sorted(systems.SYSTEMS)
ON_HOST = {"facefeat": {"P"}, "joint": {"G"}}
"""Players whose loss reads something back: E_1 learns what a morphable model, fitted with numpy, says of landmarks; joint's
identity term chooses rows.
"""
CPU = torch.device("cpu")
on_gpu = [
    pytest.mark.cuda,
    pytest.mark.skipif(
        not torch.cuda.is_available(), reason="torch sees no CUDA device; pytest -m cuda is for a machine with one"
    ),
]


def built(name: str, *settings: str) -> System:
    torch.manual_seed(0)
    return systems.row(name).build(override(systems.recipe(f"{name}:tiny"), settings))


def store(system: System) -> FaceStore:
    framing = system.recipe.framing  # type: ignore[attr-defined]
    return FaceStore.of(drawn_faces(12, framing, paired=True), framing, "drawn", "labels")


def stepped(
    system: System,
    device: str,
    cast: AbstractContextManager[Any] | None = None,
    watch: AbstractContextManager[Any] | None = None,
    skipped: Collection[str] = (),
    optimiser: Callable[..., torch.optim.Optimizer] = torch.optim.Adam,
) -> list[float]:
    """One step of each phase on a device, batches made before, without the players ``skipped``; the parameters' sums of squares.

    ``watch`` is entered round each step, ``cast`` for forward passes.
    """
    plan = system.recipe.training
    table = system.table(store(system).select("train"))
    system.fit_statistics(table)
    phases = [replace(phase, players=tuple(one for one in phase.players if one not in skipped)) for phase in plan.phases]
    batches = [
        system.batch({key: column[: plan.batch] for key, column in table.items()}, torch.Generator().manual_seed(i), augment=True)
        for i, _ in enumerate(phases)
    ]
    system.to(device)
    optimisers = {player: optimiser(system.parameters_of(player), lr=1e-3) for player in system.players}
    for batch, phase in zip(batches, phases, strict=True):
        there = mapped(batch, lambda tensor: tensor.to(device))
        with watch or nullcontext():
            take_step(system, there, phase, optimisers, cast or nullcontext())
    return [float(weight.detach().square().sum()) for weight in system.parameters()] if device != "meta" else []


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_step_reads_nothing_back(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensors on ``meta`` have no values: whatever would wait for a GPU's (a branch, a mask, ``item``) fails on them."""
    monkeypatch.setattr(torch, "autocast", lambda *said, **more: nullcontext())  # meta knows no precision
    stepped(built(name), "meta", skipped=ON_HOST.get(name, ()))


def test_what_reads_back_fails_on_meta() -> None:
    """The test above can fail."""
    with pytest.raises(RuntimeError):
        bool((torch.zeros(2, device="meta") > 0).any())
    with pytest.raises(RuntimeError):
        torch.zeros(2, device="meta")[torch.zeros(2, device="meta") > 0]


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_step_in_bfloat16(name: str) -> None:
    """As where there are units for it, such as AMX: nothing that must be float32 is cast, and no weight is lost."""
    autocast = torch.autocast("cpu", torch.bfloat16)
    assert np.isfinite(stepped(built(name), "cpu", autocast)).all()


def tensors(batch: Any) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        found.append(tensor)
        return tensor

    mapped(batch, keep)
    return found


@pytest.mark.parametrize("name", SYSTEMS)
def test_batches_made_ahead_are_the_same(name: str) -> None:
    """Whoever makes them, to the last bit, the chance that is left for the rest of the step too."""
    system = built(name)
    plan = system.recipe.training
    found = []
    for ahead in (False, True):
        source = rows_of(system, store(system), plan, plan.batch, CPU)
        with Batches(system, source, plan, CPU, 3, ahead=ahead) as batches:
            made = [batches(step) for step in range(3)]
        parts = [part for batch in made for part in tensors(batch)]
        parts += [batch.generator.get_state() for batch in made if hasattr(batch, "generator")]
        found.append(parts)
    assert len(found[0]) == len(found[1]) >= 3
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_a_batch_that_fails_is_told(tmp_path: Path) -> None:
    """What goes wrong in the thread comes out of the training."""
    system = built("parts")
    system.batch = lambda rows, generator, augment: 1 / 0  # type: ignore[method-assign, assignment]
    with pytest.raises(ZeroDivisionError):
        train(system, "parts", store(system), tmp_path / "run", ahead=True)


def test_room_for_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("likeness.train.batches.cores", lambda: 4)
    for threads, room in ((1, True), (2, True), (3, False), (4, False)):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        assert room_for_a_thread(CPU) == room
    assert room_for_a_thread(torch.device("cuda"))


def test_without_a_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says so, before anything is learned."""

    def missing(function: Any) -> Any:
        def called(*given: Any) -> Any:
            raise RuntimeError("Failed to find C++ compiler. Please specify via CXX environment variable.\nmore")

        return called

    monkeypatch.setattr(torch, "compile", missing)
    system = built("face_detector", "training.compile=true")
    with pytest.raises(LikenessError, match=r"training.compile=true: .*C\+\+ compiler.*--set training.compile=false") as told:
        train(system, "face_detector", store(system), tmp_path / "run")
    assert "\n" not in str(told.value) and not (tmp_path / "run" / "state.pt").exists()


class Mix(nn.Module):
    """A class of its own, for torch leaves a Linear that is called by itself as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.colours = nn.Linear(3, 1)

    def forward(self, colours: torch.Tensor) -> torch.Tensor:
        mixed: torch.Tensor = self.colours(colours)
        return mixed


class Grey(System):
    """One small network, which is compiled in seconds: the mean colour of a face as the mean of grey."""

    players: ClassVar[dict[str, tuple[str, ...]]] = {"G": ("nets",)}
    ships: ClassVar[tuple[str, ...]] = ("nets",)

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.nets = nn.ModuleDict({"one": Mix()})

    def table(self, store: FaceStore) -> Table:
        return {"colour": torch.stack([torch.tensor(face.image.mean((0, 1)) / 255).float() for face in store])}

    def batch(self, rows: Table, generator: torch.Generator, augment: bool) -> torch.Tensor:
        return rows["colour"]

    def play(self, batch: torch.Tensor, phase: Phase) -> Iterator[Move]:
        yield "G", lambda: {"grey": Term((self.nets["one"](batch)[:, 0] - batch.mean(1)).square().mean(), 1.0, "toy")}

    def show(self, rows: Table) -> Image:
        raise AssertionError

    def measure(self, rows: Table) -> dict[str, float]:
        return {}


@pytest.mark.filterwarnings("ignore")  # of torch's own compiler
def test_compiled_networks_learn_the_same(tmp_path: Path) -> None:
    """To float noise, also a table of networks; the weights keep their names."""
    try:
        compiling.check(CPU)
    except LikenessError as problem:
        pytest.skip(str(problem))
    states = []
    faces = drawn_faces(8, Framing(size=32))
    for compiled in (False, True):
        phases = (Phase(6, ("G",)),)
        plan = Training(batch=4, rates=(0.05,), phases=phases, bf16=False, compile=compiled, look=100)
        torch.manual_seed(0)
        torch._dynamo.reset()
        torch._dynamo.utils.counters.clear()
        system = Grey(Recipe("grey", plan))
        before = system.nets["one"].colours.weight.detach().clone()
        train(system, "grey", FaceStore.of(faces, Framing(size=32), "drawn"), tmp_path / str(compiled))
        assert (system.nets["one"].colours.weight - before).abs().max() > 0.05
        assert bool(torch._dynamo.utils.counters["stats"]["unique_graphs"]) == compiled
        states.append(torch.load(tmp_path / str(compiled) / "state.pt", weights_only=True)["system"])
    assert states[0].keys() == states[1].keys() == {"nets.one.colours.weight", "nets.one.colours.bias"}
    for key, value in states[0].items():
        torch.testing.assert_close(states[1][key], value, atol=1e-5, rtol=0)


@pytest.mark.filterwarnings("ignore")  # of torch's own compiler
def test_a_network_that_cannot_be_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says so, with the compiler's reason; other mistakes stay what they are."""

    def broken(*given: Any) -> Any:
        raise ValueError("no such operator")

    torch._dynamo.reset()
    monkeypatch.setattr("likeness.train.loop.compile_networks", lambda system: compiling.compile_networks(system, broken))
    plan = Training(batch=4, rates=(0.05,), phases=(Phase(2, ("G",)),), bf16=False, compile=True, look=100)
    faces = FaceStore.of(drawn_faces(8, Framing(size=32)), Framing(size=32), "drawn")
    with pytest.raises(LikenessError, match=r"compile these networks \(.*no such operator\); train with --set") as refused:
        train(Grey(Recipe("grey", plan)), "grey", faces, tmp_path / "run")
    assert "\n" not in str(refused.value)
    with pytest.raises(RuntimeError, match="mine"), compiling.told(True):
        raise RuntimeError("mine")


@pytest.mark.filterwarnings("ignore")  # of torch's own compiler
def test_a_gradient_penalty_of_a_compiled_critic() -> None:
    """A second derivative, which torch.compile does not have: the penalty is the one of the critic as it is."""
    torch.manual_seed(0)
    critic, real, made, hole = Critic(32, 2), torch.rand(2, 4, 32, 32), torch.rand(2, 4, 32, 32), torch.ones(2, 1, 32, 32)
    found = []
    for compiled in (False, True):
        if compiled:
            torch._dynamo.reset()
            critic.compile(backend="aot_eager")
        critic.zero_grad()
        (critic(real).sum() + gradient_penalty(critic, real, made, hole, torch.full((2, 1, 1, 1), 0.5))).backward()
        found.append([weight.grad for weight in critic.parameters()])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.filterwarnings("ignore")  # of torch's own compiler
@pytest.mark.parametrize("name", ["landmark", "parser", "parts"])
def test_real_networks_are_compiled(name: str) -> None:
    """Traced and differentiated as torch.compile does it, every phase and player; no code is written, which takes minutes.

    A step with plain gradients moves the weights by the same, to float noise.
    """
    moved = []
    for compiled in (False, True):
        torch._dynamo.reset()
        torch._dynamo.utils.counters.clear()
        system = built(name, "training.bf16=false")
        before = [weight.detach().clone() for weight in system.parameters()]
        if compiled:
            compiling.compile_networks(system, "aot_eager")
        stepped(system, "cpu", optimiser=torch.optim.SGD)
        moved.append([weight.detach() - then for weight, then in zip(system.parameters(), before, strict=True)])
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] >= len(system.players)
    for one, other in zip(*moved, strict=True):
        ulps = 2 * torch.finfo().eps  # of weights near 1, which were subtracted
        torch.testing.assert_close(other, one, atol=1e-4 * float(one.abs().max()) + ulps, rtol=1e-3)


# with a GPU


class Watched(AbstractContextManager[None]):
    """Within, whatever waits for the GPU fails."""

    def __enter__(self) -> None:
        torch.cuda.synchronize()
        torch.cuda.set_sync_debug_mode("error")

    def __exit__(self, *problem: object) -> None:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("name", [pytest.param(name, marks=on_gpu) for name in SYSTEMS])
def test_a_step_on_the_gpu(name: str) -> None:
    """In bfloat16: finite, moved, and nothing waits for the device in between; in float32 the weights of the processor's step."""
    system = built(name)
    before = [float(weight.square().sum()) for weight in system.parameters()]
    after = stepped(system, "cuda", torch.autocast("cuda", torch.bfloat16), Watched(), ON_HOST.get(name, ()))
    assert np.isfinite(after).all() and before != after
    plain = stepped(built(name), "cpu")
    there = stepped(built(name), "cuda")
    np.testing.assert_allclose(there, plain, rtol=2e-2, atol=1e-3)


@pytest.mark.parametrize("name", [pytest.param(name, marks=on_gpu) for name in SYSTEMS])
def test_a_training_on_the_gpu(name: str, tmp_path: Path) -> None:
    """The loop, with batches made ahead, and stopped and gone on with: the same weights as in one go."""
    for folder, stops in (("whole", (4,)), ("parts", (2, 4))):
        for steps in stops:
            system = built(name).to("cuda")
            train(system, name, store(system), tmp_path / folder, steps=steps)
    one, two = (torch.load(tmp_path / name / "state.pt", weights_only=True)["system"] for name in ("whole", "parts"))
    for key, value in one.items():
        torch.testing.assert_close(two[key], value, atol=1e-3, rtol=1e-2)


FOLDERS = sorted(path.parent.name for path in assets.WEIGHTS.glob("*/weights.safetensors") if any(path.parent.glob("*.onnx")))


@pytest.mark.parametrize("folder", [pytest.param(name, marks=on_gpu) for name in FOLDERS])
def test_engines_agree_on_the_gpu(folder: str) -> None:
    """Each network by torch on the GPU and by onnxruntime on the processor: to 1e-2 of half of a port's range."""
    path = assets.WEIGHTS / folder / "weights.safetensors"
    onnx, there = open_weights(path, "onnx", "cpu"), open_weights(path, "torch", "cuda")
    for name, graph in onnx.graphs.items():
        given = {}
        for seed, port in enumerate(graph.inputs):
            shape = [2 if size == "batch" else 64 if isinstance(size, str) else size for size in port.shape]
            given[port.name] = np.random.default_rng(seed).uniform(port.low, port.high, shape).astype(np.float32)
        one, other = graph(**given), there.graphs[name](**given)
        for port in graph.outputs:
            apart = float(np.abs(one[port.name] - other[port.name]).max())
            assert apart <= 1e-2 * max((port.high - port.low) / 2, 1), (name, port.name, apart)


@pytest.mark.parametrize("pinned", [pytest.param(True, marks=on_gpu)])
def test_batches_reach_the_gpu_without_waiting(pinned: bool) -> None:
    with Watched():
        there = on_device({"photo": torch.rand(4, 3, 8, 8)}, torch.device("cuda"))
    assert there["photo"].is_cuda


def test_the_marker_is_known(pytestconfig: pytest.Config) -> None:
    assert any(line.startswith("cuda:") for line in pytestconfig.getini("markers"))
    assert replace(Training(), compile=True).compile and not Training().compile
