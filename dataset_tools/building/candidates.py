"""Manifest rows that may be trained on, with what the build has to know of each: size, mask, captions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dataset_tools.building.build_settings import BuildSettings
from dataset_tools.building.dataset import Refused
from dataset_tools.captioning.blip import blip_caption, blip_identity
from dataset_tools.captioning.captions import caption_from_file, mirrored_row, render_caption
from dataset_tools.errors import Problems, UserError
from dataset_tools.known_answers import Ask, ask_anew
from dataset_tools.manifests.manifest import Manifest
from dataset_tools.manifests.safety import allowed, is_minor, refusal
from dataset_tools.manifests.schema import ManifestRow
from dataset_tools.masking.agreement import disagreement
from dataset_tools.masking.mask_plan import MaskPlan, plan_drawn
from dataset_tools.packed import Packed
from dataset_tools.pictures.images import read_mask, read_rgb, refuse_odd_file
from dataset_tools.pictures.masks import check_mask, mask_box
from dataset_tools.progress import track
from dataset_tools.quality.since import Changed, unchanged

if TYPE_CHECKING:
    from dataset_tools.quality.qc_record import QcRecord

Content = Callable[[Path], str]
"""SHA-256 of a file."""
MASK_RULES = 1
"""Raised whenever something else would be said of the same mask."""
QC_HINT = "Run 'lorawrap qc' again: its results belong to another set of images."
CHANGED_HINT = "Run 'lorawrap qc' again: it judged the photograph as it was."


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that passed QC and may be used. ``row.caption`` is its own caption, if it has one."""

    row: ManifestRow
    path: Path
    size_hw: tuple[int, int]
    mask: MaskPlan | None
    digest: str
    caption: str
    mirrored_caption: str


class QcWord(NamedTuple):
    """What the build has to know of a QC record. ``refusal``: why the image is left out, or empty."""

    refusal: str
    size_hw: tuple[int, int] | None
    duplicate_of: str | None


def qc_words(manifest: Manifest, records: Iterable[QcRecord], settings: BuildSettings) -> dict[str, QcWord]:
    """image → QC's word on it. Raises `UserError` that names the manifest's images without one."""
    said = {record.path: _word(record, settings.keep_warned) for record in records}
    missing = [row.image for row in manifest.rows if row.image not in said]
    if missing:
        shown = ", ".join(missing[:10]) + (f" and {len(missing) - 10} more" if len(missing) > 10 else "")
        raise UserError(f"{manifest.source}: no QC result for {shown}.", QC_HINT)
    return said


def _word(record: QcRecord, keep_warned: bool) -> QcWord:
    size_hw = (record.height, record.width) if record.height and record.width else None
    return QcWord(_qc_refusal(record, keep_warned), size_hw, record.duplicate_of)


def _qc_refusal(record: QcRecord, keep_warned: bool) -> str:
    if record.status == "OK" or (record.status == "WARN" and keep_warned):
        return ""
    said = "; ".join(reason.message for reason in record.reasons) or record.error or "no reason given"
    return f"QC {record.status}: {said}"


def use_refusal(row: ManifestRow, has_mask: bool, settings: BuildSettings) -> str | None:
    """Why no stage may or can use the row, or None."""
    if "stage_a" in settings.stages and allowed(row, "stage_a"):
        return None
    if "stage_b" not in settings.stages:
        return "not allowed in Stage A, the only stage" if is_minor(row) else "no stage is enabled"
    if not allowed(row, "stage_b"):
        return "not allowed in Stage B"
    if not has_mask:
        why = "under 18 is for Stage B only" if is_minor(row) else "Stage A is off"
        return f"{why}, and the image has no mask"
    return None


def candidates(
    manifest: Manifest,
    said: Mapping[str, QcWord],
    settings: BuildSettings,
    content: Content,
    changed: Changed = unchanged,
    ask: Ask = ask_anew,
) -> tuple[Packed[Candidate], list[Refused], list[str]]:
    """The rows to build from, those left out with the reason, and what is doubtful about masks.

    Raises one `UserError` for every mask that does not fit, every caption that is missing and every image
    that ``changed`` after QC. Masks are looked at, and BLIP is asked, for what ``ask`` does not know.
    """
    kept, refused, doubts, problems = Packed[Candidate](), [], [], Problems()
    source = _Source(manifest, settings, content, changed, ask, problems, doubts)
    for row in track(manifest.rows, "Reading", len(manifest.rows)):
        word = said[row.image]
        reason = word.refusal
        reason = reason or use_refusal(row, could_have_mask(row, settings), settings)
        if reason:
            refused.append(Refused(image=row.image, reason=reason))
            continue
        candidate = source.candidate(row, word)
        if candidate:
            kept.append(candidate)
    problems.merged().raise_if_any()
    return kept, refused, doubts


def could_have_mask(row: ManifestRow, settings: BuildSettings) -> bool:
    """Whether a mask is given, or can be made from the ear's box."""
    return row.mask is not None or (settings.mask_source != "manifest" and row.ear_box is not None)


@dataclass(frozen=True)
class _Source:
    """What candidates are made with; ``problems`` and ``doubts`` are added to."""

    manifest: Manifest
    settings: BuildSettings
    content: Content
    changed: Changed
    ask: Ask
    problems: Problems
    doubts: list[str]

    def candidate(self, row: ManifestRow, word: QcWord) -> Candidate | None:
        """None, and a problem more, for a row that cannot be used as it is."""
        path, settings = self.manifest.image_path(row), self.settings
        try:
            size_hw, digest = _size(word, row), self.content(path)
            if self.changed(path, digest):
                raise UserError(f"{row.image}: was changed after QC.", CHANGED_HINT)
            mask = self._mask(row, size_hw)
            spoken = self._with_own_caption(row, path, digest)
            words = (settings.template, settings.trigger, settings.class_word)
            caption = render_caption(spoken, *words)
            turned = mirrored_row(spoken, settings.trigger) if settings.mirror else spoken
            mirrored = render_caption(turned, *words) if settings.mirror else caption
        except UserError as error:
            self.problems.add(row.image, error.message.removeprefix(f"{row.image}: "), error.hint)
            return None
        return Candidate(spoken, path, size_hw, mask, digest, caption, mirrored)

    def _mask(self, row: ManifestRow, size_hw: tuple[int, int]) -> MaskPlan | None:
        """The given mask, else one to be made from the ear's box when the settings say so, else None."""
        path, settings = self.manifest.mask_path(row), self.settings
        if path is not None:
            return self._given(path, row, size_hw)
        if row.ear_box is None or settings.mask_source == "manifest":
            return None
        _check_box(row.ear_box, size_hw)
        return plan_drawn(settings.mask_source, row.ear_box, row.image, settings.seed, settings.sam_model)

    def _given(self, path: Path, row: ManifestRow, size_hw: tuple[int, int]) -> MaskPlan:
        refuse_odd_file(path)
        digest = self.content(path)
        question = ("mask", MASK_RULES, digest, size_hw, str(path))
        box, *warnings = self.ask(question, lambda: _seen(path, size_hw))
        odd = disagreement(tuple(box), row.ear_box, str(path)) if row.ear_box else ""
        self.doubts.extend(filter(None, (*warnings, odd)))
        return MaskPlan("file", tuple(box), path, digest)

    def _with_own_caption(self, row: ManifestRow, path: Path, digest: str) -> ManifestRow:
        """``row`` with the caption that lies beside it, or BLIP's; the manifest's own caption stays."""
        if self.settings.caption_source == "files":
            caption = caption_from_file(path, self.manifest.root) or row.caption
            if caption is None:
                raise UserError(
                    f"there is no caption {path.with_suffix('.txt').name} beside the image.",
                    "Write one, or set captions.source to 'template'.",
                )
        elif self.settings.caption_source == "blip" and row.caption is None:
            caption = self.ask(
                (digest, *self._blip), lambda: blip_caption(read_rgb(path), self.settings.blip_model)
            )
        else:
            return row
        spoken = row.model_copy(update={"caption": caption})
        reason = refusal(spoken)
        if reason:
            raise UserError(f"the caption '{caption}' cannot be used: {reason}")
        return spoken

    @cached_property
    def _blip(self) -> list[object]:
        return blip_identity(self.settings.blip_model, self.content)


def _seen(path: Path, size_hw: tuple[int, int]) -> list[Any]:
    """The box of the part to repaint, and what is doubtful about the mask in words."""
    mask = read_mask(path)
    findings = check_mask(mask, size_hw, str(path))
    if findings.problems:
        raise UserError(findings.problems[0])
    return [mask_box(mask), *findings.warnings]


def _size(word: QcWord, row: ManifestRow) -> tuple[int, int]:
    if word.size_hw is None:
        raise UserError(f"{row.image}: QC has no size for it.", QC_HINT)
    return word.size_hw


def _check_box(box: tuple[int, int, int, int], size_hw: tuple[int, int]) -> None:
    height, width = size_hw
    if box[2] > width or box[3] > height:
        raise UserError(f"ear_box {list(box)} reaches out of the image, which is {width} × {height} pixels.")
