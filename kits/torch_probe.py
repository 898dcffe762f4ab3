#!/usr/bin/env python3
"""The kit torch-probe: what PyTorch is here, which devices it has and what they say of themselves, and which types multiply a
small matrix as f64 on the CPU does. Standard library and PyTorch only."""
import importlib.util
import platform

import assay_kit
import torch_devices

VERSION = "1.0"
# Beside PyTorch: what is told of each is that it is there and its version.
PACKAGES = ("torch_npu", "torch_musa", "torch_mlu", "habana_frameworks", "intel_extension_for_pytorch", "torchvision", "triton", "flash_attn",
            "vllm", "onnxruntime", "apex", "deepspeed")
MOST_LISTED = 16


def version_of(package):
    """By the metadata of the distribution: nothing is imported for it. None where it is not there."""
    try:
        if importlib.util.find_spec(package) is None:
            return None
    except (ImportError, ValueError):
        return None
    try:
        from importlib import metadata
        return metadata.version(package)
    except Exception:
        return "version unknown"


def details_of(kit, torch, device):
    details = {"framework": device.framework, "python": platform.python_version(), "device_string": device.string, "devices": device.count(),
               "memory_bytes": device.memory_bytes(), "capability": device.capability()}
    for name in ("cuda", "hip", "musa", "cann"):
        told = getattr(torch.version, name, None)
        if told:
            details["built_for_" + name] = str(told)
    for package in PACKAGES:
        version = version_of(package)
        if version:
            details["package_" + package] = version
    if not device.is_cpu:
        for index in range(min(device.count(), MOST_LISTED)):
            other = torch_devices.Device(torch, device.kind, index, device.blas, device.backend)
            details["device_%d" % index] = other.name()
    details["types"] = ", ".join(good_types(kit, device)) or "none"
    return details


def good_types(kit, device):
    """Those that multiply rightly; of the others a finding says what is wrong."""
    precision, good = torch_devices.Precision(device), []
    for dtype in torch_devices.types_of(device, precision):
        precision.allow_tf32(dtype == "tf32")
        fault, is_missing = torch_devices.type_fault(device, dtype)
        if not fault:
            good.append(dtype)
        elif is_missing:
            kit.finding("note", "matmul-%s-missing" % dtype, "%s does not multiply %s: %s" % (device.string, dtype, fault), dtype=dtype)
        elif dtype == "f32" and torch_devices.Matrices(device, "f32", 256).error() <= torch_devices.TOLERANCE["tf32"]:
            kit.finding("note", "f32-is-tf32", "f32 matrices are multiplied in tf32 or the like, and nothing says so: %s" % fault, dtype=dtype)
        else:
            kit.finding("blocker", "matmul-%s-wrong" % dtype, "%s multiplies %s wrongly: %s" % (device.string, dtype, fault), dtype=dtype)
    precision.allow_tf32(False)
    return good


def main():
    kit = assay_kit.Kit("torch-probe", VERSION)
    found = torch_devices.open_device(kit)
    if found is None:
        return
    torch, device = found
    kit.device(device.name(), device.library, details_of(kit, torch, device))
    memory = device.memory_bytes()
    if memory:
        kit.record("device_memory_bytes", "bytes", [float(memory)], "as PyTorch tells it" if not device.is_cpu else "MemTotal of /proc/meminfo",
                   device_string=device.string)
    kit.done()


if __name__ == "__main__":
    main()
