"""A Slurm of its own for a test: a controller and two nodes on this host, run by whoever runs the test."""

import ctypes
import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from support.processes import descendants, kill

NODES = ("n1", "n2")
CORES_PER_NODE = 4
MEMORY_PER_NODE_MIB = 4000
GPUS = ("/dev/null", "/dev/zero")  # of each node: files that take their place
SEARCH_PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h

CONFIGURATION = """
ClusterName=alphahill
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={ctld_port}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmdSpoolDir={folder}/spool-%n
TmpFS={folder}/tmp-%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/completed
MpiDefault=pmix
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1,batch_sched_delay=0
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
InactiveLimit=0
MessageTimeout=30
SlurmdTimeout=15
OverTimeLimit=0
GresTypes=gpu
NodeName=DEFAULT CPUs={cores} RealMemory={memory} Gres=gpu:{gpus}
NodeName={first} NodeHostname={host} NodeAddr=127.0.0.1 Port={first_port}
NodeName={second} NodeHostname={host} NodeAddr=127.0.0.1 Port={second_port}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def prepare_daemon():
    """In a daemon: it ends with the test, even one that is killed, and stays the parent of the steps that it starts."""
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def is_rank(pid, job):
    try:
        environment = Path(f"/proc/{pid}/environ").read_text(errors="replace").split("\0")
        return Path(f"/proc/{pid}/comm").read_text() == "alpha-hill\n" and f"SLURM_JOB_ID={job}" in environment
    except OSError:  # it has ended
        return False


class SlurmCluster:
    def __init__(self, environment):
        self.folder = Path(tempfile.mkdtemp(prefix="alphahill-slurm-"))
        self.environment = environment | {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": SEARCH_PATH}
        self._daemons = {}
        self._configure()

    def start(self):
        self._daemon("munged", "--foreground", "--force", f"--key-file={self.folder}/munge.key",
                     f"--socket={self.folder}/munge.socket", f"--pid-file={self.folder}/munge.pid",
                     f"--log-file={self.folder}/munge.log", f"--seed-file={self.folder}/munge.seed")
        self.wait_for("munge", lambda: (self.folder / "munge.socket").exists())
        self._daemon("slurmctld", "-D", "-c")
        for node in NODES:
            self.start_node(node)
        self.wait_for("idle nodes", lambda: self._idle_nodes() == len(NODES))

    def stop(self):
        for name in list(self._daemons):
            self._kill(name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start_node(self, node):
        """With nothing on its disk, as after a power failure: leavings of a step keep the next of that number away."""
        for kind in ("spool", "tmp"):
            shutil.rmtree(self.folder / f"{kind}-{node}", ignore_errors=True)
            (self.folder / f"{kind}-{node}").mkdir()
        self._daemon("slurmd", "-D", "-N", node, name=node)

    def kill_node(self, node):
        """As a power failure does: the daemon, the steps, which could report the end of the tasks, and the tasks."""
        self._kill(node)

    def ranks(self, job):
        """Process ids of the ranks of a job, on all nodes."""
        return [pid for node in NODES for pid in descendants(self._daemons[node].pid) if is_rank(pid, job)]

    def run(self, *command, variables=None, **keywords):
        """A Slurm command, or one of ours that calls them. @return its standard output"""
        done = subprocess.run(list(map(str, command)), env=self.environment | (variables or {}), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, **keywords)
        if done.returncode != 0:
            raise AssertionError(f"{command} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def job(self, job):
        """What Slurm knows of a job, as scontrol names it."""
        words = self.run("scontrol", "--oneliner", "show", "job", job).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def wait_for(self, what, condition, seconds=240):
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds} s for {what}\n{self._logs()}")
            time.sleep(0.05)
        return found

    def _configure(self):
        (self.folder / "state").mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        ports = free_ports(3)
        (self.folder / "slurm.conf").write_text(CONFIGURATION.format(
            host=socket.gethostname().split(".")[0], user=getpass.getuser(), folder=self.folder, ctld_port=ports[0],
            first=NODES[0], first_port=ports[1], second=NODES[1], second_port=ports[2], cores=CORES_PER_NODE,
            memory=MEMORY_PER_NODE_MIB, gpus=len(GPUS)))
        (self.folder / "gres.conf").write_text("".join(f"Name=gpu File={file}\n" for file in GPUS))
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n")

    def _daemon(self, program, *arguments, name=None):
        name = name or program
        with open(self.folder / f"{name}.log", "ab") as log:
            self._daemons[name] = subprocess.Popen(
                [shutil.which(program, path=SEARCH_PATH), *arguments], env=self.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=prepare_daemon)

    def _kill(self, name):
        daemon = self._daemons.pop(name)
        kill([daemon.pid, *descendants(daemon.pid)])
        daemon.wait()

    def _idle_nodes(self):
        done = subprocess.run(["sinfo", "--noheader", "--Node", "--format=%T"], env=self.environment,
                              capture_output=True, text=True, timeout=30)
        return done.stdout.split().count("idle")

    def _logs(self):
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}"
                         for log in sorted(self.folder.glob("[ns]*.log")))
