"""Saving pictures that say how they were made, and reading that back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.errors import UserError
from dataset_tools.files import whole_file
from wrapper.diffusion.pictures.exif_types import undefined_bytes
from wrapper.diffusion.pictures.infotext import PROGRAM, Infotext, parse_infotext, write_infotext
from wrapper.diffusion.pictures.photograph import Photograph
from wrapper.diffusion.pictures.provenance import DigitalSource, parse_xmp, write_xmp

if TYPE_CHECKING:
    from PIL import Image

EXIF_FOLDER = 0x8769
USER_COMMENT = 0x9286
UNICODE_COMMENT, ASCII_COMMENT = b"UNICODE\0", b"ASCII\0\0\0"
JPEG_QUALITY = 95
LOSSY_NOTE = "JPEG encodes all pixels anew, also outside the mask; .png and .webp keep them exactly."


def check_picture_name(path: Path) -> None:
    """Raise `UserError` when no format belongs to the name's end."""
    if path.suffix.lower() not in _WRITERS:
        known = ", ".join(_WRITERS)
        raise UserError(f"{path.name}: pictures are saved as {known}.", "Give the file one of these ends.")


def is_lossy(path: Path) -> bool:
    """Whether the format of ``path`` changes pixels."""
    return path.suffix.lower() in (".jpg", ".jpeg")


def save_picture(path: Path, picture: Photograph, info: Infotext, source: DigitalSource) -> None:
    """Write PNG, JPEG or lossless WebP by the name, whole or not at all.

    The parameters go where A1111 looks (PNG text ``parameters``, EXIF UserComment), ``source`` into XMP.
    """
    check_picture_name(path)
    text, xmp = write_infotext(info), write_xmp(source, PROGRAM)
    with whole_file(path) as temporary:
        _WRITERS[path.suffix.lower()](temporary, picture, text, xmp)


def read_parameters(path: Path) -> Infotext | None:
    """The generation parameters in a PNG, JPEG or WebP file, or None. UserError for what is no picture."""
    with _header(path) as image:
        text = image.info.get("parameters") or _user_comment(image)
    return parse_infotext(text) if text else None


def read_digital_source(path: Path) -> str | None:
    """The IPTC digital source type in the file's XMP, or None. UserError for what is no picture."""
    with _header(path) as image:
        packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    return parse_xmp(packet if isinstance(packet, bytes) else packet.encode())


@contextmanager
def _header(path: Path) -> Iterator[Image.Image]:
    """A picture whose metadata are read, and no pixel."""
    from dataset_tools.pictures.images import open_header, pillow_errors, refuse_odd_file

    refuse_odd_file(path)
    with path.open("rb") as stream, pillow_errors(path):
        yield open_header(path, stream)


def _image(picture: Photograph) -> Image.Image:
    from PIL import Image

    image = Image.fromarray(picture.pixels[..., 0].copy() if picture.grey else picture.pixels)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    return image


def _carried(picture: Photograph) -> dict[str, Any]:
    return {"icc_profile": picture.icc_profile} if picture.icc_profile else {}


def _write_png(path: Path, picture: Photograph, text: str, xmp: bytes) -> None:
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    chunks.add_text("parameters", text)
    chunks.add_itxt("XML:com.adobe.xmp", xmp.decode())
    exif = {"exif": _exif_of_png(picture.exif, text)} if picture.exif else {}
    _image(picture).save(path, "PNG", pnginfo=chunks, **exif, **_carried(picture))


def _exif_of_png(exif: bytes, comment: str) -> bytes:
    """``exif``, but a comment of the photograph's own gives way: A1111 reads it before the PNG's text."""
    from PIL import Image

    tags = Image.Exif()
    tags.load(exif)
    return _exif_with(exif, comment) if USER_COMMENT in tags.get_ifd(EXIF_FOLDER) else exif


def _write_jpeg(path: Path, picture: Photograph, text: str, xmp: bytes) -> None:
    options = {"quality": JPEG_QUALITY, "subsampling": 0, "exif": _exif_with(picture.exif, text), "xmp": xmp}
    opaque = _image(replace(picture, alpha=None))
    opaque.save(path, "JPEG", **options, **_carried(picture))


def _write_webp(path: Path, picture: Photograph, text: str, xmp: bytes) -> None:
    options = {"lossless": True, "exact": True, "exif": _exif_with(picture.exif, text), "xmp": xmp}
    carried = {} if picture.grey else _carried(picture)  # it knows no grey: a profile for it would be wrong
    _image(picture).save(path, "WEBP", **options, **carried)


_WRITERS: Mapping[str, Callable[[Path, Photograph, str, bytes], None]] = {
    ".png": _write_png,
    ".jpg": _write_jpeg,
    ".jpeg": _write_jpeg,
    ".webp": _write_webp,
}


def _exif_with(exif: bytes | None, comment: str) -> bytes:
    """``exif`` with ``comment`` as its UserComment (UTF-16, big-endian, as EXIF's UNICODE code asks)."""
    from PIL import Image

    tags = Image.Exif()
    if exif:
        tags.load(exif)
    tags.get_ifd(EXIF_FOLDER)[USER_COMMENT] = UNICODE_COMMENT + comment.encode("utf-16-be")
    return undefined_bytes(tags.tobytes())


def _user_comment(image: Image.Image) -> str:
    comment = image.getexif().get_ifd(EXIF_FOLDER).get(USER_COMMENT, b"")
    if not isinstance(comment, bytes):
        return ""
    text = comment[len(UNICODE_COMMENT) :]
    if not comment.startswith(UNICODE_COMMENT):
        return text.decode("utf-8", "replace") if comment.startswith(ASCII_COMMENT) else ""
    little_endian = text[1::2].count(0) > text[0::2].count(0)  # as some programs write it
    return text.decode("utf-16-le" if little_endian else "utf-16-be", "replace")
