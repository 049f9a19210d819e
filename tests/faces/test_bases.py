"""Morphable models of others: files of their layout become our model; nothing in them is run."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from likeness.errors import LikenessError
from likeness.faces import bases
from likeness.faces.morphable import MorphableModel, rotations
from likeness.faces.solid import SOLID, turned

AWAY = np.array([1.0, -1.0, -1.0])
VERTICES = 100
SCALE = 62.0
"""Their units an eye distance."""
CHANCE = np.random.default_rng(0)
PLACES = CHANCE.permutation(VERTICES)[:68]
MESH = CHANCE.normal(size=(VERTICES, 3)) * 50
MESH[PLACES] = np.asarray(SOLID) * AWAY * SCALE
MODES, MOVES = CHANCE.normal(size=(VERTICES * 3, 5)), CHANCE.normal(size=(VERTICES * 3, 3))
SIZES, STEPS = np.array([5.0, 4.0, 3.0, 2.0, 1.0]), np.array([2.0, 1.0, 3.0])


def surrey(folder: Path) -> None:
    shape, expressions, landmarks = (folder / name for name in bases.SURREY)
    np.savez(shape, mean=MESH.reshape(-1).astype(np.float32), basis=MODES, eigenvalues=SIZES**2, triangles=np.zeros((1, 3), int))
    np.savez(expressions, deltas=(MOVES * STEPS).T, names=np.array(["a", "b", "c"]))
    lines = [f" {one + 1} = {vertex}  # a comment" for one, vertex in enumerate(PLACES) if not 1 <= one <= 7]
    landmarks.write_text("[landmark_mappings]\n" + "\n".join(lines) + "\n")


def tddfa(folder: Path) -> None:
    np.save(folder / "u_shp.npy", (MESH - 1).reshape(-1, 1))
    np.save(folder / "u_exp.npy", np.ones((VERTICES * 3, 1)))
    np.save(folder / "w_shp_sim.npy", MODES * SIZES)
    np.save(folder / "w_exp_sim.npy", MOVES * STEPS)
    np.save(folder / "keypoints_sim.npy", np.stack([3 * PLACES, 3 * PLACES + 1, 3 * PLACES + 2], 1).reshape(-1))


def matlab(folder: Path) -> None:
    from scipy.io import savemat

    shape = {"mu_shape": (MESH - 1).reshape(-1, 1), "w": MODES, "sigma": SIZES[:, None], "keypoints": PLACES[None] + 1}
    savemat(folder / "Model_Shape.mat", shape)
    expression = {"mu_exp": np.ones((VERTICES * 3, 1)), "w_exp": MOVES, "sigma_exp": STEPS[:, None]}
    savemat(folder / "Model_Exp.mat", expression)


@pytest.mark.parametrize(("write", "count"), [(surrey, 61), (tddfa, 68), (matlab, 68)])
def test_files_of_their_layout_become_our_model(write: Callable[[Path], None], count: int, tmp_path: Path) -> None:
    """Axes, unit and order are ours: the mean is the solid face, the modes are theirs without what a pose does."""
    write(tmp_path)
    model = bases.read(tmp_path)
    assert model.mean.shape == (count, 3) and model.identity.shape == (5, count, 3) and model.expression.shape == (3, count, 3)
    kept = np.asarray(SOLID)[list(model.index)]
    np.testing.assert_allclose(model.mean, kept - kept.mean(0), atol=2e-3)
    theirs = (MODES * SIZES).T.reshape(5, -1, 3)[:, PLACES][:, list(model.index)] * AWAY / SCALE
    theirs -= theirs.mean(1, keepdims=True)
    from likeness.faces.morphable import free_of_poses

    np.testing.assert_allclose(model.identity, free_of_poses(theirs, model.mean), atol=1e-2)
    x, y, z = model.mean.T
    for mode in model.expression:
        assert abs(float((mode * np.stack([-y, x, 0 * z], 1)).sum())) < 1e-6  # a roll is none of them


@pytest.mark.parametrize("write", [surrey, tddfa, matlab])
def test_a_turned_head_has_its_yaw(write: Callable[[Path], None], tmp_path: Path) -> None:
    write(tmp_path)
    model = bases.cut(bases.read(tmp_path), 0, 0)
    landmarks = (np.asarray(SOLID)[:, :2] * 35 + 64).astype(np.float32)
    row = model.names.index("yaw")
    for degrees in (-25.0, 25.0):
        assert model.fit(turned(landmarks, yaw=degrees)[None])[0, row] == pytest.approx(degrees, abs=1.5)


def test_fewer_modes_are_the_largest(tmp_path: Path) -> None:
    tddfa(tmp_path)
    model = bases.read(tmp_path)
    less = bases.cut(model, 2, 1)
    sizes = (model.identity**2).sum((1, 2))
    assert sorted((less.identity**2).sum((1, 2)), reverse=True) == pytest.approx(sorted(sizes, reverse=True)[:2])
    with pytest.raises(LikenessError, match="shapes=6: the morphable model has 5"):
        bases.cut(model, 6, 1)


def test_ours_is_kept(tmp_path: Path) -> None:
    tddfa(tmp_path)
    model = bases.read(tmp_path)
    again = bases.read(bases.save(model, tmp_path / "model.npz"))
    for name in ("mean", "identity", "expression"):
        np.testing.assert_array_equal(getattr(again, name), getattr(model, name))
    assert (again.index, again.noise) == (model.index, model.noise)


class Bomb:
    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return Path.unlink, (Path("here"),)  # type: ignore[return-value]


def test_what_is_none_is_refused_and_not_run(tmp_path: Path) -> None:
    with pytest.raises(LikenessError, match="holds no morphable model; wanted are"):
        bases.read(tmp_path)
    tddfa(tmp_path)
    here = tmp_path / "here"
    here.write_text("")
    for content in (b"", b"rubbish", pickle.dumps(Bomb())):
        (tmp_path / "w_shp_sim.npy").write_bytes(content)
        with pytest.raises(LikenessError, match="no morphable model, or a damaged one"):
            bases.read(tmp_path)
    np.save(tmp_path / "w_shp_sim.npy", np.array([Bomb()], object), allow_pickle=True)
    with pytest.raises(LikenessError, match="damaged"):
        bases.read(tmp_path)
    assert here.exists()
    np.save(tmp_path / "w_shp_sim.npy", np.zeros((3, 4)))
    with pytest.raises(LikenessError, match="for a mean of 300"):
        bases.read(tmp_path)
    np.savez(tmp_path / "bad.npz", mean=np.zeros((68, 3)))
    with pytest.raises(LikenessError, match="damaged"):
        bases.read(tmp_path / "bad.npz")


def test_3ddfas_numbers(tmp_path: Path) -> None:
    """A face projected as 3DDFA does, decoded, and projected as we do: the same landmarks and the same yaw."""
    tddfa(tmp_path)
    pitch, yaw, roll = (np.array([value]) for value in (8.0, -30.0, 4.0))
    flip = np.diag(AWAY)
    theirs = flip @ rotations(pitch, yaw, roll)[0] @ flip
    scale, shift = 0.6, np.array([61.0, 57.0])
    matrix = np.concatenate([scale * theirs, np.array([[*shift, 0.0]]).T], 1)
    numbers = np.concatenate([matrix.reshape(-1), CHANCE.normal(size=50)])[None]
    found = bases.decoded(numbers)
    np.testing.assert_array_equal(found[:, :50], numbers[:, 12:])
    np.testing.assert_allclose(found[0, 50:54], [scale, 8, -30, 4], atol=1e-6)
    # 3DDFA_V2's own way from vertices to pixels: x − 1, size − y
    points = MESH[PLACES] @ (scale * theirs).T + np.array([*shift, 0.0])
    pixels = np.stack([points[:, 0] - 1, 120 - points[:, 1]], 1)
    none = np.zeros((0, 68, 3))
    ours = MorphableModel(MESH[PLACES] * AWAY, none, none).project(found[:, 50:])
    np.testing.assert_allclose(ours[0], pixels, atol=1e-6)
    with pytest.raises(LikenessError, match="62 a face"):
        bases.decoded(numbers[:, :50])


def test_the_real_surrey_model(instruments: Path) -> None:
    """50 landmarks, 63 modes, 6 expressions; a mean face of our eye distance looks like the solid one."""
    model = bases.surrey()
    assert model.mean.shape == (50, 3) and len(model.identity) == 63 and len(model.expression) == 6
    solid = np.asarray(SOLID)[list(model.index)]
    off = np.linalg.norm(model.mean - (solid - solid.mean(0)), axis=1)
    assert off.mean() < 0.15
    row = model.names.index("yaw")
    landmarks = (np.asarray(SOLID)[:, :2] * 35 + 64).astype(np.float32)
    # its face is flatter than the solid one, so that it takes the same landmarks for a larger turn to the same side
    left, right = (model.fit(turned(landmarks, yaw=degrees)[None])[0, row] for degrees in (-25.0, 25.0))
    assert right > 20 and left == pytest.approx(-right, abs=1)
    for degrees in (-25.0, 25.0):  # of its own face it tells the turn
        numbers = np.zeros((1, 69 + 6))
        numbers[0, 69:] = [35, 3, degrees, -2, 64, 64]
        whole = np.zeros((1, 68, 2))
        whole[:, list(model.index)] = model.project(numbers)
        assert model.fit(whole)[0, row] == pytest.approx(degrees, abs=1.5)
