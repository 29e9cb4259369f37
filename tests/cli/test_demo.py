"""``lorawrap demo --photos-only``: the photographs and the project, and nothing done with them."""

from __future__ import annotations

from pathlib import Path

from wrapper.cli.main import run


def test_photographs_alone_are_what_the_next_command_needs(tmp_path: Path, capsys):
    out = tmp_path / "демо 'один'"
    assert run(["demo", "--photos-only", "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        ".lorawrap-demo",
        "class_photos",
        "lorawrap.toml",
        "manifest.jsonl",
        "masks",
        "photos",
    ]
    assert "next: lorawrap qc --project" in capsys.readouterr().out
    assert run(["build", "--project", str(out), "--dry-run"]) == 2
    assert "lorawrap qc" in capsys.readouterr().err
