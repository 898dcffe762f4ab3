"""The cases: what load every tool is asked for, and what is read off the run.

A case is a row of CASES: its measure() gets a Bench and a tool and returns {column: value}; raising RunFailed (or what a
reader raises) puts the reason into the table.
"""
import dataclasses
import re
import shutil
import statistics
import subprocess
import tempfile

from harness import Client, Emulator, RunFailed, tail
from stamps import Stamps, mean
from tools import Job

SERVER_CORE = 0


@dataclasses.dataclass
class Run:
    """One run of a tool and its truth."""
    job: Job
    usage: object
    stamps: Stamps
    reading: object     # None where it was not asked for

    @property
    def cpu_s(self):
        """While requests were under way: neither start-up nor the making of the report."""
        return self.usage.cpu_s_between(self.stamps.first_arrival_ns, self.stamps.last_end_ns)

    def first_request_s(self):
        return (self.stamps.first_arrival_ns - self.usage.started_ns) / 1e9

    def ttft(self):
        """What every case with latencies tells. The truth counts from where the tool says that it does: the server's receipt
        for those that count from their sending, the instant at which a request was due for one that counts from there."""
        truth, told, due = self.stamps.ttft_ms_mean(), self.reading.ttft_ms_mean, self.reading.due_ns
        late = None
        if due:
            counted = [request for request in self.stamps.done if request.request_id in due]
            truth = mean((request.first_ns - due[request.request_id]) / 1e6 for request in counted)
            late = mean((request.arrival_ns - due[request.request_id]) / 1e6 for request in counted)
        return {"TTFT true, ms": truth, "of it due to the client, ms": late, "TTFT told, ms": told,
                "TTFT error": told / truth - 1 if told and truth else None}

    def state(self):
        """Errors and missing requests, in words; empty where all is well."""
        words = []
        if self.reading.errors:
            words.append(f"{self.reading.errors} errors")
        lacking = self.job.requests - (self.reading.requests or 0)
        if self.reading.requests is not None and lacking > self.reading.errors:
            words.append(f"{lacking} of {self.job.requests} requests not in its result")
        if len(self.stamps.done) < self.job.requests:
            words.append(f"{len(self.stamps.done)} of {self.job.requests} requests served")
        if self.reading.void:
            words.append(self.reading.void)
        return ", ".join(words)

    def note(self):
        """state(), and what the tool itself marks as doubtful."""
        return ", ".join(filter(None, (self.state(), self.reading.doubt)))


class Bench:
    """Runs tools as the options say; `cores` are the client's."""

    def __init__(self, assay, tokenizer, scratch, cores, limit_s):
        self.assay, self.tokenizer, self.scratch, self.cores, self.limit_s = assay, tokenizer, scratch, cores, limit_s

    def run(self, tool, timing, *, until_first=False, with_memory=False, wants_reading=True, with_tokens=False, with_tls=False, **load):
        """A Run. `timing` are options of `assay emulate`, `load` members of Job."""
        folder = tempfile.mkdtemp(prefix=f"{tool.name}-", dir=self.scratch)
        try:
            certificate = tls_certificate(folder) if with_tls else {}
            options = [word for pair in certificate.items() for word in pair]
            with Emulator(self.assay, folder, [SERVER_CORE], [*timing, *options]) as server:
                job = Job(url=server.url(), folder=folder, tokenizer=self.tokenizer, cores=len(self.cores),
                          ca_file=certificate.get("--tls-cert", ""), **load)
                # Where clients of OpenSSL look, each in its own way.
                trust = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), job.ca_file) if with_tls else {}
                client = Client(tool.command(job), {**tool.environment(job), **trust}, folder, self.cores, {server.process.pid}, with_memory)
                # The tool's trial requests come first, then the load.
                usage = client.wait(self.limit_s, lambda: until_first and server.answered() > tool.trial_requests)
            code = client.process.returncode
            stamps = Stamps(server.stamps_path, job.output_tokens, tool.trial_requests, with_tokens)
            if not stamps.requests:
                raise RunFailed(f"no request of the load came (exit {code}): {reason(client.log)}")
            if stamps.lost:
                raise RunFailed(f"{stamps.lost} stamps lost")
            reading = None
            if wants_reading:
                try:
                    reading = tool.read(folder)
                except (OSError, ValueError, LookupError, TypeError) as error:
                    raise RunFailed(f"no result (exit {code}, {type(error).__name__}: {error}): {reason(client.log)}") from error
            return Run(job, usage, stamps, reading)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def tls_certificate(folder):
    """Options of `assay emulate`: a certificate of 127.0.0.1 and its key."""
    files = {"--tls-cert": f"{folder}/certificate.pem", "--tls-key": f"{folder}/key.pem"}
    try:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", files["--tls-key"],
                        "-out", files["--tls-cert"]], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise RunFailed(f"openssl makes no certificate: {error}") from error
    return files


def reason(log):
    """The last words of a client, without what colours them."""
    return re.sub(r"\x1b\[[0-9;]*m", "", tail(log))


def timing(ttft_ms, gap_ms):
    return ["--ttft-ms", str(ttft_ms), "--gap-ms", str(gap_ms)]


def coalesced(bench, tool, scale):
    return event_cost(bench, tool, ["--timing", "coalesced"], requests=max(32, int(tool.coalesced_requests * scale)),
                      output_tokens=256, concurrency=16)


def paced(bench, tool, scale):
    """One event a segment. Who cannot take 3,000 streams gets as many as it can, so that its waiting costs it nothing."""
    streams = tool.paced_streams
    return {"streams": streams} | event_cost(bench, tool, timing(50, 50), requests=int(8 * streams * scale), output_tokens=60, concurrency=streams)


def event_cost(bench, tool, server, **load):
    tokens = load["output_tokens"]
    run = bench.run(tool, server, **load, wants_stamps=False, wants_reading=False)
    events, wall_s = len(run.stamps.done) * tokens, (run.stamps.last_end_ns - run.stamps.first_arrival_ns) / 1e9
    if run.cpu_s < 0.3:
        raise RunFailed(f"only {run.cpu_s:.2f} s of CPU time: too short to say")
    return {"events/CPU-s": events / run.cpu_s, "events/s": events / wall_s, "CPU, s": run.cpu_s,
            "first request, s": run.first_request_s()}


def closed_loop(streams, ttft_ms, gap_ms, tokens, rounds):
    """A measure of so many users, each of whom reads an answer and asks again at once."""
    def measure(bench, tool, scale):
        run = bench.run(tool, timing(ttft_ms, gap_ms), requests=streams * max(1, round(rounds * scale)), output_tokens=tokens,
                        concurrency=streams)
        offered = streams * tokens / (ttft_ms + (tokens - 1) * gap_ms) * 1e3
        true_gap, told_gap = run.stamps.gap_ms_mean(), run.reading.tpot_ms_mean
        wall_s = (run.stamps.last_end_ns - run.stamps.first_arrival_ns) / 1e9
        return {"delivered": run.stamps.tokens_per_s() / offered, **run.ttft(), "gap true, ms": true_gap,
                "gap told, ms": told_gap, **arrival_error(run), "CPU of a core": run.cpu_s / wall_s,
                "server late p99.9, ms": lateness_ms(run.stamps), "note": run.note()}
    return measure


def open_streams(rate, ttft_ms, gap_ms, tokens, seconds):
    """A measure of answers that overlap: rate × duration of an answer streams at once, beginning at even distances."""
    def measure(bench, tool, scale):
        run = bench.run(tool, timing(ttft_ms, gap_ms), requests=int(rate * seconds * scale), output_tokens=tokens, rate_per_s=rate,
                        with_tokens=True)
        return {"delivered": run.stamps.arrivals_per_s() / rate, "most streams at once": run.stamps.most_at_once(), **run.ttft(),
                "gap true, ms": run.stamps.gap_ms_mean(), "gap told, ms": run.reading.tpot_ms_mean, **arrival_error(run),
                **event_error(run), "server late p99.9, ms": lateness_ms(run.stamps), "note": run.note()}
    return measure


def arrival_error(run):
    """Of first tokens: the tool's stamp less the server's send."""
    errors = sorted((run.reading.first_arrival_ns[request.request_id] - request.first_ns) / 1e3 for request in run.stamps.done
                    if request.request_id in run.reading.first_arrival_ns)
    if len(errors) < 100:
        return {"arrival p50, µs": None, "arrival p99, µs": None}
    return {"arrival p50, µs": statistics.median(errors), "arrival p99, µs": errors[int(0.99 * len(errors))]}


def event_error(run):
    """Of every token, where the tool tells the arrival of each; tokens that came in one chunk cannot be told apart and are left out."""
    errors = []
    for request in run.stamps.done:
        arrivals = run.reading.chunk_arrivals_ns.get(request.request_id, ())
        if len(arrivals) == len(request.sent_ns):
            errors += [(arrival - sent) / 1e3 for arrival, sent in zip(arrivals, request.sent_ns)]
    if len(errors) < 10_000:
        return {"event p99, µs": None, "event p99.9, µs": None}
    errors.sort()
    return {"event p99, µs": errors[int(0.99 * len(errors))], "event p99.9, µs": errors[int(0.999 * len(errors))]}


def lateness_ms(stamps):
    """The server's own, 99.9th percentile: how far it was from what it promised."""
    return stamps.summary["lateness"]["p99.9_ns"] / 1e6


OPEN_TTFT_MS, OPEN_GAP_MS, OPEN_TOKENS = 20, 5, 8
RATES = (20, 50, 100, 150, 200, 300, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 7_500, 10_000, 12_500, 15_000, 20_000)


def open_run(bench, tool, rate, seconds):
    run = bench.run(tool, timing(OPEN_TTFT_MS, OPEN_GAP_MS), requests=max(100, int(rate * seconds)), output_tokens=OPEN_TOKENS,
                    rate_per_s=rate)
    return run, run.stamps.arrivals_per_s() / rate


def open_at(rate, seconds):
    """A measure of one rate."""
    def measure(bench, tool, scale):
        run, delivered = open_run(bench, tool, rate, seconds * scale)
        return {"delivered": delivered, **run.ttft(), **arrival_error(run), "note": run.note()}
    return measure


def open_search(bench, tool, scale):
    """The highest of RATES that comes within 2 %, with all requests answered; then what it told there."""
    at, best, is_rising = RATES.index(tool.first_rate_per_s), None, None
    why = ""
    while 0 <= at < len(RATES):
        try:
            run, delivered = open_run(bench, tool, RATES[at], 5 * scale)
            note = "" if delivered >= 0.98 else f"{delivered:.1%} of it came"
            note = note or run.state()
        except RunFailed as error:
            run, note = None, str(error)
        if note:
            why = f"at {RATES[at]}/s: {note}"
            if best is not None or at == 0:
                break
            is_rising, at = False, at - 1
            continue
        best = (RATES[at], delivered, run)
        if is_rising is False:
            break
        is_rising, at = True, at + 1
    if best is None:
        raise RunFailed(why)
    rate, delivered, run = best
    return {"requests/s": rate, "delivered": delivered, **run.ttft(), **arrival_error(run),
            "note": "; ".join(filter(None, (run.reading.doubt, why)))}


def start_up(many):
    """A measure of the time to the first request of the load; of a million requests, or as many as a tool is given."""
    def measure(bench, tool, scale):
        requests = tool.many_requests if many else 1_000
        # Tools try the server with requests of their own first: its time for them is not theirs.
        run = bench.run(tool, timing(0.1, 0), requests=requests, output_tokens=8, concurrency=10, until_first=True,
                        wants_stamps=False, wants_reading=False)
        return {"requests": requests, "first request, s": run.first_request_s()}
    return measure


def memory(with_tls):
    """A measure of what a stream takes."""
    return lambda bench, tool, scale: memory_of_streams(bench, tool, with_tls)


def memory_of_streams(bench, tool, with_tls):
    few, many, columns = 100, 1_000, {}
    tokens = 200 if with_tls else 40    # a thousand handshakes take their time
    peaks, reached = [], []
    for streams in (few, many):
        run = bench.run(tool, timing(50, 20), requests=many, output_tokens=tokens, concurrency=streams, with_memory=True,
                        wants_stamps=False, wants_reading=False, with_tls=with_tls)
        peaks.append(run.usage.pss_peak_mib)
        reached.append(run.stamps.most_at_once())
        columns |= {f"{streams:,} streams: peak, MiB": peaks[-1], f"{streams:,} streams: most at once": reached[-1]}
    if reached[1] < 2 * reached[0]:
        raise RunFailed(f"{reached[1]} streams at once were the most of {many}, with {peaks[1]:.0f} MiB")
    return {**columns, "KiB/stream": (peaks[1] - peaks[0]) * 1024 / (reached[1] - reached[0])}


@dataclasses.dataclass
class Case:
    name: str
    title: str
    measure: object
    has_bare: bool = False      # also with the bare loop, which shows what is left to gain
    ratio: str = ""             # the column whose ratio to the first tool is told
    quick_scale: float = 0      # 0: not part of --quick
    is_both: bool = False       # also with the client on both cores


CASES = (
    Case("coalesced", "Whole answers in one write: 16 streams of 256 tokens. Events per second of the client's CPU time, and per second",
         coalesced, has_bare=True, ratio="events/CPU-s", quick_scale=0.6, is_both=True),
    Case("paced", "One event a segment: streams of 20 tokens/s each, 60 tokens an answer, as many as one core can take. Events per second of the client's CPU time",
         paced, has_bare=True, ratio="events/CPU-s", quick_scale=0.5),
    Case("streams-50", "Closed loop of 50 streams at 100 tokens/s each, 100 tokens an answer, TTFT 50 ms",
         closed_loop(50, 50, 10, 100, rounds=10), quick_scale=0.6, is_both=True),
    Case("streams-500", "Closed loop of 500 streams at 20 tokens/s each, 40 tokens an answer, TTFT 50 ms",
         closed_loop(500, 50, 50, 40, rounds=5), quick_scale=0.6, is_both=True),
    Case("streams-5000", "5,000 streams at 20 tokens/s each: 1,000 requests/s at even distances, 100 tokens an answer, TTFT 50 ms",
         open_streams(1_000, 50, 50, 100, seconds=10)),
    Case("streams-8000", "8,000 streams at 20 tokens/s each: 1,600 requests/s at even distances, 100 tokens an answer, TTFT 50 ms",
         open_streams(1_600, 50, 50, 100, seconds=10)),
    Case("open-500", "Open loop: 500 requests/s at even distances, 8 tokens each, TTFT 20 ms", open_at(500, 10), quick_scale=0.6),
    Case("open-highest", "Open loop: the highest rate of 8-token requests that comes within 2 % of what was asked", open_search,
         ratio="requests/s", is_both=True),
    Case("start", "From the start of the process to the first request of 1,000", start_up(many=False), ratio="first request, s"),
    Case("start-many", "From the start of the process to the first request of a million", start_up(many=True), ratio="first request, s"),
    Case("memory", "Memory of all processes of the client (PSS), a closed loop at 50 tokens/s, 1,000 requests; a stream costs the difference over "
         "those that the server saw at once", memory(with_tls=False), ratio="1,000 streams: peak, MiB"),
    Case("memory-tls", "The same over TLS", memory(with_tls=True), ratio="1,000 streams: peak, MiB"),
)
