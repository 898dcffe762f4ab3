"""Simulated hosts: the files by which Linux shows a machine's accelerators, written under a folder that `assay probe --root`
looks at. One function a vendor, each made by hand from what is public: PCI ids are those of pci.ids or of the vendors' own
scripts; kernel modules and their versions are of the kind that their documentation shows. No host is a copy of a real one.

    python3 tests/probe/hosts.py nvidia /tmp/host      # writes one, to look at
    host = hosts.write("iluvatar", folder)             # in a test, which may then add files of its own:
    host.file("/usr/local/corex/version.txt", "5.0.0\\n")
"""

import os
import shutil
import struct
import sys
from pathlib import Path

# A few lines of the public list (pci-ids.ucw.cz), for names that do not depend on the machine that tests run on. Vendors
# that the list lacks are missing here, too.
PCI_IDS = """\
1000  Broadcom / LSI
\tc010  PEX880xx PCIe Gen 4 Switch
1002  Advanced Micro Devices, Inc. [AMD/ATI]
\t74a1  Aqua Vanjaram [Instinct MI300X]
1022  Advanced Micro Devices, Inc. [AMD]
\t1483  Starship/Matisse GPP Bridge
10de  NVIDIA Corporation
\t20b0  GA100 [A100 SXM4 40GB]
\t2330  GH100 [H100 SXM5 80GB]
19e5  Huawei Technologies Co., Ltd.
\t1711  Hi171x Series [iBMC Intelligent Management system chip w/VGA support]
1a03  ASPEED Technology, Inc.
\t2000  ASPEED Graphics Family
1d94  Chengdu Haiguang IC Design Co., Ltd.
\t1453  PCIE GPP Bridge
1ed5  Moore Threads Technology Co.,Ltd
\t0222  MTT S3000
8086  Intel Corporation
\t347a  Ice Lake PCIe Root Port
C 03  Display controller
\t00  VGA compatible controller
\t02  3D controller
\t80  Display controller
C 0b  Processor
\t40  Co-processor
C 12  Processing accelerators
\t00  Processing accelerators
"""

SPEEDS = {1: "2.5 GT/s PCIe", 2: "5.0 GT/s PCIe", 3: "8.0 GT/s PCIe", 4: "16.0 GT/s PCIe", 5: "32.0 GT/s PCIe"}
MEMORY_PREFETCHABLE_64 = 0x14220C
MEMORY_32 = 0x40200


def config_space(vendor, device, class_code, subsystem, kind, most, now):
    """256 bytes of configuration space with a PCI Express capability (PCI Express Base Specification, 7.5.3)."""
    config = bytearray(256)
    struct.pack_into("<HHHH", config, 0, vendor, device, 0x0006, 0x0010)
    config[8] = 0x01
    config[9:12] = struct.pack("<I", class_code)[:3]
    is_bridge = class_code >> 8 == 0x0604
    config[0x0E] = 1 if is_bridge else 0
    if not is_bridge:
        struct.pack_into("<HH", config, 0x2C, *subsystem)
    config[0x34] = 0x60
    config[0x60] = 0x10
    struct.pack_into("<H", config, 0x62, 0x0002 | kind << 4)
    struct.pack_into("<I", config, 0x6C, most[0] | most[1] << 4)
    struct.pack_into("<H", config, 0x72, now[0] | now[1] << 4)
    return bytes(config)


class Host:
    """A host's file system under `root`. Paths are the host's own, from "/"."""

    def __init__(self, root):
        self.root = Path(root)
        self.groups = 0
        self.paths = {}  # of PCI devices under /sys/devices, by address

    def at(self, path):
        return self.root / path.lstrip("/")

    def file(self, path, content, executable=False):
        place = self.at(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            content = content.encode()
        place.write_bytes(content)
        if executable:
            place.chmod(0o755)
        return place

    def link(self, path, target):
        """`target`: of the host if it begins with "/", written as a relative link so that it holds under any root."""
        place = self.at(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        if target.startswith("/"):
            target = os.path.relpath(self.at(target), place.parent)
        if place.is_symlink() or place.exists():
            place.unlink()
        place.symlink_to(target)

    def copy(self, path, source):
        """A file of this machine, for instance a library that a test has built."""
        place = self.at(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, place)
        return place

    def remove(self, path):
        place = self.at(path)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink()

    def base(self, distribution, kernel, processor, threads=4, numa_nodes=2, memory_kb=1056000000):
        """What every host has: /proc, the distribution, NUMA nodes, the list of PCI names."""
        self.file("/proc/cpuinfo", "\n".join(f"processor\t: {number}\n{processor}" for number in range(threads)))
        self.file("/proc/meminfo", f"MemTotal:       {memory_kb} kB\nMemAvailable:   {memory_kb - 16000000} kB\nSwapTotal:      0 kB\n")
        self.file("/proc/sys/kernel/osrelease", kernel + "\n")
        self.file("/etc/os-release", f'PRETTY_NAME="{distribution}"\n')
        self.file("/usr/share/misc/pci.ids", PCI_IDS)
        for node in range(numa_nodes):
            self.file(f"/sys/devices/system/node/node{node}/cpulist", f"{node}\n")
        self.at("/sys/bus/pci/devices").mkdir(parents=True, exist_ok=True)
        self.at("/sys/kernel/iommu_groups").mkdir(parents=True, exist_ok=True)

    def module(self, name, version=None):
        self.file(f"/sys/module/{name}/initstate", "live\n")
        if version:
            self.file(f"/sys/module/{name}/version", version + "\n")
        with self.at("/proc/modules").open("a") as modules:
            modules.write(f"{name} 1048576 0 - Live 0x0000000000000000\n")

    def root_complex(self, name):
        """ "0000:3a": a host bridge, whose bus the kernel calls pci0000:3a."""
        self.paths[name] = f"/sys/devices/pci{name}"

    def pci(self, address, parent, vendor, device, class_code, subsystem=(0, 0), numa_node=0, driver=None, module=None, most=None,
            now=None, bars=(), iommu_type=None, kind=0):
        """A PCI function behind `parent`, an address or a root complex. `most`, `now`: (generation, lanes) of its link."""
        path = f"{self.paths[parent]}/{address}"
        self.paths[address] = path
        for name, value in (("vendor", vendor), ("device", device), ("subsystem_vendor", subsystem[0]), ("subsystem_device", subsystem[1])):
            self.file(f"{path}/{name}", f"0x{value:04x}\n")
        self.file(f"{path}/class", f"0x{class_code:06x}\n")
        self.file(f"{path}/revision", "0x01\n")
        self.file(f"{path}/numa_node", f"{numa_node}\n")
        if most:
            now = now or most
            self.file(f"{path}/max_link_speed", SPEEDS[most[0]] + "\n")
            self.file(f"{path}/max_link_width", f"{most[1]}\n")
            self.file(f"{path}/current_link_speed", SPEEDS[now[0]] + "\n")
            self.file(f"{path}/current_link_width", f"{now[1]}\n")
        self.file(f"{path}/config", config_space(vendor, device, class_code, subsystem, kind, most or (1, 1), now or most or (1, 1)))
        rows, start = [], 0x200000000000
        for size, flags in bars:
            rows.append(f"0x{start:016x} 0x{start + size - 1:016x} 0x{flags:016x}")
            start += size
        rows += ["0x0000000000000000 0x0000000000000000 0x0000000000000000"] * (13 - len(rows))
        self.file(f"{path}/resource", "\n".join(rows) + "\n")
        self.link(f"/sys/bus/pci/devices/{address}", path)
        if driver:
            self.link(f"/sys/bus/pci/drivers/{driver}/module", f"/sys/module/{module or driver}")
            self.link(f"{path}/driver", f"/sys/bus/pci/drivers/{driver}")
        if iommu_type:
            group = f"/sys/kernel/iommu_groups/{self.groups}"
            self.groups += 1
            self.file(f"{group}/type", iommu_type + "\n")
            self.link(f"{group}/devices/{address}", path)
            self.link(f"{path}/iommu_group", group)

    def bridge(self, address, parent, vendor, device, most, numa_node=0, kind=4):
        """A root port (kind 4), a switch's port upstream (5) or downstream (6)."""
        self.pci(address, parent, vendor, device, 0x060400, numa_node=numa_node, driver="pcieport", most=most, kind=kind)

    def screen(self, parent, address, vendor=0x1A03, device=0x2000):
        """The management controller's graphics, which every server has and which is no accelerator."""
        self.pci(address, parent, vendor, device, 0x030000, numa_node=0)

    def hwmon(self, number, name, files):
        for file, content in {"name": name, **files}.items():
            self.file(f"/sys/class/hwmon/hwmon{number}/{file}", f"{content}\n")


XEON = "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 106\nmodel name\t: Intel(R) Xeon(R) Platinum 8380 CPU @ 2.30GHz\nflags\t\t: fpu sse4_2 avx2 fma avx512f avx512_vnni\n"
EPYC = "vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC 9654 96-Core Processor\nflags\t\t: fpu sse4_2 avx2 fma avx512f avx512_vnni avx512_bf16\n"
HYGON = "vendor_id\t: HygonGenuine\ncpu family\t: 24\nmodel\t\t: 4\nmodel name\t: Hygon C86 7490 64-core Processor\nflags\t\t: fpu sse4_2 avx2 fma\n"
KUNPENG = "BogoMIPS\t: 200.00\nFeatures\t: fp asimd asimdhp asimddp\nCPU implementer\t: 0x48\nCPU part\t: 0xd01\n"

GIB = 1 << 30
INTEL_PORT = (0x8086, 0x347A)
AMD_PORT = (0x1022, 0x1483)
SWITCH = (0x1000, 0xC010)


def nvidia(host):
    """Four A100 behind two switches; the last one sits in a slot that gives it half its lanes, and the third is asleep."""
    host.base("Ubuntu 22.04.4 LTS", "5.15.0-105-generic", XEON)
    host.module("nvidia", "550.54.15")
    for number, (bus, node) in enumerate(((0x30, 0), (0xB0, 1))):
        complex_name = f"0000:{bus:02x}"
        host.root_complex(complex_name)
        port, up = f"0000:{bus:02x}:02.0", f"0000:{bus + 1:02x}:00.0"
        host.bridge(port, complex_name, *INTEL_PORT, most=(4, 16), numa_node=node)
        host.bridge(up, port, *SWITCH, most=(4, 16), numa_node=node, kind=5)
        for slot in range(2):
            down, card = f"0000:{bus + 2:02x}:{slot:02x}.0", f"0000:{bus + 3 + slot:02x}:00.0"
            host.bridge(down, up, *SWITCH, most=(4, 16), numa_node=node, kind=6)
            now = {2: (1, 16), 3: (4, 8)}.get(2 * number + slot, (4, 16))
            host.pci(card, down, 0x10DE, 0x20B0, 0x030200, (0x10DE, 0x134F), node, "nvidia", most=(4, 16), now=now,
                     bars=((16 << 20, MEMORY_32), (64 * GIB, MEMORY_PREFETCHABLE_64), (32 << 20, MEMORY_PREFETCHABLE_64)), iommu_type="identity")
    host.screen("0000:30", "0000:30:1f.0")
    host.file("/proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\n")


def amd(host):
    """Four MI300X, each behind its own host bridge, and virtual functions of the first; the driver tells their power."""
    host.base("Ubuntu 22.04.4 LTS", "5.15.0-105-generic", EPYC)
    host.module("amdgpu", "6.7.0")
    for number, (bus, node) in enumerate(((0x00, 0), (0x20, 0), (0x80, 1), (0xA0, 1))):
        complex_name = f"0000:{bus:02x}"
        host.root_complex(complex_name)
        port, card = f"0000:{bus:02x}:01.1", f"0000:{bus + 5:02x}:00.0"
        host.bridge(port, complex_name, *AMD_PORT, most=(5, 16), numa_node=node)
        host.pci(card, port, 0x1002, 0x74A1, 0x120000, (0x1002, 0x74A1), node, "amdgpu", most=(5, 16),
                 bars=((256 * GIB, MEMORY_PREFETCHABLE_64), (2 << 20, MEMORY_PREFETCHABLE_64)), iommu_type="identity")
        host.file(f"{host.paths[card]}/sriov_totalvfs", "8\n")
        host.file(f"{host.paths[card]}/sriov_numvfs", "2\n" if number == 0 else "0\n")
        host.hwmon(number, "amdgpu", {"power1_label": "PPT", "power1_average": 140000000, "power1_cap": 750000000})
    for function in (1, 2):
        address = f"0000:05:02.{function}"
        host.pci(address, "0000:00:01.1", 0x1002, 0x74B5, 0x120000, (0x1002, 0x74A1), 0, "vfio-pci", iommu_type="DMA-FQ")
        host.link(f"{host.paths[address]}/physfn", host.paths["0000:05:00.0"])
    host.module("vfio_pci")
    host.link("/sys/bus/pci/drivers/vfio-pci/module", "/sys/module/vfio_pci")


def iluvatar(host):
    """Two BI-V150 cards, each of two devices behind a switch of its own."""
    host.base("CentOS Linux 7 (Core)", "4.18.0-348.el7.x86_64", XEON)
    host.module("iluvatar", "4.2.0")
    for number, bus in enumerate((0x30, 0x60)):
        complex_name = f"0000:{bus:02x}"
        host.root_complex(complex_name)
        port, up = f"0000:{bus:02x}:02.0", f"0000:{bus + 1:02x}:00.0"
        host.bridge(port, complex_name, *INTEL_PORT, most=(4, 16))
        host.bridge(up, port, *SWITCH, most=(4, 16), kind=5)
        for device in range(2):
            down, card = f"0000:{bus + 2:02x}:{8 * device:02x}.0", f"0000:{bus + 3 + device:02x}:00.0"
            host.bridge(down, up, *SWITCH, most=(4, 16), kind=6)
            host.pci(card, down, 0x1E3E, 0x0002, 0x120000, (0x1E3E, 0x0002), number, "iluvatar", most=(4, 16),
                     bars=((32 * GIB, MEMORY_PREFETCHABLE_64),), iommu_type="identity")
            host.file(f"/dev/iluvatar{2 * number + device}", "")


def biren(host):
    """Two cards of a vendor that no public list of PCI ids names: the number here is a stand-in, and the driver tells whose they are."""
    host.base("Ubuntu 20.04.6 LTS", "5.4.0-182-generic", XEON)
    host.module("biren", "1.6.0")
    for number, bus in enumerate((0x30, 0xB0)):
        complex_name = f"0000:{bus:02x}"
        host.root_complex(complex_name)
        port, card = f"0000:{bus:02x}:02.0", f"0000:{bus + 1:02x}:00.0"
        host.bridge(port, complex_name, *INTEL_PORT, most=(4, 16), numa_node=number)
        host.pci(card, port, 0x1EE0, 0x0001, 0x120000, (0x1EE0, 0x0001), number, "biren", most=(5, 16), now=(4, 16),
                 bars=((32 * GIB, MEMORY_PREFETCHABLE_64),), iommu_type="identity")
        host.file(f"/dev/biren/card_{number}", "")


def moore_threads(host):
    """Two MTT S4000; of the second no driver has taken hold."""
    host.base("Ubuntu 20.04.6 LTS", "5.4.0-182-generic", XEON)
    host.module("mtgpu", "2.7.0")
    host.root_complex("0000:30")
    for number in range(2):
        port, card = f"0000:30:{number + 2:02x}.0", f"0000:{0x31 + number:02x}:00.0"
        host.bridge(port, "0000:30", *INTEL_PORT, most=(4, 16))
        host.pci(card, port, 0x1ED5, 0x0323, 0x030200, (0x1ED5, 0x0323), 0, "mtgpu" if number == 0 else None, most=(5, 16), now=(4, 16),
                 bars=((64 * GIB, MEMORY_PREFETCHABLE_64),), iommu_type="DMA")


def metax(host):
    """Two MetaX C500 behind one switch."""
    host.base("Ubuntu 22.04.4 LTS", "5.15.0-105-generic", EPYC, numa_nodes=1)
    host.module("metax", "2.12.0")
    host.root_complex("0000:00")
    host.bridge("0000:00:01.1", "0000:00", *AMD_PORT, most=(5, 16))
    host.bridge("0000:01:00.0", "0000:00:01.1", *SWITCH, most=(4, 16), kind=5)
    for number in range(2):
        down, card = f"0000:02:{number:02x}.0", f"0000:{3 + number:02x}:00.0"
        host.bridge(down, "0000:01:00.0", *SWITCH, most=(4, 16), kind=6)
        host.pci(card, down, 0x9999, 0x0A01, 0x120000, (0x9999, 0x0A01), 0, "metax", most=(5, 16), now=(4, 16),
                 bars=((64 * GIB, MEMORY_PREFETCHABLE_64),), iommu_type="identity")


def hygon(host):
    """Two DCUs, which show themselves as co-processors."""
    host.base("Kylin Linux Advanced Server V10 (Lance)", "4.19.90-52.22.v2207.ky10.x86_64", HYGON)
    host.module("hydcu", "6.2.0")
    for number, bus in enumerate((0x00, 0x80)):
        complex_name = f"0000:{bus:02x}"
        host.root_complex(complex_name)
        port, card = f"0000:{bus:02x}:01.1", f"0000:{bus + 1:02x}:00.0"
        host.bridge(port, complex_name, 0x1D94, 0x1453, most=(4, 16), numa_node=number)
        host.pci(card, port, 0x1D94, 0x6210, 0x0B4000, (0x1D94, 0x6210), number, "hydcu", most=(4, 16), bars=((64 * GIB, MEMORY_PREFETCHABLE_64),))


def cambricon(host):
    """One MLU, whose vendor id the public list lacks."""
    host.base("Ubuntu 20.04.6 LTS", "5.4.0-182-generic", XEON)
    host.module("cambricon_drv", "5.10.22")
    host.root_complex("0000:30")
    host.bridge("0000:30:02.0", "0000:30", *INTEL_PORT, most=(4, 16))
    host.pci("0000:31:00.0", "0000:30:02.0", 0xCABC, 0x0590, 0x120000, (0xCABC, 0x0590), 0, "cambricon-pci-drv", "cambricon_drv", most=(5, 16),
             now=(4, 16), bars=((16 * GIB, MEMORY_PREFETCHABLE_64),), iommu_type="identity")
    host.file("/dev/cambricon_dev0", "")


def ascend(host):
    """Four Ascend 910B on Kunpeng processors, two a host bridge, and the board's own graphics of the same vendor."""
    host.base("openEuler 22.03 (LTS-SP3)", "5.10.0-182.0.0.95.oe2203sp3.aarch64", KUNPENG, numa_nodes=4)
    host.module("drv_davinci_intf_host")
    host.module("drv_pcie_host")
    for number, (bus, node) in enumerate(((0x00, 0), (0x80, 2))):
        complex_name = f"0000:{bus:02x}"
        host.root_complex(complex_name)
        for slot in range(2):
            port, card = f"0000:{bus:02x}:{8 * slot:02x}.0", f"0000:{bus + 1 + slot:02x}:00.0"
            host.bridge(port, complex_name, 0x19E5, 0xA120, most=(4, 16), numa_node=node)
            host.pci(card, port, 0x19E5, 0xD802, 0x120000, (0x19E5, 0x0100), node, "devdrv_device_driver", "drv_pcie_host", most=(4, 16),
                     bars=((32 * GIB, MEMORY_PREFETCHABLE_64),), iommu_type="DMA")
            host.file(f"/dev/davinci{2 * number + slot}", "")
    host.screen("0000:00", "0000:00:11.0", 0x19E5, 0x1711)


HOSTS = {"nvidia": nvidia, "amd": amd, "iluvatar": iluvatar, "biren": biren, "moore-threads": moore_threads, "metax": metax, "hygon": hygon,
         "cambricon": cambricon, "ascend": ascend}


def write(name, root):
    """The host of that name under the folder `root`."""
    host = Host(root)
    HOSTS[name](host)
    return host


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in HOSTS:
        sys.exit(f"usage: hosts.py {'|'.join(HOSTS)} FOLDER")
    write(sys.argv[1], sys.argv[2])
