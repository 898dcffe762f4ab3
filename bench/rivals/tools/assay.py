"""`assay load`."""
import json
import os
import sqlite3

from .base import Reading, Tool


class Assay(Tool):
    name = "assay"
    is_ours = True
    coalesced_requests = 30_000
    paced_streams = 3_000
    first_rate_per_s = 7_500
    trial_requests = 2    # it tries the endpoint before the load

    def call(self):
        return [f"{self.home}/assay"]

    def environment(self, job):
        return {"ASSAY_CACHE_DIR": job.folder}    # no calibration of this machine, nor one left there

    def command(self, job):
        command = [*self.call(), "load", job.url, "--num-prompts", str(job.requests), "--input-len", str(job.prompt_tokens),
                   "--output-len", str(job.output_tokens), "--metrics-interval", "0", "--out", f"{job.folder}/out"]
        if job.ca_file:
            command += ["--ca-file", job.ca_file]
        if job.wants_stamps:
            command += ["--samples", f"{job.folder}/samples.jsonl"]
        if job.concurrency:
            return [*command, "--max-concurrency", str(job.concurrency)]
        # Even to 10 %, as for the tool that draws its gaps too; with a rate, --max-concurrency bounds the connections.
        return [*command, "--request-rate", str(job.rate_per_s), "--burstiness", "100", "--max-concurrency", "8192"]

    def read(self, folder):
        database = sqlite3.connect(f"file:{folder}/out/dossier.assay?mode=ro", uri=True)
        try:
            values, validity = {}, {}
            for metric, value, of, conditions in database.execute(
                    "SELECT metric, value, validity, conditions FROM record WHERE class = 'measured'"):
                if json.loads(conditions).get("traffic_class") == "all":
                    values[metric], validity[metric] = value, of
            state = database.execute("SELECT state FROM trial").fetchone()[0]
        finally:
            database.close()
        if "ttft_ms_mean" not in values:
            raise ValueError(f"the trial is {state} and has no ttft_ms_mean")
        reading = Reading(requests=None, errors=0, ttft_ms_mean=values["ttft_ms_mean"], tpot_ms_mean=values.get("tpot_ms_mean"),
                          void="void" if validity["ttft_ms_mean"] == "void" else "",
                          doubt=self.doubt_of(validity))
        if os.path.exists(f"{folder}/samples.jsonl"):
            self.read_samples(f"{folder}/samples.jsonl", reading)
        return reading

    @staticmethod
    def doubt_of(validity):
        named = {"ttft_ms_mean": "TTFT", "tpot_ms_mean": "TPOT", "chunk_gap_ms_mean": "gaps"}
        doubted = [name for metric, name in named.items() if validity.get(metric) == "doubtful"]
        return f"doubts its {', '.join(doubted)}" if doubted else ""

    @staticmethod
    def read_samples(path, reading):
        reading.requests = 0
        with open(path, encoding="utf-8") as file:
            for line in file:
                sample = json.loads(line)
                is_ok = sample["outcome"] == "ok"
                reading.requests += is_ok
                reading.errors += not is_ok
                if sample["first_ns"] is not None:
                    reading.first_arrival_ns[sample["request_id"]] = sample["first_ns"]
                    reading.chunk_arrivals_ns[sample["request_id"]] = sample["chunk_ns"]
                    if is_ok and sample["in_window"]:
                        reading.due_ns[sample["request_id"]] = sample["scheduled_ns"]
