"""A real Slurm on this machine, of two nodes with two GPUs each in name: munged, slurmctld, two slurmd.

Debian's packages have all of it: ``apt-get install slurmctld slurmd slurm-client munge``. Nothing of the
system's is used or changed: folders, key, sockets and ports are its own, and there are no cgroups.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
NODES = ("a", "b")
NODE = "CPUs=4 RealMemory=2000 Gres=gpu:2"
READY_S = 30.0
CONF = """
ClusterName=local
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=bf_interval=1,sched_interval=1
GresTypes=gpu
ReturnToService=2
SlurmdTimeout=4
MessageTimeout=3
TCPTimeout=1
KillWait=5
OverTimeLimit=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
{nodes}
PartitionName=main Nodes=a,b Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=a,b MaxTime=INFINITE State=UP PriorityTier=10
"""


def missing() -> str:
    """Why there can be no Slurm here; empty when there can."""
    if getpass.getuser() != "root":
        return "a Slurm of one's own with GPUs in name needs root"
    lacking = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    if lacking:
        return f"needs Debian's slurmctld, slurmd, slurm-client and munge: no {', '.join(lacking)}"
    told = subprocess.run(["slurmd", "-h"], env=_environment(), capture_output=True, text=True, check=False)
    return "" if "-N node" in told.stdout + told.stderr else "this slurmd cannot be two nodes on one machine"


class LocalSlurm:
    """Started by `start`; ``environment`` is what its commands need."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="slurm"))
        self.conf = self.folder / "slurm.conf"
        self.environment = {**_environment(), "SLURM_CONF": str(self.conf)}
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        munge = self.folder / "munge"
        self._write(munge)
        files = {
            "key-file": "key",
            "socket": "socket",
            "pid-file": "pid",
            "log-file": "log",
            "seed-file": "seed",
        }
        self._start(
            "munged", *("munged", "--foreground"), *(f"--{one}={munge / files[one]}" for one in files)
        )
        self._until((munge / "socket").exists)
        self._start("slurmctld", "slurmctld", "-D", "-f", str(self.conf))
        for name in NODES:
            self.start_node(name)
        self._until(
            lambda: self.command("sinfo", "-h", "-N", "-p", "main", "-o", "%T").split() == ["idle"] * 2
        )

    def start_node(self, name: str) -> None:
        self._start(name, "slurmd", "-D", "-f", str(self.conf), "-N", name)

    def lose_node(self, name: str) -> None:
        """As a machine that loses its power: the daemon, the keepers of its jobs, and what they started."""
        daemon = self._daemons.pop(name)
        daemon.kill()
        daemon.wait()
        for keeper in self.keepers(name):
            _kill_tree(keeper)

    def hurry(self) -> None:
        """Let jobs that were put back start now: Slurm lets them wait for two minutes."""
        for line in self.command("squeue", "-h", "-t", "PENDING", "-o", "%i %r").splitlines():
            number, reason = line.split(None, 1)
            if reason in ("BeginTime", "None"):
                self.command("scontrol", "update", f"jobid={number}", "starttime=now")

    def command(self, *argv: str) -> str:
        done = subprocess.run(argv, env=self.environment, capture_output=True, text=True, check=False)
        return done.stdout

    def stop(self) -> None:
        self.command("scancel", f"--user={getpass.getuser()}")
        for daemon in reversed(self._daemons.values()):
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
        for keeper in (one for name in NODES for one in self.keepers(name)):
            _kill_tree(keeper)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, name: str, *argv: str) -> None:
        with (self.folder / f"{name}.out").open("ab") as out:
            self._daemons[name] = subprocess.Popen(argv, env=self.environment, stdout=out, stderr=out)

    def _write(self, munge: Path) -> None:
        self.folder.chmod(0o755)
        munge.mkdir(mode=0o755)
        (munge / "key").write_bytes(os.urandom(128))
        (munge / "key").chmod(0o600)
        for number in range(2):
            os.mknod(self.folder / f"gpu{number}", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        (self.folder / "state").mkdir()
        port, *node_ports = _free_ports(1 + len(NODES))
        host, user = socket.gethostname(), getpass.getuser()
        nodes = "\n".join(
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={own} {NODE}"
            for name, own in zip(NODES, node_ports, strict=True)
        )
        self.conf.write_text(CONF.format(host=host, port=port, folder=self.folder, user=user, nodes=nodes))
        files = f"File={self.folder}/gpu[0-1]"
        (self.folder / "gres.conf").write_text(
            "".join(f"NodeName={one} Name=gpu {files} Flags=nvidia_gpu_env\n" for one in NODES)
        )

    def keepers(self, name: str) -> list[psutil.Process]:
        """Each job's slurmstepd of a node; they write to the node's log."""
        log, found = str(self.folder / f"slurmd-{name}.log"), []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.name() == "slurmstepd" and log in [one.path for one in process.open_files()]:
                    found.append(process)
        return found

    def _until(self, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + READY_S
        while not condition():
            if time.monotonic() > until:
                raise RuntimeError(f"Slurm does not start; see {self.folder}")
            time.sleep(0.1)


def _kill_tree(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                one.kill()


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": PATH}


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
