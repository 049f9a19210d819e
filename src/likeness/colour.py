"""Colour profiles (ICC): pictures of another colour space, such as Display P3, as sRGB, and back.

Everything inside is sRGB, because that is what the networks have learned from.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image as Pillow

PROFILE = "icc_profile"
"""What Pillow calls a picture's profile."""
MODES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}
"""Pillow's modes that are converted, and what profiles call them."""
_STEPS = np.linspace(0, 255, 9).round().astype(np.uint8)


def to_srgb(picture: Pillow.Image, profile: bytes | None) -> Pillow.Image:
    """A picture of mode ``RGB``, ``L`` or ``CMYK`` with that profile as sRGB, in mode ``RGB``.

    Relative colorimetric, with black point compensation; colours that sRGB has not are brought to its edge. Returned as it is:
    a picture without a profile, whose profile is damaged or of other channels, or as good as sRGB (no colour moves by more than
    one step of 255).
    """
    transform = _transform(profile, picture.mode, False) if profile and picture.mode in MODES else None
    return picture if transform is None else _applied(picture, transform)


def from_srgb(picture: Pillow.Image, profile: bytes) -> Pillow.Image | None:
    """An sRGB picture of mode ``RGB`` in a profile's colours; None where that is no profile of RGB, or a damaged one.

    A profile that is as good as sRGB leaves the picture as it is.
    """
    if not _usable(profile, "RGB"):
        return None
    transform = _transform(profile, "RGB", True)
    return picture if transform is None else _applied(picture, transform)


def _applied(picture: Pillow.Image, transform: Any) -> Pillow.Image:
    from PIL import ImageCms

    made = ImageCms.applyTransform(picture, transform)
    assert made is not None  # it is None only where it was asked to change the picture itself
    made.info.pop(PROFILE, None)
    return made


@lru_cache(maxsize=16)
def _usable(profile: bytes, mode: str) -> bool:
    """Whether a profile can be read and is one of this mode's channels."""
    try:
        from PIL import ImageCms

        found = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile
        return bool(found.xcolor_space.strip() == MODES[mode])
    except MemoryError:
        raise
    except Exception:  # damaged, or a Pillow without LittleCMS
        return False


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str, back: bool) -> Any:
    """From a profile to sRGB, or ``back``; None where there is nothing to do or nothing that can be done."""
    if not _usable(profile, mode):
        return None
    from PIL import ImageCms

    srgb, theirs = ImageCms.createProfile("sRGB"), ImageCms.ImageCmsProfile(io.BytesIO(profile))
    before, after, one, other = (srgb, theirs, "RGB", mode) if back else (theirs, srgb, mode, "RGB")
    try:
        made = ImageCms.buildTransform(
            before,
            after,
            one,
            other,
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        if mode == "RGB":
            cube = np.stack(np.meshgrid(_STEPS, _STEPS, _STEPS), -1).reshape(9, 81, 3)
            moved = np.asarray(ImageCms.applyTransform(Pillow.fromarray(cube), made))
            if np.abs(moved.astype(int) - cube).max() <= 1:
                return None
        return made
    except MemoryError:
        raise
    except Exception:
        return None
