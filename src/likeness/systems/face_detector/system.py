"""The face detector in training: mosaics of photos, and the points where their faces are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from likeness import sheet
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces.face_detector import STRIDE, drawn, peaks, shared
from likeness.faces.landmark_detector import box_of
from likeness.faces.variety import lit
from likeness.image import to_images, to_tensor
from likeness.nn.face_detector import FaceDetectorNet
from likeness.recipe import Phase
from likeness.records import Image
from likeness.system import Move, System, Table
from likeness.systems.face_detector.objective import objective
from likeness.systems.face_detector.recipes import FaceDetectorRecipe

LEAST = 0.4
"""The score from which a face counts while training."""
Squares = NDArray[np.float32]
"""N × 3: middle x, y and side of faces in pixels."""


@dataclass(frozen=True)
class FaceDetectorBatch:
    """``picture`` B × 3 × S × S in [-1, 1]; ``heat`` and ``sizes`` B × h × w, ``offsets`` B × 2 × h × w; ``faces`` of each."""

    picture: Tensor
    heat: Tensor
    sizes: Tensor
    offsets: Tensor
    faces: list[Squares]


class FaceDetectorSystem(System):
    """One player: F, which finds faces."""

    players: ClassVar[dict[str, tuple[str, ...]]] = {"F": ("detector",)}
    ships: ClassVar[tuple[str, ...]] = ("detector",)
    on_host: ClassVar[bool] = True
    recipe: FaceDetectorRecipe

    def __init__(self, recipe: FaceDetectorRecipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.detector = FaceDetectorNet(recipe.width)

    def table(self, store: FaceStore) -> Table:
        """``photo`` uint8 N × 3 × S × S, and ``face`` N × 3: middle x, y and side in pixels."""
        if store.framing != self.recipe.framing:
            raise LikenessError(
                f"{store.path} is framed {store.framing}, the recipe wants {self.recipe.framing} (prepare --wide)"
            )
        photos, faces = [], []
        for face in store:
            photos.append(torch.from_numpy(face.image.transpose(2, 0, 1).copy()))
            left, top, right, bottom = box_of(face.landmarks)
            faces.append(torch.tensor([(left + right) / 2, (top + bottom) / 2, right - left]))
        return {"photo": torch.stack(photos), "face": torch.stack(faces)}

    def batch(self, rows: Table, generator: torch.Generator, augment: bool) -> FaceDetectorBatch:
        """Mosaics if ``augment``, else each photo with its face at two fifths of the side; all chance from ``generator``."""
        device, side = rows["photo"].device, self.recipe.side
        photos = rows["photo"].permute(0, 2, 3, 1).cpu().numpy()
        faces = rows["face"].cpu().numpy()
        if augment:
            seeds = torch.randint(2**31, (len(photos),), generator=generator).tolist()
            made = [mosaic(photos, faces, i, self.recipe, seed) for i, seed in enumerate(seeds)]
        else:
            made = [
                placed(photo, face, side, 0.4 * side, (side / 2, side / 2), 0.0)
                for photo, face in zip(photos, faces, strict=True)
            ]
        pictures, squares = zip(*made, strict=True)
        targets = [target(some, side // STRIDE) for some in squares]
        heat, sizes, offsets = (torch.from_numpy(np.stack(column)).to(device) for column in zip(*targets, strict=True))
        return FaceDetectorBatch(to_tensor(np.stack(pictures)).to(device), heat, sizes, offsets, list(squares))

    def play(self, batch: FaceDetectorBatch, phase: Phase) -> Iterator[Move]:
        """One step of gradient descent."""
        made = self.detector(batch.picture)
        plan = self.recipe
        yield "F", lambda: objective(made, batch.heat, batch.sizes, batch.offsets, plan.size_weight, plan.offset_weight)

    def show(self, rows: Table) -> Image:
        """Mosaics with the faces that were found in green, and those there are in red."""
        with torch.no_grad():
            batch = self.batch(rows, torch.Generator().manual_seed(0), augment=True)
            found = found_in(self.detector(batch.picture))
        pictures = to_images(batch.picture)
        both = [drawn(drawn(p, true, (220, 40, 40)), made) for p, made, true in zip(pictures, found, batch.faces, strict=True)]
        return sheet.grid([both[i : i + 4] for i in range(0, len(both), 4)], cell=self.recipe.side)

    def measure(self, rows: Table) -> dict[str, float]:
        """On mosaics: the share of faces found (IoU from ½, score from 0.4), and false alarms a picture."""
        found_true, there, false, count = 0, 0, 0, 0
        with torch.no_grad():
            for start in range(0, len(rows["photo"]), 40):
                some = {key: column[start : start + 40] for key, column in rows.items()}
                batch = self.batch(some, torch.Generator().manual_seed(start), augment=True)
                for made, true in zip(found_in(self.detector(batch.picture)), batch.faces, strict=True):
                    right = matched(made, true)
                    found_true, there = found_true + right, there + len(true)
                    false, count = false + len(made) - right, count + 1
        return {"recall": found_true / max(there, 1), "false": false / max(count, 1)}


def found_in(made: tuple[Tensor, Tensor, Tensor]) -> list[NDArray[np.float32]]:
    """The faces in what the network made of pictures, see :func:`likeness.faces.face_detector.peaks`."""
    logits, sizes, offsets = (one.float().cpu().numpy() for one in made)
    return peaks(logits, sizes, offsets, LEAST)


def placed(
    photo: Image, face: NDArray[np.float32], side: int, size: float, middle: tuple[float, float], turn: float
) -> tuple[Image, Squares]:
    """A photo moved so that its face is ``size`` pixels large, its middle at ``middle``, turned by degrees; side × side."""
    ratio, a = size / float(face[2]), np.radians(turn)
    way = ratio * np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    matrix = np.hstack([way, (np.array(middle) - way @ face[:2])[:, None]])
    method = cv2.INTER_AREA if ratio < 0.5 else cv2.INTER_LINEAR
    if ratio < 0.5:  # shrunk first, so that nothing aliases
        small = max(round(photo.shape[0] * ratio * 1.5), 8)
        k = photo.shape[0] / small  # a pixel centre x of the small photo lies at k·(x + 0.5) − 0.5 of the photo
        matrix = matrix @ np.array([[k, 0, (k - 1) / 2], [0, k, (k - 1) / 2], [0, 0, 1]])
        photo = np.asarray(cv2.resize(photo, (small, small), interpolation=method), np.uint8)
    made = cv2.warpAffine(photo, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = 0 <= middle[0] < side and 0 <= middle[1] < side
    squares = np.array([[*middle, size]] if inside else np.zeros((0, 3)), np.float32)
    return np.asarray(made, np.uint8), squares


def mosaic(photos: Image, faces: NDArray[np.float32], first: int, plan: FaceDetectorRecipe, seed: int) -> tuple[Image, Squares]:
    """A training picture: one photo or four, faces of many sizes, or none."""
    chance, side = np.random.default_rng(seed), plan.side
    four = chance.random() < plan.many
    tiles = [(0, 0, side)] if not four else [(x, y, side // 2) for x in (0, side // 2) for y in (0, side // 2)]
    picture: Image = np.zeros((side, side, 3), np.uint8)
    squares = []
    for number, (x, y, length) in enumerate(tiles):
        i = first if number == 0 else int(chance.integers(len(photos)))
        photo, face = photos[i], faces[i]
        if chance.random() < 0.5:
            photo, face = photo[:, ::-1], face * [-1, 1, 1] + [photo.shape[1] - 1, 0, 0]
        if gone := chance.random() < plan.none:
            photo = covered(np.ascontiguousarray(photo), face)
        size = length * float(np.exp(chance.uniform(np.log(plan.least), np.log(plan.most))))
        room = max(length / 2 - 0.4 * size, 0)
        middle = (length / 2 + room * (2 * chance.random() - 1), length / 2 + room * (2 * chance.random() - 1))
        turn = plan.turn * (2 * chance.random() - 1)
        tile, found = placed(np.ascontiguousarray(photo), np.asarray(face, np.float32), length, size, middle, turn)
        picture[y : y + length, x : x + length] = lit(tile, plan.colour, plan.grey, plan.blur, chance)
        if not gone:
            squares.append(found + np.array([x, y, 0], np.float32))
    return picture, np.concatenate(squares) if squares else np.zeros((0, 3), np.float32)


def covered(photo: Image, face: NDArray[np.float32]) -> Image:
    """A photo whose head is covered by a piece of its own ground, from one of its upper corners, enlarged."""
    size = photo.shape[0]
    x, y, half = float(face[0]), float(face[1]), 0.9 * float(face[2])
    left, top = max(round(x - half), 0), max(round(y - 1.3 * half), 0)
    right, bottom = min(round(x + half), size), min(round(y + half), size)
    if right - left < 2 or bottom - top < 2:
        return photo
    corner = photo[: max(size // 6, 2), : max(size // 6, 2)]
    made = photo.copy()
    made[top:bottom, left:right] = cv2.resize(corner, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    return made


def target(squares: Squares, cells: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Heat, log sizes and offsets of faces, on a grid of ``cells`` a side."""
    heat, sizes = np.zeros((cells, cells), np.float32), np.zeros((cells, cells), np.float32)
    offsets = np.zeros((2, cells, cells), np.float32)
    rows, columns = np.mgrid[:cells, :cells]
    for x, y, size in squares.tolist():
        u, v = (x + 0.5) / STRIDE, (y + 0.5) / STRIDE
        i, j = min(int(v), cells - 1), min(int(u), cells - 1)
        sigma = max(size / STRIDE / 9, 0.5)
        around = np.exp(-((rows - i) ** 2 + (columns - j) ** 2) / (2 * sigma**2)).astype(np.float32)
        heat = np.maximum(heat, around)
        sizes[i, j], offsets[:, i, j] = np.log(size / STRIDE), (u - j, v - i)
    return heat, sizes, offsets


def matched(made: NDArray[np.float32], true: Squares) -> int:
    """How many true faces have a found one of their own with an intersection of half the union."""
    left, right = list(range(len(made))), 0
    for one in true:
        best, which = 0.5, -1
        for k in left:
            both = shared(one, made[k])
            share = both / max(float(one[2] ** 2 + made[k, 2] ** 2) - both, 1e-6)
            if share >= best:
                best, which = share, k
        if which >= 0:
            left.remove(which)
            right += 1
    return right
