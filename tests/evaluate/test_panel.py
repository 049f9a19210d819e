"""The panel of judges: what each says of photos and worse, and what is left out where a network is not to be had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from likeness import assets
from likeness.errors import LikenessError
from likeness.evaluate.features import squeezenet
from likeness.evaluate.panel import Panel
from likeness.evaluate.portrait import Ruler
from likeness.faces.align import Framing
from likeness.faces.reader import FaceReader
from likeness.image import read
from likeness.nn.squeezenet import SqueezeNet
from likeness.records import AlignedFace

OTHERS = {"dlib_distance", "psnr", "ssim"}


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with packages alone: no folder of instruments, an empty cache, no network. Its cache."""

    def unreachable(address: str, begin: int = 0) -> Any:
        raise OSError("no network")

    monkeypatch.delenv("LIKENESS_INSTRUMENTS", raising=False)
    monkeypatch.setenv("LIKENESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(assets, "urlopen", unreachable)
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def faces(samples: list[Path]) -> list[AlignedFace]:
    """Sample people, framed."""
    reader, found = FaceReader(), []
    for path in samples:
        image, landmarks, _ = reader.aligned(read(path), path.name, Framing())
        found.append(AlignedFace(image, landmarks, path.stem, path.stem, "test"))
    return found


def test_without_instruments(stranger: Path, faces: list[AlignedFace]) -> None:
    """Packages' networks judge, the rest is left out, each with a line; what cannot do without says so."""
    ruler = Ruler()
    photos = np.stack([face.image for face in faces])
    own, other = ruler.fidelity(photos, faces), ruler.fidelity(np.roll(photos, 1, 0), faces)
    assert own.line().keys() - OTHERS == {
        *("count", "undetected", "each"),
        *("frechet_efficientnet_lite0", "kernel_efficientnet_lite0"),
    }
    assert own.judged["dlib_distance"][0] < 0.3 < 0.5 < other.judged["dlib_distance"][0]
    assert own.judged["frechet_efficientnet_lite0"] == pytest.approx(other.judged["frechet_efficientnet_lite0"], abs=1e-3)
    assert ruler.panel.instruments == ()
    notes = ruler.panel.notes
    assert [note.split(":")[0] for note in notes] == [
        "without identity and frechet_mobilefacenet_b",
        "without frechet_squeezenet",
        "without lpips",
    ]
    assert "LIKENESS_INSTRUMENTS" in notes[0] and "download.pytorch.org" in notes[1]
    with pytest.raises(LikenessError, match="mobilefacenet_b"):
        ruler.person(faces)


def test_squeezenet_from_its_publisher(stranger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the instrument is not here, torchvision's file with its classifier is taken from the cache."""
    network = SqueezeNet()
    path = stranger / assets.INSTRUMENTS["squeezenet_torchvision"].file
    torch.save(network.state_dict() | {"classifier.1.weight": torch.zeros(10, 512, 1, 1)}, path)
    with pytest.raises(LikenessError, match="its hash differs"):
        squeezenet()
    monkeypatch.setattr(assets, "digest", lambda path: "b8a52dc0")
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    for one, two in zip(squeezenet()(picture), network(picture), strict=True):
        torch.testing.assert_close(one, two)


def test_with_instruments(instruments: Path, faces: list[AlignedFace]) -> None:
    """All judges agree on which is nearer: the photo, or somebody else's."""
    panel = Panel()
    assert panel.notes == [] and panel.instruments == ("mobilefacenet_b", "squeezenet", "lpips_heads")
    photos = np.stack([face.image for face in faces])
    landmarks = [face.landmarks for face in faces]
    seen = panel.see(photos, landmarks)
    own = panel.judge(photos, photos, seen, seen)
    others = np.roll(photos, 1, 0)
    other = panel.judge(others, photos, panel.see(others, instead=landmarks), seen)
    assert own.undetected == other.undetected == 0
    for metric, better in (("lpips", 1), ("dlib_distance", 1), ("identity", -1)):
        apart = better * (np.array(other.each[metric]) - np.array(own.each[metric]))
        assert (apart > 0.1).all(), metric
    assert own.sets.keys() == {
        *("frechet_squeezenet", "frechet_mobilefacenet_b", "frechet_efficientnet_lite0", "kernel_efficientnet_lite0"),
    }
    assert all(abs(value) < 1e-2 for name, value in own.sets.items() if name.startswith("frechet"))
