"""The Kohya folders: what is in them, what is left out, and what a second build does."""

from __future__ import annotations

import glob
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dataset_tools.building.build import apply, plan
from dataset_tools.building.build_settings import BuildSettings, buckets_for
from dataset_tools.building.dataset import BuiltDataset, read_dataset
from dataset_tools.building.regularisation import find_regularisation
from dataset_tools.errors import UserError
from dataset_tools.files import content_hash
from dataset_tools.manifests.manifest import Manifest, read_manifest
from dataset_tools.pictures.images import read_mask, read_rgb
from dataset_tools.quality.qc_record import QcRecord, Reason
from tests.dataset_tools.rows import values

SETTINGS = BuildSettings(
    size=64,
    shape="square",
    context=3.0,
    mask_source="manifest",
    dilate_px=0,
    sam_model="",
    caption_source="template",
    template="portrait",
    trigger="myface",
    class_word="woman",
    blip_model="",
    balance_by=("view",),
    shares={},
    max_repeats=20,
    epoch_images=0,
    max_images=0,
    holdout="manifest",
    holdout_share=0.25,
    seed=7,
    mirror=False,
    relight=0,
    keep_warned=True,
    stages=("stage_a", "stage_b"),
)
HEIGHT, WIDTH = 120, 90
BOX = (50, 30, 70, 60)


class Photos:
    """A folder of small pictures, each with a bright square where its mask is, and their manifest."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.rows: list[dict[str, Any]] = []
        (root / "photos").mkdir(parents=True)

    def add(self, name: str, *, masked: bool = True, **more: Any) -> Path:
        rng = np.random.default_rng(len(self.rows))
        image = rng.integers(0, 120, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        mask[BOX[1] : BOX[3], BOX[0] : BOX[2]] = 255
        image[mask > 0] = 255
        path = self.root / "photos" / f"{name}.png"
        Image.fromarray(image).save(path)
        row = values(image=f"photos/{name}.png", ear_side="left")
        if masked:
            Image.fromarray(mask).save(self.root / "photos" / f"{name}.mask.png")
            row["mask"] = f"photos/{name}.mask.png"
        self.rows.append(row | more)
        return path

    def manifest(self) -> Manifest:
        (self.root / "manifest.json").write_text(json.dumps(self.rows, ensure_ascii=False), encoding="utf-8")
        return read_manifest(self.root / "manifest.json")

    def hashes(self) -> dict[Path, str]:
        return {path: content_hash(path) for path in self.root.rglob("*") if path.is_file()}


def records_of(manifest: Manifest, **changed: dict[str, Any]) -> list[QcRecord]:
    """QC's word on every image: OK, or as ``changed`` says by the image's stem."""
    records = []
    for row in manifest.rows:
        record = QcRecord(row.image, "OK", width=WIDTH, height=HEIGHT)
        records.append(replace(record, **changed.get(Path(row.image).stem, {})))
    return records


def built(photos: Photos, folder: Path, regularisation: Sequence[Path] = (), **settings: Any) -> BuiltDataset:
    manifest = photos.manifest()
    planned = plan(manifest, records_of(manifest), replace(SETTINGS, **settings), lambda _: regularisation)
    return apply(planned, folder)


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def photos(tmp_path: Path) -> Photos:
    """Two fronts, one profile, one without a mask, one held out; names that break careless code."""
    made = Photos(tmp_path / "снимки 'é' 🙂")
    made.add("a [1]")
    made.add("b")
    made.add("Профиль", view="profile_left")
    made.add("plain", masked=False)
    made.add("held", split="holdout", negative="waxy skin")
    return made


def test_the_folders_are_kohyas_and_the_record_names_them(photos: Photos, tmp_path: Path):
    folder = tmp_path / "dataset"
    record = built(photos, folder)
    assert files(folder) == sorted(
        [
            "dataset.json",
            "masks_overview.png",
            "written.json",
            "holdout/images/held.png",
            "holdout/masks/held.png",
            *(
                f"stage_a/train/front/1_myface woman/{name}.{end}"
                for name in ("a-1", "b", "plain")
                for end in ("png", "txt")
            ),
            *(f"stage_a/train/profile_left/3_myface woman/Профиль.{end}" for end in ("png", "txt")),
            *(
                f"stage_b/train/front/1_myface woman/{name}.{end}"
                for name in ("a-1", "b")
                for end in ("png", "txt")
            ),
            *(f"stage_b/train/profile_left/2_myface woman/Профиль.{end}" for end in ("png", "txt")),
            *(f"stage_b/masks/front/1_myface woman/{name}.png" for name in ("a-1", "b")),
            "stage_b/masks/profile_left/2_myface woman/Профиль.png",
        ]
    )
    assert read_dataset(folder) == record
    for subsets in record.stages.values():
        for subset in subsets:
            images = list((folder / subset.image_dir).glob("*.png"))
            assert len(images) == subset.images
            assert int(Path(subset.image_dir).name.split("_")[0]) == subset.num_repeats
            if subset.mask_dir:
                assert {path.name for path in images} == {
                    path.name for path in (folder / subset.mask_dir).iterdir()
                }


def test_repeats_make_the_views_even(photos: Photos, tmp_path: Path):
    balance = built(photos, tmp_path / "dataset").balance
    assert balance["stage_a"]["counts"] == {"front": 3, "profile_left": 1}
    assert balance["stage_a"]["images"] == {"front": 3, "profile_left": 3}
    assert balance["stage_b"]["images"] == {"front": 2, "profile_left": 2}
    assert balance["stage_b"]["imbalance"] == 0.0


def test_images_and_masks_are_cut_together_to_the_exact_size(photos: Photos, tmp_path: Path):
    folder = tmp_path / "dataset"
    record = built(photos, folder)
    pairs = [(folder / held.image, folder / held.mask) for held in record.holdout]
    for subset in record.stages["stage_b"]:
        pairs += [
            (path, folder / subset.mask_dir / path.name) for path in (folder / subset.image_dir).glob("*.png")
        ]
    assert len(pairs) == 4
    for image, mask in pairs:
        rgb, white = read_rgb(image), read_mask(mask)
        assert rgb.shape == (64, 64, 3)
        assert white.shape == (64, 64)
        inside, outside = rgb[white == 255].mean(), rgb[white == 0].mean()
        assert inside > 245
        assert outside < 80


def test_in_the_shape_of_buckets_image_and_mask_have_the_buckets_exact_size(photos: Photos, tmp_path: Path):
    folder = tmp_path / "dataset"
    record = built(photos, folder, shape="bucket", size=256)
    buckets = buckets_for(256, record.shape)
    assert buckets.choose((WIDTH, HEIGHT)) == (192, 320)
    for image in folder.glob("stage_b/train/*/*/*.png"):
        (mask,) = folder.glob(f"stage_b/masks/*/*/{glob.escape(image.name)}")
        assert read_rgb(image).shape[:2] == read_mask(mask).shape == (320, 192)
        inside = read_mask(mask) >= 128
        assert read_rgb(image)[inside].min() > read_rgb(image)[~inside].mean()


def test_stage_a_keeps_the_figure_and_stage_b_looks_at_the_ear(photos: Photos, tmp_path: Path):
    folder = tmp_path / "dataset"
    built(photos, folder, context=2.0)
    whole = read_rgb(folder / "stage_a/train/front/1_myface woman/b.png")
    close = read_rgb(folder / "stage_b/train/front/1_myface woman/b.png")
    area = (BOX[2] - BOX[0]) * (BOX[3] - BOX[1])
    assert (close > 180).all(axis=2).mean() == pytest.approx(area / 60**2, rel=0.1)
    assert (whole > 180).all(axis=2).mean() == pytest.approx(area / WIDTH**2, rel=0.1)


def test_captions_are_one_line_of_utf8_with_the_trigger(photos: Photos, tmp_path: Path):
    folder = tmp_path / "dataset"
    built(photos, folder)
    texts = sorted(folder.rglob("*.txt"))
    assert len(texts) == 7
    for path in texts:
        text = path.read_text(encoding="utf-8")
        assert text.startswith("myface woman, ")
        assert text.count("\n") == 1


def test_the_held_out_image_is_nowhere_else(photos: Photos, tmp_path: Path):
    record = built(photos, tmp_path / "dataset", mirror=True)
    (held,) = record.holdout
    assert (held.name, held.original, held.negative) == ("held", "photos/held.png", "waxy skin")
    assert [path for path in files(tmp_path / "dataset") if "held" in path] == [held.image, held.mask]


def test_a_second_build_writes_nothing(photos: Photos, tmp_path: Path):
    folder = tmp_path / "dataset"
    first = built(photos, folder)
    before = {path: path.stat() for path in [folder, *folder.rglob("*")]}
    assert built(photos, folder) == first
    assert {path: path.stat() for path in [folder, *folder.rglob("*")]} == before


@pytest.mark.parametrize("changed", ["b.png", "b.mask.png"])
def test_a_changed_source_changes_its_files_and_no_others(photos: Photos, tmp_path: Path, changed: str):
    folder = tmp_path / "dataset"
    built(photos, folder)
    before = {name: content_hash(folder / name) for name in files(folder)}
    path = photos.root / "photos" / changed
    array = np.array(Image.open(path))
    array[40:50, 55:60] = 0
    Image.fromarray(array).save(path)
    built(photos, folder)
    after = {name: content_hash(folder / name) for name in files(folder)}
    different = {name for name in after if before.get(name) != after[name]}
    own = {"dataset.json", "written.json", "masks_overview.png"}
    assert different - own
    assert {Path(name).stem for name in different - own} == {"b"}


@pytest.mark.parametrize(
    "settings",
    [{"context": 4.0}, {"dilate_px": 2}, {"trigger": "othr"}, {"size": 128}, {"template": "plain"}],
    ids=str,
)
def test_changed_settings_build_again(photos: Photos, tmp_path: Path, settings: dict[str, Any]):
    assert built(photos, tmp_path / "d").key != built(photos, tmp_path / "d", **settings).key


def test_a_file_that_was_lost_is_built_again(photos: Photos, tmp_path: Path):
    built(photos, tmp_path / "dataset")
    lost = tmp_path / "dataset" / "stage_b/masks/front/1_myface woman/b.png"
    lost.unlink()
    built(photos, tmp_path / "dataset")
    assert lost.is_file()


def test_the_users_files_are_never_changed(photos: Photos, tmp_path: Path):
    photos.manifest()
    before = photos.hashes()
    built(photos, tmp_path / "dataset", mirror=True)
    assert photos.hashes() == before


def test_mirrored_copies_are_mirrored_in_picture_mask_caption_and_bucket(photos: Photos, tmp_path: Path):
    folder = tmp_path / "dataset"
    record = built(photos, folder, mirror=True, template="{{ view }} {{ ear_side }}")
    assert [subset.bucket for subset in record.stages["stage_b"]] == [
        "front",
        "profile_left",
        "profile_right",
    ]
    for kind, read in (("train", read_rgb), ("masks", read_mask)):
        original = read(next((folder / f"stage_b/{kind}/profile_left").glob("*/Профиль.png")))
        mirrored = read(next((folder / f"stage_b/{kind}/profile_right").glob("*/Профиль+mirrored.png")))
        assert np.array_equal(mirrored, original[:, ::-1])
        assert not np.array_equal(mirrored, original)
    caption = next((folder / "stage_b/train/profile_right").glob("*/Профиль+mirrored.txt"))
    assert caption.read_text(encoding="utf-8") == "myface woman, profile_right right\n"


def test_what_qc_rejected_is_left_out_with_its_reason(photos: Photos, tmp_path: Path):
    manifest = photos.manifest()
    blurred = {"status": "REJECT", "reasons": [Reason("blur", "blurred by 4 px")], "width": None}
    noisy = {"status": "WARN", "reasons": [Reason("noise", "a little noisy")]}
    records = records_of(manifest, b=blurred, plain=noisy)
    kept = plan(manifest, records, SETTINGS).built
    strict = plan(manifest, records, replace(SETTINGS, keep_warned=False)).built
    assert {one.image: one.reason for one in kept.refused} == {"photos/b.png": "QC REJECT: blurred by 4 px"}
    assert {one.image: one.reason for one in strict.refused} == {
        "photos/b.png": "QC REJECT: blurred by 4 px",
        "photos/plain.png": "QC WARN: a little noisy",
    }


def test_qc_of_other_images_is_refused(photos: Photos):
    manifest = photos.manifest()
    with pytest.raises(UserError, match=r"no QC result for photos/held\.png"):
        plan(manifest, records_of(manifest)[:-1], SETTINGS)


def test_an_image_that_changed_its_size_since_qc_changes_nothing(photos: Photos, tmp_path: Path):
    folder = tmp_path / "dataset"
    built(photos, folder)
    before = {name: content_hash(folder / name) for name in files(folder)}
    Image.new("RGB", (70, 70)).save(photos.root / "photos" / "plain.png")
    with pytest.raises(UserError, match=r"70 × 70 pixels, but 90 × 120 in the QC results"):
        built(photos, folder)
    assert {name: content_hash(folder / name) for name in files(folder)} == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_every_wrong_mask_is_named_with_both_sizes(photos: Photos):
    for name in ("b", "Профиль"):
        Image.new("L", (50, 40), 255).save(photos.root / "photos" / f"{name}.mask.png")
    manifest = photos.manifest()
    with pytest.raises(UserError) as caught:
        plan(manifest, records_of(manifest), SETTINGS)
    assert caught.value.message.count("the mask is 50 × 40 pixels and its image is 90 × 120") == 2
    assert "photos/b.png" in caught.value.message
    assert "photos/Профиль.png" in caught.value.message


def test_every_missing_caption_is_named(photos: Photos, tmp_path: Path):
    (photos.root / "photos" / "b.txt").write_text("Anna, left ear 🙂", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        built(photos, tmp_path / "dataset", caption_source="files")
    for name in ("a [1].txt", "Профиль.txt", "plain.txt", "held.txt"):
        assert f"no caption {name}" in caught.value.message
    assert "b.txt" not in caught.value.message
    assert not (tmp_path / "dataset").exists()


def test_captions_from_files_get_the_trigger_and_are_mirrored(photos: Photos, tmp_path: Path):
    for row in photos.rows:
        (photos.root / row["image"]).with_suffix(".txt").write_text("Anna, left ear 🙂", encoding="utf-8")
    built(photos, tmp_path / "dataset", caption_source="files", mirror=True)
    folder = tmp_path / "dataset/stage_b/train/front/1_myface woman"
    assert (folder / "b.txt").read_text(encoding="utf-8") == "myface woman, Anna, left ear 🙂\n"
    assert (folder / "b+mirrored.txt").read_text(encoding="utf-8") == "myface woman, Anna, right ear 🙂\n"


def test_a_caption_file_may_not_make_an_adult_a_minor(photos: Photos):
    for row in photos.rows:
        (photos.root / row["image"]).with_suffix(".txt").write_text("a 12-year-old girl", encoding="utf-8")
    manifest = photos.manifest()
    with pytest.raises(UserError, match="cannot be used"):
        plan(manifest, records_of(manifest), replace(SETTINGS, caption_source="files"))


MINOR = {"age": "15-17", "type": "ear", "consent": {"id": "c2", "by": "guardian"}}


def test_under_18_goes_to_stage_b_only(photos: Photos):
    photos.add("minor", **MINOR)
    photos.add("minor_without_mask", masked=False, **MINOR)
    manifest = photos.manifest()
    planned = plan(manifest, records_of(manifest), replace(SETTINGS, mirror=True))
    outputs = [output.image for image in planned.images for output in image.outputs]
    assert {path.split("/")[0] for path in outputs if Path(path).stem.startswith("minor")} == {"stage_b"}
    assert planned.built.refused[0].reason == "under 18 is for Stage B only, and the image has no mask"
    for stages in (("stage_a",), ()):
        refused = plan(manifest, records_of(manifest), replace(SETTINGS, stages=stages)).built.refused
        assert {"photos/minor.png", "photos/minor_without_mask.png"} <= {one.image for one in refused}


def test_no_image_for_a_stage_is_refused(tmp_path: Path):
    photos = Photos(tmp_path / "p")
    photos.add("a", masked=False)
    with pytest.raises(UserError, match="Stage B has no images"):
        built(photos, tmp_path / "dataset")
    record = built(photos, tmp_path / "dataset", stages=("stage_a",))
    assert list(record.stages) == ["stage_a"]
    assert not (tmp_path / "dataset" / "masks_overview.png").exists()


def test_masks_are_made_from_the_ears_box(tmp_path: Path):
    photos = Photos(tmp_path / "p")
    photos.add("a", masked=False, ear_box=list(BOX))
    folder = tmp_path / "dataset"
    record = built(photos, folder, mask_source="synthetic")
    mask = read_mask(folder / record.stages["stage_b"][0].mask_dir / "a.png")
    assert 0.05 < (mask >= 128).mean() < 0.2
    assert ((mask > 0) & (mask < 255)).any()
    photos.rows[0]["ear_box"] = [50, 30, 91, 60]
    with pytest.raises(UserError, match="reaches out of the image, which is 90 × 120"):
        built(photos, folder, mask_source="synthetic")


def test_near_duplicates_of_held_out_images_are_not_trained_on(photos: Photos):
    manifest = photos.manifest()
    records = records_of(manifest, held={"status": "WARN", "duplicate_of": "photos/b.png"})
    record = plan(manifest, records, SETTINGS).built
    assert [(one.image, one.reason) for one in record.refused] == [
        ("photos/b.png", "a duplicate of it is held out")
    ]


def test_class_images_are_cut_captioned_and_not_repeated(photos: Photos, tmp_path: Path):
    found = []
    for index, size in enumerate([(200, 100), (64, 64), (50, 90)]):
        found.append(tmp_path / "класс" / f"{index}.png")
        found[-1].parent.mkdir(exist_ok=True)
        Image.new("RGB", size, (index, 0, 0)).save(found[-1])
    found[2].with_suffix(".txt").write_text("a woman outdoors")
    folder = tmp_path / "dataset"
    record = built(photos, folder, found)
    subset = record.stages["stage_a"][-1]
    assert (subset.image_dir, subset.is_reg, subset.images, subset.num_repeats) == (
        "stage_a/reg/1_woman",
        True,
        3,
        1,
    )
    assert read_rgb(folder / subset.image_dir / "0.png").shape == (64, 64, 3)
    assert (folder / subset.image_dir / "0.txt").read_text() == "photo of a woman\n"
    assert (folder / subset.image_dir / "2.txt").read_text() == "a woman outdoors\n"
    found[2].with_suffix(".txt").write_text("myface outdoors")
    with pytest.raises(UserError, match="has the trigger word 'myface'"):
        built(photos, folder, found)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (2, "each is shown about 3.0 times an epoch. 6 would be shown once"),
        (6, None),
        (8, "2 of them are not"),
    ],
)
def test_too_few_and_too_many_class_images_are_told(photos: Photos, number: int, said: str | None):
    found = [photos.root / f"класс {index}.png" for index in range(number)]
    for path in found:
        Image.new("RGB", (64, 64)).save(path)
    manifest = photos.manifest()
    notes = plan(manifest, records_of(manifest), SETTINGS, lambda _: found).notes
    about = [note for note in notes if "class images" in note]
    assert len(about) == (said is not None)
    assert all(said in note for note in about)


def test_a_photograph_is_turned_upright(tmp_path: Path):
    photos = Photos(tmp_path / "p")
    path = photos.add("a", type="full")
    upright = Image.open(path).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
    built(photos, tmp_path / "dataset", size=128)
    out = read_rgb(tmp_path / "dataset/stage_a/train/front/1_myface woman/a.png")
    assert (out > 230).all(axis=2)[32:60, 72:88].mean() > 0.8


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("added", "was added by someone"),
        ("edited", "was edited"),
        ("foreign", "not a dataset that was built here"),
        ("photographs inside", "the photographs lie in the dataset's own folder"),
        ("a file", "a file is in its place"),
    ],
)
def test_nothing_of_the_users_is_lost(photos: Photos, tmp_path: Path, what: str, words: str):
    folder = tmp_path / "dataset"
    if what == "foreign":
        folder.mkdir()
        (folder / "diary.txt").write_text("mine")
    elif what == "photographs inside":
        folder = photos.root
    elif what == "a file":
        folder.write_text("mine")
    else:
        built(photos, folder)
        name = "b.txt" if what == "edited" else "mine.txt"
        (folder / "stage_b/train/front/1_myface woman" / name).write_text("mine")
    before = {path: content_hash(path) for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=words):
        built(photos, folder, context=5.0)
    photos.manifest()
    assert {path: content_hash(path) for path in tmp_path.rglob("*") if path.is_file()} == before | {
        photos.root / "manifest.json": content_hash(photos.root / "manifest.json")
    }


def test_trainers_caches_beside_the_images_may_go(photos: Photos, tmp_path: Path):
    built(photos, tmp_path / "dataset")
    cache = tmp_path / "dataset/stage_b/train/front/1_myface woman/b.npz"
    cache.write_bytes(b"stale")
    built(photos, tmp_path / "dataset", context=5.0)
    assert not cache.exists()


def test_uneven_buckets_and_a_missing_held_out_set_are_told(tmp_path: Path):
    photos = Photos(tmp_path / "p")
    for index in range(4):
        photos.add(f"f{index}")
    photos.add("back", view="back")
    manifest = photos.manifest()
    notes = plan(manifest, records_of(manifest), replace(SETTINGS, max_repeats=2)).notes
    assert "100% more" in notes[0]
    assert "No image is held out" in notes[-1]


def test_a_bound_on_the_epoch_is_kept_or_refused_by_the_stage_that_cannot(photos: Photos):
    manifest = photos.manifest()
    bounded = plan(manifest, records_of(manifest), replace(SETTINGS, max_images=5))
    assert [sum(found["images"].values()) for found in bounded.built.balance.values()] == [5, 4]
    assert "balance.max_images 5" in bounded.notes[0]
    with pytest.raises(UserError, match=r"Stage A: balance.max_images is 3, .* once is 4 already"):
        plan(manifest, records_of(manifest), replace(SETTINGS, max_images=3))


def test_a_share_for_a_bucket_that_no_stage_has_is_refused(photos: Photos):
    manifest = photos.manifest()
    with pytest.raises(UserError) as caught:
        plan(manifest, records_of(manifest), replace(SETTINGS, shares={"fornt": 2.0}))
    assert "Did you mean 'front'" in caught.value.hint


def test_a_damaged_record_is_one_sentence(photos: Photos, tmp_path: Path):
    built(photos, tmp_path / "dataset")
    (tmp_path / "dataset/dataset.json").write_text('{"size": "no"}')
    with pytest.raises(UserError, match="not a dataset record"):
        read_dataset(tmp_path / "dataset")


def test_a_mask_away_from_the_ear_and_one_at_the_border_are_doubted_in_the_plan(photos: Photos):
    photos.rows[0]["ear_box"] = [0, 0, 20, 20]
    white = np.zeros((HEIGHT, WIDTH), np.uint8)
    white[:, :30] = 255
    Image.fromarray(white).save(photos.root / photos.rows[1]["mask"])
    manifest = photos.manifest()
    notes = plan(manifest, records_of(manifest), SETTINGS).notes
    assert any("a [1].mask.png" in note and "somewhere else" in note for note in notes)
    assert any("b.mask.png" in note and "touches the picture's border" in note for note in notes)


def test_class_images_are_as_many_as_an_epoch_needs_and_spread_over_the_folder(
    photos: Photos, tmp_path: Path
):
    folder = tmp_path / "class"
    folder.mkdir()
    for number in range(20):
        Image.fromarray(np.full((40, 50, 3), number, np.uint8)).save(folder / f"{number:02}.png")
    manifest = photos.manifest()
    found = plan(manifest, records_of(manifest), SETTINGS, lambda needed: find_regularisation(folder, needed))
    reg = found.built.stages["stage_a"][-1]
    assert reg.images == found.built.balance["stage_a"]["images"]["front"] * 2 == 6
    assert [i.source.name for i in found.images if "/reg/" in i.outputs[0].folder] == [
        f"{n:02}.png" for n in (0, 3, 6, 10, 13, 16)
    ]
    assert any("6 class images have a side under 64 px" in note for note in found.notes)


def test_a_photograph_of_the_subject_is_no_class_image(photos: Photos, tmp_path: Path):
    copy = tmp_path / "class.png"
    copy.write_bytes((photos.root / "photos" / "b.png").read_bytes())
    with pytest.raises(UserError, match=r"class\.png.*is the photograph photos/b\.png"):
        built(photos, tmp_path / "dataset", [copy])
