"""Train the text encoder alone: after a caption's end it must be able to say which phrases the caption had.

CLIP's encoder learns its words from pictures before a U-Net ever sees it. Ours learns them from the captions,
in a minute: without that, the U-Net hears nothing but the view for thousands of steps.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from wrapper.demo.tokenizer import MAX_TOKENS
from wrapper.demo.training import Reporter, learning_rate

WIDTH = 96
LAYERS = 2
HEADS = 4
LEARNING_RATE = 2e-3
BATCH = 32
REPORT_EVERY = 200


def new_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """An untrained CLIP text encoder for `tokenizer`."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=256,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            max_position_embeddings=MAX_TOKENS,
            projection_dim=WIDTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def token_ids(tokenizer: CLIPTokenizer, captions: list[str]) -> Tensor:
    """(N, 77)"""
    encoded = tokenizer(captions, padding="max_length", truncation=True, return_tensors="pt")
    return encoded.input_ids


def train_text_encoder(
    captions: list[str], tokenizer: CLIPTokenizer, steps: int, seed: int, out: Path
) -> dict[str, object]:
    """Train on the first nine tenths of `captions`, save to `out`; returns what the record says of it."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    encoder, tokens = new_text_encoder(tokenizer), token_ids(tokenizer, captions)
    said = said_phrases(captions)
    head = nn.Linear(WIDTH, said.shape[1])
    optimizer = torch.optim.AdamW([*encoder.parameters(), *head.parameters()], weight_decay=1e-3)
    held_out = 9 * len(captions) // 10

    def measure() -> dict[str, float]:
        with torch.no_grad():
            answers = head(_endings(encoder, tokens[held_out:][:200])[:, -1])
            right = (answers > 0) == (said[held_out:][:200] > 0)
        return {"captions_all_right": right.all(1).float().mean().item()}

    reporter = Reporter("text_encoder", steps, REPORT_EVERY, measure)
    for step in range(1, steps + 1):
        optimizer.param_groups[0]["lr"] = learning_rate(step, steps, LEARNING_RATE)
        index = torch.from_numpy(rng.integers(0, held_out, BATCH))
        answers = head(_endings(encoder, tokens[index]))
        truth = said[index][:, None].expand_as(answers)
        loss = F.binary_cross_entropy_with_logits(answers, truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        reporter.due(step, loss.item())
    encoder.save_pretrained(out)
    return {"steps": steps, "batch": BATCH, "phrases": said.shape[1], "history": reporter.history}


def said_phrases(captions: list[str]) -> Tensor:
    """(N, P): 1 where a caption has the phrase, of all the phrases (between commas) that any caption has."""
    split = [caption.split(", ") for caption in captions]
    places = {phrase: place for place, phrase in enumerate(sorted({p for parts in split for p in parts}))}
    said = torch.zeros(len(captions), len(places))
    for row, parts in zip(said, split, strict=True):
        row[[places[phrase] for phrase in parts]] = 1
    return said


def _endings(encoder: CLIPTextModel, tokens: Tensor, count: int = 24) -> Tensor:
    """The hidden states of the last `count` tokens, all after the caption's end: (B, count, WIDTH)."""
    return encoder(tokens)[0][:, -count:]
