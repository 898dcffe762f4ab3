"""Packages: where each file that a bundle holds, or was made from, comes from; with version, licence and the licence's text."""

import os
import re
import subprocess
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
COMMON_LICENCES = Path("/usr/share/common-licenses")


class DistError(Exception):
    """What is wrong, where, and what to do."""


@dataclass
class Package:
    name: str
    version: str
    licence: str  # SPDX expression
    kind: str  # "deb", "npm", "pypi" or "own"
    what: str = ""
    source: str = ""  # of a Debian package: the source package and its version
    texts: list = field(default_factory=list)  # files and folders with the licence's text
    sha256: str = ""  # of the published archive
    purl: str = ""

    @property
    def folder(self):
        """Where its texts lie below licences/."""
        return self.name.replace("/", "_").lstrip("@")


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout


class Packages:
    """Finds the package of a file: Debian's by dpkg, those of .deps by scripts/pins."""

    def __init__(self, source, deps):
        self.deps = Path(deps).resolve()
        self.table = tomllib.loads((HERE / "licences.toml").read_text())
        self.pins = {}
        for row in (source / "scripts/pins").read_text().splitlines():
            cells = row.split()
            if len(cells) >= 5 and not row.startswith("#"):
                self.pins[cells[2]] = {"kind": cells[1], "version": cells[3], "sha256": cells[4]}
        self.debian_of_file = {}
        self.packages = {}

    def pinned(self, name):
        if name not in self.packages:
            pin, row = self.pins.get(name), self.table["pinned"].get(name)
            if pin is None or row is None:
                raise DistError(f"{name} has no row in scripts/pins, or none in scripts/dist/licences.toml: add it")
            texts = [self.deps / text for text in row["texts"]]
            for text in texts:
                if not text.exists():
                    raise DistError(f"{text}: the licence of {name} is not there: correct scripts/dist/licences.toml")
            self.packages[name] = Package(
                name, pin["version"], row["licence"], pin["kind"], row["what"], texts=texts, sha256=pin["sha256"],
                purl=f"pkg:{pin['kind']}/{name.replace('@', '%40')}@{pin['version']}")
        return self.packages[name]

    def debian(self, name):
        """By the name that dpkg gives: "libc6:amd64"."""
        if name not in self.packages:
            rows = run("dpkg-query", "-W", "-f", "${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\\n", name)
            package, version, architecture, source, source_version = rows.split()
            licence = self.table["debian"].get(source)
            if licence is None:
                raise DistError(f"the Debian package {package} (source {source}) has no row in scripts/dist/licences.toml: "
                                f"read /usr/share/doc/{package}/copyright, then add one")
            text = Path(f"/usr/share/doc/{package}/copyright")
            if not text.exists():
                raise DistError(f"{text}: is not there: install {package} with its documentation")
            self.packages[name] = Package(
                package, version, licence, "deb", source=f"{source} {source_version}", texts=[text],
                purl=f"pkg:deb/debian/{package}@{version.replace(':', '%3A').replace('+', '%2B')}?arch={architecture}")
        return self.packages[name]

    def learn_debian(self, files):
        """Asks dpkg once for many files. It knows a file by the path it was installed by, /lib/… as well as /usr/lib/…."""
        spellings = {}
        for file in files:
            real = str(Path(file).resolve())
            for name in {str(file), real, real.removeprefix("/usr"), "/usr" + real}:
                spellings[name] = str(file)
        names = sorted(spellings)
        for start in range(0, len(names), 500):
            answer = subprocess.run(["dpkg-query", "-S", *names[start:start + 500]], check=False, capture_output=True, text=True,
                                    env={**os.environ, "LC_ALL": "C"}).stdout
            for line in answer.splitlines():
                owners, _, path = line.rpartition(": ")
                if path in spellings and not owners.startswith("diversion"):
                    self.debian_of_file[spellings[path]] = owners.split(",")[0]

    def of_system_file(self, file):
        name = self.debian_of_file.get(str(file))
        if name is None:
            raise DistError(f"{file}: no Debian package has it, so that nobody can say under which licence it is: "
                            "install the library from Debian")
        return self.debian(name)


def common_licences_named_in(text):
    """Texts that Debian's copyright files only point to: {name: file}."""
    found = {}
    for name in re.findall(r"/usr/share/common-licenses/([A-Za-z]+(?:-[0-9]+(?:\.[0-9]+)*)?)", text):
        path = COMMON_LICENCES / name
        if path.exists():
            found[name] = path
    return found
