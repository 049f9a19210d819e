"""Morphable models of others behind our type (:mod:`likeness.faces.morphable`): the Surrey Face Model, and 3DDFA's Basel one.

Their files are not ours and do not come with the package; their terms are non-commercial. They are arrays (``.npy``, ``.npz``,
``.mat`` up to version 7.2) and a table of landmarks; none is read in a way that could run code, so pickles are refused.

``read`` takes a folder that holds one of these:

* ``sfm_shape_3448.npz`` (``mean``, ``basis``, ``eigenvalues``), ``expression_blendshapes_3448.npz`` (``deltas``) and
  ``ibug_to_sfm.txt``: the Surrey Face Model (Huber et al. 2016);
* ``u_shp.npy``, ``u_exp.npy``, ``w_shp_sim.npy``, ``w_exp_sim.npy`` and ``keypoints_sim.npy`` or ``keypoints.npy``: 3DDFA's
  configuration (Guo et al. 2020), where a number counts 3 × V coordinates;
* ``Model_Shape.mat`` (``mu_shape``, ``w``, ``sigma``, ``keypoints``) and ``Model_Exp.mat`` (``mu_exp``, ``w_exp``,
  ``sigma_exp``): the original 3DDFA (Zhu et al. 2016).

or a file ``.npz`` that :func:`save` wrote.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile

import numpy as np

from likeness import assets
from likeness.errors import LikenessError
from likeness.faces.landmarks import COUNT, GROUPS
from likeness.faces.morphable import Floats, MorphableModel, angles, free_of_poses
from likeness.files import write_atomically

SURREY = ("sfm_shape_3448.npz", "expression_blendshapes_3448.npz", "ibug_to_sfm.txt")
TDDFA = ("u_shp.npy", "u_exp.npy", "w_shp_sim.npy", "w_exp_sim.npy")
KEYPOINTS = ("keypoints_sim.npy", "keypoints.npy")
MATLAB = ("Model_Shape.mat", "Model_Exp.mat")
TDDFA_SIZE, TDDFA_POSE, TDDFA_SHAPES, TDDFA_EXPRESSIONS = 120, 12, 40, 10
"""3DDFA's numbers of a face: 12 of the pose, 40 and 10 coefficients, for a crop of 120 × 120."""


def read(path: str | Path) -> MorphableModel:
    """A morphable model from a folder of somebody's files, or from a file of ours; see the module.

    Raises:
        LikenessError: there are no such files, or they hold something else.
    """
    place = Path(path)
    try:
        if place.is_file():
            return _ours(place)
        if all((place / name).is_file() for name in SURREY):
            return surrey(*(place / name for name in SURREY))
        if all((place / name).is_file() for name in TDDFA):
            return _tddfa(place)
        if all((place / name).is_file() for name in MATLAB):
            return _matlab(place)
    except (KeyError, ValueError, IndexError, EOFError, OSError, BadZipFile) as problem:
        raise LikenessError(f"{path}: is no morphable model, or a damaged one ({str(problem)[:120]})") from None
    groups = "; ".join(", ".join(names) for names in (SURREY, (*TDDFA, KEYPOINTS[0]), MATLAB))
    raise LikenessError(f"{path}: holds no morphable model; wanted are {groups}")


def surrey(shape: Path | None = None, expressions: Path | None = None, landmarks: Path | None = None) -> MorphableModel:
    """The Surrey Face Model at the landmarks that it has, 50 of the 68: of the jaw the chin alone, no inner corners of the mouth.

    Args:
        shape, expressions, landmarks: its three files; by default the instruments of these names.

    Raises:
        LikenessError: an instrument is not here.
    """
    names = {"sfm_shape": shape, "sfm_expressions": expressions, "sfm_landmarks": landmarks}
    files = {name: given or assets.instrument(name) for name, given in names.items()}
    pairs = re.findall(r"^\s*(\d+)\s*=\s*(\d+)", files["sfm_landmarks"].read_text(), re.M)
    known = {int(one) - 1: int(vertex) for one, vertex in pairs if 1 <= int(one) <= COUNT}
    with np.load(files["sfm_shape"], allow_pickle=False) as held:
        mean, modes = held["mean"], held["basis"] * np.sqrt(held["eigenvalues"])
    with np.load(files["sfm_expressions"], allow_pickle=False) as held:
        deltas = held["deltas"].T
    return _model(mean, modes, deltas, known)


def _tddfa(folder: Path) -> MorphableModel:
    arrays = {name.removesuffix(".npy"): np.load(folder / name, allow_pickle=False) for name in TDDFA}
    places = next((folder / name for name in KEYPOINTS if (folder / name).is_file()), folder / KEYPOINTS[0])
    places_of = np.load(places, allow_pickle=False).reshape(-1, 3)[:, 0] // 3
    mean = arrays["u_shp"].reshape(-1) + arrays["u_exp"].reshape(-1)
    return _model(mean, arrays["w_shp_sim"], arrays["w_exp_sim"], dict(enumerate(places_of.tolist())))


def _matlab(folder: Path) -> MorphableModel:
    try:
        from scipy.io import loadmat
    except ImportError:
        raise LikenessError(f"{folder}: .mat files need scipy: pip install 'likeness[evaluate]'") from None
    try:
        shape, expression = (_numbers(loadmat(folder / name)) for name in MATLAB)
    except Exception as problem:  # its decoder raises nearly anything
        raise ValueError(str(problem)) from None
    mean = shape["mu_shape"].reshape(-1) + expression["mu_exp"].reshape(-1)
    modes = shape["w"] * shape["sigma"].reshape(1, -1)
    moves = expression["w_exp"] * expression["sigma_exp"].reshape(1, -1)
    places = shape["keypoints"].reshape(-1).astype(int) - 1  # Matlab counts from 1
    return _model(mean, modes, moves, dict(enumerate(places.tolist())))


def _numbers(held: Mapping[str, Any]) -> dict[str, Floats]:
    """The numeric arrays of a Matlab file."""
    arrays = {name: value for name, value in held.items() if isinstance(value, np.ndarray)}
    return {name: np.asarray(value, np.float64) for name, value in arrays.items() if value.dtype.kind in "fiu"}


def _model(mean: Any, identity: Any, expression: Any, vertices: Mapping[int, int]) -> MorphableModel:
    """The model at its landmarks, brought to our axes and unit.

    Args:
        mean: 3 V coordinates, x to the right, y up, z towards the viewer, in any unit.
        identity, expression: 3 V × K, a column a mode, each moving by one deviation.
        vertices: landmark (from 0) → vertex.
    """
    index = tuple(sorted(vertices))
    rows = np.array([vertices[one] for one in index])
    away = np.array([1.0, -1.0, -1.0])
    points = np.asarray(mean, np.float64).reshape(-1, 3)[rows] * away
    count = np.asarray(mean).size
    moves = []
    for modes in (identity, expression):
        columns = np.asarray(modes, np.float64)
        if columns.ndim != 2 or len(columns) != count:
            raise ValueError(f"modes of {columns.shape} for a mean of {count} numbers")
        moves.append(columns.T.reshape(columns.shape[1], -1, 3)[:, rows] * away)
    eyes = [points[[i for i, one in enumerate(index) if one in GROUPS[name]]].mean(0) for name in ("left_eye", "right_eye")]
    unit = float(np.linalg.norm(eyes[1] - eyes[0]))
    if not np.isfinite(unit) or unit <= 0:
        raise ValueError("the eyes are in one place")
    points = (points - points.mean(0)) / unit
    shapes, expressions = (free_of_poses((some - some.mean(1, keepdims=True)) / unit, points) for some in moves)
    return MorphableModel(points, shapes, expressions, index)


def cut(model: MorphableModel, shapes: int, expressions: int) -> MorphableModel:
    """The same with fewer modes: those that move the landmarks most, largest first.

    Raises:
        LikenessError: the model has fewer.
    """
    kept = []
    for word, modes, wanted in (("shapes", model.identity, shapes), ("expressions", model.expression, expressions)):
        if len(modes) < wanted:
            raise LikenessError(f"{word}={wanted}: the morphable model has {len(modes)}")
        order = np.argsort(-(modes**2).sum((1, 2)), kind="stable")[:wanted]
        kept.append(modes[order])
    return replace(model, identity=kept[0], expression=kept[1])


def save(model: MorphableModel, path: str | Path) -> Path:
    """Write a model as ``.npz``, which :func:`read` takes."""
    mean, identity, expression = model.mean, model.identity, model.expression
    index, noise = np.array(model.index, np.int64), np.array(model.noise)

    def fill(file: BinaryIO) -> None:
        np.savez(file, mean=mean, identity=identity, expression=expression, index=index, noise=noise)

    return write_atomically(Path(path), fill)


def _ours(path: Path) -> MorphableModel:
    with np.load(path, allow_pickle=False) as held:
        mean, identity, expression = (np.asarray(held[name], np.float64) for name in ("mean", "identity", "expression"))
        index, noise = tuple(int(one) for one in held["index"]), float(held["noise"])
    fits = all(some.ndim == 3 and some.shape[1:] == mean.shape for some in (identity, expression))
    if mean.shape != (len(index), 3) or not fits or len(set(index)) != len(index) or not set(index) <= set(range(COUNT)):
        raise ValueError("its arrays do not fit each other")
    return MorphableModel(mean, identity, expression, index, noise)


def decoded(numbers: Floats, size: int = TDDFA_SIZE) -> Floats:
    """3DDFA's numbers of faces as f_3d: 40 and 10 coefficients, then :data:`likeness.faces.morphable.POSE`.

    The first twelve are the 3 × 4 matrix of a scaled rotation and a shift, for axes x to the right, y up, z to the viewer, in
    a crop of ``size`` pixels whose rows count from below. ``scale`` is theirs (pixels a unit of their model), angles are ours.

    Args:
        numbers: N × 62 as the network gives them, their mean and deviation put back.
        size: of the crop.

    Raises:
        LikenessError: not 62 numbers each.
    """
    values = np.atleast_2d(np.asarray(numbers, np.float64))
    if values.shape[1] != TDDFA_POSE + TDDFA_SHAPES + TDDFA_EXPRESSIONS:
        raise LikenessError(f"3DDFA's numbers are 62 a face, got {values.shape[1]}")
    matrix = values[:, :TDDFA_POSE].reshape(-1, 3, 4)
    rows = matrix[:, :2, :3]
    scale = np.linalg.norm(rows, axis=2).mean(1)
    two = rows / np.linalg.norm(rows, axis=2, keepdims=True)
    left, _, right = np.linalg.svd(two, full_matrices=False)  # the nearest rotation's first two rows
    two = left @ right
    turn = np.concatenate([two, np.cross(two[:, 0], two[:, 1])[:, None]], 1)
    flip = np.diag([1.0, -1.0, -1.0])
    pose = angles(flip @ turn @ flip)
    shift = np.stack([matrix[:, 0, 3] - 1, size - matrix[:, 1, 3]], 1)  # theirs counts pixels from 1, from below
    return np.concatenate([values[:, TDDFA_POSE:], scale[:, None], pose, shift], 1)
