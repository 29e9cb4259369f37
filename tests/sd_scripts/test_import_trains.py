"""A run of sd-scripts, taken over by ``lorawrap init --from``, makes the same LoRA to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from safetensors import safe_open

from tests.sd_scripts.harness import Base, Scripts
from tests.sd_scripts.projects import lorawrap

ROWS = ("--subject", "Анна", "--consent", "paper 2026-11", "--age", "26-30")
TRAIN = """
[model_arguments]
pretrained_model_name_or_path = '{base}'
tokenizer_cache_dir = '{tokenizers}'
[training_arguments]
train_data_dir = "{photos}"
caption_extension = ".txt"
resolution = "64,64"
network_module = "networks.lora"
network_dim = 2
network_alpha = 1
learning_rate = 1e-3
max_train_epochs = 2
max_data_loader_n_workers = 0
mixed_precision = "no"
optimizer_type = "AdamW"
seed = 3
output_dir = "{output}"
output_name = "mine"
save_model_as = "safetensors"
"""


def test_the_lora_is_the_same(
    newest_scripts: Scripts,
    single_base: Callable[..., Base],
    photos: Callable[..., Path],
    through_wrapper: Callable[[Scripts, Base], None],
    tmp_path: Path,
):
    base = single_base("sd15")
    source, project = tmp_path / "их train.toml", tmp_path / "new"
    text = TRAIN.replace("{photos}", photos(4, repeats=2).as_posix().replace('"', '\\"'))
    text = text.replace("{base}", str(base.file)).replace("{tokenizers}", str(base.tokenizers))
    source.write_text(text.replace("{output}", (tmp_path / "out").as_posix()), encoding="utf-8")
    done = newest_scripts.run(base, "train_network.py", ["--config_file", str(source)])
    assert done.returncode == 0, done.stdout
    through_wrapper(newest_scripts, base)
    for command in (
        ("init", str(project), "--from", str(source), *ROWS),
        ("qc", "--project", str(project)),
        ("build", "--project", str(project)),
        ("train", "stage_a", "--project", str(project), "--engine", "sd-scripts", "--device", "cpu"),
    ):
        done = lorawrap(*command)
        assert done.returncode == 0, done.stdout
        accept_all(project)
    made = weights(project / "loras" / "mine_stage_a.safetensors")
    assert made == weights(tmp_path / "out" / "mine.safetensors")


def accept_all(project: Path) -> None:
    """What QC thinks of drawings of 64 pixels is not the question here."""
    records = project / "qc" / "qc.jsonl"
    if records.exists():
        text = records.read_text(encoding="utf-8").replace('"REJECT"', '"OK"')
        records.write_text(text, encoding="utf-8")


def weights(path: Path) -> dict[str, list[float]]:
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name).flatten().tolist() for name in file.keys()}  # noqa: SIM118
