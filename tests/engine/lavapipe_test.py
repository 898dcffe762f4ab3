"""Mesa's software Vulkan device (lavapipe) is among the devices wherever the machine has one: ggml passes over software devices, and
assay must ask for it. Where the driver is there and does not load, that is the machine's fault and a skip; where it loads and
`assay probe` does not show it, that is ours."""

import ctypes
import ctypes.util
import json
import os
import subprocess
import sys
from pathlib import Path

ASSAY = os.environ["ASSAY"]
SKIPPED = 77
DRIVER_FOLDERS = ("/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d")
# As assay sees that there is a real graphics device, which ggml prefers.
GRAPHICS_NODES = ("/dev/dri", "/dev/nvidiactl", "/dev/kfd", "/dev/dxg")


def lavapipe_manifest():
    for folder in DRIVER_FOLDERS:
        for path in sorted(Path(folder).glob("lvp_icd*.json")):
            return path
    return None


def is_loadable(library):
    try:
        ctypes.CDLL(library)
        return True
    except OSError:
        return False


def why_there_is_none(manifest):
    if manifest is None:
        return f"no manifest lvp_icd*.json in {', '.join(DRIVER_FOLDERS)}"
    driver = json.loads(manifest.read_text())["ICD"]["library_path"]
    if "/" in driver:
        driver = str(manifest.parent / driver)
    for library in ("libvulkan.so.1", driver):
        if not is_loadable(library):
            return f"{library} does not load"
    return ""


def main():
    manifest = lavapipe_manifest()
    if why := why_there_is_none(manifest):
        print(f"skipped: this machine has no lavapipe: {why}")
        return SKIPPED
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("GGML_VK_VISIBLE_DEVICES", "VK_ICD_FILENAMES", "VK_DRIVER_FILES")}
    if any(Path(node).exists() for node in GRAPHICS_NODES):
        # Beside a graphics device the software one is only taken when it is named.
        environment.update(VK_DRIVER_FILES=str(manifest), VK_ICD_FILENAMES=str(manifest), GGML_VK_VISIBLE_DEVICES="0")
    result = subprocess.run([ASSAY, "probe", "--json"], env=environment, capture_output=True, text=True, timeout=120,
                            stdin=subprocess.DEVNULL, check=False)
    if result.returncode != 0:
        print(f"FAULT: assay probe ends with {result.returncode}: {result.stderr[-500:]}")
        return 1
    host = json.loads(result.stdout)
    found = [device for device in host["devices"] if device["backend"] == "Vulkan" and "llvmpipe" in device["description"]]
    if len(found) != 1 or found[0]["memory_bytes"] <= 0:
        print(f"FAULT: {manifest} is there and loads, and the devices are {host['devices']}, {host.get('devices_error', 'no error')}")
        return 1
    print(f"{found[0]['name']}: {found[0]['description']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
