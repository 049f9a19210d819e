"""What every painter round facial parts is given: the average-face picture z, made from photos and varied in training.

The parts system's G and the methods that it is compared with read the same batches.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces import parts
from likeness.faces.align import Framing
from likeness.faces.variety import PartsVariety
from likeness.image import to_images
from likeness.losses.perceptual import judged_distance
from likeness.nn import placement
from likeness.records import Image
from likeness.system import STATISTICS_ROWS, System, Table


@dataclass(frozen=True)
class PartsBatch:
    """``canvas`` z (B × 3 or 4 × S × S), ``photo`` x (B × 3 × S × S, [-1, 1]), and the chance of this step."""

    canvas: Tensor
    photo: Tensor
    generator: torch.Generator


def generator_input(with_cover: bool, colours: Tensor, cover: Tensor) -> Tensor:
    """What a painter takes: the average face's colours and, ``with_cover``, its cover as a fourth channel in [-1, 1]."""
    return torch.cat([colours, 2 * cover - 1], 1) if with_cover else colours


class CanvasSystem(System):
    """A system that paints the face round the parts; its subclasses say with which networks and how they learn.

    They set ``framing``, ``augment`` and ``with_cover`` (whether :meth:`paint` is told where parts lie).
    """

    framing: Framing
    augment: PartsVariety
    with_cover: bool

    def __init__(self, framing: Framing, augment: PartsVariety, with_cover: bool) -> None:
        super().__init__()
        self.framing, self.augment, self.with_cover = framing, augment, with_cover
        self.anchors = placement.Anchors(framing.size)

    @abstractmethod
    def paint(self, canvas: Tensor) -> Tensor:
        """Average-face pictures B × 3 or 4 × S × S to faces B × 3 × S × S in [-1, 1], without chance."""

    def table(self, store: FaceStore) -> Table:
        """``photo`` uint8 N × 3 × S × S and ``bits`` uint8 N × S × S, see :func:`likeness.faces.parts.mask_bits`."""
        if store.framing != self.framing:
            raise LikenessError(f"{store.path} is framed {store.framing}, the recipe wants {self.framing}")
        size, count = self.framing.size, len(store)
        photos, bits = np.empty((count, 3, size, size), np.uint8), np.empty((count, size, size), np.uint8)
        for i, face in enumerate(store):
            photos[i] = face.image.transpose(2, 0, 1)
            bits[i] = parts.mask_bits(face.landmarks, size)
        return {"photo": torch.from_numpy(photos), "bits": torch.from_numpy(bits)}

    def fit_statistics(self, table: Table) -> None:
        """The mean position and width of every part over the training faces."""
        self.fit_tables({"bits": bits} for bits in table["bits"].split(STATISTICS_ROWS))

    def fit_tables(self, tables: Iterable[Table]) -> None:
        """See :meth:`likeness.system.System.fit_tables`."""
        self.anchors.fit(table["bits"] for table in tables)

    def batch(self, rows: Table, generator: torch.Generator, augment: bool) -> PartsBatch:
        """Flip, light, choose, move and tint parts as the recipe says, and lay them on the average face."""
        photo = rows["photo"].float() / 127.5 - 1
        masks = placement.unpack(rows["bits"])
        device, plan = photo.device, self.augment
        if not augment:
            masks = masks * placement.key_parts(len(photo)).to(device)[..., None, None]
            return PartsBatch(self.canvas(photo, masks), photo, generator)

        def chance(*shape: int) -> Tensor:
            return torch.rand(*shape, generator=generator)

        count = len(photo)
        if plan.flip:
            flips = (chance(count) < 0.5).to(device)[:, None, None, None]
            photo = torch.where(flips, photo.flip(-1), photo)
            masks = torch.where(flips, masks[:, list(parts.MIRRORED_BITS)].flip(-1), masks)
        if plan.light:
            gain = 1 + plan.light * (2 * chance(count, 1, 1, 1) - 1) + 0.3 * plan.light * (2 * chance(count, 3, 1, 1) - 1)
            photo = ((photo + 1) * gain.to(device)).clamp(0, 2) - 1
        masks = masks * placement.choose_parts(plan, count, generator).to(device)[..., None, None]
        shifts, scales, gains = placement.displaced(plan, count, generator, device)
        return PartsBatch(self.canvas(photo, masks, shifts, scales, gains), photo, generator)

    def canvas(
        self,
        images: Tensor,
        masks: Tensor,
        shifts: Tensor | None = None,
        scales: Tensor | None = None,
        gains: Tensor | None = None,
    ) -> Tensor:
        """The average-face picture z that G takes, with its cover where the recipe wants one."""
        anchors = self.anchors.mean.to(images.device)
        colours, cover = placement.place(images, masks, anchors, shifts=shifts, scales=scales, gains=gains)
        return generator_input(self.with_cover, colours, cover)

    def show(self, rows: Table) -> Image:
        """Rows of parts, face and photo; the last third with parts displaced and magnified."""
        with torch.no_grad():
            plain = self.batch(rows, torch.Generator().manual_seed(0), augment=False)
            rough = self.batch(rows, torch.Generator().manual_seed(0), augment=True)
            columns = []
            for batch in (plain, rough):
                columns += [batch.canvas[:, :3], self.paint(batch.canvas).float(), batch.photo]
        strips = [np.concatenate(list(to_images(column)), 0) for column in columns]
        return np.concatenate(strips, 1)

    def measure(self, rows: Table) -> dict[str, float]:
        """Mean PSNR in dB over the faces, of eight-bit pictures.

        Where its package is installed also ``lite0``, the distance from the photos on EfficientNet-Lite0's features.
        """
        values: list[Tensor] = []
        pictures: list[tuple[Tensor, Tensor]] = []
        with torch.no_grad():
            for photo, bits in zip(rows["photo"].split(50), rows["bits"].split(50), strict=True):
                batch = self.batch({"photo": photo, "bits": bits}, torch.Generator(), augment=False)
                fake = ((self.paint(batch.canvas).float() + 1) * 127.5).round().clamp(0, 255)
                pictures.append((batch.photo, fake / 127.5 - 1))
                error = (fake - photo.float()).square().flatten(1).mean(1).clamp(min=1e-8)
                values.append(10 * torch.log10(255**2 / error))
        photos, made = (torch.cat(some) for some in zip(*pictures, strict=True))
        return {"psnr": float(torch.cat(values).mean())} | judged_distance(photos, made)
