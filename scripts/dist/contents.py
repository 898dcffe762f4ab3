"""Contents: which files make a bundle, where in it each lies, and which package it comes from."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from packages import DistError, Package, common_licences_named_in, run

# Folders and files of the sources that are carried over as they are.
OWN_FILES = ["LICENSE", "README.md", "CHANGELOG.md", "data", "docs", "examples", "kits"]
RUNTIMES = {"libstdc++.so.6": "lib/stdc++", "libgcc_s.so.1": "lib/gcc_s"}
C_LIBRARY = re.compile(r"(ld-linux.*|ld64|lib[A-Za-z_]+)\.so\.[0-9]+$")


@dataclass
class Entry:
    place: str  # in the bundle
    file: Path  # that it is a copy of
    package: Package
    executable: bool = False
    strip: bool = False


def needed_libraries(file, folders):
    """{soname: path} of every shared library that the loader would take, those of those too."""
    answer = run("env", f"LD_LIBRARY_PATH={':'.join(map(str, folders))}", "ldd", str(file))
    found = {}
    for line in answer.splitlines():
        words = line.split()
        if "not found" in line:
            raise DistError(f"{file}: needs {words[0]}, which is not there: run `make setup`")
        if "=>" in words and words[2].startswith("/"):
            found[words[0]] = Path(words[2])
        elif words[0].startswith("/"):
            found[Path(words[0]).name] = Path(words[0])
    return found


def engine_entries(llama, packages):
    """What ggml loads by itself from the folder of its library. libllama and libggml are found as what the program needs."""
    entries = []
    for file in sorted((llama / "lib").glob("libggml-*.so")):
        name = "@node-llama-cpp/linux-x64-vulkan" if file.name == "libggml-vulkan.so" else "@node-llama-cpp/linux-x64"
        entries.append(Entry(f"lib/{file.name}", file, packages.pinned(name)))
    if not any("cpu" in entry.file.name for entry in entries):
        raise DistError(f"{llama}/lib: has no libggml-cpu-….so: run `make setup`")
    return entries


def shared_entries(program, engine, llama, packages):
    needed = {}
    for file in [program, *(entry.file for entry in engine)]:
        needed.update(needed_libraries(file, [llama / "lib"]))
    own = {entry.file.resolve() for entry in engine}
    system = {name: path for name, path in needed.items() if llama.resolve() not in path.resolve().parents}
    packages.learn_debian(system.values())
    entries, c_package = [], None
    for name, path in sorted(needed.items()):
        if name not in system:
            if path.resolve() not in own:
                entries.append(Entry(f"lib/{name}", path.resolve(), packages.pinned("@node-llama-cpp/linux-x64")))
            continue
        package = packages.of_system_file(path)
        if name == "libc.so.6":
            c_package = packages.debian_of_file[str(path)]
        if package.source.split()[0] != "glibc":
            entries.append(Entry(f"{RUNTIMES.get(name, 'lib')}/{name}", path.resolve(), package))
    if c_package is None:
        raise DistError(f"{program}: does not need libc.so.6 of the GNU C library, which is what a bundle carries")
    return entries + c_library_entries(c_package, packages)


def c_library_entries(name, packages):
    """All of the C library, since a vendor's library may need what the program does not (libdl.so.2, libpthread.so.0 …)."""
    package, entries = packages.debian(name), []
    for path in map(Path, run("dpkg-query", "-L", name).splitlines()):
        # Of optimised copies and modules in folders below, none.
        if C_LIBRARY.match(path.name) and path.parent.name == run("gcc", "-print-multiarch").strip():
            entries.append(Entry(f"lib/c/{path.name}", path.resolve(), package, executable=path.name.startswith("ld")))
    return entries


def own_entries(source, package):
    """What git knows, or would take up."""
    there = [name for name in OWN_FILES if (source / name).exists()]
    listed = subprocess.run(["git", "-C", str(source), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *there],
                            capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        names = sorted({name for name in listed.stdout.split("\0") if name and (source / name).is_file()})
    else:
        files = [file for name in there for file in ([source / name] if (source / name).is_file() else (source / name).rglob("*"))]
        names = sorted(str(file.relative_to(source)) for file in files if file.is_file() and "__pycache__" not in file.parts)
    return [Entry(name, source / name, package, executable=bool((source / name).stat().st_mode & 0o100)) for name in names]


def licence_entries(used):
    """The texts, of every package in the bundle and of every one that was compiled in."""
    entries, common = [], {}
    for package in sorted(used, key=lambda package: package.folder):
        for text in package.texts:
            files = sorted(file for file in text.rglob("*") if file.is_file()) if text.is_dir() else [text]
            for file in files:
                name = file.relative_to(text.parent)
                entries.append(Entry(f"licences/{package.folder}/{name}", file, package))
                if package.kind == "deb":
                    for licence, path in common_licences_named_in(file.read_text(errors="replace")).items():
                        common.setdefault(licence, (path, package))
    return entries + [Entry(f"licences/common-licenses/{name}", path, package) for name, (path, package) in sorted(common.items())]


def compiled_in(build, source, llama, packages):
    """Packages of which headers or archives went into program and launcher, as the build itself has recorded it."""
    inputs = set(run("ninja", "-C", str(build), "-t", "inputs", "assay", "assay-launcher").splitlines())
    headers, target = set(), ""
    for line in run("ninja", "-C", str(build), "-t", "deps").splitlines():
        if line and not line.startswith(" "):
            target = line.split(":")[0]
        elif line.strip() and target in inputs:
            headers.add((build / line.strip()).resolve())
    if not headers:
        raise DistError(f"{build}: the build has recorded no header: build it with ninja")
    commands = run("ninja", "-C", str(build), "-t", "commands", "assay").splitlines()
    archives = {Path(word) for word in commands[-1].split() if word.startswith("/usr/") and word.endswith(".a")}
    system = sorted({file for file in headers | archives
                     if str(file).startswith("/usr/") and llama.resolve() not in file.resolve().parents})
    packages.learn_debian(system)
    used = {}
    for file in system:
        package = packages.of_system_file(file)
        used[package.name] = package
    if any(llama.resolve() in file.parents for file in headers):
        used["node-llama-cpp"] = packages.pinned("node-llama-cpp")
    for file in json.loads((build / "web/report.inputs.json").read_text()):
        match = re.search(r"/node_modules/((?:@[^/]+/)?[^/]+)/", file)
        if match:
            used[match.group(1)] = packages.pinned(match.group(1))
    return used
