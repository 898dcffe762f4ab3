"""The kits in Python against a PyTorch that has no kernels (fake_torch/), and the kits that docs/write-a-kit.md builds, both under
assay: what they say, that they keep to the protocol, and that what is wrong with a stack is told and ends nothing."""
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCE = Path(os.environ["ASSAY_SOURCE"])
KITS = SOURCE / "kits"
FAKE = SOURCE / "tests/kits/fake_torch"
ASSAY = os.environ["ASSAY"]
METRICS = {"matmul_tflop_per_s": "TFLOP/s", "memory_bandwidth_gb_per_s": "GB/s", "attention_tflop_per_s": "TFLOP/s",
           "launch_overhead_us": "µs", "host_to_device_gb_per_s": "GB/s", "device_to_host_gb_per_s": "GB/s",
           "device_memory_bytes": "bytes"}


def run_kit(name, fake, parameters=None, environment=None, duration_s=1.0):
    """(lines, exit code, stderr); `fake` None: no PyTorch at all."""
    job = {"protocol": 1, "exam": "roofline", "duration_s": duration_s, "relative_interval": 0.1, "parameters": parameters or {}}
    variables = {"PATH": "/usr/bin:/bin", "ASSAY_KIT_JOB": json.dumps(job), "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})}
    command = [sys.executable, "-S" if fake is None else "-E", str(KITS / name)]
    if fake is not None:
        variables.update(PYTHONPATH=str(FAKE), FAKE_TORCH=fake)
        command = [sys.executable, str(KITS / name)]
    result = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    return [json.loads(line) for line in result.stdout.splitlines()], result.returncode, result.stderr


def of_type(lines, kind):
    return [line for line in lines if line["type"] == kind]


def codes(lines):
    return {line["code"]: line["severity"] for line in of_type(lines, "finding")}


def check_protocol(lines):
    assert lines[0]["type"] == "hello" and lines[0]["protocol"] == "assay kit 1", lines[0]
    assert lines[-1]["type"] == "done", lines[-1]
    for record in of_type(lines, "record"):
        assert METRICS[record["metric"]] == record["unit"], record
        assert min(record["samples"]) <= record["value"] <= max(record["samples"]) and record["value"] > 0, record


def test_each_device_is_found_by_its_string():
    for fake, string, library in (("cuda", "cuda:0", "cuBLAS"), ("hip", "cuda:0", "hipBLAS"), ("musa", "musa:0", "muBLAS"),
                                  ("npu", "npu:0", "CANN"), ("cpu", "cpu", "oneDNN")):
        lines, code, stderr = run_kit("torch_roofline.py", fake)
        assert code == 0, stderr
        check_protocol(lines)
        device = of_type(lines, "device")[0]
        assert device["details"]["device_string"] == string, device
        assert device["library"] == f"{library} through PyTorch 2.1.0+fake", device


def test_a_device_is_measured_in_every_way():
    lines, _, stderr = run_kit("torch_roofline.py", "cuda")
    metrics = {record["metric"] for record in of_type(lines, "record")}
    assert metrics == set(METRICS) - {"device_memory_bytes"}, (metrics, codes(lines), stderr)
    types = {record["conditions"]["dtype"] for record in of_type(lines, "record") if record["metric"] == "matmul_tflop_per_s"}
    assert types == {"f32", "tf32", "f16", "bf16", "int8"}, types
    assert not codes(lines), codes(lines)


def test_what_is_missing_is_a_note_and_the_rest_goes_on():
    lines, code, _ = run_kit("torch_roofline.py", "musa+no-bf16+no-int8+no-attention+no-pinned")
    assert code == 0
    check_protocol(lines)
    assert codes(lines) == {"matmul-bf16-missing": "note", "matmul-int8-missing": "note", "attention-missing": "note",
                            "no-pinned-memory": "note"}, codes(lines)
    assert {record["metric"] for record in of_type(lines, "record")} >= {"matmul_tflop_per_s", "host_to_device_gb_per_s"}


def test_wrong_arithmetic_is_a_blocker_and_has_no_rate():
    for name in ("torch_roofline.py", "torch_probe.py"):
        lines, code, _ = run_kit(name, "cuda+wrong-f16")
        assert code == 0 and codes(lines).get("matmul-f16-wrong") == "blocker", codes(lines)
        assert not [record for record in of_type(lines, "record") if record["conditions"].get("dtype") == "f16"
                    and record["metric"] == "matmul_tflop_per_s"]


def test_f32_that_is_tf32_is_called_so():
    lines, _, _ = run_kit("torch_roofline.py", "musa+tf32")
    types = {record["conditions"]["dtype"] for record in of_type(lines, "record") if record["metric"] == "matmul_tflop_per_s"}
    assert "tf32" in types and "f32" not in types, types
    assert codes(lines)["f32-is-tf32"] == "note"


def test_one_part_that_fails_leaves_the_others():
    lines, code, _ = run_kit("torch_roofline.py", "cuda+out-of-memory")
    assert code == 0
    check_protocol(lines)
    assert codes(lines) == {"matmul-failed": "doubtful"}, codes(lines)
    assert {record["metric"] for record in of_type(lines, "record")} >= {"memory_bandwidth_gb_per_s", "attention_tflop_per_s"}


def test_several_devices_without_collectives_say_so():
    lines, _, _ = run_kit("torch_roofline.py", "cuda+two")
    assert codes(lines) == {"collectives-missing": "note"}, codes(lines)


def test_what_libraries_print_is_kept_off_stdout():
    lines, code, stderr = run_kit("torch_probe.py", "cuda+prints")
    assert code == 0 and "a banner of the vendor's" in stderr
    check_protocol(lines)


def test_without_pytorch_it_is_absent():
    for name in ("torch_roofline.py", "torch_probe.py"):
        with tempfile.TemporaryDirectory() as empty:
            lines, code, stderr = run_kit(name, None, environment={"HOME": empty})
        assert code == 0, stderr
        assert [line["type"] for line in lines] == ["hello", "absent", "done"], lines
        assert "PyTorch is not installed" in lines[1]["reason"]


def test_a_device_that_is_not_there_is_absent():
    for device, reason in (("npu", "has no device 'npu'"), ("cuda:7", "has 1 of the device 'cuda'"), ("cuda:x", "is none")):
        lines, code, _ = run_kit("torch_roofline.py", "cuda", {"device": device})
        assert code == 0 and [line["type"] for line in lines] == ["hello", "absent", "done"], lines
        assert reason in lines[1]["reason"], lines[1]


def test_a_plug_in_that_does_not_load_is_told_and_the_cpu_is_left():
    lines, code, _ = run_kit("torch_probe.py", "npu+broken-plug-in")
    assert code == 0 and codes(lines)["plug-in-broken"] == "doubtful"
    assert of_type(lines, "device")[0]["details"]["device_string"] == "cpu"
    lines, code, _ = run_kit("torch_probe.py", "cuda+broken-device")
    assert code == 0 and codes(lines)["device-broken"] == "doubtful"


def test_a_pytorch_that_does_not_load_or_crashes_ends_the_kit():
    for fake in ("cuda+broken", "cuda+crash"):
        lines, code, _ = run_kit("torch_roofline.py", fake)
        assert code != 0 and [line["type"] for line in lines] == ["hello"], lines


def test_the_probe_tells_what_is_there():
    lines, code, _ = run_kit("torch_probe.py", "cuda+two+no-int8")
    assert code == 0
    check_protocol(lines)
    details = of_type(lines, "device")[0]["details"]
    assert details["devices"] == 2 and details["device_1"] == "Fake CUDA device" and details["built_for_cuda"] == "10.2"
    assert details["types"] == "f32, tf32, f16, bf16", details
    assert of_type(lines, "record")[0]["value"] == 32 << 30


# ---- under assay ----

def assay_run(target, environment=None, arguments=("--quick",)):
    """(report, exit code) of a run with this one target."""
    with tempfile.TemporaryDirectory(prefix="assay-kit-test-") as folder:
        scenario = Path(folder) / "kit.toml"
        scenario.write_text('exams = ["probe", "roofline"]\n[[target]]\nkind = "kit"\n' + target)
        result = subprocess.run([ASSAY, "run", str(scenario), "--json", "--out", f"{folder}/out", *arguments],
                                env={**os.environ, "ASSAY_KIT_DIR": str(KITS), **(environment or {})}, capture_output=True, text=True,
                                timeout=120, stdin=subprocess.DEVNULL)
        assert result.returncode in (0, 1, 2) and result.stdout, result.stderr
        return json.loads(result.stdout), result.returncode


def fake_target(fake, more=""):
    return f'kit = "torch-roofline"\npython = "{sys.executable}"\nenv = {{ PYTHONPATH = "{FAKE}", FAKE_TORCH = "{fake}" }}\n{more}'


def states(report):
    return [trial["state"] for trial in report["provenance"]["trials"]]


def finding_codes(report):
    return [finding["code"] for finding in report["findings"]]


def test_assay_takes_what_a_kit_says():
    report, code = assay_run(fake_target("cuda"))
    assert code == 0 and states(report) == ["done", "done"], (code, report["findings"])
    records = report["provenance"]["records"]
    assert {record["class"] for record in records} == {"measured"}
    assert any(record["conditions"].get("library") == "cuBLAS through PyTorch 2.1.0+fake" for record in records)
    assert any(record["conditions"].get("kit") == "torch-probe" for record in records)
    assert [one["subject"] for one in report["roofline"]] == ["Fake CUDA device"]
    first = report["answers"][0]
    assert first["answer"] == "not examined" and "no model was run there" in first["reason"], first


def test_an_absent_pytorch_is_no_failure():
    with tempfile.TemporaryDirectory() as empty:
        python = Path(empty) / "python3"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
        python.chmod(0o755)
        report, code = assay_run(f'kit = "torch-roofline"\npython = "{python}"\n')
    assert code == 0 and states(report) == ["skipped", "skipped"], (code, report)
    assert set(finding_codes(report)) == {"kit.absent"}
    assert "PyTorch is not installed" in report["answers"][0]["reason"]


def test_a_stack_that_crashes_or_hangs_is_evidence_and_the_run_goes_on():
    report, code = assay_run(fake_target("cuda+crash"))
    assert code == 1 and states(report) == ["failed", "failed"] and "kit.died" in finding_codes(report)
    assert report["answers"][0]["answer"] == "no", report["answers"][0]
    begin = time.monotonic()
    report, code = assay_run(fake_target("cuda+hang", "silence_limit_s = 1\n"))
    assert code == 1 and states(report) == ["failed", "failed"] and "kit.hung" in finding_codes(report)
    assert time.monotonic() - begin < 30


def test_wrong_arithmetic_reaches_the_report():
    report, _ = assay_run(fake_target("cuda+wrong-f16"))
    assert "kit.torch-roofline.matmul-f16-wrong" in finding_codes(report)


# ---- the walk-through ----

def walkthrough():
    """The files of docs/write-a-kit.md: a fenced block behind a line that names it."""
    text = (SOURCE / "docs/write-a-kit.md").read_text()
    files = dict(re.findall(r"`([\w.-]+)`:\n\n```(?:sh|python)\n(.*?)```", text, re.S))
    assert set(files) == {"my-kit", "my_kit.py"}, list(files)
    return files


def test_the_kits_of_the_walk_through_run_as_they_stand():
    for name, content in walkthrough().items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_text(content)
            path.chmod(0o755)
            report, code = assay_run(f'kit = "{path}"\n')
        assert code == 0 and states(report) == ["done"], (name, code, report["findings"])
        records = report["provenance"]["records"]
        assert records and all(record["conditions"]["kit"] == "my-kit" for record in records), records
        assert not [code for code in finding_codes(report) if code.startswith("kit.")], (name, report["findings"])


def main():
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    wanted = sys.argv[1:]
    failed = 0
    for name, test in tests:
        if wanted and name not in wanted:
            continue
        try:
            test()
        except Exception as error:  # the others still tell something
            failed += 1
            print(f"FAILED {name}: {type(error).__name__}: {error}", flush=True)
    print(f"{len(tests)} tests, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
