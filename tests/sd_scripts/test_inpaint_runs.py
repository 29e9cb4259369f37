"""The inpaint script trains: SD 1.5 and SDXL, cached and not, on every version that is at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.sd_scripts.inpaint import Bench, write_data
from wrapper.lora.file import read_lora
from wrapper.lora.verify import verify_lora


@pytest.fixture
def bench(scripts, single_base, tmp_path: Path) -> Callable[..., Bench]:
    """``bench("sdxl", inpaint=False, subset={…})``"""

    def make(kind: str = "sd15", inpaint: bool = True, **data: Any) -> Bench:
        folder = tmp_path / "папка 'q' 🙂"
        folder.mkdir()
        write_data(folder, **data)
        return Bench(scripts, single_base(kind, inpaint), folder)

    return make


CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "masked loss, normalised, checkpointing": {
        "masked_loss": True,
        "masked_loss_normalize": True,
        "gradient_checkpointing": True,
    },
    "cached in memory": {"cache_latents": True, "masked_loss": True},
    "cached on disk, masks vary": {
        "cache_latents": True,
        "cache_latents_to_disk": True,
        "mask_jitter_px": 6,
        "mask_dilate_px": 3,
        "full_mask_share": 0.2,
        "random_mask_share": 0.3,
        "mask_variants": 3,
        "max_data_loader_n_workers": 1,
        "persistent_data_loader_workers": True,
    },
}


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_it_trains(bench, kind: str, values: dict[str, Any]):
    bench = bench(kind)
    done = bench.train(**values)
    assert done.returncode == 0, done.stdout
    assert verify_lora(bench.lora(), kind) == []
    lora = read_lora(bench.lora())
    assert lora.metadata["ss_steps"] == "2"
    assert not [name for name in lora.tensors if "conv_in" in name or "input_blocks_0" in name]
