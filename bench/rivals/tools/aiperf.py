"""`aiperf profile`."""
import json

from .base import Reading, Tool, wall_to_monotonic_ns


class Aiperf(Tool):
    name = "aiperf"
    package = "aiperf"
    version = "0.13.0"
    python = ("3.11",)
    shelf = "aiperf"
    program = "aiperf"
    coalesced_requests = 600
    paced_streams = 300
    first_rate_per_s = 200
    takes_tokenizer_name = True     # without a network it takes no folder

    def command(self, job):
        command = [*self.call(), "profile", "-m", job.model, "--endpoint-type", "chat", "--streaming", "-u", job.url, "--tokenizer",
                   job.tokenizer, "--isl", str(job.prompt_tokens), "--osl", str(job.output_tokens), "--extra-inputs",
                   "ignore_eos:true", "--request-count", str(job.requests), "--artifact-dir", job.folder, "--ui", "none",
                   "--random-seed", "1", "--no-auto-plot", "--no-gpu-telemetry", "--no-server-metrics", "--export-level",
                   "records" if job.wants_stamps else "summary"]
        if job.concurrency:
            return [*command, "--concurrency", str(job.concurrency)]
        return [*command, "--request-rate", str(job.rate_per_s), "--arrival-pattern", "constant"]

    def read(self, folder):
        with open(f"{folder}/profile_export_aiperf.json", encoding="utf-8") as file:
            result = json.load(file)
        return Reading(requests=round(result["request_count"]["avg"]),
                       errors=round((result.get("error_request_count") or {"avg": 0})["avg"]),
                       ttft_ms_mean=result["time_to_first_token"]["avg"], tpot_ms_mean=result["inter_token_latency"]["avg"],
                       void="" if result.get("is_complete", True) else "says itself that it is not complete",
                       first_arrival_ns=self.arrivals(f"{folder}/profile_export.jsonl"))

    @staticmethod
    def arrivals(path):
        found, offset = {}, wall_to_monotonic_ns()
        try:
            with open(path, encoding="utf-8") as file:
                for line in file:
                    record = json.loads(line)
                    about, metrics = record["metadata"], record["metrics"]
                    if about.get("phase_kind", "profiling") == "profiling" and "time_to_first_token" in metrics:
                        first_ns = about["request_start_ns"] + metrics["time_to_first_token"]["value"] * 1e6
                        found[about["x_request_id"]] = round(first_ns + offset)
        except FileNotFoundError:
            pass
        return found
