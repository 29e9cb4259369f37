"""Prompts as embeddings: bare diffusers' for plain prompts, A1111's for weights and long ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dataset_tools.errors import UserError
from tests.diffusion.small_lora import write_small_lora
from wrapper.base_model.detect import detect
from wrapper.diffusion.pipelines.opening import open_pipeline
from wrapper.diffusion.pipelines.sampling import Sampling, run_batch
from wrapper.diffusion.prompts.chunks import chunks
from wrapper.diffusion.prompts.encoding import encode_prompts, equal_lengths, weighted
from wrapper.diffusion.prompts.prompt import Prompt

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def pipelines(tiny_base):
    opened = {kind: open_pipeline(detect(tiny_base(kind)), "txt2img") for kind in ("sd15", "sdxl")}
    for pipeline in opened.values():
        _give_a_mean(pipeline.text_encoder)
    return opened


def _give_a_mean(encoder):
    """What a trained encoder has, and what A1111's emphasis looks at."""
    torch.manual_seed(5)
    torch.nn.init.normal_(encoder.final_layer_norm.bias, 0.1, 0.3)


def bare(pipeline, text, negative):
    """What diffusers itself makes of one prompt."""
    found = pipeline.encode_prompt(
        text,
        device="cpu",
        num_images_per_prompt=1,
        do_classifier_free_guidance=True,
        negative_prompt=negative,
    )
    return dict(zip(NAMES, found, strict=False))


NAMES = ("prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds")


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
@pytest.mark.parametrize(
    ("text", "negative"), [("a photo of a woman, left ear", "waxy, ухо"), ("", "x"), ("x", "")]
)
def test_plain_prompts_are_bare_diffusers_to_the_last_bit(pipelines, kind, text, negative):
    ours = encode_prompts(pipelines[kind], [Prompt(text, negative)], 5.0)
    theirs = bare(pipelines[kind], text, negative or None)
    assert set(ours) == set(theirs)
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_a_prompts_numbers_do_not_depend_on_the_batch(pipelines, kind):
    prompts = [Prompt("a (man:1.3)", "waxy"), Prompt("a woman, smiling", "")]
    both = encode_prompts(pipelines[kind], prompts, 5.0)
    alone = encode_prompts(pipelines[kind], prompts[1:], 5.0)
    for name, value in alone.items():
        assert torch.equal(both[name][1:], value), name


def test_without_guidance_there_is_no_negative(pipelines):
    assert set(encode_prompts(pipelines["sd15"], [Prompt("a", "b")], 1.0)) == {"prompt_embeds"}


def test_weights_multiply_and_the_mean_is_brought_back(pipelines):
    """Byte tokens: "a " is one token, "cat" three; A1111's "Original" emphasis, written out."""
    plain, heavy = (
        encode_prompts(pipelines["sd15"], [Prompt(text)], 1.0)["prompt_embeds"][0].numpy()
        for text in ("a cat", "a (cat:1.5)")
    )
    weights = np.ones((77, 1), np.float32)
    weights[2:5] = 1.5
    expected = plain * weights
    expected *= plain.mean() / expected.mean()
    assert heavy == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_mean_of_rounding_alone_is_not_brought_back():
    states = torch.randn(77, 8, generator=torch.Generator().manual_seed(0))
    states -= states.mean(-1, keepdim=True)
    changed = weighted(states, [1.0] * 70 + [1.5] * 7)
    assert torch.equal(changed[:70], states[:70])
    assert torch.equal(changed[70:], states[70:] * 1.5)


def test_the_pooled_output_has_no_weights_and_is_the_first_chunks(pipelines):
    def pooled(text):
        return encode_prompts(pipelines["sdxl"], [Prompt(text)], 1.0)["pooled_prompt_embeds"]

    assert torch.equal(pooled("a (cat:1.5)"), pooled("a cat"))
    assert torch.equal(pooled("a cat BREAK b"), pooled("a cat"))


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_long_prompts_are_their_chunks_in_a_row(pipelines, kind):
    def embeds(text, name="prompt_embeds"):
        return encode_prompts(pipelines[kind], [Prompt(text, "no")], 5.0)[name]

    long = embeds("a" * 75 + " BREAK b")
    assert long.shape[1] == 154
    assert torch.equal(long[:, :77], embeds("a" * 75))
    assert torch.equal(long[:, 77:], embeds("b"))
    filled = embeds("a BREAK b", "negative_prompt_embeds")
    assert torch.equal(filled[:, :77], embeds("a", "negative_prompt_embeds"))
    if kind == "sd15":
        assert torch.equal(filled[:, 77:], embeds(""))


@pytest.fixture
def tokenizer(pipelines):
    return pipelines["sd15"].tokenizer


def lengths(prompt, tokenizer):
    return [len(chunk.tokens) for chunk in chunks(prompt, tokenizer, 77)]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("", [0]),
        ("a", [1]),
        ("a" * 75, [75]),
        ("a" * 76, [75, 1]),
        ("a" * 60 + "," + "b" * 20, [61, 20]),
        ("a" * 40 + "," + "b" * 40, [75, 6]),
        ("a" * 55 + "," + "b" * 20, [56, 20]),
        ("a" * 54 + "," + "b" * 21, [75, 1]),
        ("a" * 75 + "," + "b" * 80, [75, 75, 6]),
        ("a BREAK b", [1, 1]),
        ("BREAK b", [0, 1]),
        ("a BREAK", [1]),
        ("BREAK", [0]),
        ("a BREAK BREAK b", [1, 0, 1]),
    ],
)
def test_where_chunks_end(tokenizer, prompt, expected):
    """Byte tokens: a letter each. A comma is gone back to from at most 20 tokens behind it."""
    assert lengths(prompt, tokenizer) == expected


def test_prompts_of_equal_length_are_drawn_together(pipelines):
    prompts = [Prompt("a"), Prompt("b"), Prompt("c" * 80), Prompt("d", "e" * 80), Prompt("f")]
    assert [len(run) for run in equal_lengths(pipelines["sd15"], prompts)] == [2, 2, 1]


def test_clip_skip_two_is_the_layer_before_the_last_normed(pipelines):
    pipeline = pipelines["sd15"]
    tokens = pipeline.tokenizer("a cat", padding="max_length", max_length=77, return_tensors="pt").input_ids
    hidden = pipeline.text_encoder(tokens, output_hidden_states=True).hidden_states[-2]
    expected = pipeline.text_encoder.final_layer_norm(hidden)
    assert torch.equal(encode_prompts(pipeline, [Prompt("a cat")], 1.0, 2)["prompt_embeds"], expected)


def test_a_layer_that_is_not_there_is_refused(pipelines):
    with pytest.raises(UserError, match="text encoder has 3 layers"):
        encode_prompts(pipelines["sd15"], [Prompt("a")], 1.0, 4)
    with pytest.raises(UserError, match="SDXL reads the layer before the last"):
        encode_prompts(pipelines["sdxl"], [Prompt("a")], 1.0, 3)
    one, two = (encode_prompts(pipelines["sdxl"], [Prompt("a")], 1.0, skip) for skip in (1, 2))
    assert torch.equal(one["prompt_embeds"], two["prompt_embeds"])


def test_a_repeated_prompt_is_read_once_until_a_lora_changes_the_encoder(tiny_base, tmp_path, monkeypatch):
    from wrapper.lora.apply import LoraUse, apply_loras, unload_loras

    pipeline = open_pipeline(detect(tiny_base("sd15")), "txt2img")
    calls = []
    pipeline.text_encoder.register_forward_hook(lambda *_: calls.append(1))

    def embeds():
        return encode_prompts(pipeline, [Prompt("a cat", "no")] * 3, 5.0)["prompt_embeds"]

    first = embeds()
    assert torch.equal(embeds(), first)
    assert len(calls) == 2
    use = LoraUse(write_small_lora(tmp_path / "a.safetensors"))
    apply_loras(pipeline, [use])
    changed = embeds()
    assert not torch.equal(changed, first)
    assert len(calls) == 4
    for layer in pipeline.text_encoder.modules():
        if hasattr(layer, "scaling"):
            layer.scaling = dict.fromkeys(layer.scaling, 0.0)
    assert torch.equal(embeds(), first)
    assert len(calls) == 6
    unload_loras(pipeline)
    assert torch.equal(embeds(), first)
    assert len(calls) == 8


def test_another_lora_in_the_place_of_one_is_another_encoder(tiny_base, tmp_path):
    from wrapper.lora.apply import LoraUse, apply_loras, unload_loras

    pipeline = open_pipeline(detect(tiny_base("sd15")), "txt2img")
    found = []
    for seed in (1, 2, 1):
        apply_loras(pipeline, [LoraUse(write_small_lora(tmp_path / f"{seed}.safetensors", seed=seed))])
        found.append(encode_prompts(pipeline, [Prompt("a cat")], 1.0)["prompt_embeds"])
        unload_loras(pipeline)
    assert not torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_a_learning_encoder_is_never_remembered(tiny_base):
    pipeline = open_pipeline(detect(tiny_base("sd15")), "txt2img")
    calls = []
    pipeline.text_encoder.register_forward_hook(lambda *_: calls.append(1))
    pipeline.text_encoder.train()
    for _ in range(2):
        encode_prompts(pipeline, [Prompt("a cat")], 1.0)
    assert len(calls) == 2


def test_unsupported_syntax_is_refused_in_both_prompts(pipelines):
    for prompt in (Prompt("[a|b]"), Prompt("a", "[b:c:3]")):
        with pytest.raises(UserError, match="not supported"):
            encode_prompts(pipelines["sd15"], [prompt], 5.0)


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_weights_and_length_change_the_picture(pipelines, kind):
    def draw(text, negative=""):
        prompts = [Prompt(text, negative, 3)]
        return run_batch(pipelines[kind], prompts, Sampling("Euler a", 2, 3.0), (32, 32))[0].astype(int)

    plain = draw("a cat")
    assert np.abs(draw("a (cat:1.8)") - plain).max() > 2
    assert np.abs(draw("a cat" + ", a dog" * 30) - plain).max() > 2
    assert np.abs(draw("a cat", "b" * 100) - plain).max() > 2
    assert (draw("a (cat:1.0)") == plain).all()
