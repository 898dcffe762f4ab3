"""Every kind of request end to end: `assay run` against `assay emulate` on the loopback address. What comes back is counted
and checked, never timed beyond what the emulator's own timing makes certain."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from emulator import emulator  # noqa: E402

ASSAY = os.environ["ASSAY"]
KEY = "k3y-that-nobody-may-see"
TTFT_MS, GAP_MS = 5, 1
TIMING = ["--ttft-ms", str(TTFT_MS), "--gap-ms", str(GAP_MS)]

SCENARIO = """
name = "kinds"
exams = ["load"]

[[target]]
kind = "endpoint"
url = "URL"
api_key_file = "key.txt"

[[traffic]]
name = "chat"
prompt_tokens = 40
output_tokens = 12
prefix_tokens = 20
prefix_share = 0.5
prefixes = 3
model = ["emulated", "adapter"]
sampling = { temperature = 0.5, top_p = 0.9 }
extra_body = { priority = 3 }
headers = { "X-Tenant" = "a" }
cancel_share = 0.3
cancel_after_chunks = 4

[[traffic]]
name = "completions"
kind = "completions"
prompt_tokens = 20
output_tokens = 8

[[traffic]]
name = "responses"
kind = "responses"
prompt_tokens = 20
output_tokens = 8
turns = 2

[[traffic]]
name = "embeddings"
kind = "embeddings"
prompt_tokens = 20
inputs = { min = 1, max = 4 }
slo = { e2e_ms = 5000 }

[[traffic]]
name = "base64"
kind = "embeddings"
prompt_tokens = 20
extra_body = { encoding_format = "base64" }

[[traffic]]
name = "rerank"
kind = "rerank"
prompt_tokens = 8
documents = 5
document_tokens = 30
extra_body = { top_n = 3 }

[[traffic]]
name = "kserve"
kind = "kserve"
model = "net"
inputs = 3
prompt_tokens = 4

[[traffic]]
name = "json"
kind = "json"
path = "/echo/{{integer 1 9}}"
body = '''{ "id": "{{request_id}}", "q": "{{prompt}}", "n": {{integer 1 3}}, "w": "{{choice 'a b' c}}" }'''
expect = { status = 200, values = [
  { pointer = "/method", equals = "POST" },
  { pointer = "/body/n", min = 1, max = 3 },
] }

[[traffic]]
name = "get"
kind = "json"
method = "GET"
path = "/echo/{{choice 'a b' c}}"

[[traffic]]
name = "sometimes"
kind = "json"
path = "/echo"
body = '{ "n": {{integer 1 10}} }'
expect = { values = [{ pointer = "/body/n", max = MOST }] }

[load]
arrivals = "closed"
users = 4
requests_per_class = 24
max_duration_s = 60
alone = false
"""
STREAMED = {"chat", "completions", "responses"}
WITHOUT_TOKENS = {"kserve", "json", "get", "sometimes"}


def run(folder, scenario, expected):
    (folder / "scenario.toml").write_text(scenario)
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    result = subprocess.run([ASSAY, "run", str(folder / "scenario.toml"), "--json", "--out", str(out)],
                            capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL, check=False)
    assert result.returncode in expected, f"ends with {result.returncode}: {result.stderr[-2000:]}"
    return json.loads(result.stdout) if result.stdout else {}, result.stderr


def by_class(report):
    records = {}
    for record in report["provenance"]["records"]:
        records.setdefault(record["conditions"].get("traffic_class"), {})[record["metric"]] = record
    return records


def check_good(folder):
    (folder / "key.txt").write_text(KEY + "\n")
    with emulator(folder, *TIMING, "--stamps", str(folder / "stamps")) as url:
        report, stderr = run(folder, SCENARIO.replace("URL", url).replace("MOST", "10"), {0})
    records = by_class(report)
    for name in STREAMED | WITHOUT_TOKENS | {"embeddings", "base64", "rerank"}:
        mine = records[name]
        assert mine["error_rate"]["value"] == 0, f"{name}: {mine['error_rate']}"
        assert mine["e2e_ms_mean"]["value"] >= TTFT_MS, f"{name} cannot be faster than the emulator: {mine['e2e_ms_mean']}"
        for metric in ("ttft_ms_mean", "tpot_ms_mean", "chunk_gap_ms_mean", "output_throughput_tokens_per_s"):
            assert (metric in mine) == (name in STREAMED), f"{name} and {metric}"
        assert ("input_throughput_tokens_per_s" in mine) == (name not in WITHOUT_TOKENS), name
    whole = records["all"]
    assert whole["ttft_ms_mean"]["conditions"]["covers"] == "chat, completions, responses", whole["ttft_ms_mean"]
    assert "covers" not in whole["e2e_ms_mean"]["conditions"]
    broken_off = records["chat"]["error_rate"]["conditions"]["cancelled_by_plan"]
    assert broken_off > 0 and records["chat"]["e2e_ms_mean"]["n"] + broken_off == records["chat"]["ttft_ms_mean"]["n"]
    # The key is nowhere: not in what is stored, not in what is said.
    for path in (folder / "out").rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), f"the key stands in {path.name}"
    assert KEY not in json.dumps(report) + stderr


def check_wrong(folder):
    """Answers that are not what they have to be are failed requests, with what is wrong in words."""
    (folder / "key.txt").write_text(KEY + "\n")
    with emulator(folder, *TIMING) as url:
        report, _ = run(folder, SCENARIO.replace("URL", url).replace("MOST", "6"), {0, 1})
    errors = by_class(report)["sometimes"]["error_rate"]
    assert errors["conditions"]["failed_check-failed"] > 0 and 0 < errors["value"] < 1, errors
    assert "the answer is wrong: /body/n is" in json.dumps(report["findings"]), report["findings"]
    # A document that is cut is no answer, for every kind.
    for name, kind in (("embeddings", "prompt_tokens = 9"), ("rerank", "prompt_tokens = 9"), ("kserve", 'model = "net"')):
        scenario = (f'exams = ["load"]\n[[target]]\nkind = "endpoint"\nurl = "URL"\n[[traffic]]\nname = "c"\n'
                    f'kind = "{name}"\n{kind}\n[load]\narrivals = "closed"\nusers = 1\nrequests_per_class = 40\n')
        with emulator(folder, *TIMING, "--fault", "malformed-sse:every=4") as url:
            report, _ = run(folder, scenario.replace("URL", url), {0, 1})
        errors = by_class(report)["c"]["error_rate"]
        assert errors["conditions"].get("failed_malformed", 0) >= 8, f"{name}: {errors}"


def check_flags(folder):
    """`assay load` with vLLM's flags, and the scenario that it leaves, run again."""
    with emulator(folder, *TIMING) as url:
        for flags in (["--backend", "openai-embeddings", "--random-batch-size", "4"], ["--backend", "vllm-rerank"],
                      ["--api", "responses", "--output-len", "4", "--header", "X-A=1", "--header", "X-B=2"],
                      ["--endpoint", "/v1/chat/completions", "--output-len", "4", "--temperature", "0.7",
                       "--lora-modules", "emulated,other", "--extra-body", '{"priority": 1}']):
            out = folder / "load"
            command = [ASSAY, "load", url, "--num-prompts", "20", "--max-concurrency", "4", "--input-len", "30", "--out",
                       str(out), *flags]
            result = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False)
            assert result.returncode == 0, f"{flags}: {result.stdout}{result.stderr}"
            assert re.search(r"\nfailed +0 ", result.stdout) and "E2E ms" in result.stdout, result.stdout
            again, _ = run(folder, (out / "scenario.toml").read_text(), {0})
            assert by_class(again)["random"]["error_rate"]["value"] == 0
            shutil.rmtree(out)


def main():
    for check in (check_good, check_wrong, check_flags):
        with tempfile.TemporaryDirectory(prefix="assay-kinds-") as folder:
            subfolder = Path(folder)
            check(subfolder)
        print(f"{check.__name__}: good")


if __name__ == "__main__":
    sys.exit(main())
