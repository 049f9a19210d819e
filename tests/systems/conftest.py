"""What tests of systems share: the joint model's tiny run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from likeness import systems
from likeness.systems.joint.synthesis import JointSynthesizer


@pytest.fixture(scope="session")
def joint_run(tiny_run: Callable[[str], Path]) -> Path:
    return tiny_run("joint")


@pytest.fixture(scope="session")
def joint(joint_run: Path) -> JointSynthesizer:
    made = systems.load(joint_run, "joint")
    assert isinstance(made, JointSynthesizer)
    return made
