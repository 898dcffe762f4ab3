"""The kits for real: `real_test.py ASSAY PYTHON`, where PYTHON has PyTorch. What a CPU through PyTorch says of itself, all-reduce between
two processes, and a whole evaluation of examples/kit.toml with the engine's kernels and PyTorch's on one roofline."""
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent.parent
ASSAY, PYTHON = sys.argv[1:3]


def run_kit(name, parameters, duration_s):
    job = {"protocol": 1, "exam": "roofline", "duration_s": duration_s, "relative_interval": 0.05, "parameters": parameters}
    result = subprocess.run([PYTHON, "-B", str(SOURCE / "kits" / name)], env={**os.environ, "ASSAY_KIT_JOB": json.dumps(job)},
                            capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
    assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert lines[0]["type"] == "hello" and lines[-1]["type"] == "done", lines
    return lines


def of_type(lines, kind):
    return [line for line in lines if line["type"] == kind]


def test_probe():
    lines = run_kit("torch_probe.py", {"device": "cpu"}, 5)
    details = of_type(lines, "device")[0]["details"]
    assert details["device_string"] == "cpu" and details["types"].startswith("f32, f16, bf16"), details
    assert of_type(lines, "record")[0]["value"] > 1 << 28
    assert not [one for one in of_type(lines, "finding") if one["severity"] == "blocker"]


def test_roofline_and_all_reduce():
    lines = run_kit("torch_roofline.py", {"device": "cpu", "ranks": 2, "largest": 1024}, 15)
    records = of_type(lines, "record")
    assert {record["metric"] for record in records} == {"matmul_tflop_per_s", "memory_bandwidth_gb_per_s", "attention_tflop_per_s",
                                                        "launch_overhead_us", "all_reduce_gb_per_s"}, (records, of_type(lines, "finding"))
    types = {record["conditions"]["dtype"] for record in records if record["metric"] == "matmul_tflop_per_s"}
    assert types >= {"f32", "f16", "bf16"}, types
    for record in records:
        assert min(record["samples"]) <= record["value"] <= max(record["samples"])


def test_evaluation():
    text = (SOURCE / "examples/kit.toml").read_text()
    text, replaced = re.subn(r'(?m)^# python = ".*"', f'python = "{PYTHON}"', text)
    assert replaced == 1
    with tempfile.TemporaryDirectory(prefix="assay-kits-") as folder:
        scenario = Path(folder) / "kit.toml"
        scenario.write_text(text)
        result = subprocess.run([ASSAY, "run", str(scenario), "--quick", "--json", "--out", f"{folder}/out"], capture_output=True, text=True,
                                timeout=300, stdin=subprocess.DEVNULL)
        # Whatever the engine reached: on a machine that others use it may have had no time.
        assert result.returncode in (0, 1), result.stderr
        report = json.loads(result.stdout)
        page = Path(f"{folder}/out/report.html").read_text()
    trials = report["provenance"]["trials"]
    kits = [trial for trial in trials if trial["target"] == "pytorch"]
    assert [trial["state"] for trial in kits] == ["done", "done"], trials
    (roofline,) = report["roofline"]
    sources = {point["kernels_of"] for point in roofline["points"]}
    assert roofline["subject"] == "CPU" and "ggml" in sources and any("PyTorch" in source for source in sources), sources
    if all(trial["state"] == "done" for trial in trials):
        assert "kernels ran through the framework of pytorch" in report["answers"][0]["reason"], report["answers"][0]
    assert "Whose kernels" in page and "oneDNN through PyTorch" in page


def main():
    for test in (test_probe, test_roofline_and_all_reduce, test_evaluation):
        test()
        print(f"{test.__name__}: good", flush=True)


if __name__ == "__main__":
    main()
