"""An `assay emulate` of a test: started, waited for, ended."""

import contextlib
import os
import subprocess
import time

START_S = 30


@contextlib.contextmanager
def emulator(folder, *options, name="url", says=None, port=0):
    """The URL of an emulator with these options. `name`: of its ready file in the folder, where several run at once.
    `says`: the file that its output goes to."""
    ready = folder / name
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(says.open("w")) if says else subprocess.DEVNULL
        process = subprocess.Popen([os.environ["ASSAY"], "emulate", "--port", str(port), "--ready-file", str(ready), *options], stdout=out)
    try:
        until = time.monotonic() + START_S
        while not (ready.exists() and ready.read_text().strip()):
            assert time.monotonic() < until and process.poll() is None, "the emulator did not start"
            time.sleep(0.01)
        yield ready.read_text().strip()
    finally:
        process.terminate()
        process.wait(timeout=30)
        ready.unlink(missing_ok=True)
