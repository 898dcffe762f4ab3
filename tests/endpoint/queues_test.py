"""`assay load` against queues of known waiting times: `assay emulate --timing queue` with one place, requests from a Poisson process.
Mean E2E is the wait and the service together; theory (Kleinrock, Queueing Systems I, 1975, sections 3.2 and 5.6): the wait is
ρ/(μ − λ) where services are exponential, half of that where all are alike. assay's own interval must hold it.

The instants (--seed of the load) and the services (--seed of the emulator) are the same in every run, so that an interval of 95 % which
holds the truth here goes on holding it: what changes from run to run is how late the machine is, some 0.1 ms of 9."""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from load_runs import load_run  # noqa: E402

SERVICE_MS, RATE_PER_S, REQUESTS = 5, 130, 2000
SKIPPED = 77


def theory_ms(service):
    busy = RATE_PER_S * SERVICE_MS / 1000
    wait = busy / (1 - busy) * SERVICE_MS  # ρ/(μ − λ)
    return SERVICE_MS + (wait if service == "exponential" else wait / 2)


def main():
    faults, late = 0, False
    for service in ("deterministic", "exponential"):
        with tempfile.TemporaryDirectory(prefix="assay-queues-") as folder:
            drawn = ["--seed", "3"] if service == "exponential" else []
            run = load_run(folder, ["--timing", "queue", "--sequences", "1", "--service", service, "--service-ms", str(SERVICE_MS),
                                    *drawn],
                           ["--request-rate", str(RATE_PER_S), "--num-prompts", str(REQUESTS), "--input-len", "20", "--output-len", "1",
                            "--seed", "1"], 120)
        truth, record = theory_ms(service), run.record("e2e_ms_mean")
        late = late or run.was_late()
        low, high = record["ci_low"], record["ci_high"]
        holds = low <= truth <= high
        print(f"{service}: theory {truth:.3f} ms, assay {record['value']:.3f} ({low:.3f} to {high:.3f}), n = {record['n']}")
        # An interval that holds everything would say nothing.
        if not holds or high - low > truth:
            faults += 1
            print(f"FAULT: {service}: the interval {'is too wide' if holds else 'does not hold the truth'}")
    if faults and late:
        print("skipped: this machine was too busy")
        return SKIPPED
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
