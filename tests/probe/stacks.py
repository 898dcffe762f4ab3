"""What is installed on the simulated hosts of hosts.py: the folders of vendors' stacks with small shared libraries written byte
by byte (names, what they need, texts, nothing that could run), programs, Python packages, and what container run-times and the
kubelet leave. Names and places are those of the vendors' public documentation; versions are of the kind that it shows.

    python3 tests/probe/stacks.py iluvatar /tmp/host   # a host with its stack, to look at
    python3 tests/probe/stacks.py mixed /tmp/host      # NVIDIA, Iluvatar and Moore Threads in one
"""

import struct
import sys

import hosts

MACHINES = {"x86-64": 62, "aarch64": 183}
PROGRAM = "#!/bin/sh\nexit 1\n"


def library(machine="x86-64", soname="", needed=(), symbols=(), texts=()):
    """The bytes of an ELF shared library (System V ABI, chapters 4 and 5): headers, .dynstr, .dynamic, .rodata, sections."""
    names = bytearray(b"\0")

    def name(text):
        at = len(names)
        names.extend(text.encode() + b"\0")
        return at

    rows = [(1, name(each)) for each in needed]  # DT_NEEDED
    if soname:
        rows.append((14, name(soname)))  # DT_SONAME
    for symbol in symbols:
        name(symbol)
    names_at = 64 + 2 * 56
    dynamic_at = (names_at + len(names) + 7) // 8 * 8
    rows += [(5, names_at), (10, len(names)), (0, 0)]  # DT_STRTAB, DT_STRSZ
    dynamic = b"".join(struct.pack("<qQ", *row) for row in rows)
    rodata = b"\0".join(text.encode() for text in texts) + b"\0"
    titles = b"\0.rodata\0.shstrtab\0"
    rodata_at = dynamic_at + len(dynamic)
    titles_at = rodata_at + len(rodata)
    sections_at = (titles_at + len(titles) + 7) // 8 * 8
    header = b"\x7fELF\2\1\1".ljust(16, b"\0") + struct.pack("<HHIQQQIHHHHHH", 3, MACHINES[machine], 1, 0, 64, sections_at, 0, 64, 56, 2, 64, 3, 2)
    load = struct.pack("<IIQQQQQQ", 1, 4, 0, 0, 0, titles_at, titles_at, 4096)
    dynamic_segment = struct.pack("<IIQQQQQQ", 2, 4, dynamic_at, dynamic_at, dynamic_at, len(dynamic), len(dynamic), 8)
    out = (header + load + dynamic_segment + bytes(names)).ljust(dynamic_at, b"\0") + dynamic + rodata + titles
    out = out.ljust(sections_at, b"\0") + bytes(64)
    out += struct.pack("<IIQQQQIIQQ", 1, 1, 2, 0, rodata_at, len(rodata), 0, 0, 1, 0)
    out += struct.pack("<IIQQQQIIQQ", 9, 3, 0, 0, titles_at, len(titles), 0, 0, 1, 0)
    return out


class Stack:
    """One vendor's folder on a host."""

    def __init__(self, host, machine="x86-64"):
        self.host = host
        self.machine = machine

    def lib(self, path, needed=(), symbols=(), texts=(), soname="", machine=None):
        """A library file with the links that an installer makes: libx.so.1.2.3, libx.so.1, libx.so."""
        name = path.rsplit("/", 1)[1]
        base, _, version = name.partition(".so")
        parts = [part for part in version.split(".") if part]
        soname = soname or (f"{base}.so.{parts[0]}" if parts else f"{base}.so")
        self.host.file(path, library(machine or self.machine, soname, needed, symbols, texts))
        for link in {soname, f"{base}.so"} - {name}:
            self.host.link(path.rsplit("/", 1)[0] + "/" + link, path)

    def programs(self, folder, *names):
        for name in names:
            self.host.file(f"{folder}/{name}", PROGRAM, executable=True)

    def package(self, site, name, version, summary=""):
        self.host.file(f"{site}/{name.replace('-', '_')}-{version}.dist-info/METADATA",
                       f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: {summary}\n\nA description.\n")

    def python(self, version="3.10"):
        self.host.file(f"/usr/bin/python{version}", PROGRAM, executable=True)
        self.host.link("/usr/bin/python3", f"/usr/bin/python{version}")
        return f"/usr/local/lib/python{version}/dist-packages"


def nvidia(host):
    stack = Stack(host)
    driver, toolkit = "/usr/lib/x86_64-linux-gnu", "/usr/local/cuda-12.4"
    for name in ("libcuda", "libnvidia-ml"):
        stack.lib(f"{driver}/{name}.so.550.54.15", texts=("NVIDIA",))
    stack.lib("/usr/lib/i386-linux-gnu/libcuda.so.550.54.15", texts=("NVIDIA",))
    for name, version in (("libcudart", "12.4.99"), ("libcublas", "12.4.2.65"), ("libcublasLt", "12.4.2.65"), ("libcufft", "11.2.0.44")):
        stack.lib(f"{toolkit}/targets/x86_64-linux/lib/{name}.so.{version}")
    host.file(f"{toolkit}/targets/x86_64-linux/lib/stubs/libcuda.so", library())
    stack.lib(f"{toolkit}/extras/CUPTI/lib64/libcupti.so.2024.1.0")
    stack.lib(f"{driver}/libnccl.so.2.21.5", texts=("NCCL version 2.21.5+cuda12.4",))
    stack.lib(f"{driver}/libcudnn.so.9.1.0")
    host.link(f"{toolkit}/lib64", f"{toolkit}/targets/x86_64-linux/lib")
    host.link("/usr/local/cuda", toolkit)
    host.file(f"{toolkit}/version.json", '{"cuda": {"name": "CUDA SDK", "version": "12.4.1"}}')
    stack.programs(f"{toolkit}/bin", "nvcc", "cuda-gdb", "compute-sanitizer", "nsys", "ncu")
    stack.programs("/usr/bin", "nvidia-smi", "docker", "containerd", "nvidia-ctk", "nvidia-container-runtime")
    host.file("/etc/docker/daemon.json", '{"runtimes": {"nvidia": {"path": "nvidia-container-runtime"}}}')
    host.file("/etc/cdi/nvidia.yaml", "cdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevices: []\n")
    site = stack.python()
    stack.package(site, "torch", "2.5.1+cu124", "Tensors and Dynamic neural networks in Python")
    stack.package(site, "vllm", "0.6.4", "A high-throughput and memory-efficient inference and serving engine for LLMs")
    stack.package(site, "triton", "3.1.0")


def amd(host):
    stack = Stack(host)
    root = "/opt/rocm-6.2.0"
    for name, version in (("libamdhip64", "6.2.60200"), ("librocblas", "4.2.60200"), ("libhipblaslt", "0.8.60200"), ("libMIOpen", "1.0.60200"),
                          ("librccl", "1.0.60200"), ("libamd_smi", "24.6"), ("librocm_smi64", "7.3.60200")):
        stack.lib(f"{root}/lib/{name}.so.{version}")
    host.link("/opt/rocm", root)
    host.file(f"{root}/.info/version", "6.2.0-66\n")
    stack.programs(f"{root}/bin", "hipcc", "rocm-smi", "amd-smi", "rocminfo", "rocprofv3", "rocgdb")
    stack.programs("/usr/bin", "podman")
    site = stack.python("3.11")
    stack.package(site, "torch", "2.5.0+rocm6.2")
    stack.package(site, "onnxruntime-rocm", "1.19.2")


def iluvatar(host):
    stack = Stack(host)
    root = "/usr/local/corex-4.2.0"
    for name, version in (("libcudart", "10.2.89"), ("libcublas", "10.2.3.254"), ("libcublasLt", "10.2.3.254"), ("libcudnn", "7.6.5"),
                          ("libcufft", "10.1.2"), ("libnccl", "2.14.3")):
        stack.lib(f"{root}/lib64/{name}.so.{version}", needed=("libixthunk.so", "libcuda.so.1"), texts=("corex",))
    stack.lib(f"{root}/lib64/libcuda.so.1", needed=("libixthunk.so",), texts=("Iluvatar", "CUDA version 10.2"))
    stack.lib(f"{root}/lib64/libcupti.so.10.2", needed=("libcuda.so.1",))
    stack.lib(f"{root}/lib64/libixml.so", symbols=("nvmlInit_v2", "nvmlDeviceGetCount_v2", "ixmlDeviceGetHealth"))
    stack.lib(f"{root}/lib64/libixattn.so")
    stack.lib("/usr/lib64/libixml.so.2.0.7", symbols=("ixmlDocument_createElement",))  # libupnp's, of the same name
    host.link("/usr/local/corex", root)
    host.file(f"{root}/version.txt", "4.2.0\n")
    stack.programs(f"{root}/bin", "ixsmi", "ixsys", "ixkn-cli", "ixobjdump", "clang++", "nvcc")
    host.file("/etc/ld.so.conf.d/corex.conf", "/usr/local/corex/lib64\n")
    host.file("/etc/ld.so.conf", "include ld.so.conf.d/*.conf\n")
    stack.programs("/usr/bin", "docker", "kubelet")
    host.file("/etc/docker/daemon.json", '{"runtimes": {"iluvatar": {"path": "/usr/local/bin/ix-container-runtime"}}}')
    host.file("/var/lib/kubelet/device-plugins/kubelet_internal_checkpoint",
              '{"Data": {"RegisteredDevices": {"iluvatar.com/gpu": ["0", "1", "2", "3"]}}, "Checksum": 7}')
    site = stack.python()
    stack.package(site, "torch", "2.4.1+corex.4.2.0")
    stack.package(site, "vllm", "0.6.3+corex.4.2.0")
    stack.package(site, "ixformer", "0.6.0+corex.4.2.0")


def biren(host):
    stack = Stack(host)
    root = "/usr/local/birensupa/sdk/1.11.0"
    for part, name in (("supa", "libsupa-runtime"), ("sublas", "libsublas"), ("sudnn", "libsudnn"), ("bccl", "libbccl")):
        stack.lib(f"{root}/{part}/lib/{name}.so.1.11.0")
    host.link("/usr/local/birensupa/sdk/latest", root)
    stack.programs(f"{root}/brcc/bin", "brcc")
    stack.lib("/usr/local/birensupa/driver/biren-smi/libbiren-ml.so.1.6.0")
    stack.programs("/usr/local/birensupa/driver/biren-smi", "brsmi")
    host.link("/usr/bin/brsmi", "/usr/local/birensupa/driver/biren-smi/brsmi")
    site = stack.python()
    stack.package(site, "torch", "2.9.0+cpu")
    stack.package(site, "torch_supa", "1.0.0.20900+br2xx", "PyTorch extension for Biren devices")


def moore_threads(host):
    stack = Stack(host)
    root = "/usr/local/musa-4.3.0"
    for name in ("libmusart", "libmublas", "libmudnn", "libmccl"):
        stack.lib(f"{root}/lib/{name}.so.4.3.0")
    for name in ("libmusa", "libmtml"):
        stack.lib(f"/usr/lib/x86_64-linux-gnu/{name}.so.2.7.0", texts=("MTHREADS",))
    host.link("/usr/local/musa", root)
    host.file(f"{root}/version.json", '{"musa_runtime": {"version": "4.3.0"}}')
    stack.programs(f"{root}/bin", "mcc", "musify-text")
    stack.programs("/usr/bin", "mthreads-gmi", "docker", "mcc")  # the last is somebody else's
    site = stack.python()
    stack.package(site, "torch", "2.7.1")
    stack.package(site, "torch_musa", "2.7.0")


def metax(host):
    stack = Stack(host)
    root = "/opt/maca-3.2.1"
    for name in ("libmcruntime", "libmcblas", "libmcdnn", "libmccl", "libmcpti"):
        stack.lib(f"{root}/lib/{name}.so")
    stack.lib(f"{root}/lib/libruntime_cu.so", needed=("libmcruntime.so",))
    stack.lib(f"{root}/tools/cu-bridge/lib/libcudart.so.11.0", needed=("libruntime_cu.so", "libmcruntime.so"))
    host.link("/opt/maca", root)
    host.file(f"{root}/Version.txt", "Version:3.2.1.12\n")
    stack.programs(f"{root}/mxgpu_llvm/bin", "mxcc")
    stack.programs(f"{root}/bin", "mcTracer")
    stack.lib("/opt/mxdriver/lib/libmxsml.so")
    stack.programs("/opt/mxdriver/bin", "mx-smi")
    site = stack.python()
    stack.package(site, "torch", "2.6.0+metax3.2.1.3")
    stack.package(site, "vllm-metax", "0.10.2")


def hygon(host):
    stack = Stack(host)
    root = "/opt/dtk-24.04.3"
    stack.lib(f"{root}/hip/lib/libgalaxyhip.so.5.2.0")
    stack.lib(f"{root}/hip/lib/libamdhip64.so.5.2.0", needed=("libgalaxyhip.so.5",))
    for name in ("librocblas.so.0.1", "libMIOpen.so.1.0", "librccl.so.1.0", "librocm_smi64.so.2.8"):
        stack.lib(f"{root}/lib/{name}")
    host.link("/opt/dtk", root)
    host.file(f"{root}/.info/version", "24.04.3\n")
    stack.programs(f"{root}/bin", "hipcc", "hipprof", "rocgdb")
    stack.lib("/opt/hyhal/lib/libhydmi.so.1.4")
    stack.programs("/opt/hyhal/bin", "hy-smi")
    site = stack.python()
    stack.package(site, "torch", "2.4.1+das.opt1.dtk24043")
    stack.package(site, "vllm", "0.6.2+das.opt1.dtk24043")


def cambricon(host):
    stack = Stack(host)
    root = "/usr/local/neuware"
    for name in ("libcndrv", "libcnrt", "libcnnl", "libcncl", "libcndev", "libcnpapi"):
        stack.lib(f"{root}/lib64/{name}.so.1.20.0")
    host.file(f"{root}/version.txt", "Neuware Version 3.15.0\n")
    stack.programs(f"{root}/bin", "cncc", "cngdb", "cnperf-cli")
    stack.programs("/usr/bin", "cnmon")
    host.file(f"{root}/lib64/libmagicmind.so", library()[:150])  # an installation that was broken off
    site = stack.python()
    stack.package(site, "torch", "2.1.0")
    stack.package(site, "torch_mlu", "1.20.0")


def ascend(host):
    stack = Stack(host, "aarch64")
    host.file("/bin/sh", library("aarch64"))
    root = "/usr/local/Ascend/ascend-toolkit/8.0.RC2"
    for name in ("libascendcl", "libacl_op_compiler", "libhccl", "libmsprofiler"):
        stack.lib(f"{root}/aarch64-linux/lib64/{name}.so")
    stack.lib("/usr/local/Ascend/driver/lib64/driver/libdcmi.so")
    stack.lib("/usr/local/Ascend/ascend-toolkit/8.0.RC2/x86_64-linux/lib64/libopapi.so", machine="x86-64")  # the other host's
    host.link("/usr/local/Ascend/ascend-toolkit/latest", root)
    host.file(f"{root}/aarch64-linux/ascend_toolkit_install.info", "# 1.0\npackage_name=Ascend-cann-toolkit\nversion=8.0.RC2\n")
    stack.programs(f"{root}/compiler/ccec_compiler/bin", "ccec", "bisheng")
    stack.programs(f"{root}/tools/profiler/bin", "msprof")
    stack.programs("/usr/local/bin", "npu-smi")
    stack.programs("/usr/bin", "docker")
    host.file("/etc/docker/daemon.json", '{"runtimes": {"ascend": {"path": "/usr/local/Ascend/Ascend-Docker-Runtime/ascend-docker-runtime"}}}')
    site = stack.python("3.11")
    stack.package(site, "torch", "2.5.1")
    stack.package(site, "torch_npu", "2.5.1.post1")
    stack.package(site, "vllm", "0.9.1+empty")
    stack.package(site, "vllm-ascend", "0.9.1")


STACKS = {"nvidia": nvidia, "amd": amd, "iluvatar": iluvatar, "biren": biren, "moore-threads": moore_threads, "metax": metax, "hygon": hygon,
          "cambricon": cambricon, "ascend": ascend}


def mixed(root):
    """Cards and stacks of three vendors in one machine, where CoreX's folder comes before the toolkit's for the loader."""
    host = hosts.write("nvidia", root)
    nvidia(host)
    iluvatar(host)
    moore_threads(host)
    host.module("iluvatar", "4.2.0")
    host.module("mtgpu", "2.7.0")
    host.root_complex("0000:60")
    for number, (vendor, device, driver) in enumerate(((0x1E3E, 0x0002, "iluvatar"), (0x1ED5, 0x0323, "mtgpu"))):
        port, card = f"0000:60:{number + 2:02x}.0", f"0000:{0x61 + number:02x}:00.0"
        host.bridge(port, "0000:60", *hosts.INTEL_PORT, most=(4, 16))
        host.pci(card, port, vendor, device, 0x120000, (vendor, device), 0, driver, most=(4, 16), iommu_type="identity")
    return host


def write(name, root):
    """The host of that name with its cards and its stack."""
    if name == "mixed":
        return mixed(root)
    host = hosts.write(name, root)
    STACKS[name](host)
    return host


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in {*STACKS, "mixed"}:
        sys.exit(f"usage: stacks.py {'|'.join([*STACKS, 'mixed'])} FOLDER")
    write(sys.argv[1], sys.argv[2])
