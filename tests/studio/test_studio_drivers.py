"""A driver in the page: the camera, or a clip, moves a face live through the WebSocket; a clip is made as a whole by a job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from browsing import by_menu, chromium, is_marked, saved, settled, visit

from likeness.faces.align import upright
from likeness.image import read
from likeness.records import Image

video = pytest.importorskip("likeness.video", reason="needs likeness[video]")
pytest.importorskip("av", reason="needs likeness[video]")
SIDE, FRAMES = 320, 30


def film(sample: Path) -> list[Image]:
    """A head that wanders to the right and back, a few pixels a frame."""
    photo = cv2.resize(read(sample), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return [np.roll(photo, round(12 * np.sin(2 * np.pi * n / FRAMES)), 1) for n in range(FRAMES)]


def y4m(frames: list[Image], path: Path) -> Path:
    """Frames as uncompressed YUV 4:2:0, which chromium takes for a camera's."""
    with path.open("wb") as out:
        out.write(b"YUV4MPEG2 W%d H%d F15:1 Ip A1:1 C420jpeg\n" % (SIDE, SIDE))
        for frame in frames:
            out.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes())
    return path


@pytest.fixture(scope="module")
def camera(play: Any, samples: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser whose camera shows a synthetic person."""
    path = y4m(film(samples[0]), tmp_path_factory.mktemp("camera") / "camera.y4m")
    fake = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={path}")
    with chromium(play, *fake) as opened:
        yield opened


def driven(page: Any) -> np.ndarray:
    """The landmarks that the driver has now, 68 × 2 in the framing."""
    page.wait_for_function("() => window.studio.active.driven")
    return np.asarray(page.evaluate("window.studio.active.driven"))


def shape(points: np.ndarray) -> np.ndarray:
    """Landmarks without their place."""
    return points - points.mean(0)


def own(sample: Path) -> np.ndarray:
    """What the library reads from a sample, in landmark's framing."""
    import likeness

    system = likeness.load("landmark")
    points = system.reader.read(cv2.resize(read(sample), (SIDE, SIDE), interpolation=cv2.INTER_AREA), sample.name).landmarks
    return upright(points, system.framing).apply(points)


def test_the_camera_moves_a_face(camera: Any, address: str, samples: list[Path], tmp_path: Path) -> None:
    """Its landmarks are the library's and move with the head; a saved face is the one that is seen, and they can be taken."""
    with visit(camera, address) as page:
        page.locator("#tab-landmarks").click()
        still = settled(page)
        page.locator('button:has-text("Camera")').click()
        settled(page, still)
        first, places = driven(page), []
        assert np.abs(shape(first) - shape(own(samples[0]))).max() < 4
        for _ in range(80):
            places.append(driven(page)[:, 0].mean())
            page.wait_for_timeout(50)
            if np.ptp(places) > 2:
                break
        assert np.ptp(places) > 2, "the landmarks do not move with the head"
        path = saved(page, tmp_path, by_menu(page, "As PNG"))
        is_marked(path, "landmark")
        page.locator('button:has-text("Take these landmarks")').click()
        assert page.locator("video").is_hidden()
        points = saved(page, tmp_path, lambda: page.locator('button:has-text("Save the landmarks")').click())
        taken = np.asarray(json.loads(points.read_text())["points"])
        assert np.abs(shape(taken) - shape(own(samples[0]))).max() < 4
        page.keyboard.press("Control+z")
        assert page.evaluate("window.studio.active.doc.points") is None


def test_leaving_the_bench_lets_the_camera_go(camera: Any, address: str) -> None:
    with visit(camera, address) as page:
        page.locator("#tab-landmarks").click()
        page.locator('button:has-text("Camera")').click()
        driven(page)
        page.evaluate("window.tracks = window.studio.active.video.srcObject.getTracks()")
        page.locator("#tab-parts").click()
        assert page.evaluate("window.tracks.every((track) => track.readyState === 'ended')")


def test_a_refused_camera_is_told_in_words(play: Any, address: str) -> None:
    """The words stay, and say what can be done; so they do where the page is not on this machine and not on https."""
    deny = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream=deny")
    with chromium(play, *deny) as browser, visit(browser, address) as page:
        page.locator("#tab-landmarks").click()
        page.locator('button:has-text("Camera")').click()
        page.locator('[role=status]:has-text("The camera was not allowed. Allow it for this page")').wait_for()
        page.evaluate("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
        page.locator('button:has-text("Camera")').click()
        page.locator('[role=status]:has-text("over https only")').wait_for()
        assert page.locator("video").is_hidden()


def test_a_clip_moves_a_face_and_is_made_as_a_whole(page: Any, samples: list[Path], tmp_path: Path) -> None:
    """Dropped, played live, made by a job that a reload does not end, and saved as a clip of as many frames."""
    clip = tmp_path / "walk.mp4"
    with video.Writer(clip, Fraction(15)) as out:
        for frame in film(samples[1]):
            out.add(frame)
    page.locator("#tab-landmarks").click()
    still = settled(page)
    with page.expect_file_chooser() as choosing:
        page.locator('button:has-text("Clip")').first.click()
    choosing.value.set_files(clip)
    settled(page, still)
    assert np.abs(shape(driven(page)) - shape(own(samples[1]))).max() < 4
    page.locator('button:has-text("Make the whole clip")').click()
    page.locator(".job").first.wait_for()
    page.locator('button:has-text("Stop")').first.click()
    page.reload()
    link = page.locator('.job a:has-text("walk-reenacted.mp4")')
    link.wait_for(timeout=240_000)
    made = saved(page, tmp_path, link.click)
    assert video.look(made).frames == FRAMES
