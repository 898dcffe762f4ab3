"""Environments of Python with pinned packages, every file with its SHA-256: what bench/rivals and the test of the kits install on
demand. CUDA's libraries, 3 GB that PyTorch from PyPI is linked with, are left out: stand-ins let it load."""
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile


class Failed(Exception):
    """Told without a traceback."""


def python_of(name, versions):
    """The first Python of these versions that is here and can make environments; `name` needs it."""
    for version in versions:
        for path in (f"python{version}", "python3", *pyenv_versions(version)):
            found = shutil.which(path)
            if not found:
                continue
            told = subprocess.run([found, "-c", "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"],
                                  capture_output=True, text=True, check=False)
            if told.stdout.strip() == version:
                return found
    raise Failed(f"{name} needs Python {' or '.join(versions)} with venv, and none is in PATH")


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


def stamp_of(requirements):
    with open(requirements, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def is_current(place, requirements):
    try:
        with open(f"{place}/.stamp", encoding="utf-8") as file:
            return file.read() == stamp_of(requirements)
    except FileNotFoundError:
        return False


def make_environment(python, place, requirements):
    """An environment holds its own path, so it is made in its place and marked when complete."""
    shutil.rmtree(place, ignore_errors=True)
    run([python, "-m", "venv", place])
    # Every package that is needed stands in the file: nothing is resolved.
    run([f"{place}/bin/python", *PIP, "install", "--no-deps", "--only-binary=:all:", "--require-hashes", "-r", requirements])
    stand_in_for_cuda(place)
    with open(f"{place}/.stamp", "w", encoding="utf-8") as file:
        file.write(stamp_of(requirements))


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


def lock(python, parts, requirements, words):
    """Writes the requirement file: what pip chooses for `parts` ((file, flags) each) on this machine, with the hash of each file."""
    chosen = {}
    for part, flags in parts:
        if not os.path.exists(part):
            continue
        with tempfile.TemporaryDirectory() as folder:
            report = f"{folder}/report.json"
            run([python, *PIP, "install", "--dry-run", "--ignore-installed", "--only-binary=:all:", "--quiet", "--report", report,
                 *flags, "-r", part])
            with open(report, encoding="utf-8") as file:
                installed = json.load(file)["install"]
        for item in installed:
            about = item["metadata"]
            if CUDA_PACKAGES.match(about["name"].lower()):
                continue
            chosen[about["name"].lower()] = (about["version"], item["download_info"]["archive_info"]["hashes"]["sha256"])
    version = run([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).strip()
    with open(requirements, "w", encoding="utf-8") as file:
        file.write(f"# By `{words}`, for Python {version} on Linux, x86-64.\n")
        for name, (version, sha256) in sorted(chosen.items()):
            file.write(f"{name}=={version} --hash=sha256:{sha256}\n")
