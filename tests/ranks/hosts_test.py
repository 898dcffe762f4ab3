"""Ranks on several hosts: network namespaces of this machine, each with a host name and, where the kernel can, a clock of its
own, and Open MPI's mpirun between them. Four ranks on three hosts; then the same with one that is killed. Needs root."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from support import ASSAY, FAULTS, Emulator, ended_well, environment, expect, findings, one_client, plan_of, records, report

SKIPPED = 77
NET = "10.213.77"
HUB = f"assay-hub-{os.getpid()}"  # where the emulator and mpirun are
# Host, slots, and how far its CLOCK_MONOTONIC is ahead of this machine's.
HOSTS = [(f"assay-h1-{os.getpid()}", 2, 0), (f"assay-h2-{os.getpid()}", 1, 5000), (f"assay-h3-{os.getpid()}", 1, 86400)]
LONG_TRAFFIC = ["--request-rate", "40", "--num-prompts", "600", "--output-len", "4", "--timeout", "20"]  # fifteen seconds
TRAFFIC = ["--request-rate", "40", "--num-prompts", "240", "--output-len", "4", "--timeout", "20"]  # six seconds


def sh(*words, check=True):
    return subprocess.run(words, check=check, capture_output=True, text=True)


def can_have_clocks():
    return sh("unshare", "--time", "--monotonic", "1000", "--fork", "true", check=False).returncode == 0


class Network:
    """A hub and its hosts, joined by a bridge that is in the hub, so that nothing of this machine's own network changes."""

    def __enter__(self):
        self.remove()
        sh("ip", "netns", "add", HUB)
        in_hub = ("ip", "-n", HUB)
        sh(*in_hub, "link", "set", "lo", "up")
        sh(*in_hub, "link", "add", "bridge", "type", "bridge")
        sh(*in_hub, "addr", "add", f"{NET}.1/24", "dev", "bridge")
        sh(*in_hub, "link", "set", "bridge", "up")
        for number, (host, _, _) in enumerate(HOSTS, start=2):
            sh("ip", "netns", "add", host)
            sh(*in_hub, "link", "add", f"to-{number}", "type", "veth", "peer", "name", "eth0", "netns", host)
            sh(*in_hub, "link", "set", f"to-{number}", "master", "bridge", "up")
            sh("ip", "-n", host, "addr", "add", f"{NET}.{number}/24", "dev", "eth0")
            sh("ip", "-n", host, "link", "set", "eth0", "up")
            sh("ip", "-n", host, "link", "set", "lo", "up")
        return self

    def __exit__(self, *_):
        for name in self.names():
            for pid in sh("ip", "netns", "pids", name, check=False).stdout.split():
                os.kill(int(pid), signal.SIGKILL)  # what mpirun may have left
        self.remove()

    @staticmethod
    def names():
        return HUB, *(host for host, _, _ in HOSTS)

    @classmethod
    def remove(cls):
        for name in cls.names():
            sh("ip", "netns", "del", name, check=False)


def write_agent(folder, has_clocks):
    """What mpirun calls in place of ssh: enters the host and runs the command there."""
    cases = ""
    for host, _, ahead_s in HOSTS:
        clock = f"--time --monotonic {ahead_s} --fork" if has_clocks and ahead_s else ""
        cases += f'{host}) exec ip netns exec {host} unshare --uts {clock} sh -c "hostname {host}; $*" ;;\n'
    agent = Path(folder) / "agent"
    agent.write_text(f'#!/bin/sh\nhost=$1\nshift\ncase $host in\n{cases}esac\nexit 1\n')
    agent.chmod(0o755)
    (Path(folder) / "hosts").write_text("".join(f"{host} slots={slots}\n" for host, slots, _ in HOSTS))
    return agent


def mpirun(folder, agent, *arguments):
    command = ["ip", "netns", "exec", HUB, "mpirun", "--allow-run-as-root", "--enable-recovery", "--mca", "orte_abort_on_non_zero_status", "0", "--hostfile", "hosts", "-n", "4",
               "--mca", "plm", "rsh", "--mca", "plm_rsh_agent", str(agent), "--mca", "oob_tcp_if_include", f"{NET}.0/24", "--mca",
               "btl_tcp_if_include", f"{NET}.0/24", "--mca", "btl", "self,tcp", ASSAY, *arguments]
    with open(Path(folder) / "out.txt", "w") as out, open(Path(folder) / "err.txt", "w") as err:
        return subprocess.Popen(command, cwd=folder, env=environment(folder), stdout=out, stderr=err, stdin=subprocess.DEVNULL)


def said(folder):
    return (Path(folder) / "out.txt").read_text(), (Path(folder) / "err.txt").read_text()


def pid_of_rank(folder, rank):
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_ours = os.path.realpath(process / "cwd") == os.path.realpath(folder) and os.path.realpath(process / "exe") == os.path.realpath(ASSAY)
            if is_ours and f"OMPI_COMM_WORLD_RANK={rank}".encode() in (process / "environ").read_bytes().split(b"\0"):
                return int(process.name)
        except OSError:
            continue
    return None


def four_ranks_on_three_hosts(folder, agent, url, has_clocks):
    process = mpirun(folder, agent, "load", url, *TRAFFIC, "--out", "out", "--samples", "all.jsonl")
    process.wait(timeout=120)
    out, err = said(folder)
    expect(ended_well(process.returncode, err + out), f"hosts: {process.returncode}: {err[-1500:]}")
    if not (Path(folder) / "all.jsonl").exists():
        return
    got = report(folder, "out")
    told = findings(got)
    expect("load.rank-lost" not in told, f"hosts: {told.get('load.rank-lost')}")
    expect(told["load.ranks"]["evidence"]["hosts"] == 3, f"hosts: {told['load.ranks']}")
    offsets = records(got, "clock_offset_ms")
    expect([r["conditions"]["rank"] for r in offsets] == [0, 1, 2, 3], f"hosts: {offsets}")
    ahead_s = {host: ahead for host, _, ahead in HOSTS}
    for record in offsets:
        # One clock is behind all of them, so that the truth is known to the nanosecond.
        truth_ms = 1e3 * ahead_s[record["conditions"]["host"]] if has_clocks else 0
        # Doubles of a day in milliseconds are right to some 1e-8 ms.
        expect(record["ci_low"] - 1e-6 <= truth_ms <= record["ci_high"] + 1e-6 and record["ci_high"] - record["ci_low"] < 100,
               f"hosts: the offset {record['ci_low']} … {record['ci_high']} ms of {record['conditions']['host']} does not hold {truth_ms}")
    # The emulator's own clock is the truth of what was sent: the whole plan, whatever the hosts' clocks.
    (Path(folder) / "alone").mkdir()
    with Emulator(Path(folder) / "alone") as own:
        wanted = one_client(folder, own.url, TRAFFIC)
    expect(plan_of(Path(folder) / "all.jsonl") == wanted, "hosts: the union is not the plan")


def one_of_them_is_killed(folder, agent, emulator):
    before = emulator.answered()
    process = mpirun(folder, agent, "load", emulator.url, *LONG_TRAFFIC, "--out", "killed")
    begun = time.monotonic()
    emulator.wait_for_answers(before + 100, 60, lambda: process.poll() is None)
    pid = pid_of_rank(folder, 3)
    expect(pid is not None, "killed: rank 3 is not there")
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
    process.wait(timeout=60)  # rank 0 does not wait for the dead
    took_s = time.monotonic() - begun
    out, err = said(folder)
    for rank in range(3):
        expect((Path(folder) / f"killed/rank-{rank}/complete.json").exists(), f"killed: rank {rank} did not finish: {err[-1500:]}")
    expect(took_s < 60, f"killed: it took {took_s} s, as if somebody had waited for the dead")
    expect("requests/s" in out, f"killed: no result: {out}{err[-1500:]}")
    if not (Path(folder) / "killed/dossier.assay").exists():
        return
    got = report(folder, "killed")
    lost = findings(got).get("load.rank-lost")
    expect(lost is not None and f"rank 3 on {HOSTS[2][0]}" in lost["text"], f"killed: {list(findings(got))}")
    served = records(got, "request_throughput_per_s", traffic_class="all")
    expect(served and served[0]["validity"] in ("doubtful", "void"), f"killed: {served}")


def main():
    if os.geteuid() != 0 or any(shutil.which(program) is None for program in ("ip", "unshare", "mpirun")):
        print("skipped: it takes root, ip, unshare and mpirun to have several hosts on one machine")
        return SKIPPED
    if sh("ip", "netns", "add", "assay-trial", check=False).returncode != 0:
        print("skipped: network namespaces cannot be made here")
        return SKIPPED
    sh("ip", "netns", "del", "assay-trial")
    with tempfile.TemporaryDirectory(prefix="assay-hosts-") as folder, Network():
        has_clocks = can_have_clocks()
        if not has_clocks:
            print("the kernel gives no host a clock of its own: all offsets are 0")
        agent = write_agent(folder, has_clocks)
        with Emulator(folder, "--host", f"{NET}.1", prefix=("ip", "netns", "exec", HUB)) as emulator:
            four_ranks_on_three_hosts(folder, agent, emulator.url, has_clocks)
            one_of_them_is_killed(folder, agent, emulator)
    print(f"{len(FAULTS)} faults")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main())
