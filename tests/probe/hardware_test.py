"""The hardware of simulated hosts as `assay probe` shows it: approved text for each, hosts that are broken, and management
libraries that hang, crash, print, exit and fork. Run with APPROVE=1 to write down what the program says now; read the
difference before committing it."""

import difflib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import hosts

APPROVED = Path(__file__).parent / "approved"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"}
NVML_PLACE = "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1"
IXML_PLACE = "/usr/local/corex/lib64/libixml.so"
MOST_S = 3.0  # with vendors' code, whatever it does
MOST_UNASKED_S = 0.5  # without
faults = []


def check(is_right, what):
    if not is_right:
        faults.append(what)
        print(f"FAULT: {what}")


def probe(root, *options):
    began = time.monotonic()
    result = subprocess.run([os.environ["ASSAY"], "probe", "--root", str(root), *options], env=ENVIRONMENT, capture_output=True, timeout=60,
                            stdin=subprocess.DEVNULL)
    took_s = time.monotonic() - began
    check(result.returncode == 0, f"probe of {root} exits with {result.returncode}: {result.stderr.decode(errors='replace')}")
    return result.stdout.decode(), took_s


def probe_json(root, *options):
    text, took_s = probe(root, "--json", *options)
    return json.loads(text), took_s


def codes(host):
    return {finding["code"] for finding in host["probe_findings"]}


def compare(name, text, root):
    """Against approved/NAME.txt, the folder of the host left out."""
    got = text.replace(str(root), "ROOT")
    place = APPROVED / f"{name}.txt"
    if os.environ.get("APPROVE"):
        place.parent.mkdir(exist_ok=True)
        place.write_text(got)
        return
    want = place.read_text() if place.exists() else ""
    if got != want:
        faults.append(name)
        print("\n".join(difflib.unified_diff(want.splitlines(), got.splitlines(), f"approved {name}", "now", lineterm="")))


def hardware_of(text):
    """The sections that are told of the hardware alone, so that what else a probe shows does not touch these files."""
    sections = text.split("\n\n")
    wanted = ("Accelerators", "Paths", "Power", "Management", "Findings")
    return "\n\n".join(section.strip("\n") for section in sections if section.lstrip("\n").startswith(wanted)) + "\n"


def test_every_host_reads_right(folder):
    for name in hosts.HOSTS:
        root = folder / name
        hosts.write(name, root)
        text, _ = probe(root)
        compare(name, hardware_of(text), root)
        check(all(len(line) <= 80 for line in hardware_of(text).replace(str(root), "").splitlines()), f"{name}: a line is wider than 80 columns")


def test_a_unit_of_json(folder):
    hosts.write("nvidia", folder)
    host, _ = probe_json(folder)
    card = host["accelerators"][3]
    check(card["address"] == "0000:b4:00.0" and card["vendor_id"] == "10de" and card["device_id"] == "20b0", "the last A100")
    check(card["link"]["lanes"] == 8 and card["link"]["most_lanes"] == 16, f"its link: {card['link']}")
    check(card["chips"] == ["nvidia-a100-40gb-sxm"] and card["profile"] == "nvidia", f"its chip: {card.get('chips')}")
    check(card["memory_bar_bytes"] == 64 << 30 and card["numa_node"] == 1, "its window and node")
    kinds = {(path["from"], path["to"]): path["path"] for path in host["paths"]}
    check(kinds[("0000:33:00.0", "0000:34:00.0")] == "PIX" and kinds[("0000:33:00.0", "0000:b3:00.0")] == "SYS", f"paths: {kinds}")
    check("devices" not in host, "the engine of this machine is not the host's")


def test_sysfs_that_lies(folder):
    """Whatever stands in a file, the probe ends well, names the file, and shows the other cards."""
    spoilings = {
        "garbage": lambda host, file: host.file(file, "no such thing\n"),
        "empty": lambda host, file: host.file(file, ""),
        "binary": lambda host, file: host.file(file, bytes(range(256))),
        "negative": lambda host, file: host.file(file, "-5\n"),
        "huge": lambda host, file: host.file(file, "0x" + "f" * 70000 + "\n"),
        "loop": lambda host, file: (host.remove(file), host.at(file).symlink_to(host.at(file).name)),
        "folder": lambda host, file: (host.remove(file), host.at(file).mkdir()),
        "pipe": lambda host, file: (host.remove(file), os.mkfifo(host.at(file))),
    }
    for how, spoil in spoilings.items():
        for name in ("vendor", "device", "class", "numa_node", "current_link_speed", "current_link_width", "resource", "config", "driver",
                     "iommu_group", "subsystem_vendor"):
            root = folder / f"{how}-{name}"
            host = hosts.write("metax", root)
            file = f"{host.paths['0000:03:00.0']}/{name}"
            if how == "binary" and name == "config":
                host.file(file, b"\0" * 16)
            else:
                if host.at(file).is_symlink():
                    host.remove(file)
                    host.file(file, "")
                spoil(host, file)
            told, took_s = probe_json(root)
            texts = " ".join(finding["text"] for finding in told["probe_findings"] if finding["code"] == "probe.corrupt-sysfs")
            check(len(told["accelerators"]) >= 1, f"{how} {name}: the other card is gone")
            # A link in a circle is as a file that is not there; "resource" may be empty; "config" is read where it can be.
            is_silent = how == "loop" or (how == "empty" and name == "resource") or (name == "config" and how in ("folder", "pipe"))
            check("0000:03:00.0" in texts or is_silent, f"{how} {name}: nobody tells of it: {told['probe_findings']}")
            check(str(root) not in json.dumps(told), f"{how} {name}: the folder of the host is shown")
            check(took_s < MOST_S, f"{how} {name}: took {took_s:.1f} s")


def test_a_way_that_leads_nowhere(folder):
    host = hosts.write("metax", folder)
    for number, target in enumerate(("0000:99:00.0", "../../../../../etc/passwd", "../../../devices/pci0000:00/0000:00:01.1")):
        address = f"0000:99:0{number}.0"
        host.link(f"/sys/bus/pci/devices/{address}", target)
    host.link("/sys/bus/pci/devices/not-an-address", "/sys/devices/pci0000:00")
    told, _ = probe_json(folder)
    texts = " ".join(finding["text"] for finding in told["probe_findings"])
    check(all(name in texts for name in ("0000:99:00.0", "0000:99:01.0", "not-an-address")), f"ways that lead nowhere: {texts}")
    check(len(told["accelerators"]) == 2, "the cards that are there")


def test_a_card_off_the_bus(folder):
    host = hosts.write("nvidia", folder)
    host.file(f"{host.paths['0000:34:00.0']}/config", b"\xff" * 256)
    told, _ = probe_json(folder)
    lost = [finding for finding in told["probe_findings"] if finding["code"] == "probe.off-the-bus"]
    check(len(lost) == 1 and lost[0]["severity"] == "blocker" and "0000:34:00.0" in lost[0]["text"], f"off the bus: {lost}")


def test_pipes_in_the_place_of_files(folder):
    """Whatever the probe reads may be a pipe that nobody writes to: it is not waited for, and is as if it were not there."""
    host = hosts.write("nvidia", folder)
    for file in ("/proc/cpuinfo", "/proc/meminfo", "/proc/sys/kernel/osrelease", "/etc/os-release", "/etc/ld.so.conf", "/etc/ld.so.cache",
                 "/usr/share/misc/pci.ids", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "/sys/fs/cgroup/memory.max",
                 "/sys/class/hwmon/hwmon0/name", "/sys/class/hwmon/hwmon0/power1_input", "/etc/docker/daemon.json", "/etc/cdi/a.json"):
        if host.at(file).exists():
            host.remove(file)
        host.at(file).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(host.at(file))
    told, took_s = probe_json(folder)
    check(took_s < MOST_S and len(told["accelerators"]) == 4, f"pipes: {took_s:.1f} s")
    check("total_bytes" not in told["memory"] and told["system"] == {}, f"what is unknown is not there: {told['memory']} {told['system']}")
    text, _ = probe(folder)
    check("total           — unknown" in text and "kernel          — unknown" in text, f"nor is it zero or empty: {text[:600]}")


def test_another_projects_library_of_the_name(folder):
    """libupnp has a libixml.so, too: it is nobody's management library, and is not loaded."""
    host = hosts.write("iluvatar", folder)
    host.copy("/usr/lib/x86_64-linux-gnu/libixml.so.2", own_library())
    told, _ = probe_json(folder)
    check(told["management"] == [], f"another's libixml: {told['management']}")


def own_library():
    """A library of this machine that has none of NVML's functions."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        path = line.split(maxsplit=5)[-1]
        if "/libc.so" in path or "/libc-" in path:
            return path
    raise AssertionError("this Python has no C library")


def test_no_list_of_names(folder):
    host = hosts.write("nvidia", folder)
    host.file("/usr/share/misc/pci.ids", b"\xff\xfe\0\0" * 2000)
    told, _ = probe_json(folder)
    check(len(told["accelerators"]) == 4 and "probe.no-names" in codes(told), f"a broken list of names: {codes(told)}")


def with_library(root, behaviour="", source="ASSAY_FAKE_NVML", name="nvidia", place=NVML_PLACE):
    host = hosts.write(name, root)
    host.copy(place, os.environ[source])
    host.file(place + ".behaviour", behaviour)
    return host


def asked(root):
    told, took_s = probe_json(root, "--run-vendor-code")
    check(took_s < MOST_S, f"{root.name}: took {took_s:.2f} s")
    return told, told["management"][0]


def test_nothing_is_loaded_unasked(folder):
    with_library(folder, "crash")
    told, _ = probe_json(folder)
    check(list(told["management"][0]) == ["library", "path", "profile"], f"not asked: {told['management']}")
    check(told["management"][0]["path"] == NVML_PLACE, f"as the host names it: {told['management']}")
    check("probe.management-failed" not in codes(told), "a library that was not loaded cannot fail")


def test_a_good_library(folder):
    with_library(folder)
    text, _ = probe(folder, "--run-vendor-code")
    compare("nvidia-asked", hardware_of(text), folder)
    told, library = asked(folder)
    device = library["devices"][0]
    check(library["driver_version"] == "550.54.15" and len(library["devices"]) == 2, f"a good library: {library}")
    check(device["power_w"] == 55 and device["memory_bytes"] == 40 << 30 and device["ecc_mode"] == "on", f"its first card: {device}")
    check(library["devices"][1]["throttle_reasons"] == ["sw power cap"], "its second card is held down")
    check(told["paths"][0].get("peer_access") is True, f"peer access: {told['paths'][0]}")
    check("probe.card-missing" in codes(told), "it knows two of four cards")


def test_a_clone_with_fewer_functions(folder):
    with_library(folder, source="ASSAY_FAKE_NVML_CLONE", name="iluvatar", place=IXML_PLACE)
    _, library = asked(folder)
    device = library["devices"][0]
    check(library["library"] == "libixml.so" and device["power_w"] == 55, f"a clone: {library}")
    check("power_limit_w" not in device and "ecc_mode" not in device, "what it lacks stays unknown")


def test_libraries_that_misbehave(folder):
    said = {
        "hang": "hangs",
        "crash": "signal 11",
        "exit": "exit code 0",
        "refuse": "driver not loaded",
        "endless": "hangs",
    }
    for behaviour, words in said.items():
        root = folder / behaviour
        with_library(root, behaviour)
        told, library = asked(root)
        check(words in library.get("error", ""), f"{behaviour}: {library}")
        check("probe.management-failed" in codes(told), f"{behaviour}: {codes(told)}")
        check(len(told["accelerators"]) == 4, f"{behaviour}: the cards are there whatever the library does")


def test_a_library_that_prints_cannot_lie(folder):
    with_library(folder, "print")
    told, library = asked(folder)
    check(library["devices"][0]["name"] == "Fake card 0" and "probe.management-prints" in codes(told), f"print: {library} {codes(told)}")


def test_a_library_that_forks_leaves_nobody_behind(folder):
    with_library(folder, "fork")
    _, library = asked(folder)
    check(len(library["devices"]) == 2, f"fork: {library}")
    # What was killed may need a moment to go.
    for _ in range(200):
        left = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True).stdout.split()
        if not left:
            break
    check(not left, f"left behind: {left}")


def test_numbers_that_no_card_can_have(folder):
    with_library(folder, "odd")
    told, library = asked(folder)
    check("power_w" not in library["devices"][0] and "probe.management-odd" in codes(told), f"odd: {library}")


def test_a_lost_card_keeps_its_place(folder):
    with_library(folder, "lost")
    _, library = asked(folder)
    check(len(library["devices"]) == 2 and library["devices"][1] == {}, f"lost: {library}")


def test_a_library_for_another_processor(folder):
    host = with_library(folder)
    elf = bytearray(host.at(NVML_PLACE).read_bytes())
    elf[18:20] = (183 if elf[18] == 62 else 62).to_bytes(2, "little")
    host.file(NVML_PLACE, bytes(elf))
    _, library = asked(folder)
    check("built for" in library.get("error", ""), f"another processor: {library}")
    host.file(NVML_PLACE, "not a library\n")
    _, library = asked(folder)
    check("error" in library, f"no library at all: {library}")


def test_many_that_hang_hang_at_once(folder):
    host = with_library(folder, "hang")
    host.copy(IXML_PLACE, os.environ["ASSAY_FAKE_NVML_CLONE"])
    host.file(IXML_PLACE + ".behaviour", "hang")
    told, _ = asked(folder)
    check(len(told["management"]) == 2 and all("hangs" in library.get("error", "") for library in told["management"]), f"{told['management']}")


def run_roofline(folder, behaviour):
    """The roofline of an engine that is made up, on a machine with cards and their library; its dossier as JSON."""
    hosts.write("nvidia", folder)
    libraries = folder / "libraries"
    libraries.mkdir()
    (libraries / "libnvidia-ml.so.1").write_bytes(Path(os.environ["ASSAY_FAKE_NVML"]).read_bytes())
    (libraries / "libnvidia-ml.so.1.behaviour").write_text(behaviour)
    environment = {**ENVIRONMENT, "HOME": str(folder), "ASSAY_SYSFS": str(folder / "sys"), "LD_LIBRARY_PATH": str(libraries)}
    program, out = os.environ["ASSAY_FAKE"], str(folder / "run")
    ran = subprocess.run([program, "run", "--only", "roofline", "--quick", "--out", out], env=environment, capture_output=True, timeout=60)
    check(ran.returncode in (0, 1), f"a roofline beside cards ({behaviour}): {ran.stderr.decode(errors='replace')}")
    return subprocess.run([program, "report", out, "--json"], env=environment, capture_output=True, text=True, timeout=60).stdout


def test_the_roofline_samples_the_cards(folder):
    text = run_roofline(folder / "good", "")
    check('"energy_j"' in text and "libnvidia-ml.so.1/0000:33:00.0" in text, "no energy of the cards in a roofline")
    for behaviour in ("silent-later", "gone-later"):
        run_roofline(folder / behaviour, behaviour)


def test_it_is_fast(folder):
    hosts.write("nvidia", folder)
    took_s = min(probe(folder)[1] for _ in range(5))
    print(f"probe of a simulated host: {took_s * 1000:.0f} ms")
    check(took_s < MOST_UNASKED_S, f"a probe that runs nothing of a vendor's took {took_s:.2f} s, the shortest of five")


def main():
    tests = [value for name, value in globals().items() if name.startswith("test_")]
    for test in tests:
        with tempfile.TemporaryDirectory(prefix="assay-probe-", dir="/tmp") as folder:
            test(Path(folder))
    print(f"{len(tests)} tests, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
