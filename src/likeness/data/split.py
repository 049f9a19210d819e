"""The one rule that says on which side a person stands."""

from __future__ import annotations

import zlib

SIDES = ("train", "validation", "test")


def split_of(person: str) -> str:
    """``"test"``, ``"validation"`` or ``"train"`` (one, one and eight people in ten), by the name alone.

    crc32 of the UTF-8 name modulo 10: 0 is test, 1 is validation. The same person falls on the same side in every data set.

    >>> [split_of(name) for name in ("George_W_Bush", "Serena_Williams", "AJ_Cook")]
    ['train', 'train', 'train']
    """
    return {0: "test", 1: "validation"}.get(zlib.crc32(person.encode()) % 10, "train")
