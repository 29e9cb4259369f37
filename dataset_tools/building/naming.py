"""File and folder names that every program on the way can read, and that never collide."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from dataset_tools.errors import Problems
from dataset_tools.system.portable_names import cut, folded, is_device

MAX_NAME, MAX_BYTES = 80, 160
"""Of a name; what is put behind it (a hash, a copy's suffix, a cache's ending) fits in 255 bytes then."""
_UNSAFE = re.compile(r"[^\w.-]+")
_UNSAFE_TOKEN = re.compile(r'[/\\:<>"|?*\x00-\x1f]')


def safe(text: str) -> str:
    """``text`` with letters, digits and ``_ . -`` only, not hidden, no device of Windows, not too long.

    Letters of any script stay.
    """
    plain = _UNSAFE.sub("-", unicodedata.normalize("NFC", text)).strip("-.")
    name = cut(plain[:MAX_NAME], MAX_BYTES).rstrip("-.") or "x"
    return f"_{name}" if is_device(name) else name


def bucket_folder(bucket: str) -> str:
    """A folder's name for a bucket; spaces stay.

    With a few digits of its hash where something was lost, or would be where letter case does not count.
    """
    parts = [" ".join(safe(word) for word in part.split(" ")) for part in bucket.split("+")]
    name = cut("+".join(parts), MAX_BYTES).rstrip("-. ")
    return name if name == folded(bucket) == bucket else f"{name}-{_digest(bucket)}"


def names_for(images: Iterable[str]) -> dict[str, str]:
    """A name for each image path: its stem where that is unique (whatever its case), else stem and hash."""
    stems = {image: safe(PurePosixPath(image).stem) for image in images}
    seen: dict[str, int] = {}
    for stem in stems.values():
        seen[folded(stem)] = seen.get(folded(stem), 0) + 1
    return {
        image: stem if seen[folded(stem)] == 1 else f"{stem}-{_digest(image)}"
        for image, stem in stems.items()
    }


def kohya_folder(repeats: int, class_tokens: str) -> str:
    """``<repeats>_<token> <class>``, what sd-scripts reads repeats and tokens from."""
    return f"{repeats}_{class_tokens}"


def check_tokens(trigger: str, class_word: str) -> None:
    """Raise `UserError` when the words cannot stand in a folder's name and a caption."""
    problems = Problems()
    for key, word in (("trigger", trigger), ("class_word", class_word)):
        where = f"captions.{key}"
        if not word.strip() or word != word.strip():
            problems.add(where, f"{word!r} is empty or has spaces around it.")
        elif _UNSAFE_TOKEN.search(word) or word.endswith("."):
            problems.add(where, f"{word!r} cannot stand in a folder's name.", "Use letters and digits.")
    if (length := len(f"{trigger} {class_word}".encode("utf-8", "replace"))) > MAX_BYTES:
        said = f"trigger and class_word have {length} bytes together; their folder's name takes {MAX_BYTES}."
        problems.add("captions", said, "Shorten them: a letter that is not Latin has two bytes or more.")
    problems.raise_if_any()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
