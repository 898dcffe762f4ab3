"""Every scenario in examples/ runs with --quick on this machine's real devices, to the end of every trial, measures what it is
about, answers the first question as it should, and ends in a report. --quick promises a minute, and on a quiet machine each is to
take less than 20 s: the test says which did not. Machines are shared, and a quick look that others leave no time measures nothing:
only a minute fails it, an example with a fault is run again, and where others kept the machine busy before each try it counts as
skipped, with its faults.
examples/endpoint.toml runs against a real llama.cpp server on the loopback address, where its package is there, and
examples/mixed.toml, which asks for more than that one serves, against `assay emulate`."""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCE = Path(os.environ["ASSAY_SOURCE"])
STATISTIC = r"_(mean|max|p\d+(_\d)?)$"
WANTED_S = 20
LIMIT_S = 60
TRIES = 3
BUSY_SHARE = 0.25  # of all processors' time, before an example begins

# What the first question is answered with. A fake target shows nothing about a machine, and a quick look runs a tiny model in
# place of a large synthetic one.
FIRST_ANSWER = {"fake.toml": "not examined", "synthetic-8b.toml": "not examined"}
# What an example has measured; else the first token of its requests. A quick look at a machine that others use may have no time
# for a request of the mix, which its trial must say.
MEASURED = {
    "this-machine.toml": ["decode_tokens_per_s", "matmul_tflop_per_s", "memory_bandwidth_gb_per_s"],
    "mixed.toml": ["ttft_ms", "e2e_ms"],
    "kit.toml": ["decode_tokens_per_s", "memory_bandwidth_gb_per_s"],
}


def busy_share():
    """What others use of this machine, over a second in which the test does nothing."""
    def times():
        fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        return sum(fields), fields[3] + fields[4]
    (total, idle) = times()
    time.sleep(1)
    (total_now, idle_now) = times()
    return 1 - (idle_now - idle) / max(1, total_now - total)


def exams_of_metrics():
    """Which exam measures what, as `assay list metrics` tells it."""
    result = subprocess.run([os.environ["ASSAY"], "list", "metrics", "--json"], capture_output=True, text=True, check=True)
    return {metric["name"]: metric["exam"] for metric in json.loads(result.stdout)}


def faults_of(name, report):
    """What a report lacks for its example to have shown anything."""
    trials, records = report["provenance"]["trials"], report["provenance"]["records"]
    exams, exam_of_trial = exams_of_metrics(), {trial["id"]: trial["exam"] for trial in trials}
    for record in records:
        exam = exams[re.sub(STATISTIC, "", record["metric"])]
        if record["trial"] in exam_of_trial and exam_of_trial[record["trial"]] != exam:
            yield f"{record['metric']} comes from {exam_of_trial[record['trial']]}, and is said to come from {exam}"
    # A kit whose framework is not installed here says so.
    absent = {finding["trial"] for finding in report["findings"] if finding["code"] == "kit.absent"}
    undone = [f"{trial['name']} {trial['state']}: {trial.get('end_text', '')}" for trial in trials
              if trial["state"] != ("skipped" if trial["id"] in absent else "done")]
    if not trials or undone:
        yield f"not every trial was done: {undone or 'there are none'}"
    first = report["answers"][0]
    expected = FIRST_ANSWER.get(name, "yes")
    if first["answer"] != expected:
        yield f"answers the first question with {first['answer']}, not {expected}: {first['reason']}"
    measured = [record for record in records if record["class"] == "measured" and record.get("value") is not None and record["validity"] != "void"]
    sent = {record["trial"] for record in measured if record["metric"] == "offered_rate_per_s"}
    silent = {finding["trial"] for finding in report["findings"] if finding["code"] == "load.nothing-measured"}
    for trial in trials:
        if trial["exam"] == "load" and trial["id"] not in silent | sent:
            yield f"{trial['name']} has no number, and does not say so"
    for metric in MEASURED.get(name, ["ttft_ms"]):
        if not any(record["metric"] == metric or record["metric"].startswith(metric + "_") for record in measured):
            yield f"has no {metric} that was measured"


def run_example(path):
    with tempfile.TemporaryDirectory(prefix="assay-example-") as folder:
        out = Path(folder) / "out"
        environment = dict(os.environ, ASSAY_CACHE_DIR=os.environ["ASSAY_BUILD"] + "/test-cache")
        start = time.monotonic()
        result = subprocess.run([os.environ["ASSAY"], "run", str(path), "--quick", "--json", "--out", str(out)],
                                env=environment, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
        duration_s = time.monotonic() - start
        if result.returncode not in (0, 1):
            return duration_s, [f"ends with {result.returncode}: {result.stderr[-800:]}"]
        faults = list(faults_of(path.name, json.loads(result.stdout)))
        if "<title>" not in (out / "report.html").read_text():
            faults.append("has no report")
        if duration_s > LIMIT_S:
            faults.append(f"takes longer than {LIMIT_S} s")
        return duration_s, faults


@contextlib.contextmanager
def server():
    """The URL of a llama.cpp server with SmolLM2, or None where there is none."""
    model = SOURCE / ".deps/models/SmolLM2-135M-Instruct.Q4_1.gguf"
    environment = dict(os.environ, PYTHONPATH=str(SOURCE / ".deps/python"), PYTHONDONTWRITEBYTECODE="1")
    process = subprocess.Popen(["/usr/bin/python3", str(SOURCE / "tests/endpoint/server.py"), str(model)], env=environment,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        ready = next((line for line in process.stdout if line.startswith("ready ")), None)
        yield ready.split()[1] + "/v1" if ready else None
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def emulator():
    """The URL of an emulator."""
    process = subprocess.Popen([os.environ["ASSAY"], "emulate", "--port", "0", "--ttft-ms", "10", "--gap-ms", "1"],
                               stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate(timeout=30)


def run_endpoint_example(path, serving):
    """None where there is no server."""
    with serving() as url, tempfile.TemporaryDirectory(prefix="assay-example-") as folder:
        if url is None:
            return None
        text, replaced = re.subn(r'(?m)^url = ".*"', f'url = "{url}"', path.read_text())
        assert replaced == 1, "the example has one URL"
        scenario = Path(folder) / path.name
        scenario.write_text(text)
        return run_example(scenario)


def main():
    servers = {"endpoint.toml": server, "mixed.toml": emulator}
    failed, skipped = [], []
    examples = sorted((SOURCE / "examples").glob("*.toml"))
    assert examples, "no examples were found"
    for path in examples:
        serving = servers.get(path.name)
        is_always_busy = True
        for tried in range(TRIES):
            busy = busy_share() if serving is not emulator else 0
            is_always_busy = is_always_busy and busy > BUSY_SHARE
            ended = run_example(path) if serving is None else run_endpoint_example(path, serving)
            if ended is None or not ended[1]:
                break
            if tried + 1 < TRIES:
                print(f"{path.name}: {ended[0]:.1f} s, run again; others used {100 * busy:.0f} % of this machine: {'; '.join(ended[1])}", flush=True)
        if ended is None:
            skipped.append(path.name)
            print(f"{path.name}: SKIPPED, there is no server to run it against")
            continue
        duration_s, faults = ended
        slow = f", longer than the {WANTED_S} s wanted on a quiet machine" if duration_s > WANTED_S else ""
        told = "".join(f"\n  FAULT: {fault}" for fault in faults)
        is_broken = any(fault.startswith(("ends with", "has no report")) for fault in faults)  # whoever else works here
        if faults and is_always_busy and not is_broken:
            skipped.append(path.name)
            print(f"{path.name}: SKIPPED, others kept this machine busy:{told}", flush=True)
            continue
        print(f"{path.name}: {duration_s:.1f} s{slow}{told}", flush=True)
        if faults:
            failed.append(path.name)
    print(f"{len(examples)} examples, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
