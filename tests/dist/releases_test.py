"""What `make test-dist` tries beside the bundle's own test: that two makes of one commit, in two folders, give the same bytes; and that
the archive runs in an older Debian, under its own C library, and in a newer one, under the host's, where it loads a vendor's
library that was made for the newer C library.

    releases_test.py ARCHIVE [--second ARCHIVE] [--roots FOLDER]

The releases come by debootstrap from the mirror that apt is set up with, and stay in FOLDER for the next time. As root."""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(os.environ["ASSAY_SOURCE"])
sys.path.insert(0, str(SOURCE / "scripts" / "dist"))

import dist  # noqa: E402
import empty_root  # noqa: E402

# Release, whether its C library is newer than the bundle's, which is that of Debian 12.
RELEASES = [("bullseye", False), ("trixie", True)]
# A version of symbols that came after Debian 12's C library, which has 2.36.
NEWER_VERSION, NEWER_FUNCTION = "GLIBC_2.38", "__isoc23_strtol"
FAULTS = []


def expect(condition, text):
    if not condition:
        FAULTS.append(text)
        print("FAULT:", text, flush=True)


def run(words, timeout=600, **more):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL,
                          check=False, **more)


def mirror():
    answer = run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"]).stdout.splitlines()
    for line in answer:
        uri, _, release = line.partition(" ")
        if release and "-" not in release:
            return uri
    raise SystemExit("apt names no mirror of Debian: set one up")


def release_root(roots, release):
    """The release's own folder, or why there is none."""
    folder = roots / release
    if (folder / "etc/debian_version").exists():
        return folder, ""
    shutil.rmtree(folder, ignore_errors=True)
    made = run(["debootstrap", "--variant=minbase", release, folder, mirror()], timeout=1800)
    return (folder, "") if made.returncode == 0 else (None, (made.stdout + made.stderr)[-400:])


def old_backend(folder, backend):
    """A backend that needs a library of the vendor's."""
    library = folder / "libggml-old.so"
    (folder / "empty.c").write_text("")
    made = run(["cc", "-shared", "-o", library, folder / "empty.c", "-Wl,--no-as-needed", "-L", backend.parent, f"-l:{backend.name}"])
    assert made.returncode == 0, made.stderr
    return library


def newer_backend(folder, backend):
    """A backend that needs a C library newer than the bundle's, and a library of the vendor's."""
    (folder / "libc.c").write_text(f"long {NEWER_FUNCTION}(const char* s, char** e, int b) {{ return 0; }}\n")
    (folder / "libc.map").write_text(f"{NEWER_VERSION} {{ {NEWER_FUNCTION}; }};\n")
    (folder / "vendor.c").write_text(f"long {NEWER_FUNCTION}(const char*, char**, int);\n"
                                     f"long vendor_number(void) {{ return {NEWER_FUNCTION}(\"1\", 0, 10); }}\n")
    stub, library = folder / "libc.so.6", folder / "libggml-newer.so"
    for words in (["cc", "-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libc.so.6", f"-Wl,--version-script,{folder / 'libc.map'}", "-o", stub,
                   folder / "libc.c"],
                  ["cc", "-shared", "-fPIC", "-nostdlib", "-o", library, folder / "vendor.c", stub, "-Wl,--no-as-needed",
                   "-L", backend.parent, f"-l:{backend.name}"]):
        made = run(words)
        assert made.returncode == 0, made.stderr
    return library


def check_release(release, is_newer, bundle, root, flags, folder):
    for name in ("opt", "out"):
        shutil.rmtree(root / name, ignore_errors=True)
    shutil.copytree(bundle, root / "opt" / bundle.name)

    def inside(*words, **options):
        command, environment = empty_root.command(flags, root, [f"/opt/{bundle.name}/assay", *words], **options)
        return run(command, env=environment)

    version = inside("--version")
    expect((version.returncode, version.stdout) == (0, f"assay {dist.version()}\n"), f"{release}: --version: {version}")
    for loader in ("bundle", "host"):
        result = inside("--version", variables={"ASSAY_LOADER": loader})
        expect((result.returncode == 0) == (loader == "bundle" or is_newer), f"{release}: under the loader of the {loader}: {result}")

    # The vendor's libraries: one for an older C library, in a folder that only the release's own list of libraries knows; one for a
    # newer one, which is named by its path.
    backend = Path(os.environ["ASSAY_FAKE_BACKEND"])
    (root / "opt/stack/lib64").mkdir(parents=True)
    shutil.copy(backend, root / "opt/stack/lib64")
    (root / "etc/ld.so.conf.d/stack.conf").write_text("/opt/stack/lib64\n")
    listed = run(["chroot", root, "/sbin/ldconfig"])
    assert listed.returncode == 0, listed.stderr
    (root / "opt/vendor").mkdir()
    shutil.copy(newer_backend(folder, backend), root / "opt/vendor")
    (root / "opt/old").mkdir()
    shutil.copy(old_backend(folder, backend), root / "opt/old")
    probe = inside("probe", "--json", variables={"ASSAY_BACKEND_PATH": "/opt/old"})
    expect("Dropped0" in probe.stdout, f"{release}: a library that the list of libraries leads to: {probe}")
    loaded = {}
    for loader in ("", "bundle"):
        probe = inside("probe", "--json", variables={"ASSAY_BACKEND_PATH": "/opt/vendor", **({"ASSAY_LOADER": loader} if loader else {})})
        names = [device["name"] for device in json.loads(probe.stdout)["devices"]] if probe.returncode == 0 else []
        expect("CPU" in names, f"{release}: probe: {probe}")
        loaded[loader] = "Dropped0" in names
    expect(loaded == {"": is_newer, "bundle": False}, f"{release}: a library for {NEWER_VERSION} is loaded, by loader: {loaded}")

    evaluation = inside("run", "--quick", "--out", "/out")
    expect(evaluation.returncode in (0, 1) and (root / "out/report.html").exists(), f"{release}: run --quick: {evaluation}")
    text = (root / "etc/debian_version").read_text().strip()
    print(f"Debian {text}: --version, probe, run --quick; a library for {NEWER_VERSION} loads: {loaded['']}", flush=True)


def check_same(first, second):
    sums = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (first, second)]
    expect(sums[0] == sums[1], f"{first} and {second} differ: {sums}")
    print(f"two makes: {sums[0]} and {sums[1]}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--second", type=Path)
    parser.add_argument("--roots", type=Path, default=SOURCE / "build-dist" / "roots")
    arguments = parser.parse_args()
    if arguments.second:
        check_same(arguments.archive, arguments.second)
    arguments.roots.mkdir(parents=True, exist_ok=True)
    flags, why = empty_root.namespace_flags()
    if flags is None or "--user" in flags:
        raise SystemExit(f"only root may set up other releases, in namespaces: {why}")
    with tempfile.TemporaryDirectory(prefix="assay-releases-") as name:
        folder = Path(name)
        unpacked = run(["tar", "--zstd", "-xf", arguments.archive.resolve(), "-C", folder])
        assert unpacked.returncode == 0, unpacked.stderr
        bundle = next(path for path in folder.iterdir() if path.name.startswith("assay-"))
        own = run([sys.executable, SOURCE / "tests/dist/bundle_test.py", bundle], env=os.environ)
        print(own.stdout, end="")
        expect(own.returncode == 0, f"the bundle's own test: {own.stderr[-500:]}")
        for release, is_newer in RELEASES:
            root, why = release_root(arguments.roots.resolve(), release)
            if root is None:
                print(f"Debian {release}: not tried, since the mirror does not give it: {why}", flush=True)
                continue
            check_release(release, is_newer, bundle, root, flags, folder)
    print(f"{len(FAULTS)} faults")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main())
