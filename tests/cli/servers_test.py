"""Endpoints of several servers end to end: `assay load` and `assay run` against emulators on the loopback address. Which server
a request went to is checked against the emulators' own stamps; times are only held against what the emulators make certain."""

import csv
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
# Far apart, and long against what a busy machine adds to either.
FAST_MS, SLOW_MS = 100, 600


def server(folder, name, ttft_ms):
    """The URL of an emulator whose stamps lie in the file `name`.stamps."""
    return emulator(folder, "--ttft-ms", str(ttft_ms), "--gap-ms", "1", "--stamps", str(folder / f"{name}.stamps"), name=f"{name}.url")


def seen(folder, name):
    """Ids of the requests that reached an emulator which has ended."""
    return set(re.findall(rb"assay-([1-9]\d*)", (folder / f"{name}.stamps").read_bytes()))


def assay(folder, arguments, expected=frozenset({0, 1})):
    """1 is no failure here: where other work keeps the load generator waiting, the trial is void."""
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    result = subprocess.run([ASSAY, *arguments, "--out", str(out)], capture_output=True, text=True, timeout=300,
                            stdin=subprocess.DEVNULL, check=False)
    assert result.returncode in expected, f"ends with {result.returncode}: {result.stdout[-2000:]}{result.stderr[-2000:]}"
    return result


def findings(report, code):
    return [finding for finding in report["findings"] if finding["code"] == code]


def check_flags(folder):
    """Requests go to the servers in turn; a slow one is found; the scenario that is left does the same again."""
    with server(folder, "fast", FAST_MS) as fast, server(folder, "slow", SLOW_MS) as slow:
        samples, table = folder / "samples.jsonl", folder / "samples.csv"
        result = assay(folder, ["load", fast, slow, "--num-prompts", "60", "--max-concurrency", "4", "--input-len", "20",
                                "--output-len", "4", "--metrics-interval", "0.1", "--samples", str(samples), "--csv", str(table), "--json"])
        report = json.loads(result.stdout)
        rows = [json.loads(line) for line in samples.read_text().splitlines()]
        cells = list(csv.DictReader(table.open()))
        (folder / "again.toml").write_text((folder / "out" / "scenario.toml").read_text())
        again = json.loads(assay(folder, ["run", str(folder / "again.toml"), "--json"]).stdout)
    assert f'urls = ["{fast}", "{slow}"]' in (folder / "again.toml").read_text()
    assert [row["server"] for row in rows] == [i % 2 for i in range(60)], rows
    assert [int(cell["server"]) for cell in cells] == [i % 2 for i in range(60)]
    # What the samples say is what the servers saw.
    for index, name in enumerate(("fast", "slow")):
        ids = {row["request_id"].removeprefix("assay-").encode() for row in rows if row["server"] == index}
        others = {row["request_id"].removeprefix("assay-").encode() for row in rows if row["server"] != index}
        assert ids <= seen(folder, name), f"{name} did not see {ids - seen(folder, name)}"
        assert not others & seen(folder, name), f"{name} saw {others & seen(folder, name)}"
    for one in (report, again):
        (note,) = findings(one, "load.servers")
        assert f"{fast}: " in note["text"] and f"{slow}: " in note["text"], note
        (uneven,) = findings(one, "load.uneven-servers")
        assert uneven["text"].startswith(slow) and uneven["severity"] == "doubtful", uneven
        assert not findings(one, "load.servers-differ")
        (conditions,) = {json.dumps(record["conditions"]["url"]) for record in one["provenance"]["records"]}
        assert json.loads(conditions) == f"{fast}, {slow}"
        assert not findings(one, "metrics.none")
        (running,) = [record for record in one["provenance"]["records"] if record["metric"] == "server_running_max"]
        assert 1 <= running["value"] <= 8, running  # two of four users each, asked at instants of their own


SCENARIO = """
exams = ["load"]
[[target]]
kind = "endpoint"
urls = ["CHAT", "OTHER"]
[[traffic]]
name = "chat"
prompt_tokens = 20
output_tokens = 4
turns = 2
[[traffic]]
name = "vectors"
kind = "embeddings"
prompt_tokens = 20
url = "VECTORS"
[load]
arrivals = "closed"
users = 4
requests_per_class = 40
alone = true
"""


def check_classes(folder):
    """A class with a server of its own goes there and nowhere else; sessions stay where they began."""
    with server(folder, "chat", FAST_MS) as chat, server(folder, "other", FAST_MS) as other, \
            server(folder, "vectors", FAST_MS) as vectors:
        scenario = SCENARIO.replace("CHAT", chat).replace("OTHER", other).replace("VECTORS", vectors)
        (folder / "scenario.toml").write_text(scenario)
        report = json.loads(assay(folder, ["run", str(folder / "scenario.toml"), "--json"]).stdout)
    texts = [finding["text"] for finding in findings(report, "load.servers")]
    assert len(texts) == 2, texts  # the mix and chat alone; vectors alone has one server
    mix = next(text for text in texts if vectors in text)
    assert re.search(re.escape(vectors) + r": \d+ requests, 0 failed, median E2E", mix), mix
    for url in (chat, other):
        assert re.search(re.escape(url) + r": \d+ requests, 0 failed, median TTFT", mix), mix
    assert not findings(report, "load.uneven-servers")
    alone = [record for record in report["provenance"]["records"]
             if record["conditions"].get("phase") == "alone" and record["conditions"]["traffic_class"] == "vectors"]
    assert alone and all(record["conditions"]["url"] == vectors for record in alone)


def check_search(folder):
    """A sweep and a search for capacity over two servers."""
    with server(folder, "one", FAST_MS) as one, server(folder, "two", FAST_MS) as two:
        flags = ["--num-prompts", "20", "--input-len", "20", "--output-len", "2", "--json"]
        swept = json.loads(assay(folder, ["load", one, two, "--sweep", "concurrency=1,4", *flags]).stdout)
        assert len(findings(swept, "load.servers")) == 2
        flags = ["--capacity", "--goodput", "ttft:1000", "--duration", "3", "--input-len", "20", "--output-len", "2"]
        found = json.loads(assay(folder, ["load", one, two, *flags, "--json"]).stdout)
        metrics = {record["metric"] for record in found["provenance"]["records"]}
        assert "capacity_per_s" in metrics, metrics
    for name in ("one", "two"):
        assert len(seen(folder, name)) > 20


def check_refused(folder):
    """One of two that is not there ends the trial before it begins, and is named."""
    with server(folder, "good", FAST_MS) as good:
        result = assay(folder, ["load", good, "127.0.0.1:1", "--num-prompts", "10"], {2})
    assert "http://127.0.0.1:1/v1: cannot connect: Connection refused" in result.stderr, result.stderr
    assert not seen(folder, "good")
    result = assay(folder, ["load", "127.0.0.1:1", "127.0.0.1:2", "--", "true"], {2})
    assert "a command starts one server" in result.stderr, result.stderr
    result = assay(folder, ["load", "127.0.0.1:1", "http://127.0.0.1:1/v1/"], {2})
    assert "is given twice" in result.stderr, result.stderr


def main():
    for check in (check_flags, check_classes, check_search, check_refused):
        with tempfile.TemporaryDirectory(prefix="assay-servers-") as folder:
            check(Path(folder))
        print(f"{check.__name__}: good")


if __name__ == "__main__":
    sys.exit(main())
