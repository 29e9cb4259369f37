"""A whole installation: real git, a real environment, a real pip without network."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from dataset_tools.errors import RunFailed, UserError
from tests.sd_scripts_install.fakes import FILES, TAG, TORCH, make_wheel, make_wheels, offline, unpack
from wrapper.sd_scripts.install import install, plan
from wrapper.sd_scripts.installed import find_installation, tables_folder
from wrapper.sd_scripts.places import places_of
from wrapper.sd_scripts.tables import read_table

ROOT = Path(__file__).parents[2]


def python(installed, code: str) -> str:
    done = subprocess.run(
        [installed.python, "-I", "-X", "utf8", "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    return done.stdout.strip()


def test_what_is_installed_is_found_and_has_its_files(installed):
    assert find_installation() == installed
    there = {path.relative_to(installed.checkout).as_posix() for path in installed.checkout.rglob("*")}
    assert set(FILES) - there == {"bitsandbytes_windows/huge.dll", "configs/qwen3_06b/vocab.json"}


def test_its_environment_has_the_pins_and_not_what_cannot_serve(installed):
    code = "from importlib.metadata import distributions as d; print(sorted(x.name for x in d()))"
    names = python(installed, code)
    assert [
        name for name in ("torch", "torchvision", "tiny_package", "mathematics") if name not in names
    ] == []
    assert [name for name in ("bitsandbytes", "not-there", "lorawrap") if name in names] == []


def test_torchvision_is_imported_beside_a_torch_it_was_not_built_for(installed):
    shown = python(installed, "import torchvision, torch; print(sorted(vars(torch.ops.torchvision)))")
    assert shown == "['nms', 'qnms']"


def test_operators_that_are_there_are_not_declared_again(installed):
    code = "import torch; torch.library.Library('torchvision', 'DEF').define('nms()'); import torchvision"
    assert python(installed, f"{code}; print(vars(torch.ops.torchvision))") == "{'nms': 'nms()'}"


def test_a_start_of_its_python_does_not_import_torch(installed):
    assert python(installed, "import sys; print('torch' in sys.modules)") == "False"


def test_its_options_are_its_parsers_own_with_help_texts(installed):
    table = read_table(tables_folder(), "train_network")
    assert table["learning_rate"] == {
        "type": "float",
        "choices": None,
        "default": 2e-6,
        "list": False,
        "nargs": None,
        "const": None,
        "action": "_StoreAction",
        "flags": ["--learning_rate"],
        "required": False,
        "help": "how fast, in 100% of cases",
    }
    assert table["resume"]["type"] == "bool"
    assert table["optimizer_args"]["list"] is True


def test_a_second_start_finds_everything_done_and_does_nothing(installed):
    again = plan(None, TAG)
    assert [step.done for step in again.steps] == [True, True, True]
    record = places_of(TAG).record
    before = record.stat().st_mtime_ns
    assert install(again) == installed
    assert record.stat().st_mtime_ns == before


def copied(installed, monkeypatch, tmp_path: Path) -> Path:
    """The installation at another place (an environment may be moved as long as its Python stays)."""
    data = tmp_path / "копия"
    shutil.copytree(installed.checkout.parents[2], data, symlinks=True)
    monkeypatch.setenv("LORAWRAP_DATA_DIR", str(data))
    return places_of(TAG).checkout


def test_an_edited_file_is_not_overwritten_unless_forced(installed, monkeypatch, tmp_path, repository):
    checkout = copied(installed, monkeypatch, tmp_path)
    (checkout / "train_network.py").write_text("print('mine')\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"files were edited here \(changed: train_network\.py\)"):
        install(plan(str(repository), TAG))
    assert [step.done for step in plan(str(repository), TAG, anew=True).steps] == [False, False, False]


def test_a_lost_file_is_brought_back_and_the_rest_stays(installed, monkeypatch, tmp_path, repository, wheels):
    checkout = copied(installed, monkeypatch, tmp_path)
    (checkout / "sdxl_train_network.py").unlink()
    for name, value in offline(tmp_path / "no wheels at all").items():
        monkeypatch.setenv(name, value)
    install(plan(str(repository), TAG))
    assert (checkout / "sdxl_train_network.py").is_file()


def test_a_failed_package_is_named_and_the_next_start_goes_on(monkeypatch, tmp_path, repository):
    wheels = tmp_path / "wheels"
    make_wheels(wheels)
    (wheels / "tiny_package-1.2-py3-none-any.whl").unlink()
    for name, value in offline(wheels).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(
        RunFailed, match=r"could not install tiny-package==1\.2: the package index has no"
    ) as told:
        install(plan(str(repository), TAG, torch="2.13.0"))
    assert str(places_of(TAG).log) in told.value.hint
    assert find_installation() is None
    make_wheel(wheels, "tiny_package", "1.2", {"tiny_package.py": ""})
    (wheels / "torch-2.13.0+cpu-py3-none-any.whl").unlink()  # it is there already
    assert install(plan(str(repository), TAG)).tag == TAG


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL on Windows")
def test_a_killed_installation_is_gone_on_with(monkeypatch, tmp_path, repository, wheels):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name, value in offline(wheels).items():
        monkeypatch.setenv(name, value)
    argv = [sys.executable, "-m", "wrapper", "vendor", "install", "--source", str(repository)]
    argv += ["--ref", TAG, "--torch", "2.13.0"]
    for reached in ("install.lock", "environment.json", "install.log"):
        kill_at(places_of(TAG).folder / reached, argv)
        assert find_installation() is None
    done = subprocess.run(argv, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    found = find_installation()
    assert found is not None
    assert not list(places_of(TAG).folder.glob(".part-*"))
    assert python(found, "import torchvision, tiny_package, mathematics; print('whole')") == "whole"


def kill_at(reached: Path, argv: list[str]) -> None:
    """Start ``argv`` and kill it, and it alone, as soon as ``reached`` is there: nothing of it stays."""
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        while child.poll() is None and not reached.exists():
            time.sleep(0.02)
        left = psutil.Process(child.pid).children(recursive=True)
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    assert psutil.wait_procs(left, timeout=30)[1] == []


def test_the_torch_of_another_python_is_shared_and_nothing_else_of_it(
    monkeypatch, tmp_path, repository, wheels
):
    """Its own tiny_package is older than sd-scripts' pin, and its stray module must not be seen."""
    system = tmp_path / "system python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", system], check=True)
    binary = system / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    site = subprocess.check_output([binary, "-c", "import site; print(site.getsitepackages()[0])"], text=True)
    for name, value in offline(wheels).items():
        monkeypatch.setenv(name, value)
    make_wheel(tmp_path, "tiny_package", "0.9", {"tiny_package.py": "", "stray.py": ""})
    for wheel in (wheels / "torch-2.13.0+cpu", wheels / "mathematics-1.0", tmp_path / "tiny_package-0.9"):
        unpack(Path(f"{wheel}-py3-none-any.whl"), site.strip())
    made = install(plan(str(repository), TAG, python=binary, system_torch=True))
    assert "system python" in python(made, "import os, torch; print(os.path.realpath(torch.__file__))")
    assert python(made, "from importlib.metadata import version; print(version('tiny_package'))") == "1.2"
    hidden = "import importlib.util as u; print(u.find_spec('stray'), u.find_spec('mathematics').origin)"
    assert python(made, hidden).startswith(f"None {made.python.parents[1]}")
    assert plan(None, TAG).wish.shares_torch
    assert plan(None, TAG).is_done("environment")
    make_wheel(tmp_path, "torch", "2.14.0", TORCH)
    shutil.rmtree(Path(site.strip()) / "torch-2.13.0+cpu.dist-info")
    unpack(tmp_path / "torch-2.14.0-py3-none-any.whl", site.strip())
    assert not plan(None, TAG).is_done("environment")


def test_an_environment_is_made_anew_for_another_torch(installed):
    assert [step.done for step in plan(None, TAG, torch="2.12.0").steps] == [True, False, False]


def test_install_json_says_what_was_installed(installed, repository):
    record = json.loads(places_of(TAG).record.read_text(encoding="utf-8"))
    assert (record["tag"], record["pinned"], record["source"]) == (TAG, False, str(repository))
    assert record["left_out"][-1].startswith("bitsandbytes")
