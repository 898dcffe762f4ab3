"""The documentation against the program: reference pages are what the program writes, examples in the README and in docs/
that run on the fake target run, links lead somewhere, and the manual page and the completion script are well-formed."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(os.environ["ASSAY_SOURCE"])
ASSAY = os.environ["ASSAY"]
REFERENCES = {"commands": "docs/commands.md", "metrics": "docs/metrics.md", "scenario": "docs/scenario.md",
              "chips": "docs/chips.md"}


def reference_faults():
    for topic, name in REFERENCES.items():
        written = subprocess.run([ASSAY, "help", "--reference", topic], capture_output=True, text=True, check=True).stdout
        path = SOURCE / name
        if os.environ.get("APPROVE"):
            path.write_text(written)
        elif not path.exists() or path.read_text() != written:
            yield f"{name} is not what `assay help --reference {topic}` writes: run tests with APPROVE=1"


def pages():
    return [SOURCE / "README.md", SOURCE / "CONTRIBUTING.md", *sorted((SOURCE / "docs").rglob("*.md"))]


def link_faults():
    for page in pages():
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" in target:
                continue
            if not (page.parent / target).exists():
                yield f"{page.relative_to(SOURCE)}: link to {target} leads nowhere"


def example_faults():
    """A block fenced as ```sh run``` is run line by line in a fresh folder; every line must end with 0, or be void for lateness."""
    ran = 0
    for page in pages():
        for block in re.findall(r"```sh run\n(.*?)```", page.read_text(), re.S):
            with tempfile.TemporaryDirectory(prefix="assay-docs-") as folder:
                os.symlink(SOURCE / "examples", Path(folder) / "examples")
                environment = dict(os.environ, PATH=f"{Path(ASSAY).parent}:{os.environ['PATH']}")
                for line in block.strip().splitlines():
                    result = subprocess.run(["bash", "-c", line], cwd=folder, env=environment, capture_output=True,
                                            text=True, timeout=120, stdin=subprocess.DEVNULL)
                    ran += 1
                    # Other work on this machine makes a trial void, and says so: no fault of the documentation.
                    is_void = result.returncode == 1 and "The load generator was late" in result.stdout + result.stderr
                    if result.returncode != 0 and not is_void:
                        yield f"{page.relative_to(SOURCE)}: `{line}` ends with {result.returncode}: {result.stderr[-400:]}"
    if ran == 0:
        yield "no runnable example was found in the documentation"


def generated_faults():
    man = subprocess.run([ASSAY, "help", "--man"], capture_output=True, text=True, check=True).stdout
    if not man.startswith(".TH ASSAY 1"):
        yield "the manual page does not begin with .TH"
    completion = subprocess.run([ASSAY, "help", "--bash-completion"], capture_output=True, text=True, check=True).stdout
    script = completion + """
COMP_WORDS=(assay re); COMP_CWORD=1; _assay; echo "${COMPREPLY[@]}"
COMP_WORDS=(assay run --qu); COMP_CWORD=2; _assay; echo "${COMPREPLY[@]}"
"""
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    if result.stdout.split() != ["report", "--quick"]:
        yield f"completion gives {result.stdout!r} {result.stderr!r}"


def main():
    faults = [*reference_faults(), *link_faults(), *example_faults(), *generated_faults()]
    for fault in faults:
        print(fault)
    print(f"{len(pages())} pages, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
