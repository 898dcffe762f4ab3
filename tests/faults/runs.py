"""The program with the fake engine, as the tests of faults run it: each run in a folder of its own, its wrongs gathered."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

FAKE = os.environ["ASSAY_FAKE"]
FILES = Path(__file__).parent / "files"
FAULTS = []


def expect(condition, text):
    if not condition:
        FAULTS.append(text)
        print("FAULT:", text)


def assay(*arguments, folder, clock="fake", timeout=60, **variables):
    environment = dict(os.environ, HOME=str(folder), ASSAY_TEST_CLOCK=clock, **variables)
    return subprocess.run([FAKE, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL)


def fresh_folder():
    folder = tempfile.TemporaryDirectory(prefix="assay-faults-")
    shutil.copytree(FILES, folder.name, dirs_exist_ok=True)
    return folder
