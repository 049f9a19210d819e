"""Who judges: a face reader that is in no model's objective."""

from __future__ import annotations

from functools import cache

from likeness.faces.reader import DlibBackend, FaceReader


@cache
def judging_reader() -> FaceReader:
    """Dlib's detector and landmarks, made once a process. Our own is LandmarkGAN's Ω, in its (3), so it does not judge.

    A caveat: our own learned from dlib's landmarks of photos, so dlib is not quite a stranger to what follows ours.

    Raises:
        LikenessError: dlib is not installed (``pip install 'likeness[evaluate]'``).
    """
    return FaceReader(DlibBackend())
