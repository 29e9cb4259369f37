"""Work in threads: in order, a few items ahead, faults in their turn."""

from __future__ import annotations

import pytest

from dataset_tools.system import side_by_side as module
from dataset_tools.system.side_by_side import WAITING_PER_THREAD, side_by_side


@pytest.fixture(autouse=True)
def _two_threads(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "usable", lambda: 2)


@pytest.mark.parametrize("number", [0, 1, 100, 1000])
def test_results_come_in_order_and_few_items_are_taken_ahead(number: int):
    taken: list[int] = []
    items = (taken.append(item) or item for item in range(number))
    ahead = 0
    for place, result in enumerate(side_by_side(lambda item: item * 2, items)):
        assert result == place * 2
        ahead = max(ahead, len(taken) - place)
    assert ahead <= 2 * WAITING_PER_THREAD + 1
    assert len(taken) == number


def test_a_fault_is_raised_in_its_turn_and_nothing_more_is_begun():
    seen: list[float] = []
    begun: list[int] = []

    def work(item: int) -> float:
        begun.append(item)
        return 1 / (3 - item)

    with pytest.raises(ZeroDivisionError):
        seen.extend(side_by_side(work, range(1000)))
    assert len(seen) == 3
    assert len(begun) < 100
