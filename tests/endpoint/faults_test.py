"""Every fault of `assay emulate` through `assay load`: each ends in the outcome that the samples, the records and the findings must
tell, and the good requests beside it lose nothing. Which request met which fault is the emulator's word (its stamps). Times are held
against bounds from below only: what was to take long did; a busy machine adds to them."""

import collections
import contextlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from load_runs import ASSAY, load_run  # noqa: E402

TOKENS = 6
BEFORE = 3         # tokens that come before a fault acts
HANGS_S = 60       # no run here has a second of its own work
PAUSE_NS = 500_000_000
USAGE_EXCESS = 7   # of wrong-usage
TRAFFIC = ["--max-concurrency", "4", "--num-prompts", "24", "--input-len", "20", "--output-len", str(TOKENS)]
TIMING = ["--ttft-ms", "5", "--gap-ms", "1"]


@dataclass
class Case:
    """A fault of requests: on every `every`-th, with the further keys of `keys`."""
    fault: str
    outcome: str           # of the requests that it meets
    chunks: int            # that reached the client of them
    keys: str = ""
    every: int = 5
    says: str = ""         # what the finding of the failures must quote
    more_tokens: int = 0   # than came, by the server's usage
    pause_at: int = -1     # the chunk that comes no earlier than PAUSE_NS after the request was due
    sent: tuple = ()       # further arguments of `assay load`


CASES = [
    Case("reset", "connection-lost", BEFORE, f":tokens={BEFORE}", says="the connection broke"),
    Case("half-stream", "truncated", BEFORE, f":tokens={BEFORE}"),
    Case("stall", "ok", TOKENS, f":tokens={BEFORE}:seconds=0.5", pause_at=BEFORE),
    # A server that never goes on: the limit of time ends it, and the next request gets its turn.
    Case("stall", "timeout", BEFORE, f":tokens={BEFORE}:seconds=3600", every=12, says="no end of the answer within 4.00 s",
         sent=("--timeout", "4")),
    Case("freeze", "ok", TOKENS, ":seconds=0.5", every=10, pause_at=0),
    Case("malformed-sse", "malformed", BEFORE, f":tokens={BEFORE}", says="an event that is no chunk"),
    Case("wrong-usage", "ok", TOKENS, more_tokens=USAGE_EXCESS),
    Case("slow-headers", "ok", TOKENS, ":seconds=0.5", pause_at=0),
    Case("429", "overloaded", 0, says="HTTP 429: too many requests"),
    Case("500", "http-status", 0, says="HTTP 500: internal error"),
    Case("empty-output", "truncated", 0, says="it ended without any output"),
    # Long, but no longer than an event may be; and the default of 2 MiB, which is.
    Case("huge-line", "ok", TOKENS, f":tokens={BEFORE}:bytes=1000000"),
    Case("huge-line", "malformed", BEFORE, f":tokens={BEFORE}", says="an event of the stream is larger than 1 MiB"),
    Case("crlf", "ok", TOKENS),
    Case("split-utf8", "ok", TOKENS),
]


class Checks:
    """Collects what is wrong, and goes on."""

    def __init__(self):
        self.faults, self.name = [], ""

    def expect(self, condition, text):
        if not condition:
            self.faults.append(f"{self.name}: {text}")

    @contextlib.contextmanager
    def about(self, name):
        self.name = name
        try:
            yield
        except subprocess.TimeoutExpired as error:
            self.faults.append(f"{name}: hangs: {error}")
        except (AssertionError, KeyError, TypeError, ValueError) as error:
            self.faults.append(f"{name}: {type(error).__name__}: {error}")


def check_totals(checks, run):
    """Records and findings say what the samples say."""
    rows = [row for row in run.rows if row["in_window"]]
    causes = collections.Counter(row["outcome"] for row in rows if row["outcome"] != "ok")
    errors = run.record("error_rate")
    told = {name.removeprefix("failed_"): count for name, count in errors["conditions"].items() if name.startswith("failed_")}
    checks.expect(told == causes, f"error_rate tells {told} of {dict(causes)}")
    checks.expect(errors["n"] == len(rows), f"error_rate is one of {errors['n']} of {len(rows)} requests")
    share = sum(causes.values()) / len(rows)
    checks.expect(abs(errors["value"] - share) < 1e-9, f"error_rate is {errors['value']}, {share} failed")
    everywhere = collections.Counter(row["outcome"] for row in run.rows if row["outcome"] != "ok")
    failures = run.findings("load.failures")
    checks.expect([finding["evidence"] for finding in failures] == ([dict(everywhere)] if everywhere else []),
                  f"load.failures: {failures}, failed: {dict(everywhere)}")
    # As latencies those that failed take for ever; where none did there is nothing to add.
    checks.expect((run.record("effective_ttft_ms_p50") is not None) == (sum(causes.values()) > 0), "effective_ttft_ms is out of place")
    return causes


def check_words(checks, run, says):
    text = "".join(finding["text"] for finding in run.findings("load.failures"))
    checks.expect(says in text, f"load.failures does not say '{says}': {text}")


def check_request(checks, row, outcome, chunks, tokens):
    name = row["request_id"]
    checks.expect(row["outcome"] == outcome, f"{name} ended as {row['outcome']}, not as {outcome}")
    checks.expect(len(row["chunk_ns"]) == chunks, f"{name} ({outcome}) has {len(row['chunk_ns'])} chunks, not {chunks}")
    checks.expect(row["output_tokens"] == tokens, f"{name} ({outcome}) has {row['output_tokens']} tokens, not {tokens}")
    checks.expect((row["first_ns"] is not None) == (chunks > 0), f"{name} ({outcome}): first_ns is {row['first_ns']}")


def met_by(run, every):
    """The rows that the fault met, and the others. That it keeps to its schedule is part of the test."""
    for stamp in run.stamps.values():
        is_due = (stamp["index"] + 1) % every == 0
        assert bool(stamp["fault"]) == is_due, f"request {stamp['index'] + 1} met {stamp['fault'] or 'no fault'}"
    met = [row for row in run.rows if run.stamps[row["request_id"]]["fault"]]
    return met, [row for row in run.rows if row not in met]


def check_case(checks, case, folder):
    fault = f"{case.fault}:every={case.every}{case.keys}"
    run = load_run(folder, [*TIMING, "--fault", fault], [*TRAFFIC, *case.sent], HANGS_S)
    met, good = met_by(run, case.every)
    checks.expect(len(run.rows) == 24 and len(met) >= 2, f"{len(run.rows)} requests, {len(met)} with the fault")
    for row in good:
        check_request(checks, row, "ok", TOKENS, TOKENS)
    for row in met:
        check_request(checks, row, case.outcome, case.chunks, case.chunks + case.more_tokens)
        if case.pause_at >= 0 and len(row["chunk_ns"]) == case.chunks:
            waited = row["chunk_ns"][case.pause_at] - row["scheduled_ns"]
            checks.expect(waited >= PAUSE_NS, f"{row['request_id']} waited {waited / 1e9} s only")
    causes = check_totals(checks, run)
    if case.outcome != "ok":
        checks.expect(causes[case.outcome] > 0, "none of the requests that failed is in the window")
        check_words(checks, run, case.says)
    if case.pause_at >= 0:
        # A pause is latency: before the first token of TTFT, and always of E2E.
        for metric in ["e2e_ms_max"] + (["ttft_ms_max"] if case.pause_at == 0 else ["chunk_gap_ms_max"]):
            record = run.record(metric)
            # The gap begins at the token before, which a busy machine may have sent late.
            least = PAUSE_NS / 1e6 * (0.5 if metric == "chunk_gap_ms_max" else 1)
            checks.expect(record["value"] >= least, f"{metric} is {record['value']}")
    above = [finding["evidence"]["answers_above_asked"] for finding in run.findings("load.usage-above-asked")]
    checks.expect(above == ([len(met)] if case.more_tokens else []), f"load.usage-above-asked: {above}")


DOCUMENTS = {"reset": "connection-lost", "half-stream": "truncated", "malformed-sse": "malformed", "429": "overloaded",
             "500": "http-status", "stall": "ok", "slow-headers": "ok"}


def check_documents(checks, folder):
    """Answers that come at once meet the same mishaps: here each kind once, by its number."""
    # The first two requests are the trial request and the warm-up.
    at = {kind: 5 + 2 * i for i, kind in enumerate(DOCUMENTS)}
    slow = {"stall": ":seconds=0.5", "slow-headers": ":seconds=0.5"}
    faults = ",".join(f"{kind}:at={number}{slow.get(kind, '')}" for kind, number in at.items())
    run = load_run(folder, [*TIMING, "--fault", faults], ["--backend", "openai-embeddings", "--max-concurrency", "2", "--num-prompts",
                                                          "24", "--input-len", "20"], HANGS_S)
    met = {run.stamps[row["request_id"]]["fault"]: row for row in run.rows if run.stamps[row["request_id"]]["fault"]}
    checks.expect(set(met) == set(DOCUMENTS), f"met: {sorted(met)}")
    for kind, row in met.items():
        checks.expect(row["outcome"] == DOCUMENTS[kind], f"{kind}: {row['outcome']}")
        if kind in slow:
            checks.expect(row["last_ns"] - row["scheduled_ns"] >= PAUSE_NS, f"{kind} does not show in E2E")
    others = {row["outcome"] for row in run.rows if row not in met.values()}
    checks.expect(others == {"ok"}, f"the others ended as {others}")
    failed = collections.Counter(outcome for outcome in DOCUMENTS.values() if outcome != "ok")
    checks.expect([finding["evidence"] for finding in run.findings("load.failures")] == [dict(failed)],
                  f"load.failures: {run.findings('load.failures')}")


def check_warm_up(checks, folder):
    """The request that warms the server up fails by chance: one more is sent, and the trial goes on."""
    run = load_run(folder, [*TIMING, "--fault", "500:at=2"], TRAFFIC, HANGS_S)  # the first is the trial request
    met = [stamp["index"] for stamp in run.stamps.values() if stamp["fault"]]
    checks.expect(met == [1], f"the fault met {met}")
    checks.expect(len(run.rows) == 24 and all(row["outcome"] == "ok" for row in run.rows), f"{len(run.rows)} rows, or some failed")
    checks.expect(len(run.stamps) == 24 + 3, f"{len(run.stamps)} requests came")


# Answers of a second, ten a second: each of the first needs a connection of its own.
SLOW_TIMING = ["--ttft-ms", "5", "--gap-ms", "25"]
SLOW_TOKENS = 40
SLOW_TRAFFIC = ["--request-rate", "10", "--num-prompts", "30", "--input-len", "20", "--output-len", str(SLOW_TOKENS)]


def check_connections(checks, run, causes):
    """What reached the server ended well, and what did not failed with one of `causes`: returns how many."""
    failed = 0
    for row in run.rows:
        if row["request_id"] in run.stamps:
            check_request(checks, row, "ok", SLOW_TOKENS, SLOW_TOKENS)
        else:
            failed += 1
            checks.expect(row["outcome"] in causes, f"{row['request_id']} ended as {row['outcome']}, not as one of {causes}")
            checks.expect(not row["chunk_ns"] and row["first_ns"] is None, f"{row['request_id']} has output")
    checks.expect(len(run.rows) == 30, f"{len(run.rows)} requests")
    check_totals(checks, run)
    return failed


def check_refuse(checks, folder):
    run = load_run(folder, [*SLOW_TIMING, "--fault", "refuse:every=6:seconds=0.7"], SLOW_TRAFFIC, HANGS_S)
    # A connection that the kernel had taken when the server stopped to listen is reset, not refused: a matter of luck.
    check_connections(checks, run, {"refused", "connection-lost"})
    refused = [i for i, row in enumerate(run.rows) if row["outcome"] == "refused"]
    checks.expect(refused, "no connection was refused")
    checks.expect(any(row["outcome"] == "ok" for row in run.rows[:refused[0]]), "none ended well before")
    checks.expect(any(row["outcome"] == "ok" for row in run.rows[refused[0]:]), "none ended well when it listened again")
    check_words(checks, run, "cannot connect")


def certificate(folder):
    paths = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=assay test", "-addext", "subjectAltName=IP:127.0.0.1", "-out", str(paths[0]), "-keyout", str(paths[1])],
                   check=True, capture_output=True, timeout=60)
    return paths


def check_tls(checks, fault, says, folder):
    chain, key = certificate(folder)
    run = load_run(folder, [*SLOW_TIMING, "--tls-cert", str(chain), "--tls-key", str(key), "--fault", f"{fault}:every=3"],
                   [*SLOW_TRAFFIC, "--ca-file", str(chain)], HANGS_S)
    failed = check_connections(checks, run, {"tls"})
    # Each request that needs a connection opens one, and none is tried again.
    wanted = run.served["connections"] // 3
    checks.expect(failed == wanted and failed > 0, f"{failed} requests failed, {wanted} connections met the fault")
    check_words(checks, run, says)


# Those of connections, by name; the others are CASES.
CONNECTIONS = {
    "refuse": check_refuse,
    "tls-error": lambda checks, folder: check_tls(checks, "tls-error", "alert", folder),
    "bad-certificate": lambda checks, folder: check_tls(checks, "bad-certificate", "certificate", folder),
}


def listed_faults():
    text = subprocess.run([ASSAY, "list", "faults", "--names"], capture_output=True, text=True, check=True, timeout=60).stdout
    return set(text.split())


def main():
    checks = Checks()
    tests = [(f"{case.fault}{case.keys}", lambda folder, case=case: check_case(checks, case, folder)) for case in CASES]
    tests += [(name, lambda folder, check=check: check(checks, folder)) for name, check in CONNECTIONS.items()]
    tests += [("documents", lambda folder: check_documents(checks, folder)),
              ("warm-up", lambda folder: check_warm_up(checks, folder))]
    with checks.about("assay list faults"):
        tested = {case.fault for case in CASES} | set(CONNECTIONS)
        checks.expect(listed_faults() == tested, f"there and not tested, or tested and not there: {sorted(listed_faults() ^ tested)}")
    wanted = sys.argv[1:]
    for name, test in tests:
        if wanted and not any(word in name for word in wanted):
            continue
        with checks.about(name), tempfile.TemporaryDirectory(prefix="assay-faults-") as folder:
            test(Path(folder))
    for fault in checks.faults[:40]:
        print("FAULT:", fault)
    print(f"{len(tests)} tests, {len(checks.faults)} faults")
    return 1 if checks.faults else 0


if __name__ == "__main__":
    sys.exit(main())
