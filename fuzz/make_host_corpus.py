"""Writes the corpora of the fuzzers elf and host_texts: small libraries, whole and broken, and the texts of a host.

    python3 fuzz/make_host_corpus.py
"""

import struct
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT.parent / "tests" / "probe"))

import stacks  # noqa: E402


def cache(entries):
    head = b"glibc-ld.so.cache1.1" + struct.pack("<I", len(entries))
    head = head.ljust(48, b"\0")
    rows, texts = b"", b""
    start = len(head) + 24 * len(entries)
    for name, path in entries:
        at = start + len(texts)
        texts += name + b"\0" + path + b"\0"
        rows += struct.pack("<iIIIQ", 0x303, at, at + len(name) + 1, 0, 0)
    return head + rows + texts


def main():
    good = stacks.library(soname="libcudart.so.10.2", needed=("libixthunk.so",), symbols=("cudaMalloc",), texts=("CUDA version 10.2",))
    far = bytearray(good)
    far[40:48] = struct.pack("<Q", 1 << 60)  # section headers beyond everything
    many = bytearray(good)
    many[56:58] = struct.pack("<H", 0xFFFF)
    elf = {"good": good, "aarch64": stacks.library("aarch64"), "cut": good[: len(good) // 2], "header": good[:64], "far_sections": bytes(far),
           "many_segments": bytes(many), "garbage": b"\x7fELF" + bytes(range(200)), "empty": b""}
    new = cache([(b"libcuda.so.1", b"/usr/lib64/libcuda.so.1"), (b"libc.so.6", b"/lib64/libc.so.6")])
    old = b"ld.so-1.7.0\0" + struct.pack("<I", 0)
    texts = {"cache_new": new, "cache_both": old.ljust(16, b"\0") + new, "cache_cut": new[:60], "cache_old": old,
             "metadata": b"Metadata-Version: 2.1\nName: torch\nVersion: 2.1.0+corex.4.0\nSummary: x\n\nText\n",
             "cdi_yaml": b'cdiVersion: 0.5.0\nkind: "nvidia.com/gpu"\n', "cdi_json": b'{"kind":"iluvatar.com/gpu"}',
             "devices": b'assay-devices {"framework": "torch", "device": "cuda", "count": 8}\nassay-devices {\n',
             "version": b"Cuda compilation tools, release 12.4, V12.4.99\n"}
    for folder, files in (("elf", elf), ("host_texts", texts)):
        place = ROOT / "corpus" / folder
        place.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (place / name).write_bytes(content)


if __name__ == "__main__":
    main()
