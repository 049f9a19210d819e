"""The mark survives writing and reading in each format, and other tools find it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from likeness import provenance
from likeness.errors import LikenessError

PICTURE = np.full((16, 16, 3), 90, np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_mark(tmp_path: Path, suffix: str) -> None:
    path = provenance.write(tmp_path / f"a{suffix}", PICTURE, 'likeness parts 9.9 (a "b" & <c>)')
    mark = provenance.read(path)
    assert mark is not None
    assert mark.trained
    assert mark.source_type.endswith("/compositeWithTrainedAlgorithmicMedia")
    assert mark.software == 'likeness parts 9.9 (a "b" & <c>)'
    assert b"compositeWithTrainedAlgorithmicMedia" in path.read_bytes()  # plain text, for any tool


def test_software_tag(tmp_path: Path) -> None:
    png = provenance.write(tmp_path / "a.png", PICTURE, "likeness parts 9.9")
    jpeg = provenance.write(tmp_path / "a.jpg", PICTURE, "likeness parts 9.9")
    with Pillow.open(png) as picture:
        assert picture.info["Software"] == "likeness parts 9.9"
    with Pillow.open(jpeg) as picture:
        assert picture.getexif()[0x0131] == "likeness parts 9.9"


def test_unmarked_and_unreadable(tmp_path: Path) -> None:
    Pillow.fromarray(PICTURE).save(tmp_path / "plain.png")
    assert provenance.read(tmp_path / "plain.png") is None
    Pillow.fromarray(PICTURE).save(tmp_path / "odd.jpg", xmp=b"<rdf:RDF <<< </rdf:RDF>")
    assert provenance.read(tmp_path / "odd.jpg") is None
    (tmp_path / "text.png").write_text("no picture")
    for name in ("text.png", "missing.png"):
        with pytest.raises(LikenessError):
            provenance.read(tmp_path / name)


def test_element_form_is_read(tmp_path: Path) -> None:
    """Other writers put the property into an element instead of an attribute."""
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"><Iptc4xmpExt:DigitalSourceType>'
        b"http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture</Iptc4xmpExt:DigitalSourceType>"
        b"</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    Pillow.fromarray(PICTURE).save(tmp_path / "camera.jpg", xmp=xmp)
    mark = provenance.read(tmp_path / "camera.jpg")
    assert mark is not None
    assert not mark.trained
