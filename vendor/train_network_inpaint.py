"""Trains a LoRA on an inpainting base with sd-scripts: ``train_network.py`` with a mask beside every picture.

    accelerate launch train_network_inpaint.py --config_file TRAIN.toml --dataset_config DATASET.toml

Runs in sd-scripts' environment, on its trainer; ``LORAWRAP_SD_SCRIPTS`` or ``--sd_scripts`` names its folder.
SD 1.5 or SDXL is told from the base. Every option of ``train_network.py`` (``sdxl_train_network.py``) is one
here, and so are those of ``inpaint/options.py``. Masks are the pictures of each subset's
``conditioning_data_dir``, white where it is repainted. Exit code 2: wrong input, told in one sentence.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from inpaint.base import SEEN, BaseModel, inspect
from inpaint.checkout import add_to_path
from inpaint.options import add_arguments, dataset_problems, take, unknown_keys
from inpaint.refusal import RefusedError, refuse_all


def main(argv: Sequence[str]) -> int:
    try:
        run(argv)
    except RefusedError as refusal:
        print(f"error: {refusal}", file=sys.stderr, flush=True)
        return 2
    return 0


def run(argv: Sequence[str]) -> None:
    checkout = add_to_path(argv)
    base = _base(argv)
    script = _script(base)
    trainer_class = script.SdxlNetworkTrainer if base.sdxl else script.NetworkTrainer
    _check_hooks(trainer_class, base, checkout)
    args = _arguments(script)
    options = take(args)
    _train(trainer_class, base, args, options)


def _base(argv: Sequence[str]) -> BaseModel:
    """What the command line, or the config file that it names, trains on."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config_file")
    parser.add_argument("--pretrained_model_name_or_path")
    parser.add_argument("--sdxl", action="store_true")
    known, _ = parser.parse_known_args(list(argv))
    config = _read_config(known.config_file)
    name = known.pretrained_model_name_or_path or config.get("pretrained_model_name_or_path")
    if not name:
        raise RefusedError("'pretrained_model_name_or_path' is missing: the base to train on.")
    base = inspect(name, True if known.sdxl or config.get("sdxl") else None)
    if base.channels not in (4, SEEN):
        raise RefusedError(f"{name}: its U-Net has {base.channels} input channels, neither {SEEN} nor 4.")
    if base.channels < SEEN:
        print(
            f"warning: {name} is no inpainting base: it is widened with zeros, so its U-Net sees neither "
            "mask nor masked image; set masked_loss, or train on an inpainting base",
            flush=True,
        )
    return base


def _read_config(name: str | None) -> dict[str, Any]:
    """The config file's keys, sections flattened as sd-scripts does."""
    if not name:
        return {}
    import toml

    path = Path(name if name.endswith(".toml") else f"{name}.toml")
    try:
        tables = toml.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RefusedError(f"{path}: cannot be read as TOML ({error}).") from error
    flat: dict[str, Any] = {}
    for key, value in tables.items():
        flat |= value if isinstance(value, dict) else {key: value}
    return flat


def _script(base: BaseModel) -> ModuleType:
    """sd-scripts' own training script for this family, as a module."""
    import train_network

    if not base.sdxl:
        return train_network
    import sdxl_train_network

    return sdxl_train_network


def _unet_module(base: BaseModel) -> ModuleType:
    from library import original_unet, sdxl_original_unet

    return sdxl_original_unet if base.sdxl else original_unet


def _check_hooks(trainer_class: type, base: BaseModel, checkout: Path) -> None:
    from inpaint.hooks import check_hooks
    from library import config_util, train_util

    check_hooks(trainer_class, (train_util, config_util), _unet_module(base), str(checkout))


def _arguments(script: ModuleType) -> argparse.Namespace:
    """Parsed and read by sd-scripts' own functions; keys that it would ignore in silence are refused."""
    from library import train_util

    parser = script.setup_parser()
    add_arguments(parser)
    args = parser.parse_args()
    known = {action.dest for action in parser._actions}
    unknown = unknown_keys(_read_config(args.config_file), known)
    refuse_all([f"{args.config_file}: '{key}' is not an option of this script" for key in unknown])
    train_util.verify_command_line_training_args(args)
    return train_util.read_config_from_file(args, parser)


def _train(trainer_class: type, base: BaseModel, args: argparse.Namespace, options: Any) -> None:
    from inpaint.cache import default_folder
    from inpaint.dataset import InpaintDataset
    from inpaint.metadata import facts, with_inpainting
    from inpaint.prompts import read_prompts
    from inpaint.rows import Keep
    from inpaint.trainer import Inpainting
    from library import config_util, train_util

    config = config_util.load_user_config(args.dataset_config)
    refuse_all(dataset_problems(config, Path(args.dataset_config)))
    if args.sample_prompts:
        read_prompts(Path(args.sample_prompts), train_util.line_to_prompt_dict)
    InpaintDataset.options, InpaintDataset.masked_loss = options, args.masked_loss
    folder = default_folder() if args.cache_latents and args.cache_latents_to_disk else None
    InpaintDataset.keep = Keep(folder, args.vae_batch_size or 1)
    config_util.ControlNetDataset = InpaintDataset

    trainer = type("InpaintTrainer", (Inpainting, trainer_class), {})()
    trainer.base, trainer.unet_module = base, _unet_module(base)
    trainer.masked_loss, trainer.dataset_class = args.masked_loss, InpaintDataset
    train_util.get_sai_model_spec = with_inpainting(
        train_util.get_sai_model_spec, lambda: facts(options, trainer.masked_loss, trainer.scenes)
    )
    args.masked_loss = True  # opens sd-scripts' schema for masks; assert_extra_args sets it back
    trainer.train(args)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
