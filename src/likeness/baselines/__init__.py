"""What the papers compare with. The trained ones are rows like the systems': same loop, same weights files, same commands."""

from __future__ import annotations

from pathlib import Path

from likeness import systems
from likeness.card import read_card
from likeness.engine import open_weights
from likeness.errors import LikenessError
from likeness.recipe import Recipe
from likeness.synthesizer import Synthesizer
from likeness.systems import Row

PARTS: dict[str, Row] = {
    name: Row(
        what,
        f"baselines.{name}:{recipe}",
        f"baselines.{name}:{system}",
        "systems.parts.synthesis:PartsSynthesizer",
        "",
        "parts PHOTO --weights",
        "baselines.graphs",
    )
    for name, what, recipe, system in (
        ("pix2pix", "pix2pix (Isola et al. 2017)", "Pix2PixRecipe", "Pix2Pix"),
        ("context_encoder", "Context Encoder (Pathak et al. 2016)", "ContextEncoderRecipe", "ContextEncoderSystem"),
        (
            "contextual_attention",
            "contextual attention (Yu et al. 2018)",
            "ContextualAttentionRecipe",
            "ContextualAttentionSystem",
        ),
        ("pluralistic", "PIC (Zheng et al. 2019)", "PluralisticRecipe", "PluralisticSystem"),
    )
}
"""A face from parts."""

SKETCHES: dict[str, Row] = {
    name: Row(
        what,
        f"baselines.{name}:{recipe}",
        f"baselines.{name}:{system}",
        "baselines.two_way:TwoWaySynthesizer",
        graphs="baselines.two_way_graphs",
    )
    for name, what, recipe, system in (
        ("cyclegan", "CycleGAN (Zhu et al. 2017), sketch and photo", "CycleGANRecipe", "CycleGAN"),
        ("dualgan", "DualGAN (Yi et al. 2017), sketch and photo", "DualGANRecipe", "DualGAN"),
    )
}
"""A photo from a sketch. SCA-GAN is a recipe of isegan's, pix2pix one of portrait's."""

PERSONS: dict[str, Row] = {
    name: Row(
        what,
        f"baselines.{name}:{kind}Recipe",
        f"baselines.{name}:{kind}",
        "baselines.one_stage:OneStageSynthesizer",
        graphs="baselines.one_stage_graphs",
    )
    for name, what, kind in (
        ("single_stage", "single-stage GAN, f_id and noise", "SingleStage"),
        ("cvaegan", "CVAE-GAN (Bao et al. 2017) on f_id", "CVAEGAN"),
        ("drgan", "after DR-GAN (Tran et al. 2017)", "DRGAN"),
        ("faceidgan", "FaceID-GAN (Shen et al. 2018), lite", "FaceIDGAN"),
    )
}
"""Many faces of one person, from one photo."""

BASELINES = PARTS | SKETCHES | PERSONS


def row(name: str) -> Row:
    """The row of a system or of a baseline."""
    if name in BASELINES:
        return BASELINES[name]
    if name not in systems.SYSTEMS and name not in (known := systems.known()):
        raise LikenessError(f"{name!r} is neither a system nor a baseline; there are {', '.join([*known, *BASELINES])}")
    return systems.row(name)


def recipe(name: str) -> Recipe:
    """The recipe called ``system:variant`` or ``baseline:variant``."""
    return systems.recipe(name, row)


def load(weights: str | Path, engine: str = "auto") -> Synthesizer:
    """What :func:`likeness.systems.load` does, for a baseline's weights too."""
    path = systems.weights_path(weights)
    name = read_card(path).system
    if name not in BASELINES:
        return systems.load(weights, engine=engine)
    place = BASELINES[name]
    return place.synthesizer_class()(open_weights(path, engine, place=place.graph_module))
