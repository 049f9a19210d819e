"""One photo as the target of a reenactment."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from likeness.cli import main
from likeness.errors import LikenessError
from likeness.faces.effects import erased_region
from likeness.faces.morphable import POSE
from likeness.faces.reader import FaceReader
from likeness.image import read, write
from likeness.systems.joint.reenact import PhotoTarget
from likeness.systems.joint.synthesis import JointSynthesizer


def framed(path: Path, joint: JointSynthesizer) -> np.ndarray:
    return FaceReader().aligned(read(path), path.name, joint.framing)[1]


def test_ones_own_landmarks_stay(joint: JointSynthesizer, samples: list[Path]) -> None:
    own = framed(samples[0], joint)
    converted = PhotoTarget(joint, samples[0]).converted(own[None])[0]
    assert np.abs(converted - own).max() < 0.5


def test_a_driver_gives_pose_and_expression_alone(joint: JointSynthesizer, samples: list[Path]) -> None:
    person = PhotoTarget(joint, samples[0])
    model, count = person.model, len(person.model.modes)
    numbers = np.zeros((3, count + len(POSE)))
    numbers[:, count:] = person.person[count:]
    yaw = count + POSE.index("yaw")
    numbers[:, yaw] = [-20, 0, 20]
    numbers[:, : len(model.identity)] = 1.5  # somebody else's shape
    numbers[2, len(model.identity)] = 1.0  # and an expression
    moved = person.converted(model.project(numbers).astype(np.float32))
    kept = numbers.copy()
    kept[:, : len(model.identity)] = person.person[: len(model.identity)]
    expected = model.project(kept) + person.away
    assert np.abs(moved - expected).max() < 2.5  # pixels of 64: ridge regression finds numbers but nearly
    assert (np.diff(person.model.fit(moved)[:, yaw]) > 10).all()
    scores = person.ood_scores(list(model.project(numbers)))
    assert scores[1] < 0.3 < scores[0] < 1


def test_driven_by_itself_a_photo_stays_but_for_its_mouth(joint: JointSynthesizer, samples: list[Path]) -> None:
    person = PhotoTarget(joint, samples[0])
    (made,) = person.draw([person.landmarks], convert=False)
    mouth = erased_region((64, 64), person.landmarks, ["mouth"])
    near = cv2.dilate(mouth.astype(np.uint8), np.ones((9, 9))) > 0
    away = np.abs(made.astype(int) - person.photo).max(-1)
    assert away[~near].max() <= 4 and away[mouth].mean() > 5  # the bent photo is off by a grey level here and there


def test_faces_follow_landmarks_and_the_person_stays(joint: JointSynthesizer, samples: list[Path]) -> None:
    person, drivers = PhotoTarget(joint, samples[0]), [framed(path, joint) for path in samples[1:4]]
    faces = person.draw(drivers)
    assert faces.shape == (3, 64, 64, 3) and len({face.tobytes() for face in faces}) == 3
    assert (faces == np.concatenate([person.draw([one]) for one in drivers])).mean() > 0.99
    with pytest.raises(LikenessError, match="no landmarks"):
        person.draw([])
    with pytest.raises(LikenessError, match="finite"):
        person.draw([np.full((68, 2), np.inf)])


def test_a_folder_drives_a_photo(joint_run: Path, samples: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    words = ["reenact", str(samples[1].parent), "--like", str(samples[0]), "--weights", str(joint_run), "-o", str(out)]
    assert main(words) == 0
    assert out.stat().st_size > 0
    still = tmp_path / "out.png"
    assert main(["reenact", str(samples[1]), "--like", str(samples[0]), "--weights", str(joint_run), "-o", str(still)]) == 0
    assert read(still).shape == (64, 64, 3)


def test_bad_photos_are_named(joint_run: Path, samples: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["reenact", str(samples[1]), "--weights", str(joint_run), "-o", str(tmp_path / "o.png"), "--like"]
    assert main([*common, str(tmp_path / "none.jpg")]) == 2
    assert main([*common, str(samples[0]), "--own"]) == 2
    said = capsys.readouterr().err
    assert "none.jpg" in said and "does not go with" in said
    assert not (tmp_path / "o.png").exists()


def test_several_faces_in_the_photo_are_told(
    joint_run: Path, samples: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both, out = tmp_path / "two.png", tmp_path / "o.png"
    write(both, np.concatenate([read(path) for path in samples[:2]], 1))
    words = ["reenact", str(samples[2]), "--weights", str(joint_run), "-o", str(out), "--like"]
    assert main([*words, str(both)]) == 0
    assert "two.png: shows 2 faces; the largest is taken" in capsys.readouterr().err
    assert main([*words, str(samples[0])]) == 0
    assert "shows" not in capsys.readouterr().err
