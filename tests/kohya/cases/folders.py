"""Images without a dataset file: ``<repeats>_<token>`` folders, and metadata files."""

from __future__ import annotations

import json

from tests.kohya.cases.case import DATASET, Case, Content

HERE = {"train_data_dir": '"img"', "resolution": '"64,64"'}
EPOCH = {"max_train_steps": None, "max_train_epochs": "1"}


def photos(folder: str, count: int = 2, caption: str | None = "a cat") -> dict[str, Content]:
    files: dict[str, Content] = {f"{folder}/p{number}.png": (64, 64) for number in range(count)}
    captions = {f"{folder}/p{number}.txt": caption for number in range(count)} if caption else {}
    return files | captions


def folders(
    id: str,
    trains: bool,
    files: dict[str, Content],
    said: str = "",
    train: dict[str, str | None] | None = None,
    **more: object,
) -> Case:
    return Case(f"folders {id}", trains, said, {**HERE, **(train or {})}, None, files, photos=False, **more)  # type: ignore[arg-type]


TEN = photos("img/10_myface woman")
FOLDERS = [
    folders("one", True, TEN, train=EPOCH, steps=20),
    folders("two", True, TEN | photos("img/1_style"), train=EPOCH, steps=22),
    folders("no number", False, photos("img/myface"), "no folder named <repeats>_<token>"),
    folders(
        "one of two without a number", False, TEN | photos("img/myface"), "'myface' is ignored", silent=True
    ),
    folders(
        "one of two with no repeats",
        False,
        TEN | photos("img/0_myface"),
        "'0_myface' is ignored",
        silent=True,
    ),
    folders(
        "one of two with negative repeats", False, TEN | photos("img/-1_myface"), "is ignored", silent=True
    ),
    folders(
        "an empty one without a number", True, TEN | {"img/.ipynb_checkpoints": None}, train=EPOCH, steps=20
    ),
    folders("loose images", False, TEN | photos("img"), "images that lie in", silent=True),
    folders("the folder itself", False, photos("img"), "Name the parent of such folders."),
    folders("not there", False, {}, "there is no folder"),
    folders("empty", False, {"img": None}, "no folder named"),
    folders("none given", False, {}, "there are no images", {"train_data_dir": None}),
    folders("no resolution", False, TEN, "'resolution' is missing.", {"resolution": None}),
    folders("captions by folder name", True, photos("img/10_myface woman", caption=None)),
    folders(
        "an extension that is not read",
        False,
        TEN,
        "Their .txt files are not read",
        {"caption_extension": None},
        silent=True,
    ),
    folders(
        "a number alone, without captions", False, photos("img/10", caption=None), "caption", silent=True
    ),
    folders("a number alone", True, photos("img/10")),
    folders("spaces, Cyrillic, emoji", True, photos("img/2_моё лицо 🙂 'a'"), train=EPOCH, steps=4),
    folders("nested", False, photos("img/10_a/b"), "has no images"),
    folders(
        "regularisation",
        True,
        TEN | photos("reg/1_woman"),
        train={**EPOCH, "reg_data_dir": '"reg"'},
        steps=40,
    ),
    folders(
        "regularisation that is not there",
        False,
        TEN,
        "'reg_data_dir': there is no folder",
        {"reg_data_dir": '"reg"'},
        silent=True,
    ),
    folders(
        "regularisation without a number",
        False,
        TEN | photos("reg/woman"),
        "'reg_data_dir'",
        {"reg_data_dir": '"reg"'},
        silent=True,
    ),
    folders(
        "regularisation alone",
        False,
        photos("reg/1_woman"),
        "there are no images",
        {"train_data_dir": None, "reg_data_dir": '"reg"'},
    ),
    folders("batches", True, TEN, train={**EPOCH, "train_batch_size": "4"}, steps=5),
    folders("a split", True, photos("img/1_a", 4), train={**EPOCH, "validation_split": "0.5"}, steps=2),
    folders(
        "a split of all", False, photos("img/1_a", 4), "no images to train on", {"validation_split": "1.0"}
    ),
    folders(
        "a split over 1",
        False,
        photos("img/1_a", 4),
        "'validation_split' must be 1 or less",
        {"validation_split": "1.5"},
        silent=True,
    ),
    folders(
        "masks named",
        False,
        TEN | photos("masks"),
        "'conditioning_data_dir' is ignored",
        {"conditioning_data_dir": '"masks"', "masked_loss": "true"},
        silent=True,
    ),
]

ENTRY = {"caption": "a cat"}
LISTED = f'{DATASET}metadata_file = "m.json"\n'


def metadata(
    id: str,
    trains: bool,
    entries: object,
    said: str = "",
    train: dict[str, str | None] | None = None,
    **more: object,
) -> Case:
    files = {**photos("img", caption=None), "meta.json": json.dumps(entries)}
    values = {"in_json": '"meta.json"', "caption_extension": None, **(train or {})}
    return folders(f"metadata {id}", trains, files, said, values, **more)


META = [
    metadata("plain", True, {"p0.png": ENTRY, "p1.png": ENTRY}, train=EPOCH, steps=2),
    metadata(
        "repeats", True, {"p0.png": ENTRY, "p1.png": ENTRY}, train={**EPOCH, "dataset_repeats": "2"}, steps=4
    ),
    metadata("tags", True, {"p0.png": {"tags": "a, b"}}, train=EPOCH, steps=1),
    metadata("without a caption", False, {"p0.png": {}}, "neither a caption nor tags", silent=True),
    metadata("an image that is not there", False, {"q.png": ENTRY}, "cannot be read"),
    metadata("names without suffix", False, {"p0": ENTRY}, "cannot be read"),
    metadata("empty", False, {}, "lists no images"),
    metadata("a list", False, [1], "no metadata file"),
    metadata("without a folder", False, {"p0.png": ENTRY}, "'in_json' needs", {"train_data_dir": None}),
    metadata(
        "beside regularisation",
        False,
        {"p0.png": ENTRY},
        "'reg_data_dir' is ignored",
        {"reg_data_dir": '"img"'},
        silent=True,
    ),
    Case(
        "metadata that is not there",
        False,
        "there is no metadata file",
        {**HERE, "in_json": '"m.json"'},
        None,
        photos("img"),
    ),
    Case(
        "metadata in a dataset file",
        True,
        train={"caption_extension": None},
        dataset=LISTED,
        files={"m.json": json.dumps({"p0.png": ENTRY})},
    ),
    Case(
        "metadata and class_tokens",
        False,
        "may not stand beside metadata_file",
        dataset=LISTED + 'class_tokens = "a"\n',
        files={"m.json": json.dumps({"p0.png": ENTRY})},
    ),
    Case(
        "metadata in one subset of two",
        False,
        "some of its subsets have a metadata_file",
        dataset=LISTED + '[[datasets.subsets]]\nimage_dir = "photos"\n',
        files={"m.json": json.dumps({"p0.png": ENTRY})},
    ),
    Case(
        "metadata as JSON lines",
        True,
        dataset=LISTED.replace("m.json", "m.jsonl"),
        files={"m.jsonl": json.dumps({"image_path": "p0.png", "caption": "a"}) + "\n"},
    ),
]
CASES = [*FOLDERS, *META]
