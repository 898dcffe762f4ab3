"""Runs a server and a client on cores of their own and says what the client took: CPU time, memory, time to its first request.

The CPU time of a client is that of all its processes. Processes that it leaves behind come to this one (a child subreaper), so
that their time is counted and none outlives its run.
"""
import ctypes
import dataclasses
import os
import re
import signal
import subprocess
import time
import urllib.request

PR_SET_CHILD_SUBREAPER = 36
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class RunFailed(Exception):
    """The reason stands in the table instead of a number."""


def become_subreaper():
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def pinned(cores, command):
    return ["taskset", "-c", ",".join(map(str, cores)), *command]


class Emulator:
    """`assay emulate` with stamps, while the `with` lasts; afterwards `stamps_path` is the file."""

    def __init__(self, assay, folder, cores, options):
        self.folder = folder
        self.stamps_path = f"{folder}/stamps.jsonl"
        self.command = pinned(cores, [assay, "emulate", "--port", "0", "--ready-file", f"{folder}/url", "--stamps",
                                      self.stamps_path, "--json", *options])

    def __enter__(self):
        with open(f"{self.folder}/emulate.log", "wb") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while not self.url():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise RunFailed("assay emulate did not start: " + tail(f"{self.folder}/emulate.log"))
            time.sleep(0.02)
        return self

    def url(self):
        """The server's root, without /v1; empty until it is served."""
        try:
            with open(f"{self.folder}/url", encoding="utf-8") as file:
                return file.read().strip().removesuffix("/v1")
        except FileNotFoundError:
            return ""

    def answered(self):
        """Requests for inference that it has answered so far, by its own metrics."""
        with urllib.request.urlopen(f"{self.url()}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        return sum(int(float(value)) for value in re.findall(r"^vllm:request_success_total\S* (\S+)$", text, re.MULTILINE))

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(60)   # half a gigabyte of stamps takes seconds
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def tail(path, length=300):
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.path.getsize(path) - 4 * length))
            return " ".join(file.read().decode("utf-8", "replace").split())[-length:]
    except OSError:
        return ""


@dataclasses.dataclass
class Usage:
    """What a client took. Instants are nanoseconds of CLOCK_MONOTONIC."""
    started_ns: int
    ended_ns: int
    cpu_s: float
    pss_peak_mib: float
    samples: list    # (instant, CPU seconds so far)

    def cpu_s_between(self, begin_ns, end_ns):
        return self.cpu_s_at(end_ns) - self.cpu_s_at(begin_ns)

    def cpu_s_at(self, instant_ns):
        before = (self.started_ns, 0.0)
        for sample in [*self.samples, (self.ended_ns, self.cpu_s)]:
            if sample[0] >= instant_ns:
                share = (instant_ns - before[0]) / max(1, sample[0] - before[0])
                return before[1] + share * (sample[1] - before[1])
            before = sample
        return before[1]


def processes():
    """pid → (parent, CPU seconds with those of its reaped children)."""
    table = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue    # it has ended
        table[int(name)] = (int(fields[1]), sum(map(int, fields[11:15])) / TICKS_PER_S)
    return table


def pss_mib(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


class Client:
    """One run of a tool. Everything below this process but `others` is its."""

    def __init__(self, command, environment, folder, cores, others, with_memory):
        self.others, self.with_memory = others, with_memory
        self.samples, self.pss_peak_mib, self.reaped_cpu_s = [], 0.0, 0.0
        self.log = f"{folder}/client.log"
        with open(self.log, "wb") as log:
            self.started_ns = time.monotonic_ns()
            # A tool's environment has all that it needs; what PYTHONPATH adds would be found first.
            outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
            self.process = subprocess.Popen(pinned(cores, command), stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder,
                                            env={**outside, **environment})

    def members(self, table):
        """Live processes of the client in the table of processes()."""
        found, fresh = set(), {pid for pid, (parent, _) in table.items()
                               if parent == os.getpid() and pid not in self.others}
        while fresh:
            found |= fresh
            fresh = {pid for pid, (parent, _) in table.items() if parent in fresh} - found
        return found

    def sample(self):
        table = processes()
        members = self.members(table)
        self.samples.append((time.monotonic_ns(), self.reaped_cpu_s + sum(table[pid][1] for pid in members)))
        if self.with_memory:
            self.pss_peak_mib = max(self.pss_peak_mib, sum(map(pss_mib, members)))

    def reap(self):
        """Takes the status of every child that ended; True once the client itself has."""
        for pid in list(self.members(processes())):
            try:
                ended, status, usage = os.wait4(pid, os.WNOHANG)
            except ChildProcessError:
                continue
            if ended == 0:
                continue
            self.reaped_cpu_s += usage.ru_utime + usage.ru_stime
            if pid == self.process.pid:
                self.process.returncode = os.waitstatus_to_exitcode(status)
        return self.process.returncode is not None

    def wait(self, limit_s, until=lambda: False):
        """The usage; the client is ended after limit_s, or as soon as until(). Raises RunFailed where it took too long."""
        deadline, period = time.monotonic() + limit_s, 0.5 if self.with_memory else 0.1
        is_late = False
        try:
            while not self.reap():
                self.sample()
                is_late = time.monotonic() > deadline
                if is_late or until():
                    break
                time.sleep(period)
            ended_ns = time.monotonic_ns()
        finally:
            self.end()
        if is_late:
            raise RunFailed(f"ended after {limit_s:.0f} s")
        return Usage(self.started_ns, ended_ns, self.reaped_cpu_s, self.pss_peak_mib, self.samples)

    def end(self):
        """Ends whatever of the client still runs: asked first, then killed."""
        for sign, patience_s in ((signal.SIGTERM, 3), (signal.SIGKILL, 10)):
            deadline = time.monotonic() + patience_s
            for pid in self.members(processes()):
                try:
                    os.kill(pid, sign)
                except ProcessLookupError:
                    pass
            while time.monotonic() < deadline:
                self.reap()
                if not self.members(processes()):
                    return
                time.sleep(0.05)
