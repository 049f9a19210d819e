"""The border post between pictures outside (uint8, height × width × 3, RGB) and tensors inside (float, [-1, 1]).

Every picture that enters the project is read by :func:`read`, every one that leaves is written by :func:`write`.
"""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from likeness.colour import PROFILE, from_srgb, to_srgb
from likeness.errors import LikenessError
from likeness.files import write_atomically
from likeness.records import Image

if TYPE_CHECKING:
    from torch import Tensor

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
"""File names that count as pictures when a folder is read."""

WRITABLE = (".png", ".jpg", ".jpeg", ".webp")
MAX_PIXELS = 100_000_000
"""Largest picture that is read: decoded it takes 300 MB, and face detection gains nothing from more."""


def opened(source: Path | BinaryIO, name: str) -> Pillow.Image:
    """A picture file's header, read by Pillow; no pixel is decoded yet.

    Pillow's guard against pictures that are made to fill the memory (``PIL.Image.MAX_IMAGE_PIXELS``) is this process's and stays
    as it is; :data:`MAX_PIXELS` lies between where it warns and where it refuses by default.

    Raises:
        LikenessError: the file is missing, not a picture, damaged, or larger than :data:`MAX_PIXELS`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)  # our own limit is below
            picture = Pillow.open(source)
    except Pillow.DecompressionBombError as problem:
        found = re.search(r"\d+", str(problem))
        most = min(MAX_PIXELS, 2 * (Pillow.MAX_IMAGE_PIXELS or MAX_PIXELS))
        raise _too_large(name, int(found[0]) if found else 0, "", most) from None
    except FileNotFoundError:
        raise LikenessError(f"{name}: no such file") from None
    except IsADirectoryError:
        raise LikenessError(f"{name}: is a folder; a picture file was expected") from None
    except PermissionError:
        raise LikenessError(f"{name}: may not be read (permission denied)") from None
    except UnidentifiedImageError:
        raise LikenessError(f"{name}: is not a picture that can be read (JPEG, PNG, WebP, BMP or TIFF)") from None
    except MemoryError:
        raise
    except Exception as problem:  # decoders of damaged files raise nearly anything
        raise LikenessError(f"{name}: is damaged ({problem})") from None
    width, height = picture.size
    if width * height > MAX_PIXELS:
        picture.close()
        raise _too_large(name, width * height, f"{width}×{height}, ", MAX_PIXELS)
    return picture


def _too_large(name: str, pixels: int, shape: str, most: int) -> LikenessError:
    said = f"{name}: is {shape}{pixels / 1e6:.1f} megapixels; at most {most / 1e6:.4g} are read: scale it down first"
    return LikenessError(said)


def _upright(picture: Pillow.Image) -> Pillow.Image:
    """The picture turned as its EXIF says; where the EXIF is damaged, as it lies."""
    picture.load()  # damaged pixels are reported; a damaged EXIF below is not worth losing the picture for
    try:
        return ImageOps.exif_transpose(picture)
    except MemoryError:
        raise
    except Exception:
        return picture


def _decode(picture: Pillow.Image, name: str, background: int = 255, convert: bool = True) -> Image:
    """RGB of any mode; 16-bit is scaled, transparency is laid on a flat ``background`` grey.

    Colours are brought to sRGB from the profile that the picture has; without ``convert`` its numbers stay.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd EXIF; the picture is still good
            profile = picture.info.get(PROFILE) if convert else None
            picture = _upright(picture)
            if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
                picture = Pillow.fromarray(_eight_bits(picture, name))
            if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
                clear = picture.convert("RGBA")
                grey = picture.mode in ("L", "LA")
                bare = clear.getchannel("R") if grey else clear.convert("RGB")
                bare = to_srgb(bare, profile).convert("RGB")
                bare.putalpha(clear.getchannel("A"))
                canvas = Pillow.new("RGBA", picture.size, (background, background, background, 255))
                return np.asarray(Pillow.alpha_composite(canvas, bare).convert("RGB"))
            if picture.mode == "P":
                picture = picture.convert("RGB")
            return np.asarray(to_srgb(picture, profile).convert("RGB"))
    except (MemoryError, LikenessError):
        raise
    except Exception as problem:  # decoders of damaged files raise nearly anything
        raise LikenessError(f"{name}: is damaged or cut off ({problem})") from None


def _eight_bits(picture: Pillow.Image, name: str) -> NDArray[np.uint8]:
    """A deep grey picture as 8 bits, by what its kind means and never by how bright it happens to be.

    16-bit and integers (Pillow's modes ``I;16…`` and ``I``, which is how it reads deep PGM files) span 0 to 65535, floats
    (``F``: TIFF, PFM) span 0 to 1. Numbers beyond have a scale that nobody knows, so they are refused.
    """
    grey = np.asarray(picture, dtype=np.float64)
    top, kind = (1.0, "floats from 0 to 1") if picture.mode == "F" else (65535.0, "numbers from 0 to 65535")
    if not (grey.min(initial=0) >= 0 and grey.max(initial=0) <= top):
        low, high = grey.min(), grey.max()
        raise LikenessError(f"{name}: its pixels go from {low:.6g} to {high:.6g}; {kind} are read: save it with 8 or 16 bits")
    return (grey / top * 255).round().astype(np.uint8)


def read(path: str | Path, background: int = 255) -> Image:
    """Read a picture file as uint8 RGB, height × width × 3, turned as its EXIF says.

    Grey, palette, CMYK, 16-bit and transparent pictures are converted; transparency shows ``background`` (0–255). Deep grey
    pictures keep their scale: integers span 0 to 65535, floats 0 to 1. Colours of another ICC profile (Display P3 …) are
    converted to sRGB; a damaged profile is passed over.

    Raises:
        LikenessError: the file is missing, not a picture, damaged, larger than :data:`MAX_PIXELS`, or its numbers have no known
            scale.
    """
    with opened(Path(path), str(path)) as picture:
        return _decode(picture, str(path), background)


def read_with_alpha(path: str | Path) -> tuple[Image, np.ndarray[tuple[int, int], np.dtype[np.bool_]]]:
    """Read a picture and where it is opaque (height × width, bool; all true when it has no transparency)."""
    colours = read(path, background=127)
    with opened(Path(path), str(path)) as picture:
        picture = _upright(picture)
        if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
            return colours, np.asarray(picture.convert("RGBA"))[..., 3] > 127
    return colours, np.ones(colours.shape[:2], dtype=np.bool_)


def decode(encoded: BinaryIO, name: str) -> Image:
    """Decode picture bytes, as :func:`read` does for a file."""
    with opened(encoded, name) as picture:
        return _decode(picture, name, background=255)


def pictures_in(folder: str | Path) -> list[Path]:
    """All picture files below ``folder``, sorted by path; hidden files are passed over."""
    root = Path(folder)
    if not root.is_dir():
        raise LikenessError(f"{folder}: no such folder")
    return sorted(
        path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    )


def walked_pictures(folder: str | Path) -> Iterator[str]:
    """The paths of the same pictures below ``folder``, relative to it, one by one in order of their names without suffix.

    Only one folder's names are held at a time, so that millions of photos need no memory.
    """

    def entries(place: Path) -> list[tuple[bytes, str, bool]]:
        found = []
        with os.scandir(place) as there:
            for entry in there:
                if entry.is_dir(follow_symlinks=False):
                    found.append((os.fsencode(entry.name) + b"/", entry.name, True))
                elif Path(entry.name).suffix.lower() in SUFFIXES and not entry.name.startswith(".") and entry.is_file():
                    found.append((os.fsencode(Path(entry.name).stem), entry.name, False))
        return sorted(found)

    root = Path(folder)
    if not root.is_dir():
        raise LikenessError(f"{folder}: no such folder")
    waiting = [iter([("", entry) for entry in entries(root)])]
    while waiting:
        before, (_, name, is_folder) = next(waiting[-1], ("", (b"", "", False)))
        if not name:
            waiting.pop()
        elif is_folder:
            waiting.append(iter([(f"{before}{name}/", entry) for entry in entries(root / before / name)]))
        else:
            yield before + name


def picture_of(value: Any, name: str = "the picture") -> tuple[Image, str]:
    """A picture in any form that a user may have it, as uint8 H × W × 3, and what to call it in messages.

    Args:
        value: a path, a PIL picture, or an array: uint8 H × W × 3 (RGB) or H × W (grey).
        name: what to call it where it is no file.

    Raises:
        LikenessError: the file cannot be read, or the array is something else.
    """
    if isinstance(value, str | Path):
        return read(value), str(value)
    if isinstance(value, Pillow.Image):
        return _decode(value, name, background=255), name
    array = np.asarray(value)
    if array.dtype == np.uint8 and array.ndim == 2:
        array = np.repeat(array[..., None], 3, 2)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or not array.size:
        raise LikenessError(f"{name}: a path, a PIL picture or a uint8 array H × W × 3 was expected, got {_shape(value, array)}")
    return np.ascontiguousarray(array), name


def opaque_picture_of(value: Any, name: str = "the picture") -> tuple[Image, NDArray[np.bool_], str]:
    """As :func:`picture_of`, and where the picture is opaque (H × W); all true where it has no transparency."""
    if isinstance(value, str | Path):
        colours, opaque = read_with_alpha(value)
        return colours, opaque, str(value)
    colours, name = picture_of(value, name)
    if isinstance(value, Pillow.Image) and (value.mode in ("RGBA", "LA", "PA") or "transparency" in value.info):
        return colours, np.asarray(value.convert("RGBA"))[..., 3] > 127, name
    return colours, np.ones(colours.shape[:2], np.bool_), name


def _shape(value: Any, array: NDArray[Any]) -> str:
    return f"{array.dtype} {' × '.join(map(str, array.shape))}" if isinstance(value, np.ndarray) else repr(value)[:60]


def check_writable(path: str | Path) -> None:
    """Refuse a picture name that :func:`write` could not write, before the work begins."""
    if Path(path).suffix.lower() not in WRITABLE:
        raise LikenessError(f"{path}: pictures are written as {', '.join(WRITABLE)}; name the output so")


def as_the_photo(image: Image, photo: str | Path) -> tuple[Image, bytes | None]:
    """An sRGB picture, H × W × 3, that was painted over a photo's, in the photo's own colours, and the photo's ICC profile.

    Pixels that are as :func:`read` gave them are the file's own, also where sRGB has not their colour; the others are converted.
    As it came and without a profile: where the photo has none, or one of grey or CMYK, or the file is of another shape now.
    """
    try:
        with opened(Path(photo), str(photo)) as picture:
            profile = picture.info.get(PROFILE)
            if not profile or (converted := from_srgb(Pillow.fromarray(image), profile)) is None:
                return image, None
            own = _decode(picture, str(photo), convert=False)
        seen = read(photo)
    except LikenessError:  # the file went away, or was never one
        return image, None
    if own.shape != image.shape:
        return image, None
    same = (image == seen).all(-1, keepdims=True)
    return np.where(same, own, np.asarray(converted)), profile


def write(
    path: str | Path,
    image: Image,
    xmp: bytes | None = None,
    software: str | None = None,
    photo: str | Path | None = None,
) -> Path:
    """Write a picture; its suffix chooses PNG, JPEG or WebP (lossy ones at quality 95, colours not subsampled).

    ``xmp`` is a metadata packet and ``software`` the name of the program, see :mod:`likeness.provenance`. Pictures are sRGB and
    have no ICC profile, but for one that was painted over a ``photo``'s: it keeps the photo's, see :func:`as_the_photo`.
    """
    suffix = Path(path).suffix.lower()
    check_writable(path)
    try:
        return write_atomically(path, lambda file: _encode(file, suffix, image, xmp, software, photo))
    except ValueError as problem:
        raise _beyond(str(path), suffix, image, problem) from None


def encoded(
    image: Image, suffix: str, xmp: bytes | None = None, software: str | None = None, photo: str | Path | None = None
) -> bytes:
    """What :func:`write` would write into a file with this suffix.

    Raises:
        LikenessError: there is no such format, or it cannot hold so many pixels.
    """
    check_writable(f"picture{suffix}")
    file = io.BytesIO()
    try:
        _encode(file, suffix.lower(), image, xmp, software, photo)
    except ValueError as problem:
        raise _beyond("the picture", suffix, image, problem) from None
    return file.getvalue()


def _encode(file: BinaryIO, suffix: str, image: Image, xmp: bytes | None, software: str | None, photo: str | Path | None) -> None:
    from PIL.PngImagePlugin import PngInfo

    image, profile = as_the_photo(image, photo) if photo else (image, None)
    picture = Pillow.fromarray(image)
    exif = Pillow.Exif()
    if software:
        exif[0x0131] = software
    if suffix == ".png":
        notes = PngInfo()
        if xmp:
            notes.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8"))
        if software:
            notes.add_text("Software", software)
        picture.save(file, format="PNG", pnginfo=notes, icc_profile=profile)
    elif suffix == ".webp":
        picture.save(file, format="WEBP", quality=95, xmp=xmp or b"", exif=exif, icc_profile=profile)
    else:
        options = {"xmp": xmp} if xmp else {}
        picture.save(file, format="JPEG", quality=95, subsampling=0, exif=exif, icc_profile=profile, **options)


def _beyond(name: str, suffix: str, image: Image, problem: ValueError) -> LikenessError:
    height, width = image.shape[:2]
    return LikenessError(f"{name}: {suffix[1:]} cannot hold {width}×{height} pixels ({problem})")


def to_planes(images: Image) -> NDArray[np.float32]:
    """uint8 H × W × 3 or B × H × W × 3 to float32 B × 3 × H × W in [-1, 1]."""
    batch = images if images.ndim == 4 else images[None]
    return np.ascontiguousarray(batch.transpose(0, 3, 1, 2), np.float32) / np.float32(127.5) - np.float32(1)


def from_planes(planes: NDArray[np.float32]) -> Image:
    """Float B × 3 × H × W in [-1, 1] to uint8 B × H × W × 3, rounded to the nearest of 256 levels."""
    levels = planes + np.float32(1)
    levels *= np.float32(127.5)
    np.clip(np.rint(levels, out=levels), 0, 255, out=levels)
    eight, images = levels.astype(np.uint8), np.empty((len(planes), *planes.shape[2:], 3), np.uint8)
    for picture, image in zip(eight, images, strict=True):
        cv2.merge(list(picture), image)  # two and a half times as quick as a transposed copy
    return images


def to_tensor(images: Image) -> Tensor:
    """uint8 H × W × 3 or B × H × W × 3 to float B × 3 × H × W in [-1, 1]."""
    import torch

    batch = images if images.ndim == 4 else images[None]
    return torch.from_numpy(np.array(batch)).permute(0, 3, 1, 2).float() / 127.5 - 1.0


def to_images(tensor: Tensor) -> Image:
    """Float B × 3 × H × W in [-1, 1] to uint8 B × H × W × 3, rounded to the nearest of 256 levels."""
    import torch

    levels = ((tensor.detach().float() + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return np.ascontiguousarray(levels.permute(0, 2, 3, 1).cpu().numpy())
