"""ASSAY_BACKEND_PATH: devices of backend libraries in folders of the user's are found beside those that assay brings, and what
cannot be loaded is said."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ASSAY, LIBRARY = os.environ["ASSAY"], os.environ.get("ASSAY_FAKE_BACKEND", "")
SKIPPED = 77
FAULTS = []
DROPPED = [("Dropped0", "Dropped", 3 << 30), ("Dropped1", "Dropped", 5 << 30)]


def expect(condition, text):
    if not condition:
        FAULTS.append(text)
        print("FAULT:", text)


def probe(*arguments, path=None):
    """What `assay probe` says with these folders in ASSAY_BACKEND_PATH, and none if that is None."""
    environment = {name: value for name, value in os.environ.items() if name != "ASSAY_BACKEND_PATH"}
    if path is not None:
        environment["ASSAY_BACKEND_PATH"] = path
    result = subprocess.run([ASSAY, "probe", *arguments], env=environment, capture_output=True, text=True, timeout=120,
                            stdin=subprocess.DEVNULL, check=False)
    assert result.returncode == 0, f"assay probe ends with {result.returncode}: {result.stderr[-500:]}"
    return result.stdout


def devices(host):
    return [(device["name"], device["backend"], device["memory_bytes"]) for device in host["devices"]]


def names(host):
    return [device["name"] for device in host["devices"]]


def main():
    if not LIBRARY or not Path(LIBRARY).exists():
        print("skipped: the ggml in ASSAY_LLAMA_ROOT has no header to build a backend with")
        return SKIPPED
    without = json.loads(probe("--json"))
    expect("CPU" in names(without), f"without: {names(without)}")
    expect(not set(DROPPED) & set(devices(without)), f"without: {names(without)}")
    expect("devices_notes" not in without, f"without: {without.get('devices_notes')}")
    with tempfile.TemporaryDirectory(prefix="assay-backends-") as name:
        vendor, broken, empty = Path(name) / "vendor", Path(name) / "broken", Path(name) / "empty"
        for folder in (vendor, broken, empty):
            folder.mkdir()
        shutil.copy(LIBRARY, vendor / "libggml-dropped.so")
        # What is no backend by its name is left alone, whatever it is.
        for other in ("libvendor.so", "libggml-base.so", "ggml-dropped.so", "libggml-dropped.so.1"):
            (vendor / other).write_text("no library")
        (broken / "libggml-broken.so").write_text("no library")

        host = json.loads(probe("--json", path=str(vendor)))
        expect([device for device in devices(host) if device in DROPPED] == DROPPED, f"one folder: {devices(host)}")
        expect([name for name in names(host) if not name.startswith("Dropped")] == names(without),
               f"one folder: the other devices are {names(host)}, were {names(without)}")
        expect("devices_notes" not in host, f"one folder: {host.get('devices_notes')}")
        text = probe(path=str(vendor))
        expect("a device of a backend that was dropped in" in text, f"one folder: as text: {text}")

        # Several, some of them useless: those that are good count, of the others it is said which and why.
        missing = Path(name) / "missing"
        host = json.loads(probe("--json", path=f"{empty}:{broken}:{missing}:{vendor}"))
        expect([device for device in devices(host) if device in DROPPED] == DROPPED, f"four folders: {devices(host)}")
        notes = host.get("devices_notes", [])
        expect(len(notes) == 2 and str(broken / "libggml-broken.so") in notes[0] and str(missing) in notes[1], f"four folders: {notes}")
        text = probe(path=f"{broken}:{vendor}")
        expect(f"⚠ {broken}/libggml-broken.so: " in text, f"broken: as text: {text}")
    print(f"{len(FAULTS)} faults")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main())
