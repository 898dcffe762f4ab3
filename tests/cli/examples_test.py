"""Every scenario in examples/ runs with --quick on this machine's real devices and ends in a dossier and a report within the
minute that --quick promises; on a quiet machine each is to take less than 20 s, and the test says which did not.
examples/endpoint.toml runs against a real llama.cpp server on the loopback address, where its package is there, and
examples/mixed.toml, which asks for more than that one serves, against `assay emulate`."""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCE = Path(os.environ["ASSAY_SOURCE"])
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


@contextlib.contextmanager
def server():
    """The URL of a llama.cpp server with SmolLM2, or None where there is none."""
    model = SOURCE / ".deps/models/SmolLM2-135M-Instruct.Q4_1.gguf"
    environment = dict(os.environ, PYTHONPATH=str(SOURCE / ".deps/python"), PYTHONDONTWRITEBYTECODE="1")
    process = subprocess.Popen(["/usr/bin/python3", str(SOURCE / "tests/endpoint/server.py"), str(model)], env=environment,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        ready = next((line for line in process.stdout if line.startswith("ready ")), None)
        yield ready.split()[1] + "/v1" if ready else None
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def emulator():
    """The URL of an emulator."""
    process = subprocess.Popen([os.environ["ASSAY"], "emulate", "--port", "0", "--ttft-ms", "10", "--gap-ms", "1"],
                               stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate(timeout=30)


def run_endpoint_example(path, serving=server):
    with serving() as url, tempfile.TemporaryDirectory(prefix="assay-example-") as folder:
        if url is None:
            return 0, "skipped: there is no server"
        text, replaced = re.subn(r'(?m)^url = ".*"', f'url = "{url}"', path.read_text())
        assert replaced == 1, "the example has one URL"
        scenario = Path(folder) / path.name
        scenario.write_text(text)
        return run_example(scenario)


def main():
    faults = 0
    examples = sorted((SOURCE / "examples").glob("*.toml"))
    assert examples, "no examples were found"
    for path in examples:
        if path.name == "mixed.toml":
            duration_s, fault = run_endpoint_example(path, emulator)
        else:
            duration_s, fault = (run_endpoint_example if path.name == "endpoint.toml" else run_example)(path)
        if fault and fault.startswith("skipped"):
            print(f"{path.name}: {fault}")
            continue
        if fault is None and duration_s > LIMIT_S:
            fault = f"takes longer than {LIMIT_S} s"
        slow = f"longer than the {WANTED_S} s wanted on a quiet machine" if duration_s > WANTED_S else ""
        print(f"{path.name}: {duration_s:.1f} s {fault or slow}")
        faults += fault is not None
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
