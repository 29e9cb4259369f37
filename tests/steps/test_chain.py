"""The chain does what is stale, skips what is not, and loses nothing when a step fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from wrapper.steps.chain import Chain, Planned, Step


class World:
    """Two steps, copy and upper, over one text file."""

    def __init__(self, folder: Path) -> None:
        self.source, self.copy, self.upper = (folder / name for name in ("source", "copy", "upper"))
        self.source.write_text("ear")
        self.record = folder / "steps.json"
        self.done: list[str] = []
        self.announced: list[Planned] = []

    def chain(self) -> Chain:
        first = Step("copy", "Copy", self.source.read_text, lambda: [self.copy], self._copy)
        second = Step("upper", "Upper", self.copy.read_text, lambda: [self.upper], self._upper)
        return Chain([first, second], self.record)

    def run(self) -> list[str]:
        self.done = []
        self.chain().run(self.announced.append)
        return self.done

    def _copy(self) -> None:
        self.done.append("copy")
        self.copy.write_text(self.source.read_text())

    def _upper(self) -> None:
        if self.copy.read_text() == "boom":
            raise RuntimeError
        self.done.append("upper")
        self.upper.write_text(self.copy.read_text().upper())


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_second_run_does_nothing(world: World):
    assert world.run() == ["copy", "upper"]
    assert world.run() == []


def test_a_changed_source_makes_everything_behind_it_stale(world: World):
    world.run()
    world.source.write_text("lobe")
    assert world.run() == ["copy", "upper"]
    assert world.upper.read_text() == "LOBE"


def test_a_step_that_gives_what_it_gave_makes_nothing_stale(world: World):
    world.run()
    world.copy.unlink()
    assert world.run() == ["copy"]


def test_a_missing_output_is_made_again(world: World):
    world.run()
    world.upper.unlink()
    assert world.run() == ["upper"]
    assert world.announced[-1].reason == "upper is missing"


def test_a_step_that_failed_is_tried_again_and_those_before_it_are_not(world: World):
    world.run()
    world.source.write_text("boom")
    with pytest.raises(RuntimeError):
        world.run()
    assert world.done == ["copy"]
    with pytest.raises(RuntimeError):
        world.run()
    assert world.done == []


def test_a_broken_record_means_that_nothing_is_known(world: World):
    world.run()
    world.record.write_text("{")
    assert world.run() == ["copy", "upper"]


def test_a_preview_does_nothing_and_says_why(world: World):
    planned = world.chain().preview()
    assert [(p.step.name, p.up_to_date) for p in planned] == [("copy", False), ("upper", False)]
    assert world.done == []
    world.run()
    assert all(p.up_to_date for p in world.chain().preview())
