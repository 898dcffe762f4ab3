"""What `assay load` says at its end, and `assay emulate` of such a visitor: end to end on the loopback address. Limits are chosen so
that no machine keeps them, or every machine does."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from emulator import emulator  # noqa: E402

ASSAY = os.environ["ASSAY"]
TTFT_MS = 50
SHORT = ["--num-prompts", "40", "--input-len", "10", "--output-len", "4"]
SKIPPED = 77


def load(folder, url, *flags):
    result = subprocess.run([ASSAY, "load", url, *SHORT, *flags], cwd=folder, capture_output=True, text=True, timeout=300,
                            stdin=subprocess.DEVNULL, check=False)
    return result.returncode, result.stdout


def is_void(said):
    """A machine that keeps the load generator waiting makes results that say nothing of limits."""
    return re.search(r"[1-9]\d* of \d+ load trials void", said) is not None


def check_missed_limit(folder, url):
    """Who misses a limit learns which, by whom, and by how much, in the last line."""
    code, said = load(folder, url, "--request-rate", "20", "--goodput", f"ttft:{TTFT_MS / 10}")
    assert code == 1, said
    if is_void(said):
        return False
    assert "within every limit 0" in said, said
    last = said[said.index("\nexit 1  "):]
    words = re.sub(r"\s+", " ", last).strip()
    assert re.fullmatch(
        r"exit 1 random kept TTFT ≤ 5 ms( \(p90 is [\d.,]+ ms\))? in 0 % \(0–[\d.]+\) of \d+ requests, 90 % is wanted", words), words
    return True


def check_no_limits(folder, url):
    """Who gives none hears nothing of them, and which rate was found for them, and from what."""
    code, said = load(folder, url)
    if is_void(said):
        return False
    assert code == 0, said
    assert "every limit" not in said and "\nexit" not in said, said
    assert re.search(r"^rate chosen +[\d.,]+ arrivals/s, 60 % of the [\d.,]+ requests/s that a burst of\s+\d+ showed$", said, re.M), said
    return True


def check_sweep(folder, url):
    for flags, has_goodput in ((["--goodput", "ttft:60000"], True), ([], False)):
        _, said = load(folder, url, "--sweep", "rate=20,40", *flags)
        assert "served/s" in said and ("goodput/s" in said) == has_goodput, said


def main():
    with tempfile.TemporaryDirectory(prefix="assay-words-") as name:
        folder = Path(name)
        says = folder / "emulator.json"
        with emulator(folder, "--ttft-ms", str(TTFT_MS), "--gap-ms", "1", "--json", says=says) as url:
            is_quiet = check_missed_limit(folder, url) and check_no_limits(folder, url)
            check_sweep(folder, url)
        summary = json.loads(says.read_text().splitlines()[-1])
        assert summary["requests"] > 0, summary
        assert summary["refused_unread"] == 0, f"assay's own questions are taken for a stranger’s: {summary}"
    if not is_quiet:
        print("the machine is too busy: results are void")
        sys.exit(SKIPPED)
    print("ok")


if __name__ == "__main__":
    main()
