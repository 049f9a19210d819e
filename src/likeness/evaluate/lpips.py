"""LPIPS v0.1, the learned perceptual distance (Zhang et al. 2018), with its published heads."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from likeness import assets
from likeness.errors import LikenessError
from likeness.evaluate.features import squeezenet
from likeness.nn.torchvision import alexnet, vgg16

BACKBONES = ("squeeze", "alex", "vgg")
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)


class LPIPS:
    """Σ over layers of the mean over places of Σ_c w_c·(x̂_c − ŷ_c)², x̂ the features at a place scaled to length 1.

    Args:
        backbone: ``"squeeze"``, ``"alex"`` or ``"vgg"``. The papers often do not say which: their values differ.

    Caveats: pictures are in [-1, 1], not [0, 1]; the value depends on the size of the pictures; it is a distance (0 for
    equal pictures, lower is nearer) and is not comparable between backbones.
    """

    def __init__(self, backbone: str = "squeeze") -> None:
        if backbone not in BACKBONES:
            raise LikenessError(f"LPIPS has the backbones {', '.join(BACKBONES)}, not {backbone!r}")
        self.name = f"lpips_{backbone}"
        self._heads = published_heads(backbone)
        self._network = _backbone(backbone)

    @torch.inference_mode()
    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """The distance of each pair of pictures, both B × 3 × H × W in [-1, 1]: B."""
        pairs = zip(first.split(32), second.split(32), strict=True)
        return torch.cat([weigh(self._see(one), self._see(other), self._heads) for one, other in pairs])

    def _see(self, pictures: Tensor) -> list[Tensor]:
        shift, scale = (torch.tensor(values)[:, None, None] for values in (SHIFT, SCALE))
        maps: list[Tensor] = self._network((pictures - shift) / scale)
        return maps


def published_heads(backbone: str) -> list[Tensor]:
    """The published weights of channels, a vector a layer: the instrument's, or those in the package ``lpips``, the same.

    Raises:
        LikenessError: neither is here.
    """
    if assets.available("lpips_heads"):
        from safetensors.torch import load_file

        heads = load_file(assets.instrument("lpips_heads"))
        return [heads[name].flatten() for name in sorted(heads) if name.startswith(f"{backbone}.")]
    spec = find_spec("lpips")  # found without importing it, which would import torchvision
    for folder in (spec.submodule_search_locations if spec else None) or []:
        file = Path(folder) / "weights" / "v0.1" / f"{backbone}.pth"
        if file.is_file():
            state = torch.load(file, map_location="cpu", weights_only=True)
            return [state[name].flatten() for name in sorted(state)]
    raise LikenessError(
        "LPIPS's published weights are not here: pip install --no-deps lpips, or name their folder in LIKENESS_INSTRUMENTS"
    )


def weigh(first: Sequence[Tensor], second: Sequence[Tensor], heads: Sequence[Tensor]) -> Tensor:
    """The distance itself, of feature maps B × C × h × w and one weight a channel: B.

    >>> import torch
    >>> one, other = torch.tensor([3.0, 4.0]).reshape(1, 2, 1, 1), torch.tensor([1.0, 0.0]).reshape(1, 2, 1, 1)
    >>> round(float(weigh([one], [other], [torch.tensor([1.0, 10.0])])), 4)  # 1·(.6 − 1)² + 10·(.8 − 0)²
    6.56
    """
    total = first[0].new_zeros(len(first[0]))
    for one, other, weights in zip(first, second, heads, strict=True):
        apart = (_unit(one) - _unit(other)).square()
        total = total + (apart * weights[:, None, None]).sum(1).mean((1, 2))
    return total


def _unit(features: Tensor) -> Tensor:
    """Features of length 1 at each place; the ε is that of the published code."""
    return features / (features.square().sum(1, keepdim=True).sqrt() + 1e-10)


def _backbone(name: str) -> nn.Module:
    if name == "squeeze":
        return squeezenet()
    network, file = (alexnet(), "alexnet") if name == "alex" else (vgg16(), "vgg16")
    state = torch.load(assets.instrument(file), map_location="cpu", weights_only=True)
    network.load_state_dict({key: value for key, value in state.items() if key.startswith("features.")}, strict=True)
    return network.eval().requires_grad_(False)
