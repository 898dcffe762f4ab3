"""The command line as its user sees it: the program with the fake engine and a fake clock against approved output."""

import os
import sys
import tempfile
from pathlib import Path

import approved


def main():
    with tempfile.TemporaryDirectory(prefix="assay-bin-") as folder:
        # The program under test answers to `assay`, as in the documentation.
        (Path(folder) / "assay").symlink_to(os.environ["ASSAY_FAKE"])
        environment = {"PATH": f"{folder}:/usr/bin:/bin", "HOME": folder, "LANG": "C.UTF-8", "ASSAY_TEST_CLOCK": "fake",
                       "ASSAY_SYSFS": "/nonexistent"}  # no sensors of the machine that tests run on
        for name in ("ASAN_OPTIONS", "LD_LIBRARY_PATH"):
            if name in os.environ:
                environment[name] = os.environ[name]
        return 1 if approved.check(environment) else 0


if __name__ == "__main__":
    sys.exit(main())
