"""Uploaded pictures, in memory: as the bytes that came, and decoded for as long as there is room."""

from __future__ import annotations

import io
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image as Pillow

from likeness.errors import LikenessError
from likeness.faces.reader import SMALLEST, FaceReader, PhotoFace
from likeness.image import decode, opaque_picture_of, opened
from likeness.records import Image
from likeness.studio.errors import StudioError, too_large
from likeness.studio.limits import Limits
from likeness.studio.shelf import Shelf

ID = re.compile(r"[A-Za-z0-9_-]{16,64}")
TYPES = {
    "JPEG": ("image/jpeg", ".jpg"),
    "MPO": ("image/jpeg", ".jpg"),
    "PNG": ("image/png", ".png"),
    "WEBP": ("image/webp", ".webp"),
    "BMP": ("image/bmp", ".bmp"),
    "TIFF": ("image/tiff", ".tif"),
}
"""Pillow's formats that are taken: media type and suffix."""
TURNED = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""


def new_id() -> str:
    """An identifier that nobody guesses."""
    return secrets.token_urlsafe(16)


def safe_name(name: str, suffix: str = "", fallback: str = "picture") -> str:
    """A file's name without folders, and without what a shell or a header would make something of.

    ``suffix`` is added where it has none.
    """
    base = re.split(r"[/\\]", name)[-1]
    cleaned = re.sub(r"[^\w. ()+@-]", "_", base, flags=re.ASCII).strip(". -") or fallback
    stem, dot, last = cleaned.rpartition(".")
    if not dot or not stem or not 1 <= len(last) <= 5:
        return cleaned[:60].strip(". ") + suffix
    return f"{stem[:60]}.{last}"


@dataclass(frozen=True)
class Picture:
    """An uploaded picture: its bytes as they came, and what its header says. ``width`` and ``height`` are after EXIF's turn.

    ``internal``: a client's own aid, such as the drawing on its paper, and none of the user's photos.
    """

    id: str
    name: str
    type: str
    width: int
    height: int
    encoded: bytes = field(repr=False)
    warnings: tuple[str, ...] = ()
    internal: bool = False

    def told(self) -> dict[str, Any]:
        """What a client is told of it."""
        told = {name: getattr(self, name) for name in ("id", "name", "width", "height", "internal")}
        return told | {"warnings": list(self.warnings)}


def looked_at(encoded: bytes, name: str, limits: Limits, id: str = "", internal: bool = False) -> Picture:
    """A picture of which only the header was read.

    Raises:
        StudioError: it is too large, of no format that is taken, or damaged.
    """
    name = safe_name(name)
    if len(encoded) > limits.picture_bytes:
        raise too_large(name, limits.picture_bytes)
    try:
        with opened(io.BytesIO(encoded), name) as picture:
            width, height = picture.size
            kind, warnings = picture.format or "", []
            if kind not in TYPES:
                raise StudioError(f"{name}: is {kind or 'of no known kind'}; JPEG, PNG, WebP, BMP and TIFF are taken", 415)
            if width * height > limits.picture_pixels:
                most = limits.picture_pixels / 1e6
                raise StudioError(
                    f"{name}: is {width}×{height}; at most {most:.4g} megapixels are taken: scale it down first", 413
                )
            if kind != "MPO" and getattr(picture, "n_frames", 1) > 1:
                warnings.append("only its first frame is used")
            turned = picture.getexif().get(0x0112) in TURNED
    except StudioError:
        raise
    except LikenessError as problem:
        raise StudioError(str(problem), 413 if "megapixels" in str(problem) else 415) from None
    except Exception as problem:  # a damaged EXIF raises nearly anything
        raise StudioError(f"{name}: is damaged ({type(problem).__name__})", 415) from None
    if turned:
        width, height = height, width
    if min(width, height) < SMALLEST:
        warnings.append(f"is only {width}×{height}: no face can be read from it")
    media, suffix = TYPES[kind]
    return Picture(id or new_id(), safe_name(name, suffix), media, width, height, encoded, tuple(warnings), internal)


@dataclass
class Decoded:
    """A picture's pixels H × W × 3, where it is opaque (None: everywhere), and its faces once they have been looked for.

    ``largest`` is a list of one face or none; ``faces`` are all.
    """

    image: Image
    opaque: Any = None
    largest: list[PhotoFace] | None = None
    faces: list[PhotoFace] | None = None

    @property
    def bytes(self) -> int:
        """What it takes of the memory."""
        return int(self.image.nbytes) + (0 if self.opaque is None else int(self.opaque.nbytes))

    def value(self) -> Any:
        """What a synthesizer takes where no face is wanted: pixels, or a PIL picture where it has transparency."""
        if self.opaque is None:
            return self.image
        return Pillow.fromarray(np.dstack([self.image, self.opaque.astype(np.uint8) * 255]))

    def face(self, name: str, number: int = 1) -> PhotoFace | None:
        """Face ``number``, as a command finds it in the same photo; None where there is none of that number."""
        if number == 1:
            if self.largest is None:
                found = FaceReader().largest(self.image)
                self.largest = [] if found is None else [PhotoFace(name, self.image, found.landmarks, 1)]
            if self.largest:
                return self.largest[0]
        return next((one for one in self.all_faces(name) if one.number == number), None)

    def all_faces(self, name: str) -> list[PhotoFace]:
        """All faces, the largest first."""
        if self.faces is None:
            found = FaceReader().faces(self.image)
            self.faces = [PhotoFace(name, self.image, face.landmarks, number) for number, face in enumerate(found, 1)]
        return self.faces


def decoded(encoded: bytes, name: str) -> Decoded:
    """A picture's pixels.

    Raises:
        StudioError: it is damaged.
    """
    try:
        with opened(io.BytesIO(encoded), name) as file:
            clear = file.mode in ("RGBA", "LA", "PA") or "transparency" in file.info
            if clear:
                image, opaque, _ = opaque_picture_of(file, name)
                return Decoded(image, None if opaque.all() else opaque)
        return Decoded(decode(io.BytesIO(encoded), name))
    except LikenessError as problem:
        raise StudioError(str(problem), 415) from None
    except MemoryError:
        raise
    except Exception as problem:  # decoders of damaged files raise nearly anything
        raise StudioError(f"{name}: is damaged ({type(problem).__name__})", 415) from None


class Pictures(Shelf[Picture]):
    """The pictures of all sessions."""

    def __init__(self, limits: Limits) -> None:
        super().__init__("picture", limits.pictures, limits.client_bytes, limits.all_bytes)
        self.limits = limits
        self._decoded: OrderedDict[tuple[str, str], Decoded] = OrderedDict()
        self._reading: dict[tuple[str, str], threading.Lock] = {}
        self.forget: Callable[[str], None] | None = None
        """Called with the session of a picture that is dropped, by whoever keeps what was read of pictures."""

    def keep(self, client: str, picture: Picture) -> Picture:
        """Add a picture."""
        self.add(client, picture.id, picture, len(picture.encoded))
        return picture

    def dropped(self, client: str, id: str) -> None:
        """Forget its pixels, too."""
        self._decoded.pop((client, id), None)
        self._reading.pop((client, id), None)
        if self.forget is not None:
            self.forget(client)

    def pixels(self, client: str, id: str) -> Decoded:
        """A session's picture, decoded; kept for the next time while there is room.

        Raises:
            StudioError: there is none of that id in this session, or it is damaged.
        """
        picture, key = self.get(client, id), (client, id)
        with self._lock:
            reading = self._reading.setdefault(key, threading.Lock())
        with reading:  # two requests for one picture decode it once
            with self._lock:
                if key in self._decoded:
                    self._decoded.move_to_end(key)
                    return self._decoded[key]
            made = decoded(picture.encoded, picture.name)
            with self._lock:
                if key in self._reading:  # it has not been dropped meanwhile
                    self._decoded[key] = made
                    while len(self._decoded) > 1 and sum(one.bytes for one in self._decoded.values()) > self.limits.decoded_bytes:
                        self._decoded.popitem(last=False)
            return made

    def face(self, client: str, id: str, number: int = 1) -> PhotoFace:
        """Face ``number`` of a session's picture.

        Raises:
            StudioError: there is no such picture, or no such face in it.
        """
        name, pixels = self.get(client, id).name, self.pixels(client, id)
        face = pixels.face(name, number)
        if face is None and not pixels.all_faces(name):
            raise StudioError(f"{name}: no face was found; it should look at the camera and be 80 pixels wide or more", 422)
        if face is None:
            raise StudioError(f"{name}: there is no face {number}; {len(pixels.all_faces(name))} found", 422)
        return face
