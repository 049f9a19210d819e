"""Where is a model weak? The same figures by skin tone, sharpness and yaw of the photo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness.errors import LikenessError
from likeness.faces.landmarks import five_points
from likeness.records import Image, Points

CHEEKS = ((2, 3, 4, 48, 31, 40, 41), (14, 13, 12, 54, 35, 47, 46))
"""Landmarks round the two cheeks (iBUG order, from 0)."""

SKIN_TONES = (("light", 41.0), ("intermediate", 28.0), ("tan", 10.0), ("brown", -30.0), ("dark", -np.inf))
"""Least ITA in degrees of each bin (Chardon et al. 1991; its two lightest bins are one here)."""

LEAST_COLOUR = 3.0
"""A median a*, b* nearer to grey than this is no skin's colour."""

NOSE = 1.9
"""Distance of the eyes' outer corners over how far the nose's tip stands out from their line; a usual head's."""


def individual_typology_angle(image: Image, landmarks: Points) -> float:
    """ITA = atan((L* − 50) / b*) in degrees, of the median colour of the cheeks: high is light.

    NaN where it tells nothing: of a grey photo, or one in blue light.

    A caveat: of a photo taken in unknown light it is the tone of the picture, not of the person.

    >>> import numpy as np
    >>> from likeness.faces.drawing import drawn_faces
    >>> from likeness.faces.align import Framing
    >>> face = drawn_faces(1, Framing())[0]
    >>> individual_typology_angle(np.full_like(face.image, [255, 240, 220]), face.landmarks) > 41
    True
    """
    where = np.zeros(image.shape[:2], np.uint8)
    for cheek in CHEEKS:
        cv2.fillPoly(where, [np.round(landmarks[list(cheek)]).astype(np.int32)], 1)
    if where.sum() > 100:  # keep off the edges where there is room
        where = np.asarray(cv2.erode(where, np.ones((3, 3), np.uint8)), np.uint8)
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[where > 0]
    if len(lab) == 0:
        return float("nan")
    lightness, red, yellow = (float(np.median(lab[:, k])) for k in range(3))
    if np.hypot(red, yellow) < LEAST_COLOUR or yellow <= 0:
        return float("nan")
    return float(np.degrees(np.arctan2(lightness - 50, yellow)))


def sharpness(image: Image, landmarks: Points) -> float:
    """Variance of the Laplacian of the grey levels (0 to 255) within the landmarks' box: high is sharp.

    A caveat: noise and coarse compression are sharp too.
    """
    left, top = np.clip(np.floor(landmarks.min(0)).astype(int), 0, None)
    right, bottom = np.ceil(landmarks.max(0)).astype(int)
    grey = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey.astype(np.float32), cv2.CV_32F).var())


def yaw(landmarks: Points) -> float:
    """How far the head is turned, in degrees, positive towards the viewer's right: an estimate from five points.

    The tip of the nose stands out from the line between the eyes; turned by ψ, it moves along that line by its height · sin ψ
    while the line shortens by cos ψ. Good to some ten degrees: noses differ.
    """
    left_eye, right_eye, nose = (point.astype(np.float64) for point in five_points(landmarks)[:3])
    along = landmarks[45].astype(np.float64) - landmarks[36]
    wide = max(float(np.linalg.norm(along)), 1e-6)
    offset = float((nose - (left_eye + right_eye) / 2) @ along) / wide
    return float(np.degrees(np.arctan(NOSE * offset / wide)))


@dataclass(frozen=True)
class Group:
    """The figures of one group of faces by one method: means over its ``count`` faces."""

    kind: str
    group: str
    method: str
    count: int
    means: dict[str, float]


def groups_of(images: Sequence[Image], landmarks: Sequence[Points]) -> dict[str, list[str]]:
    """For each kind of grouping the name of each face's group; sharpness is cut into equal thirds of these faces."""
    angles = [individual_typology_angle(image, points) for image, points in zip(images, landmarks, strict=True)]
    tones = ["unknown" if np.isnan(a) else next(name for name, least in SKIN_TONES if a > least) for a in angles]
    sharp = np.array([sharpness(image, points) for image, points in zip(images, landmarks, strict=True)])
    low, high = np.quantile(sharp, [1 / 3, 2 / 3])
    turned = np.abs([yaw(points) for points in landmarks])
    return {
        "skin tone (ITA)": tones,
        "sharpness": ["soft" if s < low else "middle" if s < high else "sharp" for s in sharp],
        "yaw": ["under 15°" if y < 15 else "15° to 30°" if y < 30 else "over 30°" for y in turned],
    }


ORDER = (
    "light",
    "intermediate",
    "tan",
    "brown",
    "dark",
    "unknown",
    "soft",
    "middle",
    "sharp",
    "under 15°",
    "15° to 30°",
    "over 30°",
)


def by_group(membership: Mapping[str, Sequence[str]], each: Mapping[str, Mapping[str, Sequence[float]]]) -> list[Group]:
    """Means of every metric in every group, over values that are numbers.

    Args:
        membership: see :func:`groups_of`.
        each: method → metric → one value a face.

    Raises:
        LikenessError: the lists differ in length.
    """
    lines = []
    for kind, names in membership.items():
        labels: NDArray[np.str_] = np.array(names)
        for group in sorted(set(names), key=ORDER.index):
            chosen = labels == group
            for method, metrics in each.items():
                means = {}
                for metric, values in metrics.items():
                    array = np.asarray(values, np.float64)
                    if array.shape != labels.shape:
                        raise LikenessError(f"{method}: has {len(array)} values of {metric} for {len(labels)} faces")
                    known = array[chosen & ~np.isnan(array)]
                    means[metric] = float(known.mean()) if len(known) else float("nan")
                lines.append(Group(kind, group, method, int(chosen.sum()), means))
    return lines


def group_table(images: Sequence[Image], landmarks: Sequence[Points], lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """An outcome's lines (their ``each``) by group, as a table.

    Args:
        images: the photos.
        landmarks: theirs.
        lines: each with ``method`` and ``each``, in the order of the photos.
    """
    found = by_group(groups_of(images, landmarks), {str(line["method"]): line["each"] for line in lines})
    return [{"kind": one.kind, "group": one.group, "method": one.method, "count": one.count, **one.means} for one in found]
