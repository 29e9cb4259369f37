"""What a caption becomes each time it is seen: dropped out, shuffled, tags left out."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from wrapper.trainer.data.config import SubsetConfig
from wrapper.trainer.data.pictures import Picture


def vary(caption: str, subset: SubsetConfig, epoch: int, random: Random) -> str:
    """The caption for this sight of the image. ``epoch`` counts from 1, as in sd-scripts.

    Prefix and suffix go on first; a dropped caption is empty, prefix included.
    """
    text = with_affixes(caption, subset)
    if _dropped(subset, epoch, random):
        return ""
    if subset.shuffle_caption or subset.caption_tag_dropout_rate > 0:
        return _vary_tags(text, subset, random)
    return text


def is_fixed(subset: SubsetConfig) -> bool:
    """True when an image's caption is either whole or empty, so that its encoding can be made beforehand."""
    return not subset.shuffle_caption and subset.caption_tag_dropout_rate == 0


def every_caption(pictures: Iterable[Picture]) -> list[str]:
    """What `vary` can give for pictures whose captions are fixed, sorted."""
    captions = set()
    for picture in pictures:
        subset = picture.subset
        captions.add(with_affixes(picture.caption, subset))
        if subset.caption_dropout_rate > 0 or subset.caption_dropout_every_n_epochs > 0:
            captions.add("")
    return sorted(captions)


def with_affixes(caption: str, subset: SubsetConfig) -> str:
    """The caption between ``caption_prefix`` and ``caption_suffix``."""
    return " ".join(word for word in (subset.caption_prefix, caption, subset.caption_suffix) if word)


def _dropped(subset: SubsetConfig, epoch: int, random: Random) -> bool:
    if subset.caption_dropout_rate > 0 and random.random() < subset.caption_dropout_rate:
        return True
    every = subset.caption_dropout_every_n_epochs
    return every > 0 and epoch % every == 0


def _vary_tags(text: str, subset: SubsetConfig, random: Random) -> str:
    tags = [tag.strip() for tag in text.split(subset.caption_separator)]
    kept, loose = tags[: subset.keep_tokens], tags[subset.keep_tokens :]
    if subset.shuffle_caption:
        random.shuffle(loose)
    if subset.caption_tag_dropout_rate > 0:
        loose = [tag for tag in loose if random.random() >= subset.caption_tag_dropout_rate]
    return ", ".join(kept + loose)
