"""The types of EXIF entries, mended after Pillow wrote them."""

from __future__ import annotations

import struct

EXIF_POINTER = 0x8769
BYTE, UNDEFINED = 1, 7
_HEAD = b"Exif\0\0"
_ENTRY_BYTES = 12


def undefined_bytes(exif: bytes) -> bytes:
    """``exif`` with plain bytes in the Exif folder typed UNDEFINED (CIPA DC-008, 4.6.5).

    Pillow types them BYTE, which no tag of that folder is; piexif, by which A1111 reads the comment, then
    fails on it.
    """
    start = len(_HEAD) if exif.startswith(_HEAD) else 0
    data = bytearray(exif)
    order = "<" if exif[start : start + 2] == b"II" else ">"

    def entries(folder: int) -> list[int]:
        (count,) = struct.unpack_from(f"{order}H", data, start + folder)
        return [start + folder + 2 + _ENTRY_BYTES * number for number in range(count)]

    def folder_at(place: int) -> int:
        return int(struct.unpack_from(f"{order}I", data, place)[0])

    for entry in entries(folder_at(start + 4)):
        if struct.unpack_from(f"{order}H", data, entry)[0] == EXIF_POINTER:
            for inner in entries(folder_at(entry + 8)):
                if struct.unpack_from(f"{order}H", data, inner + 2)[0] == BYTE:
                    struct.pack_into(f"{order}H", data, inner + 2, UNDEFINED)
    return bytes(data)
