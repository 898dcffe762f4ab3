"""A PyTorch that has no kernels: as much of its interface as the kits of kits/ use, over lists of Python, and a device that
behaves as FAKE_TORCH says: a name out of cuda, musa, npu, hip, cpu, and with "+" what is wrong with it: "cuda+wrong-f16"."""
import os
import sys
import time
import types

__version__ = "2.1.0+fake"
_WORDS = os.environ.get("FAKE_TORCH", "cpu").split("+")
_KIND, _FAULTS = _WORDS[0], set(_WORDS[1:])

if "broken" in _FAULTS:
    raise OSError("libfake.so: cannot open shared object file")
if "crash" in _FAULTS:
    os.abort()
if "hang" in _FAULTS:
    time.sleep(1000)
if "prints" in _FAULTS:
    os.write(1, b"[FAKE] a banner of the vendor's\n")

float32, float16, bfloat16, int8, float64 = "float32", "float16", "bfloat16", "int8", "float64"
version = types.SimpleNamespace(cuda="10.2" if _KIND == "cuda" else None, hip="6.0" if _KIND == "hip" else None)
_C = types.SimpleNamespace(_get_privateuse1_backend_name=lambda: "privateuseone")


class Tensor:
    """Shape, type and place; of its values only how far they are from the truth, as one number."""

    def __init__(self, shape, dtype=float32, device="cpu", error=0.0):
        self.shape, self.dtype, self.device, self.error = tuple(shape), dtype, device, error

    def _as(self, **changes):
        made = Tensor(self.shape, self.dtype, self.device, self.error)
        made.__dict__.update(changes)
        return made

    def numel(self):
        count = 1
        for size in self.shape:
            count *= size
        return count

    def to(self, what):
        return self._as(dtype=what) if what in (float32, float16, bfloat16, int8) else self._as(device=what)

    def double(self):
        return self._as(dtype=float64)

    def t(self):
        return self

    contiguous = cpu = t

    def norm(self):
        return Norm(abs(self.error) or 1.0)

    def __sub__(self, other):
        return Difference(abs(self.error - other.error))

    def add_(self, _):
        return self

    def copy_(self, _):
        _launch()
        return self

    def fill_(self, _):
        return self

    def pin_memory(self):
        if "no-pinned" in _FAULTS:
            raise RuntimeError("cannot pin")
        return self


class Norm(float):
    pass


class Difference:
    def __init__(self, value):
        self.value = value

    def norm(self):
        return Norm(self.value)


class Generator:
    def manual_seed(self, _):
        return self


def _launch():
    time.sleep(0.00002)


# Of a product against f64, as the types round; the fault makes it a wrong answer.
_ERRORS = {float32: 1e-7, float16: 5e-4, bfloat16: 4e-3, int8: 0.0}


def _product(a, b):
    if a.dtype == float64:
        return Tensor(a.shape, float64)
    _launch()
    if a.dtype == bfloat16 and "no-bf16" in _FAULTS:
        raise RuntimeError("not implemented for 'BFloat16'")
    error = _ERRORS[a.dtype]
    if a.dtype == float16 and "wrong-f16" in _FAULTS:
        error = 0.7
    if a.dtype == float32 and ("tf32" in _FAULTS or (_matmul is not None and _matmul.allow_tf32)):
        error = 5e-4
    if "out-of-memory" in _FAULTS and a.shape[0] > 512:
        raise RuntimeError("out of memory\nTried to allocate")
    return Tensor(a.shape, a.dtype, a.device, error)


def matmul(a, b):
    return _product(a, b)


if "no-int8" not in _FAULTS:
    def _int_mm(a, b):
        return _product(a, b)


def randn(*shape, generator=None, device="cpu", dtype=float32):
    return Tensor(shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape, dtype, device)


def randint(_low, _high, shape, generator=None, dtype=int8):
    return Tensor(shape, dtype)


def ones(*shape, device="cpu", dtype=float32):
    return Tensor(shape, dtype, device)


zeros = ones


def add(a, b, alpha=1.0, out=None):
    _launch()
    return out


def get_num_threads():
    return 2


_matmul = types.SimpleNamespace(allow_tf32=False) if _KIND == "cuda" else None
backends = types.SimpleNamespace(
    mkldnn=types.SimpleNamespace(is_available=lambda: True), mkl=types.SimpleNamespace(is_available=lambda: False),
    cuda=types.SimpleNamespace(matmul=_matmul))
distributed = types.SimpleNamespace(is_available=lambda: False)
nn = types.SimpleNamespace(functional=types.SimpleNamespace())
if "no-attention" not in _FAULTS:
    nn.functional.scaled_dot_product_attention = lambda query, key, value: (_launch(), query)[1]


def _module(name):
    def is_available():
        if "broken-device" in _FAULTS:
            raise RuntimeError("driver too old")
        return True
    return types.SimpleNamespace(
        is_available=is_available, device_count=lambda: 2 if "two" in _FAULTS else 1, synchronize=lambda: None,
        set_device=lambda index: None, get_device_name=lambda index: name, get_device_capability=lambda index: (8, 0),
        get_device_properties=lambda index: types.SimpleNamespace(total_memory=32 << 30),
        mem_get_info=lambda index: (16 << 30, 32 << 30))


cuda = types.SimpleNamespace(is_available=lambda: False, device_count=lambda: 0)
if _KIND in ("cuda", "hip"):
    cuda = _module("Fake CUDA device")
# The others are registered by their plug-ins.
_PLUGGED = {"musa": "torch_musa", "npu": "torch_npu"}


def _register(kind):
    setattr(sys.modules[__name__], kind, _module("Fake %s device" % kind.upper()))
