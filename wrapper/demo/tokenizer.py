"""A small CLIP tokenizer, made from a list of words: a word is one token, anything else falls into bytes.

The scheme is CLIP's byte-level BPE (lower case, `</w>` at a word's end, 77 tokens); only the merges are our
own.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.files import write_json, write_text
from wrapper.demo.palette import BACKGROUNDS, HAIR_COLOURS, SHIRTS, SKIN_TONES, STUDS
from wrapper.demo.people import CLASS_WORD, CONCEPT_STUD, TRIGGER
from wrapper.demo.portraits import CONCEPT_SHAPE, EAR_SHAPES, HAIR_STYLES, LOBES

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

MAX_TOKENS = 77
END_OF_WORD = "</w>"
START, END = "<|startoftext|>", "<|endoftext|>"
_TABLES = (SKIN_TONES, HAIR_COLOURS, SHIRTS, BACKGROUNDS, STUDS, EAR_SHAPES, HAIR_STYLES, LOBES)
_OWN = f"photo of a {CLASS_WORD} {TRIGGER} {CONCEPT_SHAPE} {CONCEPT_STUD} front back left right view profile"
_PORTRAIT = """skin hair ear ears lobe lobes earring stud glasses shirt background face neck shoulders eyes
nose lips bun head slightly attached average occlusion none bandage accessory covered visible round large
small thin wide dark light"""
_PEOPLE = """woman man adult young old model subject client standing sitting supine prone full torso bust
portrait sks ohwx zwx token years year smiling looking wearing"""
_PICTURE = """photograph picture image drawing painting illustration closeup close up macro studio soft
natural lighting bright sharp focus detailed detail texture high low quality res realistic skin pores
cartoon plastic waxy oversized extra wrong geometry blurry deformed bad anatomy watermark text logo sketch
missing"""
_GLUE = "an the with without and in on at from no not very two one to by is it for"
_COLOURS = "purple orange pink cyan teal violet golden pale tan auburn"


def words() -> list[str]:
    """Every word that is one token, in the order in which it gets its merges."""
    from_tables = " ".join(" ".join(table) for table in _TABLES)
    text = " ".join([_OWN, from_tables, _PORTRAIT, _PEOPLE, _PICTURE, _GLUE, _COLOURS])
    return list(dict.fromkeys(text.lower().split()))


def merges_of(vocabulary: list[str]) -> list[tuple[str, str]]:
    """BPE merges, best first, that turn each word into one token.

    A word is first merged by the rules so far; what is left is joined from the left by new rules. Later rules
    rank lower, so they never change how an earlier word is read: `merges_of(["at"]) == [("a", "t</w>")]`.
    """
    merges: dict[tuple[str, str], int] = {}
    for word in vocabulary:
        pieces = apply_merges(word, merges)
        while len(pieces) > 1:
            merges[pieces[0], pieces[1]] = len(merges)
            pieces = apply_merges(word, merges)
    return list(merges)


def apply_merges(word: str, merges: dict[tuple[str, str], int]) -> list[str]:
    """The pieces of `word` after every rule of `merges` (rule to rank) that fits, best first."""
    pieces = [*word[:-1], word[-1] + END_OF_WORD]
    while True:
        pairs = [pair for pair in pairwise(pieces) if pair in merges]
        if not pairs:
            return pieces
        pieces = _join(pieces, min(pairs, key=merges.__getitem__))


def save_tokenizer(folder: Path) -> CLIPTokenizer:
    """Write the tokenizer to `folder` as transformers expects it; the same files every time."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    merges = merges_of(words())
    letters = sorted(ByteLevel.alphabet())
    endings = [letter + END_OF_WORD for letter in letters]
    tokens = [*letters, *endings, *(left + right for left, right in merges), START, END]
    vocabulary = {token: index for index, token in enumerate(dict.fromkeys(tokens))}
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=MAX_TOKENS)
    tokenizer.save_pretrained(folder)
    write_json(folder / "vocab.json", vocabulary)
    lines = ["#version: 0.2", *(f"{left} {right}" for left, right in merges)]
    write_text(folder / "merges.txt", "\n".join(lines) + "\n")
    return tokenizer


def _join(pieces: list[str], pair: tuple[str, str]) -> list[str]:
    """Join `pair` wherever it stands."""
    joined: list[str] = []
    index = 0
    while index < len(pieces):
        if tuple(pieces[index : index + 2]) == pair:
            joined.append(pieces[index] + pieces[index + 1])
            index += 2
        else:
            joined.append(pieces[index])
            index += 1
    return joined
