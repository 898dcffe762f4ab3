"""The instrument's error, checked by somebody else: `assay load` and `assay emulate` in two network namespaces, and a capture of
the client's end of the veth pair between them. Of every event, the stamp of the packet that brought it against the arrival that
assay kept; of every request, the packet that took it away against the instant of its sending.

Three links. A packet that comes into a veth pair out of the TCP of the same kernel still carries the time of its sending; the
kernel therefore stamps it twice, once for the capture and once, behind it in the same turn, for the socket. Through a
line, a program that passes packets on, it has one stamp for both, as it has from a network card: there the two agree to within
the conversion of clocks, however busy the machine is, and every one of them is judged. On the plain pair the median is. What
depends on when a program gets its turn is printed and not judged, but for the order of the instants.

    capture_test.py [--streams N] [--seconds S] [--calibrate-s S]
"""

import argparse
import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import hosts
import streams

ASSAY = os.environ["ASSAY"]
ARRIVAL_BUDGET_US = 50  # between two conversions of one stamp, each with readings of the clocks of its own
SENDING_BUDGET_US = 1000  # of the median: from assay's instant of sending, through the system call, to the packet
ROUND_TRIP_BUDGET_MS = 5
DELAY_MS = 20
TTFT_MS, GAP_MS, TOKENS = 20, 5, 60


# What a table shows, and how many samples that takes (docs/statistics.md).
SHOWN = ((0, 1), (0.5, 11), (0.99, 662), (0.999, 6636), (1, 1))


# ---- running ----

@contextlib.contextmanager
def emulator(server, folder):
    process = subprocess.Popen(
        server.command(ASSAY, "emulate", "--host", hosts.SERVER, "--port", "0", "--ready-file", "url", "--ttft-ms", str(TTFT_MS),
                       "--gap-ms", str(GAP_MS), "--stamps", "stamps.jsonl"), cwd=folder, stdout=subprocess.DEVNULL)
    try:
        while not (folder / "url").exists():
            if process.poll() is not None:
                raise RuntimeError("the emulator ended")
            time.sleep(0.02)
        yield (folder / "url").read_text().strip()
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def capture(folder):
    """Yields a dictionary that afterwards says how many packets there were and how many are missing."""
    process = subprocess.Popen([sys.executable, str(Path(__file__).parent / "capture.py"), hosts.CLIENT_LINK,
                                str(folder / "packets")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    told = {}
    try:
        process.stdout.readline()
        yield told
    finally:
        process.stdin.close()
        told.update(json.loads(process.stdout.read() or "{}"))
        process.wait()


def traffic(folder, options, link, delay_ms=0):
    """One run of `assay load` over a link of its own: what it kept, what was captured, what the server says."""
    folder.mkdir()
    with hosts.server_host(link, delay_ms) as server:
        with emulator(server, folder) as url, capture(folder) as packets:
            answer_s = (TTFT_MS + delay_ms + GAP_MS * (TOKENS - 1)) / 1000
            requests = max(options.streams, round(options.streams * options.seconds / answer_s))
            load = subprocess.run(
                [ASSAY, "load", url, "--max-concurrency", str(options.streams), "--num-prompts", str(requests),
                 "--input-len", "64", "--output-len", str(TOKENS), "--metrics-interval", "0",
                 "--samples", "samples.jsonl", "--out", "out"],
                cwd=folder, env={**os.environ, "ASSAY_CACHE_DIR": str(folder / "cache")}, capture_output=True, text=True,
                timeout=300)
            if load.returncode not in (0, 1):
                raise RuntimeError(f"assay load: {load.stderr}")
    report = json.loads(subprocess.run([ASSAY, "report", "out", "--json"], cwd=folder, capture_output=True, text=True, check=True,
                                       timeout=60).stdout)
    return {
        "link": link, "delay_ms": delay_ms, "table": load.stdout, "packets": packets,
        "samples": [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()],
        "records": {record["metric"]: record for record in report["provenance"]["records"]
                    if record["conditions"].get("traffic_class", "all") == "all"},
        "stamps": {line["request_id"]: line for line in map(json.loads, (folder / "stamps.jsonl").read_text().splitlines())
                   if "request_id" in line},
        "connections": streams.connections(folder / "packets", hosts.SERVER),
    }


def calibration(folder, shape_s):
    result = subprocess.run([ASSAY, "load", "--calibrate", "--duration", str(shape_s), "--json"], capture_output=True, text=True,
                            env={**os.environ, "ASSAY_CACHE_DIR": str(folder / "calibration")}, timeout=300)
    if result.returncode not in (0, 1):
        raise RuntimeError(f"assay load --calibrate: {result.stderr}")
    return json.loads(result.stdout)["shapes"]


# ---- comparing ----

def last_of_reads(row):
    """Of the row's chunks, those that came last of their read: the ones before share their stamp, and are said to have come at
    the latest then (coalesced_share)."""
    at_ns = row["chunk_ns"]
    return [k for k in range(len(at_ns)) if k + 1 == len(at_ns) or at_ns[k + 1] != at_ns[k]]


def number_of(request_id):
    return int(request_id.removeprefix("assay-"))


class Comparison:
    """Differences in nanoseconds, and what must not be."""

    def __init__(self, run):
        self.faults = []
        self.arrival, self.ttft, self.sending, self.way, self.whole, self.network = [], [], [], [], [], []
        self.events = self.coalesced = self.answers = self.disordered = 0
        self.judged = self.ttft_seen_ns = self.ttft_wire_ns = 0
        on_wire = {}
        for connection in run["connections"]:
            for exchange in streams.exchanges(connection):
                on_wire.setdefault(exchange.request_id, []).append(exchange)
        for row in run["samples"]:
            found = on_wire.pop(row["request_id"], [])
            if len(found) != 1:
                self.fault(row, f"is {len(found)} times in the capture")
            elif row["outcome"] != "ok":
                self.fault(row, f"failed: {row['outcome']}")
            else:
                self.take(row, found[0], run["stamps"].get(row["request_id"]))
        # What was asked when the endpoint was opened, and to warm it up, has the numbers before those of the trial.
        first = min(number_of(row["request_id"]) for row in run["samples"])
        missing = [request_id for request_id in on_wire if number_of(request_id) >= first]
        if missing:
            self.faults.append(f"the samples lack requests that were sent: {missing}")

    def fault(self, row, what):
        self.faults.append(f"{row['request_id']} {what}")

    def take(self, row, exchange, stamped):
        wire_ns, kept_ns = exchange.content_ns, row["chunk_ns"]
        if len(wire_ns) != len(kept_ns) or len(wire_ns) != TOKENS:
            return self.fault(row, f"has {len(kept_ns)} events of {len(wire_ns)} that came and {TOKENS} that were asked for")
        if stamped is None or len(stamped["token_sent_ns"]) != TOKENS:
            return self.fault(row, "has no stamps of the server's")
        last = last_of_reads(row)
        self.answers += 1
        self.events += len(wire_ns)
        self.coalesced += len(kept_ns) - len(last)
        if not exchange.in_order:
            # The socket's stamp is that of the last packet of a read, also where one before it came later.
            self.disordered += 1
            return None
        budget_ns = 1000 * ARRIVAL_BUDGET_US
        if any(kept < wire - budget_ns for kept, wire in zip(kept_ns, wire_ns)):
            self.fault(row, "has an event that is said to have come before its packet")
        self.arrival += [kept_ns[k] - wire_ns[k] for k in last]
        self.way += [wire_ns[k] - stamped["token_sent_ns"][k] for k in last]
        self.whole += [kept_ns[k] - stamped["token_sent_ns"][k] for k in last]
        self.ttft.append(row["first_ns"] - wire_ns[last[0]])
        self.judged += 1
        self.ttft_seen_ns += row["first_ns"] - row["scheduled_ns"]
        self.ttft_wire_ns += wire_ns[last[0]] - row["scheduled_ns"]
        self.sending.append(exchange.request_end_ns - row["sent_ns"])
        if not row["scheduled_ns"] <= row["dispatched_ns"] <= row["sent_ns"] <= exchange.request_end_ns + budget_ns:
            self.fault(row, f"is out of order: scheduled {row['scheduled_ns']}, dispatched {row['dispatched_ns']}, sent "
                            f"{row['sent_ns']}, packet {exchange.request_end_ns}")
        # From the request's packet to the first event's, less what the server took between them: both ways over the link.
        own_ns = stamped["token_sent_ns"][0] - stamped["arrival_ns"]
        self.network.append(wire_ns[0] - exchange.request_end_ns - own_ns)
        if row["first_ns"] - row["scheduled_ns"] < own_ns + self.network[-1] - budget_ns:
            self.fault(row, "has a TTFT shorter than the server's own time and the way")
        return None


def quantile(values, p):
    ordered = sorted(values)
    return ordered[max(0, math.ceil(p * len(ordered)) - 1)]


def line(name, values_ns):
    cells = [f"{quantile(values_ns, p) / 1000:.2f}" if len(values_ns) >= needed else "—" for p, needed in SHOWN]
    return f"  {name:<46}" + "".join(f"{cell:>10}" for cell in cells) + f"{len(values_ns):>9}"


def judge(run, compared):
    yield from compared.faults
    if not compared.judged:
        yield "there is nothing to compare"
        return
    differences = [abs(difference) / 1000 for difference in compared.arrival + compared.ttft]
    judged = max(differences) if run["link"] == "line" else quantile(differences, 0.5)
    if judged > ARRIVAL_BUDGET_US:
        yield f"arrivals deviate by {judged:.1f} µs from the capture, budget {ARRIVAL_BUDGET_US} µs"
    if quantile(compared.sending, 0.5) > 1000 * SENDING_BUDGET_US:
        yield f"half of the requests left later than {SENDING_BUDGET_US} µs after the instant that assay calls sent"
    share = run["records"]["coalesced_share"]["value"]
    if abs(share - compared.coalesced / compared.events) > 0.01:
        yield f"coalesced_share says {share}, the stamps {compared.coalesced / compared.events}"


def show(run, compared):
    print(f"{run['link']}, {run['delay_ms']} ms: {compared.answers} answers, {compared.disordered} of them not judged, being "
          f"out of order on the way, {compared.events} events, "
          f"{run['packets']['packets']} packets, {sum(c.sent.repeated + c.came.repeated for c in run['connections'])} repeated, "
          f"{100 * compared.coalesced / compared.events:.2f} % of events coalesced")
    print(f"  {'µs':<46}" + "".join(f"{name:>10}" for name in ("least", "p50", "p99", "p99.9", "largest")) + f"{'n':>9}")
    for name, values in (("arrival: assay less capture", compared.arrival), ("first token: assay less capture", compared.ttft),
                         ("request: packet less assay's sent", compared.sending),
                         ("event: capture less the server's send stamp", compared.way),
                         ("event: assay less the server's send stamp", compared.whole),
                         ("network, both ways, of a first token", compared.network)):
        print(line(name, values))
    print(f"  TTFT mean: {compared.ttft_seen_ns / compared.judged / 1e6:.4f} ms, by the capture "
          f"{compared.ttft_wire_ns / compared.judged / 1e6:.4f} ms: "
          f"{100 * (compared.ttft_seen_ns / compared.ttft_wire_ns - 1):+.5f} %\n")


def show_calibration(shapes):
    print("--calibrate, over loopback, assay less the server's send stamp, µs:")
    for shape in shapes:
        if not shape["is_valid"]:
            print(f"  {shape['name']:<46} {shape['skipped'] or 'void: ' + shape['void_because']}")
            continue
        cells = [shape[f"arrival_error_us_{name}"] for name in ("min", "p50", "p99", "p99_9", "max")]
        print(f"  {shape['name']:<46}" + "".join(f"{'—' if cell is None else f'{cell:.2f}':>10}" for cell in cells) +
              f"{shape['events']:>9}")
    print()


def delay_faults(plain, delayed, compared):
    """A delay of the network shows as what it is, and within TTFT."""
    value = lambda run, metric: run["records"][metric]["value"]
    print(f"{DELAY_MS} ms by {delayed['link']}: round trip p50 {value(delayed, 'round_trip_ms_p50'):.3f} ms (without "
          f"{value(plain, 'round_trip_ms_p50'):.3f} ms), connecting p50 {value(delayed, 'connect_ms_p50'):.3f} ms "
          f"({value(plain, 'connect_ms_p50'):.3f} ms), TTFT p50 {value(delayed, 'ttft_ms_p50'):.3f} ms "
          f"({value(plain, 'ttft_ms_p50'):.3f} ms)\n")
    if min(compared.network) < DELAY_MS * 1e6:
        yield f"the link did not delay: {min(compared.network)} ns"
    # TCP tells the least of what it saw on each connection, and the capture saw the same: of each segment that left, when its
    # acknowledgement came. Between capture and TCP lies the turn of the kernel, and a bucket of the histogram.
    for run in (plain, delayed):
        seen_ms = [min(connection.round_trips_ns) / 1e6 for connection in run["connections"] if connection.round_trips_ns]
        told_ms = value(run, "round_trip_ms_p50")
        if told_ms < min(seen_ms) - 0.002 or told_ms > max(seen_ms) * 33 / 32 + ROUND_TRIP_BUDGET_MS:
            yield (f"round_trip_ms_p50 is {told_ms}, the least of each connection by the capture {min(seen_ms)} to "
                   f"{max(seen_ms)} ms")
    if value(delayed, "round_trip_ms_p50") < DELAY_MS:
        yield f"round_trip_ms_p50 is {value(delayed, 'round_trip_ms_p50')}: without the delay"
    if value(delayed, "connect_ms_p50") < DELAY_MS:
        yield f"connect_ms_p50 is {value(delayed, 'connect_ms_p50')}"
    # The server's own part is the emulator's constant; the rest of TTFT is the network, at least.
    if value(delayed, "ttft_ms_p50") < TTFT_MS + DELAY_MS:
        yield f"ttft_ms_p50 is {value(delayed, 'ttft_ms_p50')}: without the way"
    for run, what in ((delayed, "with"), (plain, "without")):
        if "network round trip" not in run["table"]:
            yield f"the table {what} the delay does not show the round trip:\n{run['table']}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--calibrate-s", type=float, default=0.5, help="for each shape of --calibrate")
    options = parser.parse_args()
    hosts.enter_namespace()
    faults = []
    with tempfile.TemporaryDirectory(prefix="assay-network-") as name:
        folder = Path(name)
        links = [("veth", 0), ("line", DELAY_MS)]
        if hosts.has_netem():
            links.append(("netem", DELAY_MS))
        else:
            print("This kernel has no netem: the line alone delays.\n")
        runs = [traffic(folder / link, options, link, delay_ms) for link, delay_ms in links]
        lost = sum(run["packets"].get("lost", 1) for run in runs)
        if lost:
            print(f"skipped: the capture itself lost {lost} packets")
            return hosts.SKIPPED
        compared = [Comparison(run) for run in runs]
        for run, result in zip(runs, compared):
            if result.judged:
                show(run, result)
            faults += [f"{run['link']}: {fault}" for fault in judge(run, result)]
        show_calibration(calibration(folder, options.calibrate_s))
        if not faults:
            for run, result in zip(runs[1:], compared[1:]):
                faults += delay_faults(runs[0], run, result)
    for fault in faults[:20]:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
