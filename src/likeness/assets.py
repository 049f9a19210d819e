"""Weights and instruments: name → file, hash, licence, and where they are found.

An *instrument* is a frozen network of somebody else's, to measure or to train with. It is looked for in the folder that
``LIKENESS_INSTRUMENTS`` names, then in the cache (``LIKENESS_CACHE``, or ``likeness`` in the user's cache folder), then
fetched from its publisher; whatever is found is checked against its hash before it is opened.

The hash is the full SHA-256, but for files of torchvision and pytorch-fid: of those we know only the eight digits that their
publishers put into the names, and check these; nobody should take that for a protection against a forger.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from likeness.errors import LikenessError
from likeness.files import locked

WEIGHTS = Path(__file__).parent / "weights"
SAMPLES = Path(__file__).parent / "samples"


@dataclass(frozen=True)
class Instrument:
    """A file that is not ours. ``sha256`` may be a prefix; ``address`` is the publisher's, empty where there is none."""

    file: str
    sha256: str
    what: str
    licence: str
    address: str = ""


INSTRUMENTS: dict[str, Instrument] = {
    "vgg19_conv3_1": Instrument(
        "vgg19_conv3_1.safetensors",
        "653175d3fa4e04ef614983b76dafbd60bd7d8d87403db4cd2b5306bf9a235785",
        "VGG-19 up to conv3_1, normalised, colour handling inside",
        "research (VGG, CC BY 4.0)",
    ),
    "vgg19_distilled": Instrument(
        "vgg19_distilled.safetensors",
        "c73fed0af02eb0fc0c10755e70942011689542ab5ce2a91c6226cb46aaf894da",
        "VGG-19 up to conv5_1 at a quarter of its width",
        "research (VGG, CC BY 4.0)",
    ),
    "vgg19_torchvision": Instrument(
        "vgg19-dcbb9e9d.pth",
        "dcbb9e9d",
        "VGG-19 as torchvision publishes it",
        "BSD-3-Clause (torchvision)",
        "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    ),
    "squeezenet": Instrument(
        "squeezenet1_1_features.safetensors",
        "29dd9af42ad48cb39a767454d382a2232dbc1625a1de3f00fca4868ee65dfc4b",
        "SqueezeNet 1.1, the convolutions",
        "BSD-3-Clause",
    ),
    "squeezenet_torchvision": Instrument(
        "squeezenet1_1-b8a52dc0.pth",
        "b8a52dc0",
        "SqueezeNet 1.1 as torchvision publishes it",
        "BSD-3-Clause (torchvision)",
        "https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth",
    ),
    "lpips_heads": Instrument(
        "lpips_v0.1_heads.safetensors",
        "ae7d9103460be08bfe10f17225f10fbe1ffa4e1ee9967a93cc45ed478a5974e5",
        "LPIPS v0.1, all heads",
        "BSD-2-Clause",
    ),
    "alexnet": Instrument(
        "alexnet-owt-7be5be79.pth",
        "7be5be79",
        "AlexNet as torchvision publishes it, for LPIPS",
        "BSD-3-Clause (torchvision)",
        "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    ),
    "vgg16": Instrument(
        "vgg16-397923af.pth",
        "397923af",
        "VGG-16 as torchvision publishes it, for LPIPS",
        "BSD-3-Clause (torchvision)",
        "https://download.pytorch.org/models/vgg16-397923af.pth",
    ),
    "inception": Instrument(
        "pt_inception-2015-12-05-6726825d.pth",
        "6726825d",
        "Inception-v3 of FID and Inception Score, as pytorch-fid publishes it",
        "Apache-2.0",
        "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
    ),
    "retinaface_mnet025": Instrument(
        "retinaface_mnet025.safetensors",
        "6b84b2a9dc553c743260b755ce2de139aa562990e8fbe03f5ce600953070cbe4",
        "RetinaFace with a quarter-width MobileNet, five points a face",
        "MIT",
    ),
    "mobilefacenet_a": Instrument(
        "mobilefacenet_a.safetensors",
        "b6eab361f7eb2036193cb90124cb21953a0d2dffdb292947af088868f6888cda",
        "MobileFaceNet, 128-d, may train",
        "MIT",
    ),
    "mobilefacenet_b": Instrument(
        "mobilefacenet_b.onnx",
        "0c9ad2a83969fc82155706f7020e6926b4a1a90a5476fff4a5588dfe207f64a4",
        "another MobileFaceNet, 128-d, the independent judge",
        "MIT",
    ),
    "pfld68": Instrument(
        "pfld68.onnx",
        "7d7bbd5c6a1d9272e58d9773898284a1905d872eba9a662df9b5f20f1ba6f83e",
        "PFLD, 68 landmarks of a face that has been found",
        "MIT",
    ),
    "sfm_shape": Instrument(
        "sfm_shape_3448.npz",
        "d9367a9d531536c4b507448ef328d632a3b4f29cc54a439c2a13c87b6d211571",
        "Surrey Face Model: mean, shape modes, triangles",
        "non-commercial",
    ),
    "sfm_expressions": Instrument(
        "expression_blendshapes_3448.npz",
        "9c8de3e2f3473abd4eb201e7f4f68b9da1add0f35e1a0b792bc88f4b02be5f17",
        "Surrey Face Model: six expressions",
        "non-commercial",
    ),
    "sfm_landmarks": Instrument(
        "ibug_to_sfm.txt",
        "810810c457184526c7d54305ecbc5da764e2431b5e66025d921a7d424aebfac9",
        "which of the 68 landmarks is which vertex of the Surrey Face Model",
        "Apache-2.0",
    ),
}


def cache_folder() -> Path:
    """Where fetched instruments are kept."""
    if named := os.environ.get("LIKENESS_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "likeness"


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def instrument(name: str) -> Path:
    """The checked file of an instrument.

    Raises:
        LikenessError: it is neither in the folder nor in the cache and cannot be fetched, or its hash is wrong.
    """
    entry = INSTRUMENTS[name]
    folders = [Path(os.environ["LIKENESS_INSTRUMENTS"])] if os.environ.get("LIKENESS_INSTRUMENTS") else []
    for folder in [*folders, cache_folder()]:
        path = folder / entry.file
        if path.is_file():
            if not digest(path).startswith(entry.sha256):
                raise LikenessError(f"{path}: is not the {name} that is known here (its hash differs); delete or replace it")
            return path
    return _fetch(name, entry)


def available(name: str) -> bool:
    """Whether an instrument can be had without the network."""
    try:
        entry = INSTRUMENTS[name]
        folders = [Path(os.environ["LIKENESS_INSTRUMENTS"])] if os.environ.get("LIKENESS_INSTRUMENTS") else []
        return any((folder / entry.file).is_file() for folder in [*folders, cache_folder()])
    except KeyError:
        return False


def urlopen(address: str, begin: int = 0) -> Any:
    """An address opened for reading, from byte ``begin`` on where its server can do that."""
    from urllib.request import Request, urlopen

    headers = {"User-Agent": "likeness"} | ({"Range": f"bytes={begin}-"} if begin else {})
    return urlopen(Request(address, headers=headers), timeout=60)


def _fetch(name: str, entry: Instrument) -> Path:
    """Fetch an instrument into the cache: streamed, with a bar, gone on with where it broke off, and checked."""
    missing = f"the instrument {name} ({entry.what}; {entry.file}) is not here: put the file into a folder and name it in "
    missing += "LIKENESS_INSTRUMENTS"
    if not entry.address:
        raise LikenessError(missing)
    try:
        import pooch
    except ImportError:
        raise LikenessError(f"{missing}, or let it be fetched by pooch: pip install 'likeness[evaluate]'") from None
    pooch.get_logger().setLevel("ERROR")
    cache, part = cache_folder(), cache_folder() / f".{entry.file}.{entry.sha256[:8]}.part"
    full = f"sha256:{entry.sha256}" if len(entry.sha256) == 64 else None

    def download(address: str, output: str, _: object) -> None:
        _stream(address, part, entry.file)
        if not digest(part).startswith(entry.sha256):
            part.unlink()
            raise LikenessError(f"{address}: what came is not the {name} that is known here (its hash differs)")
        part.replace(output)

    try:
        with locked(cache / f".{entry.file}.lock", entry.file, wait=3600):
            return Path(pooch.retrieve(entry.address, full, entry.file, cache, downloader=download))
    except OSError as problem:  # what urllib raises, too
        raise LikenessError(f"{missing}, or fetch {entry.address} ({problem})") from None


def _stream(address: str, part: Path, name: str) -> None:
    """Bring an address into a file; what is there already of it is not fetched again, if the server can begin in the middle."""
    begin = part.stat().st_size if part.is_file() else 0
    try:
        answer = urlopen(address, begin)
    except OSError as problem:
        if getattr(problem, "code", None) != 416:  # the part is as long as the whole, or longer
            raise
        begin, answer = 0, urlopen(address)
    with answer:
        place = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range") or "")
        if not (place and int(place[1]) == begin):
            begin = 0
        total = int(place[2]) if place and begin else int(answer.headers.get("Content-Length") or 0)
        with part.open("ab" if begin else "wb") as file, _bar(name, total) as show:
            while some := answer.read(1 << 18):
                file.write(some)
                begin += len(some)
                show(begin)
    if begin < total:
        raise OSError(f"it broke off at {begin} of {total} bytes; the same call goes on from there")


@contextmanager
def _bar(name: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar for a download on a terminal, a line elsewhere."""
    if not sys.stderr.isatty():
        print(f"likeness: fetching {name}" + (f", {total / 1e6:.1f} MB" if total else ""), file=sys.stderr, flush=True)
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn(name), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=total or None)
        yield lambda done: progress.update(task, completed=done)
