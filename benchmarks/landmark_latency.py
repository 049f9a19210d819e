"""How fast reading a face is beside dlib, in one run and in turn. Ratios; the milliseconds are this machine's.

    python benchmarks/landmark_latency.py

The photo is a sample of the house enlarged to 500 pixels, as photos are. dlib is an extra: pip install 'likeness[dlib]'.
"""

from __future__ import annotations

import cv2
import numpy as np
from turns import machine, seconds

from likeness import assets
from likeness.faces.face_detector import OwnBackend
from likeness.faces.reader import DlibBackend
from likeness.image import pictures_in, read


def main() -> None:
    """Print the ratios."""
    own, dlib = OwnBackend(), DlibBackend()
    photo = np.asarray(cv2.resize(read(next(iter(pictures_in(assets.SAMPLES)))), (500, 500), interpolation=cv2.INTER_CUBIC))
    (face,) = own.find(photo)
    once, twice, finding, whole, theirs = seconds(
        lambda: own.landmarks.locate(photo, face.box, looks=1),
        lambda: own.landmarks.locate(photo, face.box, near=0),
        lambda: own.faces.largest(photo),
        lambda: own.largest(photo),
        lambda: dlib.find(photo),
    )
    print(f"dlib's detector and landmarks / ours, one photo: {theirs / whole:.2f}")
    print(f"two looks at a face / one: {twice / once:.1f}")
    print(f"finding faces / the whole: {finding / whole:.2f}")
    print(
        f"(on this machine landmarks took {once * 1000:.0f} ms at one look and {twice * 1000:.0f} at two, finding "
        f"{finding * 1000:.0f}, dlib's both {theirs * 1000:.0f}, {machine()})"
    )


if __name__ == "__main__":
    main()
