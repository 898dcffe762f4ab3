"""Several ranks send one load: with a message passing library that the test has built, in both binary interfaces, and with
Open MPI's mpirun where there is one."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from support import (ASSAY, FAULTS, TRAFFIC, Emulator, ended_well, environment, expect, findings, one_client, plan_of, records,
                     report, rows)

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tokenizer"))
import fixture_tokenizer  # noqa: E402

SKIPPED = 77
TRIES = 3    # of what only a load generator that is in time can tell
UNTOLD = []  # what none of them told

OPEN_MPI = {"ASSAY_MPI_LIBRARY": os.environ["ASSAY_FAKE_OPEN_MPI"], "of": ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE")}
MPICH = {"ASSAY_MPI_LIBRARY": os.environ["ASSAY_FAKE_MPICH"], "of": ("PMI_RANK", "PMI_SIZE")}
SLURM = {"ASSAY_MPI_LIBRARY": os.environ["ASSAY_FAKE_MPICH"], "of": ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS")}


class Launch:
    """`assay` as so many ranks, as a launcher starts them."""

    def __init__(self, folder, ranks, kind, *arguments, seen=None, **variables):
        talk = tempfile.mkdtemp(prefix="talk-", dir=folder)
        self.processes = []
        for rank in range(ranks):
            own = {kind["of"][0]: str(rank), kind["of"][1]: str(ranks), "FAKE_MPI_RANK": str(rank), "FAKE_MPI_SIZE": str(seen or ranks),
                   "FAKE_MPI_DIR": talk, "ASSAY_MPI_LIBRARY": kind["ASSAY_MPI_LIBRARY"]}
            self.processes.append(subprocess.Popen([ASSAY, *arguments], cwd=folder, env=environment(folder, **own, **variables),
                                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                                   stdin=subprocess.DEVNULL))

    def wait(self):
        self.out, self.err, self.codes = [], [], []
        for process in self.processes:
            out, err = process.communicate(timeout=120)
            self.out.append(out)
            self.err.append(err)
            self.codes.append(process.returncode)
        return self


def check_union(name, folder, launch, url, ranks, traffic):
    """The ranks' requests together are those of one client, at the same instants; and the dossiers say who sent what."""
    expect(ended_well(launch.codes[0], launch.err[0] + launch.out[0]), f"{name}: rank 0 ended with {launch.codes[0]}: {launch.err[0][-800:]}")
    expect(not any(launch.codes[1:]), f"{name}: codes {launch.codes}: {launch.err[1:]}")
    expect(not any(launch.out[1:]) and not any(launch.err[1:]), f"{name}: the others are not quiet: {launch.out[1:]}{launch.err[1:]}")
    expect("requests/s" in launch.out[0] and f"shared by {ranks} ranks" in launch.err[0], f"{name}: {launch.out[0]}{launch.err[0]}")
    sent, wanted = plan_of(Path(folder) / "all.jsonl"), one_client(folder, url, traffic)
    expect(sent == wanted, f"{name}: {len(sent)} requests are not the {len(wanted)} of one client")
    got = report(folder, "out")
    offsets = records(got, "clock_offset_ms")
    expect([r["conditions"]["rank"] for r in offsets] == list(range(ranks)), f"{name}: clock offsets {offsets}")
    for record in offsets:
        low, value, high = record["ci_low"], record["value"], record["ci_high"]
        # One machine has one clock: the true offset is 0, and the stated error must reach it.
        expect(low <= 0 <= high and low <= value <= high, f"{name}: the offset {low} … {high} ms does not hold 0")
    expect("load.ranks" in findings(got) and "load.rank-lost" not in findings(got), f"{name}: findings {list(findings(got))}")
    for rank in range(ranks):
        part = report(folder, f"out/rank-{rank}")
        own = records(part, "clock_offset_ms")
        expect(len(own) == 1 and own[0]["conditions"]["rank"] == rank, f"{name}: rank {rank} has no clock offset of its own")
        expect("load.rank-share" in findings(part), f"{name}: rank {rank}'s dossier does not say that it is a part")
        expect(records(got, "client_cpu_utilisation", rank=rank) != [], f"{name}: nothing of the instrument of rank {rank}")
    counts = [r["n"] for r in records(got, "error_rate", traffic_class="all")]
    expect(counts and counts[0] > 0, f"{name}: no requests counted")


def ranks_send_one_plan():
    for name, kind, ranks in (("Open MPI", OPEN_MPI, 2), ("MPICH", MPICH, 3), ("Slurm", SLURM, 2)):
        with tempfile.TemporaryDirectory() as folder, Emulator(folder) as emulator:
            launch = Launch(folder, ranks, kind, "load", emulator.url, *TRAFFIC, "--out", "out", "--samples", "all.jsonl").wait()
            check_union(name, folder, launch, emulator.url, ranks, TRAFFIC)
            expect(("--enable-recovery" in launch.err[0]) == (kind is OPEN_MPI), f"{name}: the warning: {launch.err[0]}")


def one_of_two_miscounts():
    """The merged report, the rows and the servers' URLs of a load on two servers, the second of which counts seven tokens too many."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "other").mkdir()
        with Emulator(folder) as honest, Emulator(Path(folder) / "other", "--fault", "wrong-usage") as other:
            tokenizer = Path(folder) / "tokenizer.json"
            tokenizer.write_text(json.dumps(fixture_tokenizer.emulated()))
            Launch(folder, 2, MPICH, "load", honest.url, other.url, *TRAFFIC, "--goodput", "tpot:500", "--tokenizer", str(tokenizer),
                   "--out", "out", "--samples", "all.jsonl").wait()
            return report(folder, "out"), rows(f"{folder}/all.jsonl"), (honest.url, other.url)


def what_each_found_is_said_of_the_whole():
    """Of two servers, one of which counts tokens that it did not send: nothing of that is lost on the way to the merged dossier."""
    for _ in range(TRIES):
        got, all_rows, urls = one_of_two_miscounts()
        if "load.generator-late" not in findings(got):
            break
    expect({row["server"] for row in all_rows} == {0, 1}, "whole: rows do not say which server they went to")
    # Only one of them miscounts, so that the doubt is about a part of the requests, and none the less about the whole.
    excess = {server: {int(row["output_tokens"]) - len(row["chunk_ns"]) for row in all_rows if row["server"] == server}
              for server in (0, 1)}
    expect(excess == {0: {0}, 1: {7}}, f"whole: tokens by usage beyond those that came: {excess}")
    # The second of two ranks sends every second request, and so to the second server only: it alone finds the doubt.
    tokens = sorted(finding["severity"] for finding in got["findings"] if finding["code"] == "load.tokens")
    expect(tokens == ["doubtful", "note"], f"whole: tokens: {tokens}")
    ratios = {record["conditions"]["rank"]: record["value"] for record in records(got, "usage_output_ratio", traffic_class="all")}
    expect(set(ratios) == {0, 1} and ratios[0] == 1 and ratios[1] > 1.5, f"whole: what was counted: {ratios}")
    servers = findings(got).get("load.servers")
    expect(servers is not None and all(url in servers["text"] for url in urls), f"whole: servers: {servers}")
    # Void says more than doubtful, and is only told apart where the load generator was in time.
    is_late = "load.generator-late" in findings(got)
    for metric in ("tpot_ms_p50", "output_throughput_tokens_per_s", "slo_attainment"):
        found = [record["validity"] for record in records(got, metric, traffic_class="all")]
        expect(found == ["void" if is_late else "doubtful"], f"whole: {metric} is {found}")
    if is_late:
        UNTOLD.append(f"whole: the load generator was late in each of {TRIES} runs: doubtful records were void")


def a_closed_loop_and_a_rate_found_by_a_burst():
    with tempfile.TemporaryDirectory() as folder, Emulator(folder) as emulator:
        closed = ["--max-concurrency", "3", "--num-prompts", "30", "--output-len", "3"]
        launch = Launch(folder, 2, MPICH, "load", emulator.url, *closed, "--out", "out").wait()
        expect(ended_well(launch.codes[0], launch.err[0] + launch.out[0]), f"closed loop: {launch.codes}: {launch.err[0]}")
        rates = records(report(folder, "out"), "offered_rate_per_s", traffic_class="all")
        expect(rates and rates[0]["conditions"]["users"] == 3, f"closed loop: {rates}")
        launch = Launch(folder, 2, MPICH, "load", emulator.url, "--num-prompts", "60", "--output-len", "3", "--out", "burst").wait()
        expect(ended_well(launch.codes[0], launch.err[0] + launch.out[0]), f"burst: {launch.codes}: {launch.err[0]}")
        rates = [records(report(folder, out), "offered_rate_per_s", traffic_class="all")[0]["conditions"]["burst_rate_per_s"]
                 for out in ("burst", "burst/rank-0", "burst/rank-1")]
        expect(len(set(rates)) == 1 and rates[0] > 0, f"burst: the ranks did not agree on the rate: {rates}")


def a_rank_that_is_killed():
    with tempfile.TemporaryDirectory() as folder, Emulator(folder) as emulator:
        traffic = ["--request-rate", "20", "--num-prompts", "300", "--output-len", "4"]  # fifteen seconds
        launch = Launch(folder, 3, MPICH, "load", emulator.url, *traffic, "--out", "out")
        emulator.wait_for_answers(40, 60, lambda: all(process.poll() is None for process in launch.processes))
        launch.processes[2].kill()
        launch.wait()
        expect(launch.codes == [1, 0, -signal.SIGKILL], f"killed: codes {launch.codes}: {launch.err}")
        got = report(folder, "out")
        lost = findings(got).get("load.rank-lost")
        expect(lost is not None and lost["severity"] == "doubtful" and "rank 2" in lost["text"], f"killed: {list(findings(got))}")
        served = records(got, "request_throughput_per_s", traffic_class="all")
        expect(served and served[0]["validity"] in ("doubtful", "void"), f"killed: {served}")
        expect(served[0]["conditions"]["ranks_merged"] == 2, f"killed: {served[0]['conditions']}")
        # By hand, the same: what is there and what is not is found in the folder.
        again = subprocess.run([ASSAY, "load", "--merge", "out", "--out", "again"], cwd=folder, env=environment(folder),
                               capture_output=True, text=True, timeout=60)
        expect(again.returncode == 1, f"killed: --merge ended with {again.returncode}: {again.stderr}")
        expect("load.rank-lost" in findings(report(folder, "again")), "killed: --merge does not mark it")
        values = [records(report(folder, out), "e2e_ms_p50", traffic_class="all")[0]["value"] for out in ("out", "again")]
        expect(values[0] == values[1], f"killed: --merge gives other numbers: {values}")
        resumed = subprocess.run([ASSAY, "run", "--resume", "--out", "out/rank-2"], cwd=folder, env=environment(folder),
                                 capture_output=True, text=True, timeout=60)
        expect(resumed.returncode == 2 and "cannot be resumed" in resumed.stderr, f"killed: resumed: {resumed.stderr}")


def merging_refuses_what_does_not_belong_together():
    with tempfile.TemporaryDirectory() as folder, Emulator(folder) as emulator:
        for out in ("a", "b"):
            launch = Launch(folder, 2, MPICH, "load", emulator.url, "--request-rate", "100", "--num-prompts", "20", "--out", out).wait()
            expect(ended_well(launch.codes[0], launch.err[0] + launch.out[0]), f"merge: {launch.codes}: {launch.err[0]}")

        def merged(*places, more=()):
            words = [word for place in places for word in ("--merge", place)]
            return subprocess.run([ASSAY, "load", *words, *more], cwd=folder, env=environment(folder), capture_output=True, text=True,
                                  timeout=60)
        for places, words in ((("a/rank-0", "b/rank-1"), "another run"), (("a/rank-0", "a"), "rank 0 is in"), (("none",), "none"),
                              (("a/dossier.assay",), "no rank's part")):
            got = merged(*places)
            expect(got.returncode == 2 and words in got.stderr, f"merge {places}: {got.returncode}: {got.stderr}")
        got = merged("a", more=("--num-prompts", "3"))
        expect(got.returncode == 2 and "--num-prompts" in got.stderr, f"merge with traffic: {got.stderr}")
        shutil.move(f"{folder}/a/rank-1", f"{folder}/elsewhere")
        got = merged("a/rank-0", "elsewhere", more=("--out", "c", "--samples", "c.jsonl"))
        expect(got.returncode in (0, 1) and "load.rank-lost" not in findings(report(folder, "c")), f"merge of copies: {got.stderr}")
        expect(len(plan_of(f"{folder}/c.jsonl")) == 20, "merge of copies: not all requests")
        got = merged("a/rank-0", more=("--out", "d"))
        expect(got.returncode == 1 and "was not given" in findings(report(folder, "d"))["load.rank-lost"]["text"], f"merge of one: {got.stderr}")
        (Path(folder) / "a/rank-0/dossier.assay").write_bytes(b"SQLite format 3\0 and nothing")
        got = merged("a")
        expect(got.returncode == 2, f"merge of a broken dossier: {got.returncode}: {got.stderr}")


def nothing_starts_where_one_cannot():
    with tempfile.TemporaryDirectory() as folder:
        launch = Launch(folder, 3, MPICH, "load", "http://127.0.0.1:9", *TRAFFIC, "--out", "out").wait()
        expect(launch.codes[0] == 2 and "no rank has sent anything" in launch.err[0], f"no target: {launch.codes}: {launch.err[0]}")
        for name, arguments, words in (("bad flag", ["load", "127.0.0.1:9", "--request-rate", "never"], "--request-rate"),
                                       ("few connections", ["load", "127.0.0.1:9", "--request-rate", "3", "--max-concurrency", "2"],
                                        "cannot share")):
            launch = Launch(folder, 3, MPICH, *arguments, "--out", "bad").wait()
            expect(launch.codes == [2, 2, 2] and words in launch.err[0], f"{name}: {launch.codes}: {launch.err}")
            expect(not any(launch.err[1:]), f"{name}: others are not quiet: {launch.err}")


def what_ranks_cannot_do():
    with tempfile.TemporaryDirectory() as folder:
        for arguments, words in ((["run"], "disturb each other"), (["load", "--calibrate"], "one machine"),
                                 (["load", "127.0.0.1:9", "--sweep", "rate=1,2"], "--sweep"),
                                 (["load", "127.0.0.1:9", "--capacity"], "--capacity"),
                                 (["load", "127.0.0.1:9", "--", "true"], "cannot each start")):
            launch = Launch(folder, 2, OPEN_MPI, *arguments).wait()
            expect(launch.codes == [2, 2] and words in launch.err[0] and not launch.err[1], f"{arguments}: {launch.codes} {launch.err}")
        launch = Launch(folder, 2, OPEN_MPI, "list", "exams").wait()
        expect(launch.codes == [0, 0] and "works for itself" in launch.err[0] and not launch.err[1], f"list: {launch.err}")
        load = ["load", "127.0.0.1:9"]
        launch = Launch(folder, 2, MPICH, *load, seen=1, FAKE_MPI_VERSION="MPICH").wait()
        expect(launch.codes == [2, 2] and "started 2 ranks" in launch.err[0], f"another launcher: {launch.codes} {launch.err}")
        launch = Launch(folder, 2, MPICH, *load, FAKE_MPI_VERSION="Some MPI 1.0").wait()
        expect(launch.codes == [2, 2] and "Some MPI 1.0" in launch.err[0], f"unknown library: {launch.codes} {launch.err}")
        launch = Launch(folder, 2, {**MPICH, "ASSAY_MPI_LIBRARY": "/nowhere/libmpi.so"}, *load).wait()
        expect(launch.codes == [2, 2] and "/nowhere/libmpi.so" in launch.err[0], f"no library: {launch.codes} {launch.err}")


def with_mpirun():
    if shutil.which("mpirun") is None:
        print("no mpirun here: not tested with it")
        return
    with tempfile.TemporaryDirectory() as folder, Emulator(folder) as emulator:
        result = subprocess.run(["mpirun", "--allow-run-as-root", "--oversubscribe", "--mca", "btl", "self,vader,tcp", "-n", "2",
                                 "--enable-recovery", "--mca", "orte_abort_on_non_zero_status", "0", ASSAY, "load", emulator.url, *TRAFFIC, "--out", "out", "--samples", "all.jsonl"],
                                cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=120,
                                stdin=subprocess.DEVNULL)
        expect(ended_well(result.returncode, result.stderr + result.stdout), f"mpirun: {result.returncode}: {result.stderr}")
        expect("--enable-recovery" not in result.stderr, f"mpirun: {result.stderr}")
        expect(result.stdout.count("requests/s") == 1, f"mpirun: {result.stdout}")
        expect(plan_of(f"{folder}/all.jsonl") == one_client(folder, emulator.url, TRAFFIC), "mpirun: the union is not the plan")
        expect(findings(report(folder, "out"))["load.ranks"]["evidence"]["ranks"] == 2, "mpirun: not two ranks")


TESTS = [ranks_send_one_plan, what_each_found_is_said_of_the_whole, a_closed_loop_and_a_rate_found_by_a_burst, a_rank_that_is_killed,
         merging_refuses_what_does_not_belong_together, nothing_starts_where_one_cannot, what_ranks_cannot_do, with_mpirun]


def main():
    wanted = sys.argv[1:]
    for test in TESTS:
        if not wanted or test.__name__ in wanted:
            test()
    print(f"{len(FAULTS)} faults")
    for reason in UNTOLD:
        print(f"{'not told' if FAULTS else 'skipped'}: this machine is too busy: {reason}")
    return 1 if FAULTS else SKIPPED if UNTOLD else 0


if __name__ == "__main__":
    sys.exit(main())
