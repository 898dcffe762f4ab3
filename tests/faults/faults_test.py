"""What goes wrong does no harm: workers that abort, hang, leak and talk nonsense; a model that has no room; kill -9 and Ctrl-C at
every look at the signal, then --resume; a full disk; two runs in one folder; a model whose arithmetic is broken. The program under
test has the fake engine, but for the last and where it says otherwise."""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FAKE = os.environ["ASSAY_FAKE"]
FILES = Path(__file__).parent / "files"
FAULTS = []


def expect(condition, text):
    if not condition:
        FAULTS.append(text)
        print("FAULT:", text)


def assay(*arguments, folder, clock="fake", timeout=60, **variables):
    environment = dict(os.environ, HOME=str(folder), ASSAY_TEST_CLOCK=clock, **variables)
    return subprocess.run([FAKE, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL)


def fresh_folder():
    folder = tempfile.TemporaryDirectory(prefix="assay-faults-")
    shutil.copytree(FILES, folder.name, dirs_exist_ok=True)
    return folder


def dossier_json(folder, out):
    result = assay("report", out, "--json", folder=folder)
    assert result.returncode == 0, result.stderr
    text = result.stdout
    run_id = json.loads(text)["run"]["id"]
    # What a run is called, where it lies and when its trials began differs by its nature.
    text = re.sub(r'("start_ns"\s*:\s*\[)\d+\]', r"\1START]", text)
    return text.replace(run_id, "ID").replace(run_id[:8], "ID").replace(str(folder), "FOLDER")


def resumed_runs_are_unbroken_ones(how):
    """Stops a run at its N-th look at the signal, N rising until it ends by itself; resumes it, and compares."""
    with fresh_folder() as folder:
        whole = assay("run", "resume.toml", "--out", "whole", folder=folder)
        expect(whole.returncode == 0, f"an unbroken run ends with {whole.returncode}: {whole.stderr[-500:]}")
        want = dossier_json(folder, "whole").replace("whole", "OUT")
        stops = 0
        step, at = 1, 1
        while True:
            out = f"stopped-{at}"
            first = assay("run", "resume.toml", "--out", out, folder=folder, ASSAY_TEST_STOP=how,
                          ASSAY_TEST_STOP_AT=str(at))
            if first.returncode == 0:
                break
            stops += 1
            if how == "interrupt":
                expect(first.returncode == 2, f"interrupted at look {at}: exit {first.returncode}")
                expect("--resume" in first.stderr, f"interrupted at look {at}: does not say how to go on")
            second = assay("run", "--resume", "--out", out, folder=folder)
            expect(second.returncode == 0, f"{how} at look {at}: --resume ends with {second.returncode}: {second.stderr}")
            got = dossier_json(folder, out).replace(out, "OUT")
            expect(got == want, f"{how} at look {at}: the resumed dossier differs from an unbroken one")
            shutil.rmtree(Path(folder) / out)
            # Every look at first, then ever larger steps: trials look thousands of times.
            at += step
            step = step + 1 if stops > 12 else 1
            if stops > 40:
                step = step * 2
        expect(stops >= 10, f"{how}: only {stops} stops before the run ended by itself")
        print(f"{how}: {stops} stops, each resumed to the unbroken dossier")


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
            good = [r for r in report["provenance"]["records"] if r["metric"] == "ttft_ms_mean" and r["validity"] == "valid"]
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
        good = [record for record in records if record["metric"] == "ttft_ms_mean" and record["validity"] == "valid"]
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


def a_full_disk_loses_nothing():
    """A dossier on a small file system: the run ends with a clear message, and what was committed is readable."""
    with fresh_folder() as folder:
        small = Path(folder) / "small"
        small.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)],
                          capture_output=True).returncode != 0:
            print("full disk: skipped, this user may not mount a tmpfs")
            return
        try:
            result = assay("run", "disk.toml", "--out", "small/out", folder=folder)
            expect(result.returncode == 2, f"full disk: exit {result.returncode}")
            expect(re.search("disk is full|No space left", result.stderr), f"full disk: says {result.stderr[-300:]!r}")
            expect("--resume" in result.stderr or "Free" in result.stderr, "full disk: does not say what to do")
            after = assay("report", "small/out", "--json", folder=folder)
            expect(after.returncode == 0, f"full disk: the dossier is unreadable: {after.stderr}")
            subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
            resumed = assay("run", "--resume", "--out", "small/out", folder=folder)
            expect(resumed.returncode == 0, f"full disk: --resume ends with {resumed.returncode}: {resumed.stderr[-300:]}")
            print("full disk: clear message, readable dossier, resumed")
        finally:
            subprocess.run(["umount", str(small)], check=True)


def one_run_at_a_time_in_a_folder():
    with fresh_folder() as folder:
        assay("run", "resume.toml", "--out", "out", folder=folder, ASSAY_TEST_STOP="interrupt", ASSAY_TEST_STOP_AT="3")
        with open(Path(folder) / "out" / "dossier.assay", "rb") as dossier:
            before = dossier.read()
        directory = os.open(Path(folder) / "out", os.O_RDONLY)
        fcntl.flock(directory, fcntl.LOCK_EX)
        second = assay("run", "--resume", "--out", "out", folder=folder)
        expect(second.returncode == 2 and "another assay is at work" in second.stderr, f"locked folder: {second.stderr!r}")
        expect((Path(folder) / "out" / "dossier.assay").read_bytes() == before, "locked folder: the dossier was touched")
        os.close(directory)
        third = assay("run", "--resume", "--out", "out", folder=folder)
        expect(third.returncode == 0, f"unlocked folder: --resume ends with {third.returncode}: {third.stderr[-300:]}")
        print("a folder takes one run at a time")


def a_resumed_run_wants_its_traces_unchanged():
    """--resume works from any folder, and not with another trace: neither one to replay nor one of lengths."""
    scenarios = {
        "replayed": ('', '[load]\narrivals = "trace"\n\n[load.trace]\npath = "trace.csv"\n'),
        "drawn from": ('prompt_tokens = { trace = "trace.csv" }', ''),
    }
    for how, (lengths, load) in scenarios.items():
        with fresh_folder() as folder:
            trace = Path(folder) / "trace.csv"
            rows = [f"2023-11-16 18:15:{10 + i}.0000000,{100 + i},4" for i in range(30)]
            trace.write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *rows]) + "\n")
            text = (Path(folder) / "resume.toml").read_text()
            if lengths:
                text = text.replace("prompt_tokens = 300", lengths)
            if load:
                text = text[:text.index("[load]")] + load
            (Path(folder) / "resume.toml").write_text(text)
            out = str(Path(folder) / "out")
            stopped = assay("run", "resume.toml", "--out", out, folder=folder, ASSAY_TEST_STOP="interrupt",
                            ASSAY_TEST_STOP_AT="30")
            expect(stopped.returncode == 2, f"trace {how}: exit {stopped.returncode}: {stopped.stderr[-300:]}")
            elsewhere = Path(folder) / "elsewhere"
            elsewhere.mkdir()
            original = trace.read_text()
            trace.write_text(original.replace(",104,", ",105,"))
            changed = assay("run", "--resume", "--out", out, folder=elsewhere)
            expect(changed.returncode == 2, f"changed trace {how}: exit {changed.returncode}")
            expect(f"{trace}: the trace has changed" in changed.stderr, f"changed trace {how}: says {changed.stderr!r}")
            trace.write_text(original)
            resumed = assay("run", "--resume", "--out", out, folder=elsewhere)
            expect(resumed.returncode in (0, 1), f"trace {how}: --resume ends with {resumed.returncode}: {resumed.stderr}")
            print(f"a trace that is {how}: resumed from another folder, refused when it has changed")


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
    resumed_runs_are_unbroken_ones("kill")
    resumed_runs_are_unbroken_ones("interrupt")
    misbehaving_workers_are_evidence()
    a_model_without_room_is_told_before_it_is_loaded()
    a_cache_without_room_is_told_by_the_real_engine()
    a_full_disk_loses_nothing()
    one_run_at_a_time_in_a_folder()
    a_resumed_run_wants_its_traces_unchanged()
    broken_arithmetic_is_no_answer()
    print(f"{len(FAULTS)} faults")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main())
