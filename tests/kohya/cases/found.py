"""Cases that strangers' files brought up: each was once judged wrongly, or nearly."""

from __future__ import annotations

from tests.kohya.cases.case import Case

FOLDERS = {"train_data_dir": '"img"', "resolution": '"64,64"'}
PHOTOS = {"img/10_cat/a.png": (64, 64), "img/10_cat/a.txt": "a cat"}
BATCH_OF_TWO = '[[datasets]]\nresolution = 64\nbatch_size = 2\n[[datasets.subsets]]\nimage_dir = "photos"\n'


def network(id: str, trains: bool, arguments: str, said: str = "", **more: object) -> Case:
    return Case(f"network_args: {id}", trains, said, {"network_args": arguments}, **more)  # type: ignore[arg-type]


def folders(id: str, trains: bool, files: dict, said: str = "", silent: bool = False, **train: str) -> Case:
    return Case(id, trains, said, {**FOLDERS, **train}, None, files, photos=False, silent=silent)


CASES = [
    network("curves", True, '["down_lr_weight=cosine+.25", "up_lr_weight=sine"]'),
    network("no such curve", False, '["down_lr_weight=cosinus"]', "down_lr_weight must be 12 numbers, or"),
    network("one number for all blocks", False, '["up_lr_weight=0.5"]', "up_lr_weight must be 12 numbers"),
    network("a curve in the middle", False, '["mid_lr_weight=cosine"]', "mid_lr_weight must be numbers"),
    network("fewer rates than blocks", True, '["down_lr_weight=0,0,0"]'),
    network(
        "more rates than blocks",
        False,
        '["down_lr_weight=1,1,1,1,1,1,1,1,1,1,1,1,1"]',
        "only the first 12 numbers of down_lr_weight are used",
        silent=False,
    ),
    network("twice", False, '["conv_dim=2", "conv_dim=4"]', "conv_dim is given more than once", silent=True),
    network("all modules dropped", False, '["module_dropout=1.0"]', "drops everything", silent=True),
    network("all ranks dropped", False, '["rank_dropout=1.0"]', "drops everything"),
    Case("all of the network dropped", False, "drops everything", {"network_dropout": "1.0"}, silent=True),
    Case(
        "optimizer_args: twice",
        False,
        "weight_decay is given more than once",
        {"optimizer_args": '["weight_decay=0.1", "weight_decay=0.2"]'},
        silent=True,
    ),
    Case(
        "a torch scheduler without what it needs",
        False,
        "'lr_scheduler_type' = 'CosineAnnealingLR' needs T_max",
        {"lr_scheduler_type": '"CosineAnnealingLR"'},
    ),
    Case(
        "a torch scheduler with what it needs",
        True,
        train={"lr_scheduler_type": '"CosineAnnealingLR"', "lr_scheduler_args": '["T_max=2"]'},
    ),
    Case(
        "a torch scheduler with another's argument",
        False,
        "there is no argument 'gamma'",
        {"lr_scheduler_type": '"CosineAnnealingLR"', "lr_scheduler_args": '["T_max=2", "gamma=0.1"]'},
    ),
    Case(
        "a rate for a second text encoder that SD 1.5 lacks",
        False,
        "of 'text_encoder_lr' the first 1 of 2 rates are used",
        {"text_encoder_lr": "[1e-5, 2e-5]"},
        silent=True,
    ),
    Case("two equal rates for one text encoder", True, "", {"text_encoder_lr": "[1e-5, 1e-5]"}),
    Case(
        "a rate for each text encoder",
        True,
        "",
        {"text_encoder_lr": "[1e-5, 2e-5]"},
        script="sdxl_train_network",
    ),
    Case(
        "no prompts to sample",
        False,
        "there is no prompt in p.txt",
        {"sample_prompts": '"p.txt"', "sample_at_first": "true"},
        files={"p.txt": "# a cat\n\n"},
        silent=True,
    ),
    Case("too few images to hold any out", True, "", {"validation_split": "0.1"}),
    Case("clip_skip over all layers", False, "'clip_skip' must be 13 or less", {"clip_skip": "14"}),
    Case("clip_skip over all layers, SDXL", True, "", {"clip_skip": "14"}, script="sdxl_train_network"),
    Case("a folder in output_name", False, "'output_name' has a folder", {"output_name": '"new/x"'}),
    Case("a folder in output_name that is there", True, "", {"output_name": '"a/x"'}, files={"out/a": None}),
    Case("batch_size over the usual train_batch_size", True, "", {"train_batch_size": "1"}, BATCH_OF_TWO),
    Case(
        "batch_size over another train_batch_size",
        False,
        "'train_batch_size' is never used",
        {"train_batch_size": "4"},
        BATCH_OF_TWO,
        silent=True,
    ),
    Case("every caption dropped, as asked", True, "", {"caption_dropout_rate": "1.0"}),
    folders("a notebook's hidden folder", True, {**PHOTOS, "img/.ipynb_checkpoints/a.png": (64, 64)}),
    folders(
        "caption with its suffix twice",
        False,
        {"img/10_cat/a.png": (64, 64), "img/10_cat/a.txt.txt": "a cat"},
        "Rename a.txt.txt",
        silent=True,
    ),
    folders(
        "caption with the image's suffix too",
        False,
        {"img/10_cat/a.png": (64, 64), "img/10_cat/a.png.txt": "a cat"},
        "Rename a.png.txt",
        silent=True,
    ),
    Case("byte order mark", False, "byte order mark", raw="\ufeff[a]\nseed = 1\n"),
    Case("curly quotes", False, "straight quotes", {"output_name": "“x”"}),
    Case("True", False, "Write true.", {"lowram": "True"}),
    Case("text without quotes", False, 'Write text between quotes: "AdamW"', {"optimizer_type": "AdamW"}),
    Case("a number with a comma", False, "Write 0.1.", {"noise_offset": "0,1"}),
    Case("backslashes", False, "with / instead of \\", {"logging_dir": '"C:\\logs"'}),
    Case("None", False, "Leave the key out", {"vae": "None"}),
    Case("a table twice", False, "[a]", raw="[a]\nseed = 1\n[a]\nlowram = true\n"),
]
