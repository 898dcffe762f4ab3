"""`inference-perf`."""
import json

from .base import Reading, Tool


class InferencePerf(Tool):
    name = "inference-perf"
    package = "inference-perf"
    version = "0.7.0"
    python = ("3.12",)
    shelf = "inference-perf"
    program = "inference-perf"
    coalesced_requests = 1_500
    paced_streams = 500
    first_rate_per_s = 200

    def command(self, job):
        def fixed(tokens):
            return {"type": "fixed", "min": tokens, "max": tokens, "mean": tokens, "std_dev": 0, "total_count": job.requests}
        if job.concurrency:
            load = {"type": "concurrent", "stages": [{"num_requests": job.requests, "concurrency_level": job.concurrency}]}
        else:
            load = {"type": "constant", "stages": [{"rate": job.rate_per_s, "duration": max(1, round(job.duration_s))}]}
        # By default a worker holds 100 requests, which would bound the load.
        load |= {"num_workers": job.cores, "worker_max_concurrency": max(100, job.concurrency, 10_000 * (job.rate_per_s > 0)),
                 "worker_max_tcp_connections": 10_000, "base_seed": 1}
        config = {
            "api": {"type": "completion", "streaming": True},
            "server": {"type": "vllm", "model_name": job.model, "base_url": job.url, "ignore_eos": True},
            "tokenizer": {"pretrained_model_name_or_path": job.tokenizer},
            "data": {"type": "random", "input_distribution": fixed(job.prompt_tokens),
                     "output_distribution": fixed(job.output_tokens)},
            "load": load,
            "report": {"request_lifecycle": {"summary": True, "per_stage": False, "per_request": False}},
            "storage": {"local_storage": {"path": f"{job.folder}/report"}}}
        # JSON is YAML.
        with open(f"{job.folder}/config.yml", "w", encoding="utf-8") as file:
            json.dump(config, file, indent=1)
        return [*self.call(), "--config_file", f"{job.folder}/config.yml", "--log-level", "WARNING"]

    def read(self, folder):
        with open(f"{folder}/report/summary_lifecycle_metrics.json", encoding="utf-8") as file:
            result = json.load(file)
        latency = result["successes"]["latency"]

        def mean_ms(name):
            return latency[name]["mean"] * 1e3 if latency.get(name) else None
        return Reading(requests=result["successes"]["count"], errors=result["failures"]["count"],
                       ttft_ms_mean=mean_ms("time_to_first_token"), tpot_ms_mean=mean_ms("time_per_output_token"))
