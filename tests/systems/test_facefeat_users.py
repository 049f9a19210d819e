"""facefeat for its users: directions in noise, people who do not exist, clips, and honest warnings."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from likeness import provenance, systems, video
from likeness.bulk.dataset import dataset
from likeness.card import read_card
from likeness.data.store import row, write_rows
from likeness.errors import LikenessError
from likeness.export import export
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces
from likeness.faces.inspection import remarks
from likeness.faces.landmarks import eye_distance
from likeness.faces.solid import SOLID, turned
from likeness.records import Face, Image
from likeness.shards.running import Crew
from likeness.systems.facefeat import directions, people
from likeness.systems.facefeat.calibration import calibrate, line, told_apart
from likeness.systems.facefeat.synthesis import FaceFeatSynthesizer
from likeness.train.loop import train

ONE = Crew(workers=1)


def prepared(path: Path) -> Path:
    """Drawn faces, two photos a person, of all three sides."""
    framing = Framing(size=64)
    sides = ["train"] * 20 + ["validation"] * 8 + ["test"] * 8
    faces = drawn_faces(len(sides), framing)
    faces = [
        replace(face, split=side, person=f"person{i // 2}", name=f"person{i // 2}_{i % 2}")
        for i, (face, side) in enumerate(zip(faces, sides, strict=True))
    ]
    return write_rows(path, [row(face, "lfw", eye_distance(face.landmarks)) for face in faces], framing)


class Judge:
    """Stands in for a recogniser: colours of a coarse crop."""

    def embed(self, crops: list[Image]) -> np.ndarray:
        coarse = np.stack([crop[::16, ::16].reshape(-1) for crop in crops]).astype(np.float32) - 127
        return coarse / np.linalg.norm(coarse, axis=1, keepdims=True)


class Finds:
    """Finds a face in every picture but those of one grey, where landmarks usually stand."""

    name = "drawn"

    def find(self, image: Image) -> list[Face]:
        points = np.asarray(SOLID)[:, :2] * len(image) / 4 + len(image) / 2
        return [Face((0, 0, 64, 64), points.astype(np.float32), 1.0)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny run with its graphs and what is known of its people."""
    from likeness.faces.reader import FaceReader

    folder = tmp_path_factory.mktemp("facefeat")
    data = prepared(folder / "drawn.parquet")
    recipe = systems.recipe("facefeat:tiny")
    torch.manual_seed(1)
    from likeness.data.store import FaceStore

    export(train(systems.row("facefeat").build(recipe), "facefeat", FaceStore(data), folder / "run"))
    calibrate(folder / "run", data, judge=Judge(), reader=FaceReader(Finds()))
    return folder / "run"


def opened(run: Path) -> FaceFeatSynthesizer:
    system = systems.load(run, "facefeat")
    assert isinstance(system, FaceFeatSynthesizer)
    return system


# directions


def made_up(count: int = 400, length: int = 16) -> tuple[directions.Samples, np.ndarray]:
    chance = np.random.default_rng(0)
    noise = chance.uniform(-1, 1, (2, count, length)).astype(np.float32)
    vector = chance.normal(size=length)
    vector /= np.linalg.norm(vector)
    person = np.arange(count) % 3
    labels = {"yaw": 12 * noise[0] @ vector + 50 * person, "light": noise[1] @ vector}
    return directions.Samples(noise, person, labels), vector


def test_a_linear_attribute_is_found() -> None:
    """Of labels that are linear in z_1, whatever a person's own mean: the vector, its gain, and rank correlation 1."""
    samples, vector = made_up()
    found = directions.learn(samples, "yaw", "x")
    assert found.number == 1 and found.unit == "degrees" and found.held_out == 100
    assert np.dot(found.vector, vector) == pytest.approx(1, abs=1e-3)
    assert found.gain == pytest.approx(12 * directions.DEVIATION, rel=0.02) and found.spearman > 0.99
    assert abs(found.others["light"]) < 0.15
    assert np.dot(directions.learn(samples, "light", "x").vector, vector) == pytest.approx(1, abs=1e-3)


def test_the_slider_sets_the_place_and_leaves_the_rest() -> None:
    samples, vector = made_up()
    found = directions.learn(samples, "yaw", "x")
    vector = np.asarray(found.vector, np.float32)
    noise = samples.noise[0, :5] / 4  # small, so that nothing is cut off
    moved = found.moved(noise, 1.5)
    np.testing.assert_allclose(moved @ vector, 1.5 * directions.DEVIATION, atol=1e-5)
    across = np.eye(16, dtype=np.float32) - np.outer(vector, vector)
    np.testing.assert_allclose(moved @ across, noise @ across, atol=1e-5)
    np.testing.assert_allclose(found.moved(noise[0], 1.5), moved[0], atol=1e-6)
    assert np.abs(found.moved(samples.noise[0], 6)).max() <= 1
    with pytest.raises(LikenessError, match="deviations from"):
        found.moved(noise, 7)
    with pytest.raises(LikenessError, match="numbers"):
        found.moved(noise[:, :3], 1)


def test_directions_are_kept_as_json(tmp_path: Path) -> None:
    found = directions.learn(made_up()[0], "yaw", "x")
    assert directions.read(found.save(tmp_path / "yaw.json")) == found
    for text in ("{}", "[1]", "no", '{"likeness": "direction", "vector": [3.0]}'):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(LikenessError, match="holds no direction"):
            directions.read(tmp_path / "bad.json")
    with pytest.raises(LikenessError, match="no such direction"):
        directions.read(tmp_path / "none.json")


def test_attributes_follow_what_they_measure() -> None:
    """On a turned, smiling, open-mouthed face: yaw's sign, corners up, lips apart."""
    straight = (np.asarray(SOLID)[:, :2] * 30 + 64).astype(np.float32)
    values = {name: one.of_points for name, one in directions.ATTRIBUTES.items() if one.of_points}
    assert values["yaw"](turned(straight, yaw=20)) == pytest.approx(20, abs=1)
    opened_, smiling = straight.copy(), straight.copy()
    opened_[[65, 66, 67]] += (0, 6)
    smiling[[48, 54]] -= (0, 3)
    distance = eye_distance(straight)
    assert values["mouth"](opened_) - values["mouth"](straight) == pytest.approx(600 / distance, rel=1e-3)
    assert values["smile"](smiling) - values["smile"](straight) == pytest.approx(300 / distance, rel=0.2)
    turn = np.array([[0.8, -0.6], [0.6, 0.8]], np.float32)  # rolled, it smiles as much
    assert values["smile"](smiling @ turn.T) == pytest.approx(values["smile"](smiling), abs=1e-3)
    grey = directions.ATTRIBUTES["light"].of_picture
    assert grey is not None and grey(np.full((64, 64, 3), 90, np.uint8)) == 90


def test_too_few_labels_are_refused() -> None:
    samples, _ = made_up(20)
    with pytest.raises(LikenessError, match="20 of 20 made faces; 32 are needed"):
        directions.learn(samples, "yaw", "x")
    samples, _ = made_up()
    flat = directions.Samples(samples.noise, samples.person, {"yaw": np.ones(400)})
    with pytest.raises(LikenessError, match="the same in all"):
        directions.learn(flat, "yaw", "x")


def test_direction_commands(run: Path, samples: list[Path], likeness, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Learned on made faces, or from labels; applied as a strip, a clip, and in many; light rises along the slider."""
    w = ["--weights", run]
    assert likeness("direction", "learn", "light", "-n", 400, *w) == 0
    said = directions.read("light.json")
    assert said.number == 2 and said.weights == opened(run).weights.digest[:16]
    assert "rank correlation" in capsys.readouterr().out
    assert likeness("direction", "apply", samples[0], "light.json", "--steps", 5, "--json", *w, "-o", "strip.png") == 0
    assert [face["amount"] for face in json.loads((tmp_path / "strip.json").read_text())["faces"]] == [-2.5, -1.25, 0, 1.25, 2.5]
    system = opened(run)
    person = system.person(samples[0])
    values = []
    for amount in (-3.0, 0.0, 3.0):
        requests = [system.prepare({"photo": person, "noise": seed, "directions": [(said, amount)]}) for seed in range(12)]
        values.append(np.mean([directions.light(one.picture) for one in system.make(requests)]))
    assert values[0] < values[1] < values[2]
    (tmp_path / "mine.csv").write_text("seed,beard\n" + "".join(f"{i},{i % 7}\n" for i in range(40)))
    assert likeness("direction", "learn", "beard", "--labels", "mine.csv", "--noise", 2, *w) == 0
    assert likeness("many", samples[0], "-n", 4, "--direction", "light.json=2", "--direction", "beard.json=-1", *w) == 0
    capsys.readouterr()
    (tmp_path / "bad.csv").write_text("1,2\n3,x\n")
    replace(said, weights="another").save(tmp_path / "other.json")
    for words, text in (
        (["direction", "learn", "age"], "yaw, mouth, smile, light can be measured"),
        (["direction", "learn", "light", "-n", 3], "from 32"),
        (["direction", "learn", "age", "--labels", "bad.csv"], "line 2 is no seed"),
        (["direction", "learn", "light", "-o", "light.txt"], ".json"),
        (["direction", "apply", samples[0], "none.json"], "no such direction"),
        (["direction", "apply", samples[0], "light.json", "--reach", 9], "--reach 9"),
        (["many", samples[0], "--direction", "light.json"], "FILE"),
        (["many", samples[0], "--direction", "light.json=x"], "and a number"),
        (["many", samples[0], "--direction", "other.json=1"], "other weights"),
    ):
        if words[0] == "many" and words[-1] == "light.json":
            text = "no such direction"  # what stands before the sign of equality is the file
        assert likeness(*words, *w) == 2, words
        said_ = capsys.readouterr().err
        assert text in said_ and said_.count("\n") == 1, (words, said_)


# clips and warnings


def test_blend_as_a_clip(run: Path, samples: list[Path], likeness, tmp_path: Path) -> None:
    w = ["--weights", run]
    assert likeness("blend", samples[0], samples[1], "--steps", 12, *w, "-o", "blend.mp4", "--json") == 0
    assert len(list(video.frames(tmp_path / "blend.mp4"))) == 12
    mark = video.mark(tmp_path / "blend.mp4")
    assert mark is not None and mark.trained and "facefeat" in mark.software
    assert likeness("blend", samples[0], "3", "--noise", *w, "-o", "noise.mp4") == 0
    assert video.look(tmp_path / "noise.mp4").frames == 60
    assert likeness("blend", samples[0], samples[1], *w, "-o", "blend.avi") == 2
    assert not list(tmp_path.glob("*.avi*"))


def test_remarks_on_poor_photos() -> None:
    straight = (np.asarray(SOLID)[:, :2] * 30 + 64).astype(np.float32)
    assert remarks(straight) == ()
    assert "shows 3 faces" in remarks(straight, 3)[0] and remarks(straight, 3, number=2) == ()
    (small,) = remarks(straight / 3)
    assert "10 pixels apart" in small
    (profile,) = remarks(turned(straight, yaw=-55))
    assert "turned by" in profile


def test_several_faces_are_told(run: Path, samples: list[Path], likeness, tmp_path: Path, capsys) -> None:
    from likeness.image import read, write

    write(tmp_path / "two.png", np.concatenate([read(path) for path in samples[:2]], 1))
    assert likeness("many", "two.png", "-n", 2, "--weights", run, "-o", "grid.png") == 0
    assert "shows 2 faces; the largest is taken" in capsys.readouterr().err
    assert likeness("many", "two.png", "-n", 2, "--face", 2, "--weights", run, "-o", "grid.png") == 0
    assert "shows 2 faces" not in capsys.readouterr().err


def test_who_is_not_kept_is_told_by_the_measured_line(run: Path, samples: list[Path]) -> None:
    system = opened(run)
    assert system.people is not None
    system.__dict__["people"] = replace(system.people, kept=people.Kept(0.5, 0.1, 0.05, 0.3))
    result = system(photo=samples[0], noise=1)
    alike = result.made["likeness"]
    expected = system.people.kept.expected(alike)
    assert expected == pytest.approx(0.1 + 0.5 * alike)
    assert result.made["expected_similarity"] == pytest.approx(expected, abs=1e-3)
    for threshold in (expected - 0.1, expected + 0.1):
        kept = replace(system.people.kept, threshold=threshold)
        system.__dict__["people"] = replace(system.people, kept=kept)
        notes = system.not_kept(alike)
        assert (len(notes) == 1) == (expected < threshold)
        assert not notes or f"expected similarity {expected:.2f}, under {threshold:.2f}" in notes[0]


def test_the_line_and_the_threshold(tmp_path: Path) -> None:
    assert line(np.array([0.0, 1.0, 2.0]), np.array([3.0, 2.0, 1.0])) == (0.0, 2.0)  # more likeness never expects less
    assert line(np.ones(3), np.array([1.0, 2.0, 3.0])) == (0.0, 2.0)
    from likeness.data.store import FaceStore

    store = FaceStore(prepared(tmp_path / "drawn.parquet")).select("validation")
    assert -1 <= told_apart(store, Judge()) <= 1


# people who do not exist


def test_calibration_says_whom_the_weights_learned_from(run: Path, tmp_path: Path) -> None:
    found = opened(run).people
    assert found is not None and len(found.train) == 10  # people, not photos
    np.testing.assert_allclose(np.linalg.norm(found.train, axis=1), 1, atol=1e-5)
    assert "10 train people, 20 faces" in found.card.data.values() and "±" in found.card.scores["kept"]
    copied = tmp_path / "run"
    shutil.copytree(run, copied)
    card = read_card(copied / people.FILE)
    (copied / people.FILE).unlink()
    assert opened(copied).people is None and card.system == "facefeat"
    (copied / people.FILE).write_bytes(b"damaged")
    with pytest.raises(LikenessError, match="not a weights file"):
        _ = opened(copied).people


def test_sampled_people_stay_away(run: Path) -> None:
    train = people.unit(np.random.default_rng(0).normal(0.1, 1, (60, 16)))
    known = people.People(train, 0.6, people.Kept(1, 0, 0, 0), read_card(run / people.FILE))
    np.testing.assert_allclose(known.nearest(3 * train, block=7), 1, atol=1e-5)
    made = known.sample(12, seed=3, apart=0.6)
    unit = made / np.linalg.norm(made, axis=1, keepdims=True)
    assert (unit @ known.train.T).max() <= 0.6 and (unit @ unit.T - 2 * np.eye(12)).max() <= 0.6
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), made.shape[1] ** 0.5, rtol=1e-5)
    np.testing.assert_array_equal(known.sample(12, seed=3, apart=0.6), made)
    assert not np.array_equal(known.sample(12, seed=4, apart=0.6), made)
    with pytest.raises(LikenessError, match="ask for fewer, or raise --apart"):
        known.sample(12, apart=-0.9)


def test_a_dataset_in_folders_goes_on(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped after a person, it goes on, and holds what a run in one go holds."""
    whole = dataset(str(run), tmp_path / "whole", people=3, each=2, apart=0.9995, crew=ONE)
    assert (whole.people, whole.faces, whole.resumed) == (3, 6, 0) and -1 <= whole.nearest <= 1.001

    def stop(done: int, total: int, text: str = "") -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dataset(str(run), tmp_path / "parted", people=3, each=2, apart=0.9995, crew=ONE, progress=stop)
    assert not (tmp_path / "parted" / "README.md").exists()
    report = dataset(str(run), tmp_path / "parted", people=3, each=2, apart=0.9995, crew=ONE)
    assert report.resumed == 2 and report.faces == 6
    for person in range(3):
        names = sorted(path.name for path in (tmp_path / "whole" / f"{person:06d}").glob("*.png"))
        assert names == ["0000.png", "0001.png"]
        for name in names:
            one, other = (tmp_path / place / f"{person:06d}" / name for place in ("whole", "parted"))
            assert one.read_bytes() == other.read_bytes()
            mark = provenance.read(one)
            assert mark is not None and mark.trained
    said = (tmp_path / "whole" / "README.md").read_text()
    assert "10 training people" in said and "at most 1.000" in said
    rows = [json.loads(line) for line in (tmp_path / "whole" / "000001" / "rows.jsonl").read_text().splitlines()]
    assert [one["person"] for one in rows] == [1, 1] and all(-1 <= one["nearest"] <= 1.001 for one in rows)
    with pytest.raises(LikenessError, match="begun with another each"):
        dataset(str(run), tmp_path / "whole", people=3, each=4, apart=0.9995, crew=ONE)


def test_a_dataset_as_parquet_by_the_command(run: Path, likeness, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("dataset", "--people", 3, "--each", 2, "--apart", 0.9995, "--processes", 1, "-o", "faces.parquet")
    assert likeness(*words, "--weights", run) == 0
    assert "6 faces of 3 people" in capsys.readouterr().out
    table = pq.read_table(tmp_path / "faces.parquet" / "000000.parquet")
    assert table.column("person").to_pylist() == [0, 0, 1, 1, 2, 2]
    assert all(cell["bytes"][:4] == b"\x89PNG" for cell in table.column("image").to_pylist())
    assert '"person": {"dtype": "int64"' in table.schema.metadata[b"huggingface"].decode()
    bare = tmp_path / "bare"
    shutil.copytree(run, bare, ignore=shutil.ignore_patterns(people.FILE))
    for more, text in (
        (("--weights", bare), "likeness calibrate"),
        (("--weights", run, "--people", 0), "--people 0"),
        (("--weights", run, "--apart", 3), "--apart 3"),
        (("--weights", run, "--pictures", ".xyz"), ".xyz"),
    ):
        assert likeness("dataset", "--processes", 1, *more, "-o", "new") == 2
        said = capsys.readouterr().err
        assert text in said and said.count("\n") == 1
        assert not (tmp_path / "new").exists()
