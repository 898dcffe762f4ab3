"""How `assay load` ends early, and what can be written of a run afterwards: Ctrl-C keeps what there is, a sweep that is interrupted
shows the points that it has, and `assay report` writes the files of single requests that `assay load` writes."""

import csv
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from emulator import emulator  # noqa: E402

ASSAY, FAKE = os.environ["ASSAY"], os.environ["ASSAY_FAKE"]


def assay(folder, arguments, expected, program=ASSAY, **variables):
    result = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL, check=False,
                            cwd=folder, env={**os.environ, **variables})
    assert result.returncode in expected, f"ends with {result.returncode}: {result.stdout[-2000:]}{result.stderr[-2000:]}"
    return result


def interrupted(folder, arguments, looks, expected):
    """As if Ctrl-C came at the `looks`th time that it is looked for, which is ten times a second while requests are sent."""
    return assay(folder, arguments, expected, FAKE, ASSAY_TEST_STOP="interrupt", ASSAY_TEST_STOP_AT=str(looks))


def check_stopped(folder, url):
    """What was sent is awaited and kept, the rest is not sent; files are written, and the exit code says that it is not all."""
    result = interrupted(folder, ["load", url, "--request-rate", "50", "--num-prompts", "5000", "--output-len", "4", "--out", "stopped",
                                  "--samples", "stopped.jsonl", "--csv", "stopped.csv", "--json"], 40, {1})
    report = json.loads(result.stdout)
    notes = [finding for finding in report["findings"] if finding["code"] == "load.stopped"]
    assert len(notes) == 1, report["findings"]
    sent = notes[0]["evidence"]["sent"]
    assert 0 < sent < 5000 and f"{sent} of 5000 requests were sent" in notes[0]["text"], notes
    rows = [json.loads(line) for line in (folder / "stopped.jsonl").read_text().splitlines()]
    assert len(rows) == sent, (len(rows), sent)
    assert {row["outcome"] for row in rows} == {"ok"}, {row["outcome"] for row in rows}
    assert len(list(csv.DictReader((folder / "stopped.csv").open()))) == sent


def check_interrupted_sweep(folder, url):
    result = interrupted(folder, ["load", url, "--sweep", "rate=40,50", "--num-prompts", "5000", "--output-len", "4", "--out", "sweep"], 40, {2})
    assert re.search(r"^40 arrivals", result.stdout, re.M) and not re.search(r"^50 arrivals", result.stdout, re.M), result.stdout
    assert "assay run --resume --out sweep" in result.stderr, result.stderr


def check_report_files(folder, url):
    """The same as `assay load` writes at once, also of a run with several trials."""
    exports = ["vllm", "guidellm", "aiperf"]
    files = [["--samples", "{}.jsonl"], ["--csv", "{}.csv"], *[["--export", f"{name}={{}}.{name}"] for name in exports]]
    names = [words[1].split("=")[-1] for words in files]
    flags = lambda stem: [word.format(stem) for words in files for word in words]  # noqa: E731
    assay(folder, ["load", url, "--request-rate", "100", "--num-prompts", "30", "--output-len", "4", "--out", "done", *flags("at-once")], {0, 1})
    assay(folder, ["report", "done", *flags("later")], {0})
    for name in names:
        assert (folder / name.format("at-once")).read_bytes() == (folder / name.format("later")).read_bytes(), name
    nothing = assay(folder, ["report", "refused", "--csv", "none.csv"], {2})
    assert "no load trial left requests" in nothing.stderr and not (folder / "none.csv").exists(), nothing.stderr
    unknown = assay(folder, ["report", "done", "--export", "guidelm=x"], {2})
    assert "vllm=FILE" in unknown.stderr, unknown.stderr


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        assay(folder, ["load", "127.0.0.1:1", "--out", "refused"], {2})
        for check in (check_stopped, check_interrupted_sweep, check_report_files):
            with emulator(folder, "--ttft-ms", "20", "--gap-ms", "5") as url:
                check(folder, url)
            print(f"{check.__name__}: good")


main()
