"""Parts laid on the average face in training, by batches: displaced, magnified, tinted."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from likeness.faces.parts import FACE, NAMES
from likeness.faces.variety import PartsVariety


def unpack(bits: Tensor) -> Tensor:
    """uint8 B × S × S part bits to float masks B × P × S × S, in the order of :data:`NAMES`."""
    return torch.stack([(bits >> index) & 1 for index in range(len(NAMES))], 1).float()


def centroids(masks: Tensor) -> Tensor:
    """Centres of mass (x, y) in pixels of masks B × P × S × S: B × P × 2; of an empty mask, the picture's middle."""
    size = masks.shape[-1]
    ruler = torch.arange(size, dtype=masks.dtype, device=masks.device)
    area = masks.sum((2, 3))
    x = (masks.sum(2) * ruler).sum(-1) / area.clamp(min=1)
    y = (masks.sum(3) * ruler).sum(-1) / area.clamp(min=1)
    middle = torch.full_like(x, (size - 1) / 2)
    return torch.stack([torch.where(area > 0, x, middle), torch.where(area > 0, y, middle)], -1)


def place(
    images: Tensor,
    masks: Tensor,
    anchors: Tensor,
    *,
    shifts: Tensor | None = None,
    scales: Tensor | None = None,
    gains: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Lay parts on the average face: each part's centroid comes to stand at its anchor; nothing is warped.

    Args:
        images: float B × 3 × S × S in [-1, 1], one source for all parts, or B × P × 3 × S × S, one for each.
        masks: float B × P × S × S of {0, 1}; an all-zero mask leaves that part out.
        anchors: P × 2 mean positions (x, y) in pixels.
        shifts: B × P × 2 further displacement in pixels. Whole pixels are exact.
        scales: B × P magnification about the centroid.
        gains: B × P × 3 factors on each colour channel's brightness (on the values (v + 1) / 2).

    Returns:
        The canvas B × 3 × S × S, zero where nothing lies, and its cover B × 1 × S × S in [0, 1].
    """
    batch, parts, size = masks.shape[0], masks.shape[1], masks.shape[-1]
    sources = images[:, None].expand(batch, parts, 3, size, size) if images.dim() == 4 else images
    if gains is not None:
        sources = ((sources + 1) * gains[..., None, None]).clamp(0, 2) - 1
    centre = centroids(masks)
    target = anchors[None] if shifts is None else anchors[None] + shifts
    magnify = masks.new_ones(batch, parts, 1) if scales is None else scales[..., None]
    # a part that keeps its size is moved by whole pixels, not resampled
    target = torch.where(magnify == 1, centre + (target - centre).round(), target)
    # Output pixel o shows source pixel c + (o - t) / m; affine_grid wants that in units where the picture spans [-1, 1].
    middle = (size - 1) / 2
    offset = (centre - middle - (target - middle) / magnify) * (2 / size)
    shrink = 1 / magnify[..., 0]
    zero = torch.zeros_like(shrink)
    rows = [torch.stack([shrink, zero, offset[..., 0]], -1), torch.stack([zero, shrink, offset[..., 1]], -1)]
    theta = torch.stack(rows, -2).reshape(batch * parts, 2, 3)
    grid = torch.nn.functional.affine_grid(theta, [batch * parts, 4, size, size], align_corners=False)
    layers = torch.cat([sources * masks[:, :, None], masks[:, :, None]], 2).reshape(batch * parts, 4, size, size)
    moved = torch.nn.functional.grid_sample(layers, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    moved = moved.reshape(batch, parts, 4, size, size)
    canvas, cover = masks.new_zeros(batch, 3, size, size), masks.new_zeros(batch, 1, size, size)
    for index in range(parts):
        colour, alpha = moved[:, index, :3], moved[:, index, 3:]
        canvas = canvas * (1 - alpha) + colour  # the colours are already multiplied by their mask
        cover = torch.maximum(cover, alpha)
    return canvas, cover


def key_parts(count: int) -> Tensor:
    """All key parts and no jaw: count × P of {0, 1}."""
    return torch.tensor([[float(name in FACE) for name in NAMES]]).repeat(count, 1)


def choose_parts(plan: PartsVariety, count: int, generator: torch.Generator) -> Tensor:
    """Which parts each input has, by the recipe's chances: count × P of {0, 1}, never without all key parts."""
    chosen = key_parts(count)
    key = chosen[0] > 0
    thin = torch.rand(count, 1, generator=generator) < plan.dropout
    stay = torch.rand(count, int(key.sum()), generator=generator) >= plan.drop
    saved = torch.randint(0, int(key.sum()), (count,), generator=generator)
    stay[torch.arange(count), saved] = True
    chosen[:, key] = torch.where(thin, stay, torch.ones_like(stay)).float()
    chosen[:, NAMES.index("jaw")] = (torch.rand(count, generator=generator) < plan.jaw).float()
    return chosen


def displaced(
    plan: PartsVariety, count: int, generator: torch.Generator, device: torch.device
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """``shifts``, ``scales`` and ``gains`` of :func:`place` by the recipe's chances; None for what it does not vary."""
    number = len(NAMES)

    def chance(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    shifts = scales = gains = None
    if plan.move:
        moved = (chance(count, 1) < plan.move).float()
        # half of a displacement is shared by all parts, half is each part's own
        away = 2 * chance(count, 1, 2) - 1 + (2 * chance(count, number, 2) - 1)
        shifts = (moved[..., None] * plan.shift * away.clamp(-1, 1)).round().to(device)
        size = (2 * chance(count, 1) - 1 + 0.25 * (2 * chance(count, number) - 1)).clamp(-1, 1)
        scales = ((1 + plan.zoom) ** (moved * size)).to(device)
    if plan.tint:
        tinted = (chance(count, 1, 1) < plan.tint).float()
        away = 0.7 * (2 * chance(count, number, 1) - 1) + 0.3 * (2 * chance(count, number, 3) - 1)
        gains = (tinted * plan.gain * away).exp().to(device)
    return shifts, scales, gains


class Anchors(nn.Module):
    """Where each part stands on the average face: ``mean`` P × 2 centroids and ``width`` P mean widths, in pixels."""

    mean: Tensor
    width: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.full((len(NAMES), 2), (size - 1) / 2))
        self.register_buffer("width", torch.full((len(NAMES),), size / 4))

    def fit(self, bits: Iterable[Tensor]) -> None:
        """The mean centroid and width of every part over part bits, given in pieces B × S × S (see :func:`unpack`)."""
        total, wide, count = torch.zeros_like(self.mean), torch.zeros_like(self.width), 0
        for some in bits:
            masks = unpack(some)
            total += centroids(masks).sum(0).to(total)
            wide += masks.amax(2).sum(-1).sum(0).to(wide)
            count += len(some)
        self.mean.copy_(total / count)
        self.width.copy_(wide / count)
