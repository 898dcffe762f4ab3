#!/usr/bin/env python3
"""One search for capacity in real time, against a server whose capacity is known: `capacity_live.py BUILD [SECONDS]`.

`assay emulate` serves one request at a time for exactly 50 ms each (M/D/1), and gives its one token at the end. Of requests that come
at random, nine of ten must have it within 250 ms, that is wait 200 ms at most. The rate at which just so many do follows from the
distribution of waiting times (A. K. Erlang, 1909; N. U. Prabhu, Queues and Inventories, 1965, §2.6). The search must hold it in its
interval. Exit code 1 where it does not, or where the search was void. bench/capacity_coverage counts how often, on a clock that
nobody waits for.
"""
import json
import math
import os
import subprocess
import sys
import tempfile
import time

SERVICE_S, LIMIT_S, SHARE = 0.050, 0.250, 0.9


def waits_at_most(load, services):
    """Of M/D/1 with so much load: the share of requests that wait at most so many service times."""
    total = 0.0
    for k in range(int(services) + 1):
        x = load * (k - services)
        total += math.exp(-x) * x ** k / math.factorial(k)
    return (1 - load) * total


def true_capacity_per_s():
    low, high = 0.01, 0.999
    for _ in range(60):
        middle = (low + high) / 2
        if waits_at_most(middle, LIMIT_S / SERVICE_S - 1) >= SHARE:
            low = middle
        else:
            high = middle
    return low / SERVICE_S


def served(assay, folder):
    """The emulator and its URL."""
    server = subprocess.Popen([assay, "emulate", "--port", "0", "--ready-file", f"{folder}/url", "--timing", "queue", "--sequences", "1",
                               "--service", "deterministic", "--service-ms", str(SERVICE_S * 1e3)], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not os.path.exists(f"{folder}/url"):
        if server.poll() is not None or time.monotonic() > deadline:
            server.kill()
            sys.exit("capacity_live: assay emulate did not start")
        time.sleep(0.02)
    with open(f"{folder}/url", encoding="utf-8") as file:
        return server, file.read().strip()


def main():
    if not 2 <= len(sys.argv) <= 3:
        sys.exit("usage: capacity_live.py BUILD [SECONDS]")
    assay, duration_s = f"{sys.argv[1]}/assay", sys.argv[2] if len(sys.argv) > 2 else "900"
    truth = true_capacity_per_s()
    with tempfile.TemporaryDirectory(prefix="assay-capacity-") as folder:
        server, url = served(assay, folder)
        try:
            result = subprocess.run([assay, "load", url, "--capacity", "--goodput", f"ttft:{LIMIT_S * 1e3:g}", "--input-len", "16",
                                     "--output-len", "1", "--duration", duration_s, "--out", f"{folder}/out", "--json"],
                                    stdout=subprocess.PIPE, check=False)
        finally:
            server.terminate()
            server.wait()
    report = json.loads(result.stdout)
    record = next(record for record in report["provenance"]["records"] if record["metric"] == "capacity_per_s")
    low, high = record.get("ci_low"), record.get("ci_high")
    found = "nothing" if high is None else f"{record['value']:.2f} ({low:.2f}–{high:.2f})"
    print(f"capacity {truth:.2f} requests/s; found {found} in {record['conditions']['search_s']:.0f} s: {record['method']}")
    is_held = low is not None and high is not None and low <= truth <= high
    return 0 if is_held else 1


if __name__ == "__main__":
    sys.exit(main())
