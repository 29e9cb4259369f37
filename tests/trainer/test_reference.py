"""The first loss and the first update agree with a step that is written out by hand.

The reference knows nothing of PEFT or accelerate: ΔW = alpha / rank · up @ down is added to the weights, the
loss is spelled out, and AdamW's first step is its formula. It works in float64, the trainer in float32. At
128 pixels the tiny U-Net's deepest group norms still see several values; at 64 they would magnify rounding.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from wrapper.base_model.detect import detect
from wrapper.base_model.kinds import COMPONENTS
from wrapper.base_model.load import load_components
from wrapper.lora.file import read_lora, write_lora
from wrapper.lora.layers import Layer, model_layers
from wrapper.trainer.data.batches import Sight, epoch_batches, mix
from wrapper.trainer.data.cache import TensorCache
from wrapper.trainer.data.samples import load_sample
from wrapper.trainer.latents import Encoder
from wrapper.trainer.model import load_model
from wrapper.trainer.prepare import prepare
from wrapper.trainer.run import run

RANK, ALPHA, RATE, DECAY, CLIP, EPSILON = 2, 1.0, 1e-3, 0.01, 0.05, 1e-3
Loras = dict[str, tuple[Tensor, Tensor]]

CASES = {
    "sd15, prior loss, min-SNR, noise offset": (
        "train_network",
        "sd15",
        {"prior_loss_weight": 0.3, "min_snr_gamma": 2.0, "noise_offset": 0.1, "reg": True},
    ),
    "sd15, masked and normalised": (
        "train_network",
        "sd15",
        {"masked_loss": True, "masked_loss_normalize": True, "masks": True},
    ),
    "sd15, two batches a step": ("train_network", "sd15", {"gradient_accumulation_steps": 2}),
    "sd15 inpaint, masked": ("train_network_inpaint", "sd15", {"masked_loss": True}),
    "sd15 inpaint, checkpointing": (
        "train_network_inpaint",
        "sd15",
        {"gradient_checkpointing": True, "masked_loss": True, "masked_loss_normalize": True},
    ),
    "sdxl, text encoders": ("sdxl_train_network", "sdxl", {"min_snr_gamma": 5.0}),
    "sdxl inpaint, masked": ("train_network_inpaint", "sdxl", {"masked_loss": True}),
}


@pytest.mark.parametrize("name", CASES)
def test_first_update_is_the_written_out_one(make_settings, tmp_path: Path, name: str):
    from tests.trainer.conftest import draw_pictures

    script, kind, options = CASES[name]
    options = dict(options)
    reg = draw_pictures(tmp_path / "1_person", 3, seed=9) if options.pop("reg", False) else None
    if reg:
        for caption in reg.glob("*.txt"):
            caption.unlink()
    start = tmp_path / "start.safetensors"
    settings = make_settings(
        script,
        kind=kind,
        reg=reg,
        dataset={"batch_size": 3, "resolution": 128},
        network_weights=str(start),
        max_grad_norm=CLIP,
        optimizer_args=[f"weight_decay={DECAY}", f"eps={EPSILON}"],
        output_name="one",
        max_train_steps=1,
        save_state=True,
        **options,
    )
    base = Reference(settings, start)
    expected_losses, expected = base.first_update()

    run(settings)
    saved = read_lora(tmp_path / "out put" / "one.safetensors").modules()
    losses = json.loads((tmp_path / "out put" / "one-state" / "train_state.json").read_text())["losses"]
    assert losses == pytest.approx(expected_losses, rel=3e-4)
    assert set(saved) == set(expected)
    for module, pair in expected.items():
        for part, wanted, before in zip(("down", "up"), pair, base.loras[module], strict=True):
            after = saved[module][f"lora_{part}.weight"]
            rounding = 2e-8 * wanted.numel() ** 0.5
            moved = (wanted - before.detach()).norm()
            assert (after - wanted).norm() <= 0.01 * moved + rounding, f"{module} {part}"
    largest = max((pair[1] - base.loras[module][1].detach()).abs().max() for module, pair in expected.items())
    assert largest > RATE / 10


class Reference:
    """A training step on a base of its own, written out."""

    def __init__(self, settings: Any, start: Path) -> None:
        self.settings = settings
        info = detect(Path(settings.pretrained_model_name_or_path))
        self.kind, self.inpaint = info.kind, info.inpaint
        parts = load_components(info, torch.float32)
        self.unet, self.vae, self.tokenizers = parts.unet, parts.vae, parts.tokenizers
        _, *text = COMPONENTS[info.kind]
        self.encoders = dict(zip(text, parts.text_encoders, strict=True))
        models: dict[Any, Any] = {} if settings.network_train_unet_only else dict(self.encoders)
        self.layers = model_layers({**models, "unet": self.unet}, info.kind, conv=False)
        for module in (self.unet, *self.encoders.values()):
            module.double()
        self.loras = _random_loras(self.layers)
        write_lora(start, _as_file(self.loras), {})

    def first_update(self) -> tuple[list[float], Loras]:
        job = prepare(self.settings)
        batches = epoch_batches(job.sets, self.settings.seed, 0)
        count = self.settings.gradient_accumulation_steps
        losses = [self.loss(batch, number, job) for number, batch in enumerate(batches[:count])]
        leaves = [leaf for pair in self.loras.values() for leaf in pair]
        grads = torch.autograd.grad(sum(losses) / count, leaves, allow_unused=True)
        norm = torch.sqrt(sum((grad**2).sum() for grad in grads if grad is not None))
        scale = min(1.0, CLIP / (float(norm) + 1e-6))
        moved = [_adamw(leaf.detach(), grad, scale) for leaf, grad in zip(leaves, grads, strict=True)]
        pairs = list(zip(moved[::2], moved[1::2], strict=True))
        return [float(loss.detach()) for loss in losses], dict(zip(self.loras, pairs, strict=True))

    def loss(self, batch: Sequence[Sight], number: int, job: Any) -> Tensor:
        settings = self.settings
        rows = [self.picture(sight, job) for sight in batch]
        latents = torch.stack([row["latents"] for row in rows]).double()
        random = torch.Generator().manual_seed(mix(settings.seed, "noise", number))
        noise = torch.randn(latents.shape, generator=random).double()
        if settings.noise_offset:
            noise = noise + settings.noise_offset * torch.randn((len(batch), 4, 1, 1), generator=random)
        times = torch.randint(0, 1000, (len(batch),), generator=random)
        betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
        alphas = torch.cumprod(1 - betas, 0)[times][:, None, None, None]
        seen = alphas.sqrt() * latents + (1 - alphas).sqrt() * noise
        if self.inpaint:
            seen = torch.cat([seen, torch.stack([row["masked"] for row in rows]).double()], 1)
        predicted = self.predict(seen, times, batch, [row["size"] for row in rows])
        error = (predicted - noise) ** 2
        total = torch.tensor(0.0, dtype=torch.float64)
        for place, sight in enumerate(batch):
            one = error[place]
            if settings.masked_loss:
                weight = functional.avg_pool2d(rows[place]["mask"], 8)
                one = one * weight
                one = one.mean() / weight.mean() if settings.masked_loss_normalize else one.mean()
            else:
                one = one.mean()
            one = one * (settings.prior_loss_weight if sight.picture.is_reg else 1.0)
            if settings.min_snr_gamma:
                snr = alphas[place, 0, 0, 0] / (1 - alphas[place, 0, 0, 0])
                one = one * min(float(snr), settings.min_snr_gamma) / float(snr)
            total = total + one / len(batch)
        return total

    def picture(self, sight: Sight, job: Any) -> dict[str, Any]:
        model = load_model_once(job)
        key = Encoder(model, TensorCache(None), need_mask=job.need_mask).key(sight)
        random = torch.Generator().manual_seed(mix(key))
        sample = load_sample(sight, need_mask=job.need_mask)
        pixels = torch.from_numpy(sample.image.copy()).permute(2, 0, 1)[None] / 127.5 - 1
        row: dict[str, Any] = {"latents": self.encode(pixels, random), "size": sample.time_ids}
        if sample.mask is not None:
            row["mask"] = torch.from_numpy(sample.mask.copy())[None] / 255
        if self.inpaint:
            hole = (row["mask"] >= 0.5).float()
            shown = self.encode(pixels * (1 - hole), random)
            row["masked"] = torch.cat([hole[:, ::8, ::8], shown])
        return row

    def encode(self, pixels: Tensor, random: torch.Generator) -> Tensor:
        with torch.no_grad():
            found = self.vae.encode(pixels).latent_dist
        factor = 0.13025 if self.kind == "sdxl" else 0.18215
        return ((found.mean + found.std * torch.randn(found.mean.shape, generator=random)) * factor)[0]

    def predict(
        self, seen: Tensor, times: Tensor, batch: Sequence[Sight], sizes: Sequence[tuple[int, ...]]
    ) -> Tensor:
        captions = [sight.caption for sight in batch]
        ids = [
            tok(captions, padding="max_length", max_length=77, return_tensors="pt").input_ids
            for tok in self.tokenizers
        ]
        outputs = [
            functional_call(encoder, self.changed(name, encoder), (tokens,), {"output_hidden_states": True})
            for (name, encoder), tokens in zip(self.encoders.items(), ids, strict=True)
        ]
        if self.kind == "sd15":
            hidden, added = outputs[0].last_hidden_state, None
        else:
            hidden = torch.cat([output.hidden_states[-2] for output in outputs], -1)
            added = {"text_embeds": outputs[1].text_embeds, "time_ids": torch.tensor(sizes).double()}
        inputs = (seen, times, hidden)
        return functional_call(
            self.unet, self.changed("unet", self.unet), inputs, {"added_cond_kwargs": added}
        ).sample

    def changed(self, component: str, model: Any) -> dict[str, Tensor]:
        """The model's weights with their LoRA added."""
        weights = {}
        for name, layer in self.layers.items():
            if layer.component != component:
                continue
            weight = model.get_submodule(layer.path).weight
            down, up = self.loras[name]
            update = (up.flatten(1).double() @ down.flatten(1).double()).reshape(weight.shape)
            weights[f"{layer.path}.weight"] = weight + ALPHA / RANK * update
        return weights


def _adamw(weight: Tensor, grad: Tensor | None, scale: float) -> Tensor:
    """AdamW's first step, in which both moments are the gradient's own; unused weights stay."""
    if grad is None:
        return weight
    grad = grad * scale
    return weight * (1 - RATE * DECAY) - RATE * grad / (grad.abs() + EPSILON)


_models: dict[str, Any] = {}


def load_model_once(job: Any) -> Any:
    """A model whose VAE names the cache keys."""
    key = str(job.info.path)
    if key not in _models:
        _models[key] = load_model(job.info, job.settings, torch.device("cpu"))
    return _models[key]


def _random_loras(layers: Mapping[str, Layer]) -> Loras:
    random = torch.Generator().manual_seed(3)
    loras = {}
    for name, layer in layers.items():
        out, *into = layer.weight_shape
        down = torch.randn((RANK, *into), generator=random) * 0.05
        up = torch.randn((out, RANK, *[1 for _ in into[1:]]), generator=random) * 0.02
        loras[name] = (down.requires_grad_(), up.requires_grad_())
    return loras


def _as_file(loras: Loras) -> dict[str, Tensor]:
    tensors = {}
    for name, (down, up) in loras.items():
        tensors[f"{name}.lora_down.weight"] = down.detach()
        tensors[f"{name}.lora_up.weight"] = up.detach()
        tensors[f"{name}.alpha"] = torch.tensor(ALPHA)
    return tensors
