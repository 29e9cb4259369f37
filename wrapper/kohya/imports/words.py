"""The trigger word and the class word, out of folder names and class tokens."""

from __future__ import annotations

from collections.abc import Sequence

from dataset_tools.captioning.captions import has_word
from wrapper.kohya.imports.photographs import Captions, Photograph
from wrapper.kohya.imports.sources import NO_SUFFIX, Source
from wrapper.kohya.imports.trail import NOWHERE, Trail

_TRIGGER, _CLASS = "myface", "person"


def find_words(
    train: Sequence[Source], class_images: Sequence[Source], trigger: str, class_word: str, trail: Trail
) -> tuple[str, str]:
    """(trigger, class word); what the command line says, as ``trigger`` and ``class_word``, comes first.

    ``10_ohwx tall woman`` beside ``1_woman`` → ("ohwx tall", "woman"); alone → ("ohwx", "tall woman").
    """
    tokens = next((source.tokens for source in train if source.tokens), "")
    known = class_word or next((source.tokens for source in class_images if source.tokens), "")
    first, second = split_tokens(tokens, known)
    words = trigger or first or _TRIGGER, known or second or _CLASS
    if tokens:
        note = "" if second or known else f"no class is said: {_CLASS}"
        trail.put("class_tokens", tokens, f"trigger {words[0]!r}, class {words[1]!r}", note)
    return words


def split_tokens(tokens: str, class_word: str) -> tuple[str, str]:
    """Trigger and class in ``tokens``; either may be empty."""
    if class_word and tokens.endswith(f" {class_word}"):
        return tokens.removesuffix(class_word).strip(), class_word
    first, _, rest = tokens.partition(" ")
    return first, rest.strip()


def tell_folder(
    source: Source, name: str, photos: Sequence[Photograph], captions: Captions, trigger: str, trail: Trail
) -> None:
    """A training folder's lines: its images, captions, repeats and masks."""
    trail.put("image_dir", source.folder, f"photos/{name}", f"{len(photos)} images")
    trail.put("num_repeats", source.repeats, "[balance] epoch_images", "the same number of uses an epoch")
    note = "" if source.caption_suffix == ".txt" else "captions are .txt here"
    trail.put("caption_extension", source.caption_suffix, f"photos/{name}/*.txt", note)
    if captions.read:
        trail.put("captions", f"{captions.read} files", f"photos/{name}/*.txt")
    if captions.from_tokens:
        note = f"{captions.from_tokens} images have no caption file"
        trail.put("class_tokens", source.tokens, f"photos/{name}/*.txt", note)
    if captions.ignored:
        note = f"sd-scripts read none of them: caption_extension is {source.caption_suffix!r}"
        place = f"photos/{name}/*.txt" if source.caption_suffix == NO_SUFFIX else NOWHERE
        trail.put("captions ignored until now", f"{captions.ignored} .txt files", place, note)
    if captions.longer:
        trail.drop("further lines of captions", f"{captions.longer} files", "sd-scripts reads the first")
    without = sum(not has_word(photo.caption, trigger) for photo in photos)
    if without:
        trail.put("captions", f"{without} without {trigger!r}", "dataset/", "it is put in front of them")
    if source.masks:
        masked = sum(photo.mask is not None for photo in photos)
        trail.put("conditioning_data_dir", source.masks, f"masks/{name}", f"{masked} of {len(photos)} images")
