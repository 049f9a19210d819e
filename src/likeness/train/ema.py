"""The running mean of the weights, which is steadier than the weights and is what ships."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from likeness.system import System


class RunningMean:
    """Exponential mean with a half-life in steps; early on it forgets faster, so that the first steps do not linger."""

    def __init__(self, system: System, half_life: float) -> None:
        self.keep = 0.5 ** (1 / half_life)
        self.steps = 0
        self.state = {name: value.detach().clone() for name, value in system.shipped_state().items()}

    @torch.no_grad()
    def update(self, system: System) -> None:
        """Move towards the present weights; integers are copied."""
        keep = min(self.keep, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        for name, value in system.shipped_state().items():
            if value.is_floating_point():
                self.state[name].lerp_(value, 1 - keep)
            else:
                self.state[name].copy_(value)

    @contextmanager
    def applied(self, system: System) -> Iterator[None]:
        """While open, the system has the mean's weights and stands in evaluation mode."""
        own: dict[str, Tensor] = {name: value.detach().clone() for name, value in system.shipped_state().items()}
        training = system.training
        system.load_state_dict(self.state, strict=False)
        system.eval()
        try:
            yield
        finally:
            system.load_state_dict(own, strict=False)
            system.train(training)
