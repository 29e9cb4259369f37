"""What goes wrong in the real scripts is told in a sentence, whatever their exit code says.

`lorawrap train` refuses most of these before the start, so the scripts are also started on them alone.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kohya.projects import NAME
from tests.sd_scripts.harness import train_arguments
from tests.sd_scripts.projects import make_project, train
from wrapper.launch.endings.explain import explain
from wrapper.launch.endings.verdict import Expected, judge


def empty_folder(pictures: Path) -> None:
    for picture in pictures.glob("*.png"):
        picture.unlink()


def caption_of_another_encoding(pictures: Path) -> None:
    next(iter(sorted(pictures.glob("*.txt")))).write_bytes("zorn, голова".encode("cp1251"))


def empty_caption(pictures: Path) -> None:
    next(iter(sorted(pictures.glob("*.txt")))).write_text("", encoding="utf-8")


def truncated_image(pictures: Path) -> None:
    image = next(iter(sorted(pictures.glob("*.png"))))
    image.write_bytes(image.read_bytes()[: image.stat().st_size * 2 // 3])


def image_of_nothing(pictures: Path) -> None:
    next(iter(sorted(pictures.glob("*.png")))).write_bytes(b"")


FAULTS = {
    "no data": (empty_folder, "no images"),
    "a caption that is not UTF-8": (caption_of_another_encoding, "not UTF-8"),
    "an empty caption": (empty_caption, "caption file is empty"),
    "a truncated image": (truncated_image, "image file is broken"),
    "an image of no bytes": (image_of_nothing, "image file is broken"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_scripts_own_words_are_explained(
    scripts, single_base, photos, tmp_path: Path, fault: str
) -> None:
    """Also proved: none of these leaves a LoRA that could pass for a good one."""
    spoil, said = FAULTS[fault]
    base, folder = single_base("sd15"), photos(3)
    spoil(next(folder.iterdir()))
    arguments = train_arguments(
        base,
        tmp_path / "out",
        train_data_dir=folder,
        resolution=64,
        max_train_steps=4,
        caption_extension=".txt",
    )
    done = scripts.run(base, "train_network.py", arguments)
    assert said in explain(done.stdout.splitlines(), done.returncode).message, done.stdout
    made = tmp_path / "out" / "tiny.safetensors"
    verdict = judge(made, "sd15", None, done.returncode, Expected(4, 4), 0)
    assert not verdict.ok


@pytest.mark.parametrize("fault", FAULTS)
def test_the_wrapper_refuses_them_before_the_start(
    newest_scripts, single_base, through_wrapper, tmp_path: Path, fault: str
) -> None:
    spoil, _ = FAULTS[fault]
    base = single_base("sd15")
    through_wrapper(newest_scripts, base)
    project = make_project(tmp_path / "проект", base)
    spoil(project.paths.dataset / "stage_a" / "train" / "front" / "2_myface person")
    done = train(project, "stage_a")
    assert done.returncode == 2, done.stdout
    assert "2_myface person" in done.stdout


def test_weights_that_became_nan_are_never_published(
    scripts, single_base, through_wrapper, tmp_path: Path
) -> None:
    """sd-scripts ends such a run with exit code 0 and a file full of NaN."""
    base = single_base("sd15")
    through_wrapper(scripts, base)
    project = make_project(
        tmp_path / "проект", base, learning_rate=1e18, max_grad_norm=0.0, max_train_steps=6
    )
    done = train(project, "stage_a")
    assert done.returncode == 1, done.stdout
    assert "NaN" in done.stdout
    assert not project.paths.lora("stage_a", NAME).exists()
