"""`guidellm run`."""
import json

from .base import Reading, Tool, wall_to_monotonic_ns


class Guidellm(Tool):
    name = "guidellm"
    package = "guidellm"
    version = "0.8.1"
    python = ("3.11",)
    shelf = "torch"
    program = "guidellm"
    coalesced_requests = 600
    first_rate_per_s = 100

    def command(self, job):
        profile = {"kind": "concurrent", "streams": [job.concurrency]} if job.concurrency else \
            {"kind": "constant", "rate": [job.rate_per_s]}
        scenario = {"spec": {
            "backend": {"kind": "openai_http", "target": job.url, "model": job.model, "request_format": "/v1/chat/completions"},
            "profile": profile,
            "constraints": [{"kind": "max_requests", "count": job.requests}],
            "tokenizer": {"kind": "huggingface_auto", "model": job.tokenizer},
            "data": [{"kind": "synthetic_text", "prompt_tokens": job.prompt_tokens, "output_tokens": job.output_tokens}],
            "outputs": [{"kind": "json", "path": f"{job.folder}/benchmarks.json"}]}}
        with open(f"{job.folder}/scenario.json", "w", encoding="utf-8") as file:
            json.dump(scenario, file, indent=1)
        return [*self.call(), "run", "--config", f"{job.folder}/scenario.json", "--disable-console"]

    def read(self, folder):
        with open(f"{folder}/benchmarks.json", encoding="utf-8") as file:
            benchmark = json.load(file)["benchmarks"][0]
        metrics, totals = benchmark["metrics"], benchmark["metrics"]["request_totals"]
        arrivals, offset = {}, wall_to_monotonic_ns()
        for request in benchmark["requests"]["successful"]:
            first_s = request["info"]["timings"].get("first_token_iteration")
            if first_s and request.get("response_id"):
                # The emulator names a request without X-Request-Id by the end of the answer's id.
                arrivals[request["response_id"][-16:]] = round(first_s * 1e9) + offset
        # Its time per output token contains the time to the first: its inter-token latency is what others call TPOT.
        return Reading(requests=totals["successful"], errors=totals["errored"],
                       ttft_ms_mean=metrics["time_to_first_token_ms"]["successful"]["mean"],
                       tpot_ms_mean=metrics["inter_token_latency_ms"]["successful"]["mean"], first_arrival_ns=arrivals)
