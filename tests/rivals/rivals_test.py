"""bench/rivals without the rivals: what its readers make of each tool's result files, of the emulator's stamps, and one run of it.

Real result files of the four tools, with the truth beside them, are read where ASSAY_PEERS names their folder.
"""
import dataclasses
import os
import shutil
import sqlite3
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(os.environ["ASSAY_SOURCE"])
sys.dont_write_bytecode = True
sys.path.insert(0, str(SOURCE / "bench/rivals"))

from cases import CASES, Bench, closed_loop  # noqa: E402
from compare import Comparison, format_value, options_of, ratio_words  # noqa: E402
from harness import Client, RunFailed, become_subreaper  # noqa: E402
from stamps import Stamps, request_of  # noqa: E402
from tools import TOOLS, Job  # noqa: E402
from tools.base import wall_to_monotonic_ns  # noqa: E402

FILES = SOURCE / "tests/rivals/files"
PEERS = Path(os.environ.get("ASSAY_PEERS", SOURCE.parent / "shared/data/peers"))
ASSAY = os.environ["ASSAY"]


def tool(name, home=""):
    return next(row for row in TOOLS if row.name == name)(home)


class Readers(unittest.TestCase):
    def check(self, name, requests, errors, ttft_ms, tpot_ms):
        reading = tool(name).read(str(FILES / name))
        self.assertEqual((reading.requests, reading.errors), (requests, errors))
        self.assertAlmostEqual(reading.ttft_ms_mean, ttft_ms)
        self.assertAlmostEqual(reading.tpot_ms_mean, tpot_ms)
        return reading.first_arrival_ns

    def test_vllm_counts_requests_in_their_order_and_leaves_out_what_failed(self):
        self.assertEqual(self.check("vllm", 2, 1, 60, 10), {"rival-0": 100_550_000_000, "rival-2": 100_770_000_000})

    def test_aiperf_takes_profiled_requests_with_a_first_token_from_the_wall_clock(self):
        arrivals = self.check("aiperf", 2, 1, 55.5, 10.25)
        self.assertEqual(sorted(arrivals), ["a", "b"])
        self.assertEqual(round((arrivals["b"] - arrivals["a"]) / 1e6), 110)
        wall_ns = 1_700_000_000_150_500_000 + wall_to_monotonic_ns()
        self.assertLess(abs(arrivals["a"] - wall_ns), 1e6)

    def test_guidellms_inter_token_latency_is_what_others_call_tpot(self):
        arrivals = self.check("guidellm", 2, 1, 52.5, 10.5)
        self.assertEqual(sorted(arrivals), ["00000000000000aa", "00000000000000bb"])
        self.assertAlmostEqual(arrivals["00000000000000bb"] - arrivals["00000000000000aa"], 250_000_000, delta=1_000)

    def test_inference_perfs_seconds_become_milliseconds(self):
        self.assertEqual(self.check("inference-perf", 2, 1, 54.5, 10.25), {})

    def test_assays_record_of_all_classes_counts_and_a_void_one_says_so(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(f"{folder}/out")
            with sqlite3.connect(f"{folder}/out/dossier.assay") as database:
                database.execute("CREATE TABLE trial (state TEXT)")
                database.execute("CREATE TABLE record (class TEXT, metric TEXT, value REAL, validity TEXT, conditions TEXT)")
                database.execute("INSERT INTO trial VALUES ('done')")
                database.executemany("INSERT INTO record VALUES ('measured', ?, ?, 'void', ?)", [
                    ("ttft_ms_mean", 51.0, '{"traffic_class": "all"}'), ("tpot_ms_mean", 10.5, '{"traffic_class": "all"}'),
                     ("ttft_ms_mean", 99.0, '{"traffic_class": "random"}')])
            database.close()
            Path(folder, "samples.jsonl").write_text(
                '{"request_id": "a", "outcome": "ok", "in_window": true, "scheduled_ns": 3, "first_ns": 5, "chunk_ns": [5]}\n'
                '{"request_id": "b", "outcome": "timeout", "in_window": true, "scheduled_ns": 4, "first_ns": null, "chunk_ns": []}\n'
                '{"request_id": "c", "outcome": "ok", "in_window": false, "scheduled_ns": 1, "first_ns": 2, "chunk_ns": [2]}\n')
            reading = tool("assay").read(folder)
        self.assertEqual((reading.requests, reading.errors, reading.void), (2, 1, "void"))
        self.assertEqual((reading.ttft_ms_mean, reading.tpot_ms_mean), (51.0, 10.5))
        self.assertEqual((reading.first_arrival_ns, reading.due_ns), ({"a": 5, "c": 2}, {"a": 3}))

    def test_what_assay_doubts_is_named(self):
        doubt_of = type(tool("assay")).doubt_of
        self.assertEqual(doubt_of({"ttft_ms_mean": "doubtful", "chunk_gap_ms_mean": "doubtful", "tpot_ms_mean": "valid"}),
                         "doubts its TTFT, gaps")
        self.assertEqual(doubt_of({"ttft_ms_mean": "valid"}), "")

    def test_a_folder_without_a_result_is_an_error(self):
        with tempfile.TemporaryDirectory() as folder:
            for row in TOOLS:
                with self.assertRaises((OSError, ValueError, LookupError, sqlite3.Error), msg=row.name):
                    row("").read(folder)


class RealFiles(unittest.TestCase):
    """Files of the tools themselves: 80 requests, a true TTFT of 50 ms, a true gap of 10 ms."""

    def reading(self, name, renamed):
        if not PEERS.is_dir():
            self.skipTest(f"there is no folder {PEERS}")
        with tempfile.TemporaryDirectory() as folder:
            for source, target in renamed.items():
                target = Path(folder, target)
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(PEERS / name / source, target)
            reading = tool(name).read(folder)
        truth = [list(map(int, line.split())) for line in (PEERS / name / "truth.log").read_text().splitlines() if line[0] != "#"]
        true_ttft_ms = sum(first - received for _, received, first, _, _ in truth) / len(truth) / 1e6
        self.assertEqual((reading.requests, reading.errors), (80, 0))
        self.assertTrue(0 <= reading.ttft_ms_mean - true_ttft_ms < 10, reading.ttft_ms_mean)
        self.assertTrue(9.5 < reading.tpot_ms_mean < 10.5, reading.tpot_ms_mean)
        return reading, sorted(first for _, _, first, _, _ in truth)

    def test_vllm(self):
        reading, sent = self.reading("vllm", {"bench-serve.json": "vllm.json"})
        late_ms = [(arrival - first) / 1e6 for arrival, first in zip(sorted(reading.first_arrival_ns.values()), sent)]
        self.assertEqual(len(late_ms), 80)
        self.assertTrue(0 < min(late_ms) and max(late_ms) < 10, late_ms)

    def test_aiperf(self):
        reading, _ = self.reading("aiperf", {name: name for name in ("profile_export_aiperf.json", "profile_export.jsonl")})
        self.assertEqual(len(reading.first_arrival_ns), 80)

    def test_guidellm(self):
        reading, _ = self.reading("guidellm", {"benchmarks.json": "benchmarks.json"})
        self.assertEqual(len(reading.first_arrival_ns), 80)

    def test_inference_perf(self):
        self.reading("inference-perf", {"summary_lifecycle_metrics.json": "report/summary_lifecycle_metrics.json"})


class Truth(unittest.TestCase):
    def test_stamps_of_the_load_without_trial_requests_and_what_got_no_token(self):
        stamps = Stamps(FILES / "stamps.jsonl", tokens=3)
        self.assertEqual([request.request_id for request in stamps.requests], ["a", "b"])
        self.assertAlmostEqual(stamps.ttft_ms_mean(), 55)
        self.assertAlmostEqual(stamps.gap_ms_mean(), 15)
        self.assertEqual((stamps.first_arrival_ns, stamps.last_end_ns), (1_000_000_000, 1_160_000_000))
        self.assertEqual(stamps.most_at_once(), 2)
        self.assertAlmostEqual(stamps.arrivals_per_s(), 1 / 0.06)
        # From 1.04 to 1.12 s: all of a's tokens, none of b's.
        self.assertAlmostEqual(stamps.tokens_per_s(), 3 / 0.08)
        self.assertEqual([request.request_id for request in Stamps(FILES / "stamps.jsonl", 3, trials=2).requests], ["b"])
        self.assertEqual(stamps.summary["lateness"]["p99.9_ns"], 10_000_000)

    def test_a_file_that_is_cut_or_another_is_an_error(self):
        lines = (FILES / "stamps.jsonl").read_text().splitlines(keepends=True)
        for text in ("", "{}\n", "".join(lines[:3]), "".join(lines[:2]) + lines[2][:200]):
            with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
                file.write(text)
                file.flush()
                with self.assertRaises(ValueError, msg=text[:60]):
                    Stamps(file.name, tokens=3)

    def test_coalesced_tokens_have_no_gap(self):
        line = (FILES / "stamps.jsonl").read_bytes().splitlines()[1]
        self.assertIsNone(request_of(line).gap_ms)


class Harness(unittest.TestCase):
    def test_cpu_time_of_children_counts_and_a_client_that_takes_too_long_is_ended(self):
        become_subreaper()
        # The one that works is a grandchild whose parent is gone: it comes to the subreaper. The pipe says when it ends.
        orphan = ("import os,time\nr,w=os.pipe()\nif os.fork() == 0:\n if os.fork(): os._exit(0)\n e=time.process_time()+0.3\n"
                  " while time.process_time()<e: pass\n os._exit(0)\nos.close(w)\nos.wait()\nos.read(r,1)\n")
        with tempfile.TemporaryDirectory() as folder:
            usage = Client([sys.executable, "-c", orphan], {}, folder, [0], set(), False).wait(20)
            self.assertGreater(usage.cpu_s, 0.25)
            self.assertAlmostEqual(usage.cpu_s_between(usage.started_ns, usage.ended_ns), usage.cpu_s)
            client = Client([sys.executable, "-c", "import os,time\nos.fork()\ntime.sleep(60)"], {}, folder, [0], set(), True)
            with self.assertRaisesRegex(RunFailed, "ended after 1 s"):
                client.wait(1)

    def test_every_rival_writes_a_command_for_both_kinds_of_load(self):
        with tempfile.TemporaryDirectory() as folder:
            for row in (row for row in TOOLS if not row.is_ceiling):
                for load in ({"concurrency": 7}, {"rate_per_s": 70}):
                    job = Job(url="http://127.0.0.1:1", folder=folder, requests=140, output_tokens=8, **load)
                    command = row("/nowhere").command(job)
                    files = [path.read_text() for path in Path(folder).iterdir()]
                    words = " ".join([*command, *files])
                    self.assertIn("127.0.0.1:1", words, row.name)
                    self.assertIn("7", words, row.name)
                self.assertTrue(row("/nowhere").missing().startswith("not built" if row.is_ours else "not installed"), row.name)

    def test_the_bare_loop_takes_closed_loops_only(self):
        job = Job(url="http://127.0.0.1:99", folder="", requests=140, output_tokens=8, concurrency=7)
        self.assertEqual(tool("bare", "/build").command(job)[:4], ["/build/bench/bare_client", "99", "--streams", "7"])
        with self.assertRaises(LookupError):
            tool("bare").command(dataclasses.replace(job, concurrency=0, rate_per_s=5))

    def test_assay_itself_runs_and_its_ttft_is_the_servers(self):
        become_subreaper()
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(ASSAY, "", folder, [0], 60)
            result = closed_loop(4, 20, 5, 8, rounds=40)(bench, tool("assay", os.path.dirname(ASSAY)), 1)
            self.assertEqual(len(bench.run(tool("assay", os.path.dirname(ASSAY)), [], requests=9, output_tokens=4, concurrency=3).stamps.done), 9)
        self.assertEqual(result["note"].replace("void", ""), "", result)   # a busy machine makes a trial void
        self.assertTrue(20 <= result["TTFT true, ms"] <= result["TTFT told, ms"] + 0.1, result)
        self.assertIsNotNone(result["arrival p50, µs"])
        self.assertTrue(0 < result["delivered"] <= 1.05, result)


class Tables(unittest.TestCase):
    def test_a_tool_that_failed_is_a_row_that_says_why(self):
        case = CASES[0]
        comparison = Comparison(options_of(["/nowhere", "--tools", "vllm"]), "")
        table = comparison.table(case, {"assay": [{case.ratio: 4e6, "note": ""}, {case.ratio: 2e6, "note": ""}],
                                        "vllm": [{case.ratio: 2e6, "note": ""}, {"failed": "no | result"}]})
        self.assertIn("| assay | 3,000,000 | 1 |  |", table)
        self.assertIn("| vllm | 2,000,000 | 0.50 | no \\| result |", table)

    def test_numbers_have_their_digits(self):
        self.assertEqual(format_value("TTFT error", 0.0312), "+3.12%")
        self.assertEqual(format_value("arrival p50, µs", None), "–")
        self.assertEqual(ratio_words(0.02, 0.02, 0.02), "1/50")
        self.assertEqual(ratio_words(20, 10, 40), "20 (10…40)")


class Requirements(unittest.TestCase):
    def test_every_package_is_pinned_with_its_hash_and_the_rivals_are_of_the_version_told(self):
        for row in (row for row in TOOLS if not row.is_ours):
            lines = (SOURCE / f"bench/rivals/requirements/{row.shelf}.txt").read_text().splitlines()[1:]
            for line in lines:
                self.assertRegex(line, r"^[a-z0-9._-]+==\S+ --hash=sha256:[0-9a-f]{64}$")
            self.assertIn(f"{row.package}=={row.version}", [line.split()[0] for line in lines])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
