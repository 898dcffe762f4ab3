"""`assay load --calibrate` as a user sees it: short, its file, what later runs on this machine make of it, and what it refuses."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ASSAY = os.environ["ASSAY"]
SHAPES = 5


def run(folder, *words):
    return subprocess.run([ASSAY, *words], cwd=folder, env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache")},
                          capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL)


def calibration_faults(folder):
    result = run(folder, "load", "--calibrate", "--duration", "0.3", "--json", "--out", "copy")
    if result.returncode not in (0, 1):
        yield f"--calibrate failed: {result.stderr}"
        return
    said = json.loads(result.stdout)
    if said != json.loads((folder / "copy/calibration.json").read_text()):
        yield "stdout and the file in --out differ"
    if len(said["shapes"]) != SHAPES:
        yield f"there are {len(said['shapes'])} shapes"
    for shape in said["shapes"]:
        if shape["is_valid"] != (not shape["skipped"] and not shape["void_because"]):
            yield f"{shape['name']}: a shape is valid or says why it is not"
        # However busy the machine: what is valid was measured, and no chunk arrives much before it was sent.
        if shape["is_valid"] and not (shape["events"] > 0 and shape["events_per_s"] > 0
                                      and shape["arrival_error_us_min"] > -1000):
            yield f"{shape['name']}: {shape}"
    any_valid = any(shape["is_valid"] for shape in said["shapes"])
    if (folder / "cache/assay/calibration.json").exists() != any_valid:
        yield "it is kept exactly if a shape is valid"
    if (result.returncode == 0) != all(not shape["void_because"] for shape in said["shapes"]):
        yield f"exit code {result.returncode}"
    if any(path.name != "calibration.json" for path in (folder / "cache/assay").iterdir()):
        yield f"something is left in the cache: {list((folder / 'cache/assay').iterdir())}"
    # Whether this machine was quiet enough is no matter of the test that follows.
    for shape in said["shapes"][:1]:
        shape.update(is_valid=True, skipped="", void_because="", events_per_s=1e9)
    (folder / "cache/assay").mkdir(parents=True, exist_ok=True)
    (folder / "cache/assay/calibration.json").write_text(json.dumps(said))


def report_of_load(folder, url, out):
    run(folder, "load", url, "--num-prompts", "4", "--max-concurrency", "2", "--output-len", "4", "--out", out)
    return json.loads(run(folder, "report", out, "--json").stdout)["calibration"]


def run_faults(folder, url):
    path = folder / "cache/assay/calibration.json"
    kept = json.loads(path.read_text())
    report = report_of_load(folder, url, "with")
    if not report["is_calibrated"] or report["measured_at"] != kept["measured_at"]:
        yield f"a run does not carry the calibration: {report}"
    if "Calibrated " + kept["measured_at"] not in (folder / "with/report.html").read_text():
        yield "the page does not show the calibration"
    for key in ("assay_version", "kernel", "cpu"):
        path.write_text(json.dumps({**kept, key: "another"}))
        if report_of_load(folder, url, f"other-{key}")["is_calibrated"]:
            yield f"the calibration of another {key} counts"
    path.write_text("{")
    if report_of_load(folder, url, "broken")["is_calibrated"]:
        yield "a broken file counts"


def refusal_faults(folder):
    for words in (["127.0.0.1:1"], ["--seed", "1"], ["--samples", "x"], ["--", "true"], ["--duration", "0"],
                  ["--duration", "1000"], ["--export", "vllm=x"]):
        result = run(folder, "load", "--calibrate", *words)
        if result.returncode != 2 or result.stdout:
            yield f"--calibrate {words} is not refused: {result.returncode} {result.stderr}"


def main():
    with tempfile.TemporaryDirectory(prefix="assay-calibrate-") as name:
        folder = Path(name)
        faults = [*refusal_faults(folder), *calibration_faults(folder)]
        server = subprocess.Popen([ASSAY, "emulate", "--port", "0", "--ready-file", "url", "--ttft-ms", "5", "--gap-ms", "2"],
                                  cwd=folder, stdout=subprocess.DEVNULL)
        try:
            while not (folder / "url").exists():
                if server.poll() is not None:
                    print("the emulator ended")
                    return 1
                time.sleep(0.02)
            if not faults:
                faults += run_faults(folder, (folder / "url").read_text().strip())
        finally:
            server.terminate()
            server.wait()
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
