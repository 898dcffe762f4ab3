"""Nothing is lost, and nothing counted twice: kill -9 and Ctrl-C at every look at the signal, then --resume; a full disk; a report
that cannot be written; two runs in one folder; a trace that changed meanwhile. The clock is a fake one, so that a busy machine changes nothing."""

import fcntl
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from emulator import emulator  # noqa: E402
from runs import FAULTS, assay, expect, fresh_folder


def dossier_json(folder, out):
    result = assay("report", out, "--json", folder=folder)
    assert result.returncode == 0, result.stderr
    text = result.stdout
    run_id = json.loads(text)["run"]["id"]
    # What a run is called, where it lies and when its trials began differs by its nature.
    text = re.sub(r'("start_ns"\s*:\s*\[)\d+\]', r"\1START]", text)
    return text.replace(run_id, "ID").replace(run_id[:8], "ID").replace(str(folder), "FOLDER")


def resumed_runs_are_unbroken_ones(how):
    """Stops a run at its N-th look at the signal, N rising until it ends by itself; resumes it, and compares."""
    with fresh_folder() as folder:
        whole = assay("run", "resume.toml", "--out", "whole", folder=folder)
        expect(whole.returncode == 0, f"an unbroken run ends with {whole.returncode}: {whole.stderr[-500:]}")
        want = dossier_json(folder, "whole").replace("whole", "OUT")
        stops = 0
        step, at = 1, 1
        while True:
            out = f"stopped-{at}"
            first = assay("run", "resume.toml", "--out", out, folder=folder, ASSAY_TEST_STOP=how,
                          ASSAY_TEST_STOP_AT=str(at))
            if first.returncode == 0:
                break
            stops += 1
            if how == "interrupt":
                expect(first.returncode == 2, f"interrupted at look {at}: exit {first.returncode}")
                expect("--resume" in first.stderr, f"interrupted at look {at}: does not say how to go on")
            second = assay("run", "--resume", "--out", out, folder=folder)
            expect(second.returncode == 0, f"{how} at look {at}: --resume ends with {second.returncode}: {second.stderr}")
            got = dossier_json(folder, out).replace(out, "OUT")
            expect(got == want, f"{how} at look {at}: the resumed dossier differs from an unbroken one")
            shutil.rmtree(Path(folder) / out)
            # Every look at first, then ever larger steps: trials look thousands of times.
            at += step
            step = step + 1 if stops > 12 else 1
            if stops > 40:
                step = step * 2
        expect(stops >= 10, f"{how}: only {stops} stops before the run ended by itself")
        print(f"{how}: {stops} stops, each resumed to the unbroken dossier")


def a_full_disk_loses_nothing():
    """A dossier on a small file system: the run ends with a clear message, and what was committed is readable."""
    with fresh_folder() as folder:
        small = Path(folder) / "small"
        small.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)],
                          capture_output=True).returncode != 0:
            print("full disk: skipped, this user may not mount a tmpfs")
            return
        try:
            result = assay("run", "disk.toml", "--out", "small/out", folder=folder)
            expect(result.returncode == 2, f"full disk: exit {result.returncode}")
            expect(re.search("disk is full|No space left", result.stderr), f"full disk: says {result.stderr[-300:]!r}")
            expect("--resume" in result.stderr or "Free" in result.stderr, "full disk: does not say what to do")
            after = assay("report", "small/out", "--json", folder=folder)
            expect(after.returncode == 0, f"full disk: the dossier is unreadable: {after.stderr}")
            subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
            resumed = assay("run", "--resume", "--out", "small/out", folder=folder)
            expect(resumed.returncode == 0, f"full disk: --resume ends with {resumed.returncode}: {resumed.stderr[-300:]}")
            print("full disk: clear message, readable dossier, resumed")
        finally:
            subprocess.run(["umount", str(small)], check=True)


def a_report_that_cannot_be_written_hides_no_result():
    """A folder stands where the page belongs."""
    with fresh_folder() as folder:
        assay("run", "resume.toml", "--out", "whole", folder=folder)
        stopped = assay("run", "resume.toml", "--out", "pageless", folder=folder, ASSAY_TEST_STOP="interrupt", ASSAY_TEST_STOP_AT="3")
        expect(stopped.returncode == 2, f"no report: the run before ends with {stopped.returncode}")
        page = Path(folder) / "pageless" / "report.html"
        page.unlink(missing_ok=True)
        page.mkdir()
        result = assay("run", "--resume", "--out", "pageless", folder=folder)
        expect(result.returncode == 2, f"no report: exit {result.returncode}: {result.stderr[-300:]}")
        said = " ".join(result.stderr.split())
        for words in ("report.html", "All that was measured is in pageless/dossier.assay", "`assay report pageless -o FILE.html` writes"):
            expect(words in said, f"no report: does not say {words!r}: {said[-500:]!r}")
        written = assay("report", "pageless", "-o", "page.html", folder=folder)
        expect(written.returncode == 0 and (Path(folder) / "page.html").exists(), f"no report: {written.stderr[-300:]}")
        whole, pageless = (dossier_json(folder, out).replace(out, "OUT") for out in ("whole", "pageless"))
        expect(pageless == whole, "no report: the dossier differs from an unbroken one")
        print("a report that cannot be written: says where the numbers are, and how to write it")


def one_run_at_a_time_in_a_folder():
    with fresh_folder() as folder:
        assay("run", "resume.toml", "--out", "out", folder=folder, ASSAY_TEST_STOP="interrupt", ASSAY_TEST_STOP_AT="3")
        with open(Path(folder) / "out" / "dossier.assay", "rb") as dossier:
            before = dossier.read()
        directory = os.open(Path(folder) / "out", os.O_RDONLY)
        fcntl.flock(directory, fcntl.LOCK_EX)
        second = assay("run", "--resume", "--out", "out", folder=folder)
        expect(second.returncode == 2 and "another assay is at work" in second.stderr, f"locked folder: {second.stderr!r}")
        expect((Path(folder) / "out" / "dossier.assay").read_bytes() == before, "locked folder: the dossier was touched")
        os.close(directory)
        third = assay("run", "--resume", "--out", "out", folder=folder)
        expect(third.returncode == 0, f"unlocked folder: --resume ends with {third.returncode}: {third.stderr[-300:]}")
        print("a folder takes one run at a time")


def a_resumed_run_wants_its_traces_unchanged():
    """--resume works from any folder, and not with another trace: neither one to replay nor one of lengths."""
    scenarios = {
        "replayed": ('', '[load]\narrivals = "trace"\n\n[load.trace]\npath = "trace.csv"\n'),
        "drawn from": ('prompt_tokens = { trace = "trace.csv" }', ''),
    }
    for how, (lengths, load) in scenarios.items():
        with fresh_folder() as folder:
            trace = Path(folder) / "trace.csv"
            rows = [f"2023-11-16 18:15:{10 + i}.0000000,{100 + i},4" for i in range(30)]
            trace.write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *rows]) + "\n")
            text = (Path(folder) / "resume.toml").read_text()
            if lengths:
                text = text.replace("prompt_tokens = 300", lengths)
            if load:
                text = text[:text.index("[load]")] + load
            (Path(folder) / "resume.toml").write_text(text)
            out = str(Path(folder) / "out")
            stopped = assay("run", "resume.toml", "--out", out, folder=folder, ASSAY_TEST_STOP="interrupt",
                            ASSAY_TEST_STOP_AT="30")
            expect(stopped.returncode == 2, f"trace {how}: exit {stopped.returncode}: {stopped.stderr[-300:]}")
            elsewhere = Path(folder) / "elsewhere"
            elsewhere.mkdir()
            original = trace.read_text()
            trace.write_text(original.replace(",104,", ",105,"))
            changed = assay("run", "--resume", "--out", out, folder=elsewhere)
            expect(changed.returncode == 2, f"changed trace {how}: exit {changed.returncode}")
            expect(f"{trace}: the trace has changed" in changed.stderr, f"changed trace {how}: says {changed.stderr!r}")
            trace.write_text(original)
            resumed = assay("run", "--resume", "--out", out, folder=elsewhere)
            expect(resumed.returncode in (0, 1), f"trace {how}: --resume ends with {resumed.returncode}: {resumed.stderr}")
            print(f"a trace that is {how}: resumed from another folder, refused when it has changed")


def a_server_that_came_up_late_is_tried_again():
    """Of two servers one is there from the beginning: what it has shown is kept as it is."""
    emulated = ("--ttft-ms", "1", "--gap-ms", "1")
    with fresh_folder() as name, socket.create_server(("127.0.0.1", 0)) as taken:
        folder = Path(name)
        port = taken.getsockname()[1]
        taken.close()

        def provenance():
            return json.loads(assay("report", "late", "--json", folder=folder).stdout)

        with emulator(folder, *emulated) as early:
            targets = "".join(f'[[target]]\nname = "{name}"\nkind = "endpoint"\nurl = "{url}"\n'
                              for name, url in (("early", early), ("late", f"http://127.0.0.1:{port}/v1")))
            (folder / "late.toml").write_text(f"""
exams = ["load"]
{targets}
[[traffic]]
name = "chat"
prompt_tokens = 10
output_tokens = 3
[load]
rate_per_s = 100
requests_per_class = 20
""")
            first = assay("run", "late.toml", "--out", "late", folder=folder, clock="real")
        expect(first.returncode == 1, f"a server that nobody started: exit {first.returncode}: {first.stderr[-300:]}")
        expect("assay run --resume --out late" in first.stdout, f"does not say how to go on: {first.stdout[-500:]}")
        before = provenance()
        expect(before["answers"][0]["answer"] == "not examined", f"the first answer is {before['answers'][0]}")
        again = assay("run", "late.toml", "--out", "late", folder=folder, clock="real")
        expect("assay run --resume --out late" in again.stderr, f"the same again: {again.stderr}")
        # The one that was there is gone: nobody asks for it.
        with emulator(folder, *emulated, port=port):
            resumed = assay("run", "--resume", "--out", "late", folder=folder, clock="real")
        expect("1 of 2 trials done" in resumed.stderr, f"--resume says {resumed.stderr[-500:]}")
        expect("--resume" not in resumed.stdout, f"there is something left to try: {resumed.stdout[-500:]}")
        after = provenance()
        expect(after["answers"][0]["answer"] == "yes", f"the first answer is {after['answers'][0]}")
        codes = [finding["code"] for finding in after["findings"]]
        expect("load.not-reached" not in codes, f"findings of before are left: {codes}")

        def kept(report):
            parts = report["provenance"]
            return [part for part in parts["trials"] if part["target"] == "early"], [
                record for record in parts["records"] if record["trial"] == 1]
        expect(kept(after) == kept(before) and kept(before)[1], "the trial that was done is another now")
        print("a server that came up late: tried again, and the other's trial kept")


def main():
    resumed_runs_are_unbroken_ones("kill")
    resumed_runs_are_unbroken_ones("interrupt")
    a_full_disk_loses_nothing()
    a_report_that_cannot_be_written_hides_no_result()
    one_run_at_a_time_in_a_folder()
    a_resumed_run_wants_its_traces_unchanged()
    a_server_that_came_up_late_is_tried_again()
    print(f"{len(FAULTS)} faults")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main())
