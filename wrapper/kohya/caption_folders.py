"""Whether the captions of plain folders of images would be read by sd-scripts, without any TOML."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dataset_tools.manifests.kohya_tree import folder_name
from wrapper.kohya.checks.captions import check_captions
from wrapper.kohya.located import Located
from wrapper.kohya.report import Findings
from wrapper.kohya.subsets import SubsetView


def check_caption_folders(folders: Iterable[Path], suffix: str, trigger: str = "") -> Findings:
    """Check each folder as a subset with ``caption_extension = suffix``.

    ``trigger`` is the word that every caption has to have; without one, that of a folder in Kohya's style.
    """
    findings = Findings()
    for folder in folders:
        values = {"image_dir": str(folder), "caption_extension": suffix}
        tokens = trigger or folder_name(folder.name)[1]
        layers = ({**values, **({"class_tokens": tokens} if tokens else {})}, {}, {}, {})
        check_captions(SubsetView(Located(folder, {}, {}), "", 0, layers), findings)
    return findings
