"""How each image is brought to its bucket: what fails, what is enlarged, and how much is cut away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dataset_tools.pictures.buckets import Buckets, Size
from dataset_tools.wording import some
from wrapper.kohya.report import Findings
from wrapper.kohya.subsets import SubsetView

ENLARGED = 1.1
"""Images that are made larger than by this factor are warned of."""
CUT = 0.2
"""So is a share of the picture that is cut away to fit the bucket."""


@dataclass(frozen=True)
class Fit:
    """An image in its bucket: first resized, then cut in the middle. Sizes in pixels."""

    size: Size
    resized: Size
    bucket: Size

    @property
    def enlarged(self) -> float:
        return max(self.resized[0] / self.size[0], self.resized[1] / self.size[1])

    @property
    def cut(self) -> float:
        """Share of the picture that is not trained."""
        return 1 - self.bucket[0] * self.bucket[1] / (self.resized[0] * self.resized[1])


def fit(size: Size, buckets: Buckets) -> Fit | None:
    """As ``BucketManager.select_bucket`` of sd-scripts v0.10.1; None where it divides by zero."""
    try:
        bucket = buckets.choose(size)
        shrunk = buckets.shrunk(size) if buckets.enabled and buckets.no_upscale else _filling(size, bucket)
    except ZeroDivisionError:
        return None
    return Fit(size, shrunk, bucket) if min(bucket) > 0 else None


def _filling(size: Size, bucket: Size) -> Size:
    """``size`` resized to fill ``bucket``, its ratio kept."""
    wider = size[0] / size[1] > bucket[0] / bucket[1]
    scale = bucket[1] / size[1] if wider else bucket[0] / size[0]
    return int(size[0] * scale + 0.5), int(size[1] * scale + 0.5)


def cached(view: SubsetView) -> bool:
    """``cache_latents_to_disk`` switches caching on as well."""
    return bool(view.get("cache_latents") or view.get("cache_latents_to_disk"))


def check_sizes(view: SubsetView, sizes: Mapping[Path, Size], findings: Findings) -> None:
    """``sizes`` are those that sd-scripts believes, which are not always true (`listed_sizes`)."""
    buckets = view.buckets()
    if buckets is None:
        return
    if not buckets.enabled:
        _check_smaller(view, sizes, buckets.resolution, findings)
        if not cached(view):
            _check_exact(view, sizes, buckets.resolution, findings)
            return
    fits = {path: fit(size, buckets) for path, size in sizes.items()}
    if lost := [path for path, found in fits.items() if found is None]:
        text = f"{len(lost)} images fit no bucket of steps of {buckets.step} pixels: {some(_names(lost))}."
        findings.error(view.where("bucket_no_upscale"), text, "Remove bucket_no_upscale, or these images.")
    whole = {path: found for path, found in fits.items() if found}
    if buckets.enabled:
        _warn_enlarged(view, whole, findings)
    _warn_cut(view, whole, findings)


def _check_smaller(view: SubsetView, sizes: Mapping[Path, Size], wanted: Size, findings: Findings) -> None:
    """Without buckets sd-scripts stops at an image that is smaller, unless it caches latents."""
    small = [path for path, size in sizes.items() if size[0] < wanted[0] or size[1] < wanted[1]]
    if not small:
        return
    text = (
        f"{len(small)} images are smaller than the resolution {wanted[0]}x{wanted[1]}: {some(_names(small))}."
    )
    if cached(view):
        findings.warn(view.where("image_dir"), text, "They will be enlarged.")
    else:
        findings.error(view.where("image_dir"), text, "Set enable_bucket = true, or a lower resolution.")


def _check_exact(view: SubsetView, sizes: Mapping[Path, Size], wanted: Size, findings: Findings) -> None:
    """Neither buckets nor cached latents: sd-scripts resizes nothing, and cuts only at random or at faces."""
    if view.get("random_crop") is True:
        return
    faces = view.get("face_crop_aug_range") is not None
    large = [
        path
        for path, size in sizes.items()
        if (size[0] > wanted[0] or size[1] > wanted[1]) and not (faces and face_in_name(path))
    ]
    if large:
        names = some(_names(large))
        text = f"{len(large)} images are larger than the resolution {wanted[0]}x{wanted[1]}: {names}."
        hint = "Set enable_bucket = true, or cache_latents, which makes them smaller."
        findings.error(view.where("image_dir"), text, hint)


def face_in_name(path: Path) -> bool:
    """Whether the last four ``_`` fields of the name are a face: centre, width and height in pixels."""
    fields = path.stem.split("_")[-4:]
    return len(path.stem.split("_")) > 4 and all(map(_is_int, fields)) and int(fields[0]) > 0


def check_faces(view: SubsetView, findings: Findings) -> None:
    """``face_crop_aug_range`` reads four numbers from each name of five fields, and fails at other text."""
    if view.get("face_crop_aug_range") is None or cached(view):
        return
    for path in view.images:
        fields = path.stem.split("_")
        if len(fields) > 4 and not all(map(_is_int, fields[-4:])):
            text = "face_crop_aug_range takes the end of its name for a face, and it is no four numbers."
            findings.error(path, text, "Leave face_crop_aug_range out, or rename it.")
        elif face_in_name(path) and max(map(int, fields[-2:])) < 1:
            findings.error(path, "face_crop_aug_range: the face in its name has no size.")


def _is_int(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True


def _warn_enlarged(view: SubsetView, fits: Mapping[Path, Fit], findings: Findings) -> None:
    small = {path: found.enlarged for path, found in fits.items() if found.enlarged > ENLARGED}
    if small:
        most = max(small.values())
        text = f"{len(small)} images are smaller than their bucket and enlarged, up to {most:.1f} times"
        hint = "Use larger ones, a lower resolution, or bucket_no_upscale = true."
        findings.warn(view.where("image_dir"), f"{text}: {some(_names(small))}.", hint)


def _warn_cut(view: SubsetView, fits: Mapping[Path, Fit], findings: Findings) -> None:
    heavy = {path: found.cut for path, found in fits.items() if found.cut > CUT}
    if heavy:
        text = f"{len(heavy)} images lose up to {max(heavy.values()):.0%} at their edges"
        hint = "Crop them yourself" + (
            "." if view.get("enable_bucket") is True else ", or set enable_bucket = true."
        )
        findings.warn(view.where("image_dir"), f"{text}: {some(_names(heavy))}.", hint)


def _names(paths: Mapping[Path, object] | list[Path]) -> list[str]:
    return [path.name for path in paths]
