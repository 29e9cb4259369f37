"""Pictures in cells, and masks painted in one."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.notebooks.conftest import STAND_IN
from wrapper.notebook.mask_drawing import draw_mask, page
from wrapper.notebook.pictures import MOST, Picture, show
from wrapper.notebook.stop import Stop


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    pages: list[str] = []
    monkeypatch.setattr("IPython.display.display", lambda html: pages.append(html.data))
    return pages


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    """Taken with the camera on its side: 300 by 200 as it lies, 200 by 300 upright."""
    path = tmp_path / "фото 1.jpg"
    picture = Image.new("RGB", (300, 200), "navy")
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(path, exif=exif)
    return path


def test_a_large_picture_is_sent_small_and_upright(shown: list[str], photograph: Path):
    show([Picture(photograph, "a < b")], width=50)
    (data,) = re.findall(r"base64,([^\"]+)", shown[0])
    with Image.open(BytesIO(base64.b64decode(data))) as sent:
        assert sent.size == (100, 150)
    assert "a &lt; b" in shown[0]


def test_a_damaged_picture_keeps_its_text(shown: list[str], tmp_path: Path):
    (tmp_path / "cut.png").write_bytes(b"\x89PNG")
    show([Picture(tmp_path / "cut.png", "damaged"), Picture(tmp_path / "none.png", "gone")])
    assert "damaged" in shown[0]
    assert "gone" in shown[0]


def test_a_thousand_pictures_are_told_as_a_number(shown: list[str], photograph: Path):
    show([Picture(photograph)] * (MOST + 940))
    assert shown[0].count("<img") == MOST
    assert "and 940 more" in shown[0]


@pytest.fixture
def answering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file with what the page answers to a Colab notebook."""
    monkeypatch.syspath_prepend(str(STAND_IN))
    monkeypatch.setenv("COLAB_ANSWER", str(tmp_path / "answer.txt"))
    yield tmp_path / "answer.txt"
    for name in [name for name in sys.modules if f"{name}.".startswith("google.colab.")]:
        del sys.modules[name]


def _answer(path: Path, box: tuple[int, int, int, int] | None) -> None:
    painted, stream = Image.new("L", (512, 768), 0), BytesIO()
    if box:
        ImageDraw.Draw(painted).rectangle(box, fill=255)
    painted.save(stream, "png")
    path.write_text("data:image/png;base64," + base64.b64encode(stream.getvalue()).decode())


def test_a_painted_mask_has_the_upright_picture_s_size(answering: Path, photograph: Path, tmp_path: Path):
    _answer(answering, (128, 192, 255, 383))
    with Image.open(draw_mask(photograph, tmp_path / "masks" / "m.png")) as mask:
        assert mask.size == (200, 300)
        assert set(mask.get_flattened_data()) == {0, 255}
        assert mask.getbbox() == (50, 75, 100, 150)


def test_an_unpainted_mask_is_refused(answering: Path, photograph: Path, tmp_path: Path):
    _answer(answering, None)
    with pytest.raises(Stop, match="Nothing was painted"):
        draw_mask(photograph, tmp_path / "m.png")
    assert not (tmp_path / "m.png").exists()


def test_nobody_can_paint_outside_of_colab(photograph: Path, tmp_path: Path):
    with pytest.raises(Stop, match="Colab only"):
        draw_mask(photograph, tmp_path / "m.png")


def test_the_page_holds_the_picture(photograph: Path):
    assert "data:image/jpeg;base64,/9j/" in page(photograph)
