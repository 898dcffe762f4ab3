"""`vllm bench serve`."""
import json

from .base import Reading, Tool


class Vllm(Tool):
    name = "vllm"
    package = "vllm"
    version = "0.32.0"
    python = ("3.11",)
    shelf = "torch"
    program = "vllm"
    coalesced_requests = 3_000
    paced_streams = 1_000
    first_rate_per_s = 1_000
    prefix = "rival-"

    def command(self, job):
        command = [*self.call(), "bench", "serve", "--backend", "openai-chat", "--endpoint", "/v1/chat/completions",
                   "--base-url", job.url, "--model", job.model, "--tokenizer", job.tokenizer, "--dataset-name", "random",
                   "--random-input-len", str(job.prompt_tokens), "--random-output-len", str(job.output_tokens), "--ignore-eos",
                   "--num-prompts", str(job.requests), "--request-id-prefix", self.prefix, "--ready-check-timeout-sec", "0",
                   "--disable-tqdm", "--seed", "1", "--save-result", "--save-detailed", "--result-dir", job.folder,
                   "--result-filename", "vllm.json"]
        if job.concurrency:
            return [*command, "--max-concurrency", str(job.concurrency)]
        # Its gaps are drawn from a gamma distribution; with this shape they are even to 10 %.
        return [*command, "--request-rate", str(job.rate_per_s), "--burstiness", "100"]

    def read(self, folder):
        with open(f"{folder}/vllm.json", encoding="utf-8") as file:
            result = json.load(file)
        # time.perf_counter() is CLOCK_MONOTONIC. Requests carry prefix and number; the lists are in that order.
        arrivals = {}
        for number, (start, ttft, error) in enumerate(zip(result.get("start_times", ()), result["ttfts"], result["errors"])):
            if not error:
                arrivals[f"{self.prefix}{number}"] = round((start + ttft) * 1e9)
        return Reading(requests=result["completed"], errors=result["failed"], ttft_ms_mean=result["mean_ttft_ms"],
                       tpot_ms_mean=result["mean_tpot_ms"], first_arrival_ns=arrivals)
