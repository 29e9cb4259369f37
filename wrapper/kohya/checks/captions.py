"""Captions as sd-scripts v0.10.1 reads them: which file, which line, and what of it reaches the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dataset_tools.data_text import NotUtf8, bounded_text
from dataset_tools.wording import some
from wrapper.kohya.checks.caption_text import Caption, check_texts
from wrapper.kohya.checks.grouped import Grouped
from wrapper.kohya.report import Findings
from wrapper.kohya.subsets import SubsetView

FACE_FIELDS = 4
"""sd-scripts also takes a caption without the last four ``_`` fields of a face-detected name."""
_LIKE_CAPTIONS = (".txt", ".caption", ".cap")
_DROPPED_BESIDE_MASKS = ("caption_dropout_every_n_epochs", "token_warmup_step")


def check_captions(view: SubsetView, findings: Findings) -> None:
    """Every image needs a caption that is read, whole, and stays what it is."""
    beside = _names(view.folder)
    files = {image: caption_file(image, view.caption_suffix) for image in view.images}
    missing = [image for image, caption in files.items() if caption is None]
    _check_missing(view, missing, beside, findings)
    _check_orphans(view, files, beside, findings)
    _check_settings(view, findings)
    _check_dropped(view, findings)
    grouped = Grouped(findings, view.where("image_dir"))
    read = [_read(path, grouped) for path in sorted({path for path in files.values() if path})]
    check_texts(view, [caption for caption in read if caption], grouped, findings)
    grouped.report()


def caption_file(image: Path, suffix: str) -> Path | None:
    """The caption that sd-scripts finds. It counts ``_`` in the whole path, not in the name alone."""
    base = str(image.with_suffix(""))
    fields = base.split("_")
    bases = [base, "_".join(fields[:-FACE_FIELDS])] if len(fields) > FACE_FIELDS else [base]
    return next((path for each in bases if (path := Path(each + suffix)).is_file()), None)


def _names(folder: Path) -> dict[str, list[str]]:
    """The names of all files in ``folder``, by their lower-case spelling."""
    names: dict[str, list[str]] = {}
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            names.setdefault(path.name.lower(), []).append(path.name)
    return names


def _check_missing(
    view: SubsetView, missing: Sequence[Path], beside: Mapping[str, list[str]], findings: Findings
) -> None:
    if not missing:
        return
    where, suffix = view.where("caption_extension"), view.caption_suffix
    unread = [name for image in missing for name in _unread(image, suffix, beside)]
    text = (
        f"{len(missing)} images in {view.folder} have no {suffix} caption: {some(p.name for p in missing)}."
    )
    if unread:
        hint = _other_suffix(unread, suffix)
        findings.error(where, f"{text} {_kind_of(unread)} are not read.", hint)
    elif view.get("class_tokens"):
        if len(missing) < len(view.images) or not view.is_reg:
            findings.warn(where, f"{text} They are trained as '{view.get('class_tokens')}'.")
    else:
        findings.error(where, text, "Give each a caption file beside it.")


def _unread(image: Path, suffix: str, beside: Mapping[str, list[str]]) -> list[str]:
    """Files beside ``image`` that look like its caption, but are not called what sd-scripts looks for."""
    suffixes = dict.fromkeys((suffix.lower(), *_LIKE_CAPTIONS))
    wanted = [(stem + other).lower() for stem in (image.stem, image.name) for other in suffixes]
    wanted.append((image.stem + 2 * suffix).lower())
    return [name for like in wanted for name in beside.get(like, []) if name != image.name]


def _kind_of(unread: Sequence[str]) -> str:
    suffixes = {Path(name).suffix for name in unread}
    return f"Their {suffixes.pop()} files" if len(suffixes) == 1 else "Their other files"


def _other_suffix(unread: Sequence[str], suffix: str) -> str:
    suffixes = {Path(name).suffix for name in unread}
    if suffix in suffixes:
        return f"Rename {some(unread)}: 'a.png' needs a file 'a{suffix}'."
    return f"Set caption_extension = '{suffixes.pop()}'." if len(suffixes) == 1 else "Rename them."


def _check_orphans(
    view: SubsetView, files: Mapping[Path, Path | None], beside: Mapping[str, list[str]], findings: Findings
) -> None:
    """Captions of images that are not there; readme files and the like are no captions."""
    used = {path.name for path in files.values() if path}
    stems = {image.stem for image in files}
    suffix = view.caption_suffix
    names = [name for spellings in beside.values() for name in spellings if name.endswith(suffix)]
    orphans = [name for name in names if name not in used and name[: -len(suffix)] not in stems]
    if orphans and used:
        text = f"{len(orphans)} {suffix} files in {view.folder} belong to no image: {some(orphans)}."
        findings.warn(view.where("image_dir"), text, "Are their images missing, or called otherwise?")


def _check_settings(view: SubsetView, findings: Findings) -> None:
    """Beside masks sd-scripts does not tell the dataset which step and epoch it is."""
    for key in _DROPPED_BESIDE_MASKS if view.mask_folder else ():
        if view.get(key):
            text = f"'{key}' drops captions in every step: beside masks sd-scripts does not count steps."
            findings.error(view.where(key), text, "Leave it out.")


def _check_dropped(view: SubsetView, findings: Findings) -> None:
    for key in ("caption_dropout_rate", "caption_tag_dropout_rate", "caption_dropout_every_n_epochs"):
        if view.get(key) == 1:
            findings.warn(view.where(key), f"'{key}' = 1 drops every caption: none is trained.")


def _read(path: Path, grouped: Grouped) -> Caption | None:
    try:
        lines = bounded_text(path).split("\n")
    except NotUtf8 as error:
        grouped.error(path, f"{error}.", "Save it as UTF-8.")
        return None
    except ValueError as error:
        grouped.error(path, f"no caption: {error}.")
        return None
    except OSError as error:
        grouped.error(path, f"cannot be read ({error.strerror}).")
        return None
    if not any(line.strip() for line in lines):
        grouped.error(path, "the caption is empty.", "Write it into the first line.")
        return None
    return Caption(path, [line.strip() for line in lines])
