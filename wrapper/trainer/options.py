"""Every Kohya key that the embedded trainer honours, with its type, range and default.

Names, types and defaults are those of sd-scripts v0.10.1; `EXTENSIONS` are our own. Nothing is ignored: a key
outside these tables is refused by name.
"""

from __future__ import annotations

from wrapper.trainer.option import Option, Value

SCRIPTS = ("train_network", "sdxl_train_network", "train_network_inpaint")
SCHEDULERS = (
    "constant",
    "constant_with_warmup",
    "linear",
    "cosine",
    "cosine_with_restarts",
    "polynomial",
)
OPTIMIZERS = ("", "AdamW", "adamw", "AdamW8bit", "adamw8bit")
SAMPLERS = ("ddim", "lms", "k_lms", "euler", "k_euler", "euler_a", "k_euler_a", "heun", "dpmsolver++")
EXTENSIONS = (
    "masked_loss_normalize",
    "metadata_tag_frequency",
    "mask_jitter_px",
    "mask_dilate_px",
    "full_mask_share",
    "random_mask_share",
    "mask_variants",
)


def _off(name: str, reason: str) -> Option:
    """A flag that may only be off: the embedded trainer refuses to be told otherwise."""
    return Option(
        name, "bool", False, choices=(False,), refusal=f"is not supported by the embedded trainer: {reason}"
    )


def _table(*options: Option) -> dict[str, Option]:
    return {option.name: option for option in options}


_EVERYWHERE = ("general", "datasets", "subsets")
_DATASET = ("general", "datasets")
_SUBSET = ("subsets",)


def _data(
    name: str, type_: str, default: Value, levels: tuple[str, ...], help: str, **more: object
) -> Option:
    return Option(name, type_, default, help, levels=levels, **more)  # type: ignore[arg-type]


DATASET_OPTIONS = _table(
    _data("image_dir", "str", None, _SUBSET, "folder of images"),
    _data("conditioning_data_dir", "str", None, _SUBSET, "folder of masks, same names; white is repainted"),
    _data("is_reg", "bool", False, _SUBSET, "regularisation images (prior preservation)"),
    _data("class_tokens", "str", None, _EVERYWHERE, "caption of images without a caption file"),
    _data("caption_extension", "str", ".caption", _EVERYWHERE, "such as .txt"),
    _data("num_repeats", "int", 1, _EVERYWHERE, "times an image is seen in an epoch", minimum=1),
    _data("shuffle_caption", "bool", False, _EVERYWHERE, "shuffle the caption's comma-separated tags"),
    _data("caption_separator", "str", ",", _EVERYWHERE, "between tags"),
    _data("keep_tokens", "int", 0, _EVERYWHERE, "leading tags that stay in place", minimum=0),
    _data("caption_prefix", "str", None, _EVERYWHERE, "put before every caption"),
    _data("caption_suffix", "str", None, _EVERYWHERE, "put after every caption"),
    _data("caption_dropout_rate", "float", 0.0, _EVERYWHERE, "share of empty captions", minimum=0, maximum=1),
    _data("caption_dropout_every_n_epochs", "int", 0, _EVERYWHERE, "an epoch without captions", minimum=0),
    _data(
        "caption_tag_dropout_rate", "float", 0.0, _EVERYWHERE, "share of tags left out", minimum=0, maximum=1
    ),
    _data("flip_aug", "bool", False, _EVERYWHERE, "mirror half of the time, mask included"),
    _data("random_crop", "bool", False, _EVERYWHERE, "crop at random instead of at the centre"),
    _data("resolution", "size", None, _DATASET, "width and height in pixels"),
    _data("batch_size", "int", 1, _DATASET, "images a step", minimum=1),
    _data("enable_bucket", "bool", False, _DATASET, "aspect-ratio buckets"),
    _data("min_bucket_reso", "int", 256, _DATASET, "shortest side of a bucket, px", minimum=8),
    _data("max_bucket_reso", "int", 1024, _DATASET, "longest side of a bucket, px", minimum=8),
    _data("bucket_reso_steps", "int", 64, _DATASET, "buckets are multiples of it, px", minimum=8),
    _data("bucket_no_upscale", "bool", False, _DATASET, "never enlarge an image"),
    *(
        _data(name, "bool", False, _EVERYWHERE, "", choices=(False,), refusal=f"is not supported: {reason}")
        for name, reason in {
            "color_aug": "re-lit copies belong to the dataset, made when it is built",
            "enable_wildcard": "write the captions out",
            "cache_info": "images are always read again",
        }.items()
    ),
    _data(
        "alpha_mask",
        "bool",
        False,
        _SUBSET,
        "",
        choices=(False,),
        refusal="is not supported: use mask images",
    ),
)
"""Keys of ``--dataset_config``, and the tables where each may stand."""

_MODEL = _table(
    Option("pretrained_model_name_or_path", "str", help="diffusers folder or one .safetensors file"),
    Option("vae", "str", help="diffusers folder of another VAE"),
    Option("tokenizer_cache_dir", "str", help="folder with CLIP's tokenizer, for single-file models"),
    Option("clip_skip", "int", help="which text encoder layer is used, counted from the end", minimum=1),
    Option(
        "network_module",
        "str",
        "networks.lora",
        "plain LoRA, on convolutions too where network_args says so",
        choices=("networks.lora",),
    ),
    Option("network_dim", "int", 4, "rank", minimum=1),
    Option("network_alpha", "float", 1.0, "the update is scaled by alpha / rank", minimum=1e-6),
    Option("network_dropout", "float", help="dropout between down and up", minimum=0, maximum=0.999),
    Option("network_args", "strs", help="conv_dim=8, conv_alpha=4"),
    Option("network_weights", "str", help="a LoRA to start from"),
    Option("dim_from_weights", "bool", False, "rank and alpha as in network_weights"),
    Option("network_train_unet_only", "bool", False, "the text encoder keeps its weights"),
    Option("network_train_text_encoder_only", "bool", False, "the U-Net keeps its weights"),
)
_OPTIMIZER = _table(
    Option("optimizer_type", "str", "", "empty is AdamW", choices=OPTIMIZERS),
    Option("use_8bit_adam", "bool", False, "the same as optimizer_type = AdamW8bit"),
    Option("optimizer_args", "strs", help="weight_decay=0.01, betas=0.9,0.999, eps=1e-8"),
    Option("learning_rate", "float", 2e-6, "of whatever has no rate of its own", minimum=0),
    Option("unet_lr", "float", help="of the U-Net", minimum=0),
    Option("text_encoder_lr", "floats", help="of the text encoders; 0 leaves them as they are", minimum=0),
    Option("max_grad_norm", "float", 1.0, "0 for none", minimum=0),
    Option("lr_scheduler", "str", "constant", "how the rates change over the run", choices=SCHEDULERS),
    Option("lr_warmup_steps", "float", 0, "steps, or a share of all steps when under 1", minimum=0),
    Option("lr_scheduler_num_cycles", "int", 1, "of cosine_with_restarts", minimum=1),
    Option("lr_scheduler_power", "float", 1.0, "of polynomial", minimum=0),
)
_TRAINING = _table(
    Option("dataset_config", "str", help="the dataset's TOML"),
    Option("train_batch_size", "int", 1, "images a step where the dataset says nothing", minimum=1),
    Option("max_train_steps", "int", 1600, "the run's length", minimum=1),
    Option("max_train_epochs", "int", help="beats max_train_steps", minimum=1),
    Option("seed", "int", help="of noise, timesteps, order and captions", minimum=0, maximum=2**32 - 1),
    Option("gradient_checkpointing", "bool", False, "less memory, more time"),
    Option("gradient_accumulation_steps", "int", 1, "batches that make one step", minimum=1),
    Option("mixed_precision", "str", "no", "what is computed in 16 bits", choices=("no", "fp16", "bf16")),
    Option("no_half_vae", "bool", False, "the VAE stays in 32 bits"),
    Option("xformers", "bool", False, "attention by xFormers"),
    Option("sdpa", "bool", False, "attention by torch"),
    Option("max_data_loader_n_workers", "int", 8, "an upper limit: none are needed", minimum=0),
    Option("cache_latents", "bool", False, "each picture is encoded once, before training"),
    Option("cache_latents_to_disk", "bool", False, "and that is kept for later runs"),
    Option("vae_batch_size", "int", 1, "pictures encoded at once", minimum=1),
    Option("cache_text_encoder_outputs", "bool", False, "each caption is encoded once"),
    Option("cache_text_encoder_outputs_to_disk", "bool", False, "and that is kept for later runs"),
    Option(
        "max_token_length",
        "int",
        75,
        "tokens of a caption that are read",
        choices=(75,),
        refusal="longer captions are not supported",
    ),
)
_LOSS = _table(
    Option("prior_loss_weight", "float", 1.0, "weight of regularisation images", minimum=0),
    Option("min_snr_gamma", "float", help="Hang et al. 2023", minimum=0),
    Option(
        "noise_offset",
        "float",
        help="a constant for each channel added to the noise, for darker and lighter pictures",
        minimum=0,
    ),
    Option("noise_offset_random_strength", "bool", False, "between 0 and noise_offset"),
    Option("min_timestep", "int", help="the least that is trained on", minimum=0, maximum=999),
    Option("max_timestep", "int", help="where those that are trained on end", minimum=1, maximum=1000),
    Option("loss_type", "str", "l2", "squared error", choices=("l2",)),
    Option("masked_loss", "bool", False, "the loss counts under the mask only"),
    Option("masked_loss_normalize", "bool", False, "and is divided by the mask's share of the picture"),
)
_MASKS = _table(
    Option("mask_jitter_px", "int", 0, "move the mask at random, at most so far each way", minimum=0),
    Option("mask_dilate_px", "int", 0, "grow the mask at random, at most so far", minimum=0),
    Option("full_mask_share", "float", 0.0, "share of masks white all over", minimum=0, maximum=1),
    Option("random_mask_share", "float", 0.0, "share of masks drawn at random", minimum=0, maximum=1),
    Option("mask_variants", "int", 8, "different masks of a picture that a cache keeps", minimum=1),
)
"""Lengths are pixels of the training size; both engines know these."""
_SAVING = _table(
    Option("output_dir", "str", help="folder for LoRAs and states"),
    Option("output_name", "str", help="their name"),
    Option("save_model_as", "str", "safetensors", "the only form", choices=("safetensors",)),
    Option("save_precision", "str", help="of the file", choices=("float", "fp16", "bf16")),
    Option("save_every_n_epochs", "int", help="a checkpoint each time", minimum=1),
    Option("save_every_n_steps", "int", help="a checkpoint each time", minimum=1),
    Option("save_last_n_epochs", "int", help="older checkpoints are removed", minimum=1),
    Option("save_last_n_epochs_state", "int", help="older states are removed", minimum=1),
    Option("save_state", "bool", False, "with each checkpoint, all that --resume needs"),
    Option("save_state_on_train_end", "bool", False, "a state at the end alone"),
    Option("resume", "str", help="a state folder: training goes on to the planned total"),
    Option(
        "skip_until_initial_step",
        "bool",
        True,
        choices=(True,),
        refusal="must be true: a resumed run always goes on to the planned total",
    ),
    Option("no_metadata", "bool", False, "the file says nothing of its training"),
    Option("training_comment", "str", help="a text for the file's metadata"),
    *(
        Option(f"metadata_{key}", "str", help="for the file's metadata")
        for key in ("title", "author", "description", "license", "tags", "usage_hint", "trigger_phrase")
    ),
    Option("metadata_tag_frequency", "bool", False, "write captions' tags into the file"),
)
_LOGGING = _table(
    Option("logging_dir", "str", help="folder for TensorBoard"),
    Option("log_with", "str", help="the loss curve", choices=("tensorboard",)),
    Option("log_prefix", "str", help="of the folder's name"),
    Option("log_tracker_name", "str", help="of the curve"),
    Option("console_log_simple", "bool", True, "one line a message"),
    Option("sample_prompts", "str", help="a text file, one prompt a line: prompt --n negative --s 20 --d 1"),
    Option("sample_every_n_epochs", "int", help="pictures on the way", minimum=1),
    Option("sample_every_n_steps", "int", help="pictures on the way", minimum=1),
    Option("sample_at_first", "bool", False, "also before the first step"),
    Option("sample_sampler", "str", "ddim", "how they are drawn", choices=SAMPLERS),
)
_OFF = _table(
    _off("v2", "Stable Diffusion 2 is another model family"),
    _off("v_parameterization", "v-prediction models are another model family"),
    _off("full_fp16", "LoRA weights stay in float32"),
    _off("full_bf16", "LoRA weights stay in float32"),
    _off("fp8_base", "the base stays in the mixed precision"),
    _off("fp8_base_unet", "the base stays in the mixed precision"),
    _off("mem_eff_attn", "use sdpa"),
    _off("torch_compile", "shapes change with the buckets"),
    _off("lowram", "models are loaded once, in order"),
    _off("highvram", "models are moved when they are needed"),
    _off("persistent_data_loader_workers", "there are no workers to keep"),
    _off("skip_cache_check", "cache keys are made of contents"),
    _off("zero_terminal_snr", "the base's own noise schedule is used"),
    _off("debiased_estimation_loss", "use min_snr_gamma"),
    _off("weighted_captions", "captions are plain text"),
    _off("deepspeed", "one device is used"),
    _off("ip_noise_gamma_random_strength", "ip_noise_gamma is not supported"),
    _off("use_lion_optimizer", "use AdamW or AdamW8bit"),
    _off("fused_backward_pass", "use gradient_checkpointing to save memory"),
    _off("cpu_offload_checkpointing", "use gradient_checkpointing"),
    _off("debug_dataset", "use `lorawrap check`"),
    _off("log_config", "the run record keeps the configuration"),
)
REFUSED = {
    "train_data_dir": "name the folders in a dataset_config",
    "reg_data_dir": "name the folders in a dataset_config",
    "in_json": "captions are read from files",
    "base_weights": "start from network_weights",
    "scale_weight_norms": "use network_dropout",
    "lr_decay_steps": "the schedules of diffusers have none",
    "lr_scheduler_type": "use lr_scheduler",
    "lr_scheduler_args": "use lr_scheduler_num_cycles and lr_scheduler_power",
    "multires_noise_iterations": "use noise_offset",
    "multires_noise_discount": "use noise_offset",
    "ip_noise_gamma": "use noise_offset",
    "adaptive_noise_scale": "use noise_offset",
    "validation_split": "held-out images are scored by `lorawrap evaluate`",
    "face_crop_aug_range": "images are cropped when the dataset is built",
    "initial_epoch": "use resume",
    "initial_step": "use resume",
    "huggingface_repo_id": "nothing is uploaded",
    "wandb_api_key": "use TensorBoard",
    "keep_tokens_separator": "use keep_tokens",
    "secondary_separator": "use caption_separator",
    "token_warmup_min": "every tag is used from the first step",
    "token_warmup_step": "every tag is used from the first step",
}
"""Well-known keys of sd-scripts that are refused, and what to do instead."""

_DATASET_DEFAULTS = {
    name: Option(
        name, option.type, None, option.help, option.choices, option.minimum, option.maximum, option.refusal
    )
    for name, option in DATASET_OPTIONS.items()
    if "general" in option.levels and name not in ("batch_size", "num_repeats", "class_tokens")
}
"""Dataset keys that the training TOML may set where the dataset's TOML says nothing, as in sd-scripts."""

TRAIN_OPTIONS: dict[str, Option] = {
    **_MODEL,
    **_OPTIMIZER,
    **_TRAINING,
    **_LOSS,
    **_MASKS,
    **_SAVING,
    **_LOGGING,
    **_OFF,
    **_DATASET_DEFAULTS,
}
"""Keys of ``--config_file``, also ``--key value`` on the command line."""
