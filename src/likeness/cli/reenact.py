"""``likeness reenact``: a target's face does what a driver does."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likeness.cli import options
from likeness.errors import LikenessError
from likeness.signals import asked_to_stop

if TYPE_CHECKING:
    from likeness.systems.landmark.reenact import Target


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(
        commands, "reenact", run, "let a target's face do what a driver does: a clip, a folder of photos, a photo"
    )
    parser.add_argument("driver", metavar="DRIVER", help="a video, a folder of photos, or a photo")
    options.target(parser)
    parser.add_argument("--like", metavar="PHOTO", help="drive the person in this photo, by the joint model")
    parser.add_argument("--weights", default="joint", metavar="W", help="with --like: the joint model's weights or run directory")
    parser.add_argument("-o", "--output", metavar="PATH", help="the .mp4 to write, or of a photo the picture")
    parser.add_argument("--raw", action="store_true", help="take the landmarks as they are found, not made steady over time")
    parser.add_argument("--own", action="store_true", help="the driver is the target: do not give the landmarks its shape first")
    parser.add_argument("--strip", metavar="PICTURE", help="also write a contact strip of twelve frames of the clip")
    parser.add_argument("--beside", action="store_true", help="show driver, landmarks and face side by side")


def _target(given: argparse.Namespace) -> tuple[Target, str | None]:
    """Whose face is driven, and what the options call it."""
    from likeness import systems

    if given.like:
        if given.name or given.own:
            raise LikenessError("--like: does not go with --name and --own; there is one person, who is not the driver")
        from likeness.history import hashes
        from likeness.systems.joint.reenact import PhotoTarget
        from likeness.systems.joint.synthesis import JointSynthesizer

        joint = systems.load(given.weights, "joint")
        assert isinstance(joint, JointSynthesizer)
        target = PhotoTarget(joint, given.like)
        for line in target.remarks:
            print(f"likeness: {line}", file=sys.stderr)
        return target, hashes({"like": given.like}).get(given.like, given.like)
    from likeness.systems.landmark.synthesis import LandmarkSynthesizer

    system = systems.load(given.target, "landmark")
    assert isinstance(system, LandmarkSynthesizer)
    system.known(given.name)
    return system, given.name


def run(given: argparse.Namespace) -> int:
    """Drive the target."""
    from likeness import provenance, video
    from likeness.faces.align import upright
    from likeness.faces.reader import FaceReader
    from likeness.image import check_writable, read
    from likeness.systems.landmark.figures import strip
    from likeness.systems.landmark.reenact import Options, made, reenact
    from likeness.systems.landmark.synthesis import outside

    source = Path(given.driver)
    if not source.exists():
        raise LikenessError(f"{given.driver}: no such file or folder")
    system, name = _target(given)
    how = Options(name, not given.raw, not given.own, given.beside)
    if not source.is_dir() and not video.is_clip(source):
        if given.strip:
            raise LikenessError("--strip: goes with a clip or a folder")
        target = Path(given.output or f"{source.stem}-reenacted.png")
        check_writable(target)
        if target.resolve() == source.resolve():
            raise LikenessError(f"{target}: is the photo that is read; name another")
        photo = read(source)
        points = FaceReader().face(photo, given.driver).landmarks
        moved = upright(points, system.framing)
        framed = moved.apply(points)
        (picture,) = made([framed], [photo], [moved], system, how)
        print(provenance.write(target, picture, provenance.software(system.card.system, system.card.recipe["name"])))
        if (score := float(system.ood_scores([framed], name, not given.own)[0])) > 1:
            print(f"likeness: {given.driver}: {outside(score)}", file=sys.stderr)
        return 0
    output = given.output or f"{source.stem or source.name}-reenacted.mp4"
    if given.strip:
        check_writable(given.strip)
        strip_at = Path(given.strip).resolve()
        if source.is_dir() and source.resolve() in strip_at.parents:
            raise LikenessError(f"{given.strip}: lies in the folder that is read; name another, nothing of yours is overwritten")
        if strip_at in (source.resolve(), Path(output).resolve()):
            raise LikenessError(f"{given.strip}: is another file of this command; name another")
    with asked_to_stop() as asked, options.bar("reenacting") as show:
        try:
            done = reenact(source, system, output, how, show, stop=lambda: bool(asked))
        except InterruptedError:
            print("likeness: stopped; the same command goes on", file=sys.stderr)
            return 128 + asked[0]
    print(output)
    if given.strip:
        step = max(done.frames // 12, 1)
        shown = [frame for i, frame in enumerate(video.frames(output)) if i % step == 0][:12]
        print(provenance.write(given.strip, strip(shown, system.framing.size), provenance.software("landmark", "reenact")))
    if done.missed:
        print(f"likeness: in {done.missed} of {done.frames} frames no face was found; the last one stands there", file=sys.stderr)
    if done.outside:
        print(f"likeness: {done.outside} of {done.frames} frames are outside what this model has seen", file=sys.stderr)
    if not source.is_dir() and video.look(source).sound and not video.look(output).sound:
        print(f"likeness: the sound of {source} could not be taken along", file=sys.stderr)
    return 0
