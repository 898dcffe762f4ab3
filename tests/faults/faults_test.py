"""What goes wrong in an engine is evidence, and ends nothing else: workers that abort, hang, leak and talk nonsense; a model that has
no room; files that are no models; a model whose arithmetic is broken. The program under test has the fake engine, but for the last
and where it says otherwise."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from runs import FAULTS, assay, expect, fresh_folder


def tiny_model():
    """A GGUF that is whole: what a run on a synthetic model leaves in the cache of this build."""
    cache = Path(os.environ["ASSAY_BUILD"]) / "test-cache"
    found = sorted(cache.rglob("*.gguf"))
    if not found:
        with fresh_folder() as folder:
            scenario = Path(folder) / "worker.toml"
            scenario.write_text(scenario.read_text().replace("fake:MISBEHAVIOUR.gguf", "synthetic:tiny:f16"))
            assay("run", "worker.toml", "--out", "out", folder=folder, clock="real", ASSAY_CACHE_DIR=str(cache))
        found = sorted(cache.rglob("*.gguf"))
    assert found, "no synthetic model was written"
    return min(found, key=lambda path: path.stat().st_size)


def misbehaving_workers_are_evidence():
    """Each misbehaviour ends its trial with a finding; the run goes on to the end and the other target is measured."""
    expected = {
        "abort-after=3": "engine.worker-died",
        "hang-after=3": "engine.worker-hung",
        "leak": "engine.worker-memory",
        "garbage": "engine.worker-nonsense",
        "die-on-load": "engine.worker-died",
    }
    for name, code in expected.items():
        with fresh_folder() as folder:
            scenario = Path(folder) / "worker.toml"
            scenario.write_text(scenario.read_text().replace("MISBEHAVIOUR", name))
            # The file is a real model; its name tells the fake engine how to behave.
            shutil.copy(tiny_model(), Path(folder) / f"fake:{name}.gguf")
            result = assay("run", "worker.toml", "--out", "out", folder=folder, clock="real", timeout=120)
            expect(result.returncode == 1, f"{name}: exit {result.returncode}: {result.stderr[-500:]}")
            report = json.loads(assay("report", "out", "--json", folder=folder).stdout)
            codes = {finding["code"] for finding in report["findings"]}
            expect(code in codes, f"{name}: finding {code} is missing, there are {sorted(codes)}")
            good = [r for r in report["provenance"]["records"] if r["metric"] == "ttft_ms_mean" and r.get("value")]
            expect(good, f"{name}: the healthy target was not measured")
            print(f"{name}: {code}")


NO_ROOM = ("fake:too-large.gguf needs 20.0 GiB on {device} (4.00 GiB of it KV cache), which has {free} free. Take a smaller model or "
           "type, fewer sequences or a shorter context.")


def a_model_without_room_is_told_before_it_is_loaded():
    """The engine that would load it is killed as the kernel does it: what is said must come from the prediction. Each exam that
    loads models says it of each device, measures what needs no model, and the run goes on."""
    with fresh_folder() as folder:
        (Path(folder) / "room.toml").write_text(
            (Path(folder) / "worker.toml").read_text().replace("MISBEHAVIOUR", "too-large").replace('"load"', '"roofline", "load"')
            .replace('[[target]]\nname = "good"', '[[target]]\nname = "gpu"\ndevice = "Fake0"\nmodel = "fake:too-large.gguf"\n\n'
                     '[[target]]\nname = "good"'))
        shutil.copy(tiny_model(), Path(folder) / "fake:too-large.gguf")
        result = assay("run", "room.toml", "--out", "out", folder=folder, clock="real", timeout=120)
        expect(result.returncode == 1, f"no room: exit {result.returncode}: {result.stderr[-500:]}")
        report = json.loads(assay("report", "out", "--json", folder=folder).stdout)
        findings = [finding for finding in report["findings"] if finding["severity"] != "note"]
        said = sorted(finding["text"] for finding in findings if finding["code"] == "model.does-not-fit")
        expected = sorted(2 * [NO_ROOM.format(device="CPU", free="16.0 GiB"), NO_ROOM.format(device="Fake0", free="8.00 GiB")])
        expect(said == expected, f"no room: says {said}, not {expected}")
        expect({finding["severity"] for finding in findings if finding["code"] == "model.does-not-fit"} == {"blocker"},
               f"no room: {findings}")
        dead = [finding["code"] for finding in findings if finding["code"].startswith("engine.")]
        expect(not dead, f"no room: the model was loaded all the same: {dead}")
        records = report["provenance"]["records"]
        for device in ("CPU", "Fake0"):
            of_device = {record["metric"] for record in records if record["conditions"].get("device") == device}
            expect("matmul_tflop_per_s" in of_device, f"no room: the kernels of {device} were not measured")
            expect(not of_device & {"ttft_ms_mean", "decode_tokens_per_s"}, f"no room: {device} has {of_device}")
        good = [record for record in records if record["metric"] == "ttft_ms_mean" and record.get("value")]
        expect(good, "no room: the target that needs none was not measured")
        print("no room: told before loading, for each exam and device")


MUCH_CACHE = """
exams = ["load"]
[[target]]
name = "cpu"
device = "CPU"
model = "MODEL"
context_tokens = 1000000
sequences = 64
[[traffic]]
name = "books"
prompt_tokens = 900000
output_tokens = 12
[load]
arrivals = "closed"
users = 64
requests_per_class = 64
"""


def a_cache_without_room_is_told_by_the_real_engine():
    """SmolLM2 has 23 kB of cache a token, and 64 million of them are asked for: the engine works that out without taking any."""
    model = Path(os.environ["ASSAY_SOURCE"]) / ".deps/models/SmolLM2-135M-Instruct.Q4_1.gguf"
    if not model.exists():
        print(f"no room for a cache: skipped, {model} is not there")
        return
    if os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") > 1 << 40:
        print("no room for a cache: skipped, this machine has a tebibyte")
        return
    with fresh_folder() as folder:
        (Path(folder) / "cache.toml").write_text(MUCH_CACHE.replace("MODEL", str(model)))
        run = subprocess.run([os.environ["ASSAY"], "run", "cache.toml", "--out", "out", "--json"], cwd=folder,
                             capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        expect(run.returncode == 1, f"no room for a cache: exit {run.returncode}: {run.stderr[-500:]}")
        findings = [finding for finding in json.loads(run.stdout)["findings"] if finding["severity"] != "note"]
        expect([finding["code"] for finding in findings] == ["model.does-not-fit"], f"no room for a cache: {findings}")
        for finding in findings:
            expect(re.search(r"needs 1\.\d\d TiB on CPU \(1\.\d\d TiB of it KV cache\), which has [\d.]+ [GM]iB free\.", finding["text"]),
                   f"no room for a cache: says {finding['text']}")
        print("no room for a cache: told by the engine itself")


def broken_arithmetic_is_no_answer():
    """A model with weights that are not numbers: every request fails and says why, none counts as work done."""
    with fresh_folder() as folder:
        model = bytearray(tiny_model().read_bytes())
        half = len(model) // 2
        model[half:] = b"\xff" * (len(model) - half)  # not a number in f16, also as the scale of a block, and f32
        (Path(folder) / "broken.gguf").write_bytes(model)
        scenario = (Path(folder) / "worker.toml").read_text().replace("fake:MISBEHAVIOUR.gguf", "broken.gguf")
        (Path(folder) / "worker.toml").write_text(scenario)
        run = subprocess.run([os.environ["ASSAY"], "run", "worker.toml", "--quick", "--out", "out", "--json"], cwd=folder,
                             capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        expect(run.returncode == 1, f"broken arithmetic: exit {run.returncode}: {run.stderr[-300:]}")
        findings = [f["text"] for f in json.loads(run.stdout)["findings"] if f["code"] == "load.failures"]
        expect(any("logits that say nothing" in text for text in findings), f"broken arithmetic: findings {findings}")
        print("broken arithmetic: " + "".join(findings))


def files_that_are_no_models_are_refused_before_anything_runs():
    """With file and line of the scenario, and exit code 2."""
    with fresh_folder() as folder:
        text = (Path(folder) / "worker.toml").read_text()
        (Path(folder) / "cut.gguf").write_bytes(tiny_model().read_bytes()[:300])
        (Path(folder) / "hostile.gguf").write_bytes(b"GGUF\x03\0\0\0" + b"\xff" * 64)
        for name in ("absent", "cut", "hostile"):
            (Path(folder) / "worker.toml").write_text(text.replace("fake:MISBEHAVIOUR.gguf", f"{name}.gguf"))
            run = subprocess.run([os.environ["ASSAY"], "run", "worker.toml", "--quick", "--out", name], cwd=folder,
                                 capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
            expect(run.returncode == 2, f"{name}.gguf: exit {run.returncode}: {run.stderr[-300:]}")
            expect(re.match(rf"assay: worker.toml:\d+:\d+: .*{name}\.gguf: ", run.stderr), f"{name}.gguf: {run.stderr}")
            expect(not (Path(folder) / name).exists(), f"{name}.gguf: there is a dossier")
        print("absent, cut and hostile models: refused")


def main():
    files_that_are_no_models_are_refused_before_anything_runs()
    misbehaving_workers_are_evidence()
    a_model_without_room_is_told_before_it_is_loaded()
    a_cache_without_room_is_told_by_the_real_engine()
    broken_arithmetic_is_no_answer()
    print(f"{len(FAULTS)} faults")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main())
