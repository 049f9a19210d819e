"""How fast a clip is reenacted, end to end and by stages.

    python benchmarks/clip_speed.py CLIP [--target T | --like PHOTO] [--frames 120]

The clip is scaled to 256 pixels first. The whole is what ``likeness reenact`` does, by the clock, on as many threads as
``LIKENESS_THREADS`` says; the stages are processor time a frame on one thread.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from likeness import systems, video
from likeness.engine.graph import threads
from likeness.faces.align import upright
from likeness.faces.reader import FaceReader
from likeness.faces.tracking import follow
from likeness.records import Image
from likeness.systems.joint.reenact import PhotoTarget
from likeness.systems.joint.synthesis import JointSynthesizer
from likeness.systems.landmark.reenact import BATCH, Options, Target, made, reenact
from likeness.systems.landmark.synthesis import LandmarkSynthesizer

SIDE = 256


def scaled(picture: Image) -> Image:
    """The middle square of a frame, 256 pixels wide."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = picture[top : top + side, left : left + side]
    return np.asarray(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def target(name: str, photo: str | None) -> Target:
    """Who is driven: a target of its own, or with a ``photo`` the person in it, by the joint model."""
    if photo:
        joint = systems.load("joint", "joint")
        assert isinstance(joint, JointSynthesizer)
        return PhotoTarget(joint, photo)
    model = systems.load(name, "landmark")
    assert isinstance(model, LandmarkSynthesizer)
    return model


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip")
    parser.add_argument("--target", default="landmark")
    parser.add_argument("--like", metavar="PHOTO", help="drive the person in this photo instead")
    parser.add_argument("--frames", type=int, default=120)
    given = parser.parse_args()
    model, reader = target(given.target, given.like), FaceReader()
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small.mp4"
        with video.Writer(small, video.look(given.clip).rate) as out:
            for frame in islice(video.frames(given.clip), given.frames):
                out.add(scaled(frame))
        spent: dict[str, float] = {}

        def done(stage: str, begun: float) -> float:
            now = time.process_time()
            spent[stage] = spent.get(stage, 0) + now - begun
            return now

        reenact(small, model, Path(folder) / "warm.mp4", reader=reader)
        clock = time.process_time()
        frames = list(video.frames(small))
        clock = done("decode", clock)
        tracked = [points for _, points in follow(frames, reader)]
        clock = done("landmarks", clock)
        seen = [points for points in tracked if points is not None]
        moved = upright(np.median(np.stack(seen), 0), model.framing)
        clock, pictures = time.process_time(), []
        for at in range(0, len(seen), BATCH):
            some = [moved.apply(points) for points in seen[at : at + BATCH]]
            pictures += made(some, [None] * len(some), [moved] * len(some), model, Options())
        clock = done("generate", clock)
        with video.Writer(Path(folder) / "stage.mp4", video.look(small).rate) as out:
            for picture in pictures:
                out.add(picture)
        done("encode", clock)
        begun, processor = time.perf_counter(), time.process_time()
        reenact(small, model, Path(folder) / "made.mp4", reader=reader)
        wall, work = time.perf_counter() - begun, time.process_time() - processor
    count = len(frames)
    print(f"{count} frames of {SIDE} px to {model.framing.size} px, {len(seen)} with a face, {threads()} threads")
    print("  processor ms a frame: " + ", ".join(f"{stage} {1000 * seconds / count:.1f}" for stage, seconds in spent.items()))
    print(f"  whole: {count / wall:.1f} frames a second by the clock, {1000 * work / count:.1f} ms of processor time a frame")


if __name__ == "__main__":
    main()
