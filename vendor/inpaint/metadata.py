"""What a LoRA file says beyond sd-scripts' own metadata: that it is for inpainting, and how masks varied."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from inpaint.options import Options

HINT = "Made for an inpainting base model (9 channels): mask and masked image beside the latents."
SCRIPT = "sd-scripts train_network_inpaint"


def facts(options: Options, masked_loss: bool, datasets: Sequence[Any]) -> dict[str, str]:
    """``ss_*`` values that A1111's and Forge's tabs look for beside those of sd-scripts."""
    first = datasets[0]
    about = {name: value for name, value in asdict(options).items() if name != "metadata_tag_frequency"}
    return {
        "ss_trainer": SCRIPT,
        "ss_masked_loss": str(masked_loss),
        **{f"ss_{name}": str(value) for name, value in about.items()},
        "ss_resolution": str((first.width, first.height)),
        "ss_enable_bucket": str(bool(first.enable_bucket)),
        "ss_batch_size_per_device": str(first.batch_size),
        "ss_bucket_info": json.dumps({"buckets": buckets(datasets)}),
    }


def buckets(datasets: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """Images (repeats counted) by bucket, of all datasets."""
    counts: dict[tuple[int, int], int] = {}
    for dataset in datasets:
        for info in dataset.image_data.values():
            size = (int(info.bucket_reso[0]), int(info.bucket_reso[1]))
            counts[size] = counts.get(size, 0) + info.num_repeats
    return {
        str(number): {"resolution": list(size), "count": count}
        for number, (size, count) in enumerate(sorted(counts.items()))
    }


def with_inpainting(
    model_spec: Callable[..., Mapping[str, str]], more: Callable[[], Mapping[str, str]]
) -> Callable[..., dict[str, str]]:
    """sd-scripts' maker of ``modelspec.*``, called whenever a file is saved, and what we add to it.

    The architecture stays that of a plain LoRA, which Forge looks at.
    """

    def make(state_dict: Any, args: Any, *rest: Any, **values: Any) -> dict[str, str]:
        spec = dict(model_spec(state_dict, args, *rest, **values))
        spec.setdefault("modelspec.tags", "inpainting")
        spec.setdefault("modelspec.usage_hint", HINT)
        return spec if args.no_metadata else {**spec, **more()}

    return make
