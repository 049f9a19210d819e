"""What all routes share: the bodies of requests as records, whose a request is, and the header by which a file is saved."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import Request, WebSocket
from pydantic import BaseModel, ConfigDict, Field

from likeness.studio.pictures import safe_name

API = "/api/v1"
MEDIA = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".mp4": "video/mp4"}


class Asked(BaseModel):
    """What requests have in common: unknown fields are refused, so that a misspelt one is not passed over."""

    model_config = ConfigDict(extra="forbid")


class OfFace(Asked):
    """Which face of a picture."""

    face: int = Field(default=1, ge=1, le=1000, description="1 is the largest")


class OfLandmarks(OfFace):
    """Which face, and the framing of which system."""

    system: str = Field(default="landmark", max_length=100, description="in whose framing `framed` is; empty: none")


class OfDrawing(Asked):
    """How a photo is drawn."""

    effect: str = Field(default="pencil", max_length=40)
    seed: int = Field(default=0, ge=0, lt=2**31)


class Some(Asked):
    """Pictures of the session."""

    pictures: list[str] = Field(max_length=200)


class Making(Asked):
    """What is made from what, as the library says it; or several such ``requests`` of one system."""

    system: str = Field(max_length=100, description="a name of GET /systems")
    conditions: dict[str, Any] = Field(default_factory=dict, max_length=100)
    options: dict[str, Any] = Field(default_factory=dict, max_length=100)
    seed: int | None = Field(default=None, ge=0, lt=2**31)
    requests: list[dict[str, Any]] | None = Field(default=None, description="conditions, options and seed each")


class NewJob(Asked):
    """A job to begin."""

    kind: Literal["reenact", "portrait"]
    clip: str = Field(default="", max_length=64, description="reenact: a clip's id")
    system: str = Field(default="landmark", max_length=100, description="reenact: whose model")
    target: str | None = Field(default=None, max_length=200, pattern=r"^[^-].*$", description="reenact: which of its targets")
    beside: bool = Field(default=False, description="reenact: driver, landmarks and face side by side")
    own: bool = Field(default=False, description="reenact: the driver is the target")
    raw: bool = Field(default=False, description="reenact: landmarks as they are found, not made steady")
    pictures: list[str] = Field(default_factory=list, max_length=200, description="portrait: photos of one person")
    minutes: float = Field(default=30, gt=0, le=24 * 60, description="portrait: how long it learns at most")
    steps: int | None = Field(
        default=None, ge=1, le=1_000_000, description="portrait: it learns up to this step of the recipe's schedule"
    )
    name: str = Field(default="person", max_length=60, description="portrait: what to call the model")


class OfResume(Asked):
    """How a job goes on."""

    minutes: float | None = Field(default=None, gt=0, le=24 * 60, description="portrait: it learns for so many more")


class State(Asked):
    """What the page wants to find again after a reload."""

    state: Any = None


def client_of(request: Request | WebSocket) -> str:
    """The session of a request, as the guard found it."""
    return str(request.scope["state"]["client"])


def is_here(request: Request) -> bool:
    """Whether a request comes from this machine itself, as the guard found it."""
    return bool(request.scope["state"]["here"])


async def body_of(request: Request) -> bytes:
    """A request's body; how large it may be, the guard sees to."""
    return b"".join([chunk async for chunk in request.stream()])


def attached(name: str, suffix: str) -> dict[str, str]:
    """The header by which a browser saves a file under a name; none without a name."""
    if not name:
        return {}
    stem = safe_name(name, "", "face")
    return {"content-disposition": f'attachment; filename="{stem if stem.endswith(suffix) else stem + suffix}"'}
