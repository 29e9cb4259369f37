"""Caches beside the images: sd-scripts v0.10.1 believes them by their names, whatever has changed since."""

from __future__ import annotations

import bisect
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dataset_tools.data_text import bounded_text, from_json
from dataset_tools.pictures.buckets import Size
from dataset_tools.wording import some
from wrapper.kohya.checks.captions import caption_file
from wrapper.kohya.checks.grouped import Grouped
from wrapper.kohya.checks.sizes import Fit, fit
from wrapper.kohya.report import Findings
from wrapper.kohya.subsets import SubsetView

LATENTS_SUFFIX = {"sdxl_train_network": "_sdxl.npz"}
_SD_SUFFIX = "_sd.npz"
TEXT_SUFFIX = "_te_outputs.npz"
INFO_FILE = "metadata_cache.json"
_REMOVE = "Remove the .npz file: it is made again."


def listed_sizes(
    view: SubsetView, sizes: Mapping[Path, Size], script: str, findings: Findings
) -> dict[Path, Size]:
    """The sizes that sd-scripts believes: it takes them from the names of cached latents, used or not.

    The first cache in order whose name begins with the image's stem counts, also one of another image.
    """
    suffix = LATENTS_SUFFIX.get(script, _SD_SUFFIX)
    caches = _caches(view.folder, suffix)
    grouped = Grouped(findings, view.where("image_dir"))
    believed = {path: _believed(path, size, caches, suffix, grouped) for path, size in sizes.items()}
    grouped.report()
    return believed


def _caches(folder: Path, suffix: str) -> list[str]:
    """Names of cached latents in sd-scripts' order: by what stands before size and suffix."""
    names = [path.name for path in folder.iterdir() if path.name.endswith(suffix) and path.name[0] != "."]
    return sorted(names, key=_before_size)


def _before_size(name: str) -> str:
    return name.rsplit("_", maxsplit=2)[0]


def _believed(path: Path, size: Size, caches: Sequence[str], suffix: str, grouped: Grouped) -> Size:
    place = bisect.bisect_left(caches, path.stem, key=_before_size)
    if place == len(caches) or not caches[place].startswith(path.stem):
        return size
    before = _before_size(caches[place])
    of_one_image = [name for name in caches[place:] if _before_size(name) == before]
    named = {name: _size_in(name, suffix) for name in of_one_image}
    for name, other in named.items():
        if other is None:
            text = "sd-scripts looks for an image size in its name and fails."
            grouped.error(path.with_name(name), text, "Remove or rename it.")
        elif other != size:
            text = f"it may be taken for {other[0]}x{other[1]} because of {name}: its picture is distorted."
            grouped.error(path, text, _REMOVE)
            return other
    return size


def _size_in(name: str, suffix: str) -> Size | None:
    """``ear_0768x0512_sd.npz`` → (768, 512)."""
    width, _, height = name[: -len(suffix)].rpartition("_")[2].partition("x")
    return (int(width), int(height)) if width.isdecimal() and height.isdecimal() else None


def check_latents(view: SubsetView, sizes: Mapping[Path, Size], script: str, findings: Findings) -> None:
    """Cached latents on disk have to be of the image and of its bucket."""
    buckets = view.buckets()
    if not view.get("cache_latents_to_disk") or buckets is None:
        return
    grouped = Grouped(findings, view.where("image_dir"))
    owners: dict[Path, Path] = {}
    for image, size in sizes.items():
        cache = _latents_file(image, size, script)
        first = owners.setdefault(cache, image)
        if first is not image:
            text = f"it shares its cached latents with {first.name}, which are trained in its place."
            grouped.error(image, text, "Rename one of them.")
        elif cache.is_file():
            _check_cache(image, cache, fit(size, buckets), view, grouped)
    grouped.report()


def _latents_file(image: Path, size: Size, script: str) -> Path:
    old = image.with_suffix(".npz")
    suffix = LATENTS_SUFFIX.get(script, _SD_SUFFIX)
    return old if old.exists() else image.with_name(f"{image.stem}_{size[0]:04d}x{size[1]:04d}{suffix}")


def _check_cache(image: Path, cache: Path, fitted: Fit | None, view: SubsetView, grouped: Grouped) -> None:
    shapes = _shapes(cache)
    if shapes is None:
        grouped.error(cache, "these cached latents are broken.", _REMOVE)
        return
    if not _is_complete(shapes, view) and not view.get("skip_cache_check"):
        return  # sd-scripts makes it again
    latents = shapes.get("latents")
    if latents is None:
        grouped.error(cache, "there are no latents in it.", _REMOVE)
    elif fitted and latents[-2:] != (fitted.bucket[1] // 8, fitted.bucket[0] // 8):
        text = "these cached latents are of another resolution, and are trained all the same."
        grouped.error(cache, text, _REMOVE)
    elif _is_newer(image, cache):
        text = "it was changed after its latents were cached, and the cached ones are trained."
        grouped.error(image, text, _REMOVE)


def _is_complete(shapes: Mapping[str, tuple[int, ...]], view: SubsetView) -> bool:
    wanted = {"latents": True, "latents_flipped": view.get("flip_aug"), "alpha_mask": view.get("alpha_mask")}
    return all(name in shapes for name, needed in wanted.items() if needed)


def _is_newer(path: Path, cache: Path) -> bool:
    return path.stat().st_mtime > cache.stat().st_mtime


def _shapes(cache: Path) -> dict[str, tuple[int, ...]] | None:
    """Name → shape of each array, from the headers; None for what is no whole .npz file."""
    import numpy as np

    shapes: dict[str, tuple[int, ...]] = {}
    try:
        with warnings.catch_warnings(), zipfile.ZipFile(cache) as archive:
            warnings.simplefilter("ignore")  # numpy's, of headers that Python 2 wrote
            for name in archive.namelist():
                with archive.open(name) as stream:
                    version = np.lib.format.read_magic(stream)
                    read = {(1, 0): np.lib.format.read_array_header_1_0}.get(
                        version, np.lib.format.read_array_header_2_0
                    )
                    shapes[name.removesuffix(".npy")] = read(stream)[0]
    except Exception:  # zipfile's and numpy's readers raise errors of every kind on damaged files
        return None
    return shapes


def check_text_caches(view: SubsetView, findings: Findings) -> None:
    """Cached outputs of the text encoders have to be of the caption."""
    if not view.get("cache_text_encoder_outputs_to_disk"):
        return
    grouped = Grouped(findings, view.where("image_dir"))
    for image in view.images:
        cache, caption = image.with_name(image.stem + TEXT_SUFFIX), caption_file(image, view.caption_suffix)
        if cache.is_file() and caption and _is_newer(caption, cache):
            text = (
                "it was changed after its text encoder outputs were cached, and the cached ones are trained."
            )
            grouped.error(caption, text, _REMOVE)
    grouped.report()


def check_info(view: SubsetView, findings: Findings) -> None:
    """``cache_info`` takes images, sizes and captions from a file, and never looks at the folder again."""
    path = view.folder / INFO_FILE
    if view.get("cache_info") is not True or not path.is_file():
        return
    where, hint = view.where("cache_info"), f"Remove {INFO_FILE}: it is made again."
    entries = _entries(path)
    if entries is None:
        findings.error(where, f"{path} cannot be read.", hint)
        return
    listed = {Path(name).name for name in entries}
    images = {image.name for image in view.images}
    if unlisted := sorted(images - listed):
        findings.error(where, f"{len(unlisted)} images are not in {path}: {some(unlisted)}.", hint)
    if gone := sorted(listed - images):
        findings.error(where, f"{path} lists {len(gone)} images that are not there: {some(gone)}.", hint)
    captions = {Path(name).name: entry.get("caption") for name, entry in entries.items()}
    if stale := [image.name for image in view.images if _caption_differs(image, captions, view)]:
        text = f"{path} has other captions for {len(stale)} images: {some(stale)}."
        findings.error(where, text, hint)


def _entries(path: Path) -> dict[str, dict[str, Any]] | None:
    try:
        found = from_json(bounded_text(path))
    except ValueError:
        return None
    entries = isinstance(found, dict) and all(isinstance(entry, dict) for entry in found.values())
    return found if entries else None


def _caption_differs(image: Path, captions: Mapping[str, Any], view: SubsetView) -> bool:
    file = caption_file(image, view.caption_suffix)
    if file is None or image.name not in captions:
        return False
    lines = [line.strip() for line in file.read_text(encoding="utf-8", errors="replace").split("\n")]
    wanted = "\n".join(filter(None, lines)) if view.get("enable_wildcard") is True else lines[0]
    return bool(captions[image.name] != wanted)
