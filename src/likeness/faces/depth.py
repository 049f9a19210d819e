"""Depth of a face from its 68 landmarks: a morphable model is fitted to them and drawn from the front.

The model is the Surrey Face Model (Huber et al. 2016): a mean shape, 63 shape modes and 6 expressions. The fit is a scaled
orthographic camera and ridge regression in turn (Huber et al. 2016, section 3; Bas et al. 2016). It is an estimate: it knows
nothing of hair, ears and neck, and nothing that landmarks do not show. For labels only; the model's terms are non-commercial.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness import assets
from likeness.faces.landmarks import COUNT, eye_distance
from likeness.records import Image, Points

ROUNDS, SHAPE_RIDGE, EXPRESSION_RIDGE = 5, 3.0, 1.0
EYES, PER_EYE_DISTANCE = 150.0, 110.0
"""Grey of the eyes' depth, and greys a pixel gains that stands one eye distance nearer."""


@dataclass(frozen=True)
class Morphable:
    """``mean`` V × 3 in mm (x right, y up, z towards the viewer), ``modes`` K × V × 3 of one deviation each, ``expressions``
    E × V × 3, ``triangles`` T × 3, and which landmark (from 0) is which vertex.
    """

    mean: NDArray[np.float64]
    modes: NDArray[np.float64]
    expressions: NDArray[np.float64]
    triangles: NDArray[np.int32]
    landmarks: tuple[int, ...]
    vertices: tuple[int, ...]


@dataclass(frozen=True)
class Fit:
    """A fitted face: ``vertices`` V × 3 in pixels (x right, y down, z towards the viewer) and the camera's ``turn``, 3 × 3."""

    vertices: NDArray[np.float64]
    turn: NDArray[np.float64]

    @property
    def yaw(self) -> float:
        """Turn about the upright axis in degrees; positive towards the picture's right."""
        return float(np.degrees(np.arctan2(self.turn[0, 2], self.turn[2, 2])))


@cache
def surrey() -> Morphable:
    """The Surrey Face Model with 3,448 vertices.

    Raises:
        LikenessError: its files are not here.
    """
    with np.load(assets.instrument("sfm_shape"), allow_pickle=False) as shape:
        mean = shape["mean"].astype(np.float64).reshape(-1, 3)
        modes = (shape["basis"] * np.sqrt(shape["eigenvalues"])).T.astype(np.float64).reshape(-1, *mean.shape)
        triangles = shape["triangles"].astype(np.int32)
    with np.load(assets.instrument("sfm_expressions"), allow_pickle=False) as found:
        expressions = found["deltas"].astype(np.float64).reshape(-1, *mean.shape)
    pairs = re.findall(r"^\s*(\d+)\s*=\s*(\d+)", assets.instrument("sfm_landmarks").read_text(), re.M)
    known = [(int(one) - 1, int(vertex)) for one, vertex in pairs if int(one) <= COUNT]
    return Morphable(mean, modes, expressions, triangles, tuple(one for one, _ in known), tuple(vertex for _, vertex in known))


def fit(landmarks: Points, model: Morphable) -> Fit:
    """Fit the model to 68 landmarks in pixels (y down)."""
    wanted = landmarks[list(model.landmarks)].astype(np.float64) * (1, -1)
    places = list(model.vertices)
    mean = model.mean[places]
    modes = np.concatenate([model.modes[:, places], model.expressions[:, places]])
    ridge = np.concatenate([np.full(len(model.modes), SHAPE_RIDGE), np.full(len(model.expressions), EXPRESSION_RIDGE)])
    numbers = np.zeros(len(modes))
    shape = mean
    for _ in range(ROUNDS):
        turn, scale, shift = camera(shape, wanted)
        seen = scale * np.einsum("ij,kvj->kvi", turn[:2], modes).reshape(len(modes), -1)
        left = (wanted - scale * mean @ turn[:2].T - shift).reshape(-1)
        noise = (0.03 * eye_distance(landmarks)) ** 2  # landmarks are about three hundredths of the eye distance off
        numbers = np.linalg.solve(seen @ seen.T / noise + np.diag(ridge), seen @ left / noise)
        shape = mean + np.tensordot(numbers, modes, 1)
    whole = model.mean + np.tensordot(numbers, np.concatenate([model.modes, model.expressions]), 1)
    turned = scale * whole @ turn.T
    turned[:, :2] += shift
    return Fit(turned * (1, -1, 1), turn)


def camera(shape: NDArray[np.float64], seen: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """The scaled orthographic camera: rotation 3 × 3, scale, shift 2, so that ``scale·(R x)[:2] + shift`` is near what is seen.

    Args:
        shape: N × 3.
        seen: N × 2, y up.
    """
    middle, centre = shape.mean(0), seen.mean(0)
    rows = np.linalg.lstsq(shape - middle, seen - centre, rcond=None)[0].T
    scale = float(np.sqrt(np.linalg.norm(rows[0]) * np.linalg.norm(rows[1])))
    third = np.cross(rows[0], rows[1])
    u, _, v = np.linalg.svd(np.vstack([rows, third / max(scale, 1e-9)]))
    turn = u @ np.diag([1.0, 1.0, float(np.sign(np.linalg.det(u @ v)) or 1.0)]) @ v
    return turn, scale, centre - scale * turn[:2] @ middle


def drawn(vertices: NDArray[np.float64], triangles: NDArray[np.int32], size: int, level: float, unit: float) -> Image:
    """Vertices seen from the front as greys, S × S × 3: 150 at depth ``level``, 110 more each ``unit`` nearer, 0 beside them.

    Far triangles are drawn first, at twice the size.
    """
    sharp = 4  # binary digits of a pixel's fraction
    corners = np.round((vertices[triangles, :2] * 2 + 0.5) * 2**sharp).astype(np.int32)
    depths = vertices[triangles, 2].mean(1)
    greys = np.clip(EYES + PER_EYE_DISTANCE * (depths - level) / unit, 1, 255)
    canvas = np.zeros((2 * size, 2 * size), np.float32)
    for i in np.argsort(depths):
        cv2.fillConvexPoly(canvas, corners[i], float(greys[i]), lineType=cv2.LINE_8, shift=sharp)
    small = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    return np.repeat(np.round(small).astype(np.uint8)[..., None], 3, 2)


def depth_picture(landmarks: Points, size: int) -> Image:
    """The depth of a face as greys, S × S × 3, lighter is nearer; the eyes' corners stand at 150, the rest of the picture is 0.

    Raises:
        LikenessError: the morphable model is not here.
    """
    model = surrey()
    fitted = fit(landmarks, model)
    by_landmark = dict(zip(model.landmarks, model.vertices, strict=True))
    level = float(np.mean([fitted.vertices[by_landmark[i], 2] for i in (36, 39, 42, 45)]))
    return drawn(fitted.vertices, model.triangles, size, level, eye_distance(landmarks))
