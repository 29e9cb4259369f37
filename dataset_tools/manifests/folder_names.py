"""Conventional folder names as a manifest: ``age2325/standing_profileleft/``, ``ear_left/``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from dataset_tools.errors import Problems, UserError, did_you_mean
from dataset_tools.image_files import photographs
from dataset_tools.manifests.schema import choices
from dataset_tools.system.portable_names import composed

MASK_FOLDER = "masks"
MASK_ENDING = "_mask"
_VIEW_OF_EAR = {"left": "profile_left", "right": "profile_right", "both": "front"}
_EAR_OF_VIEW = {"profile_left": "left", "profile_right": "right", "front": "both", "back": "both"}


def _vocabulary() -> dict[str, tuple[str, str]]:
    """Squeezed word (``profileleft``) → field and value; ``none`` alone means nothing."""
    words = {"portrait": ("type", "bust")}
    for field in ("pose", "view", "type", "occlusion", "client_class"):
        words |= {_squeeze(value): (field, value) for value in choices(field) if value != "none"}
    for age in choices("age"):
        words[f"age{_squeeze(age)}"] = ("age", age)
    for side in choices("ear_side"):
        words[f"ear{side}"] = ("ear_side", side)
    for side in ("left", "right"):
        words[f"{side}profile"] = ("view", f"profile_{side}")
        words[f"{side}ear"] = ("ear_side", side)
    return words


def _squeeze(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


_WORDS = _vocabulary()


def folder_rows(root: Path, problems: Problems) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """``(where, values)`` of each image below ``root``, in the order of their names.

    A mask is ``NAME_mask.png`` beside the image, or the same path below ``masks/``.
    """
    found = photographs(root)
    if not found:
        raise UserError(
            f"{root}: no images in this folder", "Put the photographs there, or name another folder."
        )
    parts: dict[PurePosixPath, dict[str, str]] = {}
    for name, mask in with_masks(found):
        folder = PurePosixPath(name).parent
        if folder not in parts:
            parts[folder] = _completed(_folder_values(root, folder, problems))
        yield f"{root.name}/{name}", {**parts[folder], "image": name, **({"mask": mask} if mask else {})}


def with_masks(names: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Each picture with its mask, or None, in the order of ``names``; the masks themselves are left out."""
    known = {composed(name): name for name in names}
    for name in names:
        relative = PurePosixPath(name)
        if relative.parts[0] != MASK_FOLDER and not relative.stem.endswith(MASK_ENDING):
            yield name, _mask_of(relative, known)


def _mask_of(image: PurePosixPath, names: Mapping[str, str]) -> str | None:
    """``names`` by their composed form: a mask may come from another system than its picture."""
    beside = image.with_name(f"{image.stem}{MASK_ENDING}.png")
    apart = PurePosixPath(MASK_FOLDER) / image.with_suffix(".png")
    found = (names.get(composed(mask.as_posix())) for mask in (beside, apart))
    return next((name for name in found if name), None)


def _folder_values(root: Path, folder: PurePosixPath, problems: Problems) -> dict[str, str]:
    values: dict[str, str] = {}
    for name in folder.parts:
        known, unknown = read_name(name)
        for field, value in known.items():
            if values.get(field, value) != value:
                problems.add(
                    f"{root.name}/{folder}", f"'{name}' says {field} {value}, a folder above {values[field]}"
                )
            values[field] = value
        for word in unknown if known else []:
            problems.add(
                f"{root.name}/{folder}", f"'{word}' in '{name}' is no bucket.", did_you_mean(word, _WORDS)
            )
    return values


def read_name(name: str) -> tuple[dict[str, str], list[str]]:
    """The buckets that a folder's name states, and the words in it that state none.

    ``"standing_profile_left"`` → ``({"pose": "standing", "view": "profile_left"}, [])``.
    """
    words = re.findall(r"[^\W_]+", name.casefold())
    known, unknown, start = {}, [], 0
    while start < len(words):
        for length in range(min(3, len(words) - start), 0, -1):
            entry = _WORDS.get("".join(words[start : start + length]))
            if entry:
                known[entry[0]] = entry[1]
                break
        else:
            length = 1
            unknown.append(words[start])
        start += length
    return known, unknown


def _completed(values: dict[str, str]) -> dict[str, str]:
    """What conventional names leave unsaid: an ear's view, a view's ear, a posed picture's type."""
    side, view = values.get("ear_side"), values.get("view")
    filled = dict(values)
    if side in _VIEW_OF_EAR:
        filled.setdefault("view", _VIEW_OF_EAR[side])
        if not view and "pose" not in values:
            filled.setdefault("type", "ear")
    if view:
        filled.setdefault("ear_side", _EAR_OF_VIEW[view])
        filled.setdefault("type", "full" if "pose" in values else "bust")
    return filled
