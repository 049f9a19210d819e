"""Conditions made of photos in training, and chance in which of them a face is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from likeness.faces import effects, parts
from likeness.faces.landmarks import MIRROR
from likeness.nn import placement
from likeness.records import Image, Points
from likeness.system import Table
from likeness.systems.joint import maps
from likeness.systems.joint.maps import FLAGS, MAPS, SPATIAL
from likeness.systems.joint.recipes import CODES, NOISE, Chances, JointRecipe

DRIVEN = ("landmarks", "known")
"""What is told of one photo that is driven, see :class:`likeness.systems.joint.reenact.PhotoTarget`."""


@dataclass(frozen=True)
class JointBatch:
    """Photos and what G is given of them.

    ``photo`` B × 3 × S × S in [-1, 1], its ``classes`` B × 8 × S × S of {0, 1} and ``landmarks`` B × 68 × 2 in which the picture
    spans [-1, 1]; ``maps`` B × 23 × S × S, ``erased`` B × 1 × S × S, 1 where features were rubbed out of a drawing; ``identity``
    B × n, 0 where it is not given; ``flags`` B × 6 of what is given; ``looked`` B × 5 of the codes that are the photo's own;
    ``noise`` B × 128 of N(0, 1); ``other_photo`` and ``other_classes`` are another face's of the batch, whose look stands where
    the own one does not.
    """

    photo: Tensor
    classes: Tensor
    landmarks: Tensor
    maps: Tensor
    erased: Tensor
    identity: Tensor
    flags: Tensor
    looked: Tensor
    noise: Tensor
    other_photo: Tensor
    other_classes: Tensor
    generator: torch.Generator


def chosen(plan: Chances, count: int, chance: torch.Generator) -> tuple[Tensor, Tensor]:
    """Which conditions each face is given, B × 6, and which codes are its own, B × 5; all {0, 1}.

    Where drawing, parsing or landmarks tell the shape, its code is left to chance, so that G learns not to read it.
    """
    shares = torch.tensor([getattr(plan, name) for name in (*SPATIAL, "mixed", "driven")])
    place = torch.bucketize(torch.rand(count, generator=chance), shares.cumsum(0), right=True)
    flags = torch.zeros(count, len(FLAGS))
    single = place < len(SPATIAL)
    flags[single, place[single]] = 1
    for name in DRIVEN:
        flags[place == len(SPATIAL) + 1, FLAGS.index(name)] = 1
    order, two = torch.rand(count, len(SPATIAL), generator=chance).argsort(1), torch.rand(count, generator=chance) < 0.6
    for row in torch.nonzero(place == len(SPATIAL)).flatten().tolist():
        flags[row, order[row, : 2 if two[row] else 3]] = 1
    flags[:, FLAGS.index("identity")] = (torch.rand(count, generator=chance) < plan.identity).float()
    looks, every = torch.rand(count, 1, generator=chance) < plan.looked, torch.rand(count, 1, generator=chance) < 0.5
    looked = (looks & (every | (torch.rand(count, len(CODES), generator=chance) < 0.5))).float()
    told = flags[:, [FLAGS.index(name) for name in ("drawing", "parsing", "landmarks")]].amax(1)
    looked[:, list(CODES).index("shape")] *= 1 - told
    return flags, looked


def mirrored(rows: Table, flips: Tensor, size: int) -> Table:
    """Faces of which those in ``flips`` (B, bool) are mirrored, with their classes, part bits and landmarks."""
    across = flips[:, None, None]
    photo = torch.where(across[..., None], rows["photo"].flip(-1), rows["photo"])
    classes = torch.where(across, rows["classes"].flip(-1), rows["classes"])
    swapped = torch.zeros_like(rows["bits"])
    for index, other in enumerate(parts.MIRRORED_BITS):
        swapped |= ((rows["bits"] >> other) & 1) << index
    bits = torch.where(across, swapped.flip(-1), rows["bits"])
    points = rows["landmarks"]
    turned = points[:, list(MIRROR)] * points.new_tensor([-1.0, 1.0]) + points.new_tensor([size - 1.0, 0.0])
    return rows | {"photo": photo, "classes": classes, "bits": bits, "landmarks": torch.where(across, turned, points)}


def batch_of(
    rows: Table,
    flags: Tensor,
    looked: Tensor,
    recipe: JointRecipe,
    anchors: Tensor,
    generator: torch.Generator,
    augment: bool,
    effect: str = "",
) -> JointBatch:
    """The maps and vectors of the conditions in ``flags``.

    Without ``augment`` nothing is varied and identities are the photo's own. ``effect`` is what photos are drawn with; empty:
    one of the recipe's, by chance.
    """
    size, count, device = recipe.framing.size, len(rows["photo"]), rows["photo"].device
    photo = rows["photo"].float() / 127.5 - 1
    made, erased = torch.zeros(count, MAPS, size, size, device=device), torch.zeros(count, 1, size, size, device=device)
    given = {name: torch.nonzero(flags[:, i]).flatten().tolist() for i, name in enumerate(FLAGS)}
    seeds = torch.randint(2**31, (count,), generator=generator).tolist()
    if some := given["parts"]:
        made[some, maps.channels("parts")] = _parts(photo[some], rows["bits"][some], recipe, anchors, generator, augment)
    pictures, points = rows["photo"].permute(0, 2, 3, 1).cpu().numpy(), rows["landmarks"].cpu().numpy()
    classes = rows["classes"].cpu().numpy()
    for row in range(count):
        for name in SPATIAL[1:]:
            if not flags[row, FLAGS.index(name)]:
                continue
            chance = np.random.default_rng([seeds[row], SPATIAL.index(name)])
            one: NDArray[np.float32]
            if name == "drawing":
                kind = effect or str(chance.choice(recipe.effects))
                drawing = effects.apply(kind, pictures[row], int(chance.integers(2**31)))
                if augment and chance.random() < recipe.chances.erased:
                    names = [str(one) for one in chance.choice(list(effects.FEATURES), chance.integers(1, 4), False)]
                    drawing, gone = effects.rubbed_out(drawing, points[row], names, chance)
                    erased[row, 0] = torch.from_numpy(gone).to(erased)
                one = maps.drawing_maps(drawing)
            elif name == "parsing":
                one = maps.parsing_maps(classes[row])
            elif name == "landmarks":
                one = maps.landmark_maps(points[row], size)
            else:
                driven = {name for name in SPATIAL if flags[row, FLAGS.index(name)]} == set(DRIVEN)
                one = maps.known_maps(pictures[row], kept(pictures[row], points[row], classes[row], chance, driven))
            made[row, maps.channels(name)] = torch.from_numpy(one).to(device)
    identity = rows["identity"].float()
    if augment:
        others = (torch.rand(count, 1, generator=generator) < recipe.chances.other).to(device)
        identity = torch.where(others, rows["other"].float(), identity)
        away = recipe.chances.away * torch.rand(count, 1, generator=generator) * torch.randn(identity.shape, generator=generator)
        identity = normalize(identity + away.to(device), dim=1) * recipe.identity**0.5
    who = flags[:, FLAGS.index("identity")].to(device)[:, None]
    parsed = torch.nn.functional.one_hot(rows["classes"].long(), maps.CHANNELS["parsing"]).permute(0, 3, 1, 2).float()
    return JointBatch(
        photo,
        parsed,
        (2 * rows["landmarks"] + 1) / size - 1,
        made,
        erased,
        identity * who,
        flags.to(device),
        looked.to(device),
        torch.randn(count, NOISE, generator=generator).to(device),
        photo.roll(1, 0),
        parsed.roll(1, 0),
        generator,
    )


def _parts(
    photo: Tensor, bits: Tensor, recipe: JointRecipe, anchors: Tensor, generator: torch.Generator, augment: bool
) -> Tensor:
    """Parts on the average face and their cover, varied where ``augment``: B × 4 × S × S."""
    masks, count = placement.unpack(bits), len(photo)
    plan = recipe.variety
    which = placement.choose_parts(plan, count, generator) if augment else placement.key_parts(count)
    masks = masks * which.to(masks)[..., None, None]
    shifts, scales, gains = placement.displaced(plan, count, generator, photo.device) if augment else (None, None, None)
    return torch.cat(placement.place(photo, masks, anchors, shifts=shifts, scales=scales, gains=gains), 1)


def kept(
    picture: Image, points: Points, classes: NDArray[np.uint8], chance: np.random.Generator, driven: bool = False
) -> NDArray[np.bool_]:
    """Pixels that are given, S × S: all but a feature or a rectangle, hair and ground alone, or the face alone.

    With ``driven`` all but the mouth, and sometimes the eyes, as :class:`likeness.systems.joint.reenact.PhotoTarget` gives them.
    """
    size = picture.shape[0]
    if driven:
        lost = ["mouth"] if chance.random() < 0.7 else ["mouth", "left_eye", "right_eye"]
        return ~np.asarray(effects.erased_region(picture.shape[:2], points, lost), np.bool_)
    kind = chance.integers(4)
    if kind == 0:
        names = [str(name) for name in chance.choice(["left_eye", "right_eye", "nose", "mouth"], chance.integers(1, 3), False)]
        return ~np.asarray(effects.erased_region(picture.shape[:2], points, names), np.bool_)
    where: NDArray[Any] = np.ones((size, size), np.uint8)
    if kind == 1:
        high, wide = (int(size * (0.2 + 0.4 * chance.random())) for _ in range(2))
        top, left = int(chance.integers(size - high + 1)), int(chance.integers(size - wide + 1))
        where[top : top + high, left : left + wide] = 0
    elif kind == 2:
        where = np.isin(classes, (0, 7)).astype(np.uint8)  # background and hair
        where = cv2.erode(where, np.ones((3, 3), np.uint8), iterations=max(size // 64, 1))
    else:
        where = cv2.erode((classes != 0).astype(np.uint8) * (classes != 7), np.ones((3, 3), np.uint8))
    return where.astype(np.bool_)
