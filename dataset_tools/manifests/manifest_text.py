"""The text of a manifest file, piece by piece: a file of any size takes little memory."""

from __future__ import annotations

import codecs
import io
import stat
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

from dataset_tools.data_text import ZERO_BYTES, NotUtf8
from dataset_tools.errors import UserError
from dataset_tools.progress import progress

CHUNK_BYTES = 1 << 20
ROW_CHARACTERS = 1 << 20
"""No row is longer: what seems so is a bracket or a quote that was never closed."""
_ENCODING_HINT = "Save it as UTF-8; in Excel the kind is 'CSV UTF-8'."
KINDS_HINT = "Name a .json, .jsonl or .csv file, or a folder of images."
_BAR_FROM_BYTES = 16 << 20


def chunks(path: Path) -> Iterator[str]:
    """The text of a UTF-8 file, a byte order mark left out, lines ended by ``\\n`` whatever the file has.

    Raises `UserError` when it cannot be read.
    """
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8-sig")(), translate=True)
    line = 1
    for data in _blocks(path):
        try:
            text = decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            line += error.object[: error.start].count(b"\n")
            other = NotUtf8(*error.args)
            said = str(other) if other.named else f"not UTF-8 text (line {line})"
            raise UserError(f"{path}: {said}", _ENCODING_HINT) from error
        line += text.count("\n")
        if text.count("\0") > 1:
            raise UserError(f"{path}: {ZERO_BYTES}", _ENCODING_HINT)
        yield text


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """(number from 1, text with its line end) of each line. Raises `UserError` as `chunks` does."""
    number, rest = 0, ""
    for text in chunks(path):
        *whole, rest = (rest + text).split("\n")
        for line in whole:
            number += 1
            yield number, f"{line}\n"
        if len(rest) > ROW_CHARACTERS:
            raise UserError(f"{path.name} line {number + 1}: longer than a row can be", KINDS_HINT)
    if rest:
        yield number + 1, rest


def _blocks(path: Path) -> Iterator[bytes]:
    """The bytes of the file, an empty block last; a large file has a bar."""
    with _opened(path) as stream:
        size = path.stat().st_size
        large = size >= _BAR_FROM_BYTES
        with progress(f"{path.name}, MiB", -(-size // CHUNK_BYTES)) if large else nullcontext() as bar:
            while data := stream.read(CHUNK_BYTES):
                yield data
                if bar:
                    bar.advance()
    yield b""


def _opened(path: Path) -> BinaryIO:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # reading a FIFO would wait for ever
            raise UserError(f"{path}: not a regular file", KINDS_HINT)
        return path.open("rb")
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such manifest", KINDS_HINT) from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})", KINDS_HINT) from error
