"""Photos of one synthetic person, for trainings in tests."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image


def one_person(sample: Path, count: int = 5) -> list[tuple[str, bytes]]:
    """Photos of one synthetic person: one photo, lit and cut otherwise each time."""
    photo, found = Image.open(sample).convert("RGB"), []
    for n in range(count):
        target = io.BytesIO()
        lit = photo.point(lambda value, n=n: min(255, int(value * (0.85 + 0.06 * n))))
        lit.crop((n, n, photo.width - n, photo.height - 2 * n)).save(target, "JPEG", quality=95)
        found.append((f"ada-{n}.jpg", target.getvalue()))
    return found
