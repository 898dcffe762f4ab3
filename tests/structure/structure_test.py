"""The structure of src/ as docs/architecture.md tells it: includes point down only, a folder is entered by its front door,
heavy headers stand in one file each, foreign headers where they belong, and every source includes what it names."""

import os
import re
import sys
import tempfile
from pathlib import Path

from own_includes import OwnIncludes

SOURCE = Path(os.environ["ASSAY_SOURCE"])
SRC = SOURCE / "src"

# What each folder may include, by name; a folder may always include itself.
SEES = {
    "base": set(),
    "os": {"base"},
    "http": {"base", "os"},
    "measure": {"base", "os"},
    "evidence": {"base", "os"},
    "catalogue": {"base", "os", "measure", "evidence", "http"},
    "workload": {"base", "os", "measure", "evidence", "http"},
    "scenario": {"base", "os", "http", "measure", "evidence", "catalogue", "workload"},
    "target": {"base", "os", "http", "measure", "evidence", "catalogue", "workload"},
    "emulate": {"base", "os", "http", "measure"},
    "load": {"base", "os", "measure", "evidence", "catalogue", "workload", "target"},
    "exam": {"base", "os", "http", "measure", "evidence", "catalogue", "workload", "scenario", "target", "load"},
    "report": {"base", "os", "measure", "evidence", "catalogue"},
    "engine": {"base", "os", "measure", "workload"},
    "bundle": set(),
}
SEES["cli"] = set(SEES) - {"engine", "bundle"}

# Where another header of a folder than its front door may be entered by: what assembles the whole needs more of exam than
# those who merely know that there are exams.
SIDE_DOORS = {
    ("cli/progress.h", "exam/evaluation.h"),
    ("cli/session.h", "exam/evaluation.h"),
    ("cli/progress.cc", "report/wrap.h"),  # findings read alike while a run goes on and in its summary
    ("cli/probe_software_text.cc", "report/wrap.h"),
    ("cli/chip_text.cc", "report/wrap.h"),  # the same lines of at most 80 columns
    ("exam/load/token_counter.cc", "workload/tokenizer/tokenizer.h"),  # one user; the front door is in every file
}

# Headers that cost seconds, each allowed in the named files only.
HEAVY = {
    r"CLI/": {"cli/options.cc"},
    r"nlohmann/": {"base/json.cc"},
    r"toml\+\+/": {"base/toml.cc"},
    r"simdjson\.h": {"target/endpoint/endpoint_chunk.cc", "target/endpoint/json_walk.cc", "emulate/request_body.cc"},
    r"hwloc\.h": {"exam/probe/topology.cc"},
    r"(gelf|libelf)\.h": {"exam/probe/elf_file.cc"},
    r"pci/": {"exam/probe/pci_library.cc"},
    r"sqlite3\.h": "evidence/",
    r"openssl/": {"http/tls.cc"},
    r"pcre2\.h": {"workload/tokenizer/token_pattern.cc"},
    r"utf8proc\.h": {"workload/tokenizer/normaliser.cc"},
    r"(ggml[a-z-]*|llama|gguf)\.h$": "engine/",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def includes(path):
    return [match.group(2) for match in INCLUDE.finditer(path.read_text())]


def own_include(name):
    return (SRC / name).exists()


def direction_faults(path):
    folder = path.relative_to(SRC).parts[0]
    for name in includes(path):
        if not own_include(name) or "/" not in name:
            continue
        other = name.split("/")[0]
        if other == folder:
            continue
        if folder.endswith(".cc"):  # main.cc sees everything
            continue
        if other not in SEES[folder]:
            yield f"{path.relative_to(SOURCE)}: {folder} must not include {name}"
        is_front_door = name == f"{other}/{other}.h"
        is_test = path.name.endswith("_test.cc")
        is_side_door = (str(path.relative_to(SRC)), name) in SIDE_DOORS
        if not is_front_door and not is_test and not is_side_door:
            yield f"{path.relative_to(SOURCE)}: enter {other} by {other}/{other}.h, not by {name}"


def side_door_faults():
    """An exception that nobody needs any more must not stay."""
    for user, name in sorted(SIDE_DOORS):
        if not own_include(user) or name not in includes(SRC / user):
            yield f"tests/structure: src/{user} does not include {name}, so this is no exception"


def link_faults():
    """A folder that may include another one is linked with it."""
    rows = re.compile(r"^assay_folder\((\w+)\s+(?:COLD\s+)?(?:COLD_ROOMS\s[a-z_ ]+?)?DEPENDS ([^)]*)\)", re.M)
    linked = {}
    for folder, depends in rows.findall((SOURCE / "CMakeLists.txt").read_text()):  # in the order in which they depend on each other
        direct = re.findall(r"assay_(\w+)", depends)
        linked[folder] = {folder}.union(*({other} | linked.get(other, set()) for other in direct))
    for folder, seen in SEES.items():
        for other in sorted(seen - linked.get(folder, set())):
            yield f"tests/structure: {folder} may include {other}, but CMakeLists.txt does not link it"


def heavy_faults(path):
    relative = str(path.relative_to(SRC))
    for name in includes(path):
        if own_include(name):
            continue
        for pattern, where in HEAVY.items():
            if not re.match(pattern, name):
                continue
            allowed = relative.startswith(where) if isinstance(where, str) else relative in where
            # Tests and what only they include; elsewhere a library costs every build its seconds.
            is_test = "_test" in relative and (isinstance(where, str) or pattern == r"openssl/")
            if not allowed and not is_test:
                yield f"src/{relative}: <{name}> belongs into {where}"


def first_paragraph_faults(path):
    if not path.read_text().startswith("//"):
        yield f"{path.relative_to(SOURCE)}: begins without a paragraph that says what it is"


def self_check():
    """A reader that no longer sees anything would be content with every source."""
    with tempfile.TemporaryDirectory() as folder:
        src = Path(folder)
        (src / "thing.h").write_text("#include <string>\nstruct Thing {\n  std::string name;\n};\nvoid print(const Thing& thing);\n")
        (src / "good.cc").write_text('#include "thing.h"\nvoid f(Thing t) { print(t); }  // std::vector\n')
        (src / "bad.cc").write_text("#include <map>\nauto g(Thing* t) { std::max(1, std::vector{2}[0]); return print(*t); }\n")
        reader = OwnIncludes(src)
        assert not list(reader.faults(src / "good.cc")) and not list(reader.faults(src / "thing.h"))
        missed = [fault.split()[1] for fault in reader.faults(src / "bad.cc")]
        assert missed == ["std::max", "std::vector", "Thing", "print"], missed


def main():
    sources = sorted(p for p in SRC.rglob("*") if p.suffix in (".cc", ".h"))
    headers = [p for p in sources if p.suffix == ".h"]
    assert len(headers) > 20, "the sources were not found"
    self_check()
    faults = [*side_door_faults(), *link_faults()]
    own_includes = OwnIncludes(SRC)
    for path in sources:
        faults += own_includes.faults(path)
        faults += direction_faults(path)
        faults += heavy_faults(path)
        faults += first_paragraph_faults(path)
    for fault in faults:
        print(fault)
    print(f"{len(sources)} files, {len(headers)} headers, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
