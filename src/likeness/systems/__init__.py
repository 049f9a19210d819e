"""The systems, one literal row each: name → where it lives. Nothing is imported before it is used.

A package of its own can bring further systems: an entry point of the group ``likeness.systems`` names a :class:`Row` whose
``package`` is its own. Commands and library treat such a system as one of these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likeness import assets
from likeness.errors import LikenessError
from likeness.experiment import Protocol, Study
from likeness.recipe import Recipe, thaw

if TYPE_CHECKING:
    from likeness.synthesizer import Synthesizer
    from likeness.system import System

GROUP = "likeness.systems"
"""The entry points that bring further systems."""


@dataclass(frozen=True)
class Row:
    """Where a system's pieces are: modules below ``package`` and the names in them.

    ``recipe`` is the recipes' dataclass, in a module with a table ``RECIPES``; ``graphs`` a module with a function ``graphs``;
    ``weights`` the shipped folder's name, ``use`` the command that takes a run directory, up to that; ``protocol`` and ``study``
    how it is measured and compared (see :mod:`likeness.experiment`). All after ``synthesizer`` may be empty.
    """

    what: str
    recipe: str
    system: str
    synthesizer: str
    weights: str = ""
    use: str = ""
    graphs: str = ""
    protocol: str = ""
    study: str = ""
    package: str = "likeness"

    def _take(self, place: str) -> Any:
        module, name = place.split(":")
        return getattr(import_module(f"{self.package}.{module}"), name)

    @property
    def graph_module(self) -> str:
        """The module whose function ``graphs`` makes its graphs, by its whole name; empty where there is none."""
        return f"{self.package}.{self.graphs}" if self.graphs else ""

    def recipes(self) -> dict[str, Callable[[], Recipe]]:
        """Recipe name → maker."""
        made: dict[str, Callable[[], Recipe]] = self._take(self.recipe.split(":")[0] + ":RECIPES")
        return made

    def recipe_class(self) -> type[Recipe]:
        """The dataclass of its recipes."""
        kind: type[Recipe] = self._take(self.recipe)
        return kind

    def build(self, recipe: Recipe) -> System:
        """The system, with fresh networks."""
        made: System = self._take(self.system)(recipe)
        return made

    def synthesizer_class(self) -> type[Synthesizer]:
        """What its weights become when they are loaded."""
        kind: type[Synthesizer] = self._take(self.synthesizer)
        return kind

    def protocol_function(self) -> Protocol:
        """How it is measured."""
        function: Protocol = self._take(self.protocol)
        return function

    def study_record(self) -> Study:
        """How it is compared."""
        study: Study = self._take(self.study)
        return study


SYSTEMS: dict[str, Row] = {
    "parts": Row(
        "a whole face from facial parts (Sun, Guo & Liu 2022)",
        "systems.parts.recipes:PartsRecipe",
        "systems.parts.system:PartsSystem",
        "systems.parts.synthesis:PartsSynthesizer",
        "parts",
        "parts PHOTO --weights",
        "systems.parts.graphs",
        "systems.parts.protocol:measure",
        "systems.parts.study:STUDY",
    ),
    "portrait": Row(
        "a photo from a drawing: one person's neural model, or everybody's (pix2pix, after the cGAN report)",
        "systems.portrait.recipes:PortraitRecipe",
        "systems.portrait.system:PortraitSystem",
        "systems.portrait.synthesis:PortraitSynthesizer",
        "portrait",
        "portrait draw DRAWING --model",
        "systems.portrait.graphs",
        "systems.portrait.protocol:measure",
        "systems.portrait.study:STUDY",
    ),
    "isegan": Row(
        "a photo from a sketch through an intermediate parsing (ISEGAN), or a sketch from a photo",
        "systems.isegan.recipes:ISEGANRecipe",
        "systems.isegan.system:ISEGANSystem",
        "systems.isegan.synthesis:ISEGANSynthesizer",
        "isegan",
        "sketch PICTURE --weights",
        "systems.isegan.graphs",
        "systems.isegan.protocol:measure",
        "systems.isegan.study:STUDY",
    ),
    "parser": Row(
        "what each pixel of a face is: eight classes, on photos and drawings (BiSeNet)",
        "systems.parser.recipes:ParserRecipe",
        "systems.parser.system:ParserSystem",
        "systems.parser.synthesis:ParserSynthesizer",
        "parser",
        "parse PHOTO --weights",
        "systems.parser.graphs",
        "systems.parser.protocol:measure",
    ),
    "landmark": Row(
        "a chosen person's face from landmarks (LandmarkGAN)",
        "systems.landmark.recipes:LandmarkRecipe",
        "systems.landmark.system:LandmarkSystem",
        "systems.landmark.synthesis:LandmarkSynthesizer",
        "landmark",
        "face PHOTO --target",
        "systems.landmark.graphs",
        "systems.landmark.protocol:measure",
        "systems.landmark.study:STUDY",
    ),
    "joint": Row(
        "a face from whatever there is: parts, a drawing, a parsing, landmarks, pixels to keep, a person, a look",
        "systems.joint.recipes:JointRecipe",
        "systems.joint.system:JointSystem",
        "systems.joint.synthesis:JointSynthesizer",
        "joint",
        "make --weights",
        "systems.joint.graphs",
        "systems.joint.protocol:measure",
    ),
    "facefeat": Row(
        "many faces of one person, from one photo (FaceFeat-GAN)",
        "systems.facefeat.recipes:FaceFeatRecipe",
        "systems.facefeat.system:FaceFeatSystem",
        "systems.facefeat.synthesis:FaceFeatSynthesizer",
        "facefeat",
        "many PHOTO --weights",
        "systems.facefeat.graphs",
        "systems.facefeat.protocol:measure",
        "systems.facefeat.study:STUDY",
    ),
    "landmark_detector": Row(
        "the 68 landmarks of a face: LandmarkGAN's detector, an hourglass and DSNT",
        "systems.landmark_detector.recipes:LandmarkDetectorRecipe",
        "systems.landmark_detector.system:LandmarkDetectorSystem",
        "systems.landmark_detector.synthesis:LandmarkDetectorSynthesizer",
        "landmark_detector",
        graphs="systems.landmark_detector.graphs",
        protocol="systems.landmark_detector.protocol:measure",
    ),
    "face_detector": Row(
        "where faces are in a photo, each as a point",
        "systems.face_detector.recipes:FaceDetectorRecipe",
        "systems.face_detector.system:FaceDetectorSystem",
        "systems.face_detector.synthesis:FaceDetectorSynthesizer",
        "face_detector",
        graphs="systems.face_detector.graphs",
        protocol="systems.face_detector.protocol:measure",
    ),
}


@cache
def _installed() -> dict[str, Row]:
    """The rows that other packages bring."""
    return {entry.name: entry.load() for entry in entry_points(group=GROUP) if entry.name not in SYSTEMS}


def known() -> dict[str, Row]:
    """All systems: those of the table, and those that other packages bring."""
    return SYSTEMS | _installed()


def row(name: str) -> Row:
    """The row of a system, or an error that names those there are."""
    if name in SYSTEMS:  # without looking at what is installed
        return SYSTEMS[name]
    if name not in known():
        raise LikenessError(f"{name!r} is not a system; there are {', '.join(known())}")
    return known()[name]


def recipe(name: str, find: Callable[[str], Row] = row) -> Recipe:
    """The recipe called ``system:variant``, such as ``parts:lite``; ``find`` gives the row of a name."""
    system, colon, variant = name.partition(":")
    known = find(system).recipes()
    if not colon or variant not in known:
        raise LikenessError(f"{name!r} is not a recipe; there are {', '.join(f'{system}:{key}' for key in known)}")
    return known[variant]()


def weights_path(weights: str | Path) -> Path:
    """The file that a name of shipped weights (a system's, or ``isegan_sketch``), a weights file or a run directory means."""
    path, name = Path(weights), str(weights)
    if name in SYSTEMS:
        return assets.WEIGHTS / (SYSTEMS[name].weights or name) / "weights.safetensors"
    shipped = assets.WEIGHTS / name / "weights.safetensors"
    if name == path.name and not path.exists() and shipped.is_file():
        return shipped
    return path / "weights.safetensors" if path.is_dir() else path


def load(weights: str | Path, system: str | None = None, engine: str = "auto", device: str = "auto") -> Synthesizer:
    """A synthesizer from a system's name (its shipped weights), a weights file, or a run directory.

    Args:
        weights: ``"parts"``, ``"runs/x"`` or ``"runs/x/weights.safetensors"``.
        system: refuse weights of any other system, unless they stand in for it (:meth:`Synthesizer.standing_in`).
        engine: ``"onnx"``, ``"int8"``, ``"torch"`` or ``"auto"``, see :func:`likeness.engine.open_weights`.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` …

    Raises:
        LikenessError: no such weights, damaged ones, another system's, or no such engine or device.
    """
    from likeness.card import read_card
    from likeness.engine import open_weights

    path = weights_path(weights)
    if not path.is_file() and not Path(weights).exists() and str(weights) in known():
        raise LikenessError(
            f"no weights of {weights} ship yet; train some: likeness train {weights}:lite --data FILE.parquet -o runs/x"
        )
    card = read_card(path)
    name = card.system
    place = row(name)
    if system is not None and name != system and system not in place.synthesizer_class().stands_in:
        raise LikenessError(f"{path}: holds weights of {name!r}, not of {system!r}")
    try:
        thaw(place.recipe_class(), card.recipe)
    except LikenessError as problem:
        raise LikenessError(f"{path}: {problem}") from None
    made = place.synthesizer_class()(open_weights(path, engine, device, place=place.graph_module))
    return made if system in (None, name) else made.standing_in(str(system))
