#!/usr/bin/env python3
"""Installs the PyTorch that the kits are tried with for real into .deps/kits, without CUDA's libraries (2 GB of disk), and prints
the path of its Python. `install.py --lock` writes requirements.txt anew from requirements.in."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, f"{SOURCE}/scripts")
from python_environment import Failed, is_current, lock, make_environment, python_of  # noqa: E402

PLACE = f"{SOURCE}/.deps/kits"
REQUIREMENTS = f"{HERE}/requirements.txt"
PYTHON = ("3.11",)


def main():
    try:
        if sys.argv[1:] == ["--lock"]:
            lock(python_of("PyTorch", PYTHON), [(f"{HERE}/requirements.in", [])], REQUIREMENTS, "tests/kits/install.py --lock")
        elif not is_current(PLACE, REQUIREMENTS):
            print("install: PyTorch for the kits", file=sys.stderr, flush=True)
            make_environment(python_of("PyTorch", PYTHON), PLACE, REQUIREMENTS)
    except Failed as error:
        print(f"install: {error}", file=sys.stderr)
        return 1
    print(f"{PLACE}/bin/python")
    return 0


if __name__ == "__main__":
    sys.exit(main())
