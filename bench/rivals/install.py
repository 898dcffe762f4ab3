#!/usr/bin/env python3
"""Installs the rivals for compare.py, each into an environment of its own below .deps/rivals: `install.py [NAME…]`.

What is installed stands in requirements/NAME.txt, every file with its SHA-256, for the Python that the tool's row names. An
environment is marked when complete. GuideLLM and vLLM share one, since both bring PyTorch; CUDA's libraries and the packages of
vLLM's engine on GPUs are left out, which their clients do not call. All of it takes 6 GB of disk.

`install.py --lock NAME…` writes the requirement files anew from requirements/NAME.in: what to do after a version was changed.
"""
import argparse
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from tools import TOOLS

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
HOME = f"{SOURCE}/.deps/rivals"
TOKENIZER_NAME = "local/tok"
SNAPSHOT = "0" * 40
# Where transformers looks for a tokenizer of that name: some tools take a name only, others a folder only.
TOKENIZER = f"hf/hub/models--local--tok/snapshots/{SNAPSHOT}"


class Failed(Exception):
    """Told without a traceback."""


def python_of(tool):
    """The first Python of the tool's row that is here and can make environments."""
    for version in tool.python:
        for path in (f"python{version}", "python3", *pyenv_versions(version)):
            found = shutil.which(path)
            if not found:
                continue
            told = subprocess.run([found, "-c", "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"],
                                  capture_output=True, text=True, check=False)
            if told.stdout.strip() == version:
                return found
    raise Failed(f"{tool.name} {tool.version} needs Python {' or '.join(tool.python)} with venv, and none is in PATH")


def pyenv_versions(version):
    """Those that pyenv has and does not put into PATH."""
    if not shutil.which("pyenv"):
        return []
    root = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=False).stdout.strip()
    return sorted(glob.glob(f"{root}/versions/{version}*/bin/python{version}"))


def run(command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)} failed with {done.returncode}:\n{done.stdout[-2000:]}")
    return done.stdout


# 3 GB that PyTorch is linked with and no client of an endpoint calls; but the run-time library, which says that there is no GPU.
CUDA_PACKAGES = re.compile(r"nvidia-(?!cuda-runtime)|cuda-|triton")
PIP = ["-m", "pip", "--disable-pip-version-check", "--no-input"]


def stamp_of(tool):
    with open(f"{HERE}/requirements/{tool.shelf}.txt", "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def is_current(tool):
    try:
        with open(f"{HOME}/{tool.shelf}/.stamp", encoding="utf-8") as file:
            return file.read() == stamp_of(tool)
    except FileNotFoundError:
        return False


def install(tool):
    """An environment holds its own path, so it is made in its place and marked when complete."""
    python, place = python_of(tool), f"{HOME}/{tool.shelf}"
    shutil.rmtree(place, ignore_errors=True)
    run([python, "-m", "venv", place])
    # Every package that is needed stands in the file: nothing is resolved.
    run([f"{place}/bin/python", *PIP, "install", "--no-deps", "--only-binary=:all:", "--require-hashes", "-r",
         f"{HERE}/requirements/{tool.shelf}.txt"])
    stand_in_for_cuda(place)
    with open(f"{place}/.stamp", "w", encoding="utf-8") as file:
        file.write(stamp_of(tool))


def stand_in_for_cuda(place):
    """Gives PyTorch a library of traps for each of CUDA's that was left out: it is linked with them and would not load."""
    for folder in glob.glob(f"{place}/lib/python3*/site-packages/torch/lib"):
        there = {os.path.basename(path) for path in glob.glob(f"{folder}/../../nvidia/**/*.so*", recursive=True)}
        own = [path for path in glob.glob(f"{folder}/lib*.so") if "torch" in path or "c10" in path or "caffe2" in path]
        needed = re.findall(r"\(NEEDED\).*\[(lib(?:cu|nv|nccl)[^/\]]*)\]", run(["readelf", "-dW", *own]))
        # Symbols of a version must be defined in the library that it is asked of, the others in any.
        versions = {}
        for library, names in re.findall(r"File: (\S+) .*\n((?:.*Name: .*\n)+)", run(["readelf", "-VW", *own])):
            versions |= {version: library for version in re.findall(r"Name: (\S+)", names)}
        undefined = set(re.findall(r"^ +U ((?:cu|nv|nccl)\w+)(?:@(\S+))?$", run(["nm", "-D", *own]), re.MULTILINE))
        for library in sorted(set(needed) - there):
            stand_in(f"{folder}/{library}", [(name, version) for name, version in sorted(undefined)
                                             if not version or versions.get(version) == library])


def stand_in(path, symbols):
    """A shared library whose functions end the process."""
    nodes = {version: "" for _, version in symbols if version}
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/stand_in.c", "w", encoding="utf-8") as file:
            file.writelines(f"void {name}(void) {{ __builtin_trap(); }}\n" for name, _ in symbols)
        with open(f"{folder}/versions", "w", encoding="utf-8") as file:
            for node in nodes:
                file.write(f"{node} {{ global: {' '.join(f'{name};' for name, version in symbols if version == node)} }};\n")
        script = [f"-Wl,--version-script={folder}/versions"] if nodes else []
        run(["gcc", "-w", "-fno-builtin", "-shared", "-nostdlib", f"{folder}/stand_in.c", f"-Wl,-soname,{os.path.basename(path)}",
             *script, "-o", path])


def lock(tool):
    """Writes requirements/NAME.txt: what pip chooses for NAME.in, on this machine, with the hash of each file."""
    python, report = python_of(tool), f"{HOME}/{tool.shelf}.report.json"
    os.makedirs(HOME, exist_ok=True)
    chosen = {}
    for part, flags in ((f"{tool.shelf}.in", []), (f"{tool.shelf}.nodeps.in", ["--no-deps"])):
        if not os.path.exists(f"{HERE}/requirements/{part}"):
            continue
        run([python, *PIP, "install", "--dry-run", "--ignore-installed", "--only-binary=:all:", "--quiet", "--report", report,
             *flags, "-r", f"{HERE}/requirements/{part}"])
        with open(report, encoding="utf-8") as file:
            for item in json.load(file)["install"]:
                about = item["metadata"]
                if CUDA_PACKAGES.match(about["name"].lower()):
                    continue
                chosen[about["name"].lower()] = (about["version"], item["download_info"]["archive_info"]["hashes"]["sha256"])
    os.remove(report)
    version = run([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).strip()
    with open(f"{HERE}/requirements/{tool.shelf}.txt", "w", encoding="utf-8") as file:
        file.write(f"# By `install.py --lock {tool.name}`, for Python {version} on Linux, x86-64.\n")
        for name, (version, sha256) in sorted(chosen.items()):
            file.write(f"{name}=={version} --hash=sha256:{sha256}\n")


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
                lock(rivals[name])
            elif not is_current(rivals[name]):
                print(f"install: {name} {rivals[name].version}", file=sys.stderr, flush=True)
                install(rivals[name])
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
