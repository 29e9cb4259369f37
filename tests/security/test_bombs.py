"""Small files that unpack to much: refused, or read within a bound of memory that the system enforces."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from dataset_tools.manifests.manifest import read_manifest
from dataset_tools.pictures.images import read_alpha, read_mask, read_rgb
from dataset_tools.pictures.inspected import decode_to_inspect
from tests.fuzz.reading import encoded, told
from tests.fuzz.test_foreign import with_chunk
from wrapper.base_model.detect import detect
from wrapper.diffusion.pictures.photograph import read_photograph
from wrapper.diffusion.txt2img.recall import recall
from wrapper.export.places.model_paths import FILE, lora_folders
from wrapper.kohya.checks.caches import _shapes
from wrapper.kohya.imports.foreign import read_tables
from wrapper.project.load import load_project
from wrapper.safetensors_header import read_header

MIB = 1 << 20
MEMORY_MIB = 2000
"""Of address space, beside what the libraries take: a torch with CUDA takes several times as much."""
LAUGHS = "a0: &a0 ha\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))


def png(width: int, height: int, depth: int = 8, colour: int = 2, data: bytes = b"") -> bytes:
    """A PNG of nothing but zeros, or of ``data``; most of it is compressed away."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    packer = zlib.compressobj(1)
    return b"".join(packer.compress(bytes(MIB)) for _ in range(count // MIB + 1)) + packer.flush()


def tall_tiff() -> bytes:
    """A TIFF of 32 bits a pixel that says it is 48 × 880,000 and has the strips of a small one."""
    data = bytearray(encoded("TIFF", "I"))
    place = data.index(struct.pack("<HHI", 257, 4, 1)) + 8
    data[place : place + 4] = struct.pack("<I", 880_000)
    return bytes(data)


def looping_exif() -> bytes:
    """An EXIF block whose first directory is its own next and its own sub-directory."""
    entry = struct.pack("<HHII", 0x8769, 4, 1, 8)
    block = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 1) + entry + struct.pack("<I", 8)
    return encoded("JPEG", exif=b"Exif\0\0" + block)


def bombs() -> dict[str, tuple[str, bytes]]:
    """Name → the file's name and bytes; each is a megabyte or less."""
    text = zlib.compress(b"x" * 200 * MIB, 1)
    return {
        "a PNG of 6,400 × 6,400": ("a.png", png(6_400, 6_400, data=zeros(3 * 6_400 * 6_401))),
        "a PNG that says 2 billion²": ("b.png", png(2**31 - 1, 2**31 - 1)),
        "a PNG of 16 bits": ("c.png", png(6_400, 6_400, 16, 0, zeros(2 * 6_400 * 6_401))),
        "a tall TIFF": ("d.tif", tall_tiff()),
        "a GIF that says 65,535²": ("e.gif", b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + bytes(40)),
        "a text of 200 MiB": ("f.png", with_chunk(b"zTXt", b"parameters\0\0" + text)),
        "an international text of 200 MiB": ("g.png", with_chunk(b"iTXt", b"parameters\0\1\0\0\0" + text)),
        "a profile of 200 MiB": ("h.png", with_chunk(b"iCCP", b"x\0\0" + text)),
        "an EXIF block in a circle": ("i.jpg", looping_exif()),
    }


PICTURE_READERS: tuple[Callable[[Path], object], ...] = (
    read_rgb,
    read_mask,
    read_alpha,
    decode_to_inspect,
    read_photograph,
    recall,
)


def read_all(folder: Path) -> dict[str, list[str]]:
    """What each reader of pictures says of each bomb; empty where it answers."""
    said = {}
    for kind, (name, data) in bombs().items():
        (folder / name).write_bytes(data)
        said[kind] = [told(partial(read, folder / name)) for read in PICTURE_READERS]
    return said


LIMITED = f"""
import resource, sys, json, pathlib
from tests.security.test_bombs import read_all
pages = int(pathlib.Path("/proc/self/statm").read_text("ascii").split()[0])
most = pages * resource.getpagesize() + ({MEMORY_MIB} << 20)
resource.setrlimit(resource.RLIMIT_AS, (most, most))
print(json.dumps(read_all(pathlib.Path(sys.argv[1]))))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the memory of a process so")
def test_pictures_that_unpack_to_much_stay_within_the_memory(tmp_path):
    root = Path(__file__).parents[2]
    argv = [sys.executable, "-W", "ignore", "-c", LIMITED, str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=root, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout.splitlines()[0])
    for kind in ("a PNG of 6,400 × 6,400", "a PNG of 16 bits", "a tall TIFF"):
        assert "not unpacked" in said[kind][0], kind  # to build from
        assert "not unpacked" in said[kind][4], kind  # to repaint
    for kind in ("a PNG that says 2 billion²", "a GIF that says 65,535²"):
        assert all(said[kind]), kind
    assert all(said["a text of 200 MiB"])
    assert "damaged" in said["an international text of 200 MiB"][0]
    assert not said["an EXIF block in a circle"][0]


def test_a_large_plain_mask_is_no_bomb(tmp_path):
    path = tmp_path / "маска 🙂.png"
    Image.new("1", (8000, 7000), 1).save(path)
    assert path.stat().st_size < 30_000
    assert read_mask(path).shape == (7000, 8000)


def test_laughs_in_yaml_are_not_unfolded(tmp_path):
    (tmp_path / FILE).write_text(f"{LAUGHS}comfyui: {{loras: *a29}}", encoding="utf-8")
    said = told(partial(lora_folders, tmp_path))
    assert "must be text" in said or "not a table" in said
    assert len(said) < 1000


def test_a_zip_that_unpacks_to_much_is_not_unpacked(tmp_path):
    path = tmp_path / "a_sd.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("latents.npy", "w", force_zip64=True) as stream,
    ):
        for _ in range(100):
            stream.write(bytes(MIB))
    assert path.stat().st_size < 2 * MIB
    assert _shapes(path) is None


@pytest.mark.parametrize("length", [2**63 - 1, 100_000_001, 5_000])
def test_a_header_that_says_more_than_there_is(length, tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", length) + b'{"a":' * 100)
    assert "header claims" in told(partial(read_header, path))


def test_files_beyond_every_bound_are_refused_unread(tmp_path):
    for name in ("lorawrap.toml", "gui.json", "model_index.json", "m.jsonl"):
        with (tmp_path / name).open("wb") as stream:
            stream.truncate(3 << 30)  # a hole: it takes no room
    assert "larger than 64 MiB" in told(partial(load_project, tmp_path))
    assert "larger than 64 MiB" in told(partial(read_tables, tmp_path / "gui.json"))
    assert "larger than 64 MiB" in told(partial(detect, tmp_path))
    assert "zero bytes" in told(partial(read_manifest, tmp_path / "m.jsonl"))


def test_a_row_that_never_ends_is_refused_at_once(tmp_path):
    (tmp_path / "m.jsonl").write_bytes(b'{"file": "' + b"a" * (64 << 20))
    tracemalloc.start()
    try:
        assert "longer than a row" in told(partial(read_manifest, tmp_path / "m.jsonl"))
        assert tracemalloc.get_traced_memory()[1] < 16 * MIB
    finally:
        tracemalloc.stop()
