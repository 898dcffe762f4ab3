#!/usr/bin/env python3
"""Holds assay's engine against llama-bench on the same libraries, model, threads and batch.

In every round llama-bench, the job `speed`, the device target's serving and llama-bench once more run one after the other,
in turning order, so that whatever else the machine does meets all of them. The table gives the geometric mean over rounds
of each ratio to the first llama-bench, with its 95 % interval; what the second one reads is the error of the comparison.
A ratio is held if its interval lies above the target, missed if below, and else cannot be told.

With --cpu-time the speed is tokens per second of CPU time, from the difference between a run with many repetitions and one
with few, and one thread works: that can be compared on a machine that is busy with other things, where wall time cannot.

With --against GGUF the `speed` job on a second model stands against the same job on the first: how fast a synthetic model is
beside the real one (`bench/synthetic_write FILE smollm2-135m q4_1` writes one).

    compare.py BUILD_DIR [--model GGUF] [--rounds 20] [--repetitions 3] [--threads N] [--prompt 256] [--output 64]
        [--against GGUF]
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys

TARGET = 0.98
# The first is what the others are held against, the last is it once more.
ENGINES = ("llama-bench", "speed job", "serving", "llama-bench again")
MODELS = ("first model", "second model", "first model again")
SAMPLES = {"prefill_tokens_per_s": "prefill", "decode_tokens_per_s": "decode"}


def run(command, folder=None):
    """The command's stdout and its CPU seconds, those of its children included."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder,
                               env={**os.environ, "GGML_NO_BACKTRACE": "1"})
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command} failed with {process.returncode}:\n{out[-2000:]}")
    return out, usage.ru_utime + usage.ru_stime


class Comparison:
    def __init__(self, options):
        self.options = options
        self.contestants = MODELS if options.against else ENGINES
        self.worker = f"{options.build}/tests/fake_engine/engine_worker"
        lines = map(json.loads, run([self.worker, json.dumps({"job": "devices"})])[0].splitlines())
        self.engine_folder = next(line["engine"]["library"] for line in lines if "engine" in line)

    def job(self, model=None, **more):
        o = self.options
        return json.dumps({"device": "CPU", "model": model or o.model, "threads": o.threads, "batch_tokens": o.batch,
                           "ubatch_tokens": o.batch, **more})

    def run(self, contestant, prompt, output, repetitions):
        """Median tokens per second of prefill and decode, and the CPU time of the whole run."""
        o = self.options
        if contestant.startswith("llama-bench"):
            # It looks for backends in its working folder.
            out, cpu = run([f"{o.build}/bench/llama_bench/llama-bench", "-m", o.model, "-p", str(prompt), "-n", str(output),
                            "-r", str(repetitions), "-t", str(o.threads), "-b", str(o.batch), "-ub", str(o.batch), "-ngl",
                            "0", "-dev", "none", "-o", "json"], self.engine_folder)
            samples = {("prefill" if t["n_prompt"] > 0 else "decode"): t["samples_ts"] for t in json.loads(out)}
        elif contestant != "serving":
            model = o.against if contestant == "second model" else o.model
            out, cpu = run([self.worker, self.job(model, job="speed", prompt_tokens=prompt, output_tokens=output,
                                                  repetitions=repetitions, time_limit_s=86400)])
            records = [line for line in map(json.loads, out.splitlines()) if line["type"] == "record"]
            samples = {SAMPLES[r["metric"]]: r["samples"] for r in records if r["metric"] in SAMPLES}
        else:
            job = self.job(job="serve", sequences=1, context_tokens=max(prompt, output) + 8)
            out, cpu = run([f"{o.build}/bench/llama_bench/serve_speed", self.worker, job, str(prompt), str(output),
                            str(repetitions)])
            samples = json.loads(out)
        return {what: statistics.median(values) for what, values in samples.items() if values}, cpu

    def wall_speeds(self, contestant):
        return self.run(contestant, self.options.prompt, self.options.output, self.options.repetitions)[0]

    def cpu_speeds(self, contestant):
        speeds = {}
        for what, prompt, output in (("prefill", self.options.prompt, 0), ("decode", 0, self.options.output)):
            if prompt + output == 0:
                continue
            few = self.run(contestant, prompt, output, 1)[1]
            many = self.run(contestant, prompt, output, 1 + self.options.repetitions)[1]
            speeds[what] = (prompt + output) * self.options.repetitions / (many - few)
        return speeds

    def rounds(self):
        measure = self.cpu_speeds if self.options.cpu_time else self.wall_speeds
        for number in range(self.options.rounds):
            turn = number % len(self.contestants)
            order = self.contestants[turn:] + self.contestants[:turn]
            # Forward and back, so that a machine that slows down or speeds up favours none.
            speeds = {name: measure(name) for name in (order if number % 2 == 0 else order[::-1])}
            print(f"round {number + 1}: " + "; ".join(
                f"{name} " + " / ".join(f"{speed:.1f}" for speed in speeds[name].values()) for name in self.contestants),
                file=sys.stderr, flush=True)
            yield speeds


def mean_ratio(ratios):
    """Geometric mean and its 95 % interval, by Student's t on the logarithms."""
    logs = [math.log(ratio) for ratio in ratios]
    mean = statistics.mean(logs)
    if len(logs) < 2:
        return math.exp(mean), 0.0, math.inf
    half = student_t_975(len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs))
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half)


def student_t_975(degrees):
    """The 97.5 % quantile of Student's t, by the expansion of Cornish and Fisher (error below 1 % from 4 degrees on)."""
    z = statistics.NormalDist().inv_cdf(0.975)
    return z + (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)


def print_table(rounds, options):
    """True unless a ratio of engines misses the target beyond doubt."""
    first = MODELS[0] if options.against else ENGINES[0]
    unit = "tok/cpu-s" if options.cpu_time else "tokens/s"
    print(f"{'':17} {'':8} {unit:>9} {'ratio':>7}  95 % interval   ({options.rounds} rounds, {options.threads} threads, "
          f"prompt {options.prompt}, output {options.output}, batch {options.batch})")
    is_missed = False
    for what in (what for what in ("prefill", "decode") if what in rounds[0][first]):
        for name in MODELS if options.against else ENGINES:
            ratio, low, high = mean_ratio([r[name][what] / r[first][what] for r in rounds])
            speed = statistics.median(r[name][what] for r in rounds)
            verdict = "" if options.against or name.startswith(first) else \
                f"held (>= {TARGET})" if low >= TARGET else f"MISSED ({TARGET})" if high < TARGET else "cannot be told"
            is_missed = is_missed or "MISSED" in verdict
            print(f"{name:17} {what:8} {speed:9.1f} {ratio:7.3f}  {low:.3f}–{high:.3f}   {verdict}")
    return not is_missed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser.add_argument("build", type=os.path.abspath)
    parser.add_argument("--model", default=f"{source}/.deps/models/SmolLM2-135M-Instruct.Q4_1.gguf", type=os.path.abspath)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--prompt", type=int, default=256)
    parser.add_argument("--output", type=int, default=64)
    parser.add_argument("--against", type=os.path.abspath)
    parser.add_argument("--cpu-time", action="store_true")
    options = parser.parse_args()
    if options.cpu_time:
        options.threads = 1   # threads that wait for each other spin, and that is CPU time too
    return 0 if print_table(list(Comparison(options).rounds()), options) else 1


if __name__ == "__main__":
    sys.exit(main())
