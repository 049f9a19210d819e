"""The mark that every picture we make carries: that it was made, by which system and weights.

The mark is an XMP packet with IPTC's ``DigitalSourceType`` and a tool name. It is a statement for honest programs, not a
protection: whoever wants to can strip it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from likeness import image
from likeness.records import Image
from likeness.version import __version__

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
ENHANCED = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"
"""The source type of a picture that an algorithm without training has changed, such as an effect."""

_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


@dataclass(frozen=True)
class Mark:
    """What a picture says of its making: IPTC's ``source_type`` address and the ``software`` that made it."""

    source_type: str
    software: str

    @property
    def trained(self) -> bool:
        """Whether it says that a trained model made it, or a part of it."""
        return self.source_type.rsplit("/", 1)[-1] in (
            "compositeWithTrainedAlgorithmicMedia",
            "trainedAlgorithmicMedia",
        )


def software(system: str, detail: str = "") -> str:
    """The name of what made a picture: ``likeness parts 0.1.0 (detail)``."""
    return f"likeness {system} {__version__}" + (f" ({detail})" if detail else "")


def packet(tool: str, source_type: str = SOURCE_TYPE) -> bytes:
    """An XMP packet that names IPTC's source type and the tool."""
    text = (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}">'
        f'<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="{_IPTC}" xmlns:xmp="{_XMP}" '
        f'Iptc4xmpExt:DigitalSourceType="{source_type}" xmp:CreatorTool="{_escaped(tool)}"/>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )
    return text.encode()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def write(path: str | Path, picture: Image, tool: str, source_type: str = SOURCE_TYPE, photo: str | Path | None = None) -> Path:
    """Write a picture with its mark; the suffix chooses the format. ``photo``: see :func:`likeness.image.write`."""
    return image.write(path, picture, packet(tool, source_type), tool, photo)


def encoded(picture: Image, suffix: str, tool: str, source_type: str = SOURCE_TYPE, photo: str | Path | None = None) -> bytes:
    """What :func:`write` would write into a file with this suffix."""
    return image.encoded(picture, suffix, packet(tool, source_type), tool, photo)


def read(path: str | Path) -> Mark | None:
    """The mark of a picture file, or None where there is none.

    Raises:
        LikenessError: the file is missing or not a picture.
    """
    with image.opened(Path(path), str(path)) as picture:
        held = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    text = held if isinstance(held, str) else held.decode("utf-8", "replace")
    start, end = text.find("<rdf:RDF"), text.find("</rdf:RDF>")
    if start < 0 or end < 0:
        return None
    try:
        tree = ElementTree.fromstring(text[start : end + len("</rdf:RDF>")])
    except ElementTree.ParseError:
        return None
    for description in tree.iter(f"{{{_RDF}}}Description"):
        kind = description.get(f"{{{_IPTC}}}DigitalSourceType")
        kind = kind or description.findtext(f"{{{_IPTC}}}DigitalSourceType")
        if kind:
            tool = description.get(f"{{{_XMP}}}CreatorTool") or description.findtext(f"{{{_XMP}}}CreatorTool") or ""
            return Mark(kind, tool)
    return None
