"""What the tests of ranks share: an emulator, and the rows of a run."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ASSAY = os.environ["ASSAY"]
FAULTS = []
# The machine of a test is busy; what is tested is not how late the client was.
TRAFFIC = ["--request-rate", "200", "--num-prompts", "80", "--input-len", "8:64", "--output-len", "2:12", "--timeout", "20"]


def expect(condition, text):
    if not condition:
        FAULTS.append(text)
        print("FAULT:", text)


def environment(folder, **variables):
    """Without what a launcher around the tests may have set."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("OMPI_", "PMI_", "PMIX_", "SLURM_"))}
    return dict(bare, HOME=str(folder), **variables)


class Emulator:
    def __init__(self, folder, *more, prefix=()):
        self.ready, self.prefix = Path(folder) / "emulator-url", prefix
        self.process = subprocess.Popen([*prefix, ASSAY, "emulate", "--port", "0", "--ready-file", str(self.ready), "--ttft-ms", "5",
                                         "--gap-ms", "2", *more], env=environment(folder), stdout=subprocess.DEVNULL)

    def __enter__(self):
        until = time.monotonic() + 30
        while not self.ready.exists() or not self.ready.read_text():
            assert self.process.poll() is None and time.monotonic() < until, "the emulator did not start"
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def answered(self):
        """How many requests it has answered so far, by its own metrics."""
        ask = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())"
        text = subprocess.run([*self.prefix, sys.executable, "-c", ask, self.url.replace("/v1", "/metrics")], capture_output=True,
                              text=True, timeout=30, check=True).stdout
        return next(int(line.split()[-1]) for line in text.splitlines() if line.startswith("vllm:request_success_total{"))

    def wait_for_answers(self, count, until_s, is_alive):
        until = time.monotonic() + until_s
        while self.answered() < count:
            assert is_alive() and time.monotonic() < until, f"only {self.answered()} requests were answered"
            time.sleep(0.05)

    @property
    def url(self):
        return self.ready.read_text().strip()

    @property
    def port(self):
        return int(self.url.split(":")[2].split("/")[0])


def rows(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def plan_of(path):
    """What was sent and when: the same of every run of one plan, but for the rank that sent it."""
    all_rows = rows(path)
    start = min(int(row["scheduled_ns"]) for row in all_rows)
    return sorted((int(row["scheduled_ns"]) - start, int(row["prompt_tokens"]), int(row["output_tokens"])) for row in all_rows)


def report(folder, out):
    result = subprocess.run([ASSAY, "report", str(out), "--json"], cwd=folder, env=environment(folder), capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def findings(got):
    return {finding["code"]: finding for finding in got["findings"]}


def records(got, metric, **conditions):
    return [record for record in got["provenance"]["records"]
            if record["metric"] == metric and all(record["conditions"].get(k) == v for k, v in conditions.items())]


def one_client(folder, url, traffic):
    """The whole plan as one client sends it: what the ranks' parts must add up to."""
    result = subprocess.run([ASSAY, "load", url, *traffic, "--out", "one", "--samples", "one.jsonl"], cwd=folder, env=environment(folder),
                            capture_output=True, text=True, timeout=120)
    assert result.returncode in (0, 1), result.stderr
    return plan_of(Path(folder) / "one.jsonl")


def ended_well(code, said):
    """A load that a busy machine made void has ended, too."""
    return code == 0 or (code == 1 and "void" in said)
