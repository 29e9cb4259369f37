"""QC on a real Ray cluster of two nodes: the same records as here, whatever is lost on the way."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pytest

from dataset_tools.errors import UserError
from dataset_tools.quality.engines import cluster as engine
from dataset_tools.quality.engines import measured_here
from dataset_tools.quality.measuring import Task, measure_file
from dataset_tools.quality.qc import inspection, load_thresholds, pictures_in
from tests.dataset_tools.spoiled import astronaut
from wrapper.cli.main import run

ray = pytest.importorskip("ray", reason="needs Ray: pip install 'lorawrap[ray]'")
pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
PHOTO = load_thresholds()


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """Two nodes of one processor each."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    made.add_node(num_cpus=1)
    yield made
    made.shutdown()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 pictures, a copy and two files that are none."""
    made = tmp_path_factory.mktemp("снимки 'x' 📷")
    rgb = astronaut()
    for number in range(80):
        part = np.roll(rgb, (31 * number, 17 * number), (0, 1))[:300, :400]
        cv2.imwrite(str(made / f"{number:02d}.jpg"), part, [cv2.IMWRITE_JPEG_QUALITY, 60 + number // 4])
    (made / "copy.jpg").write_bytes((made / "03.jpg").read_bytes())
    (made / "cut.jpg").write_bytes((made / "03.jpg").read_bytes()[:5000])
    (made / "empty.jpg").write_bytes(b"")
    return made


def found(folder: Path, how: Any) -> list[Any]:
    with inspection(pictures_in(folder), PHOTO, how) as records:
        return list(records)


def test_two_nodes_say_what_this_machine_says(nodes: Any, folder: Path):
    assert found(folder, engine.by_cluster(nodes.address)) == found(folder, measured_here)


def kill_workers(count: int, seconds: float) -> list[int]:
    """End workers of Ray at work, as the system does when memory runs out."""
    killed: list[int] = []
    until = time.monotonic() + seconds
    while len(killed) < count and time.monotonic() < until:
        for process in psutil.process_iter(["cmdline"]):
            at_work = any("measured_on_node" in word for word in process.info["cmdline"] or ())
            if at_work and process.pid not in killed and len(killed) < count:
                os.kill(process.pid, signal.SIGKILL)
                killed.append(process.pid)
        time.sleep(0.02)
    return killed


def test_workers_that_are_killed_cost_nothing_but_time(nodes: Any, folder: Path):
    killed: list[int] = []
    killer = threading.Thread(target=lambda: killed.extend(kill_workers(2, 60)))
    killer.start()
    records = found(folder, engine.by_cluster(nodes.address))
    killer.join()
    assert len(killed) == 2
    assert records == found(folder, measured_here)


def test_a_node_that_is_lost_costs_nothing_but_time(nodes: Any, folder: Path):
    third = nodes.add_node(num_cpus=1)
    remover = threading.Timer(1.0, lambda: nodes.remove_node(third, allow_graceful=False))
    remover.start()
    records = found(folder, engine.by_cluster(nodes.address))
    remover.join()
    assert records == found(folder, measured_here)


class Stuck(type(Path())):
    """A file that never answers."""

    def stat(self, **_: Any) -> Any:
        return signal.pause()


def test_a_file_that_takes_too_long_costs_itself(nodes: Any, folder: Path):
    tasks = [Task(0, folder / "00.jpg"), Task(1, Stuck("a.jpg")), Task(2, folder / "01.jpg")]
    done = {
        task.place: measured for task, measured in engine.by_cluster(nodes.address, limit_s=5)(iter(tasks))
    }
    assert done[1].facts is not None
    assert "took more than 5 seconds" in done[1].facts.error
    assert [done[place] for place in (0, 2)] == [measure_file(tasks[place]) for place in (0, 2)]


def test_the_command_starts_a_cluster_of_its_own(folder: Path, tmp_path: Path):
    for how in (["--ray", "local", "--out", "ray"], ["--out", "here"]):
        assert run(["qc", str(folder), *how[:-1], str(tmp_path / how[-1])]) == 0
    for name in ("qc.jsonl", "qcreport.csv", "report.html"):
        assert (tmp_path / "ray" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()


@pytest.mark.parametrize(
    ("address", "wanted"),
    [("127.0.0.1:1", "no Ray cluster at"), ("nonsense", "no Ray cluster's address"), ("a:99999", "no Ray")],
)
def test_no_cluster_is_one_sentence(folder: Path, address: str, wanted: str):
    with pytest.raises(UserError, match=wanted):
        found(folder, engine.by_cluster(address))
