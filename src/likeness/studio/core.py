"""A studio: what all requests of a server share."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from likeness.errors import LikenessError
from likeness.faces import parts
from likeness.faces.align import Framing, upright
from likeness.faces.effects import apply
from likeness.faces.labels import CLASSES, coloured
from likeness.faces.landmarks import eye_distance, mirror
from likeness.faces.parser import FaceParser, likeliest
from likeness.faces.tools import open_tool
from likeness.records import Image
from likeness.studio import making
from likeness.studio.errors import StudioError, missing, too_large
from likeness.studio.jobs import Jobs
from likeness.studio.limits import Limits
from likeness.studio.making import Kept, Requests, data_url, encoded
from likeness.studio.models import Models, described
from likeness.studio.pictures import ID, Pictures, looked_at, new_id
from likeness.studio.shelf import Shelf
from likeness.studio.turns import Turns
from likeness.synthesizer import Result, Synthesizer
from likeness.version import __version__

SMALL = 16.0
"""Pixels between the eyes below which a face is too small to learn from (as ``likeness portrait train`` has it)."""
AT_A_TIME = 8
"""Pictures of a grid that are made in one turn."""
HELPERS = ("drawing.png", "parsing.png")
"""Names of internal pictures in session files that do not say which are."""


@dataclass
class Remembered:
    """What is remembered of a session beside its pictures: the page's ``state`` as JSON, and when it was last here.

    ``epoch`` is another one once the session has been forgotten, as after a restart: then its pictures are gone, too.
    """

    state: str = "null"
    epoch: str = field(default_factory=new_id)
    seen: float = field(default_factory=time.monotonic)


class Studio:
    """The systems, what the sessions hold, the threads that work, and the jobs.

    Args:
        work: the folder in which jobs and clips lie; made if it is not there.
        limits: how much of everything is taken.
        models: further weights to offer, by name.
        threads: that make pictures; by default one a core.
    """

    def __init__(
        self, work: Path, limits: Limits | None = None, models: Mapping[str, Path] | None = None, threads: int = 0
    ) -> None:
        self.limits = limits or Limits()
        self.models = Models(dict(models or {}))
        self.pictures = Pictures(self.limits)
        self.results: Shelf[Kept] = Shelf("result", self.limits.results, self.limits.result_bytes, 4 * self.limits.result_bytes)
        self.requests = Requests(self.pictures)
        self.turns = Turns(threads, self.limits.waiting)
        self.jobs = Jobs(work, self.limits)
        self._sessions: OrderedDict[str, Remembered] = OrderedDict()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Stop working; jobs go on when a studio with the same folder is made."""
        self.jobs.close()
        self.turns.close()

    # sessions

    def session(self, client: str) -> Remembered:
        """What is remembered of a session.

        Those that have not been here for long are forgotten, and where there are too many those for longest; their jobs stay.
        """
        with self._lock:
            found = self._sessions.setdefault(client, Remembered())
            found.seen = now = time.monotonic()
            self._sessions.move_to_end(client)
            late = [one for one, held in self._sessions.items() if now - held.seen > self.limits.idle_seconds]
            gone = late or ([next(iter(self._sessions))] if len(self._sessions) > self.limits.sessions else [])
            for one in gone:
                del self._sessions[one]
        for one in gone:
            self.pictures.clear(one)
            self.results.clear(one)
        return found

    def set_state(self, client: str, state: Any) -> None:
        """Keep the page's state."""
        text = json.dumps(state, ensure_ascii=False)
        if len(text) > self.limits.state_bytes:
            raise too_large("the state", self.limits.state_bytes)
        self.session(client).state = text

    def saved(self, client: str) -> bytes:
        """A session as a file: the page's state and all pictures."""
        pictures = [
            {
                "id": one.id,
                "name": one.name,
                "type": one.type,
                "internal": one.internal,
                "data": base64.b64encode(one.encoded).decode(),
            }
            for one in self.pictures.all(client)
        ]
        whole = {
            "likeness_session": 1,
            "version": __version__,
            "saved": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "state": json.loads(self.session(client).state),
            "pictures": pictures,
        }
        return json.dumps(whole, ensure_ascii=False).encode()

    def open_saved(self, client: str, content: bytes) -> dict[str, Any]:
        """Open a session file: what the session held before is dropped once all of the file has been looked at.

        Raises:
            StudioError: it is no session file, or one of its pictures cannot be used.
        """
        try:
            whole = json.loads(content)
        except (ValueError, RecursionError):
            raise StudioError("this is no session file: it is not JSON") from None
        if not isinstance(whole, dict) or whole.get("likeness_session") != 1 or not isinstance(whole.get("pictures"), list):
            raise StudioError("this is no session file of likeness, or one of a later version")
        if len(whole["pictures"]) > self.limits.pictures:
            raise StudioError(f"a session has at most {self.limits.pictures} pictures, this one {len(whole['pictures'])}", 413)
        found = []
        for one in whole["pictures"]:
            if not isinstance(one, dict) or not isinstance(one.get("id"), str) or not ID.fullmatch(one["id"]):
                raise StudioError("the session file is damaged: a picture without an id")
            try:
                data = base64.b64decode(str(one.get("data", "")), validate=True)
            except (binascii.Error, ValueError):
                raise StudioError("the session file is damaged: a picture that is not base64") from None
            internal = one.get("internal", one.get("name") in HELPERS) is True
            found.append(looked_at(data, str(one.get("name", "picture"))[:200], self.limits, one["id"], internal))
        state = whole.get("state")
        if len(json.dumps(state, ensure_ascii=False)) > self.limits.state_bytes:
            raise too_large("the state", self.limits.state_bytes)
        self.pictures.clear(client)
        self.results.clear(client)
        for picture in found:
            self.pictures.keep(client, picture)
        self.set_state(client, state)
        return {"state": state, "pictures": [one.told() for one in found]}

    # systems

    def system(self, client: str, name: str) -> Synthesizer:
        """The synthesizer that a session calls ``name``: a job's model is its session's alone."""
        if name.startswith("model-"):
            return self.models.trained(self.jobs.model(client, name.removeprefix("model-")))
        return self.models.get(name)

    def systems(self, client: str) -> list[dict[str, Any]]:
        """What a session is told of all systems."""
        told = []
        for name in self.models.places:
            ready = self.models.ready(name)
            try:
                told.append(described(name, self.models.get(name), ready))
            except LikenessError:
                continue  # weights that cannot be opened here
        for job in self.jobs.of(client):
            if job.system:
                try:
                    told.append(described(job.system, self.system(client, job.system)) | {"title": job.name})
                except LikenessError:
                    continue
        return told

    # reading faces

    def parts_of(self, client: str, id: str, number: int) -> dict[str, Any]:
        """The parts of a face as tiles, in the framing of the system parts."""
        face = self.pictures.face(client, id, number)
        system = self.models.get("parts")
        framing: Framing = system.framing
        picture, landmarks, moved = face.framed(framing)
        anchors, tiles = system.weights.tensor("anchors.mean"), []
        for index, name in enumerate(parts.NAMES):
            mask = parts.mask(landmarks, name, framing.size)
            if not mask.any():
                continue
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            tile = np.dstack([picture[..., ::-1], mask.astype(np.uint8) * 255])[box]
            down, across = np.nonzero(mask)
            tiles.append(
                {
                    "name": name,
                    "box": [int(columns[0]), int(rows[0]), int(columns[-1] - columns[0]) + 1, int(rows[-1] - rows[0]) + 1],
                    "tile": data_url(bytes(cv2.imencode(".png", tile)[1]), "image/png"),
                    "anchor": _rounded(anchors[index]),
                    "centre": [round(float(across.mean()), 3), round(float(down.mean()), 3)],
                }
            )
        return {
            "face": number,
            "size": framing.size,
            "eye_distance": round(framing.eye_distance * framing.size, 4),
            "framed": data_url(encoded(picture, "jpeg"), "image/jpeg"),
            "alignment": [_rounded(row, 6) for row in moved.matrix],
            "landmarks": [_rounded(point) for point in landmarks],
            "parts": tiles,
        }

    def landmarks_of(self, client: str, id: str, number: int, name: str) -> dict[str, Any]:
        """A face's landmarks in the picture and in the framing of a system that takes landmarks."""
        face = self.pictures.face(client, id, number)
        picture, pixels = self.pictures.get(client, id), self.pictures.pixels(client, id)
        points = face.landmarks
        told: dict[str, Any] = {
            "face": number,
            "faces": len(pixels.all_faces(picture.name)),
            "box": [*_rounded(points.min(0), 1), *_rounded(points.max(0), 1)],
            "points": [_rounded(point) for point in points],
        }
        if name:
            system = self.system(client, name)
            moved = upright(points, system.framing)
            told |= {
                "size": system.framing.size,
                "framing": [_rounded(row, 6) for row in moved.matrix],
                "framed": [_rounded(point) for point in moved.apply(points)],
            }
        return told

    def change_landmarks(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Landmarks with changes, as numbers."""
        points = making.landmarks_of(body.get("points"), "points")
        if body.get("mirror") is not None:
            width = making.checked_value("mirror", body["mirror"])
            if isinstance(width, bool) or not isinstance(width, int | float) or not 0 < width < 1e5:
                raise StudioError("mirror: the width that they are mirrored in was expected, in pixels")
            points = mirror(points, int(width))
        return {"points": [_rounded(point) for point in making.changed(points, body)]}

    def parsing_of(self, client: str, id: str, number: int) -> dict[str, Any]:
        """What each pixel of a picture is, as a coloured picture of its size."""
        face, parser = self.pictures.face(client, id, number), open_tool(FaceParser)
        framed, _, moved = face.framed(parser.framing)
        classes = likeliest(parser.framed([framed])[0], moved, *face.photo.shape[:2])
        shares = {name: round(float((classes == index).mean()), 4) for index, name in enumerate(CLASSES)}
        return {"picture": data_url(encoded(coloured(classes), "png"), "image/png"), "shares": shares}

    def drawing_of(self, client: str, id: str, effect: str, seed: int) -> bytes:
        """A picture as a drawing, PNG."""
        pixels = self.pictures.pixels(client, id).image
        longest = max(pixels.shape[:2])
        if longest > 1024:
            pixels = scaled(pixels, 1024)
        return encoded(apply(effect, pixels, seed), "png")

    def check(self, client: str, ids: list[str]) -> dict[str, Any]:
        """Which pictures can teach a person's model, and which seem to show somebody else."""
        from likeness.faces.descriptor import describer

        notes, rows, described = list[str](), [], []
        descriptor = describer()
        for id in ids:
            row: dict[str, Any] = {"id": id, "usable": False, "reason": "", "eye_distance": None, "distance": None}
            rows.append(row)
            try:
                face = self.pictures.face(client, id)
            except StudioError as problem:
                if problem.status == 404:
                    raise
                row["reason"] = str(problem)
                continue
            row["eye_distance"] = round(eye_distance(face.landmarks), 1)
            if row["eye_distance"] < SMALL:
                row["reason"] = f"the face is tiny: its eyes are {row['eye_distance']:.0f} pixels apart, {SMALL:.0f} are needed"
                continue
            row["usable"] = True
            described.append((row, descriptor.of(face.photo, face.landmarks)))
        person = None
        if len(described) > 1:
            middle, distances, others = descriptor.strangers(np.stack([one for _, one in described]))
            person = described[middle][0]["id"]
            for (row, _), distance, other in zip(described, distances.tolist(), others.tolist(), strict=True):
                row["distance"] = round(distance, 3)
                if other:
                    row["usable"], row["reason"] = False, "somebody else?"
        return {"pictures": rows, "person": person, "notes": notes}

    # making

    def make(self, client: str, name: str, bodies: list[Mapping[str, Any]]) -> list[Kept]:
        """A kept result of each request."""
        system = self.system(client, name)
        read = [self.requests.read(client, system, body) for body in bodies]
        results = system.make([self.requests.prepared(client, system, body, one) for body, one in zip(bodies, read, strict=True)])
        kept = []
        for body, one, result in zip(bodies, read, results, strict=True):
            pasteable = result.place is not None
            thing = Kept(
                new_id(),
                name,
                dataclasses.replace(result, place=None),
                body,
                making.command_of(system, one),
                making.python_of(system, one),
                one.files,
                one.pictures,
                pasteable,
            )
            self.results.add(client, thing.id, thing, thing.bytes)
            kept.append(thing)
        self.session(client)
        return kept

    def pasted(self, client: str, kept: Kept) -> Result:
        """A result back in its photo; it is made again for that, since photos are not kept with results."""
        if not kept.pasteable:
            raise StudioError("there is no photo to put this back into")
        system = self.system(client, kept.name)
        request = self.requests.read(client, system, kept.asked)
        return system.make([self.requests.prepared(client, system, kept.asked, request)])[0].pasted()

    def pictures_of(self, client: str, kept: Kept) -> dict[str, bytes]:
        """The session's pictures that a result's command reads, by file name.

        Raises:
            StudioError: one of them has been deleted.
        """
        try:
            return {name: self.pictures.get(client, id).encoded for name, id in kept.pictures.items()}
        except StudioError:
            raise missing("picture any more that this was made from") from None


def scaled(picture: Image, longest: int) -> Image:
    """A picture whose longest side is at most so many pixels."""
    ratio = longest / max(picture.shape[:2])
    if ratio >= 1:
        return picture
    size = (max(round(picture.shape[1] * ratio), 1), max(round(picture.shape[0] * ratio), 1))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _rounded(values: Any, digits: int = 3) -> list[float]:
    return [round(float(value), digits) for value in values]
