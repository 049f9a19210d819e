"""Bring the cards of weights files up to date: their licence, the names of recipe fields, and terms. Tensors and their hash stay.

    python tools/relicense.py                        all weights that ship
    python tools/relicense.py FILE.safetensors …     these

Only the header is written anew, padded as before, so the tensors may move within the file: the graphs that stand beside it are
written again where there are any.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from likeness import assets, systems
from likeness.card import KEY, LICENCE, read_card, read_stored
from likeness.checkpoint import _padded
from likeness.errors import LikenessError
from likeness.export import export
from likeness.files import write_content
from likeness.recipe import _renamed, thaw

TERMS = {"with the finder of": "with the face detector of", "a face that is nobody's": "the generic face"}
"""What notes and scores said → what they say now (docs/renames.md)."""


def today(frozen: Any, held: Any) -> Any:
    """A frozen recipe with the names that its fields have today; ``held`` is the same recipe, thawed."""
    if is_dataclass(held) and isinstance(frozen, dict):
        names = {name: _renamed(type(held), name) for name in frozen}
        return {new: today(frozen[name], getattr(held, new)) for name, new in names.items()}
    if isinstance(frozen, list) and isinstance(held, list | tuple):
        return [today(one, other) for one, other in zip(frozen, held, strict=True)]
    return frozen


def relicense(path: Path) -> bool:
    """Write a file's card anew; whether there was anything to change.

    Raises:
        LikenessError: it is no weights file, or its tensors are not those that were written.
    """
    card, _, digest = read_stored(path)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    said = json.loads(header["__metadata__"][KEY])
    kind = systems.row(card.system).recipe_class()
    said["licence"] = LICENCE
    said["recipe"] = today(said["recipe"], thaw(kind, said["recipe"]))
    if thaw(kind, said["recipe"]) != thaw(kind, card.recipe):
        raise LikenessError(f"{path}: its recipe would mean something else")
    text = json.dumps(said, sort_keys=True)
    for old, new in TERMS.items():
        text = text.replace(old, new)
    if text == header["__metadata__"][KEY]:
        return False
    header["__metadata__"][KEY] = text
    new = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    write_content(path, _padded(len(new).to_bytes(8, "little") + new + content[8 + length :]))
    if read_stored(path)[2] != digest:  # it has been checked against the file's own note as well
        raise LikenessError(f"{path}: its tensors have changed; put it back from version control")
    if any(path.parent.glob("*.onnx")):
        export(path)
    return True


def main() -> None:
    """All that are named, or all that ship."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    files = parser.parse_args().files or sorted(assets.WEIGHTS.glob("*/weights.safetensors"))
    for path in files:
        changed = relicense(path)
        print(f"{path}: {read_card(path).licence}" + ("" if changed else " (nothing to change)"))


if __name__ == "__main__":
    main()
