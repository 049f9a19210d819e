"""The landmark detector in training: faces moved about, and their landmarks with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
import torch
from torch import Tensor

from likeness import sheet
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces.landmark_detector import dotted
from likeness.faces.landmarks import COUNT, mirror
from likeness.faces.variety import Variety, seen_otherwise, similarity
from likeness.image import to_images, to_tensor
from likeness.nn.dsnt import expected, heat
from likeness.nn.hourglass import LandmarkNet
from likeness.recipe import Phase
from likeness.records import Image, Points
from likeness.system import Move, System, Table
from likeness.systems.landmark_detector.objective import objective
from likeness.systems.landmark_detector.recipes import LandmarkDetectorRecipe


@dataclass(frozen=True)
class LandmarkDetectorBatch:
    """``picture`` B × 3 × S × S and ``points`` B × 68 × 2, both in [-1, 1]; ``seen`` B × 68, 1 where a landmark is inside."""

    picture: Tensor
    points: Tensor
    seen: Tensor


class LandmarkDetectorSystem(System):
    """One player: D, which points at landmarks."""

    players: ClassVar[dict[str, tuple[str, ...]]] = {"D": ("detector",)}
    ships: ClassVar[tuple[str, ...]] = ("detector",)
    on_host: ClassVar[bool] = True
    recipe: LandmarkDetectorRecipe

    def __init__(self, recipe: LandmarkDetectorRecipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.detector = LandmarkNet(COUNT, recipe.channels, recipe.depth)

    def table(self, store: FaceStore) -> Table:
        """``photo`` uint8 N × 3 × S × S and ``landmarks`` N × 68 × 2 in pixels."""
        if store.framing != self.recipe.framing:
            raise LikenessError(f"{store.path} is framed {store.framing}, the recipe wants {self.recipe.framing}")
        photos, landmarks = [], []
        for face in store:
            photos.append(torch.from_numpy(face.image.transpose(2, 0, 1).copy()))
            landmarks.append(torch.from_numpy(face.landmarks))
        return {"photo": torch.stack(photos), "landmarks": torch.stack(landmarks)}

    def batch(self, rows: Table, generator: torch.Generator, augment: bool) -> LandmarkDetectorBatch:
        """Faces and landmarks, varied if ``augment``; all chance from ``generator``."""
        device, size = rows["photo"].device, self.recipe.framing.size
        photos, points = rows["photo"].permute(0, 2, 3, 1).cpu().numpy(), rows["landmarks"].cpu().numpy()
        if augment:
            seeds = torch.randint(2**31, (len(photos),), generator=generator).tolist()
            plan = self.recipe.variety
            made = [varied(photo, some, plan, seed) for photo, some, seed in zip(photos, points, seeds, strict=True)]
            photos, points = (np.stack(column) for column in zip(*made, strict=True))
        inside = ((points > -0.5) & (points < size - 0.5)).all(-1)
        return LandmarkDetectorBatch(
            to_tensor(photos).to(device),
            torch.from_numpy(scaled(points, size)).to(device),
            torch.from_numpy(inside.astype(np.float32)).to(device),
        )

    def play(self, batch: LandmarkDetectorBatch, phase: Phase) -> Iterator[Move]:
        """One step of gradient descent."""
        maps = heat(self.detector(batch.picture).float())
        points = expected(maps)
        yield "D", lambda: objective(points, maps, batch.points, batch.seen, self.recipe.sigma, self.recipe.regular)

    def show(self, rows: Table) -> Image:
        """Faces with the landmarks that were found in green, and the true ones in red."""
        with torch.no_grad():
            batch = self.batch(rows, torch.Generator().manual_seed(0), augment=True)
            found = expected(heat(self.detector(batch.picture).float()))
        size, pictures = 2 * self.recipe.framing.size, []
        for picture, made, true in zip(to_images(batch.picture), found, batch.points, strict=True):
            large = np.asarray(cv2.resize(picture, (size, size), interpolation=cv2.INTER_CUBIC), np.uint8)
            red, green = (((points.cpu().numpy() + 1) * size - 1) / 2 for points in (true, made))
            pictures.append(dotted(dotted(large, red, (220, 40, 40)), green))
        return sheet.grid([pictures[i : i + 4] for i in range(0, len(pictures), 4)], cell=size)

    def measure(self, rows: Table) -> dict[str, float]:
        """Mean distance of landmarks in the picture, in per cent of the eyes', as they are and moved about; share over 8 %."""
        figures = {}
        with torch.no_grad():
            for name, augment in (("", False), ("_varied", True)):
                errors = []
                for start in range(0, len(rows["photo"]), 50):
                    some = {key: column[start : start + 50] for key, column in rows.items()}
                    batch = self.batch(some, torch.Generator().manual_seed(start), augment)
                    found = expected(heat(self.detector(batch.picture).float()))
                    apart = ((found - batch.points).norm(dim=-1) * batch.seen).sum(1) / batch.seen.sum(1).clamp(min=1)
                    eyes = (batch.points[:, 36:42].mean(1) - batch.points[:, 42:48].mean(1)).norm(dim=-1)
                    errors.append(100 * apart / eyes)
                figures[f"error{name}"] = float(torch.cat(errors).mean())
                figures[f"failed{name}"] = float((torch.cat(errors) > 8).float().mean())
        return figures


def scaled(points: Points, size: int) -> Points:
    """Pixels to [-1, 1]: the picture's edges are −1 and 1."""
    return np.asarray((2 * points + 1) / size - 1, np.float32)


def varied(photo: Image, points: Points, plan: Variety, seed: int) -> tuple[Image, Points]:
    """A face and its landmarks, varied as ``plan`` says."""
    chance, size = np.random.default_rng(seed), photo.shape[0]
    if plan.flip and chance.random() < 0.5:
        photo, points = np.ascontiguousarray(photo[:, ::-1]), mirror(points, size)
    moved = similarity(size, plan.turn, plan.scale, plan.shift, chance)
    border = cv2.BORDER_REFLECT_101 if chance.random() < 0.5 else cv2.BORDER_CONSTANT
    photo = np.asarray(cv2.warpAffine(photo, moved.matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border), np.uint8)
    return seen_otherwise(photo, plan, chance), moved.apply(points)
