"""One `assay load` of a test against an emulator that stamps its events: what came out of it, and what the server saw."""

import json
import os
import subprocess
from pathlib import Path

from emulator import emulator

ASSAY = os.environ["ASSAY"]


class LoadRun:
    """`rows`: the samples, a request each. `stamps`: the emulator's word on each request, by the request's id; what was sent
    before the measurement (the trial request, the warm-up) is there, too. `served`: the emulator's summary."""

    def __init__(self, result, rows, lines):
        self.result, self.rows = result, rows
        self.report = json.loads(result.stdout)
        stamped, self.served = lines[1:-1], lines[-1]
        self.stamps = {line["request_id"]: line for line in stamped}
        assert len(self.stamps) == len(stamped), "a request was sent twice"

    def record(self, metric):
        """Of all classes together, in whatever validity; None where there is none."""
        found = [record for record in self.report["provenance"]["records"]
                 if record["metric"] == metric and record["conditions"].get("traffic_class") == "all"]
        assert len(found) <= 1, f"{len(found)} records of {metric}"
        return found[0] if found else None

    def findings(self, code):
        return [finding for finding in self.report["findings"] if finding["code"] == code]

    def was_late(self):
        """The load generator itself was: whatever the server did, this machine was too busy to tell."""
        return bool(self.findings("load.generator-late"))


def load_run(folder, emulated, sent, timeout_s):
    """Runs `assay load` with the arguments `sent` against `assay emulate` with those of `emulated`, in a folder that is there and
    empty. A run that takes longer than `timeout_s` hangs, and raises subprocess.TimeoutExpired."""
    folder = Path(folder)
    stamps, samples = folder / "stamps", folder / "samples.jsonl"
    with emulator(folder, *emulated, "--stamps", str(stamps)) as url:
        result = subprocess.run([ASSAY, "load", url, *sent, "--metrics-interval", "0", "--samples", str(samples), "--out",
                                 str(folder / "out"), "--json"], capture_output=True, text=True, timeout=timeout_s,
                                stdin=subprocess.DEVNULL, check=False)
    # 1 is no failure here: where other work keeps the load generator waiting, the trial is void.
    assert result.returncode in (0, 1), f"assay load ends with {result.returncode}: {result.stdout[-1000:]}{result.stderr[-1000:]}"
    lines = [[json.loads(line) for line in path.read_text().splitlines()] for path in (samples, stamps)]
    return LoadRun(result, *lines)
