"""The cells of ``01_training.ipynb``: each calls one method of one `Training`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dataset_tools.data_text import bounded_text, from_json
from dataset_tools.files import data_hash, write_json, write_text
from wrapper.notebook import results
from wrapper.notebook.bases import find_base, kind_of
from wrapper.notebook.colab import upload
from wrapper.notebook.command import lorawrap, run_module
from wrapper.notebook.cut_off import end_cut_off
from wrapper.notebook.form import CLASS_IMAGES, DEMO, PRESETS, Form, Found, read_form, settings
from wrapper.notebook.form_check import check_form
from wrapper.notebook.machine import card
from wrapper.notebook.pictures import Picture, show
from wrapper.notebook.places import MANIFESTS, Places, find, manifest_of, projects
from wrapper.notebook.stop import Stop, one_sentence

TRAINERS = {"the best for this machine": "auto", "sd-scripts": "sd-scripts", "embedded": "embedded"}
COLOURS = {"OK": "#2e9e4f", "WARN": "#e0a000", "REJECT": "#d03030"}


class Training:
    """``root`` is the folder with a folder for each project; ``trainer`` one of `TRAINERS`."""

    def __init__(self, root: Path, trainer: str) -> None:
        self.root, self.engine = Path(root), TRAINERS[trainer]
        self.root.mkdir(parents=True, exist_ok=True)
        self.store = Path.cwd() / "models"
        self._places: Places | None = None

    @property
    def places(self) -> Places:
        if self._places is None:
            raise Stop("No project is chosen yet.", "Fill in and run the cell 'Your LoRA' first.")
        return self._places

    def install(self) -> None:
        """sd-scripts where it is wanted: a GPU does without it only if the user says so."""
        found = card()
        print(f"lorawrap {version('lorawrap')}; {found.name if found else 'no NVIDIA GPU'}")
        if self.engine == "sd-scripts" or (self.engine == "auto" and found):
            lorawrap("vendor", "install", "--system-torch", folder=self.root)

    def set_up(self, fields: Mapping[str, Any]) -> None:
        """Write ``lorawrap.toml`` from the form's ``fields``; one that was edited by hand stays as it is."""
        form = read_form(fields)
        check_form(form)
        with one_sentence():
            places = Places(self.root, form.project_name)
            found = self._found(form, places)
            text = settings(form, found)
        _write_settings(places, form, found, text)
        self._places = places
        print(f"Project: {places.folder}")
        print(f"Photographs: {found.photographs}")
        print(f"Base model: {found.base} ({found.kind})")

    def _found(self, form: Form, places: Places) -> Found:
        base = find_base(form.base_model, self.root, self.store)
        inpaint_base = find_base(form.inpaint_base, self.root, self.store)
        if inpaint_base:
            kind_of(inpaint_base, inpaint=True)
        class_folder = _class_folder(form, places)
        return Found(
            photographs=_photographs(form, places),
            base=base,
            inpaint_base=inpaint_base,
            kind=kind_of(base),
            preset=_preset(form, places),
            engine=self.engine,
            class_folder=class_folder,
        )

    def check(self) -> None:
        """What this machine has, and whether the whole job could begin; nothing slow is done."""
        lorawrap("doctor", "--project", self.places.folder, folder=self.root)
        lorawrap("run", "--project", self.places.job.root, "--dry-run", folder=self.root, quiet=True)
        print("Base model and settings are sound: the job can begin.")

    def photographs(self, ask: bool = False) -> None:
        """Take photographs from the browser if asked, measure them all, and show each with its verdict."""
        places = self.places
        folder = _folder_of(places)
        if ask and folder != places.photographs.resolve():
            raise Stop(f"The project is about {folder}.", "Leave 'photographs' empty to send some here.")
        if ask:
            upload(places.photographs)
        self._lorawrap("qc")
        records = map(from_json, (places.job.qc / "qc.jsonl").read_text(encoding="utf-8").splitlines())
        show([_judged(record, folder) for record in records], width=150)

    def forecast(self) -> None:
        """Steps, epochs, checkpoints and time of what the next cell would train."""
        self._need("quality control of the photographs", self.places.job.qc / "qc.jsonl", "Photographs")
        machine = card()
        run_module(
            "wrapper.notebook.forecast",
            self.places.job.root,
            machine.name if machine else "",
            folder=self.root,
        )

    def train(self) -> None:
        """The whole job; what is done already is not done again."""
        places = self.places
        end_cut_off(places.job)
        self._lorawrap("run")

    def go_on(self, project_name: str = "") -> None:
        """Take up a project where a machine that is gone left it; without a name the one at hand."""
        self._places = places = self._known(project_name)
        form = from_json(bounded_text(places.form))["form"] if places.form.is_file() else {}
        for name in ("base_model", "inpaint_base"):
            find_base(form.get(name, ""), self.root, self.store)
        for run in end_cut_off(places.job, surely=True):
            print(f"{run} was cut off: it goes on from its last saved state.")
        self._lorawrap("run")

    def results(self, download: bool = False) -> None:
        """Figures, pictures before and after, and the files; into the browser if asked."""
        self._need("report", self.places.job.report, "Train")
        results.tell(self.places)
        results.show_pictures(self.places)
        results.deliver(self.places, download)

    def _known(self, name: str) -> Places:
        """The project of that name, the one of the form, or the only one. Raises `Stop`."""
        known = projects(self.root)
        at_hand = [self._places.name] if self._places else known if len(known) == 1 else []
        wanted = name or next(iter(at_hand), "")
        if wanted in known:
            return Places(self.root, wanted)
        there = ", ".join(known) or "none yet"
        said = f"There is no project '{wanted}' in {self.root}." if wanted else "Which project?"
        raise Stop(said, f"There are: {there}.")

    def _lorawrap(self, command: str, *argv: object) -> None:
        lorawrap(command, "--project", self.places.job.root, *argv, folder=self.root)

    def _need(self, what: str, path: Path, cell: str) -> None:
        if not path.exists():
            raise Stop(f"There is no {what} yet.", f"Run the cell '{cell}' first.")


def _photographs(form: Form, places: Places) -> Path:
    """The manifest, or the folder of photographs, that the project is about."""
    if form.photographs == DEMO:
        from wrapper.demo.world import write_world

        write_world(places.photographs)
        return manifest_of(places.photographs)
    if not form.photographs:
        places.photographs.mkdir(parents=True, exist_ok=True)
        return manifest_of(places.photographs)
    there = _there("photographs", form.photographs, places)
    if there.is_dir():
        return manifest_of(there)
    kinds = [Path(name).suffix for name in MANIFESTS]
    if there.suffix.lower() not in kinds:
        raise Stop(
            f"photographs: {there} is neither a folder nor a manifest.",
            f"Give the folder that it lies in, or a manifest ({', '.join(kinds)}).",
        )
    return there


def _class_folder(form: Form, places: Places) -> str:
    wanted = CLASS_IMAGES[form.class_images] == "folder" and form.class_image_folder
    return str(_there("class_image_folder", form.class_image_folder, places)) if wanted else ""


def _there(field: str, said: str, places: Places) -> Path:
    there = find(said, places.root, places.root.parent)
    if there is None:
        raise Stop(f"{field}: there is no '{said}'.", f"Paths begin at /, or in {places.root}.")
    return there


def _preset(form: Form, places: Places) -> str:
    """The preset that is asked for; else the one that the project began with, on whatever card; else ours."""
    asked = PRESETS[form.graphics_card]
    if asked:
        return asked
    known = from_json(bounded_text(places.form)) if places.form.is_file() else {}
    began = known.get("preset", "") if not PRESETS.get(known.get("form", {}).get("graphics_card"), "") else ""
    machine = card()
    own = machine.preset if machine else "cpu"
    if began not in ("", own):
        print(
            f"The preset stays {began}, so that what has begun can go on; choose graphics_card for another."
        )
    return str(began or own)


def _write_settings(places: Places, form: Form, found: Found, text: str) -> None:
    """Nothing is written where nothing changed; what a person wrote is not written over."""
    file = places.job.file
    there = file.read_text(encoding="utf-8") if file.is_file() else ""
    known = from_json(bounded_text(places.form)) if places.form.is_file() else {}
    if there and data_hash(there) != known.get("written"):
        print(f"{file} was edited by hand: it stays as it is, and the form is not looked at.")
        return
    if there != text:
        write_text(file, text)
        print(f"wrote {file}")
    write_json(places.form, {"form": asdict(form), "preset": found.preset, "written": data_hash(text)})


def _folder_of(places: Places) -> Path:
    """What the paths of the QC records begin at."""
    from wrapper.project.load import load_project

    project = load_project(places.job.root)
    manifest = project.path(project.settings.manifest.path)
    return manifest if manifest.is_dir() else manifest.parent


def _judged(record: dict[str, Any], folder: Path) -> Picture:
    why = "; ".join(reason["message"] for reason in record["reasons"])
    text = f"{record['status']}: {why}" if why else record["status"]
    return Picture(folder / record["path"], f"{Path(record['path']).name}: {text}", COLOURS[record["status"]])
