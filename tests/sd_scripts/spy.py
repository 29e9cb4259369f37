"""Runs the inpaint script and writes down what its U-Net saw: ``spy.py OUT.pt ARGUMENTS…``.

In sd-scripts' environment. OUT holds ``steps`` (one entry a call of the U-Net in training, the loss with it)
and ``varied``: what the first picture's mask becomes for a few seeds.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "vendor"))
import torch
import train_network_inpaint as script
from accelerate import Accelerator
from inpaint.variants import Variant, vary

SIZES = ("original_sizes_hw", "crop_top_lefts", "target_sizes_hw")
OURS = ("conditioning_images", "inpaint_hole", "inpaint_shown")
KEPT = ("images", "latents", "captions", "flippeds", *OURS, *SIZES)
STEPS: list[dict[str, Any]] = []


def spy_on_unet() -> None:
    from inpaint.trainer import Inpainting

    real = Inpainting.call_unet

    def call_unet(
        self: Any, args: Any, accelerator: Any, unet: Any, noisy: Any, steps: Any, *rest: Any
    ) -> Any:
        predicted = real(self, args, accelerator, unet, noisy, steps, *rest)
        conds, batch = rest[0], rest[1]
        seen = {name: batch[name] for name in KEPT if batch.get(name) is not None}
        seen |= {"noisy": noisy, "timesteps": steps, "predicted": predicted, "scale": self.vae_scale_factor}
        seen["condition"] = real_condition(self, args, batch, noisy) if "inpaint_shown" in batch else None
        seen["conds"] = conds
        STEPS.append(detached(seen))
        return predicted

    real_condition = Inpainting.condition
    Inpainting.call_unet = call_unet


def spy_on_loss() -> None:
    real = Accelerator.backward

    def backward(self: Any, loss: Any, *rest: Any, **more: Any) -> None:
        STEPS[-1]["loss"] = loss.detach().clone()
        real(self, loss, *rest, **more)

    Accelerator.backward = backward


def detached(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().clone()
    if isinstance(value, dict):
        return {key: detached(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [detached(item) for item in value]
    return value


def varied(dataset: Any) -> list[Any]:
    mask = dataset.mask(min(dataset.mask_paths))
    change = dataset.inpaint.change
    kinds = [Variant(kind, seed) for kind in ("own", "random", "full") for seed in range(4)]
    return [torch.from_numpy(vary(mask, change, variant).copy()) for variant in kinds]


def main(out: str, argv: list[str]) -> int:
    real = script._train
    kept: list[Any] = []

    def train(*rest: Any) -> None:
        from inpaint.trainer import Inpainting

        spy_on_unet()
        spy_on_loss()
        checked = Inpainting.assert_extra_args

        def assert_extra_args(self: Any, args: Any, group: Any, *more: Any) -> None:
            kept.extend(varied(group.datasets[0]))
            checked(self, args, group, *more)

        Inpainting.assert_extra_args = assert_extra_args
        real(*rest)

    script._train = train
    sys.argv = [sys.argv[0], *argv]
    code = script.main(argv)
    torch.save({"steps": STEPS, "varied": kept}, out)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
