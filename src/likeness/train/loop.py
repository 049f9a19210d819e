"""The training loop, top to bottom. It plays any :class:`likeness.system.System` and knows no paper."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from likeness.card import DIGEST, Card, header, read_card
from likeness.checkpoint import fill, read_weights
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.files import LOCK, locked
from likeness.recipe import Phase, Recipe, Training, difference, freeze
from likeness.system import System, Table
from likeness.train.batches import Batches
from likeness.train.compiling import compile_networks, told
from likeness.train.distributed import agree, average_gradients, join, together
from likeness.train.ema import RunningMean
from likeness.train.precision import casting
from likeness.train.rows import rows_of
from likeness.train.run import RunDirectory, Scalars, commit

VALIDATION_FACES = 200
_MOMENTUM = 0.1
SHEET_FACES = 12


@dataclass(frozen=True)
class Progress:
    """What the loop tells its caller: steps done and due, faces a second, seconds left, and the latest figures."""

    step: int
    steps: int
    rate: float
    remaining: float
    figures: Mapping[str, float]


def learning_rate(plan: Training, base: float, step: int) -> float:
    """Constant, then over the last ``cooldown`` steps linearly down to a tenth."""
    left = plan.steps - step
    return base if left >= plan.cooldown else base * (0.1 + 0.9 * left / plan.cooldown)


def train(
    system: System,
    name: str,
    store: FaceStore,
    folder: str | Path,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    warm_start: str | Path | None = None,
    terms: str = "",
    report: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
    ahead: bool | None = None,
) -> Path:
    """Train a system on prepared faces; calling again with the same arguments goes on where it stopped, bit for bit.

    Args:
        system: freshly built from its recipe, on the device to train on.
        name: the system's name, for the card.
        store: prepared faces; its train people are learned from, its validation people measured on.
        folder: the run directory.
        minutes: stop cleanly after that long (by the clock of this call).
        steps: stop cleanly at this step.
        warm_start: weights to begin from, at step 0 only.
        terms: terms of the data, for the card.
        report: called now and then.
        stop: asked before each step; True ends the call cleanly.
        ahead: whether a thread makes the next batch meanwhile; None: where there is room, see
            :class:`likeness.train.batches.Batches`.

    Returns:
        The weights file (running mean, float16).

    Raises:
        LikenessError: the recipe does not suit the system, the data or the run directory, another process trains into it, or
            one of several processes of this training ends.
    """
    check_players(system)
    rank, world = join()
    with locked(Path(folder) / LOCK, str(folder)) if rank == 0 else nullcontext():
        return _train(system, name, store, folder, minutes, steps, warm_start, terms, report, stop, ahead, rank, world)


def _train(
    system: System,
    name: str,
    store: FaceStore,
    folder: str | Path,
    minutes: float | None,
    steps: int | None,
    warm_start: str | Path | None,
    terms: str,
    report: Callable[[Progress], None],
    stop: Callable[[], bool],
    ahead: bool | None,
    rank: int,
    world: int,
) -> Path:
    """The work of :func:`train`; this run has its directory to itself."""
    began = time.monotonic()
    plan = system.recipe.training
    device = next(system.parameters()).device
    faces, validation = training_faces(store, plan), system.validation_subset(store).evenly(VALIDATION_FACES)
    if len(faces) == 0:
        raise LikenessError(f"{store.path}: holds no train people")
    data = learned_from(store, plan)
    check = _to(system.table(validation if len(validation) else faces.head(VALIDATION_FACES)), device)
    source = rows_of(system, faces, plan, plan.batch * world, device)
    begun_from, begun = _begun_from(system, name, warm_start) if warm_start is not None else ({}, "")
    frozen = freeze(system.recipe) | {"data": data, "warm_start": begun}
    run = RunDirectory(folder, frozen)
    if plan.channels_last:
        system.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    rates = dict(zip(system.players, plan.rates, strict=True))
    optimisers = {
        player: torch.optim.Adam(system.parameters_of(player), lr=rates[player], betas=plan.betas) for player in system.players
    }
    step, spent, mean = 0, 0.0, RunningMean(system, plan.ema)
    saved = run.restore(device)
    agree(json.dumps([frozen, saved["step"] if saved else 0]), "recipe, data or the state that they go on from")
    if saved is not None:
        step, spent = saved["step"], saved.get("spent", 0.0)
        system.load_state_dict(saved["system"])
        mean.state, mean.steps = saved["mean"], saved["mean_steps"]
        for player, optimiser in optimisers.items():
            optimiser.load_state_dict(saved["optimisers"][player])
        if rank == 0:
            run.forget_after(step)
    elif warm_start is not None:
        fill(system, {**system.state_dict(), **begun_from}, warm_start)
        mean = RunningMean(system, plan.ema)
    if plan.compile:
        compile_networks(system)

    def processor_seconds() -> float:
        return spent + time.process_time() - burnt

    def save() -> None:
        if rank:
            return
        states = {player: optimiser.state_dict() for player, optimiser in optimisers.items()}
        run.save(
            {
                "step": step,
                "spent": processor_seconds(),
                "system": system.state_dict(),
                "mean": mean.state,
                "mean_steps": mean.steps,
                "optimisers": states,
            }
        )
        card = Card(name, freeze(system.recipe), step, commit(), data=data, terms=terms)
        run.write_weights(mean.state, card)

    scalars = Scalars(Path(folder) / "tensorboard", step) if rank == 0 else None
    sums: dict[str, list[Tensor]] = {}
    playing, burnt, first, counted = time.monotonic(), time.process_time(), step, 0
    figures: dict[str, float] = {}
    last = min(plan.steps, steps if steps is not None else plan.steps)
    system.train()
    cast = casting(plan, device)
    with told(plan.compile), Batches(system, source, plan, device, last, rank, world, ahead) as batches:
        while step < last:
            if together(stop() or (minutes is not None and time.monotonic() - began >= 60 * minutes)):
                break
            phase, batch = plan.phase_at(step), batches(step)
            for player, optimiser in optimisers.items():
                for group in optimiser.param_groups:
                    group["lr"] = learning_rate(plan, rates[player], step)
            for key, value in take_step(system, batch, phase, optimisers, cast, world):
                sums.setdefault(key, []).append(value)
            if any(name.split(".")[0] in system.ships for player in phase.players for name in system.players[player]):
                mean.update(system)
            step, counted = step + 1, counted + 1
            rate = (step - first) / max(time.monotonic() - playing, 1e-9)
            if rank == 0 and (counted == 50 or step == last):
                figures = {key: float(torch.stack(values).mean()) for key, values in sums.items()}
                run.log({"step": step, **figures, "rate": rate * plan.batch * world, "processor_seconds": processor_seconds()})
                if scalars:
                    scalars.add(figures, step)
                sums, counted = {}, 0
            if rank == 0:
                report(Progress(step, last, rate * plan.batch * world, (last - step) / rate, figures))
            if step % plan.every == 0:
                save()
            if rank == 0 and step % plan.look == 0:
                _look(system, mean, check, run, scalars, step, cast)
    save()
    together(False)  # no process reads the weights before the first one has written them
    return run.weights


def take_step(
    system: System,
    batch: Any,
    phase: Phase,
    optimisers: Mapping[str, torch.optim.Optimizer],
    cast: AbstractContextManager[Any],
    world: int = 1,
) -> list[tuple[str, Tensor]]:
    """One step of a system's algorithm: the players of the phase are moved in their turn; the terms' names and values.

    Args:
        system: what learns.
        batch: of :meth:`likeness.system.System.batch`, on the system's device.
        phase: who moves.
        optimisers: of each player.
        cast: the precision in which networks compute; entered for the forward passes.
        world: how many processes average their gradients.
    """
    keep_statistics(system, phase)
    values: list[tuple[str, Tensor]] = []
    moves = system.play(batch, phase)
    while True:
        with cast:
            move = next(moves, None)
            if move is None:
                return values
            player, ask = move
            if player not in phase.players:
                continue
            said = ask()  # nothing, where a recipe leaves a player nothing to do, or this process's rows do
            loss = torch.stack([term.weight * term.value for term in said.values()]).sum() if said else None
        optimiser, weights = optimisers[player], system.parameters_of(player)
        optimiser.zero_grad(set_to_none=True)
        if loss is not None:
            loss.backward(inputs=weights)
        if average_gradients(weights, world):
            optimiser.step()
        values += [(key, term.value.detach()) for key, term in said.items()]


def keep_statistics(system: System, phase: Phase) -> None:
    """Only the networks of the phase's players move their BatchNorm's running statistics; others normalise by the batch still."""
    for player, names in system.players.items():
        momentum = _MOMENTUM if player in phase.players else 0.0
        for name in names:
            for module in getattr(system, name).modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.momentum = momentum


def training_faces(store: FaceStore, plan: Training) -> FaceStore:
    """The faces that a plan trains on: those of train people whose framing is complete enough."""
    return store.select("train").complete(plan.max_missing)


def learned_from(store: FaceStore, plan: Training) -> dict[str, str]:
    """What a card says of its training data: the file's name → how many train faces, and their hash."""
    faces = training_faces(store, plan)
    other = f", other pictures: {store.pairs}" if store.paired else ""
    return {str(store.path.name): f"{len(faces)} train faces, sha256 {faces.fingerprint()}{other}"}


def finished(folder: str | Path, recipe: Recipe, store: FaceStore, warm_start: str | Path | None = None) -> bool:
    """Whether a run directory holds a training of this recipe on this data, from these weights, at its end."""
    run = Path(folder)
    weights, note = run / "weights.safetensors", run / "recipe.json"
    if not weights.is_file() or not note.is_file():
        return False
    card = read_card(weights)
    data = learned_from(store, recipe.training)
    if card.step < recipe.training.steps or difference(card.recipe, freeze(recipe)) or card.data != data:
        return False
    begun = header(warm_start)[DIGEST] if warm_start is not None else ""
    return bool(json.loads(note.read_text()).get("warm_start") == begun)


def check_players(system: System) -> None:
    """Refuse a recipe whose phases or rates do not suit the system."""
    plan, known = system.recipe.training, list(system.players)
    if not plan.phases:
        raise LikenessError("training.phases: at least one phase is needed")
    if strangers := [player for phase in plan.phases for player in phase.players if player not in known]:
        raise LikenessError(f"training.phases: {strangers[0]!r} is not a player; there are {', '.join(known)}")
    if len(plan.rates) != len(known):
        raise LikenessError(f"training.rates: {len(known)} are needed, one for each of {', '.join(known)}; got {len(plan.rates)}")


def _begun_from(system: System, name: str, path: str | Path) -> tuple[dict[str, Tensor], str]:
    """A weights file's tensors, if they are this system's and fit the networks that ship, and the file's hash."""
    card, state = read_weights(path)
    if card.system not in (name, *system.begins_from):
        raise LikenessError(f"{path}: holds weights of {card.system!r}, not of {name!r}")
    own, state = system.shipped_state(), system.adapt_state(state)
    if wrong := sorted(set(own) ^ set(state)) or [key for key in own if own[key].shape != state[key].shape]:
        raise LikenessError(f"{path}: does not fit this recipe's networks (first: {wrong[0]})")
    return state, header(path)[DIGEST]


def _look(
    system: System, mean: RunningMean, check: Table, run: RunDirectory, scalars: Scalars | None, step: int, cast: Any
) -> None:
    """Figures and a sheet of the running mean on validation faces."""
    # weights change inside applied(): autocast must be entered after, or its cache would still hold the old ones
    with mean.applied(system), cast, torch.no_grad():
        figures = {f"validation_{key}": value for key, value in system.measure(check).items()}
        stride = max(len(next(iter(check.values()))) // SHEET_FACES, 1)
        run.sheet(step, system.show({key: column[::stride][:SHEET_FACES] for key, column in check.items()}))
    run.log({"step": step, **figures})
    if scalars:
        scalars.add(figures, step)


def _to(table: Table, device: torch.device) -> Table:
    return {key: column.to(device) for key, column in table.items()}
