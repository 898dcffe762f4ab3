"""The exports as a user makes them: one run against the emulator, whose timing is exactly known, and the file of every format."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ASSAY = os.environ["ASSAY"]
REQUESTS, TTFT_MS, GAP_MS, TOKENS = 12, 20, 4, 6


def near(got, want, what):
    """Never earlier than the emulator's timing; how much later depends on the machine."""
    if not want - 0.2 <= got <= want + 1000:
        yield f"{what} is {got}, not {want}"


def equal(got, want, what):
    if got != want:
        yield f"{what} is {got!r}, not {want!r}"


def vllm_faults(file):
    yield from equal(file["completed"], REQUESTS, "vllm completed")
    yield from near(file["mean_ttft_ms"], TTFT_MS, "vllm mean_ttft_ms")


def guidellm_faults(file):
    benchmark = file["benchmarks"][0]
    metrics = benchmark["metrics"]
    yield from equal(file["metadata"]["version"], 2, "guidellm version")
    yield from equal(len(benchmark["requests"]["successful"]), REQUESTS, "guidellm requests")
    yield from near(metrics["time_to_first_token_ms"]["successful"]["mean"], TTFT_MS, "guidellm TTFT")
    yield from near(metrics["inter_token_latency_ms"]["successful"]["mean"], GAP_MS, "guidellm ITL")
    whole_ms = TTFT_MS + (TOKENS - 1) * GAP_MS
    yield from near(metrics["time_per_output_token_ms"]["successful"]["mean"], whole_ms / TOKENS, "guidellm TPOT")
    started = benchmark["start_time"]
    if abs(started - time.time()) > 600:
        yield f"guidellm start_time {started} is not of today's clock"


def aiperf_faults(file, lines):
    yield from equal(file["request_count"]["avg"], REQUESTS, "aiperf request_count")
    yield from near(file["time_to_first_token"]["avg"], TTFT_MS, "aiperf TTFT")
    yield from near(file["inter_token_latency"]["avg"], GAP_MS, "aiperf ITL")
    yield from equal(len(lines), REQUESTS, "aiperf lines")
    latencies = [line["metrics"]["request_latency"]["value"] for line in lines]
    if abs(sum(latencies) / len(latencies) - file["request_latency"]["avg"]) > 1e-6:
        yield "aiperf's two files differ in the mean latency"


def main():
    with tempfile.TemporaryDirectory(prefix="assay-exports-") as name:
        folder = Path(name)
        server = subprocess.Popen([ASSAY, "emulate", "--port", "0", "--ready-file", "url", "--ttft-ms", str(TTFT_MS), "--gap-ms",
                                   str(GAP_MS)], cwd=folder, stdout=subprocess.DEVNULL)
        try:
            while not (folder / "url").exists() or not (folder / "url").read_text():
                if server.poll() is not None:
                    print("the emulator ended")
                    return 1
                time.sleep(0.02)
            result = subprocess.run([ASSAY, "load", (folder / "url").read_text().strip(), "--max-concurrency", "4", "--num-prompts",
                                     str(REQUESTS), "--output-len", str(TOKENS), "--export", "vllm=vllm.json", "--export",
                                     "guidellm=benchmarks.json", "--export", "aiperf=profile.json", "--export",
                                     "aiperf=profile.jsonl"], cwd=folder, capture_output=True, text=True, timeout=100)
            sweep = subprocess.run([ASSAY, "load", (folder / "url").read_text().strip(), "--sweep", "concurrency=1,2", "--num-prompts",
                                    "4", "--output-len", "2", "--export", "vllm=sweep.json"], cwd=folder, capture_output=True,
                                   text=True, timeout=100)
        finally:
            server.terminate()
            server.wait()
        if result.returncode not in (0, 1):
            print(result.stderr)
            return 1
        files = {path.name: json.loads(path.read_text()) for path in folder.glob("*.json")}
        if sweep.returncode not in (0, 1) or not {"sweep-users-1.json", "sweep-users-2.json"} <= set(files):
            print(sweep.stderr)
            return 1
        lines = [json.loads(line) for line in (folder / "profile.jsonl").read_text().splitlines()]
        faults = [*equal(files["sweep-users-2.json"]["max_concurrency"], 2, "vllm max_concurrency of a point"), *vllm_faults(files["vllm.json"]), *guidellm_faults(files["benchmarks.json"]),
                  *aiperf_faults(files["profile.json"], lines)]
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
