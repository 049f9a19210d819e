"""FID and Inception Score: closed forms, TensorFlow's resize, and a clear word where the weights are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from likeness import assets
from likeness.errors import LikenessError
from likeness.evaluate import inception
from likeness.evaluate.inception import InceptionFeatures, inception_score, resize_like_tensorflow
from likeness.nn.inception import Inception


def test_inception_score_closed_forms() -> None:
    sure = 60.0 * np.eye(5)[np.arange(100) % 5]
    assert inception_score(sure)[0] == pytest.approx(5, rel=1e-6)
    assert inception_score(sure)[1] == pytest.approx(0, abs=1e-9)
    assert inception_score(np.random.default_rng(0).normal(size=(1, 9)).repeat(20, 0))[0] == pytest.approx(1)
    # two kinds of picture, told with probability p: exp(ln 2 − H(p))
    p = 0.8
    logits = np.log(np.array([[p, 1 - p], [1 - p, p]] * 10))
    entropy = -(p * np.log(p) + (1 - p) * np.log(1 - p))
    assert inception_score(logits, splits=1)[0] == pytest.approx(np.exp(np.log(2) - entropy))
    with pytest.raises(LikenessError, match="at least as many"):
        inception_score(sure[:5])


def test_resize_like_tensorflow() -> None:
    """Pixel i is read at i · old/new: a ramp stays a ramp of the same slope, until the last pixel is held."""
    ramp = torch.arange(4.0).expand(1, 1, 4, 4)
    found = resize_like_tensorflow(ramp, 8)[0, 0, 0]
    assert found.tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3]
    same = torch.rand(1, 3, 299, 299)
    torch.testing.assert_close(resize_like_tensorflow(same), same)
    shrunk = resize_like_tensorflow(torch.rand(1, 3, 400, 500))
    assert shrunk.shape == (1, 3, 299, 299)


def test_weights_of_that_layout_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A made file under the published names and hash rules is read, and features do not depend on the batch."""
    torch.manual_seed(0)
    file = tmp_path / assets.INSTRUMENTS["inception"].file
    torch.save(Inception().state_dict(), file)
    made = assets.Instrument(file.name, assets.digest(file), "made", "none")
    monkeypatch.setitem(assets.INSTRUMENTS, "inception", made)
    monkeypatch.setenv("LIKENESS_INSTRUMENTS", str(tmp_path))
    network = InceptionFeatures()
    images = np.random.default_rng(0).integers(0, 256, (3, 40, 32, 3), np.uint8)
    features, logits = network.of_images(images)
    assert features.shape == (3, 2048) and logits.shape == (3, 1008)
    np.testing.assert_allclose(features[:1], network.of_images(images[:1])[0], atol=1e-4)


def test_without_the_weights(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, likeness: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIKENESS_CACHE", str(tmp_path / "cache"))

    def no_network(*words: object, **more: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(assets, "urlopen", no_network)
    with pytest.raises(LikenessError, match=r"pt_inception-2015-12-05-6726825d\.pth.*LIKENESS_INSTRUMENTS.*fetch https"):
        InceptionFeatures()


def test_folders_with_inception(
    instruments: Path, samples: list[Path], tmp_path: Path, likeness: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``--inception`` adds both figures; equal folders are at distance 0."""
    import json
    import shutil

    class Made:
        def of_images(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            small = np.stack([cv2.resize(image, (4, 4)) for image in images]).reshape(len(images), -1).astype(np.float32)
            return small, small / 50

    monkeypatch.setattr("likeness.evaluate.folders.InceptionFeatures", Made)
    monkeypatch.setitem(inception.__dict__, "InceptionFeatures", Made)
    for name in ("real", "fake"):
        (tmp_path / name).mkdir()
        for i, path in enumerate(samples * 2):
            shutil.copy(path, tmp_path / name / f"{i}.png")
    assert likeness("evaluate", "folders", "--real", "real", "--fake", "fake", "--unpaired", "--inception", "-o", "a.json") == 0
    said = json.loads((tmp_path / "a.json").read_text())
    assert said["lines"][0]["fid"] == pytest.approx(0, abs=1e-3)
    assert said["lines"][0]["inception_score"] >= 1
    assert "inception" in said["instruments"]
