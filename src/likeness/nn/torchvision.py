"""AlexNet's and VGG-16's convolutions as torchvision publishes them: the other two backbones of LPIPS."""

from __future__ import annotations

from torch import Tensor, nn


class Taps(nn.Module):
    """A sequence of layers of which some outputs are kept, finest first."""

    def __init__(self, layers: list[nn.Module], taps: tuple[int, ...]) -> None:
        super().__init__()
        self.features = nn.Sequential(*layers)
        self.taps = taps

    def forward(self, images: Tensor) -> list[Tensor]:
        """Pictures B × 3 × H × W, normalised as the caller sees fit, to feature maps."""
        maps = []
        for index, layer in enumerate(self.features):
            images = layer(images)
            if index in self.taps:
                maps.append(images)
            if index == self.taps[-1]:
                break
        return maps


def alexnet() -> Taps:
    """AlexNet (Krizhevsky 2014, "one weird trick"): five ReLU outputs with 64, 192, 384, 256, 256 channels."""
    layers: list[nn.Module] = [
        *(nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()),
    ]
    return Taps(layers, (1, 4, 7, 9, 11))


def vgg16() -> Taps:
    """VGG-16 (Simonyan & Zisserman 2015): relu1_2, 2_2, 3_3, 4_3, 5_3 with 64, 128, 256, 512, 512 channels."""
    layers: list[nn.Module] = []
    inside = 3
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            layers += [nn.Conv2d(inside, width, 3, padding=1), nn.ReLU()]
            inside = width
        layers.append(nn.MaxPool2d(2))
    return Taps(layers[:-1], (3, 8, 15, 22, 29))
