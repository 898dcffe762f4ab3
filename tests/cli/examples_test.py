"""Every scenario in examples/ runs with --quick on this machine's real devices and ends in a dossier and a report within the
minute that --quick promises; on a quiet machine each is to take less than 20 s, and the test says which did not.
examples/endpoint.toml needs a server; the endpoint target runs against a real one in tests/endpoint."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCE = Path(os.environ["ASSAY_SOURCE"])
NEEDS_SERVER = {"endpoint.toml"}
WANTED_S = 20
LIMIT_S = 60


def run_example(path):
    with tempfile.TemporaryDirectory(prefix="assay-example-") as folder:
        out = Path(folder) / "out"
        environment = dict(os.environ, ASSAY_CACHE_DIR=os.environ["ASSAY_BUILD"] + "/test-cache")
        start = time.monotonic()
        result = subprocess.run([os.environ["ASSAY"], "run", str(path), "--quick", "--json", "--out", str(out)],
                                env=environment, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
        duration_s = time.monotonic() - start
        if result.returncode not in (0, 1):
            return duration_s, f"ends with {result.returncode}: {result.stderr[-800:]}"
        if not json.loads(result.stdout)["answers"]:
            return duration_s, "gives no answers"
        html = (out / "report.html").read_text()
        if "<title>" not in html:
            return duration_s, "has no report"
        return duration_s, None


def main():
    faults = 0
    examples = sorted((SOURCE / "examples").glob("*.toml"))
    assert examples, "no examples were found"
    for path in examples:
        if path.name in NEEDS_SERVER:
            continue
        duration_s, fault = run_example(path)
        if fault is None and duration_s > LIMIT_S:
            fault = f"takes longer than {LIMIT_S} s"
        slow = f"longer than the {WANTED_S} s wanted on a quiet machine" if duration_s > WANTED_S else ""
        print(f"{path.name}: {duration_s:.1f} s {fault or slow}")
        faults += fault is not None
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
