"""From a client's request to the seam and back: values read, pictures made, and told as the command that makes them again."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import math
import shlex
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

from likeness import provenance, sheet
from likeness.errors import LikenessError
from likeness.faces import moves
from likeness.faces.landmarks import COUNT, eye_distance
from likeness.faces.reader import PhotoFace
from likeness.records import Image, Points
from likeness.studio.errors import StudioError
from likeness.studio.models import PICTURES, weights_words
from likeness.studio.pictures import Decoded, Picture, Pictures
from likeness.synthesizer import Condition, Prepared, Result, Synthesizer, plain

FORMATS = {"jpeg": "image/jpeg", "webp": "image/webp", "png": "image/png"}
CHANGES = ("yaw", "pitch", "roll", "eyes", "mouth", "shift", "scale")
"""The changes of :func:`likeness.faces.moves.changed`, which a system that takes landmarks may have as options."""
MOST_PHOTOS = 24
"""Pictures of a person that one request may name."""
FARTHEST = 2**32
"""Numbers from a client are no farther from 0; seeds reach 2³¹."""
REMEMBERED = 4
"""Requests that are kept as they were prepared."""


@dataclass
class Request:
    """A request that was read: what the seam takes, and how commands say it.

    ``words`` are condition or option → text of the command, ``code`` → text of Python. Both read ``files``, which are made here,
    and ``pictures``, file name → id of a picture of the session. ``asides`` are remarks.
    """

    values: dict[str, Any] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    pictures: dict[str, str] = field(default_factory=dict)
    asides: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Reading:
    """What a request is read with: see :meth:`Requests.read`; ``found`` is what was read so far."""

    client: str
    system: Synthesizer
    blobs: Sequence[Decoded]
    film: Callable[[Image], Points] | None
    found: Request = field(default_factory=Request)

    def say(self, name: str, value: Any, words: str, code: str) -> None:
        """Note a condition or option: its value, and how the command line and Python say it."""
        self.found.values[name], self.found.words[name], self.found.code[name] = value, words, code


class Requests:
    """Reads requests of clients, whose pictures are in ``pictures``, and prepares them.

    The last few are remembered as they were prepared: a grid of faces differs in chance alone, and its conditions are read once.
    """

    def __init__(self, pictures: Pictures) -> None:
        self.pictures = pictures
        self._prepared: OrderedDict[tuple[str, str], tuple[Synthesizer, Prepared]] = OrderedDict()
        self._lock = threading.Lock()
        pictures.forget = self.forget

    def read(
        self,
        client: str,
        system: Synthesizer,
        body: Mapping[str, Any],
        blobs: Sequence[Decoded] = (),
        film: Callable[[Image], Points] | None = None,
    ) -> Request:
        """A request: ``{"conditions", "options", "seed"}``.

        Args:
            client: whose pictures it may name.
            system: what it is for.
            body: the request.
            blobs: pictures that came along with it.
            film: a function that gives landmarks of a film's next frame, for conditions of the kind landmarks.

        Raises:
            StudioError: names what is missing, unknown or cannot be used.
        """
        conditions, options = _table(body, "conditions"), _table(body, "options")
        known, reading = {one.name: one for one in system.conditions}, Reading(client, system, blobs, film)
        found = reading.found
        for name, value in conditions.items():
            if name not in known:
                raise StudioError(f"{system.card.system}: there is no condition {name[:60]!r}; there are {', '.join(known)}")
            if value is not None:
                self._condition(known[name], value, reading)
        seed = body.get("seed")
        if seed is not None:
            chance = next((one for one in system.conditions if one.kind == "noise"), None)
            if chance is None:
                found.asides.append("there is no chance in this system: the seed changes nothing")
            elif chance.name not in found.values:
                self._condition(chance, seed, reading)
        choices = {one.name: one for one in system.options}
        for name, value in options.items():
            if name not in choices:
                raise StudioError(f"{system.card.system}: there is no option {name[:60]!r}; there are {', '.join(choices)}")
            if value is None or value == plain(choices[name].default):
                continue
            if choices[name].kind == "photo":
                wanted = Condition(name, "photo", False, choices[name].words)
                reading.say(name, *self._picture(wanted, value, reading, aside=True))
                continue
            found.values[name] = given = _option(name, value, choices[name].default)
            found.words[name] = _worded(given)
            found.code[name] = repr(given)
        return found

    def prepared(self, client: str, system: Synthesizer, body: Mapping[str, Any], request: Request) -> Prepared:
        """:meth:`Synthesizer.prepare` of what a client sent in ``body`` and :meth:`read` has read.

        Raises:
            LikenessError: it cannot be used.
        """
        key = client, _without_chance(system, body)
        again = bool(system.varying) and '"blob"' not in key[1]
        with self._lock:
            owner, before = self._prepared.get(key, (None, None)) if again else (None, None)
        if before is not None and owner is system:
            made = _safely(system, lambda: system.with_chance(before, request.values))
        else:
            made = _safely(system, lambda: system.prepare(request.values))
        if again:
            with self._lock:
                self._prepared[key] = system, made
                self._prepared.move_to_end(key)
                while len(self._prepared) > REMEMBERED:
                    self._prepared.popitem(last=False)
        said = {one.name: request.words[one.name] for one in system.conditions if one.name in request.words}
        # a name that a client gave is no file here
        place = made.place and dataclasses.replace(made.place, file="")
        return dataclasses.replace(
            made, made={**made.made, "conditions": said}, notes=(*made.notes, *request.asides), place=place
        )

    def forget(self, client: str) -> None:
        """Remember nothing of a session's requests any more."""
        with self._lock:
            for key in [one for one in self._prepared if one[0] == client]:
                del self._prepared[key]

    def _condition(self, one: Condition, value: Any, reading: Reading) -> None:
        """Read one condition."""
        if one.kind == "noise":
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
                raise StudioError(f"{one.name}: a seed is a whole number from 0 to {2**31 - 1}")
            reading.say(one.name, value, str(value), str(value))
        elif one.kind == "target":
            if not isinstance(value, str) or len(value) > 200:
                raise StudioError(f"{one.name}: a target's name was expected")
            reading.say(one.name, value, value, repr(value))
        elif one.kind == "landmarks" and isinstance(value, list):
            points = landmarks_of(value, one.name)
            file = _free(reading.found, f"{one.name}.json")
            numbers = [[float(x), float(y)] for x, y in points.tolist()]
            reading.found.files[file] = json.dumps({"points": numbers}).encode() + b"\n"
            reading.say(one.name, points, file, repr(file))
        elif one.kind == "identity" and isinstance(value, list) and all(isinstance(each, int | float) for each in value):
            numbers = checked_value(one.name, value, 1)
            reading.say(one.name, numbers, _worded(numbers), repr(numbers))
        elif one.kind == "identity" and isinstance(value, list):
            if len(value) > MOST_PHOTOS:
                raise StudioError(f"{one.name}: at most {MOST_PHOTOS} pictures of a person are taken")
            several = [self._picture(one, each, reading, aside=True) for each in value]
            given, words, code = zip(*several, strict=True)
            if unseen := [word for face, word, _ in several if not isinstance(face, PhotoFace)]:
                raise StudioError(f"{one.name}: no face was found in {unseen[0]}", 422)
            reading.say(one.name, list(given), ",".join(words), f"[{', '.join(code)}]")
        elif one.kind in PICTURES or one.kind == "landmarks":
            reading.say(one.name, *self._picture(one, value, reading, aside=one.kind == "identity"))
        else:
            checked = checked_value(one.name, value)
            reading.say(one.name, checked, _worded(checked), repr(checked))

    def _picture(self, one: Condition, value: Any, reading: Reading, aside: bool = False) -> tuple[Any, str, str]:
        """A condition's picture: its value, and how the command line and Python say it.

        ``aside``: it is one beside the photo that the option ``face`` is about.
        """
        number, blob = 1, None
        if isinstance(value, Mapping):
            if odd := sorted(set(value) - {"picture", "face", "blob"}):
                raise StudioError(f"{one.name}: {str(odd[0])[:60]!r} is unknown; a picture is {{'picture': id, 'face': 1}}")
            number, blob, value = value.get("face", 1), value.get("blob"), value.get("picture")
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= 1000:
            raise StudioError(f"{one.name}: a face's number is a whole number from 1")
        if blob is not None:
            if isinstance(blob, bool) or not isinstance(blob, int) or not 0 <= blob < len(reading.blobs):
                raise StudioError(f"{one.name}: there is no blob {str(blob)[:20]}; {len(reading.blobs)} came along")
            pixels, name = reading.blobs[blob], "drawing.png" if one.kind == "drawing" else f"{one.name}.png"
            if one.kind == "landmarks" and reading.film is not None:
                return reading.film(pixels.image), name, repr(name)
        elif isinstance(value, str):
            picture = self.pictures.get(reading.client, value)
            pixels, name = self.pixels_and_name(reading.client, picture, reading.found)
        else:
            raise StudioError(f"{one.name}: a picture's id was expected; first send it to POST /api/v1/pictures")
        given: Any = pixels.value() if one.kind == "parts" else pixels.image
        if one.kind in ("photo", "parts", "landmarks", "identity"):
            face = pixels.face(name, number)
            if number > 1 and face is None:
                raise StudioError(f"{name}: there is no face {number}; {len(pixels.all_faces(name))} found", 422)
            if face is not None:
                given = dataclasses.replace(face, name=name)
        words, code = name, repr(name)
        if number > 1:
            if "face" in {option.name for option in reading.system.options} and one.kind != "parts" and not aside:
                reading.say("face", number, str(number), str(number))
            else:
                reading.found.asides.append(f"a command takes the largest face of {name}; Python takes face {number}")
                code = f"likeness.FaceReader().read(likeness.image.read({name!r}), {name!r}, {number})"
        return given, words, code

    def pixels_and_name(self, client: str, picture: Picture, found: Request) -> tuple[Decoded, str]:
        """A picture's pixels, and the name of its file in the command: its own, or a free one where another has it already."""
        name = next((file for file, id in found.pictures.items() if id == picture.id), "") or _free(found, picture.name)
        found.pictures[name] = picture.id
        return self.pictures.pixels(client, picture.id), name


def _free(found: Request, name: str) -> str:
    """A file's name that is not taken yet."""
    stem, dot, suffix = name.rpartition(".")
    stem = stem if dot else name
    number = 2
    while name in found.files or name in found.pictures:
        name = f"{stem}-{number}{dot}{suffix if dot else ''}"
        number += 1
    return name


def _table(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A table of a request by its name; empty where there is none."""
    value = body.get(name) or {}
    if not isinstance(value, dict) or len(value) > 100:
        raise StudioError(f"{name}: a table, name → value, was expected")
    return value


def checked_value(name: str, value: Any, depth: int = 3) -> Any:
    """A plain JSON value that may go on to a system: finite, short and shallow."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        if not math.isfinite(value) or abs(value) > FARTHEST:
            raise StudioError(f"{name}: a finite number was expected")
        return value
    if isinstance(value, str) and len(value) <= 500:
        return value
    if isinstance(value, list) and len(value) <= 4096 and depth:
        return [checked_value(name, one, depth - 1) for one in value]
    if isinstance(value, dict) and len(value) <= 100 and depth:
        return {str(key)[:100]: checked_value(name, one, depth - 1) for key, one in value.items()}
    raise StudioError(f"{name}: a number, a word, or a short list or table of those was expected")


def _option(name: str, value: Any, default: Any) -> Any:
    """An option's value, of the kind of its default."""
    value = checked_value(name, value)
    if isinstance(default, bool):
        fits = isinstance(value, bool)
    elif isinstance(default, int):
        fits = isinstance(value, int) and not isinstance(value, bool)
    elif isinstance(default, float):
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        value = float(value) if fits else value
    elif isinstance(default, str):
        fits = isinstance(value, str)
    elif isinstance(default, tuple):
        fits = isinstance(value, list | dict)
    else:  # no word: a system might take it for the name of a file here
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    if not fits:
        kind = {bool: "true or false", int: "a whole number", float: "a number", str: "a word", tuple: "a list or a table"}
        kind[type(None)] = "a number"
        raise StudioError(f"{name}: {kind[type(default)]} was expected, got {json.dumps(value)[:60]}")
    return tuple(value) if isinstance(value, list) and all(isinstance(one, str) for one in value) else value


def _worded(value: Any) -> str:
    """A value as the command line takes it."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)


def landmarks_of(value: Any, name: str = "landmarks") -> Points:
    """68 points from a client, as 68 × 2.

    Raises:
        StudioError: they are not.
    """
    try:
        points = np.array(value, np.float32)
    except (ValueError, TypeError, OverflowError):
        points = np.zeros(0, np.float32)
    if points.shape != (COUNT, 2) or not np.isfinite(points).all() or np.abs(points).max() > 1e6:
        raise StudioError(f"{name}: {COUNT} pairs of finite numbers were expected")
    if not eye_distance(points) > 1e-3:
        raise StudioError(f"{name}: both eyes stand at one place, so there is no face in these points")
    return points


def changed(points: Points, body: Mapping[str, Any]) -> Points:
    """Landmarks with the changes that a client asks for, see :func:`likeness.faces.moves.changed`.

    Raises:
        StudioError: they cannot be made.
    """
    wish = {name: checked_value(name, body[name]) for name in CHANGES if body.get(name) is not None}
    try:
        made = moves.changed(points, **wish)
    except LikenessError as problem:
        raise StudioError(str(problem)) from None
    except (TypeError, ValueError, OverflowError, AttributeError):
        raise StudioError(
            "the changes cannot be read: shift is part → [right, down], scale part → factor, the others numbers"
        ) from None
    if not np.isfinite(made).all():
        raise StudioError("changed like that, the landmarks are no numbers any more")
    return made


def _safely(system: Synthesizer, prepare: Callable[[], Prepared]) -> Prepared:
    """What ``prepare`` gives.

    Raises:
        LikenessError: the request cannot be used.
    """
    try:
        return prepare()
    except (LikenessError, MemoryError):
        raise
    except Exception as problem:  # a value of a kind that no program would give it
        raise StudioError(
            f"{system.card.system}: cannot be made of this ({type(problem).__name__}: {str(problem)[:120]})"
        ) from None


def _without_chance(system: Synthesizer, body: Mapping[str, Any]) -> str:
    """A request as text but for its seed, and its conditions and options of the kind noise."""
    chance = {one.name for one in system.conditions if one.kind == "noise"}
    chance |= {one.name for one in system.options if one.kind == "noise"}
    parts = (body.get(name) or {} for name in ("conditions", "options"))
    return json.dumps([{name: value for name, value in part.items() if name not in chance} for part in parts], sort_keys=True)


def command_of(system: Synthesizer, request: Request, output: str = "face.png") -> str:
    """The shell's words that make a request's picture again, where its files lie."""
    words = ["likeness", "make", system.card.system]
    for name, text in request.words.items():
        words += [f"--{name.replace('_', '-')}{'=' if text.startswith('-') else ''}{text if text.startswith('-') else ''}"]
        words += [] if text.startswith("-") else [text]
    if (weights := weights_words(system)) != system.card.system:
        words += ["--weights", weights]
    return shlex.join([*words, "-o", output])


def python_of(system: Synthesizer, request: Request, output: str = "face.png") -> str:
    """The three lines of Python that make it again."""
    given = ", ".join(f"{name}={code}" for name, code in request.code.items())
    reads = "import likeness.image\n" if "likeness.image." in given else ""
    return f"import likeness\n{reads}face = likeness.load({weights_words(system)!r})({given})\nface.save({output!r})\n"


@dataclass(frozen=True)
class Kept:
    """A result that is kept: its picture and what it says; never the photo that it belongs into, which may be large.

    ``asked`` is the request, to make it again where it shall be put back; ``name`` the system that made it. ``files`` were made
    for the command, ``pictures`` are those of the session that it reads: file name → id.
    """

    id: str
    name: str
    result: Result
    asked: Mapping[str, Any]
    command: str
    python: str
    files: Mapping[str, bytes]
    pictures: Mapping[str, str]
    pasteable: bool

    @property
    def bytes(self) -> int:
        """What it takes of the memory."""
        pictures = {id(one): int(one.nbytes) for one in (self.result.picture, *self.result.intermediates.values())}
        return sum(pictures.values()) + sum(map(len, self.files.values())) + 4096

    def told(self) -> dict[str, Any]:
        """What a client is told of it."""
        height, width = self.result.picture.shape[:2]
        return {
            "id": self.id,
            "system": self.name,
            "width": width,
            "height": height,
            "picture": data_url(encoded(self.result.picture, "jpeg", self.result), "image/jpeg"),
            "intermediates": list(self.result.intermediates),
            "notes": list(self.result.notes),
            "made": plain(self.result.made),
            "pasteable": self.pasteable,
            "command": self.command,
            "python": self.python,
            "inputs": list(self.files),
            "pictures": list(self.pictures),
        }


def encoded(picture: Image, format: str, result: Result | None = None, quality: int = 92) -> bytes:
    """A picture as a file's bytes, to look at; with the mark of provenance where it is a ``result``'s.

    JPEG is the fastest: 0.3 ms for 128 × 128, where WebP takes 4 and PNG at its lowest level 1.
    """
    if format == "png":
        if result is None:
            return bytes(cv2.imencode(".png", picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])[1])
        return _saved(picture, "PNG", result, compress_level=1)
    if format == "webp":
        return _saved(picture, "WEBP", result, quality=quality, method=0)
    return _saved(picture, "JPEG", result, quality=quality, subsampling=0)


def _saved(picture: Image, format: str, result: Result | None, **how: Any) -> bytes:
    target = io.BytesIO()
    if result is not None:
        packet = provenance.packet(result.tool, result.source_type)
        if format == "PNG":
            from PIL.PngImagePlugin import PngInfo

            how["pnginfo"] = PngInfo()
            how["pnginfo"].add_itxt("XML:com.adobe.xmp", packet.decode())
        else:
            how["xmp"] = packet
    Pillow.fromarray(picture).save(target, format, **how)
    return target.getvalue()


def data_url(content: bytes, media: str) -> str:
    """Bytes as an address that a page can show."""
    return f"data:{media};base64,{base64.b64encode(content).decode()}"


def sheet_of(result: Result) -> Image:
    """What a result was made from, and it, side by side."""
    names = list(result.intermediates)
    side = max(*result.picture.shape[:2], 128)
    row: list[Image | None] = [*(result.intermediates[name] for name in names), result.picture]
    return sheet.grid([row], cell=min(side, 512), columns=[*names, "made"])


def bundle_of(kept: Kept, picture: bytes, pictures: Mapping[str, bytes]) -> bytes:
    """A zip: the picture, all that the command reads, the command and the lines of Python."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, content in {**kept.files, **pictures}.items():
            archive.writestr(name, content)
        archive.writestr("made.png", picture)
        archive.writestr("made.json", json.dumps(plain(kept.result.made), indent=2, ensure_ascii=False) + "\n")
        archive.writestr("again.sh", "#!/bin/sh\n# writes face.png, which is made.png\n" + kept.command + "\n")
        archive.writestr("again.py", kept.python)
    return target.getvalue()
