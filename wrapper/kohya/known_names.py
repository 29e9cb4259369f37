"""Names that sd-scripts v0.10.1 takes as free text: optimizers, schedulers, network modules."""

from __future__ import annotations

_ADAM = ("betas", "eps", "weight_decay", "amsgrad")
_TORCH = ("maximize", "foreach", "capturable", "differentiable")
_EIGHT_BIT = ("min_8bit_size", "percentile_clipping", "block_wise")
_FREE = ("weight_decay", "r", "weight_lr_power", "foreach")
_SGD = ("momentum", "dampening", "weight_decay")

OPTIMIZERS: dict[str, tuple[str, ...] | None] = {
    "adamw": (*_ADAM, *_TORCH, "fused"),
    "adamw8bit": (*_ADAM, "optim_bits", "args", *_EIGHT_BIT, "is_paged"),
    "pagedadamw8bit": (*_ADAM, "optim_bits", "args", *_EIGHT_BIT),
    "pagedadamw": (*_ADAM, "optim_bits", "args", *_EIGHT_BIT),
    "pagedadamw32bit": (*_ADAM, "optim_bits", "args", *_EIGHT_BIT),
    "lion": ("betas", "weight_decay", "use_triton", "decoupled_weight_decay"),
    "lion8bit": ("betas", "weight_decay", "args", *_EIGHT_BIT, "is_paged"),
    "pagedlion8bit": ("betas", "weight_decay", "args", *_EIGHT_BIT),
    "sgdnesterov": (*_SGD, "maximize", "foreach", "differentiable", "fused"),
    "sgdnesterov8bit": (*_SGD, "args", *_EIGHT_BIT),
    "prodigy": (
        *("betas", "beta3", "eps", "weight_decay", "decouple", "use_bias_correction", "safeguard_warmup"),
        *("d0", "d_coef", "growth_rate", "fsdp_in_use", "slice_p"),
    ),
    "adafactor": (
        *("eps", "clip_threshold", "decay_rate", "beta1", "weight_decay", "scale_parameter"),
        *("relative_step", "warmup_init"),
    ),
    "adamwschedulefree": ("betas", "eps", "warmup_steps", *_FREE),
    "radamschedulefree": ("betas", "eps", "silent_sgd_phase", *_FREE),
    "sgdschedulefree": ("momentum", "warmup_steps", *_FREE),
    **dict.fromkeys(
        f"dadapt{name}"
        for name in ("ation", "adampreprint", "adagrad", "adam", "adan", "adanip", "lion", "sgd")
    ),
}
"""Names in any case, and what their arguments may be called; None where that is not known."""

TORCH_OPTIMIZERS = (
    *("Adam", "AdamW", "Adamax", "Adadelta", "Adagrad", "ASGD", "NAdam", "RAdam", "RMSprop", "Rprop", "SGD"),
)
"""The classes of ``torch.optim`` that train a LoRA; their case counts."""

SCHEDULERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("constant", "constant_with_warmup", "linear", "cosine_with_restarts", "inverse_sqrt", "adafactor"),
        ("last_epoch",),
    ),
    "cosine": ("num_cycles", "last_epoch"),
    "polynomial": ("lr_end", "last_epoch"),
    "cosine_with_min_lr": ("min_lr", "last_epoch"),
    "warmup_stable_decay": ("warmup_type", "decay_type", "last_epoch"),
    "piecewise_constant": ("step_rules", "last_epoch"),
}
"""Names of ``lr_scheduler``, and the arguments of each that are no options of their own."""

_CYCLIC = ("step_size_up", "step_size_down", "mode", "gamma", "scale_mode")
_MOMENTUM = ("cycle_momentum", "base_momentum", "max_momentum")
_ONE_CYCLE = ("total_steps", "epochs", "steps_per_epoch", "pct_start", "anneal_strategy", "div_factor")
TORCH_SCHEDULERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ChainedScheduler": (("schedulers",), ()),
    "ConstantLR": ((), ("factor", "total_iters")),
    "CosineAnnealingLR": (("T_max",), ("eta_min",)),
    "CosineAnnealingWarmRestarts": (("T_0",), ("T_mult", "eta_min")),
    "CyclicLR": (("base_lr", "max_lr"), (*_CYCLIC, *_MOMENTUM)),
    "ExponentialLR": (("gamma",), ()),
    "LambdaLR": (("lr_lambda",), ()),
    "LinearLR": ((), ("start_factor", "end_factor", "total_iters")),
    "MultiStepLR": (("milestones",), ("gamma",)),
    "MultiplicativeLR": (("lr_lambda",), ()),
    "OneCycleLR": (("max_lr",), (*_ONE_CYCLE, "final_div_factor", "three_phase", *_MOMENTUM)),
    "PolynomialLR": ((), ("total_iters", "power")),
    "SequentialLR": (("schedulers", "milestones"), ()),
    "StepLR": (("step_size",), ("gamma",)),
}
"""The classes of ``torch.optim.lr_scheduler``: the arguments that each needs, and others that it takes."""

_BLOCKS = ("block_dims", "block_alphas", "conv_block_dims", "conv_block_alphas", "block_lr_zero_threshold")
_WEIGHTS = ("down_lr_weight", "mid_lr_weight", "up_lr_weight")
_PLUS = ("loraplus_lr_ratio", "loraplus_unet_lr_ratio", "loraplus_text_encoder_lr_ratio")
_LORA = ("conv_dim", "conv_alpha", *_BLOCKS, *_WEIGHTS, "rank_dropout", "module_dropout")

NETWORKS: dict[str, tuple[str, ...]] = {
    "networks.lora": (*_LORA, *_PLUS),
    "networks.lora_fa": _LORA,
    "networks.dylora": ("conv_dim", "conv_alpha", "unit", *_PLUS),
    "networks.oft": ("enable_all_linear", "enable_conv"),
}
"""sd-scripts' network modules for SD and SDXL, and the ``network_args`` that each reads, ignoring others."""

NETWORK_NUMBERS = {
    **dict.fromkeys(("conv_dim", "unit"), int),
    **dict.fromkeys(
        ("conv_alpha", "rank_dropout", "module_dropout", "block_lr_zero_threshold", *_PLUS),
        float,
    ),
}
"""``network_args`` that are turned into a number."""

BLOCK_LISTS = ("block_dims", "block_alphas", "conv_block_dims", "conv_block_alphas")
BLOCKS = {"train_network": 25, "sdxl_train_network": 23}
"""How many numbers each of those lists has."""

MIDDLE = "mid_lr_weight"
BLOCK_WEIGHTS = {
    "train_network": {"down_lr_weight": 12, MIDDLE: 1, "up_lr_weight": 12},
    "sdxl_train_network": {"down_lr_weight": 9, MIDDLE: 3, "up_lr_weight": 9},
}
"""How many blocks each of these rates is for."""
CURVES = ("cosine", "sine", "linear", "reverse_linear", "zeros")
"""What may stand for the numbers of all blocks."""

OTHER_NETWORKS = (
    *("networks.lora_flux", "networks.lora_sd3", "networks.lora_lumina", "networks.lora_anima"),
    *("networks.lora_hunyuan_image", "networks.oft_flux", "networks.control_net_lllite"),
)
"""Modules of sd-scripts for other models."""
