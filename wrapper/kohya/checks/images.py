"""What the subsets' folders hold, as sd-scripts v0.10.1 will find it: images, captions, masks and caches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dataset_tools.pictures.buckets import Size
from dataset_tools.wording import some
from wrapper.kohya.checks.caches import check_info, check_latents, check_text_caches, listed_sizes
from wrapper.kohya.checks.captions import check_captions
from wrapper.kohya.checks.decode import Decoded, decode_all
from wrapper.kohya.checks.grouped import Grouped
from wrapper.kohya.checks.masks import INPAINT, check_masks
from wrapper.kohya.checks.sizes import cached, check_faces, check_sizes, fit
from wrapper.kohya.report import Findings
from wrapper.kohya.steps import DatasetUse, ImageUse
from wrapper.kohya.subsets import IMAGE_SUFFIXES, OTHER_SUFFIXES, SubsetView, list_images


def check_folders(
    views: Sequence[SubsetView], findings: Findings, script: str = "train_network"
) -> list[DatasetUse]:
    """Check every subset's folder; returns what is used of them, for the step count.

    Every image is decoded, in parallel: sd-scripts finds a broken one only when it comes to it.
    """
    views = _without_shared(views, findings)
    decoded = decode_all(list({path: None for view in views for path in view.images}), "reading images")
    named = {folder.absolute() for view in views for folder in (view.folder, view.mask_folder) if folder}
    uses: dict[int, list[ImageUse]] = {}
    for view in views:
        if view.folder.is_dir() and view.get("image_dir"):
            _check_unread(view, named, findings)
        sizes = check_folder(view, decoded, script, findings)
        uses.setdefault(view.dataset, []).extend(
            ImageUse(size, view.repeats, view.is_reg) for size in sizes.values() if view.repeats > 0
        )
    _check_datasets(views, decoded, findings)
    first = {view.dataset: view for view in reversed(views)}
    return [
        DatasetUse(images, buckets, first[number].batch_size)
        for number, images in uses.items()
        if (buckets := first[number].buckets())
    ]


def _without_shared(views: Sequence[SubsetView], findings: Findings) -> list[SubsetView]:
    """sd-scripts takes the first of several subsets with a folder of the very same spelling."""
    kept: list[SubsetView] = []
    seen: dict[tuple[int, str], SubsetView] = {}
    for view in views:
        first = view
        if view.get("image_dir") and view.repeats > 0 and view.images:
            first = seen.setdefault((view.dataset, str(view.get("image_dir"))), view)
        if first is view:
            kept.append(view)
        else:
            text = f"the same folder as at {first.where('image_dir')}: sd-scripts ignores this subset."
            findings.error(view.where("image_dir"), text, "Raise num_repeats of the first instead.")
    return kept


def check_folder(
    view: SubsetView, decoded: Mapping[Path, Decoded], script: str, findings: Findings
) -> dict[Path, Size]:
    """Check one subset's folder; returns the images that fit, with the sizes that sd-scripts believes."""
    if not view.get("image_dir"):
        return {}
    where = view.where("image_dir")
    if not view.folder.is_dir():
        findings.error(where, f"there is no folder {view.folder}.")
        return {}
    if view.repeats < 1:
        text = f"'num_repeats' is {view.repeats}: sd-scripts ignores the folder."
        findings.error(view.where("num_repeats"), text)
    check_pictures(view, decoded, findings)
    real = {path: decoded[path].size for path in view.images if not decoded[path].fault}
    read = {path: decoded[path].listed for path in real}
    believed = listed_sizes(view, read, script, findings)
    resized = view.get("enable_bucket") is True or cached(view)
    check_sizes(view, believed if resized else real, findings)
    check_faces(view, findings)
    check_captions(view, findings)
    check_masks(view, real, script, findings)
    check_info(view, findings)
    if script != INPAINT:  # whose caches know the contents that they were made of
        check_latents(view, believed, script, findings)
        check_text_caches(view, findings)
    buckets = view.buckets()
    return {path: size for path, size in believed.items() if buckets is None or fit(size, buckets)}


def _check_unread(view: SubsetView, named: set[Path], findings: Findings) -> None:
    """Pictures that lie there and are not found: of another suffix, or in folders below that nobody names."""
    where, folder = view.where("image_dir"), view.folder
    inside = sorted(folder.iterdir())
    below = [
        path.name for path in inside if path.is_dir() and path.absolute() not in named and list_images(path)
    ]
    if not view.images:
        hint = f"Its folder {below[0]!r} has some: name that one." if below else ""
        findings.error(where, f"{folder} has no images.", hint)
    elif below:
        findings.warn(where, f"the images in folders below {folder} are not read: {some(below)}.")
    read, suffixes = set(view.images), {*IMAGE_SUFFIXES, *OTHER_SUFFIXES}
    unread = [
        path.name
        for path in inside
        if path.suffix.lower() in suffixes and path not in read and path.name[0] != "."
    ]
    if unread:
        text = f"{len(unread)} images in {folder} are not read: {some(unread)}."
        hint = f"sd-scripts reads {', '.join(IMAGE_SUFFIXES)}, all in lower or all in upper case."
        findings.error(where, text, hint)


def check_pictures(view: SubsetView, decoded: Mapping[Path, Decoded], findings: Findings) -> None:
    """Every image has to be readable, and what is read has to be what one sees."""
    grouped = Grouped(findings, view.where("image_dir"))
    stems: dict[str, Path] = {}
    for path in view.images:
        _check_picture(path, decoded[path], view, grouped)
        first = stems.setdefault(path.stem, path)
        if first is not path:
            grouped.warn(path, f"it shares caption and caches with {first.name}.", "Rename one of them.")
    grouped.report()


def _check_picture(path: Path, picture: Decoded, view: SubsetView, grouped: Grouped) -> None:
    if picture.fault:
        grouped.error(path, f"not an image: {picture.fault}.")
        return
    if picture.turned:
        grouped.warn(path, "its EXIF orientation is ignored: it is trained on its side.", "Turn its pixels.")
    if picture.clipped:
        text = "it has 16 bits a channel, and sd-scripts makes all but the darkest white."
        grouped.error(path, text, "Save it with 8 bits.")
    if picture.frames > 1:
        grouped.warn(path, f"of its {picture.frames} frames only the first is trained.")
    transparent = picture.alpha is not None and picture.alpha[0] < 255
    if transparent and view.get("alpha_mask") is not True:
        hint = "Set alpha_mask = true to leave that out of the loss."
        grouped.warn(path, "its transparent parts are trained as what lies beneath.", hint)
    if picture.alpha == (0, 0) and view.get("alpha_mask") is True:
        grouped.error(path, "all of it is transparent, so with alpha_mask nothing of it is trained.")


def _check_datasets(views: Sequence[SubsetView], decoded: Mapping[Path, Decoded], findings: Findings) -> None:
    """What only shows in all subsets of a dataset together."""
    for number in sorted({view.dataset for view in views}):
        members = [view for view in views if view.dataset == number]
        if all(view.is_reg for view in members):
            text = "it has regularisation images only, and sd-scripts then uses none of them."
            findings.error(members[0].where(), text, "Put them into the dataset of the training images.")
    _check_alpha(views, decoded, findings)


def _check_alpha(views: Sequence[SubsetView], decoded: Mapping[Path, Decoded], findings: Findings) -> None:
    """``alpha_mask`` without any alpha masks nothing, and sd-scripts does not say so."""
    masked = [view for view in views if view.get("alpha_mask") is True and not view.is_reg and view.images]
    bare = [sum(decoded[path].alpha is None for path in view.images) for view in masked]
    if masked and all(count == len(view.images) for view, count in zip(masked, bare, strict=True)):
        text = "'alpha_mask' is ignored: no image has an alpha channel."
        findings.error(masked[0].where("alpha_mask"), text, "Leave it out, or save PNGs with transparency.")
        return
    for view, count in zip(masked, bare, strict=True):
        if count:
            text = f"{count} images in {view.folder} have no alpha channel: all of each is trained."
            findings.warn(view.where("alpha_mask"), text)
