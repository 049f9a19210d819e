"""The portrait system: pix2pix's equations, its drawings, one person's photos, and the command from folder to photo."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from likeness import assets, provenance, systems
from likeness.card import read_card
from likeness.checkpoint import read_weights
from likeness.data.store import FaceStore
from likeness.errors import LikenessError
from likeness.faces import effects
from likeness.faces.align import Framing
from likeness.faces.drawing import drawn_faces
from likeness.faces.landmarks import mirror
from likeness.faces.reader import FaceReader
from likeness.image import read, to_images, to_tensor
from likeness.nn.projected import ProjectedDiscriminator
from likeness.nn.unet import UNet
from likeness.provenance import write as write_picture
from likeness.recipe import Phase, override, thaw
from likeness.systems.portrait.objective import (
    absolute,
    critic_loss,
    discriminator_terms,
    generator_adversarial,
    generator_terms,
    perceived,
)
from likeness.systems.portrait.person import gather
from likeness.systems.portrait.recipes import Drawing, PortraitRecipe, finetune, paper, tiny
from likeness.systems.portrait.synthesis import PortraitSynthesizer, noise_mask, open_portrait
from likeness.systems.portrait.system import PortraitSystem, jittered
from likeness.train.loop import train


def test_equations() -> None:
    """(1) and (3) against closed forms: an undecided critic costs 2 ln 2, and L1 of a shift is the shift."""
    undecided = torch.zeros(2, 1, 4, 4)
    assert float(critic_loss(undecided, undecided)) == pytest.approx(2 * math.log(2))
    assert float(generator_adversarial(undecided)) == pytest.approx(math.log(2))
    logits = torch.tensor([1.5])
    assert float(critic_loss(logits, logits)) == pytest.approx(
        -math.log(1 / (1 + math.exp(-1.5))) - math.log(1 - 1 / (1 + math.exp(-1.5)))
    )
    photo = torch.rand(2, 3, 8, 8)
    assert float(absolute(photo, photo - 0.25)) == pytest.approx(0.25)


def test_what_each_player_minimises() -> None:
    """The critic sees the drawing with the picture; D's loss is halved; G's terms carry their λ; others are not asked for."""
    seen = []

    def critic(pictures: torch.Tensor) -> torch.Tensor:
        seen.append(pictures)
        return pictures.mean((1, 2, 3), keepdim=True)

    x, y, fake = (torch.rand(2, 3, 8, 8) for _ in range(3))
    assert discriminator_terms(critic, x, y, fake)["discriminator"].weight == 0.5
    assert torch.equal(seen[0], torch.cat([x, y], 1)) and torch.equal(seen[1], torch.cat([x, fake], 1))
    terms = generator_terms(critic, x, y, fake, 1.0, 100.0)
    assert {name: term.weight for name, term in terms.items()} == {"adversarial": 1.0, "absolute": 100.0}
    assert set(generator_terms(critic, x, y, fake, 0.0, 100.0)) == {"absolute"} and len(seen) == 3


def test_a_projected_discriminator(tmp_path: Path) -> None:
    """It sees the made picture alone; a perceptual term by EfficientNet; a stopped training goes on bit for bit."""
    settings = ["discriminator=projected", "perceptual=efficientnet", "perceptual_weight=2", "crop=32", "dropout=false"]
    recipe = override(tiny(), settings)
    system = PortraitSystem(recipe)
    assert isinstance(system.discriminator, ProjectedDiscriminator)
    faces = FaceStore.of(drawn_faces(6, recipe.framing), recipe.framing, "drawn")
    batch = system.batch(system.table(faces), torch.Generator().manual_seed(0), augment=True)
    said = {
        player: {name: term.weight for name, term in ask().items()}
        for player, ask in system.play(batch, recipe.training.phases[0])
    }
    assert said == {"D": {"discriminator": 0.5}, "G": {"adversarial": 1.0, "absolute": 100.0, "perceptual": 2.0}}
    for name, stops in (("once", (2,)), ("twice", (1, 2))):
        for steps in stops:
            torch.manual_seed(1)
            train(PortraitSystem(recipe), "portrait", faces, tmp_path / name, steps=steps)
    states = [torch.load(tmp_path / name / "state.pt", weights_only=True)["system"] for name in ("once", "twice")]
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())
    assert any("mix0" in key for key in states[0]) and not any("features" in key for key in states[0])


def test_a_distance_of_features() -> None:
    """A mean over each map, summed, with its weight."""
    photo, fake = torch.zeros(2, 3, 8, 8), torch.full((2, 3, 8, 8), 0.5)
    (term,) = perceived(lambda pictures: [pictures, 2 * pictures[:, :1]], photo, fake, 3.0).values()
    assert (float(term.value), term.weight) == (pytest.approx(0.5 + 1.0), 3.0)


def test_finetune_begins_from_what_ships(tmp_path: Path) -> None:
    recipe, shipped = finetune(), assets.WEIGHTS / "portrait" / "weights.safetensors"
    assert recipe.training.betas == (0.0, 0.99) and recipe.training.phases[0].players == ("D",)
    system = PortraitSystem(recipe)
    faces = FaceStore.of(drawn_faces(3, recipe.framing), recipe.framing, "drawn")
    train(system, "portrait", faces, tmp_path / "run", steps=0, warm_start=shipped)
    found = system.shipped_state()
    assert all(torch.equal(value, found[key]) for key, value in read_weights(shipped)[1].items())


def test_the_paper_recipe_is_the_reports() -> None:
    recipe = paper()
    assert (recipe.discriminator, recipe.perceptual_weight, recipe.crop) == ("patch", 0.0, 0)
    assert recipe.training.max_missing == 1.0 and (recipe.critic_layers, recipe.critic_norm) == (3, "batch")
    assert (recipe.framing.size, recipe.width, recipe.critic_width, recipe.absolute) == (256, 64, 64, 100.0)
    assert (recipe.training.batch, recipe.training.rates, recipe.training.betas) == (1, (2e-4, 2e-4), (0.5, 0.999))
    assert recipe.training.phases == (Phase(42000, ("D", "G")),)  # 2,000 epochs of 21 pairs
    assert recipe.drawing.jitter == 30 and recipe.drawing.flip and recipe.dropout  # only test 2.B was without jitter
    with pytest.raises(LikenessError, match="watercolour"):
        override(recipe, ['drawing.effects=["watercolour"]'])
    with pytest.raises(LikenessError, match="probability"):
        override(recipe, ["drawing.erase=2"])


def system_of(drawing: Drawing, count: int = 4) -> tuple[PortraitSystem, dict[str, torch.Tensor]]:
    recipe = replace(tiny(), drawing=drawing)
    system = PortraitSystem(recipe)
    return system, system.table(FaceStore.of(drawn_faces(count, recipe.framing), recipe.framing, "drawn"))


def test_without_augmentation_a_drawing_is_the_effect() -> None:
    system, table = system_of(Drawing(effects=("line", "pencil")))
    batch = system.batch(table, torch.Generator(), augment=False)
    photo = table["photo"][1].permute(1, 2, 0).numpy()
    expected = effects.apply("pencil", photo, 0)
    made = ((batch.source[1] + 1) * 127.5).round().permute(1, 2, 0).numpy()
    assert np.array_equal(made, expected)
    assert torch.equal(((batch.target + 1) * 127.5).round().to(torch.uint8), table["photo"])
    assert batch.noise is None


def test_chance_comes_from_the_generator_alone() -> None:
    system, table = system_of(Drawing(erase=0.5, jitter=6, light=0.2))
    one, again, other = (system.batch(table, torch.Generator().manual_seed(s), augment=True) for s in (1, 1, 2))
    assert torch.equal(one.source, again.source) and torch.equal(one.target, again.target)
    assert one.noise is not None and again.noise is not None and torch.equal(one.noise, again.noise)
    assert not torch.equal(one.source, other.source)


def test_a_flip_flips_both_and_what_is_erased() -> None:
    """All lose their left eye, then half are mirrored, as the report's pairs are: there the right one is missing."""
    plan = Drawing(effects=("style_a",), erase=1.0, features=("left_eye",))
    system, table = system_of(plan, 8)
    plain, _ = system_of(replace(plan, erase=0.0), 8)
    rubbed = system.batch(table, torch.Generator().manual_seed(5), augment=True)
    whole = plain.batch(table, torch.Generator().manual_seed(5), augment=True)
    assert torch.equal(rubbed.target, whole.target)
    mirrored = [not torch.equal(a, b) for a, b in zip(rubbed.target, table["photo"].float() / 127.5 - 1, strict=True)]
    assert any(mirrored) and not all(mirrored)
    for i, flipped in enumerate(mirrored):
        points = table["landmarks"][i].numpy()
        points = mirror(points, 64) if flipped else points
        region = effects.erased_region((64, 64), points, ["right_eye" if flipped else "left_eye"])
        drawn = to_images(whole.source[i : i + 1])[0]
        assert np.array_equal(to_images(rubbed.source[i : i + 1])[0], effects.mutilate(drawn, region)), flipped
        assert np.array_equal(rubbed.erased[i, 0].numpy() > 0, region)
    assert not whole.erased.any()


def test_what_is_erased_is_compared_once_more() -> None:
    """Where a recipe says so; not with jitter, which moves pairs and not the mask."""
    system, table = system_of(Drawing(erase=1.0, eraser=1.0), 4)
    batch = system.batch(table, torch.Generator().manual_seed(1), augment=True)
    white = batch.source.amin(1, keepdim=True)[batch.erased > 0]
    assert len(white) and (white == 1).all()
    phase = system.recipe.training.phases[0]
    assert "repaired" not in dict(system.play(batch, phase))["G"]()
    system.recipe = replace(system.recipe, repaired=3.0)
    terms = dict(system.play(batch, phase))["G"]()
    fake = system.generator(batch.source, batch.noise)
    away = (fake - batch.target).abs()[(batch.erased > 0).expand_as(fake)].mean()
    assert terms["repaired"].weight == 3 and float(terms["repaired"].value.detach()) == pytest.approx(
        float(away.detach()), rel=1e-4
    )
    with pytest.raises(LikenessError, match="0 where pairs are jittered"):
        replace(system.recipe, drawing=Drawing(jitter=3))


def test_the_other_direction_and_pairs() -> None:
    """Photo to drawing turns x and y about; pairs take the effects' place, are mirrored too, and keep a made photo's light."""
    plan = Drawing(effects=("line",), light=0.5)
    system, table = system_of(plan, 8)
    turned = PortraitSystem(replace(tiny(), drawing=plan, made="drawing"))
    one, other = (some.batch(table, torch.Generator().manual_seed(1), augment=True) for some in (system, turned))
    assert torch.equal(one.source, other.target) and torch.equal(one.target, other.source)
    framing = tiny().framing
    bare = FaceStore.of(drawn_faces(8, framing), framing, "drawn")
    store = bare.with_pairs([255 - face.image for face in bare])
    paired = PortraitSystem(replace(tiny(), drawing=replace(plan, source="pairs")))
    batch = paired.batch(paired.table(store), torch.Generator().manual_seed(1), augment=True)
    assert torch.allclose(batch.source, -batch.target, atol=1e-6)
    photos = paired.table(store)["photo"] / 127.5 - 1
    flips = [torch.allclose(made, photo.flip(-1), atol=1e-6) for made, photo in zip(batch.target, photos, strict=True)]
    assert any(flips) and not all(flips)
    maps = PortraitSystem(replace(tiny(), drawing=replace(plan, source="pairs"), made="drawing"))
    assert not torch.allclose(*(getattr(maps.batch(maps.table(store), torch.Generator(), True), x) for x in ("source", "target")))
    with pytest.raises(LikenessError, match="no other picture"):
        paired.table(bare)


def test_jitter_moves_both_alike() -> None:
    x = torch.rand(3, 3, 32, 32)
    one, other = jittered(x, x, 8, torch.Generator().manual_seed(0))
    assert one.shape == x.shape and torch.equal(one, other)
    assert not torch.equal(one, x)


def folder_of(samples: list[Path], target: Path, copies: int = 6) -> Path:
    """Photos of one (made) person: one sample in different light, and trouble."""
    target.mkdir()
    picture = read(samples[0]).astype(np.float32)
    for i in range(copies):
        write_picture(target / f"{i}.png", np.clip(picture * (0.85 + 0.05 * i), 0, 255).astype(np.uint8), "a test")
    return target


def test_gathering_a_person(samples: list[Path], tmp_path: Path) -> None:
    folder = folder_of(samples, tmp_path / "hugo")
    shutil.copy(samples[1], folder / "stranger.png")
    write_picture(folder / "wall.png", np.full((90, 90, 3), 200, np.uint8), "a test")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    small = np.asarray(read(samples[0]))[::6, ::6]
    write_picture(folder / "far.png", np.pad(small, ((60, 60), (60, 60), (0, 0)), constant_values=200), "a test")
    found = gather(folder, Framing(size=64))
    why = dict(found.left_out)
    assert set(why) >= {"stranger.png", "wall.png", "broken.jpg", "far.png"}
    assert "somebody else" in why["stranger.png"] and "no face" in why["wall.png"]
    assert "tiny" in why["far.png"] or "no face" in why["far.png"]
    assert len(found.store) == 6
    assert found.store.column("split").count("validation") == 1
    assert len(set(found.store.column("person"))) == 1


def test_too_few_photos(samples: list[Path], tmp_path: Path) -> None:
    folder = folder_of(samples, tmp_path / "hugo", copies=2)
    with pytest.raises(LikenessError, match="at least 3 photos, 2 can be used"):
        gather(folder, Framing(size=64))


def test_the_person_is_whose_face_is_seen_most(samples: list[Path], tmp_path: Path) -> None:
    """Three photos of one among five of others: the three are the person."""
    folder = folder_of(samples, tmp_path / "album", copies=3)
    for path in samples[1:]:
        shutil.copy(path, folder / f"stranger-{path.name}")
    found = gather(folder, Framing(size=64))
    assert set(found.store.column("name")) == {"0.png", "1.png", "2.png"}
    assert len(found.left_out) == len(samples) - 1


def test_a_persons_model_by_the_command(
    samples: list[Path], likeness: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Folder → model → photo from a drawing, with effects of one's choice."""
    folder_of(samples, tmp_path / "hugo")
    words = ("portrait", "train", "hugo", "--recipe", "tiny", "--threads", "1", "--effects", "line,pencil")
    assert likeness(*words, "-o", "m", "--from", "nothing") == 0
    model = open_portrait(tmp_path / "m")
    assert model.card.step == 12 and model.recipe.drawing.effects == ("line", "pencil")
    assert (tmp_path / "m" / "contact-sheet.png").is_file()
    draw = ("portrait", "draw", samples[0], "--model", "m", "--effect", "pencil")
    assert likeness(*draw, "-o", "made.png", "--json") == 0
    made = read(tmp_path / "made.png")
    assert made.shape == (64, 64, 3)
    assert json.loads((tmp_path / "made.json").read_text())["effect"] == "pencil"
    assert likeness(*draw, "-o", "again.png") == 0
    assert np.array_equal(made, read(tmp_path / "again.png"))
    assert likeness(*draw, "-o", "noisy.png", "--seed", "3") == 0
    assert not np.array_equal(made, read(tmp_path / "noisy.png"))
    assert likeness("portrait", "draw", samples[0], "--model", "m", "--sheet", "-o", "sheet.png") == 0
    mark = provenance.read(tmp_path / "made.png")
    assert mark is not None and mark.trained
    for path in ("made.png", "again.png", "noisy.png"):  # a model is not taught with its own pictures
        shutil.copy(tmp_path / path, tmp_path / "hugo" / path)
    assert {why for _, why in gather(tmp_path / "hugo", Framing(size=64)).left_out} == {"was made by a portrait model"}


def test_an_artists_drawings(
    samples: list[Path], likeness: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Drawings called like the photos, at twice their size: they are what is learned from; a photo without one is left out."""
    folder = folder_of(samples, tmp_path / "hugo")
    (tmp_path / "art").mkdir()
    for i in range(5):
        drawing = 255 - read(folder / f"{i}.png")
        write_picture(tmp_path / "art" / f"{i}.png", drawing.repeat(2, 0).repeat(2, 1), "a test")
    found = gather(folder, Framing(size=64), drawings=tmp_path / "art")
    assert [title for title, _ in found.left_out] == ["5.png"] and "no picture of that name" in found.left_out[0][1]
    for face in found.store:
        assert face.pair is not None and np.abs(face.pair.astype(int) - (255 - face.image.astype(int))).mean() < 4
    words = ("portrait", "train", "hugo", "--recipe", "tiny", "--threads", "1", "--from", "nothing", "--drawings", "art")
    assert likeness(*words, "-o", "m") == 0
    assert open_portrait(tmp_path / "m").recipe.drawing.source == "pairs"
    assert read(tmp_path / "m" / "contact-sheet.png").shape[1] < 4 * 64
    back = (*words[:-4], "--drawings", "art", "--set", 'made="drawing"')
    assert likeness(*back, "-o", "back", "--from", "nothing") == 0
    assert likeness("portrait", "draw", samples[0], "--model", "back", "-o", "drawn.png", "--sheet") == 0
    assert likeness(*back, "-o", "no", "--from", "m") == 2
    assert "makes photos" in capsys.readouterr().err
    capsys.readouterr()
    assert likeness("portrait", "draw", samples[0], "--model", "back", "--effect", "line", "-o", "x.png") == 2
    assert "takes photos" in capsys.readouterr().err
    assert likeness(*words, "-o", "n", "--effects", "line") == 2
    assert likeness(*words[:-1], "nowhere", "-o", "n") == 2


def test_more_pairs_by_a_model(samples: list[Path], likeness: Callable[..., int], tmp_path: Path) -> None:
    """Experiment 6 by commands: what a photo → drawing model draws goes with its photo again, at the same place."""
    folder = folder_of(samples, tmp_path / "hugo", copies=4)
    wide = np.pad(read(samples[0]), ((9, 30), (200, 20), (0, 0)), constant_values=90)
    write_picture(folder / "wide.png", wide, "a test")
    recipe = replace(tiny(), made="drawing")
    train(
        PortraitSystem(recipe),
        "portrait",
        FaceStore.of(drawn_faces(4, recipe.framing), recipe.framing, "d"),
        tmp_path / "b",
        steps=1,
    )
    model = open_portrait(tmp_path / "b")
    assert [one.name for one in model.conditions] == ["photo", "noise"]
    model._generate = lambda inputs: -inputs["source"]  # type: ignore[method-assign]
    (tmp_path / "art").mkdir()
    for path in folder.iterdir():
        made = model(photo=path).pasted().picture
        assert made.shape == read(path).shape
        write_picture(tmp_path / "art" / path.name, made, "a test")
    assert (model(photo=wide).pasted().picture[:, :5] == 255).all()  # beside the face's frame there is paper
    found = gather(folder, recipe.framing, drawings=tmp_path / "art")
    assert len(found.store) == 5
    for face in found.store:
        assert face.pair is not None
        inside = np.abs(face.pair.astype(int) - (255 - face.image.astype(int)))[3:-3, 3:-3]
        assert inside.mean() < 6  # shrunk, laid back and shrunk again
    assert likeness("portrait", "draw", folder, "--model", "b", "-o", "more") == 0
    assert read(tmp_path / "more" / "wide.png").shape == wide.shape


def test_nothing_is_erased_from_what_is_to_be_made() -> None:
    plan = Drawing(effects=("style_a",), erase=1.0, flip=False)
    system, table = system_of(plan)
    turned = PortraitSystem(replace(tiny(), drawing=plan, made="drawing"))
    made = turned.batch(table, torch.Generator().manual_seed(1), augment=True).target
    wanted = np.stack([effects.apply("style_a", photo.permute(1, 2, 0).numpy(), 0) for photo in table["photo"]])
    assert np.array_equal(to_images(made), wanted)
    assert not np.array_equal(to_images(system.batch(table, torch.Generator().manual_seed(1), augment=True).source), wanted)


def test_a_persons_training_goes_on_where_it_stopped(samples: list[Path], likeness: Callable[..., int], tmp_path: Path) -> None:
    """Stopped half way, the same command ends in the same weights; begun from a model, step 0 is that model."""
    folder_of(samples, tmp_path / "hugo")
    words = ("portrait", "train", "hugo", "--recipe", "tiny", "--threads", "1")
    assert likeness(*words, "-o", "whole", "--from", "nothing") == 0
    recipe = tiny()
    torch.manual_seed(recipe.training.seed)
    store = gather(tmp_path / "hugo", recipe.framing).store
    train(PortraitSystem(recipe), "portrait", store, tmp_path / "parts", steps=5)
    assert read_card(tmp_path / "parts" / "weights.safetensors").step == 5
    assert likeness(*words, "-o", "parts", "--from", "nothing") == 0
    states = [read_weights(tmp_path / name / "weights.safetensors")[1] for name in ("whole", "parts")]
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())
    assert likeness(*words, "-o", "more", "--from", "whole", "--minutes", "1e-6") == 0
    _, begun = read_weights(tmp_path / "more" / "weights.safetensors")
    assert all(torch.equal(value, begun[key]) for key, value in states[0].items())


def test_mistakes_of_the_command(
    samples: list[Path], likeness: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder_of(samples, tmp_path / "hugo", copies=3)
    words = ("portrait", "train", "hugo", "--recipe", "tiny")
    new = (*words, "-o", "x", "--from", "nothing")

    def refused(*given: object) -> str:
        capsys.readouterr()
        assert likeness(*given) == 2
        return capsys.readouterr().err

    assert "does not fit this recipe" in refused(*words, "-o", "x")  # the general model is larger
    assert "typo/dir" in refused(*words, "-o", "x", "--from", "typo/dir")
    assert "weights of 'parts'" in refused(*words, "-o", "x", "--from", "parts")
    assert "lies in the folder of photos" in refused(*words, "-o", "hugo/model", "--from", "nothing")
    assert "no such device" in refused(*new, "--device", "foo")
    assert "one weight above 0" in refused(*new, "--set", "absolute=0", "--set", "adversarial=0")
    assert "norm='instance'" in refused(*new, "--set", "norm=batch")
    assert "is not a folder" in refused("portrait", "train", "nowhere", "-o", "x", "--from", "nothing")
    assert "''" in refused(*new, "--effects", "")
    assert not (tmp_path / "x").exists()
    (tmp_path / "friend").mkdir()
    (tmp_path / "friend" / "weights.safetensors").write_bytes(b"precious")
    assert "holds a model" in refused(*words, "-o", "friend", "--from", "nothing")
    assert (tmp_path / "friend" / "weights.safetensors").read_bytes() == b"precious"


@pytest.fixture
def untrained(tmp_path: Path) -> PortraitSynthesizer:
    recipe = tiny()
    faces = FaceStore.of(drawn_faces(4, recipe.framing), recipe.framing, "drawn")
    train(PortraitSystem(recipe), "portrait", faces, tmp_path / "run", steps=1)
    return open_portrait(tmp_path / "run")


def test_reading_drawings(untrained: PortraitSynthesizer, samples: list[Path]) -> None:
    """Framed already: only scaled. A photo that is not: aligned. No face that is seen: the middle square."""
    photo = read(samples[0])
    framed, _, _ = FaceReader().aligned(photo, "a sample", Framing(size=128))
    same, _, moved = untrained.frame(framed)
    assert not moved and np.array_equal(same, untrained.frame(framed, "as-is")[0])
    assert untrained.frame(framed, "align")[2]
    shifted = np.roll(np.pad(framed, ((40, 40), (40, 40), (0, 0)), constant_values=90), 25, 1)
    found, transform, moved = untrained.frame(shifted)
    assert moved and np.array_equal(found, transform.warp(shifted, 64, 64))
    assert np.abs(found.astype(int) - same).mean() < np.abs(untrained.frame(shifted, "as-is")[0].astype(int) - same).mean() / 2
    blank = np.full((80, 120, 3), 255, np.uint8)
    blank[:, 60] = 0
    middle, transform, moved = untrained.frame(blank)
    assert not moved and middle.shape == (64, 64, 3) and middle[:, 30:34].min() < 200 and (middle[:, :20] == 255).all()
    corners = transform.apply(np.array([[19.5, -0.5], [99.5, 79.5]], np.float32))  # of the middle square
    assert np.allclose(corners, [[-0.5, -0.5], [63.5, 63.5]], atol=1e-4)
    with pytest.raises(LikenessError, match="no face"):
        untrained.frame(blank, "align")
    with pytest.raises(LikenessError, match="'as_is': there are auto"):
        untrained(drawing=blank, frame="as_is")


def test_drawing_refuses_and_greys(untrained: PortraitSynthesizer) -> None:
    with pytest.raises(LikenessError, match="the model wants 64×64"):
        untrained.draw([np.zeros((80, 120, 3), np.uint8)])
    with pytest.raises(LikenessError, match="no drawing"):
        untrained.draw([])
    colours = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    grey = np.repeat(np.round(colours @ np.array([0.299, 0.587, 0.114]))[..., None], 3, 2).astype(np.uint8)
    assert np.abs(untrained.draw([colours])[0].astype(int) - untrained.draw([grey])[0]).max() <= 3


def drawn_by_torch(weights: Path, pictures: list[np.ndarray], noise: torch.Tensor | None) -> np.ndarray:
    """What the network makes of framed drawings in one batch, as it is trained: no mask, but noise or none."""
    card, state = read_weights(weights)
    recipe = thaw(PortraitRecipe, card.recipe)
    network = UNet(recipe.framing.size, 3, 3, recipe.width, recipe.norm, recipe.levels).eval()
    network.load_state_dict({name.removeprefix("generator."): value for name, value in state.items()})
    with torch.inference_mode():
        return to_images(network(to_tensor(np.stack(pictures)), noise))


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_noise_and_none_are_the_networks(engine: str, samples: list[Path]) -> None:
    """A mask of ones is no noise, and a seed's mask is the dropout of torch's noise of that seed."""
    model = systems.load("portrait", engine=engine)
    assert isinstance(model, PortraitSynthesizer) and model.noise_length == 20480
    grey = [np.repeat(read(path)[::2, ::2].mean(2).round().astype(np.uint8)[..., None], 3, 2) for path in samples[:3]]
    path = systems.weights_path("portrait")
    noise = torch.rand(1, model.noise_length, generator=torch.Generator().manual_seed(7))
    for seed, chance in ((None, None), (7, noise.repeat(3, 1))):
        wanted = drawn_by_torch(path, grey, chance)
        assert np.abs(model.draw(grey, seed).astype(int) - wanted).max() <= 1
        requests = [model.prepare({"drawing": one, "frame": "as-is", "noise": seed}) for one in grey]
        for result, picture in zip(model.make(requests), wanted, strict=True):
            assert np.abs(result.picture.astype(int) - picture).max() <= 1
    plain, noisy = model.draw(grey), model.draw(grey, 7)
    assert np.abs(plain.astype(int) - noisy).mean() > 1


@pytest.mark.parametrize("seed", [0, 1, 12345, 2**31 - 1])
def test_a_seed_is_the_same_noise_without_torch(seed: int) -> None:
    noise = torch.rand(1000, generator=torch.Generator().manual_seed(seed))
    assert np.array_equal(noise_mask(1000, seed), ((noise >= 0.5) * 2).numpy())
    assert (noise_mask(9, None) == 1).all()


def test_what_is_no_request(untrained: PortraitSynthesizer, samples: list[Path]) -> None:
    for request, word in (
        ({}, "drawing is needed"),
        ({"drawing": samples[0], "noise": -1}, "whole number"),
        ({"drawing": samples[0], "noise": True}, "whole number"),
        ({"drawing": samples[0], "effect": "watercolour"}, "is not an effect"),
        ({"sketch": samples[0]}, "no condition or option"),
        ({"drawing": samples[0].with_name("none.png")}, "no such file"),
    ):
        with pytest.raises(LikenessError, match=word):
            untrained(**request)
    result = untrained(drawing=samples[0], effect="line", noise=2)
    assert set(result.intermediates) == {"photo", "drawing"} and result.picture.shape == (64, 64, 3)
    assert np.array_equal(result.intermediates["drawing"], effects.apply("line", result.intermediates["photo"], 2))
    assert (result.made["effect"], result.made["moved"], result.made["conditions"]["noise"]) == ("line", True, 2)
    assert result.pasted().picture.shape == read(samples[0]).shape
    assert untrained.make([]) == []


def test_weights_of_another_system_are_refused() -> None:
    with pytest.raises(LikenessError, match="holds weights of 'parts'"):
        systems.load("parts", "portrait")
    assert issubclass(systems.row("portrait").recipe_class(), PortraitRecipe)
