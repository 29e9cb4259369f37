"""What macOS, Windows and network drives put beside a user's files is no picture, and in nobody's way."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dataset_tools.building.dataset import BuiltDataset, check_files
from dataset_tools.building.overview import write_overview
from dataset_tools.building.ownership import OWNERSHIP_FILE
from dataset_tools.errors import UserError
from dataset_tools.image_files import list_folder
from dataset_tools.manifests.manifest import read_manifest
from dataset_tools.quality.qc import told_apart
from tests.dataset_tools.test_build import Photos, built, files
from wrapper.comparison.shelf import Shelf
from wrapper.diffusion.prompts.lora_files import find_lora
from wrapper.evaluation.samples import training_samples
from wrapper.notebook.loras import loras_in
from wrapper.runs.inputs import _dataset_files
from wrapper.toml_text import to_toml
from wrapper.trainer.data.pictures import list_images

FILES = {
    ".DS_Store": b"\0\0\0\1Bud1",
    ".localized": b"",
    "Icon\r": b"",
    "Thumbs.db": b"\xd0\xcf\x11\xe0",
    "ehthumbs.db": b"\xd0\xcf\x11\xe0",
    "desktop.ini": "[.ShellClassInfo]\r\n".encode("utf-16"),
}
SIDE_FILE = b"\0\5\x16\7\0\2\0\0Mac OS X        "
"""How what macOS keeps of a file beside it begins."""
FOLDERS = ("__MACOSX", "@eaDir", "lost+found", "#recycle", "$RECYCLE.BIN", "System Volume Information")


def strewn(folder: Path) -> None:
    """Put all of these into ``folder`` and every folder below, and a side file beside each file."""
    for place in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        for path in [path for path in place.iterdir() if path.is_file()]:
            (place / f"._{path.name}").write_bytes(SIDE_FILE)
        for name, data in FILES.items():
            (place / name).write_bytes(data)


@pytest.fixture
def photos(tmp_path: Path) -> Photos:
    made = Photos(tmp_path / "Снимки 'é' 🙂")
    for name in ("один", "two"):
        made.add(name)
    return made


def test_a_folder_of_photographs_has_its_photographs_alone(photos: Photos):
    before = list_folder(photos.root).pictures
    assert len(before) == 4
    strewn(photos.root)
    for name in FOLDERS:  # with a whole picture in each: thumbnails, and what was thrown away
        (photos.root / "photos" / name / "один.png").mkdir(parents=True)
        thumbnail = photos.root / "photos" / name / "один.png" / "SYNOPHOTO_THUMB_XL.jpg"
        thumbnail.write_bytes((photos.root / before[0]).read_bytes())
    assert list_folder(photos.root).pictures == before
    pictures, _ = told_apart(photos.root)
    assert pictures == before
    rows = read_manifest(photos.root / "photos", {"subject": "a", "consent": "c", **ROW}).rows
    assert [f"photos/{row.image}" for row in rows] == before


ROW = {"age": "26-30", "view": "front", "type": "bust", "ear_side": "both"}


def test_a_dataset_that_was_looked_at_is_still_whole(photos: Photos, tmp_path: Path):
    folder = tmp_path / "dataset"
    record = built(photos, folder)
    before = files(folder)
    train = folder / record.stages["stage_a"][0].image_dir
    read, sample = list_images(train), samples(record, folder)
    strewn(folder)
    assert list_images(train) == read
    assert samples(record, folder) == sample
    check_files(record, folder, "stage_a")
    write_overview(record, folder)
    built(photos, folder, context=5.0)  # nothing of it "was added by someone"
    assert [name for name in files(folder) if not own(name)] == before


def test_a_file_that_someone_added_is_still_told_apart(photos: Photos, tmp_path: Path):
    built(photos, tmp_path / "dataset")
    (tmp_path / "dataset" / "desktop.png").write_bytes(b"mine")
    with pytest.raises(UserError, match=r"desktop\.png: was added by someone"):
        built(photos, tmp_path / "dataset", context=5.0)
    assert (tmp_path / "dataset" / OWNERSHIP_FILE).is_file()


def samples(record: BuiltDataset, folder: Path) -> list[str]:
    return [one.name for one in training_samples(record, folder, "stage_a", 9)]


def own(name: str) -> bool:
    last = name.rpartition("/")[2]
    return last in FILES or last.startswith("._")


def test_a_run_goes_on_when_somebody_looked_into_its_dataset(photos: Photos, tmp_path: Path):
    """These files are no input that is new."""
    record = built(photos, tmp_path / "dataset")
    folders = [tmp_path / "dataset" / subset.image_dir for subset in record.stages["stage_a"]]
    subsets = [{"image_dir": str(folder)} for folder in folders]
    (tmp_path / "dataset.toml").write_text(to_toml_tables(subsets), encoding="utf-8")
    before = sorted(_dataset_files(tmp_path / "dataset.toml"))
    strewn(tmp_path / "dataset")
    assert sorted(_dataset_files(tmp_path / "dataset.toml")) == before
    assert len(before) >= 4


def to_toml_tables(subsets: list[dict[str, str]]) -> str:
    lines = ["[[datasets]]"]
    for subset in subsets:
        lines += ["[[datasets.subsets]]", *(f"{key} = {to_toml(value)}" for key, value in subset.items())]
    return "\n".join(lines) + "\n"


@pytest.fixture
def loras(tmp_path: Path) -> Path:
    (tmp_path / "loras").mkdir()
    (tmp_path / "loras" / "лицо.safetensors").write_bytes(b"")
    strewn(tmp_path / "loras")
    return tmp_path / "loras"


def test_side_files_are_no_loras(loras: Path):
    there = [loras / "лицо.safetensors"]
    assert Shelf((loras,)).find(str(loras)) == there
    assert Shelf((loras,)).find("*.safetensors") == there
    assert [one.path for one in loras_in(loras)] == there
    with pytest.raises(UserError, match=r"there is no LoRA '\._лицо'"):
        find_lora("._лицо", [loras], "prompt")


def test_side_files_are_no_masks_for_sd_scripts(photos: Photos, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "vendor")
    from inpaint.pairs import by_stem

    strewn(photos.root)
    problems: list[str] = []
    assert len(by_stem(photos.root / "photos", problems)) == 4
    assert problems == []
    sys.modules.pop("inpaint.pairs")
