#!/usr/bin/env python3
"""Writes fuzz/corpus/gguf: tiny GGUF files, one well-formed and one for each way in which a file can be wrong."""
import pathlib
import struct

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
FORMATS = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "B", U64: "Q", I64: "q", F64: "d"}


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def value(kind, content):
    if kind == STRING:
        return text(content)
    if kind == ARRAY:
        element, items = content
        return struct.pack("<IQ", element, len(items)) + b"".join(value(element, item) for item in items)
    return struct.pack("<" + FORMATS[kind], content)


def entry(key, kind, content):
    return text(key) + struct.pack("<I", kind) + value(kind, content)


def tensor(name, shape, kind, offset):
    return text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape) + struct.pack("<IQ", kind, offset)


def gguf(entries, tensors, data, version=3, magic=b"GGUF", alignment=32):
    head = magic + struct.pack("<IQQ", version, len(tensors), len(entries)) + b"".join(entries) + b"".join(tensors)
    return head + bytes(-len(head) % alignment) + data


ENTRIES = [
    entry("general.architecture", STRING, "llama"),
    entry("general.name", STRING, "corpus"),
    entry("llama.block_count", U32, 1),
    entry("llama.context_length", U32, 64),
    entry("llama.embedding_length", U32, 32),
    entry("llama.attention.head_count", ARRAY, (U32, [4, 2])),
    entry("tokenizer.ggml.model", STRING, "llama"),
    entry("tokenizer.ggml.tokens", ARRAY, (STRING, ["<unk>", "<s>", "a"])),
]
TENSORS = [tensor("token_embd.weight", [32, 3], 0, 0), tensor("blk.0.attn_q.weight", [32, 2], 8, 384)]
DATA = bytes(384 + 68 + 28)
GOOD = gguf(ENTRIES, TENSORS, DATA)
EVERY_KIND = [entry(f"k{kind}", kind, 1) for kind in FORMATS] + [entry("text", STRING, "x")]


def with_entries(*more):
    return gguf(ENTRIES + list(more), TENSORS, DATA)


FILES = {
    "good": GOOD,
    "every_kind": gguf(ENTRIES + EVERY_KIND, TENSORS, DATA),
    "version_2": gguf(ENTRIES, TENSORS, DATA, version=2),
    "version_1": gguf(ENTRIES, TENSORS, DATA, version=1),
    "big_endian": gguf(ENTRIES, TENSORS, DATA, version=0x03000000),
    "empty": b"",
    "other_magic": gguf(ENTRIES, TENSORS, DATA, magic=b"GGML"),
    "only_magic": b"GGUF",
    "cut_in_metadata": GOOD[:90],
    "cut_in_data": GOOD[:-100],
    "huge_counts": b"GGUF" + struct.pack("<IQQ", 3, 2**63, 2**64 - 1),
    "long_string": b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 2**63) + b"x",
    "long_array": b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("a") + struct.pack("<IIQ", ARRAY, F64, 2**61),
    "nested_array": b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("a") + struct.pack("<IIQ", ARRAY, ARRAY, 1),
    "unknown_kind": b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("a") + struct.pack("<I", 99),
    "duplicate_key": with_entries(entry("general.name", STRING, "again")),
    "alignment_3": with_entries(entry("general.alignment", U32, 3)),
    "alignment_text": with_entries(entry("general.alignment", STRING, "32")),
    "alignment_64": gguf(ENTRIES + [entry("general.alignment", U32, 64)], TENSORS, DATA, alignment=64),
    "duplicate_tensor": gguf(ENTRIES, [TENSORS[0], tensor("token_embd.weight", [32, 2], 8, 384)], DATA),
    "five_dimensions": gguf(ENTRIES, [tensor("t", [1, 1, 1, 1, 1], 0, 0)], DATA),
    "zero_dimension": gguf(ENTRIES, [tensor("t", [32, 0], 0, 0)], DATA),
    "overflowing_shape": gguf(ENTRIES, [tensor("t", [2**32, 2**32, 2**32], 0, 0)], DATA),
    "unknown_type": gguf(ENTRIES, [tensor("t", [32], 4, 0)], DATA),
    "ragged_row": gguf(ENTRIES, [tensor("t", [33, 2], 8, 0)], DATA),
    "offset_gap": gguf(ENTRIES, [TENSORS[0], tensor("t", [32, 2], 8, 416)], DATA),
    "offset_overlap": gguf(ENTRIES, [TENSORS[0], tensor("t", [32, 2], 8, 0)], DATA),
    "offset_far": gguf(ENTRIES, [tensor("t", [32], 0, 2**62)], DATA),
    "long_tensor_name": gguf(ENTRIES, [tensor("n" * 64, [32], 0, 0)], DATA),
    "no_architecture": gguf(ENTRIES[1:], TENSORS, DATA),
    "no_tokenizer": gguf(ENTRIES[:6], TENSORS, DATA),
    "duplicate_token": gguf(ENTRIES[:7] + [entry("tokenizer.ggml.tokens", ARRAY, (STRING, ["a", "a"]))], TENSORS, DATA),
    "split_99999": with_entries(entry("split.count", U32, 99999)),
}

folder = pathlib.Path(__file__).parent / "corpus" / "gguf"
folder.mkdir(parents=True, exist_ok=True)
for name, content in FILES.items():
    (folder / f"{name}.gguf").write_bytes(content)
print(f"{len(FILES)} files in {folder}")
