"""What every kit in Python needs: what it is to do, the lines of the protocol "assay kit 1" (docs/formats/kit.md), and
repetitions until an interval is narrow. Standard library only, Python 3.8 or newer."""
import json
import math
import os
import sys
import time


class Kit:
    """Says hello at once, before anything that may fail. stdout is kept for evidence: what libraries print there goes to stderr."""

    def __init__(self, name, version):
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        sys.stdout.flush()
        os.dup2(2, 1)
        self.job = json.loads(os.environ.get("ASSAY_KIT_JOB") or "{}")
        self.parameters = self.job.get("parameters", {})
        self.duration_s = float(self.job.get("duration_s", 20))
        self.relative_interval = float(self.job.get("relative_interval", 0.02))
        self.seed = int(self.job.get("seed", 1))
        self.is_quick = bool(self.job.get("quick", 0))
        self._say({"type": "hello", "protocol": "assay kit 1", "name": name, "version": version})

    def _say(self, line):
        self._out.write(json.dumps(line, allow_nan=False) + "\n")
        self._out.flush()

    def device(self, name, library, details):
        known = {key: value for key, value in details.items() if value is not None}
        self._say({"type": "device", "name": name, "library": library, "details": known})

    def record(self, metric, unit, samples, method, **conditions):
        """`samples` in the metric's unit. What is not finite is a finding, since JSON has no word for it."""
        if not samples or not all(math.isfinite(sample) and sample > 0 for sample in samples):
            self.finding("note", "not-finite", "%s %s: no time that could be told" % (metric, conditions.get("kernel", "")))
            return
        known = {key: value for key, value in conditions.items() if value is not None}
        self._say({"type": "record", "metric": metric, "unit": unit, "value": median(samples), "samples": samples,
                   "method": method, "conditions": known})

    def finding(self, severity, code, text, **evidence):
        self._say({"type": "finding", "severity": severity, "code": code, "text": text, "evidence": evidence})

    def progress(self, fraction, status):
        self._say({"type": "progress", "fraction": max(0.0, min(1.0, fraction)), "status": status})

    def absent(self, reason):
        self._say({"type": "absent", "reason": reason})

    def done(self):
        self._say({"type": "done"})


def median(samples):
    ordered = sorted(samples)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def half_width(samples):
    """Of the 95 % interval of the median by order statistics, as a share of it; infinite below six samples."""
    n, below, rank = len(samples), 0.0, 0
    while rank < n // 2:
        below += math.comb(n, rank) / 2.0 ** n
        if below > 0.025:
            break
        rank += 1
    if rank == 0:
        return math.inf
    ordered, middle = sorted(samples), median(samples)
    if middle <= 0:
        return math.inf
    return max(ordered[n - rank] - middle, middle - ordered[rank - 1]) / middle


class Deadline:
    """Time that is left of a budget."""

    def __init__(self, seconds):
        self._end = time.perf_counter() + seconds

    def left(self):
        return self._end - time.perf_counter()


LEAST_REPETITION_S = 0.002  # a repetition is so long at the least, so that waiting for the device does not show in it
MOST_REPETITIONS = 500      # math.comb(n, k) / 2.0 ** n stays a float


def measure(run, synchronise, budget_s, relative_interval):
    """Seconds of one `run`, a list of repetitions: as many as make the median's interval narrow, or as the budget allows, and
    never fewer than one. Warmed up; the device is waited for before each clock is read."""
    deadline = Deadline(budget_s)

    def timed(calls):
        synchronise()
        begin = time.perf_counter()
        for _ in range(calls):
            run()
        synchronise()
        return (time.perf_counter() - begin) / calls

    first = timed(1)  # compiles, allocates, loads
    if deadline.left() <= 0:
        return [first]
    once = timed(1)
    calls = max(1, min(10000, math.ceil(LEAST_REPETITION_S / max(once, 1e-9))))
    if calls > 1 and deadline.left() > 0:
        once = timed(calls)
        calls = max(1, min(10000, math.ceil(LEAST_REPETITION_S / max(once, 1e-9))))
    samples = []
    while len(samples) < MOST_REPETITIONS and (not samples or deadline.left() > 0):
        samples.append(timed(calls))
        if len(samples) >= 7 and half_width(samples) <= relative_interval:
            break
    return samples
