#!/usr/bin/env python3
"""Writes fuzz/corpus/elf_file: small ELF files as elf_file_fuzz.cc reads them, good ones and one for each way in which an offset,
a size or a count can lie. For machines of 64 bits and little-endian order, as those that run the fuzzers are."""
import pathlib
import struct

VERDEF, VERNEED, STRTAB, INTERP = 0x6FFFFFFD, 0x6FFFFFFE, 3, 3


def elf(versions=("GLIBC_2.2.5", "GLIBC_2.36"), interpreter=b"/lib64/ld-linux-x86-64.so.2\0", **lie):
    """`lie` replaces a field: phoff, phnum, phentsize, shoff, shnum, shentsize, filesz, link, strings_size, definitions_size, next,
    aux, name, need_next, need_aux, needed_next."""
    names, definitions = b"\0", b""
    for i, version in enumerate(versions):
        next_one = lie.get("next", 28 if i + 1 < len(versions) else 0)
        definitions += struct.pack("<HHHHIII", 1, 0, i + 1, 1, 0, lie.get("aux", 20), next_one)
        definitions += struct.pack("<II", lie.get("name", len(names)), 0)
        names += version.encode() + b"\0"
    needed = struct.pack("<HHIII", 1, 2, 0, lie.get("need_aux", 16), lie.get("need_next", 0))
    for i, version in enumerate(("GLIBC_2.34", "GLIBC_2.4")):
        needed += struct.pack("<IHHII", 0, 0, 2, len(names), lie.get("needed_next", 16 if i == 0 else 0))
        names += version.encode() + b"\0"
    contents = 64 + 56
    names_at = contents + len(interpreter)
    definitions_at = names_at + len(names)
    needed_at = definitions_at + len(definitions)
    sections_at = needed_at + len(needed)
    header = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH", 3, 62, 1, 0, lie.get("phoff", 64), lie.get("shoff", sections_at), 0, 64, lie.get("phentsize", 56),
        lie.get("phnum", 1), lie.get("shentsize", 64), lie.get("shnum", 3), 0)
    segment = struct.pack("<IIQQQQQQ", INTERP, 4, contents, 0, 0, lie.get("filesz", len(interpreter)), len(interpreter), 1)

    def section(kind, offset, size):
        return struct.pack("<IIQQQQIIQQ", 0, kind, 0, 0, offset, size, lie.get("link", 0), 0, 1, 0)

    return (header + segment + interpreter + names + definitions + needed +
            section(STRTAB, names_at, lie.get("strings_size", len(names))) +
            section(VERDEF, definitions_at, lie.get("definitions_size", len(definitions))) + section(VERNEED, needed_at, len(needed)))


FILES = {
    "good": elf(),
    "no_versions": elf(versions=()),
    "one_private": elf(versions=("GLIBC_PRIVATE",)),
    "runtime": elf(versions=("GLIBCXX_3.4.30", "CXXABI_1.3.13")),
    "header_only": elf()[:64],
    "header_cut": elf()[:40],
    "no_elf": b"/* GNU ld script */ GROUP ( /lib/libc.so.6 )",
    "interpreter_endless": elf(interpreter=b"/lib/ld.so.1"),
    "interpreter_huge": elf(filesz=1 << 60),
    "segments_beyond": elf(phoff=1 << 63),
    "segments_many": elf(phnum=65535),
    "segments_odd": elf(phentsize=1),
    "sections_beyond": elf(shoff=(1 << 64) - 1),
    "sections_many": elf(shnum=65535),
    "sections_odd": elf(shentsize=63),
    "link_beyond": elf(link=0xFFFFFFFF),
    "strings_huge": elf(strings_size=1 << 62),
    "definitions_huge": elf(definitions_size=1 << 62),
    "definitions_cut": elf(definitions_size=7),
    "next_one": elf(next=1),
    "next_far": elf(next=0xFFFFFFFF),
    "aux_far": elf(aux=0xFFFFFFFF),
    "name_far": elf(name=0xFFFFFFFF),
    "need_next_one": elf(need_next=1),
    "need_next_far": elf(need_next=0xFFFFFFFF),
    "need_aux_far": elf(need_aux=0xFFFFFFFF),
    "needed_next_one": elf(needed_next=1),
}

if __name__ == "__main__":
    folder = pathlib.Path(__file__).parent / "corpus" / "elf_file"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    print(f"{len(FILES)} files in {folder}")
