"""``likeness studio --static``: a folder whose page runs by itself: landmarks and drawings, with onnxruntime-web."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from likeness import assets, provenance, systems
from likeness.errors import LikenessError
from likeness.faces.align import alignment, upright
from likeness.faces.effects import EFFECTS, apply
from likeness.faces.labels import CLASSES
from likeness.faces.reader import FaceReader
from likeness.files import write_content
from likeness.image import pictures_in, read
from likeness.version import __version__

PAGE = Path(__file__).with_name("page")
RUNTIME = "onnxruntime-web@1.30.0"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""What npm's registry says of the package's contents, in base64."""
RUNTIME_FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
SHOWN = ("landmark", "portrait")
"""The systems that run in the page."""
POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data: blob:; "
    "worker-src 'self' blob:; connect-src 'self' blob:"
)
WORKER = """\
// Keeps all files of this page, so that it works without a network after the first visit.
const NAME = "likeness-%(version)s";
const FILES = %(files)s;
self.addEventListener("install", (event) => event.waitUntil((async () => {
  await (await caches.open(NAME)).addAll(FILES);
  await self.skipWaiting();
})()));
self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith("likeness-") && name !== NAME) await caches.delete(name);
  await self.clients.claim();
})()));
self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || new URL(event.request.url).origin !== location.origin) return;
  event.respondWith(caches.match(event.request, { ignoreSearch: true }).then((found) => found ?? fetch(event.request)));
});
"""


def build(folder: str | Path, runtime: str | Path | None = None) -> int:
    """Write the folder, and return its size in bytes.

    Args:
        folder: a new or empty folder, or one that this has written before.
        runtime: the package onnxruntime-web as a file, where it is at hand; by default npm fetches it. Its hash is checked.

    Raises:
        LikenessError: the folder holds something else, there is no npm, or the package is not the one that is meant.
    """
    target = Path(folder)
    if target.exists() and (not target.is_dir() or (any(target.iterdir()) and not (target / "models.json").is_file())):
        raise LikenessError(f"{target}: holds something else; name a new folder")
    with tempfile.TemporaryDirectory() as work:
        package = Path(runtime) if runtime else _fetched(Path(work))
        _checked(package)
        shutil.copytree(PAGE, target, dirs_exist_ok=True)
        _unpack(package, target / "runtime")
    models = {name: _copied(name, target) for name in SHOWN}
    told: dict[str, Any] = {
        "version": __version__,
        "policy": provenance.SOURCE_TYPE,
        "tables": {"version": __version__, "classes": CLASSES, "effects": [], "jobs": {}},
        "systems": list(models.values()),
        **_samples(target),
    }
    page = (target / "index.html").read_text()
    page = page.replace('<html lang="en">', '<html lang="en" data-backend="local">')
    page = page.replace(
        '<meta charset="utf-8">', f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    )
    write_content(target / "index.html", page)
    told["bytes"] = sum(path.stat().st_size for path in _files(target))
    write_content(target / "models.json", json.dumps(told))
    names = sorted(path.relative_to(target).as_posix() for path in _files(target) if path.name != "sw.js")
    digest = hashlib.sha256(b"".join((target / name).read_bytes() for name in names)).hexdigest()[:16]
    write_content(target / "sw.js", WORKER % {"version": digest, "files": json.dumps(["./", *names])})
    return sum(path.stat().st_size for path in _files(target))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _fetched(work: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise LikenessError(f"npm is needed, which fetches {RUNTIME}; or name the package's file")
    done = subprocess.run([npm, "pack", RUNTIME, "--silent"], cwd=work, capture_output=True, text=True)
    found = sorted(work.glob("*.tgz"))
    if done.returncode or not found:
        reason = next(iter(reversed(done.stderr.strip().splitlines())), "npm gave no reason")
        raise LikenessError(f"{RUNTIME} could not be fetched: {reason[:200]}")
    return found[0]


def _checked(package: Path) -> None:
    try:
        content = package.read_bytes()
    except OSError as problem:
        raise LikenessError(f"{package}: cannot be read ({problem.strerror or problem})") from None
    if base64.b64encode(hashlib.sha512(content).digest()).decode() != SHA512:
        raise LikenessError(f"{package}: is not {RUNTIME} as it was published")


def _unpack(package: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    with tarfile.open(package) as held:
        for name in RUNTIME_FILES:
            member = held.extractfile(f"package/dist/{name}")
            if member is None:
                raise LikenessError(f"{package}: has no {name}")
            write_content(folder / name, member.read())


def _copied(name: str, target: Path) -> dict[str, Any]:
    """A system's graphs and weights, and what the page has to know of it, as ``GET /systems`` tells it."""
    source, place = assets.WEIGHTS / name, target / "models" / name
    place.mkdir(parents=True, exist_ok=True)
    for path in [*source.glob("*.onnx"), source / "weights.safetensors"]:
        shutil.copyfile(path, place / path.name)
    system, row = systems.load(name), systems.row(name)
    framing = system.framing
    return {
        "name": name,
        "system": name,
        "what": row.what,
        "recipe": str(system.card.recipe["name"]),
        "size": framing.size,
        "framing": {key: getattr(framing, key) for key in ("size", "eye_distance", "eye_height", "mouth_drop")},
        "targets": [],
        "conditions": [
            {"name": one.name, "kind": one.kind, "needed": one.needed, "words": one.words} for one in system.conditions
        ],
        "options": [],
        "mask": int(getattr(system, "noise_length", 0)),
        "graphs": sorted(path.stem for path in source.glob("*.onnx")),
    }


def _samples(target: Path) -> dict[str, Any]:
    """The samples that ship, with their landmarks in landmark's framing and a drawing in portrait's."""
    reader, folder = FaceReader(), target / "samples"
    landmark, portrait = systems.load("landmark").framing, systems.load("portrait").framing
    folder.mkdir(exist_ok=True)
    samples, drawings = [], []
    for path in pictures_in(assets.SAMPLES):
        shutil.copyfile(path, folder / path.name)
        picture = read(path)
        points = reader.face(picture, path.name).landmarks
        framed = upright(points, landmark).apply(points).round(2).tolist()
        samples.append({"id": f"samples/{path.name}", "name": path.name, "framed": framed})
        photo = alignment(points, portrait).warp(picture, portrait.size, portrait.size)
        drawing = folder / f"{path.stem}-drawing.png"
        provenance.write(
            drawing,
            apply("pencil" if "pencil" in EFFECTS else next(iter(EFFECTS)), photo, 0),
            "likeness effect",
            provenance.ENHANCED,
        )
        unit = portrait.eye_distance * portrait.size
        place = [1 / unit, 0, 0, 1 / unit, -portrait.size / 2 / unit, -portrait.eye_height * portrait.size / unit]
        drawings.append(
            {
                "id": f"samples/{drawing.name}",
                "name": drawing.name,
                "width": portrait.size,
                "height": portrait.size,
                "place": place,
            }
        )
    return {"samples": samples, "drawings": drawings}
