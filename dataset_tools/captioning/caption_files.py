"""The caption files of a folder of images, and the tags in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from dataset_tools.data_text import NotUtf8, bounded_bytes, decoded
from dataset_tools.errors import Problems, UserError
from dataset_tools.image_files import image_files


def read_captions(root: Path, suffix: str = ".txt") -> dict[Path, str]:
    """The captions beside the images below ``root``, in the order of their names, line ends as they are.

    Raises `UserError` when there are none, and for all that are not UTF-8 at once.
    """
    captions, problems = {}, Problems()
    for path in dict.fromkeys((root / name).with_suffix(suffix) for name in image_files(root)):
        try:
            captions[path] = decoded(bounded_bytes(path), "utf-8-sig")
        except FileNotFoundError:
            continue
        except OSError as error:
            problems.add(path, f"cannot be read ({error.strerror}).")
        except NotUtf8 as error:
            problems.add(path, f"{error}.", "Save the caption as UTF-8.")
        except ValueError as error:
            problems.add(path, f"{error}.", "A caption is a line of text.")
    problems.raise_if_any()
    if not captions:
        raise UserError(
            f"{root}: no {suffix} captions beside images.", "Name the folder of the images, or --suffix."
        )
    return captions


def tag_counts(captions: Iterable[str]) -> Counter[str]:
    """How many captions have each tag: the parts of their first lines between commas, as first written."""
    counts: Counter[str] = Counter()
    spelling: dict[str, str] = {}
    for text in captions:
        first = text.splitlines()[0] if text.strip() else ""
        tags = [tag for part in first.split(",") if (tag := part.strip())]
        counts.update(list(dict.fromkeys(spelling.setdefault(tag.casefold(), tag) for tag in tags)))
    return counts
