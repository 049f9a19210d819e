"""ISEGAN in training and in use: who moves what, pairs that move together, edits that are followed, and the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from torch import Tensor

from likeness import assets, systems
from likeness.card import Card, read_card
from likeness.checkpoint import read_weights, write_weights
from likeness.data.store import FaceStore
from likeness.engine import open_weights
from likeness.errors import LikenessError
from likeness.faces.align import Similarity, paste_back
from likeness.faces.cufs import FRAMING, parsed
from likeness.faces.drawing import drawn_faces
from likeness.faces.labels import CLASSES, coloured, read_off
from likeness.faces.parser import FaceParser
from likeness.image import read, to_images, to_tensor, write
from likeness.losses.pixel import root_mean_square
from likeness.nn.projected import ProjectedDiscriminator
from likeness.nn.vgg import CONVOLUTIONS, VGG19
from likeness.recipe import freeze, override, thaw
from likeness.systems.isegan.recipes import LAYERS, ISEGANRecipe, Weights, finetune, lite, paper, tiny
from likeness.systems.isegan.synthesis import ISEGANSynthesizer
from likeness.systems.isegan.system import ISEGANSystem, build_generators, moved
from likeness.systems.parser.recipes import tiny as tiny_parser
from likeness.systems.parser.system import ParserSystem
from likeness.train.loop import train

Run = Callable[..., int]


def store(count: int = 6, size: int = 64) -> FaceStore:
    framing = replace(FRAMING, size=size)
    return FaceStore.of(drawn_faces(count, framing, paired=True), framing, "drawn", "labels")


def features(pictures: Tensor) -> list[Tensor]:
    """In VGG-19's place."""
    return [pictures, pictures[..., ::2, ::2] * 2]


def test_sizes() -> None:
    """The paper's generators have 64 channels and eight blocks; what ships is at most 20 MB in float16."""
    assert (paper().networks.width, paper().networks.depth, paper().networks.widest) == (64, 8, 8)
    assert paper().training.steps == 700 * 268 and paper().training.batch == 1
    small = ISEGANSystem(lite())
    assert sum(value.numel() for value in small.shipped_state().values()) * 2 <= 20e6


def test_a_step_is_the_papers() -> None:
    """D1 and D_par, then D2, then G1, then G2; each with its equations and weights, and no gradient leaves its player."""
    system = ISEGANSystem(replace(tiny(), weights=Weights()), features)
    batch = system.batch(system.table(store()), torch.Generator().manual_seed(0), augment=True)
    said = []
    for player, ask in system.play(batch, tiny().training.phases[0]):
        terms = ask()
        said.append((player, {name: (term.weight, term.equation) for name, term in terms.items()}))
        loss = torch.stack([term.weight * term.value for term in terms.values()]).sum()
        system.zero_grad()
        loss.backward(inputs=system.parameters_of(player), retain_graph=True)
        # the discarded bias before a norm has a gradient of zero; of each network something must move
        for name in system.players[player]:
            moves = [weight.grad for weight in getattr(system, name).parameters()]
            assert all(one is not None for one in moves) and max(float(one.abs().max()) for one in moves if one is not None) > 0
    assert said == [
        ("D1", {"critic": (1.0, "(1)")}),
        ("D2", {"critic_2": (1.0, "(2)")}),
        (
            "G1",
            {"adversarial": (1.0, "(1)"), "matching": (10.0, "(3)"), "compositional": (10.0, "(4)"), "perceptual": (5.0, "(5)")},
        ),
        ("G2", {"adversarial_2": (1.0, "(2)"), "compositional_2": (10.0, "(4)"), "perceptual_2": (5.0, "(5)")}),
    ]


def test_projected_critics_judge_photos_alone(tmp_path: Path) -> None:
    """D1 and D2 are projected and differ, D_par stays a patch critic; a stopped training goes on bit for bit."""
    recipe = override(
        tiny(), ['networks.discriminator="projected"', 'perceptual="efficientnet"', "weights.perceptual=1", "crop=32"]
    )
    system = ISEGANSystem(recipe)
    one, two = system.photo_critic, system.second_critic
    assert isinstance(one, ProjectedDiscriminator) and isinstance(two, ProjectedDiscriminator)
    assert not torch.equal(one.mix0, two.mix0) and one.features is two.features  # type: ignore[arg-type]
    assert system.parsing_critic.body[0].in_channels == len(CLASSES)
    batch = system.batch(system.table(store()), torch.Generator().manual_seed(0), augment=True)
    said = {player: set(ask()) for player, ask in system.play(batch, recipe.training.phases[0])}
    assert said["G2"] == {"adversarial_2", "compositional_2", "perceptual_2"}
    for name, stops in (("once", (2,)), ("twice", (1, 2))):
        for steps in stops:
            torch.manual_seed(1)
            train(ISEGANSystem(recipe), "isegan", store(), tmp_path / name, steps=steps)
    states = [torch.load(tmp_path / name / "state.pt", weights_only=True)["system"] for name in ("once", "twice")]
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())
    assert any("mix0" in key for key in states[0]) and not any("features" in key for key in states[0])


def test_finetune_begins_from_what_ships(tmp_path: Path) -> None:
    """The shipped weights fit it; D1 and D2 move alone first, with Adam (0, 0.99) at 2e-4."""
    recipe = finetune()
    assert recipe.training.betas == (0.0, 0.99) and set(recipe.training.rates) == {2e-4}
    assert recipe.training.phases[0].players == ("D1", "D2") and recipe.networks.discriminator == "projected"
    faces = FaceStore.of(drawn_faces(3, FRAMING, paired=True), FRAMING, "drawn", "labels")
    for settings, name in (([], "isegan"), (["made=sketch", "networks.width=20"], "isegan_sketch")):
        shipped = assets.WEIGHTS / name / "weights.safetensors"
        system = ISEGANSystem(override(recipe, settings), features)
        train(system, "isegan", faces, tmp_path / name, steps=0, warm_start=shipped)
        found = system.shipped_state()
        assert all(torch.equal(value, found[key]) for key, value in read_weights(shipped)[1].items())


def test_the_papers_features_or_a_named_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """(5) of ``paper`` reads torchvision's VGG-19; where that cannot be had, one line names the choice that needs none."""
    from likeness.nn.vgg import TORCHVISION

    monkeypatch.setenv("LIKENESS_INSTRUMENTS", str(tmp_path))
    monkeypatch.setenv("LIKENESS_CACHE", str(tmp_path / "cache"))

    def unreachable(*words: object, **more: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("likeness.assets.urlopen", unreachable)
    chosen = override(paper(), ["networks.width=4", "networks.critic_width=4"])
    photo, chance = torch.rand(1, 3, 64, 64) * 2 - 1, torch.Generator()
    with pytest.raises(LikenessError, match=r"download\.pytorch\.org.*--set perceptual=efficientnet"):
        ISEGANSystem(chosen).features(photo, photo, chance)
    free, made = ISEGANSystem(override(chosen, ["perceptual=efficientnet"])).features(photo, -photo, chance)
    assert [one.shape[1] for one in free] == [24, 40, 112, 320] and not torch.equal(free[0], made[0])
    before, state = 3, {}
    widths = {"1": 64, "2": 128, "3": 256, "4": 512, "5": 512}
    for ours, theirs in TORCHVISION.items():
        state[f"{theirs}.weight"] = torch.full((widths[ours[4]], before, 3, 3), 1 / (9 * before))
        state[f"{theirs}.bias"], before = torch.zeros(widths[ours[4]]), widths[ours[4]]
    entry = assets.INSTRUMENTS["vgg19_torchvision"]
    torch.save(state, tmp_path / entry.file)
    monkeypatch.setitem(assets.INSTRUMENTS, "vgg19_torchvision", replace(entry, sha256=assets.digest(tmp_path / entry.file)))
    true, _ = ISEGANSystem(chosen).features(photo, photo, chance)
    assert [tuple(one.shape[1:]) for one in true] == [(64, 64, 64), (256, 16, 16), (512, 8, 8)]


def test_the_papers_recipe_is_as_it_was() -> None:
    """New fields stand at what they were before there were choices."""
    frozen = freeze(paper())
    assert frozen["networks"].pop("discriminator") == "patch" and frozen["weights"].pop("adversarial") == 1.0
    assert frozen.pop("perceptual") == "vgg19"
    assert frozen["networks"] == {"width": 64, "depth": 8, "widest": 8, "critic_width": 64}
    weights = {"alpha": 0.3, "beta": 0.3, "delta": 0.7, "compositional": 10.0, "perceptual": 5.0, "matching": 10.0}
    assert frozen["weights"] == weights and frozen["features"] == ["conv1_1", "conv3_4", "conv4_1"]
    assert frozen["training"]["betas"] == [0.5, 0.999] and frozen["training"]["max_missing"] == 1.0


def test_stage_two_leaves_stage_one_alone() -> None:
    """(7) is G2's: nothing of it reaches G1."""
    system = ISEGANSystem(tiny(), features)
    batch = system.batch(system.table(store()), torch.Generator(), augment=False)
    *_, (player, ask) = system.play(batch, tiny().training.phases[0])
    assert player == "G2"
    torch.stack([term.value for term in ask().values()]).sum().backward()
    assert all(weight.grad is None for weight in system.first.parameters())


def test_features_of_the_same_square() -> None:
    system = ISEGANSystem(replace(tiny(), crop=32), lambda pictures: [pictures])
    photo = torch.rand(3, 3, 64, 64)
    (true,), (made,) = system.features(photo, photo + 1, torch.Generator().manual_seed(1))
    assert true.shape == (3, 3, 32, 32) and torch.allclose(made - true, torch.ones(()))
    assert float(root_mean_square(true, made)) == pytest.approx(1, abs=1e-5)


def test_a_pair_moves_together() -> None:
    """Pictures and parsings at the same place; black beyond the picture's edge, and background."""
    table = ISEGANSystem(tiny()).table(store())
    assert {name: tuple(column.shape[1:]) for name, column in table.items()} == {
        "photo": (3, 64, 64),
        "sketch": (3, 64, 64),
        "photo_parsing": (8, 64, 64),
        "sketch_parsing": (8, 64, 64),
    }
    # the pairs of drawn faces are their coloured parsings, so each picture can be checked against its maps
    system = ISEGANSystem(override(tiny(), ["flip=true", "jitter=20"]))
    batch = system.batch(table, torch.Generator().manual_seed(2), augment=True)
    colours = ((batch.sketch + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    classes = batch.sketch_parsing.argmax(1).numpy()
    beyond = ~colours.any(-1)
    assert beyond.any() and (classes[beyond] == 0).all()
    assert np.array_equal(read_off(colours)[~beyond], classes[~beyond])
    assert torch.allclose(batch.sketch_parsing.sum(1), torch.ones(()), atol=0.02)
    assert torch.equal(batch.sketch_parsing, batch.photo_parsing)
    again = system.batch(table, torch.Generator().manual_seed(2), augment=True)
    assert torch.equal(again.photo, batch.photo)
    one = torch.arange(16).reshape(1, 1, 4, 4).repeat(1, 3, 1, 1)
    assert torch.equal(moved(one, [(1, 1)], 2), one)
    assert moved(one, [(2, 0)], 2)[0, 0].tolist() == [[0, 4, 5, 6], [0, 8, 9, 10], [0, 12, 13, 14], [0, 0, 0, 0]]


def test_the_other_way_round() -> None:
    table = ISEGANSystem(tiny()).table(store())
    there, back = (
        ISEGANSystem(replace(tiny(), made=made)).batch(table, torch.Generator(), False) for made in ("photo", "sketch")
    )
    assert torch.equal(there.sketch, back.photo) and torch.equal(there.photo, back.sketch)
    assert torch.equal(there.sketch_parsing, back.photo_parsing)


def test_it_learns(tmp_path: Path) -> None:
    """A hundred steps on eight drawn faces: both stages come nearer to the photos, and P_int to their parsings."""
    recipe = override(tiny(), ["training.batch=4", "networks.width=16"])
    recipe = replace(
        recipe, training=replace(recipe.training, phases=(replace(recipe.training.phases[0], steps=100),), look=1000)
    )
    faces = store(8)
    torch.manual_seed(1)
    system = ISEGANSystem(recipe)
    table = system.table(faces)
    before = system.eval().measure(table)
    train(system, "isegan", faces, tmp_path / "run")
    after = system.eval().measure(table)
    assert after["absolute_1"] < 0.7 * before["absolute_1"] and after["absolute_2"] < 0.7 * before["absolute_2"]
    assert after["parsing"] > 0.85 > before["parsing"]


def test_a_training_with_vgg_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """VGG-19 is not part of what is trained: its weights are not in the state, and a stopped training goes on bit for bit."""

    def small(layers: tuple[str, ...], distilled: bool) -> VGG19:
        chance, before, state = torch.Generator().manual_seed(0), 3, {"conv0.weight": torch.eye(3)[:, :, None, None]}
        state["conv0.bias"] = torch.zeros(3)
        for name in CONVOLUTIONS:
            state[f"{name}.weight"] = torch.randn(4, before, 3, 3, generator=chance) * 0.3
            state[f"{name}.bias"], before = torch.zeros(4), 4
        return VGG19(state, layers)

    monkeypatch.setattr("likeness.nn.vgg.open_vgg19", small)
    recipe = replace(tiny(), weights=Weights(), crop=32)
    for name, stops in (("once", (2,)), ("twice", (1, 2))):
        for steps in stops:
            torch.manual_seed(1)
            train(ISEGANSystem(recipe), "isegan", store(), tmp_path / name, steps=steps)
    states = [torch.load(tmp_path / name / "state.pt", weights_only=True)["system"] for name in ("once", "twice")]
    assert not any("_features" in key for key in states[0])
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())


@pytest.mark.parametrize(
    ("settings", "players"),
    [(["stages=1"], ("D1", "G1")), (['regions="source"', "middle=false", "enhanced=false"], None), (["enhanced=false"], None)],
)
def test_parts_of_it(settings: list[str], players: tuple[str, ...] | None, tmp_path: Path) -> None:
    """Stage I alone (table 2), and without an intermediate parsing (SCA-GAN) train, load and draw."""
    recipe = override(tiny(), settings)
    if players:
        phase = replace(recipe.training.phases[0], players=players)
        recipe = replace(recipe, training=replace(recipe.training, phases=(phase,)))
    weights = train(ISEGANSystem(recipe), "isegan", store(), tmp_path / "run", steps=2)
    model = systems.load(weights)
    assert isinstance(model, ISEGANSynthesizer)
    face = next(iter(store(1)))
    assert face.pair is not None and face.maps is not None
    made = model.stages([face.pair], face.maps[1:])
    assert made.photo.shape == (1, 64, 64, 3)
    assert np.array_equal(made.first, made.photo) == (recipe.stages == 1)
    assert np.array_equal(made.source, made.parsing) == (not recipe.middle)


def test_recipes_that_cannot_be() -> None:
    for settings, word in (
        (["middle=false"], "enhanced"),
        (["middle=false", "enhanced=false"], "regions"),
        (['features=["conv9_9"]'], "features"),
        (["networks.depth=7"], "multiple of 128"),
        (["weights.alpha=2"], "alpha"),
        (['made="sculpture"'], "made"),
        (["stages=3"], "stages"),
        (["crop=65"], "crop"),
        (["crop=8"], "crop"),
    ):
        with pytest.raises(LikenessError, match=word):
            override(tiny(), settings)
    with pytest.raises(LikenessError, match="no sketches with parsings"):
        ISEGANSystem(tiny()).table(FaceStore.of(drawn_faces(2, tiny().framing), tiny().framing, "drawn"))
    with pytest.raises(LikenessError, match="framed"):
        ISEGANSystem(tiny()).table(store(2, 128))


def synthesizer(recipe: ISEGANRecipe, folder: Path) -> ISEGANSynthesizer:
    """An untrained one with an untrained parser."""
    torch.manual_seed(0)
    system, parser = ISEGANSystem(recipe), ParserSystem(tiny_parser())
    for name, one in (("isegan", system), ("parser", parser)):
        write_weights(folder / f"{name}.safetensors", one.shipped_state(), Card(name, freeze(one.recipe), 0))
    opened = [open_weights(folder / f"{name}.safetensors", "torch") for name in ("isegan", "parser")]
    return ISEGANSynthesizer(opened[0], FaceParser(opened[1]))


@pytest.mark.parametrize("engine", ["onnx", "torch"])
@pytest.mark.parametrize("name", ["isegan", "isegan_sketch"])
def test_two_graphs_are_the_network(name: str, engine: str, samples: list[Path]) -> None:
    """Both stages as two graphs, in a batch, against the torch network that was trained, one picture at a time; with an edit."""
    path = assets.WEIGHTS / name / "weights.safetensors"
    model = systems.load(path, engine=engine)
    assert isinstance(model, ISEGANSynthesizer)
    card, state = read_weights(path)
    networks = torch.nn.ModuleDict(dict(zip(("first", "second"), build_generators(thaw(ISEGANRecipe, card.recipe)), strict=True)))
    networks.load_state_dict(state)
    networks.eval()
    framed = [model.frame(read(photo))[0] for photo in samples[:3]]
    maps = parsed(model.parser, framed)
    plain = model.stages(framed, maps)
    wish = plain.parsing[1].copy()
    wish[100:160, 90:170] = list(CLASSES).index("hair")
    edited = model.stages(framed, maps, [None, wish, None])
    assert not np.array_equal(edited.photo[1], plain.photo[1])
    for n, picture in enumerate(framed):
        sketch, source = to_tensor(picture), torch.from_numpy(maps[n : n + 1].astype(np.float32) / 255)
        with torch.inference_mode():
            middle, first = networks["first"](sketch, source)
            photo = networks["second"](sketch, first, source, middle)
            made = [(plain, middle, first, photo)]
            if n == 1:
                wanted = torch.from_numpy(wish.astype(np.int64))[None]
                hot = torch.nn.functional.one_hot(wanted, len(CLASSES)).permute(0, 3, 1, 2).float()
                source = torch.where((middle.argmax(1) != wanted)[:, None], hot, source)
                middle, first = networks["first"](sketch, source)
                middle = torch.where((middle.argmax(1) != wanted)[:, None], hot, middle)
                photo = networks["second"](sketch, first, source, middle)
            made.append((edited, middle, first, photo))
        for found, *expected in made:
            assert (found.parsing[n] != expected[0][0].argmax(0).numpy()).mean() < 1e-4
            for one, other in ((found.first, expected[1]), (found.photo, expected[2])):
                assert np.abs(one[n].astype(int) - to_images(other)[0]).max() <= 1


def test_layers_are_those_of_vgg() -> None:
    assert LAYERS == CONVOLUTIONS


def test_an_edit_is_followed(tmp_path: Path) -> None:
    """The edited classes become P_int where they differ and nowhere else; the photo changes; no edit changes nothing."""
    model, face = synthesizer(tiny(), tmp_path), next(iter(store(1)))
    assert face.pair is not None and face.maps is not None
    plain = model.stages([face.pair], face.maps[1:])
    same = model.stages([face.pair], face.maps[1:], [plain.parsing[0]])
    assert np.array_equal(same.photo, plain.photo) and np.array_equal(same.parsing, plain.parsing)
    wish = plain.parsing[0].copy()
    wish[20:40, 20:40] = list(CLASSES).index("lips")
    edited = model.stages([face.pair], face.maps[1:], [wish])
    assert (edited.parsing[0, 20:40, 20:40] == wish[20:40, 20:40]).all()
    assert not np.array_equal(edited.photo, plain.photo)
    with pytest.raises(LikenessError, match="edited parsing"):
        model.stages([face.pair], face.maps[1:], [wish[:32]])
    with pytest.raises(LikenessError, match="the model wants 64×64"):
        model.stages([np.zeros((32, 32, 3), np.uint8)])


def test_framing_and_back(samples: list[Path], tmp_path: Path) -> None:
    """A picture of CUFS's size is padded; any other by its face, and what is made lands where the face was."""
    model = synthesizer(override(lite(), ["networks.width=4"]), tmp_path)
    plain = np.arange(250 * 200 * 3, dtype=np.uint32).astype(np.uint8).reshape(250, 200, 3)
    framed, place = model.frame(plain)
    assert np.array_equal(model.unpad(framed), plain) and not framed[:3].any()

    def back_in(made: np.ndarray, place: Similarity, ground: np.ndarray) -> np.ndarray:
        return paste_back(model.unpad(made), np.zeros_like(ground), model.unpadded(place), feather=0.0)

    assert np.array_equal(back_in(framed, place, plain), plain)
    photo = read(samples[0])
    framed, place = model.frame(photo)
    assert framed.shape == (256, 256, 3) and not framed[:, :28].any() and framed[128, 128].any()
    back = back_in(np.full((256, 256, 3), 255, np.uint8), place, photo)
    assert back.shape == photo.shape
    middle = place.inverse.apply(np.array([[128.0, 128.0]], np.float32))[0].round().astype(int)
    assert back[middle[1], middle[0]].min() == 255
    double = np.repeat(np.repeat(plain, 2, 0), 2, 1)
    framed, place = model.frame(double, "as-is")
    assert np.abs(model.unpad(framed).astype(int) - plain).mean() < 1
    with pytest.raises(LikenessError, match="no face"):
        model.frame(double, "align")
    result = model(sketch=samples[0])
    assert set(result.intermediates) == {"sketch", "source parsing", "parsing", "first"}
    assert {one.shape for one in (*result.intermediates.values(), result.picture)} == {(250, 200, 3)}
    wide = np.pad(photo, ((0, 0), (200, 200), (0, 0)), constant_values=90)
    whole = model(sketch=wide).pasted().picture
    changed = np.abs(whole.astype(int) - wide).max(2) > 0
    assert whole.shape == wide.shape and not changed[:, :100].any() and not changed[:, -100:].any()
    assert changed[100:150, 300:350].mean() > 0.5  # the face's middle
    edited = result.intermediates["parsing"].copy()
    edited[50:90, 40:80] = list(CLASSES.values())[7]
    again = model(sketch=samples[0], parsing=edited)
    assert np.array_equal(again.intermediates["parsing"], edited) and not np.array_equal(again.picture, result.picture)
    with pytest.raises(LikenessError, match="as it was written is 200×250"):
        model(sketch=samples[0], parsing=photo)
    with pytest.raises(LikenessError, match="no condition or option"):
        model(photo=samples[0])


def test_the_command(tmp_path: Path, likeness: Run, samples: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    """A real file through the real command: a photo, a parsing to edit, the edit followed, a folder, and what is refused."""
    run, other = tmp_path / "run", tmp_path / "other"
    train(ISEGANSystem(tiny()), "isegan", store(), run, steps=2)
    train(ISEGANSystem(replace(tiny(), made="sketch")), "isegan", store(), other, steps=2)
    face = next(iter(store(1)))
    assert face.pair is not None
    drawing = tmp_path / "drawing.png"
    Pillow.fromarray(read(samples[0])).save(drawing)
    common = ("--weights", run, "--frame", "as-is")
    assert likeness("sketch", drawing, *common, "-o", "a.png", "--parsing", "p.png", "--json") == 0
    made, parsing = read(tmp_path / "a.png"), read(tmp_path / "p.png").copy()
    assert made.shape == read(drawing).shape and parsing.shape == (64, 64, 3)
    assert json.loads((tmp_path / "a.json").read_text())["made"] == "photo"
    parsing[20:40, 20:40] = coloured(np.full((20, 20), 7, np.uint8))
    write(tmp_path / "e.png", parsing)
    assert likeness("sketch", drawing, *common, "-o", "b.png", "--with-parsing", "e.png", "--parsing", "q.png") == 0
    assert np.array_equal(read(tmp_path / "q.png")[20:40, 20:40], parsing[20:40, 20:40])
    assert not np.array_equal(read(tmp_path / "b.png"), made)
    assert likeness("sketch", drawing, *common, "--framed", "-o", "c.png") == 0 and read(tmp_path / "c.png").shape == (64, 64, 3)
    assert likeness("sketch", drawing, *common, "--sheet", "-o", "d.png") == 0
    assert likeness("sketch", drawing, "--from-photo", "--weights", other, "--frame", "as-is", "-o", "s.png") == 0
    assert likeness("sketch", drawing, "--weights", other, "--frame", "as-is", "-o", "t.png") == 0  # they go one way only
    assert np.array_equal(read(tmp_path / "s.png"), read(tmp_path / "t.png"))
    (tmp_path / "in").mkdir()
    for name in ("one.png", "two.png"):
        Pillow.fromarray(read(samples[1])).save(tmp_path / "in" / name)
    (tmp_path / "in" / "broken.png").write_bytes(b"no picture")
    assert likeness("sketch", tmp_path / "in", *common, "-o", "out") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["one.png", "two.png"]
    capsys.readouterr()
    write(tmp_path / "small.png", parsing[:32])
    for words, message in (
        (("sketch", drawing, "--from-photo", "--weights", run), "not sketches"),
        (("sketch", drawing, *common, "--with-parsing", "small.png"), "small.png: is 64×32"),
        (("sketch", drawing, *common, "--parsing", drawing), "is another picture"),
        (("sketch", drawing, *common, "--with-parsing", "e.png", "-o", "e.png"), "is another picture"),
        (("sketch", drawing, *common, "--with-parsing", "e.png", "--parsing", "e.png"), "is another picture"),
        (("sketch", drawing, *common, "-o", "a.png", "--parsing", "a.png"), "is another picture"),
        (("sketch", tmp_path / "in", *common, "--parsing", "p.png"), "not with a folder"),
        (("sketch", tmp_path / "none.png", *common), "none.png"),
    ):
        assert likeness(*words) == 2
        said = capsys.readouterr().err
        assert message in said and said.count("\n") == 1


def test_what_ships_draws(tmp_path: Path, likeness: Run, samples: list[Path]) -> None:
    """A sketch of a photo is grey and mostly light; of that sketch comes a photo with colours; all weights are at most 60 MB."""
    assert likeness("sketch", "--from-photo", samples[0], "-o", "s.png") == 0
    sketch = read(tmp_path / "s.png").astype(float)
    assert sketch.shape == read(samples[0]).shape
    assert np.ptp(sketch, axis=2).mean() < 20 and sketch.mean() > 110 and sketch.std() > 25
    assert likeness("sketch", "s.png", "-o", "p.png", "--parsing", "q.png") == 0
    photo = read(tmp_path / "p.png").astype(float)
    assert np.ptp(photo, axis=2).mean() > 2 * np.ptp(sketch, axis=2).mean()
    assert read(tmp_path / "q.png").shape == (250, 200, 3)
    assert np.isin([1, 2, 3, 4, 6, 7], read_off(read(tmp_path / "q.png"))).all()
    weights = list(assets.WEIGHTS.glob("*/weights.safetensors"))
    assert sum(path.stat().st_size for path in weights) <= 80e6
    card = read_card(assets.WEIGHTS / "isegan_sketch" / "weights.safetensors")
    assert card.recipe["made"] == "sketch" and card.terms and card.notes and any("test" in key for key in card.scores)
