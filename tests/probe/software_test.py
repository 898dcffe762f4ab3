"""What `assay probe` says of the software of simulated hosts, against approved output (APPROVE=1 writes it down), and what vendors'
programs may do when they are run: sleep for ever, crash, write without end, leave children behind, claim nonsense."""

import difflib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import stacks

ASSAY = os.environ["ASSAY_FAKE"]
APPROVED = Path(__file__).parent / "approved"
SECTIONS = ("Software stacks", "Run-time libraries", "Tools", "Tooling by capability", "Python", "Containers and Kubernetes")
# Findings of the hardware have tests of their own.
CODES = ("probe.clone", "probe.library", "probe.tool", "probe.python", "probe.no-runtime", "probe.stack", "probe.file")


def run(arguments, environment=None):
    begin = time.monotonic()
    done = subprocess.run([ASSAY, "probe", *arguments], capture_output=True, text=True, timeout=60,
                          env={"PATH": "/usr/bin:/bin", "ASSAY_TEST_CLOCK": "fake", "ASSAY_SYSFS": "/nonexistent", **(environment or {})})
    assert done.returncode == 0, done.stderr
    return done.stdout, time.monotonic() - begin


def software(text):
    """The sections of the software, whole."""
    return "".join(part + "\n\n" for part in text.rstrip("\n").split("\n\n") if part.split("\n")[0] in SECTIONS)


def findings(host):
    found = [f for f in host["probe_findings"] if f["code"].startswith(CODES)]
    return "".join(f"{f['severity']} {f['code']}: {f['text']}\n" for f in found)


def approved(name, text):
    place = APPROVED / f"{name}.txt"
    if os.environ.get("APPROVE"):
        APPROVED.mkdir(exist_ok=True)
        place.write_text(text)
    wanted = place.read_text() if place.exists() else ""
    if wanted == text:
        return 0
    sys.stdout.writelines(difflib.unified_diff(wanted.splitlines(True), text.splitlines(True), f"approved/{name}", "now"))
    return 1


def check_members(name, host):
    """Of every host: what may never be said, whatever stands there."""
    for vendor in host["tooling"]:
        assert [row["capability"] for row in vendor["capabilities"]] == [
            "compiler", "profiler", "debugger", "management library", "collectives", "container run-time", "Kubernetes plug-in"], name
        for row in vendor["capabilities"]:
            assert row["state"] in ("present", "not here", "unknown"), (name, row)  # nobody is known to lack anything
            if row["state"] == "not here":
                assert row["source"] and row["date"] and row["what"], (name, row)
            if row["state"] == "unknown":
                assert "what" not in row, (name, row)
    for runtime in host["runtimes"]:
        assert runtime.get("clone_of_profile") != runtime.get("profile") or "profile" not in runtime, runtime
        assert all(value not in ("", 0, None) for value in runtime.values()), runtime


def simulated_hosts(folder):
    failed = 0
    for name in [*stacks.STACKS, "mixed"]:
        root = folder / name
        stacks.write(name, root)
        text, _ = run(["--root", str(root)])
        assert all(len(line) <= 80 for line in software(text).splitlines()), name
        host = json.loads(run(["--root", str(root), "--json"])[0])
        check_members(name, host)
        failed += approved(f"software-{name}", software(text) + "Findings\n" + findings(host))
    return failed


def bare_host(folder):
    """A card and nothing else: everything is not here or unknown, and nothing is lacking."""
    root = folder / "bare"
    stacks.hosts.write("nvidia", root)
    host = json.loads(run(["--root", str(root), "--json"])[0])
    assert host["runtimes"] == [] and host["tools"] == [], host["runtimes"]
    states = {row["state"] for vendor in host["tooling"] for row in vendor["capabilities"]}
    assert states == {"not here"}, states
    assert any(f["code"] == "probe.no-runtime" for f in host["probe_findings"])


def program(folder, name, text):
    place = folder / name
    place.write_text(text)
    place.chmod(0o755)


def vendor_code(folder):
    """Tools that misbehave: each is a finding, and none holds up the others."""
    tools = folder / "tools"
    tools.mkdir()
    program(tools, "nvidia-smi", "#!/bin/sh\necho 'NVIDIA-SMI version : 550.54.15'\n")
    program(tools, "ixsmi", "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 100; done\n")
    program(tools, "mx-smi", "#!/bin/sh\nkill -SEGV $$\n")
    program(tools, "npu-smi", "#!/bin/sh\nwhile :; do echo y; done\n")
    program(tools, "cnmon", "#!/bin/sh\nsetsid sleep 5 &\necho 'CNMON v5.10.22'\n")
    program(tools, "hy-smi", "#!/bin/sh\nprintf '\\033[31m\\377 version 1.2.3\\n'\n")
    program(tools, "brsmi", "not a program")
    quiet = json.loads(run(["--json"], {"PATH": f"{tools}:/usr/bin:/bin"})[0])
    assert {tool["name"] for tool in quiet["tools"]} >= {"nvidia-smi", "ixsmi", "cnmon"}
    assert all("version" not in tool for tool in quiet["tools"]), "nothing is run unasked"
    text, took_s = run(["--run-vendor-code", "--json"], {"PATH": f"{tools}:/usr/bin:/bin"})
    host = json.loads(text)
    version_of = {tool["name"]: tool.get("version") for tool in host["tools"]}
    assert version_of["nvidia-smi"] == "550.54.15", version_of
    assert version_of["cnmon"] == "5.10.22" and version_of["hy-smi"] == "1.2.3", version_of
    told = {Path(f["evidence"]["path"]).name: f["text"] for f in host["probe_findings"] if f["code"] == "probe.tool-failed"}
    assert set(told) >= {"ixsmi", "mx-smi", "npu-smi", "brsmi"} and "nvidia-smi" not in told, told
    assert "within its time" in told["ixsmi"] and "signal 11" in told["mx-smi"] and "without end" in told["npu-smi"], told
    assert took_s < 20, took_s  # 3 s on a machine at rest; docs/probe.md has the figures


def python_frameworks(folder):
    """An environment whose python answers for torch and hangs for ONNX Runtime."""
    root = folder / "venv"
    site = root / "lib/python3.11/site-packages"
    for name, version in (("torch", "2.4.1+corex.4.2.0"), ("onnxruntime", "1.19.2")):
        (site / f"{name}-{version}.dist-info").mkdir(parents=True)
        (site / f"{name}-{version}.dist-info/METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
    (root / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.2\n")
    (root / "bin").mkdir()
    program(root / "bin", "python3", """#!/bin/sh
if [ "$3" != torch ]; then sleep 100; fi
echo "libcuda warning"
echo 'assay-devices {"framework": "torch", "device": "cuda", "count": 4, "name": "Iluvatar BI-V150"}'
""")
    host = json.loads(run(["--run-vendor-code", "--json", "--python", str(root / "bin/python3")])[0])
    (environment,) = host["python"]
    assert environment["version"] == "3.11.2" and environment["packages"][1]["profile"] == "iluvatar", environment
    assert environment["devices"] == [{"framework": "torch", "device": "cuda", "count": 4, "name": "Iluvatar BI-V150"}], environment
    assert "onnxruntime did not answer within its time" in environment["error"], environment
    quiet = json.loads(run(["--json", "--python", str(root)])[0])["python"]
    assert len(quiet) == 1 and "devices" not in quiet[0], quiet
    done = subprocess.run([ASSAY, "probe", "--root", "/", "--python", "python3"], capture_output=True, text=True)
    assert done.returncode == 2 and "no absolute path" in done.stderr, done.stderr


def main():
    with tempfile.TemporaryDirectory(prefix="assay-software-") as name:
        folder = Path(name)
        failed = simulated_hosts(folder)
        bare_host(folder)
        vendor_code(folder)
        python_frameworks(folder)
    print("APPROVED" if os.environ.get("APPROVE") else f"{failed} hosts differ from what was approved")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
