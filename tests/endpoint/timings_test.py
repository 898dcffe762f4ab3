"""`assay load` against a real llama.cpp server: our TTFT and TPOT against the server's own timing of the same requests.

What each contains. The server's prompt_ms goes from the beginning of work on the prompt to the sampling of the first token; our
TTFT from the scheduled instant to the arrival of the first chunk. Less send lag, what is left of TTFT is loopback, parsing,
tokenising, the wait for the engine's next step, and the way of the first chunk out of the server: never negative, and with one
user less than three quarters of the time of a token. The server's predicted_ms goes from the first token to the last, as our
TPOT does, so that the two differ by how unevenly the server sends.

The difference is taken request by request, and the 99 % interval of its median must lie within the budget; beyond it is a
fault, over its edge cannot be told. Two definitions that are wrong by little must be rejected by the same rule, or it would have
passed by luck: the server's time divided by all n tokens instead of the n − 1 gaps, and a first token that is the second.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ASSAY, SOURCE = os.environ["ASSAY"], Path(os.environ["ASSAY_SOURCE"])
PACKAGES, MODEL = SOURCE / ".deps/python", SOURCE / ".deps/models/SmolLM2-135M-Instruct.Q4_1.gguf"
PYTHON = "/usr/bin/python3"  # whose version the package was fetched for
SKIPPED = 77
TOKENS = 32
TPOT_BUDGET = 0.01         # of the server's own
TTFT_BUDGET_TOKENS = 0.75  # of the server's time per token
FEWEST = 12                # requests that an interval is worth something with


def start_server():
    # One thread: two wait for each other at every operation, on a busy machine for a turn of its scheduler.
    server = subprocess.Popen([PYTHON, str(SOURCE / "tests/endpoint/server.py"), str(MODEL), "1"],
                              stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL,
                              env={**os.environ, "PYTHONPATH": str(PACKAGES), "PYTHONDONTWRITEBYTECODE": "1"})
    for said in server.stdout:
        if said.startswith("ready "):
            return server, said.split()[1] + "/v1"
    return server, None


def load(folder, url, users, requests):
    result = subprocess.run(
        [ASSAY, "load", url, "--max-concurrency", str(users), "--num-prompts", str(requests), "--input-len", "16:96",
         "--output-len", str(TOKENS), "--duration", "150", "--metrics-interval", "0", "--samples", "samples.jsonl",
         "--out", "out"],
        cwd=folder, env={**os.environ, "ASSAY_CACHE_DIR": str(folder / "cache")}, capture_output=True, text=True, timeout=500)
    if result.returncode not in (0, 1):
        raise RuntimeError(f"assay load: {result.stderr}")
    report = json.loads(subprocess.run([ASSAY, "report", "out", "--json"], cwd=folder, capture_output=True, text=True, check=True,
                                       timeout=60).stdout)
    records = {record["metric"]: record for record in report["provenance"]["records"]
               if record["conditions"].get("traffic_class") == "all"}
    rows = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    return result.stdout, records, rows


def median_interval(values):
    """The order statistics between which the median lies with 99 % confidence (binomial, no assumption on the values)."""
    n, ordered = len(values), sorted(values)
    below, rank = 0.5 ** n, 0
    while below <= 0.005 and rank < n // 2:
        rank += 1
        below += math.comb(n, rank) * 0.5 ** n
    rank = max(rank, 1)
    return ordered[rank - 1], ordered[n - rank]


def tpot_differences(rows, server_share=1):
    """Ours less the server's, in parts of the server's."""
    ours = [(row["last_ns"] - row["first_ns"]) / (row["output_tokens"] - 1) for row in rows]
    return [mine / (row["server_tpot_ns"] * server_share) - 1 for mine, row in zip(ours, rows)]


def ttft_differences(rows, first=0):
    """What ours has beyond send lag and the server's, in times of a token. The network is loopback: some ten µs."""
    return [(row["chunk_ns"][first] - row["sent_ns"] - row["server_prompt_ns"]) / row["server_tpot_ns"] for row in rows]


def is_within(interval, low, high):
    return low <= interval[0] and interval[1] <= high


def judged(name, interval, low, high, untold):
    """A fault where the interval lies beyond the budget; where it reaches over its edge, this machine is too busy to tell."""
    if interval[1] < low or interval[0] > high:
        yield f"{name} differs from the server's: {interval}"
    elif not is_within(interval, low, high):
        untold.append(f"{name} less the server's is {interval}, which {low} … {high} does not hold")


def run_faults(folder, url, users, requests, untold):
    """Yields what is wrong, and appends to `untold` what a busy machine kept from being told."""
    folder.mkdir()
    table, records, rows = load(folder, url, users, requests)
    failed = [row["outcome"] for row in rows if row["outcome"] not in ("ok", "timeout")]
    if failed or not rows:
        yield f"requests failed, or there were none: {failed}\n{table}"
        return
    rows = [row for row in rows if row["outcome"] == "ok"]
    if len(rows) < FEWEST:
        untold.append(f"{len(rows)} answers in 150 s, {FEWEST} are needed")
        return
    for row in rows:
        if "server_prompt_ns" not in row or "server_tpot_ns" not in row:
            yield f"{row['request_id']} lacks the server's timing"
            return
        if row["output_tokens"] != TOKENS or len(row["chunk_ns"]) != TOKENS:
            yield f"{row['request_id']} has {row['output_tokens']} tokens in {len(row['chunk_ns'])} chunks"
        # The server's clock began after the request was sent and ended before its first token came.
        if row["first_ns"] - row["sent_ns"] < row["server_prompt_ns"] - 1000:
            yield f"{row['request_id']}: the server took longer than there was time: {row}"
    tpot, ttft = tpot_differences(rows), ttft_differences(rows)
    tpot_interval, ttft_interval = median_interval(tpot), median_interval(ttft)
    token_ms = sorted(row["server_tpot_ns"] for row in rows)[len(rows) // 2] / 1e6
    print(f"{users} users, {len(rows)} requests, {token_ms:.2f} ms a token by the server, 99 % intervals of the median:\n"
          f"  TPOT less the server's: {100 * tpot_interval[0]:+.3f} to {100 * tpot_interval[1]:+.3f} %\n"
          f"  TTFT less send lag and the server's: {token_ms * ttft_interval[0]:.3f} to "
          f"{token_ms * ttft_interval[1]:.3f} ms, {ttft_interval[0]:.3f} to {ttft_interval[1]:.3f} tokens\n")
    yield from judged("TPOT", tpot_interval, -TPOT_BUDGET, TPOT_BUDGET, untold)
    if is_within(median_interval(tpot_differences(rows, (TOKENS - 1) / TOKENS)), -TPOT_BUDGET, TPOT_BUDGET):
        yield "a time divided by n would have passed for one divided by n − 1"
    if users == 1:  # with more, a request waits for the step that the others are in
        yield from judged("TTFT", ttft_interval, 0, TTFT_BUDGET_TOKENS, untold)
        second = median_interval(ttft_differences(rows, first=1))
        if is_within(second, 0, TTFT_BUDGET_TOKENS):
            yield "the second token would have passed for the first"
    for label in ("prompt ms, server", "TTFT − that", "TPOT ms, server", "TPOT − that"):
        if label not in table:
            yield f"the table lacks '{label}':\n{table}"
    means = {name.removesuffix("_mean"): record["value"] for name, record in records.items()
             if name.endswith("_mean") and record.get("value") is not None}
    for ours, server, difference in (("ttft_ms", "server_prompt_ms", "ttft_server_difference_ms"),
                                     ("tpot_ms", "server_tpot_ms", "tpot_server_difference_ms")):
        missing = [metric for metric in (ours, server, difference) if metric not in means]
        if missing:
            yield f"there is no mean of {', '.join(missing)}"
        elif abs(means[ours] - means[server] - means[difference]) > 1e-6 * means[ours]:
            yield f"{difference} is not the difference"


def main():
    if not (PACKAGES / "xllamacpp").exists() or not MODEL.exists():
        print(f"skipped: {PACKAGES}/xllamacpp or {MODEL} is not there")
        return SKIPPED
    server, url = start_server()
    faults, untold = [], []
    try:
        if url is None:
            print("the server did not come up")
            return SKIPPED if server.wait() == SKIPPED else 1
        with tempfile.TemporaryDirectory(prefix="assay-timings-") as name:
            for words, users, requests in (("one user", 1, 16), ("four users", 4, 20)):
                reasons = []
                faults += [f"{words}: {fault}" for fault in run_faults(Path(name) / words, url, users, requests, reasons)]
                untold += [f"{words}: {reason}" for reason in reasons]
    finally:
        server.kill()
        server.wait()
    for fault in faults[:20]:
        print(fault)
    for reason in untold:
        print(f"{'not told' if faults else 'skipped'}: this machine is too busy: {reason}")
    return 1 if faults else SKIPPED if untold else 0


if __name__ == "__main__":
    sys.exit(main())
