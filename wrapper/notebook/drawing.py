"""The cells of ``02_inference.ipynb``: each calls one method of one `Drawing`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from wrapper.notebook.bases import base_of_project, find_base, kind_of
from wrapper.notebook.colab import download, upload
from wrapper.notebook.command import lorawrap
from wrapper.notebook.form import DEMO
from wrapper.notebook.loras import LoraFile, for_drawing, for_painting, lora_folder, loras_in
from wrapper.notebook.mask_drawing import draw_mask
from wrapper.notebook.pictures import Picture, show, show_sheet
from wrapper.notebook.places import Places, check_name, find
from wrapper.notebook.stop import Stop, one_sentence

WEIGHTS = "0.7,0.8,0.9,1.0"
FIRST = "{lora}"
"""In a prompt, what calls the first LoRA."""
SHEET = "sheet"
_PICTURE = re.compile(r"^(?:wrote |\d+ with equal parameters there already, such as )(.+\.(?:png|jpg))$")
"""A line that names a picture which is now there."""
_DEMO_WAYS = ("--cfg", 2)
"""What the tiny base that comes with the program likes, before what the user says."""


class Drawing:
    """``root`` is the folder with a folder for each project."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self.store = Path.cwd() / "models"
        self._base = ""
        self._inpaint_base = ""
        self._places: Places | None = None
        self._loras: list[LoraFile] = []
        self._folder = Path()

    def choose(
        self, project_name: str, base_model: str = "", inpaint_base: str = "", folder: str = ""
    ) -> None:
        """Take a project's base and LoRAs, or others; and say which LoRAs there are."""
        self._places = None
        places = Places(self.root, project_name)
        with one_sentence():
            check_name(project_name)
            base = find_base(base_model or base_of_project(places, "model"), self.root, self.store)
            wanted = inpaint_base or ("" if base_model else base_of_project(places, "inpaint_model"))
            self._inpaint_base = find_base(wanted, self.root, self.store) or base
            if not base:
                raise Stop(f"There is no project '{project_name}' in {self.root}.", "Fill in base_model.")
            print(f"Base model: {base} ({kind_of(base)})")
        self._folder = lora_folder(places, folder)
        self._loras = loras_in(self._folder)
        if not self._loras:
            raise Stop(f"There is no LoRA in {self._folder}.", "Fill in lora_folder, or train one first.")
        self._base, self._places = base, places
        for lora in self._loras:
            print(f"{lora.tag}  {lora.what}")

    def draw(self, prompt: str, seeds: str, **options: object) -> None:
        """Pictures of one prompt; ``<lora:NAME:WEIGHT>`` in it works, and `FIRST`."""
        if FIRST in prompt:
            prompt = prompt.replace(FIRST, self._lora("").tag)
        wrote = self._draw(
            "generate", "--prompt", prompt, "--lora-folder", self._folder, seeds=seeds, **options
        )
        if sheets := [path for path in wrote if path.stem == SHEET]:
            show_sheet(sheets[0])
        else:
            show([Picture(path, _seed_of(path)) for path in wrote], width=420)

    def compare(
        self, prompt: str, seeds: str, lora: str = "", x: str = "", y: str = "", **options: object
    ) -> None:
        """Without and with the LoRA at equal seeds; or a grid over two settings. `FIRST` is left out."""
        prompt = prompt.replace(FIRST, "").strip()
        axes = [part for name, value in (("--x", x), ("--y", y)) if value for part in (name, value)]
        given = ("--prompt", prompt, "--lora", self._lora(lora).path, *axes)
        name = "_".join(["compare", *(axis.partition("=")[0] for axis in (x, y) if axis)])
        wrote = self._draw("compare", *given, seeds="" if "seed=" in y else seeds, out=name, **options)
        for sheet in wrote:
            if sheet.suffix == ".png":
                show_sheet(sheet)

    def weights(self, prompt: str, seeds: str, lora: str = "", **options: object) -> None:
        """The LoRA at 0.7 to 1.0, a row a seed."""
        self.compare(prompt, seeds, lora, f"weight={WEIGHTS}", f"seed={seeds}", **options)

    def checkpoints(self, prompt: str, seeds: str, stage: str, weights: str, **options: object) -> None:
        """A grid of weights and of the checkpoints that a stage's run has kept."""
        job = self._chosen().job
        outputs = [run.output for run in job.all_runs() if run.stage == stage]
        kept = next((folder for folder in reversed(outputs) if any(folder.glob("*.safetensors"))), None)
        if kept is None:
            print(f"{job.root} has no checkpoints of {stage}: there is nothing to compare here.")
            return
        self.compare(prompt, seeds, "", f"weight={weights}", f"checkpoint={kept}/*", **options)

    def repair(
        self, image: str, prompt: str, mask: str, mask_file: str, shape: str, lora: str, **options: object
    ) -> None:
        """Repaint the masked part of a photograph, and show it before and after."""
        if not image:
            print("image is empty: nothing is repaired. Give a photograph's path, or 'upload'.")
            return
        photograph = self._file(image)
        drawn = self._mask(mask, photograph, mask_file, shape)
        chosen = self._lora(lora, painting=True)
        weight = options.pop("weight", 1.0)
        given = ("--image", photograph, *drawn, "--prompt", prompt, "--lora", f"{chosen.path}:{weight}")
        out = f"repair/{photograph.stem}.png"
        self._draw("inpaint", *given, base=self._inpaint_base, out=out, **options)
        after = _variants(self._chosen().pictures / out, **options)
        show([Picture(photograph, "before"), *(Picture(path, _seed_of(path)) for path in after)], width=320)

    def follow(self, prompt: str, seeds: str, given: Sequence[tuple[str, str]], **options: object) -> None:
        """Draw by ControlNets and IP-Adapters: ``given`` are options of `lorawrap generate` with values."""
        said = [part for name, value in given if value for part in (name, value)]
        if not said:
            print("Neither a control image nor an IP-Adapter is given: nothing is drawn.")
            return
        self.draw(prompt, seeds, more=said, **options)

    def take(self, ask: bool) -> None:
        """All pictures as one .zip; into the browser if asked."""
        import shutil

        folder = self._chosen().pictures
        if not folder.is_dir():
            raise Stop("No picture is drawn yet.", "Run one of the cells above first.")
        print(f"The pictures lie in {folder}.")
        if ask:
            archive = Path(shutil.make_archive(str(folder), "zip", folder))
            if not download(archive):
                print(f"wrote {archive}")

    def _draw(
        self, command: str, *given: object, seeds: str = "", out: str = "", base: str = "", **options: object
    ) -> list[Path]:
        """Give a drawing command, and return the files that it says it wrote."""
        base = base or self._base
        target = self._chosen().pictures / (out or "drawn")
        more = options.pop("more", [])
        said = [part for name, value in options.items() if value for part in (_option(name), value)]
        ways = _DEMO_WAYS if base == DEMO and not options.get("cfg") else ()
        seed = ("--seed", seeds) if seeds else ()
        lines = lorawrap(
            command, "--base", base, *given, *ways, *said, *more, *seed, "--out", target, folder=self.root
        )
        return [Path(found[1]) for line in lines if (found := _PICTURE.search(line))]

    def _lora(self, name: str, *, painting: bool = False) -> LoraFile:
        self._chosen()
        files = for_painting(self._loras) if painting else for_drawing(self._loras)
        found = next((one for one in files if name in ("", one.path.stem, one.path.name)), None)
        if found is None:
            known = ", ".join(one.path.stem for one in files)
            raise Stop(f"lora: there is no '{name}' in {self._folder}.", f"There are: {known}.")
        return found

    def _file(self, said: str) -> Path:
        """A path of the user's, or what the browser sends when it says ``upload``."""
        places = self._chosen()
        if said == "upload":
            sent = upload(places.pictures / "uploaded")
            if not sent:
                raise Stop("Nothing was uploaded.", "Run the cell again.")
            return sent[0]
        found = find(said, places.folder, self.root, self.root.parent)
        if found is None or not found.is_file():
            raise Stop(f"There is no '{said}'.", "Give the path of a picture, or say 'upload'.")
        return found

    def _mask(self, how: str, photograph: Path, file: str, shape: str) -> tuple[object, ...]:
        """The options that say where `lorawrap inpaint` repaints."""
        if how == "a shape":
            return ("--shape", shape)
        if how == "a mask file":
            if not file:
                raise Stop("Fill in mask_file.", "Or choose a shape.")
            return ("--mask", self._file(file))
        target = self._chosen().pictures / "masks" / f"{photograph.stem}.png"
        return ("--mask", draw_mask(photograph, target))

    def _chosen(self) -> Places:
        if self._places is None:
            raise Stop("No base model and no LoRA are chosen yet.", "Run the cell 'Model and LoRA' first.")
        return self._places


def _variants(out: Path, seed: int, count: int, **_: object) -> list[Path]:
    """What `lorawrap inpaint` calls its pictures; one where the number was left out."""
    if not count or count == 1:
        return [out]
    return [out.with_stem(f"{out.stem}-{seed + more}") for more in range(count)]


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _seed_of(path: Path) -> str:
    """``00001-7.png`` was drawn with seed 7."""
    _, dash, seed = path.stem.rpartition("-")
    return f"seed {seed}" if dash else "after"
