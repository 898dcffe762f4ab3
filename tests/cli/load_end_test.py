"""How `assay load` ends early, and what can be written of a run afterwards: Ctrl-C keeps what there is, a sweep that is interrupted
shows the points that it has, and `assay report` writes the files of single requests that `assay load` writes."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from emulator import emulator  # noqa: E402

ASSAY = os.environ["ASSAY"]
PATIENCE_S = 120


def assay(folder, arguments, expected):
    result = subprocess.run([ASSAY, *arguments], capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL, check=False, cwd=folder)
    assert result.returncode in expected, f"ends with {result.returncode}: {result.stdout[-2000:]}{result.stderr[-2000:]}"
    return result


def metric(url, name):
    with urllib.request.urlopen(url.removesuffix("/v1") + "/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return sum(float(value) for value in re.findall(rf"^vllm:{name}\S* (\S+)$", text, re.M))


def wait_for(condition):
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.05)


class Load:
    """An `assay load` under way."""

    def __init__(self, folder, url, *arguments):
        self.url = url
        self.process = subprocess.Popen([ASSAY, "load", url, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        stdin=subprocess.DEVNULL, cwd=folder)

    def interrupt(self):
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def wait_until_sending_stops(self):
        """Of 50 requests a second none comes for half a second."""
        def is_still():
            before = metric(self.url, "num_requests_running")
            time.sleep(0.5)
            return metric(self.url, "num_requests_running") == before
        wait_for(is_still)

    def end(self, code):
        out, err = self.process.communicate(timeout=PATIENCE_S)
        assert self.process.returncode == code, f"ends with {self.process.returncode}: {out[-2000:]}{err[-2000:]}"
        return out, err


def check_stopped(folder):
    """What was sent is awaited and kept, the rest is not sent; files are written, and the exit code says that it is not all."""
    with emulator(folder, "--ttft-ms", "20", "--gap-ms", "5") as url:
        load = Load(folder, url, "--request-rate", "50", "--num-prompts", "50000", "--output-len", "4", "--out", "stopped",
                    "--samples", "stopped.jsonl", "--csv", "stopped.csv", "--json")
        wait_for(lambda: metric(url, "request_success_total") > 100)
        load.interrupt()
        out, _ = load.end(1)
    report = json.loads(out)
    notes = [finding for finding in report["findings"] if finding["code"] == "load.stopped"]
    assert len(notes) == 1, report["findings"]
    sent = notes[0]["evidence"]["sent"]
    assert 50 < sent < 50000 and f"{sent} of 50000 requests were sent" in notes[0]["text"], notes
    rows = [json.loads(line) for line in (folder / "stopped.jsonl").read_text().splitlines()]
    assert len(rows) == sent, (len(rows), sent)
    assert {row["outcome"] for row in rows} == {"ok"}, {row["outcome"] for row in rows}
    assert len(list(csv.DictReader((folder / "stopped.csv").open()))) == sent


def check_second_interrupt(folder):
    """Answers that do not come are not awaited by who asks twice; nothing is written of them, and the run can be gone on with."""
    with emulator(folder, "--ttft-ms", "20", "--gap-ms", "5", "--fault", "freeze:at=60:seconds=300") as url:
        load = Load(folder, url, "--request-rate", "50", "--num-prompts", "50000", "--output-len", "4", "--out", "twice")
        wait_for(lambda: metric(url, "num_requests_running") > 50)
        load.interrupt()
        load.wait_until_sending_stops()
        load.interrupt()
        _, err = load.end(2)
    assert "assay run --resume --out twice" in err, err


def check_interrupted_sweep(folder):
    """The points that are done are shown; the one under way is for --resume."""
    with emulator(folder, "--ttft-ms", "20", "--gap-ms", "5") as url:
        load = Load(folder, url, "--sweep", "rate=100,50,25", "--num-prompts", "100", "--output-len", "4", "--out", "sweep")
        wait_for(lambda: metric(url, "request_success_total") > 150)
        load.interrupt()
        out, err = load.end(2)
    assert re.search(r"^100 arrivals", out, re.M) and not re.search(r"^(50|25) arrivals", out, re.M), out
    assert "assay run --resume --out sweep" in err, err


def check_report_files(folder):
    """The same as `assay load` writes at once, also of a run with several trials."""
    exports = ["vllm", "guidellm", "aiperf"]
    files = [["--samples", "{}.jsonl"], ["--csv", "{}.csv"], *[["--export", f"{name}={{}}.{name}"] for name in exports]]
    names = [words[1].split("=")[-1] for words in files]
    flags = lambda stem: [word.format(stem) for words in files for word in words]  # noqa: E731
    with emulator(folder, "--ttft-ms", "20", "--gap-ms", "5") as url:
        assay(folder, ["load", url, "--request-rate", "100", "--num-prompts", "30", "--output-len", "4", "--out", "done", *flags("at-once")],
              {0, 1})
    assay(folder, ["report", "done", *flags("later")], {0})
    for name in names:
        assert (folder / name.format("at-once")).read_bytes() == (folder / name.format("later")).read_bytes(), name
    nothing = assay(folder, ["report", "refused", "--csv", "none.csv"], {2})
    assert "no load trial left requests" in nothing.stderr and not (folder / "none.csv").exists(), nothing.stderr
    unknown = assay(folder, ["report", "done", "--export", "guidelm=x"], {2})
    assert "vllm=FILE" in unknown.stderr, unknown.stderr


def check_special_files(folder):
    """What an output is sent to stays what it is: links, pipes and devices are no names to put a file under."""
    wanted = (folder / "later.jsonl").read_bytes()
    report = [ASSAY, "report", "done", "--samples"]
    (folder / "far").mkdir()
    (folder / "link.jsonl").symlink_to("far/file.jsonl")
    assay(folder, ["report", "done", "--samples", "link.jsonl"], {0})
    assert (folder / "link.jsonl").is_symlink() and (folder / "far/file.jsonl").read_bytes() == wanted
    os.mkfifo(folder / "pipe")
    with subprocess.Popen(["cat", "pipe"], cwd=folder, stdout=subprocess.PIPE) as reader:
        assay(folder, ["report", "done", "--samples", "pipe"], {0})
        assert reader.communicate(timeout=PATIENCE_S)[0] == wanted and (folder / "pipe").is_fifo()
    with (folder / "out").open("wb") as out:
        out.write(b"head\n")
        out.flush()
        subprocess.run([*report, "/dev/stdout"], cwd=folder, stdout=out, check=True, timeout=PATIENCE_S)
    assert (folder / "out").read_bytes() == b"head\n" + wanted
    # By a link: a wrong program would replace that, and not the device.
    (folder / "full").symlink_to("/dev/full")
    for flags in (["--samples", "full"], ["--csv", "full"], ["--export", "vllm=full"]):
        full = assay(folder, ["report", "done", *flags], {2})
        assert "assay: full: cannot write: No space left on device" in full.stderr, full.stderr
    assert (folder / "full").is_symlink() and Path("/dev/full").is_char_device()


def check_unread_pipe(folder):
    """Ctrl-C ends the wait for a pipe's reader."""
    os.mkfifo(folder / "unread")
    with subprocess.Popen([ASSAY, "report", "done", "--samples", "unread"], cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        status = Path(f"/proc/{process.pid}/status")
        wait_for(lambda: re.search(r"^State:\tS.*^SigCgt:\t\w+[2367abef]$", status.read_text(), re.M | re.S))  # waits, and catches SIGINT
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2 and "interrupted before anybody read this pipe" in err, err


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        assay(folder, ["load", "127.0.0.1:1", "--out", "refused"], {2})
        for check in (check_stopped, check_second_interrupt, check_interrupted_sweep, check_report_files, check_special_files, check_unread_pipe):
            check(folder)
            print(f"{check.__name__}: good")


main()
