"""Which sd-scripts is there, and where its option tables lie."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from dataset_tools.errors import RunFailed, UserError
from tests.sd_scripts_install.fakes import FILES, TAG
from wrapper.sd_scripts.installed import find_installation, installations, tables_folder
from wrapper.sd_scripts.lock import lock, locked_files, recorded_tables
from wrapper.sd_scripts.places import Places, places_of, versions_folder
from wrapper.sd_scripts.tables import SCRIPTS, parser_files, read_table


@pytest.fixture
def own_checkout(tmp_path: Path, monkeypatch) -> Path:
    """A checkout of the user's own, named by the environment."""
    checkout = tmp_path / "чужой checkout"
    for name, text in FILES.items():
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text(text, encoding="utf-8")
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS", str(checkout))
    return checkout


def recorded(tag: str, pinned: bool = False) -> Places:
    places = places_of(tag)
    places.options.mkdir(parents=True)
    record = {"tag": tag, "commit": "c" * 40, "pinned": pinned}
    places.record.write_text(json.dumps(record), encoding="utf-8")
    return places


def test_the_lock_names_a_commit_whose_files_and_options_are_recorded():
    assert len(lock().commit) == 40
    assert (recorded_tables() / "train_network.json").is_file()
    assert {*SCRIPTS, "library/train_util.py", "requirements.txt"} <= set(locked_files())


def test_where_nothing_is_installed_the_recorded_tables_serve():
    assert find_installation() is None
    assert tables_folder() == recorded_tables()


def test_the_pinned_version_comes_before_others():
    recorded("v9.9.9")
    assert find_installation().tag == "v9.9.9"
    recorded(lock().tag, pinned=True)
    assert find_installation().tag == lock().tag
    assert [one.tag for one in installations()] == [lock().tag, "v9.9.9"]


def test_an_installation_without_its_last_file_is_none():
    places_of(lock().tag).checkout.mkdir(parents=True)
    assert find_installation() is None


def test_a_record_that_cannot_be_read_is_one_sentence():
    recorded(lock().tag).record.write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match=r"install\.json: cannot be read"):
        find_installation()


def test_a_branch_has_a_folder_of_its_own_name():
    assert places_of("feat/my work").folder == versions_folder() / "feat-my-work"


def test_a_checkout_of_the_users_own_is_read_once(own_checkout, installed_once, monkeypatch, capsys):
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS_PYTHON", str(installed_once.python))
    folder = tables_folder()
    assert "reading the options" in capsys.readouterr().err
    assert read_table(folder, "train_network")["learning_rate"]["default"] == 2e-6
    assert os.environ["LORAWRAP_CACHE_DIR"] in str(folder)
    found = find_installation()
    assert (found.named, found.pinned, found.options) == (True, False, folder)
    assert not list(own_checkout.rglob("__pycache__"))


def test_its_tables_are_of_its_content(own_checkout, installed_once, monkeypatch):
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS_PYTHON", str(installed_once.python))
    before = find_installation().options
    script = own_checkout / "train_network.py"
    (own_checkout / "docs" / "читай меня.md").write_text("other", encoding="utf-8")
    assert find_installation().options == before
    script.write_text(script.read_text(encoding="utf-8").replace("2e-6", "3e-6"), encoding="utf-8")
    assert find_installation().options != before


def test_a_python_that_cannot_read_them_is_named(own_checkout, monkeypatch):
    (own_checkout / "train_network.py").write_text("import no_such_module_anywhere\n", encoding="utf-8")
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS_PYTHON", sys.executable)
    with pytest.raises(
        RunFailed, match=r"its options could not be read .ModuleNotFoundError: No module named"
    ):
        tables_folder()


def test_the_pinned_parsers_need_no_python_at_all(own_checkout, monkeypatch):
    from wrapper.sd_scripts import installed, tables
    from wrapper.sd_scripts.blobs import blob_ids

    blobs = blob_ids(own_checkout, parser_files(own_checkout))
    monkeypatch.setattr(tables, "locked_files", lambda: blobs)
    installed._tables.cache_clear()
    assert tables_folder() == recorded_tables()


def test_an_installed_version_can_be_named_by_its_checkout_alone(installed, monkeypatch):
    monkeypatch.setenv("LORAWRAP_SD_SCRIPTS", str(installed.checkout))
    assert find_installation() == installed


def test_tables_are_read_anew_when_the_checkout_changed(installed, monkeypatch, tmp_path):
    data = tmp_path / "копия"
    shutil.copytree(installed.checkout.parents[2], data, symlinks=True)
    monkeypatch.setenv("LORAWRAP_DATA_DIR", str(data))
    script = places_of(TAG).checkout / "train_network.py"
    script.write_text(script.read_text(encoding="utf-8").replace("2e-6", "3e-6"), encoding="utf-8")
    assert read_table(tables_folder(), "train_network")["learning_rate"]["default"] == 3e-6
