"""Who judges: a face reader that no model here was taught by or made of."""

from __future__ import annotations

from functools import cache

from likeness.faces.reader import DlibBackend, FaceReader


@cache
def judging_reader() -> FaceReader:
    """Dlib's detector and landmarks, made once a process. Our own detector is in objectives, so it does not judge.

    Raises:
        LikenessError: dlib is not installed (``pip install 'likeness[evaluate]'``).
    """
    return FaceReader(DlibBackend())
