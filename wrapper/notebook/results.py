"""What came out of a training: figures, pictures before and after, files to take away."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any

from dataset_tools.data_text import bounded_text, from_json
from dataset_tools.files import content_hash, whole_file
from wrapper.notebook.colab import download as to_browser
from wrapper.notebook.pictures import Picture, show, show_sheet
from wrapper.notebook.places import Places


def tell(places: Places) -> None:
    """What was measured, and which checkpoint was chosen."""
    verdict = _read(places.job.evaluation).get("verdict") or {}
    choice = _read(places.job.root / "choice.json").get("stages") or {}
    for text in (verdict.get("text"), *(one["text"] for one in choice.values())):
        if text:
            print(text)
    print(f"All of it is on one page: {places.job.report}")


def show_pictures(places: Places) -> None:
    """Before and after, with equal seeds; then the repaired pictures, where some were."""
    images = places.job.images
    listed = images / "txt2img.json"
    shots = from_json(bounded_text(listed)) if listed.is_file() else []
    pairs = [
        Picture(images / shot[key], f"{said}, seed {shot['seed']}: {shot['prompt']}")
        for shot in shots
        for key, said in (("base", "without the LoRA"), ("lora", "with it"))
    ]
    if pairs:
        show(pairs, width=230, title="The same prompts and seeds, without and with the LoRA")
    if (images / "inpaint_sheet.png").is_file():
        show_sheet(images / "inpaint_sheet.png", "Held-out pictures, repainted inside their masks")


def deliver(places: Places, download: bool) -> None:
    """The LoRA files, and a .zip for each program, into ``output``; then to the browser, if asked."""
    made = [*_loras(places), *_archives(places)]
    for path in made:
        print(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")
    if download and not [to_browser(path) for path in made if path.suffix == ".zip"].count(True):
        print("They are on this machine already: there is nothing to download.")


def _loras(places: Places) -> list[Path]:
    record = _read(places.job.export / "export.json").get("loras") or []
    files = [next(file for file in lora["files"] if file["role"] == "LoRA") for lora in record]
    return [_copied(places.job.export / file["path"], places.output, file["sha256"]) for file in files]


def _copied(source: Path, folder: Path, sha256: str) -> Path:
    """The same file in ``folder``, copied only if it is not there."""
    target = folder / source.name
    if not target.is_file() or content_hash(target) != sha256:
        with whole_file(target) as part:
            shutil.copyfile(source, part)
    return target


def _archives(places: Places) -> list[Path]:
    """``<name>_<program>.zip``, to be unpacked in the program's own folder."""
    made = places.job.export / "export.json"
    targets = sorted(path for path in places.job.export.iterdir() if path.is_dir()) if made.is_file() else []
    return [_archive(folder, places.output / f"{places.name}_{folder.name}.zip", made) for folder in targets]


def _archive(folder: Path, target: Path, made: Path) -> Path:
    """Made anew when the export is newer. What is in it is packed already."""
    if target.is_file() and target.stat().st_mtime >= made.stat().st_mtime:
        return target
    with whole_file(target) as part, zipfile.ZipFile(part, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return target


def _read(path: Path) -> dict[str, Any]:
    return dict(from_json(bounded_text(path))) if path.is_file() else {}
