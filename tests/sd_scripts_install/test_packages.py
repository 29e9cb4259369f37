"""Requirements, pip's words, and packages whose installation was cut off."""

from __future__ import annotations

import importlib.util
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dataset_tools.errors import RunFailed, UserError
from tests.sd_scripts_install.fakes import offline
from wrapper.places import shipped
from wrapper.sd_scripts.pip import Pip
from wrapper.sd_scripts.places import Places
from wrapper.sd_scripts.requirements import read_requirements, torchvision_for
from wrapper.sd_scripts.venv import check_python, make_ready

LISTED = """accelerate==1.6.0
diffusers[torch]==0.32.1
# albumentations==1.3.0
bitsandbytes
Lion_PyTorch==0.2.3  # newest
numpy
# <=2.0
-e .
"""


def listed(tmp_path: Path, cuda: bool):
    (tmp_path / "requirements.txt").write_text(LISTED, encoding="utf-8")
    return read_requirements(tmp_path, cuda)


def test_upstreams_list_without_what_cannot_serve(tmp_path):
    found = listed(tmp_path, cuda=False)
    assert found.names == ("accelerate", "diffusers", "lion-pytorch", "numpy")
    assert found.pins == {"accelerate": "1.6.0", "diffusers": "0.32.1", "lion-pytorch": "0.2.3"}
    assert found.left_out == ("bitsandbytes (8-bit optimizers): torch has no CUDA here",)


def test_beside_cuda_bitsandbytes_is_taken(tmp_path):
    assert "bitsandbytes" in listed(tmp_path, cuda=True).names


@pytest.mark.parametrize(("opencv", "limits"), [("4.8.1.78", ("numpy<2",)), ("4.10.0.84", ())])
def test_an_opencv_for_numpy_1_gets_numpy_1(tmp_path, opencv, limits):
    (tmp_path / "requirements.txt").write_text(f"opencv-python=={opencv}\n", encoding="utf-8")
    assert read_requirements(tmp_path, cuda=False).limits == limits


@pytest.mark.parametrize(
    ("torch", "vision"), [("2.13.0+cpu", "0.28.*"), ("2.4.1", "0.19.*"), ("2.0.1+cu118", "0.15.*")]
)
def test_the_torchvision_of_a_torch(torch, vision):
    assert torchvision_for(torch) == f"torchvision=={vision}"


def talking(tmp_path: Path, said: str, code: int) -> Pip:
    """A pip that says ``said``: a Python that prints it whatever it is asked for."""
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\nexit {code}\n", encoding="utf-8")
    script.chmod(script.stat().st_mode | stat.S_IEXEC)
    return Pip(script, tmp_path / "install.log")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for Python")
@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "ERROR: Could not find a version that satisfies the requirement toml==0.10.2 (from x)\n"
            "ERROR: No matching distribution found for toml==0.10.2",
            r"could not install toml==0\.10\.2: the package index has no such version",
        ),
        (
            "Collecting sentencepiece==0.2.1\nERROR: [Errno 28] No space left on device",
            "sentencepiece: the disk is",
        ),
        ("Collecting foo\nERROR: Failed building wheel for foo", "foo: it would have to be compiled here"),
        ("Collecting a\nCollecting b-c\nTerrible", "could not install b-c: Terrible"),
        ("", "could not install the packages: "),
    ],
    ids=["no version", "disk", "wheel", "unknown", "silent"],
)
def test_what_pip_says_becomes_one_sentence(tmp_path, said, told):
    pip = talking(tmp_path, said, 1)
    with pytest.raises(RunFailed, match=told) as failed:
        pip.install(["toml==0.10.2", "a", "b"])
    assert str(pip.log) in failed.value.hint
    assert said in pip.log.read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for Python")
def test_progress_counts_the_packages_that_were_asked_for(tmp_path, capsys):
    said = (
        "Collecting a\nCollecting other\nProcessing /x/b_c-1.0-py3.whl\nInstalling collected packages: a, b-c"
    )
    talking(tmp_path, said, 0).install(["a==1", "b-c", "d"])
    assert "installing packages: 4/4, done in" in capsys.readouterr().err


@pytest.fixture
def inspector(monkeypatch, tmp_path):
    """vendor/inspect_environment.py, looking at a folder of ours."""
    spec = importlib.util.spec_from_file_location("inspected", shipped("vendor") / "inspect_environment.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "site", lambda: str(tmp_path))
    return module


def package(site: Path, *, without: str = "", size: int = 4) -> Path:
    folder = site / "thing-1.0.dist-info"
    folder.mkdir(parents=True)
    (site / "thing.py").write_text("x=1\n", encoding="utf-8")
    contents = {"METADATA": "Name: thing\n", "INSTALLER": "pip\n", "RECORD": f"thing.py,,{size}\nb.pyc,,\n"}
    (site / "b.pyc").touch()
    for name, text in contents.items():
        if name != without:
            (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_whole_package_stays(inspector, tmp_path):
    folder = package(tmp_path)
    assert inspector.mend() == []
    assert folder.is_dir()


@pytest.mark.parametrize("cut", ["METADATA", "RECORD", "INSTALLER", "size", "file"])
def test_a_package_that_was_cut_off_is_forgotten(inspector, tmp_path, cut):
    folder = package(tmp_path, without=cut, size=5 if cut == "size" else 4)
    if cut == "file":
        (tmp_path / "thing.py").unlink()
    (tmp_path / "~hing").mkdir()
    assert inspector.mend() == ["thing-1.0"]
    assert not folder.exists()
    assert not (tmp_path / "~hing").exists()


@pytest.mark.parametrize(
    ("name", "told"), [("none", "there is no such Python"), ("sh", "is not Python 3.10")]
)
def test_a_wrong_python_is_one_sentence(tmp_path, name, told):
    script = tmp_path / "sh"
    script.write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    script.chmod(0o755)
    with pytest.raises(UserError, match=told):
        check_python(tmp_path / name)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for Python")
def test_a_python_without_ensurepip_lends_its_own_pip(tmp_path, monkeypatch):
    """Debian and Colab take ensurepip out: an environment is made all the same."""
    import ensurepip

    bundled = Path(ensurepip.__file__).parent / "_bundled"
    for name, value in offline(bundled).items():
        monkeypatch.setenv(name, value)
    python = tmp_path / "python"
    refusal = "The virtual environment was not created: ensurepip is not available."
    script = f"""#!/bin/sh
case "$*" in *--without-pip*) ;; *"-m venv"*) echo "{refusal}"; exit 1;; esac
exec "{sys.executable}" "$@"
"""
    python.write_text(script, encoding="utf-8")
    python.chmod(0o755)
    places = Places(tmp_path / "v1")
    make_ready(places, python, go_on=False)
    done = subprocess.run([places.python, "-m", "pip", "--version"], capture_output=True, text=True)
    assert str(places.env) in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for Python")
def test_a_python_without_ensurepip_and_pip_is_one_sentence(tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho ensurepip is not available; exit 1\n", encoding="utf-8")
    python.chmod(0o755)
    with pytest.raises(UserError, match="it has no ensurepip, and no pip") as told:
        make_ready(Places(tmp_path / "v1"), python, go_on=False)
    assert "python3-venv" in told.value.hint
