"""Uploaded clips, on the disk for as long as the server runs."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from likeness import video
from likeness.errors import LikenessError
from likeness.studio.errors import StudioError, missing
from likeness.studio.job import owner_of
from likeness.studio.limits import Limits
from likeness.studio.pictures import new_id, safe_name

MAGIC = {b"ftyp": 4, b"moov": 4, b"mdat": 4, b"wide": 4, b"free": 4, b"\x1a\x45\xdf\xa3": 0, b"RIFF": 0}
"""How the containers that are taken begin, and where: MP4, QuickTime, Matroska, WebM, AVI; no text that names other files."""


@dataclass
class Clip:
    """An uploaded clip, on the disk."""

    id: str
    owner: str
    name: str
    path: Path
    frames: int = 0
    rate: float = 0.0
    size: tuple[int, int] = (0, 0)

    def told(self) -> dict[str, Any]:
        """What a client is told of it."""
        width, height = self.size
        return {"id": self.id, "name": self.name, "frames": self.frames, "rate": self.rate, "width": width, "height": height}


class Clips:
    """The clips of all sessions, in a folder that is emptied at the beginning and at the end."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder, self.limits = folder, limits
        self._lock = threading.RLock()
        self._clips: dict[str, Clip] = {}
        self.close()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def close(self) -> None:
        """Delete all clips."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name: str) -> tuple[str, Path]:
        """A new clip's id, and where its bytes are to be written."""
        cleaned = safe_name(name, ".mp4", "clip")
        suffix = Path(cleaned).suffix.lower()
        if suffix not in video.SUFFIXES:
            raise StudioError(f"{cleaned}: clips are {', '.join(video.SUFFIXES)}", 415)
        id = new_id()
        return id, self.folder / f"{id}{suffix}"

    def add(self, client: str, id: str, name: str, path: Path) -> Clip:
        """Look at a clip that was written, and keep it; the oldest of the session's makes room.

        Raises:
            StudioError: it is no video, or videos cannot be read here; the file is deleted.
        """
        clip = Clip(id, owner_of(client), safe_name(name, path.suffix, "clip"), path)
        try:
            with path.open("rb") as file:
                head = file.read(16)
            if not any(head[at : at + len(magic)] == magic for magic, at in MAGIC.items()):
                raise StudioError(f"{clip.name}: is no clip that can be read (MP4, QuickTime, WebM, Matroska or AVI)", 415)
            try:
                seen = video.look(path)
                first = next(iter(video.frames(path)), None)
            except LikenessError as problem:
                raise StudioError(str(problem).replace(str(path), clip.name), 415) from None
            if first is None:
                raise StudioError(f"{clip.name}: holds no frame", 415)
            clip.frames, clip.rate, clip.size = seen.frames, round(float(seen.rate), 3), (first.shape[1], first.shape[0])
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        with self._lock:
            self._clips[id] = clip
            own = [one for one in self._clips.values() if one.owner == clip.owner]
            for old in own[: -self.limits.clips]:
                self._forget(old)
        return clip

    def get(self, client: str, id: str) -> Clip:
        """A session's clip."""
        found = self._clips.get(id)
        if found is None or found.owner != owner_of(client):
            raise missing("clip")
        return found

    def remove(self, client: str, id: str) -> None:
        """Delete a clip."""
        self._forget(self.get(client, id))

    def _forget(self, clip: Clip) -> None:
        with self._lock:
            self._clips.pop(clip.id, None)
        clip.path.unlink(missing_ok=True)
