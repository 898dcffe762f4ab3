"""Command lines against approved output. A case is one text file: lines that begin with "# " say what it is about; each line that begins with "$ " is a command, run in a
fresh folder of the case by a shell in which `assay` is the program under test; what follows it is what it must say:
stdout, then "--- stderr" and stderr if there is any, then "--- exit N" if N is not 0. Run with APPROVE=1 to write down what
the program says now; read the difference before committing it."""

import difflib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

CASES = Path(__file__).parent / "cases"
FILES = Path(__file__).parent / "files"


def run_case(case, environment):
    out = []
    with tempfile.TemporaryDirectory(prefix="assay-cli-") as folder:
        shutil.copytree(FILES, folder, dirs_exist_ok=True)
        for line in case.read_text().splitlines():
            if line.startswith("# ") and not any(said.startswith("$ ") for said in out):
                out.append(line)  # what the case is about; further down "# " is output
            if not line.startswith("$ "):
                continue
            result = subprocess.run(["bash", "-c", line[2:]], cwd=folder, env=environment, capture_output=True, text=True,
                                    timeout=60, stdin=subprocess.DEVNULL)
            out.append(line)
            out += text_of(result, folder)
    return "\n".join(out) + "\n"


def text_of(result, folder):
    lines = result.stdout.rstrip("\n").splitlines()
    if result.stderr:
        lines += ["--- stderr"] + result.stderr.rstrip("\n").splitlines()
    if result.returncode != 0:
        lines.append(f"--- exit {result.returncode}")
    return [stable(line.replace(folder, "FOLDER")) for line in lines]


def stable(line):
    """What differs from run to run by its nature: the id of a dossier."""
    return re.sub(r"dossier `?[0-9a-f]{4,32}`?", "dossier ID", line)


def check(environment):
    faults = 0
    cases = sorted(CASES.glob("*.txt"))
    assert cases, f"no cases in {CASES}"
    for case in cases:
        got = run_case(case, environment)
        if os.environ.get("APPROVE"):
            case.write_text(got)
            continue
        want = case.read_text()
        if got == want:
            continue
        faults += 1
        diff = difflib.unified_diff(want.splitlines(), got.splitlines(), f"approved {case.name}", "now", lineterm="")
        print("\n".join(diff))
    print(f"{len(cases)} cases, {faults} differ")
    return faults
