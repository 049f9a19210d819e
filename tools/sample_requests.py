"""One request for each system over the sample faces: what tools and tests ask every shipped system for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

REQUESTS: dict[str, dict[str, Any]] = {
    "parts": {"photo": 0, "mouth": 1},
    "portrait": {"drawing": 0, "effect": "pencil"},
    "isegan": {"sketch": 0},
    "landmark": {"landmarks": 0},
    "facefeat": {"photo": 0},
    "joint": {"drawing": 0, "effect": "pencil", "like": 0},
    "parser": {"photo": 0},
    "landmark_detector": {"photo": 0},
    "face_detector": {"photo": 0},
}
"""System → condition or option → its value; a number is a sample face, counted from the one that the request is for."""


def request(system: str, samples: list[Path], number: int = 0) -> dict[str, Any]:
    """The request for a system over sample face ``number``; the next sample is the second person where one is needed."""
    asked = REQUESTS[system]
    return {name: samples[(number + value) % len(samples)] if isinstance(value, int) else value for name, value in asked.items()}
