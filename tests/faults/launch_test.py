"""Servers that assay launches: kept between the trials of a target, started again when they die, and gone with everything
that they started, however a run ends. `assay emulate` is the server."""

import json
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ASSAY = os.environ["ASSAY"]
FAULTS = []
SECRET = "hunter2-is-long-enough"


def expect(condition, text):
    if not condition:
        FAULTS.append(text)
        print("FAULT:", text)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def somebody_listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def assay(*arguments, folder, timeout=120, **variables):
    return subprocess.run([ASSAY, *arguments], cwd=folder, env=dict(os.environ, HOME=str(folder), **variables),
                          capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)


def ended_well(result):
    """A load that a busy machine made void has ended, too."""
    return result.returncode == 0 or (result.returncode == 1 and " void" in result.stderr)


def report(folder, out):
    result = assay("report", out, "--json", folder=folder)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def codes(report_json):
    return [finding["code"] for finding in report_json["findings"]]


def records(report_json, metric):
    return [record for record in report_json["provenance"]["records"] if record["metric"] == metric]


def emulate(port, *more):
    return [ASSAY, "emulate", "--port", str(port), "--ttft-ms", "2", "--gap-ms", "1", *more]


def scenario(port, launch, classes=("a",), stack=""):
    text = 'exams = ["load"]\n[load]\nrate_per_s = 200\nrequests_per_class = 16\nmax_duration_s = 20\ndispatch_lag_budget_ms = 60000\n'
    text += f'[[target]]\nname = "server"\nkind = "endpoint"\nurl = "http://127.0.0.1:{port}/v1"\n'
    text += f"[target.stack]\nengine = 'emulator'\nlaunch = {json.dumps(launch)}\n{stack}\n"
    for name in classes:
        text += f'[[traffic]]\nname = "{name}"\nprompt_tokens = 10\noutput_tokens = 4\n'
    return text


def run(folder, text, **more):
    (Path(folder) / "s.toml").write_text(text)
    return assay("run", "s.toml", "--out", "out", folder=folder, **more)


def one_start_serves_all_trials_of_a_target():
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        result = run(folder, scenario(port, emulate(port), classes=("a", "b"), stack="version = '1'"))
        expect(result.returncode == 0, f"one start: exit {result.returncode}: {result.stderr[-500:]}")
        expect("stack: emulator 1" in result.stdout, f"one start: the summary does not name the stack:\n{result.stdout}")
        got = report(folder, "out")
        expect(len(got["provenance"]["trials"]) == 3, "one start: there are not three trials")
        starts = records(got, "cold_start_s") + records(got, "cold_start_first_token_s")
        expect([r["trial"] for r in starts] == [1, 1], f"one start: cold starts {starts}")
        expect(starts[0]["value"] < starts[1]["value"] < 60, f"one start: {[r['value'] for r in starts]}")
        bare = [r for r in got["provenance"]["records"] if r["conditions"].get("stack_engine") != "emulator"]
        expect(not bare, f"one start: records without their stack: {bare[:1]}")
        expect(not [c for c in codes(got) if c.startswith("stack.")], f"one start: {codes(got)}")
        expect(not somebody_listens(port), "one start: the server is still there")


def from_the_command_line():
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        result = assay("load", f"127.0.0.1:{port}", "--num-prompts", "16", "--request-rate", "200", "--input-len", "8",
                       "--output-len", "4", "--out", "out", "--stack", "engine=emulator,notes=one, two", "--", *emulate(port),
                       folder=folder)
        expect(ended_well(result), f"load --: exit {result.returncode}: {result.stderr[-500:]}")
        for part in ("stack: emulator, `", "cold start"):
            expect(part in result.stdout, f"load --: no {part!r} in\n{result.stdout}")
        (Path(folder) / "again").mkdir()
        again = assay("run", "../out/scenario.toml", "--out", "out", folder=Path(folder) / "again")
        expect(ended_well(again), f"load --: the scenario that it wrote ends with {again.returncode}: {again.stderr[-500:]}")


def undeclared_is_said():
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        ready = Path(folder) / "ready"
        with subprocess.Popen(emulate(port, "--ready-file", str(ready)), cwd=folder, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as server:
            while not ready.exists():
                assert server.poll() is None, "the emulator did not start"
            occupied = assay("load", f"127.0.0.1:{port}", "--out", "other", "--", "sh", "-c", "touch launched", folder=folder)
            expect(occupied.returncode == 2 and "something listens on 127.0.0.1" in occupied.stdout.replace("\n  ", " "),
                   f"occupied: exit {occupied.returncode}:\n{occupied.stdout}")
            expect(not (Path(folder) / "launched").exists(), "occupied: it was launched all the same")
            result = assay("load", f"127.0.0.1:{port}", "--num-prompts", "16", "--request-rate", "200", "--input-len", "8",
                           "--output-len", "4", "--out", "out", folder=folder)
            server.terminate()
        expect("stack undeclared" in result.stdout, f"undeclared: not in\n{result.stdout}")
        expect("stack.undeclared" in codes(report(folder, "out")), "undeclared: no finding")
        assay("report", "out", "-o", "r.md", folder=folder)
        expect("stack undeclared" in (Path(folder) / "r.md").read_text(), "undeclared: not in the Markdown")
        expect("stack undeclared" in (Path(folder) / "out" / "report.html").read_text(), "undeclared: not on the page")


# A server that tells its version, and dies of its N-th request; or, given a fifo, says there that it has come, and hangs.
MORTAL = """
import http.server, os, sys, threading
port, deadly = int(sys.argv[1]), int(sys.argv[2])
posts = 0
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, text, status=200):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
    def do_GET(self):
        known = {"/v1/models": '{"data":[{"id":"m","owned_by":"vllm"}]}', "/version": '{"version":"0.11.0+cpu"}'}
        self.answer(known.get(self.path, "not here"), 200 if self.path in known else 404)
    def do_POST(self):
        global posts
        posts += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        if posts == deadly and len(sys.argv) > 3:
            self.server.fifo = open(sys.argv[3], "wb", buffering=0)
            self.server.fifo.write(b"up\\n")
            threading.Event().wait()
        if posts == deadly:
            print("out of memory with", os.environ["MY_TOKEN"], file=sys.stderr, flush=True)
            os._exit(9)
        self.answer('{"choices":[{"message":{"content":"a b c d"}}],"usage":{"prompt_tokens":10,"completion_tokens":4}}')
    def log_message(self, *arguments):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def mortal(port, deadly):
    return [sys.executable, "-c", MORTAL, str(port), str(deadly)]


def an_interrupted_load_leaves_nothing():
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        witness = Witness(folder)
        (Path(folder) / "s.toml").write_text(scenario(port, mortal(port, 10) + [str(witness.path)]))
        with subprocess.Popen([ASSAY, "run", "s.toml", "--out", "out"], cwd=folder, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) as process:
            witness.wait_for_start()
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
        expect(process.returncode == 2 and "--resume" in said, f"interrupted load: exit {process.returncode}: {said}")
        expect(witness.all_are_gone() and not somebody_listens(port), "interrupted load: something is left")


def one_that_dies_is_evidence_and_starts_again():
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        text = scenario(port, mortal(port, 10), classes=("a", "b"), stack="env = { MY_TOKEN = true }")
        result = run(folder, text, MY_TOKEN=SECRET)
        expect(result.returncode == 1, f"dies: exit {result.returncode}: {result.stderr[-500:]}")
        got = report(folder, "out")
        deaths = [f for f in got["findings"] if f["code"] == "stack.server-died"]
        expect([f["trial"] for f in deaths] == [1, 2, 3], f"dies: {codes(got)}")
        for finding in deaths:
            expect("exit code 9" in finding["text"] and "out of memory with ***" in finding["text"], f"dies: {finding['text']}")
        expect([r["trial"] for r in records(got, "cold_start_s")] == [1, 2, 3], "dies: not started for each trial")
        everything = b"".join(p.read_bytes() for p in (Path(folder) / "out").iterdir() if p.is_file())
        expect(SECRET.encode() not in everything, "dies: the secret was stored")


def what_the_server_says_stands_beside_what_is_declared():
    for version, contradicts in (("v0.11.0", False), ("0.10.2", True)):
        with tempfile.TemporaryDirectory() as folder:
            port = free_port()
            text = scenario(port, mortal(port, 0), stack=f"version = '{version}'").replace("'emulator'", "'vLLM'")
            result = run(folder, text, MY_TOKEN="")
            expect(result.returncode == 0, f"{version}: exit {result.returncode}: {result.stderr[-500:]}")
            got = report(folder, "out")
            expect(("stack.contradiction" in codes(got)) == contradicts, f"{version}: {codes(got)}")
            told = {(r["conditions"].get("server_engine"), r["conditions"].get("server_version")) for r in got["provenance"]["records"]}
            expect(told == {("vllm", "0.11.0+cpu")}, f"{version}: {told}")
            page = (Path(folder) / "out" / "report.html").read_text()
            expect(f"<td>version</td><td>{version}</td><td>0.11.0+cpu</td>" in page, f"{version}: not side by side on the page")


def what_cannot_be_launched_says_why():
    cases = {
        "dies at start": ("echo no such model >&2; exit 3", "", ["exit code 3", "no such model"]),
        "is never ready": ("echo waiting; sleep 1000", "ready_timeout_s = 0.3\nstop_timeout_s = 1", ["not ready within 300 ms", "waiting"]),
    }
    for name, (script, stack, parts) in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            result = run(folder, scenario(free_port(), ["sh", "-c", script], stack=stack))
            expect(result.returncode == 1, f"{name}: exit {result.returncode}")
            findings = [f for f in report(folder, "out")["findings"] if f["code"] == "stack.launch-failed"]
            expect(len(findings) == 1, f"{name}: {findings}")
            for part in parts:
                expect(findings and part in findings[0]["text"], f"{name}: no {part!r} in {findings}")


def what_is_not_there_could_not_be_run():
    with tempfile.TemporaryDirectory() as folder:
        result = assay("load", f"127.0.0.1:{free_port()}", "--out", "out", "--", "/nonexistent/server", folder=folder)
        expect(result.returncode == 2, f"no such program: exit {result.returncode}:\n{result.stdout}{result.stderr}")
        codes = [f["code"] for f in report(folder, "out")["findings"]]
        expect("exam.failed" in codes, f"no such program: {codes}")


class Witness:
    """A fifo that every process of a launched server holds open: read() returns nothing once all are gone."""

    def __init__(self, folder):
        self.path = Path(folder) / "witness"
        os.mkfifo(self.path)

    def script(self, then):
        return ["sh", "-c", f"exec 9> {self.path}; trap '' TERM; sleep 1000 & echo up >&9; {then}"]

    def wait_for_start(self):
        self.file = open(self.path, "rb", buffering=0)
        expect(self.file.read(3) == b"up\n", "the launched server did not start")

    def all_are_gone(self):
        ended, _, _ = select.select([self.file], [], [], 30)
        gone = bool(ended) and self.file.read(1) == b""
        self.file.close()
        return gone


def one_that_ignores_sigterm_is_killed_with_its_group():
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        witness = Witness(folder)
        text = scenario(port, witness.script(shlex.join(emulate(port)) + "; while :; do sleep 1000; done"),
                        stack="stop_timeout_s = 0.2")
        (Path(folder) / "s.toml").write_text(text)
        with subprocess.Popen([ASSAY, "run", "s.toml", "--out", "out"], cwd=folder, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            witness.wait_for_start()
            expect(process.wait(timeout=60) == 0, f"ignores SIGTERM: exit {process.returncode}")
        expect(witness.all_are_gone(), "ignores SIGTERM: something is left")
        expect("stack.killed" in codes(report(folder, "out")), "ignores SIGTERM: no finding")


def nothing_is_left(how):
    """`how`: SIGINT once, SIGINT twice, or SIGKILL while the server is being waited for."""
    with tempfile.TemporaryDirectory() as folder:
        witness = Witness(folder)
        stop = "stop_timeout_s = 0.2" if how == "interrupt" else "stop_timeout_s = 600"
        (Path(folder) / "s.toml").write_text(scenario(free_port(), witness.script("while :; do sleep 1000; done"), stack=stop))
        with subprocess.Popen([ASSAY, "run", "s.toml", "--out", "out"], cwd=folder, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) as process:
            witness.wait_for_start()
            if how == "kill":
                process.kill()
            else:
                process.send_signal(signal.SIGINT)
            # The second one comes while the first still waits for the server's end, which takes ten minutes.
            while how == "interrupt twice" and process.poll() is None:
                process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
        expect(witness.all_are_gone(), f"{how}: something is left")
        expect(process.returncode == (-signal.SIGKILL if how == "kill" else 2), f"{how}: exit {process.returncode}: {said}")
        if how == "interrupt":
            expect("--resume" in said, f"{how}: does not say how to go on: {said}")


one_start_serves_all_trials_of_a_target()
from_the_command_line()
undeclared_is_said()
one_that_dies_is_evidence_and_starts_again()
what_the_server_says_stands_beside_what_is_declared()
what_cannot_be_launched_says_why()
what_is_not_there_could_not_be_run()
one_that_ignores_sigterm_is_killed_with_its_group()
an_interrupted_load_leaves_nothing()
for way in ("interrupt", "interrupt twice", "kill"):
    nothing_is_left(way)
print(f"launched servers: {len(FAULTS)} faults")
sys.exit(1 if FAULTS else 0)
