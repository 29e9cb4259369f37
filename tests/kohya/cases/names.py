"""Optimizers, schedules and network modules."""

from __future__ import annotations

from dataclasses import replace

from tests.kohya.cases.case import Case


def optimizer(name: str, trains: bool, said: str = "", *, arguments: str = "[]", **more: str) -> Case:
    train = {"optimizer_type": f'"{name}"', "optimizer_args": arguments, **more}
    return Case(f"optimizer {name} {arguments} {' '.join(more.values())}", trains, said, train)


OPTIMIZERS = [
    *(optimizer(name, True) for name in ("", "AdamW", "adamw", "Lion", "lion", "SGDNesterov", "Adam")),
    *(optimizer(name, True) for name in ("NAdam", "RMSprop", "torch.optim.AdamW", "AdamW8Bit", "AdamW8bit")),
    *(optimizer(name, True) for name in ("PagedAdamW8bit", "Prodigy", "AdamWScheduleFree")),
    *(optimizer(name, False, "there is no optimizer") for name in ("AdamX", "adam", "sgd", "AdEMAMix8bit")),
    optimizer("prodigyplus.ProdigyPlusScheduleFree", True),
    optimizer("nothere.Adam", True),
    optimizer("AdamW", True, arguments='["weight_decay=0.1", "betas=[0.9,0.99]"]'),
    optimizer("AdamW", True, arguments='["betas=0.9,0.99"]'),
    optimizer("AdamW", False, "no argument 'weight_decy'", arguments='["weight_decy=0.1"]'),
    optimizer("AdamW", False, "no argument 'lr'", arguments='["lr=0.1"]'),
    optimizer("AdamW", False, "must have one '='", arguments='["weight_decay"]'),
    optimizer("AdamW", False, "must have one '='", arguments='["weight_decay==0.1"]'),
    optimizer("AdamW", False, "no Python value", arguments='["amsgrad=true"]'),
    optimizer("AdamW", True, arguments='["amsgrad=True"]'),
    optimizer("AdamW", False, "must have one '='", arguments='["weight_decay=0.1 eps=1e-8", "a"]'),
    optimizer("Adafactor", False, "'lr_scheduler' is ignored", lr_scheduler='"cosine"'),
    optimizer("Adafactor", True, lr_scheduler='"adafactor"'),
    optimizer("Adafactor", True),
    optimizer("Adafactor", False, "'unet_lr' is ignored", unet_lr="1e-4"),
    optimizer("Adafactor", False, "'lr_warmup_steps' fails", lr_warmup_steps="1"),
    optimizer("Adafactor", True, arguments='["relative_step=False", "scale_parameter=False"]'),
    optimizer(
        "Adafactor",
        True,
        arguments='["relative_step=False", "scale_parameter=False", "warmup_init=False"]',
        lr_scheduler='"constant_with_warmup"',
        lr_warmup_steps="1",
    ),
    optimizer("AdamWScheduleFree", False, "'lr_scheduler' is ignored", lr_scheduler='"cosine"'),
    optimizer("AdamWScheduleFree", False, "'lr_warmup_steps' is ignored", lr_warmup_steps="1"),
    optimizer("AdamW", False, "exclude each other", use_8bit_adam="true"),
    optimizer("Prodigy", False, "must be the same", learning_rate="1.0", text_encoder_lr="0.5"),
    optimizer("Prodigy", True, learning_rate="1.0", unet_lr="1.0"),
    optimizer("Prodigy", True, learning_rate="1.0", text_encoder_lr="0.5", network_train_unet_only="true"),
]


def schedule(id: str, trains: bool, said: str = "", **train: str) -> Case:
    return Case(f"schedule {id}", trains, said, train)


SCHEDULES = [
    *(
        schedule(name, True, lr_scheduler=f'"{name}"')
        for name in (
            *("constant", "linear", "cosine", "cosine_with_restarts", "polynomial", "constant_with_warmup"),
            *("inverse_sqrt", "warmup_stable_decay"),
        )
    ),
    schedule("cosin", False, "Did you mean 'cosine'", lr_scheduler='"cosin"'),
    schedule("plateau", False, "there is no scheduler", lr_scheduler='"reduce_lr_on_plateau"'),
    schedule("Cosine", False, "there is no scheduler", lr_scheduler='"Cosine"'),
    schedule("constant, warm-up", False, "'lr_warmup_steps' fails", lr_warmup_steps="1"),
    schedule("constant, warm-up by share", True, lr_warmup_steps="0.1"),
    schedule("constant, half of it warm-up", False, "'lr_warmup_steps' fails", lr_warmup_steps="0.5"),
    schedule("cosine, share", True, lr_scheduler='"cosine"', lr_warmup_steps="0.5"),
    schedule(
        "least rate missing", False, "needs 'lr_scheduler_min_lr_ratio'", lr_scheduler='"cosine_with_min_lr"'
    ),
    schedule("least rate", True, lr_scheduler='"cosine_with_min_lr"', lr_scheduler_min_lr_ratio="0.1"),
    schedule("adafactor without it", False, "needs 'optimizer_type'", lr_scheduler='"adafactor"'),
    schedule("of torch", True, lr_scheduler_type='"CosineAnnealingLR"', lr_scheduler_args='["T_max=10"]'),
    schedule("of torch by path", True, lr_scheduler_type='"torch.optim.lr_scheduler.ConstantLR"'),
    schedule("of nobody", False, "there is no scheduler", lr_scheduler_type='"CosineAnnealing"'),
    schedule(
        "of torch with warm-up",
        False,
        "'lr_warmup_steps' fails",
        lr_scheduler_type='"ConstantLR"',
        lr_warmup_steps="1",
    ),
    schedule("arguments", True, lr_scheduler='"cosine"', lr_scheduler_args='["num_cycles=0.5"]'),
    schedule(
        "wrong arguments", False, "no argument", lr_scheduler='"cosine"', lr_scheduler_args='["cycles=1"]'
    ),
    schedule(
        "piecewise", True, lr_scheduler='"piecewise_constant"', lr_scheduler_args="[\"step_rules='1:1,0.1'\"]"
    ),
    schedule("piecewise without rules", False, "needs step_rules", lr_scheduler='"piecewise_constant"'),
]


def network(module: str, trains: bool, said: str = "", arguments: str = "[]", **more: str) -> Case:
    train = {"network_module": f'"{module}"', "network_args": arguments, **more}
    return Case(f"network {module} {arguments}", trains, said, train)


NETWORKS = [
    network("networks.lora_fa", True),
    network("networks.dylora", True, arguments='["unit=1"]'),
    network("networks.oft", True, network_alpha="1e-3"),
    network("networks.lora", True, arguments='["conv_dim=2", "conv_alpha=1"]'),
    network("networks.lora", True, arguments='["loraplus_lr_ratio=4"]'),
    network("networks.lora", True, arguments='["rank_dropout=0.1", "module_dropout=0.1"]'),
    network("networks.lora", False, "ignores 'conv_dm'", '["conv_dm=2"]'),
    network("networks.lora", False, "ignores 'dropout'", '["dropout=0.1"]'),
    network("networks.lora", False, "no 'name=value'", '["conv_dim"]'),
    network("networks.lora", False, "must be a number", '["conv_dim=two"]'),
    network("networks.lora", False, "ignores 'conv_dim '", '["conv_dim = 2"]'),
    network("networks.loar", False, "Did you mean 'networks.lora'?"),
    network("networks.lora_flux", False, "another family"),
    network("networks.lora", False, "block_dims must have 25 numbers", '["block_dims=2,2,2"]'),
    network("networks.lora", True, arguments=f'["block_dims={",".join("2" * 25)}"]'),
    network("networks.dylora", False, "unit 3 must divide network_dim 2", '["unit=3"]'),
    network("network.lora", False, "Did you mean 'networks.lora'?"),
    network("lycoris.kohya", True, arguments='["algo=loha", "conv_dim=4"]'),
]
IGNORED = ("ignores", "is ignored")
NOT_THERE = ("nothere.Adam", "lycoris.kohya")
CASES = [
    replace(
        case,
        silent=any(word in case.said for word in IGNORED),
        not_asked=any(name in case.id for name in NOT_THERE),
    )
    for case in (*OPTIMIZERS, *SCHEDULES, *NETWORKS)
]
