"""``lorawrap evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wrapper.cli.options import in_project, next_step, open_project, project_options


@click.command("evaluate")
@project_options
def command(project: Path, overrides: tuple[str, ...]) -> None:
    """Repaint the held-out images with the base and each stage's LoRA, and score them inside their masks."""
    from wrapper.evaluation.evaluate import evaluate_project

    opened = open_project(project, overrides)
    result = evaluate_project(opened)
    for line in table(result):
        click.echo(line)
    click.echo(result["verdict"]["text"])
    click.echo(f"wrote {opened.paths.evaluation} and {opened.paths.images / 'inpaint_sheet.png'}")
    next_step(f"lorawrap export{in_project(project)}")


def table(result: dict[str, Any]) -> list[str]:
    """Masked PSNR and SSIM of every variant, as lines of text."""
    lines = [f"{'masked':10} {'PSNR dB':>16} {'SSIM':>16} {'n':>4}"]
    for name, metrics in result["masked"].items():
        psnr, ssim = metrics["psnr_db"], metrics["ssim"]
        shown = (
            f"{psnr['mean']:8.2f} ± {psnr['sd']:5.2f} {ssim['mean']:8.3f} ± {ssim['sd']:5.3f} {psnr['n']:4}"
        )
        lines.append(f"{name:10} {shown}")
    lines.append(f"largest difference outside the masks: {result['outside_mask_max_abs_diff']}")
    return lines
