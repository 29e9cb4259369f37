"""Both notebooks, from top to bottom, on the embedded base: on this machine, and as Colab lays it out."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import psutil
import pytest
from nbclient.exceptions import DeadKernelError
from PIL import Image, ImageDraw

from tests.notebooks.conftest import Colab
from tests.notebooks.filled_in import Kernel, errors_of, fill_in, pictures_of, read

EAR = {
    "job": "an ear, Stages A and B (SD 1.5)",
    "project_name": "ear 👂 of Zoë",
    "photographs": "demo",
    "base_model": "demo",
    "class_word": "person",
    "class_images": "from a folder",
    "steps": 6,
    "inpaint_steps": 6,
    "measure": "a few checkpoints, quickly",
}
FACE = {
    "project_name": "my face",
    "base_model": "demo",
    "subject": "Anna",
    "consent": "signed 2026-11-02",
    "class_images": "none",
    "steps": 26,
    "measure": "nothing: train on every photograph",
    "upload_photographs": True,
    "download_files": True,
}
PROMPT = "photo of a myface person, front view, pointed ears"
DRAWN = {"prompt": PROMPT + " {lora}", "compared_prompt": PROMPT, "steps": 2}
OTHERWISE_THERE = ("where", "install", "choose", "draw", "repair", "take")
"""The cells of the second notebook that do something else on Colab."""
STEPS = 9
"""Of the chain for an ear, all told in a line each."""


def test_on_this_machine(this_machine: Path, environment: dict[str, str], stamps: Callable):
    name = EAR["project_name"]
    book = fill_in(read("01_training.ipynb"), {"keep_on": "this machine", **EAR})
    repair = {"stage": "stage_b", "image": "dataset/photos/front_20.png", "shape": "ear:60%,30%,95%,70%"}
    pictures = fill_in(
        read("02_inference.ipynb"), {**DRAWN, **repair, "keep_on": "this machine", "project_name": name}
    )
    with Kernel(book, this_machine, environment) as kernel:
        shown = kernel.run()
        assert errors_of(shown) == {}
        _looks_like_a_trained_ear(shown, this_machine / "Loras" / name)
        before = stamps(this_machine)
        assert kernel.run()["train"].count(": up to date") == STEPS
        assert stamps(this_machine) == before
        shown = kernel.run(book=pictures)
        assert errors_of(shown) == {}
        counts = {cell.id: pictures_of(cell) for cell in pictures.cells if cell.cell_type == "code"}
        assert {"draw": 1, "before_after": 1, "weights": 1, "grid": 1, "repair": 3}.items() <= counts.items()
        _is_drawn_with_its_lora(this_machine / "Loras" / name / "pictures")
        before = stamps(this_machine)
        assert "8 there already" in kernel.run(book=pictures)["weights"]
        assert stamps(this_machine) == before
    again = {cell.id: pictures_of(cell) for cell in pictures.cells if cell.cell_type == "code"}
    assert again == counts


def _looks_like_a_trained_ear(shown: dict[str, str], folder: Path) -> None:
    assert "the job can begin" in shown["check"]
    assert "front_00.png: OK" in shown["photographs"]
    assert "blank.png: REJECT: almost blank" in shown["photographs"]
    assert "Stage A: 6 steps of 8 pictures" in shown["forecast"]
    assert "Stage B: 6 steps of 8 pictures" in shown["forecast"]
    assert shown["train"].count(": not done yet") == STEPS
    assert shown["continue"].count(": up to date") == STEPS
    assert "Stage B: of 2 checkpoints" in shown["results"]
    assert shown["results"].count("without the LoRA, seed") == shown["results"].count("with it, seed") == 2
    assert "repainted inside their masks" in shown["results"]
    made = sorted(path.name.removeprefix("ear 👂 of Zoë") for path in (folder / "output").iterdir())
    assert made == ["_a1111.zip", "_comfyui.zip", "_stage_a.safetensors", "_stage_b.safetensors"]


@pytest.mark.slow
def test_on_colab_whose_machine_is_taken_away(colab: Colab, stamps: Callable):
    _draw_faces(colab.uploads)
    book = fill_in(read("01_training.ipynb"), FACE)
    project = colab.loras / "my face"
    _train_until_the_machine_dies(book, colab, project)
    run = project / "job" / "runs" / "stage_a-001" / "run.json"
    record = json.loads(run.read_text(encoding="utf-8"))
    run.write_text(json.dumps({**record, "process": {"pid": 1, "host": "another machine"}}))
    colab.forget()
    with Kernel(book, colab.content, colab.environment) as kernel:
        shown = kernel.run(["where", "install", "form", "train", "continue"])
        assert "seems to be running on another machine" in shown["train"]
        assert "stage_a-001 was cut off" in shown["continue"]
        assert "goes on after step" in shown["continue"]
        assert json.loads(run.read_text(encoding="utf-8"))["status"] == "succeeded"
        before = stamps(project)
        shown = kernel.run()
        assert errors_of(shown) == {}
        assert stamps(project / "job" / "runs") == {key: at for key, at in before.items() if "/runs/" in key}
        _draw_and_repair(kernel, colab)
    assert [path.name for path in (project / "job" / "runs").iterdir()] == ["stage_a-001"]
    assert len(list((project / "dataset").iterdir())) == 6
    sent = {path.name for path in colab.downloads.iterdir()}
    assert sent == {"my face_a1111.zip", "my face_comfyui.zip", "pictures.zip"}


def _is_drawn_with_its_lora(pictures: Path) -> None:
    with Image.open(pictures / "drawn" / "00001-1.png") as drawn:
        parameters = drawn.text["parameters"]
    assert "<lora:ear 👂 of Zoë_stage_a:1>" in parameters
    assert "Lora hashes: " in parameters


def _draw_faces(folder: Path) -> None:
    """Six drawn adults, whom nobody is shown by."""
    import random

    from wrapper.demo.drawing import draw
    from wrapper.demo.people import random_portrait

    rng = random.Random(5)
    for number in range(6):
        Image.fromarray(draw(random_portrait(rng, "front"), 64)[0]).save(folder / f"лицо {number}.png")


def _train_until_the_machine_dies(book: object, colab: Colab, project: Path) -> None:
    """Everything that the kernel started ends at once, when the first state is saved."""
    kernel = Kernel(book, colab.content, colab.environment)
    started = threading.Event()

    def use() -> None:
        with kernel:
            started.set()
            with suppress(DeadKernelError):
                kernel.run(["where", "install", "form", "photographs", "train"])

    user = threading.Thread(target=use)
    user.start()
    started.wait()
    machine = psutil.Process(kernel.pid)
    states = project / "job" / "runs" / "stage_a-001" / "output"
    while user.is_alive() and not list(states.glob("*-state")):
        time.sleep(0.1)
    for process in [*machine.children(recursive=True), machine]:
        process.kill()
    user.join()


def _draw_and_repair(kernel: Kernel, colab: Colab) -> None:
    """The second notebook, with a photograph from the browser and a mask painted there."""
    mask = Image.new("L", (96, 96), 0)
    ImageDraw.Draw(mask).ellipse((20, 30, 70, 60), fill=255)
    stream = BytesIO()
    mask.save(stream, "png")
    colab.answer.write_text("data:image/png;base64," + base64.b64encode(stream.getvalue()).decode())
    for path in list(colab.uploads.iterdir())[1:]:
        path.unlink()
    given = {"project_name": "my face", "image": "upload", "mask": "painted here (Colab)"}
    rest = {"variants": 1, "strength": 0.5, "download_pictures": True}
    book = fill_in(read("02_inference.ipynb"), {**DRAWN, **given, **rest})
    shown = kernel.run(OTHERWISE_THERE, book=book)
    assert errors_of(shown) == {}
    assert pictures_of(next(cell for cell in book.cells if cell.id == "repair")) == 2
    assert (colab.loras / "my face" / "pictures" / "drawn" / "sheet.jpg").is_file()


def test_cells_out_of_order_say_what_comes_first(tmp_path: Path, environment: dict[str, str]):
    book = fill_in(read("01_training.ipynb"), {"keep_on": "this machine"})
    with Kernel(book, tmp_path, environment) as kernel:
        shown = kernel.run(["install"]) | kernel.run(["check", "results"])
        assert "Run cell 1 first." in shown["install"]
        assert "Run cells 1 and 2 first." in shown["check"]
        shown = kernel.run(["where", "install"]) | kernel.run(["form", "photographs", "continue"])
        assert "Fill in base_model, subject, consent." in shown["form"]
        assert "run the cell 'Your LoRA' first" in shown["photographs"]
        assert "There are: none yet." in shown["continue"]
    assert all(len(text.splitlines()) < 8 for text in shown.values())
