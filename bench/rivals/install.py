#!/usr/bin/env python3
"""Installs the rivals for compare.py, each into an environment of its own below .deps/rivals: `install.py [NAME…]`.

What is installed stands in requirements/NAME.txt, every file with its SHA-256, for the Python that the tool's row names. An
environment is marked when complete. GuideLLM and vLLM share one, since both bring PyTorch; CUDA's libraries and the packages of
vLLM's engine on GPUs are left out, which their clients do not call. All of it takes 6 GB of disk.

`install.py --lock NAME…` writes the requirement files anew from requirements/NAME.in: what to do after a version was changed.
"""
import argparse
import hashlib
import os
import sys

from tools import TOOLS

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, f"{SOURCE}/scripts")
from python_environment import Failed, is_current, lock, make_environment, python_of, run  # noqa: E402

HOME = f"{SOURCE}/.deps/rivals"
TOKENIZER_NAME = "local/tok"
SNAPSHOT = "0" * 40
# Where transformers looks for a tokenizer of that name: some tools take a name only, others a folder only.
TOKENIZER = f"hf/hub/models--local--tok/snapshots/{SNAPSHOT}"


def requirements_of(tool):
    return f"{HERE}/requirements/{tool.shelf}.txt"


def python_for(tool):
    return python_of(f"{tool.name} {tool.version}", tool.python)


def lock_tool(tool):
    """Writes requirements/NAME.txt anew from NAME.in, and from NAME.nodeps.in without what that would need."""
    lock(python_for(tool), [(f"{HERE}/requirements/{tool.shelf}.in", []), (f"{HERE}/requirements/{tool.shelf}.nodeps.in", ["--no-deps"])],
         requirements_of(tool), f"install.py --lock {tool.name}")


def make_tokenizer():
    """A small byte-pair tokenizer, trained on this repository's own documents: nothing is fetched for it."""
    folder = f"{HOME}/{TOKENIZER}"
    with open(f"{HERE}/make_tokenizer.py", "rb") as file:
        recipe = hashlib.sha256(file.read()).hexdigest()
    if os.path.exists(f"{folder}/{recipe}"):
        return
    python = next((path for path in (f"{HOME}/{tool.shelf}/bin/python" for tool in TOOLS) if os.path.exists(path)), None)
    if python is None:
        raise Failed("no rival is installed: there is no library to make a tokenizer with")
    os.makedirs(folder, exist_ok=True)
    os.makedirs(f"{HOME}/hf/hub/models--local--tok/refs", exist_ok=True)
    with open(f"{HOME}/hf/hub/models--local--tok/refs/main", "w", encoding="utf-8") as file:
        file.write(SNAPSHOT)
    run([python, f"{HERE}/make_tokenizer.py", f"{SOURCE}/docs", folder])
    with open(f"{folder}/{recipe}", "w", encoding="utf-8"):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    rivals = {tool.name: tool for tool in TOOLS if tool.package}
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *rivals], help=", ".join(rivals))
    parser.add_argument("--lock", action="store_true")
    options = parser.parse_args()
    failed = False
    for name in options.names or rivals:
        try:
            if options.lock:
                lock_tool(rivals[name])
            elif not is_current(f"{HOME}/{rivals[name].shelf}", requirements_of(rivals[name])):
                print(f"install: {name} {rivals[name].version}", file=sys.stderr, flush=True)
                make_environment(python_for(rivals[name]), f"{HOME}/{rivals[name].shelf}", requirements_of(rivals[name]))
        except Failed as error:
            failed = True
            print(f"install: {error}", file=sys.stderr)
    if not options.lock:
        try:
            make_tokenizer()
        except Failed as error:
            failed = True
            print(f"install: {error}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
