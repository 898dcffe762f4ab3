"""The device that PyTorch is to work on, whoever's it is: which of the names cuda, musa, npu, xpu, mlu, hpu, cpu has one, what it
calls itself, how it is waited for. Vendors' plug-ins are imported where they are there, and each is asked; what goes wrong
in that is a finding."""
import importlib
import importlib.util
import os
import sys

# The device string, what registers it (a package, or none where PyTorch has it itself), whose kernels multiply matrices
# there, and the backend of its collectives.
CANDIDATES = (
    ("cuda", None, "cuBLAS", "nccl"),
    ("musa", "torch_musa", "muBLAS", "mccl"),
    ("npu", "torch_npu", "CANN", "hccl"),
    ("xpu", "intel_extension_for_pytorch", "oneDNN", "xccl"),
    ("mlu", "torch_mlu", "CNNL", "cncl"),
    ("hpu", "habana_frameworks.torch.core", "Habana", "hccl"),
)


class Absent(Exception):
    """There is nothing to be measured here: said, and no failure."""


def import_torch():
    """PyTorch. Absent without it; one that is there and does not load is an error of its own."""
    if importlib.util.find_spec("torch") is None:
        raise Absent("PyTorch is not installed for this Python")
    return importlib.import_module("torch")


class Device:
    """One device. `module` is torch.cuda, torch.npu …, or None for the CPU."""

    def __init__(self, torch, kind, index, library, backend):
        self.torch, self.kind, self.backend = torch, kind, backend
        self.module = None if kind == "cpu" else getattr(torch, kind)
        self.string = kind if kind == "cpu" else "%s:%d" % (kind, index)
        self.index = index
        self.framework = "PyTorch %s" % torch.__version__
        self.blas = library
        self.library = "%s through %s" % (library, self.framework)

    @property
    def is_cpu(self):
        return self.kind == "cpu"

    def synchronise(self):
        if self.module is not None and hasattr(self.module, "synchronize"):
            self.module.synchronize()

    def count(self):
        return 1 if self.is_cpu else int(self.module.device_count())

    def name(self):
        if self.is_cpu:
            return cpu_name() or "CPU"
        try:
            return str(self.module.get_device_name(self.index))
        except Exception:  # a plug-in that does not tell
            return self.string

    def memory_bytes(self):
        """All of it; None where it is not told."""
        if self.is_cpu:
            return memory_of_host("MemTotal:")
        try:
            return int(self.module.get_device_properties(self.index).total_memory)
        except Exception:
            return None

    def free_bytes(self):
        if self.is_cpu:
            return memory_of_host("MemAvailable:") or 1 << 30
        try:
            return int(self.module.mem_get_info(self.index)[0])
        except Exception:
            return (self.memory_bytes() or 4 << 30) // 2

    def capability(self):
        try:
            return ".".join(str(part) for part in self.module.get_device_capability(self.index))
        except Exception:
            return None


def cpu_name():
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.lower().startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return None


def memory_of_host(key):
    try:
        with open("/proc/meminfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith(key):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return None


def cache_bytes():
    """The largest cache of the host, over all its processors; 0 where it is not told."""
    largest, folder = 0, "/sys/devices/system/cpu/cpu0/cache"
    try:
        for entry in os.listdir(folder):
            try:
                with open("%s/%s/size" % (folder, entry), encoding="utf-8") as file:
                    text = file.read().strip()
            except OSError:
                continue
            scale = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1:], 1)
            largest = max(largest, int(text.rstrip("KMG") or 0) * scale)
    except (OSError, ValueError):
        pass
    return largest


def import_plugin(kit, name):
    try:
        if importlib.util.find_spec(name) is None:
            return
        importlib.import_module(name)
    except ModuleNotFoundError:
        return  # a parent package is missing
    except Exception as error:
        kit.finding("doubtful", "plug-in-broken", "%s is there and does not load: %s: %s" % (name, type(error).__name__, error))


def is_available(kit, torch, kind):
    module = getattr(torch, kind, None)
    if module is None or not hasattr(module, "is_available"):
        return False
    try:
        return bool(module.is_available()) and int(module.device_count()) > 0
    except Exception as error:
        kit.finding("doubtful", "device-broken", "torch.%s does not tell whether it has a device: %s: %s" % (
            kind, type(error).__name__, error))
        return False


def cuda_library(torch, kind, library):
    """On ROCm the device string is cuda, and the kernels are others. A clone of CUDA shows in PyTorch's own version only."""
    return "hipBLAS" if kind == "cuda" and getattr(torch.version, "hip", None) else library


def cpu_library(torch):
    if torch.backends.mkldnn.is_available():
        return "oneDNN"
    return cpu_blas(torch)


def cpu_blas(torch):
    mkl = getattr(torch.backends, "mkl", None)
    return "MKL" if mkl is not None and mkl.is_available() else "BLAS"


def candidates(torch):
    """With a backend that some plug-in has registered under a name that is not known here."""
    listed = list(CANDIDATES)
    try:
        name = torch._C._get_privateuse1_backend_name()
        if name not in ("privateuseone", *(kind for kind, _, _, _ in listed)):
            listed.append((name, None, "the kernels of %s" % name, name))
    except AttributeError:
        pass
    return listed


def find_device(kit, torch):
    """The device that the parameter `device` names, else the first that is there."""
    wanted = str(kit.parameters.get("device", ""))
    if wanted.lower() == "cpu":
        return Device(torch, "cpu", 0, cpu_library(torch), "gloo")
    kind, _, index = wanted.partition(":")
    if index and not index.isdigit():
        raise Absent("the device string '%s' is none: 'cuda', 'npu:1'" % wanted)
    if kit.parameters.get("plugin"):
        import_plugin(kit, str(kit.parameters["plugin"]))
    for plugin in (plugin for known, plugin, _, _ in CANDIDATES if plugin and (not kind or known == kind)):
        import_plugin(kit, plugin)
    for name, _, library, backend in candidates(torch):
        if kind and name != kind:
            continue
        if is_available(kit, torch, name):
            device = Device(torch, name, int(index or 0), cuda_library(torch, name, library), backend)
            if device.index >= device.count():
                raise Absent("PyTorch has %d of the device '%s', and %s was asked for" % (device.count(), name, wanted))
            if hasattr(device.module, "set_device"):
                device.module.set_device(device.index)
            return device
    if kind:
        raise Absent("PyTorch %s has no device '%s' here" % (torch.__version__, wanted))
    return Device(torch, "cpu", 0, cpu_library(torch), "gloo")


# Types that matrices are multiplied in, as assay names them, and how PyTorch does.
TYPES = (("f32", "float32"), ("tf32", "float32"), ("f16", "float16"), ("bf16", "bfloat16"), ("int8", "int8"))
# How far the relative error (Frobenius norm) of a product of random matrices with k = 256 may be, against f64.
TOLERANCE = {"f32": 1e-5, "tf32": 3e-3, "f16": 3e-3, "bf16": 2e-2, "int8": 0.0}


def open_device(kit):
    """PyTorch and the device to measure; None where there is none, which the kit has then said, and is done."""
    try:
        torch = import_torch()
        return torch, find_device(kit, torch)
    except Absent as why:
        kit.absent("%s (%s)" % (why, sys.executable))
        kit.done()
        return None


class Precision:
    """Whether f32 products may be computed in tf32, where the backend has such a switch."""

    def __init__(self, device):
        backend = getattr(device.torch.backends, device.kind, None)
        matmul = getattr(backend, "matmul", None)
        self._place = matmul if hasattr(matmul, "allow_tf32") else None

    @property
    def has_switch(self):
        return self._place is not None

    def allow_tf32(self, allowed):
        if self._place is not None:
            self._place.allow_tf32 = allowed


class Matrices:
    """Two matrices of a type on a device, and their product."""

    def __init__(self, device, dtype, n, seed=1):
        torch = device.torch
        self.torch, self.device, self.dtype = torch, device, dtype
        generator = torch.Generator().manual_seed(seed)
        name = dict(TYPES)[dtype]
        if dtype == "int8":
            make = lambda: torch.randint(-8, 8, (n, n), generator=generator, dtype=torch.int8)
        else:
            make = lambda: torch.randn((n, n), generator=generator).to(getattr(torch, name))
        self.a, self.b = make(), make()
        self.on_a, self.on_b = self.a.to(device.string), self.b.to(device.string)
        if dtype == "int8":
            self.on_b = self.on_b.t().contiguous().t()  # as the tensor cores want it

    def multiply(self):
        if self.dtype == "int8":
            return self.torch._int_mm(self.on_a, self.on_b)
        return self.torch.matmul(self.on_a, self.on_b)

    def error(self):
        """Of the product against f64 on the CPU, relative, in the Frobenius norm."""
        truth = self.torch.matmul(self.a.double(), self.b.double())
        got = self.multiply().cpu().double()
        return float((got - truth).norm() / truth.norm())


def type_fault(device, dtype, n=256):
    """(what is wrong, whether the type is merely missing); ("", False) where it multiplies as f64 does."""
    try:
        error = Matrices(device, dtype, n).error()
    except Exception as raised:
        return "%s: %s" % (type(raised).__name__, str(raised).splitlines()[0] if str(raised) else ""), True
    if error <= TOLERANCE[dtype]:
        return "", False
    return "the relative error against f64 is %.2g, and %.2g is allowed" % (error, TOLERANCE[dtype]), False


def types_of(device, precision):
    """Those worth trying: tf32 only where there is a switch between it and f32."""
    return [name for name, _ in TYPES if name != "tf32" or precision.has_switch]
