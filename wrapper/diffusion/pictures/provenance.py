"""The XMP packet that says a picture was made, or partly made, by a trained model."""

from __future__ import annotations

import re
from typing import Literal

DigitalSource = Literal["trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"]
"""Terms of IPTC's Digital Source Type NewsCodes: wholly generated; a photograph with a generated part."""

_VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    Iptc4xmpExt:DigitalSourceType="{vocabulary}{source}"
    xmp:CreatorTool="{tool}"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def write_xmp(source: DigitalSource, tool: str) -> bytes:
    """An XMP packet (UTF-8) with ``Iptc4xmpExt:DigitalSourceType`` and ``xmp:CreatorTool``."""
    return _PACKET.format(vocabulary=_VOCABULARY, source=source, tool=tool).encode()


def parse_xmp(packet: bytes) -> str | None:
    """The digital source type's term in ``packet``, or None."""
    pattern = rf'Iptc4xmpExt:DigitalSourceType="{re.escape(_VOCABULARY)}(\w+)"'
    found = re.search(pattern, packet.decode("utf-8", "replace"))
    return found[1] if found else None
