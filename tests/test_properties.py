"""Properties that hold for all inputs, tried on drawn ones: recipes, transforms, alignment, pictures, provenance."""

from __future__ import annotations

import io
import json
import tempfile
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image as Pillow

from likeness import image, provenance, systems
from likeness.errors import LikenessError
from likeness.faces.align import Framing, Similarity, align, alignment, missing_share
from likeness.faces.drawing import MEAN_SHAPE
from likeness.faces.landmarks import MIRROR, eye_distance, mirror
from likeness.recipe import Recipe, Training, difference, freeze, override, thaw

settings.register_profile(
    "likeness", derandomize=True, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
quick = settings(settings.get_profile("likeness"))
few = settings(settings.get_profile("likeness"), max_examples=25)

RECIPES = [f"{system}:{variant}" for system, row in systems.SYSTEMS.items() for variant in row.recipes()]
recipes = st.sampled_from(RECIPES).map(systems.recipe)


def leaves(frozen: dict[str, Any], before: str = "") -> dict[str, Any]:
    """The fields of a frozen recipe by their dotted names."""
    found: dict[str, Any] = {}
    for name, value in frozen.items():
        found |= leaves(value, f"{before}{name}.") if isinstance(value, dict) else {before + name: value}
    return found


def hint(kind: Any, path: str) -> Any:
    """The type of a field by its dotted name."""
    first, _, rest = path.partition(".")
    found = get_type_hints(kind)[first]
    return hint(found, rest) if rest else found


# recipes


@quick
@given(recipes)
def test_thaw_is_the_inverse_of_freeze(recipe: Recipe) -> None:
    frozen = freeze(recipe)
    assert thaw(type(recipe), json.loads(json.dumps(frozen))) == recipe
    assert freeze(thaw(type(recipe), frozen)) == frozen
    assert difference(frozen, freeze(recipe)) == []


@quick
@given(recipes, st.data())
def test_a_field_set_to_its_own_value_changes_nothing(recipe: Recipe, data: st.DataObject) -> None:
    known = leaves(freeze(recipe))
    names = data.draw(st.lists(st.sampled_from(sorted(known)), min_size=1, max_size=4))
    assert override(recipe, [f"{name}={json.dumps(known[name])}" for name in names]) == recipe


@quick
@given(
    recipes,
    st.integers(0, 2**31 - 1),
    st.integers(1, 10**6),
    st.floats(0.5, 1e6),
    st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=4),
)
def test_what_is_set_is_there_and_nothing_else_changed(
    recipe: Recipe, seed: int, batch: int, ema: float, rates: list[float]
) -> None:
    changes = {"training.seed": seed, "training.batch": batch, "training.ema": ema, "training.rates": rates}
    changed = override(recipe, [f"{name}={json.dumps(value)}" for name, value in changes.items()])
    assert type(changed) is type(recipe)
    found = leaves(freeze(changed))
    assert {name: found[name] for name in changes} == changes
    before = leaves(freeze(recipe))
    assert {name for name in before if before[name] != found[name]} <= set(changes)
    assert changed.training == replace(recipe.training, seed=seed, batch=batch, ema=ema, rates=tuple(rates))
    assert override(changed, []) == changed
    told = {line.partition(":")[0] for line in difference(freeze(recipe), freeze(changed))}
    assert told == {name for name in changes if before[name] != found[name]}


@quick
@given(
    recipes, st.data(), st.one_of(st.none(), st.booleans(), st.text(max_size=5), st.dictionaries(st.text(max_size=3), st.none()))
)
def test_a_value_of_another_type_is_refused_in_one_line(recipe: Recipe, data: st.DataObject, value: Any) -> None:
    """Numbers' fields take numbers only: no None, no bool, no text, no group."""
    numbers = [name for name in leaves(freeze(recipe)) if hint(type(recipe), name) in (int, float)]
    name = data.draw(st.sampled_from(numbers))
    with pytest.raises(LikenessError) as told:
        override(recipe, [f"{name}={json.dumps(value)}"])
    assert "\n" not in str(told.value) and name.rpartition(".")[2] in str(told.value)


@quick
@given(recipes, st.text(alphabet="abcdefgh._ =3", max_size=12), st.text(max_size=6))
def test_unknown_names_are_refused_in_one_line(recipe: Recipe, name: str, value: str) -> None:
    setting = f"{name}={value}"
    path = setting.partition("=")[0].strip()
    groups = {path.rpartition(".")[0] for path in leaves(freeze(recipe))}
    if path in leaves(freeze(recipe)) or path in groups:
        return
    with pytest.raises(LikenessError) as told:
        override(recipe, [setting])
    assert "\n" not in str(told.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@quick
@given(recipes, st.data(), json_values)
def test_any_json_is_a_recipe_or_one_line(recipe: Recipe, data: st.DataObject, value: Any) -> None:
    """A frozen recipe with one field or group replaced, removed or added thaws to itself or is refused."""
    frozen = freeze(recipe)
    place = frozen
    while True:
        name = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[name], dict) or not place[name] or data.draw(st.booleans()):
            break
        place = place[name]
    change = data.draw(st.sampled_from(("replace", "remove", "add")))
    if change == "remove":
        del place[name]
    else:
        place[name if change == "replace" else f"{name}x"] = value
    try:
        made = thaw(type(recipe), frozen)
    except LikenessError as told:
        assert "\n" not in str(told)
    else:
        assert change != "add" and is_dataclass(made)
        assert thaw(type(recipe), freeze(made)) == made


@quick
@given(st.lists(st.integers(0, 50), min_size=1, max_size=5), st.integers(0, 300))
def test_a_schedule_is_its_phases_in_order(lengths: list[int], step: int) -> None:
    from likeness.recipe import Phase

    plan = Training(phases=tuple(Phase(length, (str(i),)) for i, length in enumerate(lengths)))
    in_order = [str(i) for i, length in enumerate(lengths) for _ in range(length)]
    assert plan.steps == len(in_order) == sum(lengths)
    expected = in_order[step] if step < len(in_order) else str(len(lengths) - 1)
    assert plan.phase_at(step).players == (expected,)


# similarities and alignment


@st.composite
def similarities(draw: st.DrawFn) -> Similarity:
    scale, angle = draw(st.floats(0.05, 20)), draw(st.floats(-np.pi, np.pi))
    x, y = draw(st.floats(-500, 500)), draw(st.floats(-500, 500))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return Similarity(np.hstack([turn, [[x], [y]]]))


def composed(second: Similarity, first: Similarity) -> Similarity:
    """``second`` after ``first``, by their matrices alone."""
    turn = second.matrix[:, :2] @ first.matrix[:, :2]
    return Similarity(np.hstack([turn, second.matrix[:, :2] @ first.matrix[:, 2:] + second.matrix[:, 2:]]))


points = arrays(np.float32, (7, 2), elements=st.floats(-200, 200, width=32))


@quick
@given(similarities(), points)
def test_the_inverse_leads_back(transform: Similarity, some: np.ndarray) -> None:
    size = max(1.0, float(np.abs(transform.apply(some)).max()) / transform.scale)
    np.testing.assert_allclose(transform.inverse.apply(transform.apply(some)), some, atol=2e-6 * size + 1e-4)
    assert transform.scale * transform.inverse.scale == pytest.approx(1, rel=1e-9)
    np.testing.assert_allclose(transform.inverse.inverse.matrix, transform.matrix, rtol=1e-9, atol=1e-7)
    unit = composed(transform.inverse, transform).matrix
    np.testing.assert_allclose(unit, [[1, 0, 0], [0, 1, 0]], atol=1e-9 * (1 + 1e3 / transform.scale))


@quick
@given(similarities(), similarities(), points)
def test_transforms_compose(first: Similarity, second: Similarity, some: np.ndarray) -> None:
    both = composed(second, first)
    far = 1 + float(np.abs(both.apply(some)).max()) + second.scale * float(np.abs(first.apply(some)).max())
    np.testing.assert_allclose(second.apply(first.apply(some)), both.apply(some), atol=1e-6 * far)
    assert both.scale == pytest.approx(first.scale * second.scale, rel=1e-9)
    far = 1 + float(np.abs(both.inverse.matrix).max()) + first.inverse.scale * float(np.abs(second.inverse.matrix).max())
    np.testing.assert_allclose(both.inverse.matrix, composed(first.inverse, second.inverse).matrix, atol=1e-8 * far)


@st.composite
def faces(draw: st.DrawFn) -> np.ndarray:
    """68 landmarks of a face of about 100 pixels, each moved a little."""
    offset = draw(arrays(np.float32, (68, 2), elements=st.floats(-3, 3, width=32)))
    return (np.array(MEAN_SHAPE, np.float32) * 100 + offset).astype(np.float32)


@st.composite
def placements(draw: st.DrawFn) -> Similarity:
    """A rotation of any angle, a scale from a twentieth to ten, and a shift, as photos bring them."""
    made = draw(similarities())
    return made if made.scale <= 10 else composed(Similarity(np.array([[0.1, 0, 0], [0, 0.1, 0]])), made)


@quick
@given(faces(), placements(), st.sampled_from([Framing(), Framing(64), Framing(160, 0.15, 0.45, 0.167)]))
def test_aligned_landmarks_do_not_know_how_the_photo_stood(face: np.ndarray, moved: Similarity, framing: Framing) -> None:
    home = alignment(face, framing).apply(face)
    away = moved.apply(face)
    step = float(np.spacing(np.float32(np.abs(away).max()))) / moved.scale  # one unit in the last place, in face pixels
    found = alignment(away, framing)
    np.testing.assert_allclose(found.apply(away), home, atol=40 * step * alignment(face, framing).scale + 1e-3)
    assert found.scale * moved.scale == pytest.approx(alignment(face, framing).scale, rel=1e-3)


@quick
@given(faces(), st.sampled_from([Framing(), Framing(256)]))
def test_aligned_eyes_are_level_and_a_mirrored_face_aligns_to_its_mirror(face: np.ndarray, framing: Framing) -> None:
    home = alignment(face, framing).apply(face)
    left, right = home[36:42].mean(0), home[42:48].mean(0)
    assert abs(left[1] - right[1]) < 1e-3 * framing.size and left[0] < right[0]
    other = mirror(face, 100)
    assert np.array_equal(other[list(MIRROR), 1], face[:, 1]) and eye_distance(other) == pytest.approx(
        eye_distance(face), rel=1e-4
    )
    flipped = alignment(other, framing).apply(other)
    expected = mirror(home, framing.size)
    shift = flipped.mean(0) - expected.mean(0)  # the template's middle is S / 2, a pixel grid's (S - 1) / 2
    np.testing.assert_allclose(flipped - shift, expected, atol=2e-3 * framing.size)
    assert np.abs(shift).max() <= 1.01


@few
@given(st.integers(60, 200), st.integers(60, 200), st.integers(0, 10), st.integers(0, 10), st.sampled_from((16, 32, 64)))
def test_the_missing_share_is_that_of_a_rectangle(width: int, height: int, x: int, y: int, size: int) -> None:
    """A framing of whole pixels, shifted over a photo's edge, is missing exactly the strips outside."""
    transform = Similarity(np.array([[1.0, 0, x], [0, 1, y]]))
    inside = max(min(size - x, width), 0) * max(min(size - y, height), 0)
    assert missing_share(transform, width, height, size) == pytest.approx(1 - inside / size**2, abs=1e-9)


@few
@given(faces(), arrays(np.uint8, (20, 30, 3)))
def test_align_gives_a_picture_and_landmarks_that_belong_together(face: np.ndarray, photo: np.ndarray) -> None:
    framing = Framing(32)
    picture, landmarks, transform = align(photo, face, framing)
    assert picture.shape == (32, 32, 3) and picture.dtype == np.uint8
    np.testing.assert_array_equal(landmarks, transform.apply(face))


# pictures

pictures = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(lambda size: arrays(np.uint8, (*size, 3)))
batches = st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6)).flatmap(lambda size: arrays(np.uint8, (*size, 3)))


@quick
@given(batches)
def test_pictures_and_planes_are_the_same_thing(batch: np.ndarray) -> None:
    planes = image.to_planes(batch)
    assert planes.dtype == np.float32 and planes.shape == (len(batch), 3, *batch.shape[1:3]) and planes.flags.c_contiguous
    assert planes.min() >= -1 and planes.max() <= 1
    np.testing.assert_array_equal(image.from_planes(planes), batch)
    np.testing.assert_array_equal(image.to_planes(batch[0]), planes[:1])
    np.testing.assert_array_equal(image.to_tensor(batch).numpy(), planes)
    np.testing.assert_array_equal(image.to_images(image.to_tensor(batch)), batch)


@quick
@given(arrays(np.float32, (1, 3, 4, 5), elements=st.floats(-3, 3, width=32)))
def test_planes_are_rounded_to_the_nearest_level(planes: np.ndarray) -> None:
    made = image.from_planes(planes)
    back = image.to_planes(made)
    assert np.abs(back - np.clip(planes, -1, 1)).max() <= 1 / 255 + 1e-6  # half of a step of 2 / 255
    np.testing.assert_array_equal(image.from_planes(back), made)


@quick
@given(pictures)
def test_a_picture_is_the_same_in_every_form(picture: np.ndarray) -> None:
    from_array, name = image.picture_of(picture, "it")
    assert name == "it"
    np.testing.assert_array_equal(from_array, picture)
    np.testing.assert_array_equal(image.picture_of(picture[:, ::-1][:, ::-1])[0], picture)  # a view that is not contiguous
    np.testing.assert_array_equal(image.picture_of(Pillow.fromarray(picture))[0], picture)
    with tempfile.TemporaryDirectory() as folder:
        path = image.write(Path(folder) / "a.png", picture)
        for form in (path, str(path)):
            found, name = image.picture_of(form)
            np.testing.assert_array_equal(found, picture)
            assert name == str(path)
    grey = picture[..., 0]
    np.testing.assert_array_equal(image.picture_of(grey)[0], np.repeat(grey[..., None], 3, 2))
    np.testing.assert_array_equal(image.picture_of(Pillow.fromarray(grey))[0], image.picture_of(grey)[0])


@quick
@given(
    st.sampled_from(["float32", "int64", "bool", "uint16", "uint8"]),
    st.lists(st.integers(0, 5), max_size=4),
)
def test_other_arrays_are_no_pictures(kind: str, shape: list[int]) -> None:
    value = np.zeros(shape, kind)
    if kind == "uint8" and value.size and (len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)):
        assert image.picture_of(value)[0].shape == (*shape[:2], 3)
        return
    with pytest.raises(LikenessError) as told:
        image.picture_of(value, "mouth")
    assert str(told.value).startswith("mouth: ") and "\n" not in str(told.value)


@few
@given(
    st.one_of(
        st.none(),
        st.integers(),
        st.text(max_size=20).filter(lambda text: "\0" not in text),
        st.lists(st.integers(0, 9), max_size=3),
    )
)
def test_what_is_no_picture_is_one_line(value: Any) -> None:
    with pytest.raises(LikenessError) as told:
        image.picture_of(value)
    assert "\n" not in str(told.value).replace(str(value), "")


@quick
@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF\x10\0\0\0WEBP", b"BM", b"II*\0"]),
)
def test_noise_is_no_picture(noise: bytes, start: bytes) -> None:
    """Damaged files of any kind are one line, or a picture."""
    try:
        assert image.decode(io.BytesIO(start + noise), "noise").dtype == np.uint8
    except LikenessError as told:
        assert str(told).startswith("noise: ")


# provenance

tools = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=30).filter(
    lambda text: text == " ".join(text.split()) and all(ord(letter) < 0xFFFE for letter in text)
)


@few
@given(tools, st.sampled_from([provenance.SOURCE_TYPE, provenance.ENHANCED]), st.sampled_from([".png", ".jpg", ".webp"]))
def test_the_mark_comes_back(tool: str, kind: str, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = provenance.write(Path(folder) / f"a{suffix}", np.full((8, 8, 3), 90, np.uint8), tool, kind)
        mark = provenance.read(path)
    assert mark == provenance.Mark(kind, tool)
    assert mark.trained == (kind == provenance.SOURCE_TYPE)


@few
@given(pictures)
def test_the_mark_changes_no_pixel(picture: np.ndarray) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = provenance.write(Path(folder) / "a.png", picture, "likeness")
        np.testing.assert_array_equal(image.read(path), picture)


def test_every_group_of_every_recipe_is_a_dataclass() -> None:
    """What the tests above rely on: a frozen recipe's groups are dataclasses."""
    for name in RECIPES:
        recipe = systems.recipe(name)
        groups = {item.name for item in fields(recipe) if isinstance(freeze(recipe)[item.name], dict)}
        assert all(is_dataclass(getattr(recipe, group)) for group in groups)
