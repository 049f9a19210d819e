"""LandmarkGAN's networks against the paper's words, and its equations against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from likeness.systems.landmark.networks import Axes, Converter, LandmarkToFace, Range, Seen, grown, slot
from likeness.systems.landmark.objective import (
    apart,
    critic_loss,
    crossed,
    generator_adversarial,
    image,
    kept,
    normalised,
    reconstruction,
)


def test_the_converter() -> None:
    """Five layers each, 512 wide, 136 numbers in and out."""
    converter = Converter(["ann", "bob"])
    for part in (converter.encoder, converter.decoders[slot("ann")]):
        layers = [layer for layer in part if isinstance(layer, nn.Linear)]
        assert [(layer.in_features, layer.out_features) for layer in layers] == [(136, 512), *[(512, 512)] * 3, (512, 136)]
    landmarks = torch.rand(3, 68, 2)
    assert converter(landmarks, "ann").shape == converter.neutral(landmarks).shape == (3, 68, 2)
    assert torch.equal(converter(landmarks, "ann"), converter.decode(converter.neutral(landmarks), "ann"))
    assert not torch.equal(converter(landmarks, "ann"), converter(landmarks, "bob"))


@torch.no_grad()
def test_a_target_is_added_without_touching_the_others() -> None:
    converter, landmarks = Converter(["ann", "bob"], width=32), torch.rand(3, 68, 2)
    before = {key: value.clone() for key, value in converter.state_dict().items()}
    made = converter(landmarks, "ann")
    converter.add("cleo")
    after = converter.state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items()) and len(after) > len(before)
    assert torch.equal(converter(landmarks, "ann"), made) and converter(landmarks, "cleo").shape == made.shape


@torch.no_grad()
def test_the_generator() -> None:
    """4 × 4 × 1024 after two layers, six doublings to 256 × 256; every landmark matters."""
    paper = LandmarkToFace()
    linear = [layer for layer in paper.full if isinstance(layer, nn.Linear)]
    assert len(linear) == 2 and linear[1].out_features == 4 * 4 * 1024
    assert sum(isinstance(layer, nn.PixelShuffle) for layer in paper.modules()) == 6
    small = LandmarkToFace(width=4)
    landmarks = torch.rand(1, 68, 2)
    face = small(landmarks)
    assert face.shape == (1, 3, 256, 256) and face.abs().max() <= 1
    for i in (0, 30, 67):
        other = landmarks.clone()
        other[0, i] += 0.1
        assert not torch.equal(small(other), face)
    assert LandmarkToFace(width=4, blocks=4)(landmarks).shape == (1, 3, 64, 64)


def test_norms() -> None:
    """‖·‖₂ of a face's 136 numbers; finite gradients where faces are equal; L′ has length 1."""
    zero, moved = torch.zeros(2, 68, 2), torch.zeros(2, 68, 2)
    moved[..., 0] = 0.1
    assert float(apart(zero, moved)) == pytest.approx(0.1 * math.sqrt(68), abs=1e-5)
    still = torch.zeros(2, 68, 2, requires_grad=True)
    apart(still, zero).backward()
    assert still.grad is not None and still.grad.isfinite().all()
    landmarks = torch.rand(2, 68, 2)
    assert torch.allclose(normalised(landmarks).flatten(1).norm(dim=1), torch.ones(2))
    assert torch.allclose(normalised(3 * landmarks), normalised(landmarks))


def test_equations() -> None:
    landmarks, off = torch.rand(2, 68, 2), 0.01
    length = off * math.sqrt(136)
    assert float(image(torch.zeros(1, 3, 4, 4), torch.full((1, 3, 4, 4), -0.5))) == 0.5  # (2)
    assert float(kept(landmarks, landmarks + off)) == pytest.approx(length, abs=1e-5)  # (3)
    near = reconstruction(landmarks, landmarks + off, normalised(landmarks) - 2 * off)  # (4)
    assert float(near) == pytest.approx(3 * length, abs=1e-5)
    none = torch.zeros(4)
    assert float(critic_loss(none, none)) == pytest.approx(2 * math.log(2))  # (6)
    assert float(generator_adversarial(none)) == pytest.approx(math.log(2))


def test_cycles() -> None:
    """(5): Φ adds 1, Ψ_s subtracts what s does: the way to s and back is off by what both add up to."""
    landmarks, shift = torch.rand(2, 68, 2), {"ann": 1.0, "bob": 0.9, "cleo": 0.8}

    def decode(features: Tensor, name: str) -> Tensor:
        return features - shift[name]

    def encode(points: Tensor) -> Tensor:
        return points + 1

    # by bob 2 − .9 − 1 = .1, by cleo .2; the mean of both lengths
    expected = (0.1 + 0.2) / 2 * math.sqrt(136)
    assert float(crossed(landmarks, "ann", ["ann", "bob", "cleo"], encode, decode)) == pytest.approx(expected, rel=1e-4)
    assert float(crossed(landmarks, "ann", ["ann"], encode, decode)) == 0


def test_what_was_seen() -> None:
    """Training faces are inside, but for the strangest half per cent; a mouth outside the face, or half a jaw, is not."""
    from likeness.faces.align import Framing
    from likeness.faces.drawing import drawn_faces

    faces = torch.stack([torch.from_numpy(face.landmarks) for face in drawn_faces(300, Framing(size=64))])
    landmarks = (faces + 0.5) / 64
    seen = Seen()
    seen.learn(landmarks[:250])
    assert float((seen(landmarks[:250]) > 1).float().mean()) <= 0.005
    assert float((seen(landmarks[250:]) > 1).float().mean()) <= 0.02
    out = landmarks[250:].clone()
    out[:, 48:68, 1] += 0.4
    narrow = landmarks[250:].clone()
    narrow[:, :17, 0] = 0.5 + 0.5 * (narrow[:, :17, 0] - 0.5)
    assert bool((seen(out) > 1).all()) and bool((seen(narrow) > 1).all())
    few = Seen()
    few.learn(landmarks[:3])  # fewer faces than directions
    assert bool(few(landmarks[:3]).isfinite().all())


def test_axes() -> None:
    """Along their axes points vary by one, but for noise, which stays small; there and back is nothing, under autocast too."""
    chance = torch.Generator().manual_seed(0)
    wide = torch.randn(500, 3, generator=chance) * torch.tensor([0.3, 0.1, 0.04])
    directions = torch.linalg.qr(torch.randn(136, 3, generator=chance)).Q
    points = (0.5 + wide @ directions.T + 0.001 * torch.randn(500, 136, generator=chance)).reshape(500, 68, 2)
    axes = Axes()
    axes.learn(points)
    with torch.autocast("cpu", torch.bfloat16):
        along = axes.into(points)
        assert along.dtype == torch.float32
        assert torch.allclose(axes.back(along), points, atol=1e-5)
    spread = along.std(0)
    assert torch.allclose(spread[-3:], torch.ones(3), atol=0.02) and (spread[:-3] < 0.1).all()
    assert torch.allclose(along.mean(0), torch.zeros(136), atol=1e-4)
    covariance = (along.T @ along / 500)[-3:, -3:]
    assert torch.allclose(covariance, torch.eye(3), atol=0.02)


def test_the_converter_stays_precise_under_autocast() -> None:
    """Half precision of a number in [0, 1] is half a pixel of 256."""
    torch.manual_seed(0)
    converter = Converter(["ann"], width=32)
    points = torch.rand(4, 68, 2)
    converter.given.learn(torch.rand(50, 68, 2))
    exact = converter(points, "ann")
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(converter(points, "ann"), exact)


def test_a_face_grown_begins_as_itself_enlarged() -> None:
    """Before tanh, bilinear interpolation of the smaller face, and a block more that learns."""
    torch.manual_seed(0)
    small, large = LandmarkToFace(width=3, blocks=3, hidden=16), LandmarkToFace(width=3, blocks=4, hidden=16)
    with torch.no_grad():
        small.head.bias.copy_(torch.tensor([0.3, -0.2, 0.1]))
    large.load_state_dict(grown(small.state_dict()))
    points = torch.rand(2, 68, 2)
    wanted = interpolate(torch.atanh(small(points)), scale_factor=2, mode="bilinear", align_corners=False)
    made = large(points)
    assert torch.allclose(torch.atanh(made)[..., 1:-1, 1:-1], wanted[..., 1:-1, 1:-1], atol=1e-5)
    made.square().sum().backward()
    last = large.blocks[-1][0].weight.grad
    assert last is not None and (last[:24].flatten(1).abs().amax(1) > 0).all() and (large.head.weight.grad != 0).all()


def test_converted_landmarks_stay_in_range() -> None:
    """A target's own landmarks hardly change; others are brought to within three deviations of them, along their own axes."""
    chance = torch.Generator().manual_seed(0)
    directions, sizes = torch.linalg.qr(torch.randn(136, 12, generator=chance)).Q, torch.tensor([0.2, *[0.05] * 11])
    points = (0.5 + (torch.randn(400, 12, generator=chance) * sizes) @ directions.T).reshape(400, 68, 2)
    kept = Range()
    kept.learn(points)
    unchanged = (kept(points) - points).abs().flatten(1).amax(1) < 1e-4
    assert unchanged.float().mean() > 0.95  # but for three deviations of each of twelve, and half a per cent of the farthest
    strange = kept(points + 0.3 * torch.randn(points.shape, generator=chance))
    along = (strange.flatten(1) - 0.5 - (points.flatten(1).mean(0) - 0.5)) @ directions
    assert (kept.into(strange).abs() < 3.001).all() and (along[:, 0].abs() <= 3.5 * 0.2).all()
    assert along[:, 0].abs().max() > 0.2
    beside = strange.flatten(1) - points.flatten(1).mean(0) - along @ directions.T
    assert beside.norm(dim=1).max() < 0.01


def test_landmarks_are_shaken_along_their_own_axes() -> None:
    """By as many deviations as asked along the twelve widest, by others along the rest; the same under one seed."""
    chance = torch.Generator().manual_seed(0)
    sizes = torch.cat([torch.full((124,), 0.002), torch.linspace(0.02, 0.06, 12)])
    turned = torch.linalg.qr(torch.randn(136, 136, generator=chance)).Q
    points = (0.5 + (torch.randn(3000, 136, generator=chance) * sizes) @ turned.T).reshape(-1, 68, 2)
    own = Range()
    own.learn(points)
    moved = own.jittered(points, 0.2, 1.0, torch.Generator().manual_seed(1))
    along = ((moved - points).flatten(1) @ own.turn) / own.size
    assert torch.allclose(along.std(0), torch.cat([torch.ones(124), torch.full((12,), 0.2)]), rtol=0.08)
    assert torch.allclose(along.mean(0), torch.zeros(136), atol=0.08)
    assert torch.equal(moved, own.jittered(points, 0.2, 1.0, torch.Generator().manual_seed(1)))
    assert torch.equal(points, own.jittered(points, 0.0, 0.0, chance))


def test_what_is_far_in_many_ways_at_once_comes_nearer() -> None:
    """Two deviations along each of twelve axes are within three of each, but longer than any face of the target is.

    Detail, and pose and expression, are shortened each by itself, and keep their direction.
    """
    chance = torch.Generator().manual_seed(0)
    turned = torch.linalg.qr(torch.randn(136, 136, generator=chance)).Q
    sizes = torch.cat([torch.full((124,), 0.002), torch.full((12,), 0.05)])
    points = (0.5 + (torch.randn(2000, 136, generator=chance) * sizes) @ turned.T).reshape(-1, 68, 2)
    kept = Range()
    kept.learn(points)
    lengths = kept.into(points)[:, -12:].norm(dim=1)
    assert float(kept.limits[1]) == pytest.approx(float(lengths.quantile(0.995)))
    far = torch.zeros(1, 136)
    far[:, -12:] = 2
    far[:, :3] = 1
    near = kept.into(kept(kept.back(far)))
    assert float(near[:, -12:].norm()) == pytest.approx(float(kept.limits[1]), rel=1e-3)
    assert torch.allclose(near[:, -12:] / near[:, -12:].norm(), far[:, -12:] / far[:, -12:].norm(), atol=1e-3)
    assert torch.allclose(near[:, :3], far[:, :3], atol=1e-3)  # detail was not too long


def test_few_faces_bound_nothing() -> None:
    """What a handful of faces says of a person's range is nothing: others' landmarks pass, and are not jittered."""
    own, others = Range(), torch.rand(5, 68, 2)
    own.learn(0.5 + 0.01 * torch.randn(20, 68, 2))
    assert not own.bounded and torch.equal(own(others), others)
    assert torch.equal(own.jittered(others, 1.0, 1.0, torch.Generator()), others)
    own.learn(0.5 + 0.01 * torch.randn(60, 68, 2))
    assert own.bounded and not torch.equal(own(others), others)
    half = Range()
    half.load_state_dict({key: value.half() for key, value in own.state_dict().items()})
    assert (half(others) - own(others)).abs().max() < 2e-3  # as it is stored
