"""The networks that a recipe names. As G^I reads them, features of d numbers have the l2 norm √d (section 4: 16)."""

from __future__ import annotations

from torch import nn

from likeness.faces.morphable import POSE
from likeness.nn.projected import ProjectedDiscriminator
from likeness.nn.recogniser import WIDTH
from likeness.systems.facefeat.model import Morphable
from likeness.systems.facefeat.networks import (
    BeganDecoder,
    BeganEncoder,
    Bottleneck,
    Extractor,
    FeatureGenerator,
    LeanDecoder,
    LeanEncoder,
    ResNet,
    feature_discriminator,
)
from likeness.systems.facefeat.recipes import FaceFeatRecipe, feature_rows


def numbers(recipe: FaceFeatRecipe) -> int:
    """How many numbers f_3d has."""
    return recipe.shapes + recipe.expressions + len(POSE)


def layer(recipe: FaceFeatRecipe) -> nn.Module:
    """The layer between the recogniser's numbers and f_id; without a recogniser nothing passes it."""
    return nn.Linear(WIDTH if recipe.recogniser else 1, recipe.identity, bias=False)


def morphable(recipe: FaceFeatRecipe) -> Morphable:
    """The morphable model, before it has learned."""
    return Morphable(recipe.shapes, recipe.expressions, numbers(recipe))


def identity_extractor(recipe: FaceFeatRecipe) -> nn.Module:
    """E_id: faces to f_id."""
    chosen = recipe.networks
    if chosen.style == "paper":
        body = ResNet(recipe.identity, chosen.identity_width, (3, 4, 6, 3), Bottleneck)
    else:
        body = ResNet(recipe.identity, chosen.identity_width, lean=True, size=recipe.framing.size)
    return Extractor(body, recipe.identity**0.5)


def pose_extractor(recipe: FaceFeatRecipe) -> nn.Module:
    """E_1: faces to f_3d, in deviations over the training faces."""
    return ResNet(numbers(recipe), recipe.networks.pose_width)


def general_extractor(recipe: FaceFeatRecipe) -> nn.Module:
    """E_2: faces to f_2."""
    kind = BeganEncoder if recipe.networks.style == "paper" else LeanEncoder
    return Extractor(kind(recipe.general, recipe.networks.encoder_width, recipe.framing.size), recipe.general**0.5)


def feature_generators(recipe: FaceFeatRecipe) -> tuple[FeatureGenerator, FeatureGenerator]:
    """G_1^f and G_2^f."""
    return (
        FeatureGenerator(recipe.noise, recipe.expressions + 1),
        FeatureGenerator(recipe.noise, recipe.general, recipe.general**0.5),
    )


def decoder(recipe: FaceFeatRecipe) -> nn.Module:
    """G^I."""
    inputs = recipe.identity + recipe.expressions + 1 + recipe.general
    if recipe.networks.style == "paper":
        return BeganDecoder(inputs, recipe.networks.decoder_widths[0], recipe.framing.size)
    return LeanDecoder(inputs, recipe.networks.decoder_widths)


def discriminator(recipe: FaceFeatRecipe) -> nn.Module:
    """D^I."""
    chosen = recipe.networks
    if chosen.discriminator == "projected":
        return ProjectedDiscriminator(head=chosen.discriminator_width, seed=recipe.training.seed)
    kind = BeganEncoder if chosen.style == "paper" else LeanEncoder
    return kind(1, chosen.discriminator_width, recipe.framing.size)


__all__ = [
    "decoder",
    "discriminator",
    "feature_discriminator",
    "feature_generators",
    "feature_rows",
    "general_extractor",
    "identity_extractor",
    "layer",
    "morphable",
    "numbers",
    "pose_extractor",
]
