#!/usr/bin/env python3
"""The kit torch-roofline: what kernels get out of a device through PyTorch, whoever's device and whoever's PyTorch.

Matrix multiplication in every type that there is, memory bandwidth, attention, launch overhead, transfers between host and
device, all-reduce where there is more than one device. Sizes grow to a plateau, within a share of the device's free memory.
What cannot be done is a finding, and the rest goes on. Standard library and PyTorch only."""
import datetime
import json
import os
import subprocess
import sys
import tempfile
import time

import assay_kit
import torch_devices
from assay_kit import Deadline, measure, median

VERSION = "1.0"
# Of the time, what each part may take.
SHARES = {"matmul": 0.45, "bandwidth": 0.2, "attention": 0.15, "launch": 0.02, "transfers": 0.08, "all_reduce": 0.1}
PLATEAU = 1.05            # a size that is not faster by so much is on the plateau
LEAST_MEASURE_S = 0.05
METHOD = "median of repetitions of 2 ms or one call at the least, the device waited for before and after"


def first_line(error):
    lines = str(error).splitlines()
    return "%s: %s" % (type(error).__name__, lines[0] if lines else "")


def last_bytes(path, most=300):
    with open(path, "rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - most))
        return file.read().decode("utf-8", "replace")


class Roofline:
    def __init__(self, kit, torch, device):
        self.kit, self.torch, self.device = kit, torch, device
        share = float(kit.parameters.get("memory_share", 0.25))
        self.most_bytes = int(device.free_bytes() * min(max(share, 0.001), 0.9))
        self.precision = torch_devices.Precision(device)
        self.done_share = 0.0

    def run(self):
        parts = [("launch", self.launch), ("matmul", self.matmul), ("bandwidth", self.bandwidth), ("attention", self.attention),
                 ("transfers", self.transfers), ("all_reduce", self.all_reduce)]
        for name, part in parts:
            self.kit.progress(self.done_share, name.replace("_", "-"))
            try:
                part(self.kit.duration_s * SHARES[name])
            except Exception as error:  # one part that fails leaves the others
                self.kit.finding("doubtful", name.replace("_", "-") + "-failed", "%s failed: %s" % (name, first_line(error)))
            self.done_share += SHARES[name]

    def time(self, run, budget_s):
        return measure(run, self.device.synchronise, max(budget_s, LEAST_MEASURE_S), self.kit.relative_interval)

    # ---- launch ----

    def launch(self, budget_s):
        one = self.torch.ones(1, device=self.device.string)

        def launch_and_wait():
            one.add_(1)
            self.device.synchronise()

        times = self.time(launch_and_wait, budget_s)
        self.kit.record("launch_overhead_us", "µs", [t * 1e6 for t in times],
                        METHOD + "; one addition and the wait for it", kernel="launch", library=self.device.framework)

    # ---- matmul ----

    def matmul(self, budget_s):
        wanted = str(self.kit.parameters.get("types", "")).split()
        types = [name for name in torch_devices.types_of(self.device, self.precision) if not wanted or name in wanted]
        for name in wanted:
            if name not in types:
                self.kit.finding("note", "type-left-out", "%s is not measured here: there are %s" % (name, ", ".join(types)), dtype=name)
        for i, dtype in enumerate(types):
            self.kit.progress(self.done_share + SHARES["matmul"] * i / len(types), "matmul " + dtype)
            self.precision.allow_tf32(dtype == "tf32")
            named = self.checked_type(dtype)
            if named:
                self.matmul_sizes(dtype, named, budget_s / len(types))
        self.precision.allow_tf32(False)

    def checked_type(self, dtype):
        """What the arithmetic turns out to be; None where it is missing or wrong: a rate of wrong numbers is none."""
        fault, is_missing = torch_devices.type_fault(self.device, dtype)
        if not fault:
            return dtype
        if is_missing:
            self.kit.finding("note", "matmul-%s-missing" % dtype, "%s does not multiply %s: %s" % (self.device.string, dtype, fault), dtype=dtype)
            return None
        if dtype == "f32" and not torch_devices.type_fault(self.device, "f32", 256)[1] and self.is_tf32():
            self.kit.finding("note", "f32-is-tf32", "f32 matrices are multiplied in tf32 or the like, and nothing says so: %s" % fault, dtype="f32")
            return "tf32"
        self.kit.finding("blocker", "matmul-%s-wrong" % dtype, "%s multiplies %s wrongly: %s" % (self.device.string, dtype, fault), dtype=dtype)
        return None

    def is_tf32(self):
        return torch_devices.Matrices(self.device, "f32", 256).error() <= torch_devices.TOLERANCE["tf32"]

    def largest(self, bytes_each, matrices):
        most = int(self.kit.parameters.get("largest", 4096 if self.device.is_cpu else 16384))
        while most > 64 and matrices * most * most * bytes_each > self.most_bytes:
            most //= 2
        return most

    def matmul_sizes(self, dtype, named, budget_s):
        deadline, best, n = Deadline(budget_s), 0.0, 256
        bytes_each = {"int8": 1, "f16": 2, "bf16": 2}.get(dtype, 4)
        largest = self.largest(bytes_each, 4)
        while n <= largest:
            matrices = torch_devices.Matrices(self.device, dtype, n, self.kit.seed)
            left = deadline.left()
            times = self.time(matrices.multiply, left / 2 if n * 2 <= largest else left)
            rate = 2.0 * n ** 3 / median(times) / 1e12
            moved = n * n * (2 * bytes_each + (4 if dtype == "int8" else bytes_each))
            self.kit.record("matmul_tflop_per_s", "TFLOP/s", [2.0 * n ** 3 / t / 1e12 for t in times], METHOD + "; torch.matmul" if dtype != "int8"
                            else METHOD + "; torch._int_mm", kernel="matmul", dtype=named, m=n, n=n, k=n,
                            flop_per_byte=2.0 * n ** 3 / moved, library=self.matmul_library(dtype))
            has_plateau = n >= 1024 and rate < PLATEAU * best
            best = max(best, rate)
            # The next takes eight times as long, each.
            if has_plateau or 8 * median(times) * 3 > deadline.left():
                break
            n *= 2

    def matmul_library(self, dtype):
        if self.device.is_cpu and dtype == "f32":
            return "%s through %s" % (torch_devices.cpu_blas(self.torch), self.device.framework)
        return None

    # ---- bandwidth ----

    def bandwidth(self, budget_s):
        cache = torch_devices.cache_bytes() if self.device.is_cpu else 256 << 20
        most = min(self.most_bytes, 1 << 30 if self.device.is_cpu else 4 << 30)
        sizes, size = [], 3 << 20
        while size <= most:
            sizes.append(size)
            size *= 8
        if sizes and sizes[-1] < most and most >= 2 * sizes[-1]:
            sizes.append(most)
        for size in sizes or [most]:
            memory = "ram" if size >= 4 * cache else "cache"
            self.bandwidth_of(size, memory, budget_s / max(1, len(sizes)))
        if not sizes or sizes[-1] < 4 * cache:
            self.kit.finding("note", "only-caches", "The arrays that memory allows, %d MiB, may stay in caches: of memory itself no bandwidth is told"
                             % (most >> 20), most_bytes=most)

    def bandwidth_of(self, size, memory, budget_s):
        torch = self.torch
        half = [torch.ones(size // 2 // 4, device=self.device.string) for _ in range(2)]
        times = self.time(lambda: half[0].copy_(half[1]), budget_s / 2)
        moved = 2 * half[0].numel() * 4
        self.kit.record("memory_bandwidth_gb_per_s", "GB/s", [moved / t / 1e9 for t in times], METHOD + "; copy_, bytes read and written",
                        kernel="copy", size_bytes=moved, memory=memory, library=self.device.framework)
        del half
        third = [torch.ones(size // 3 // 4, device=self.device.string) for _ in range(3)]
        times = self.time(lambda: torch.add(third[0], third[1], alpha=3.0, out=third[2]), budget_s / 2)
        moved = 3 * third[0].numel() * 4
        self.kit.record("memory_bandwidth_gb_per_s", "GB/s", [moved / t / 1e9 for t in times],
                        METHOD + "; add with alpha into a third array, bytes read and written", kernel="triad", size_bytes=moved,
                        memory=memory, flop_per_byte=2.0 / 12, library=self.device.framework)

    # ---- attention ----

    def attention(self, budget_s):
        attend = getattr(self.torch.nn.functional, "scaled_dot_product_attention", None)
        if attend is None:
            self.kit.finding("note", "attention-missing", "this PyTorch has no scaled_dot_product_attention")
            return
        deadline, dtype, heads, size = Deadline(budget_s), "f32" if self.device.is_cpu else "f16", 16, 64
        if not self.device.is_cpu and torch_devices.type_fault(self.device, "f16")[0]:
            dtype = "f32"
        tensor_type = getattr(self.torch, dict(torch_devices.TYPES)[dtype])
        for length in (512, 2048, 8192):
            # Without a fused kernel the scores are written out, several times over.
            if 4 * heads * length * length * 4 > self.most_bytes:
                break
            query, key, value = (self.torch.randn(1, heads, length, size, device=self.device.string, dtype=tensor_type) for _ in range(3))
            times = self.time(lambda: attend(query, key, value), deadline.left() / 2)
            flop = 4.0 * heads * size * length * length
            moved = 4 * heads * length * size * (4 if dtype == "f32" else 2)
            self.kit.record("attention_tflop_per_s", "TFLOP/s", [flop / t / 1e12 for t in times],
                            METHOD + "; scaled_dot_product_attention, no mask", kernel="attention", dtype=dtype, heads=heads, head_size=size,
                            queries=length, keys=length, flop_per_byte=flop / moved, library=self.device.framework)
            if 16 * median(times) * 3 > deadline.left():
                break

    # ---- transfers ----

    def transfers(self, budget_s):
        if self.device.is_cpu:
            return  # there is nothing between host and host
        size = min(256 << 20, self.most_bytes)
        on_device = self.torch.ones(size // 4, device=self.device.string)
        on_host = self.torch.ones(size // 4)
        host_memory = "pageable"
        try:
            on_host, host_memory = on_host.pin_memory(), "pinned"
        except Exception as error:
            self.kit.finding("note", "no-pinned-memory", "host memory cannot be pinned: %s" % first_line(error))
        moved = on_device.numel() * 4
        for metric, kernel, run in (("host_to_device_gb_per_s", "upload", lambda: on_device.copy_(on_host)),
                                    ("device_to_host_gb_per_s", "download", lambda: on_host.copy_(on_device))):
            times = self.time(run, budget_s / 2)
            self.kit.record(metric, "GB/s", [moved / t / 1e9 for t in times], METHOD + "; copy_", kernel=kernel, size_bytes=moved,
                            host_memory=host_memory, library=self.device.framework)

    # ---- all-reduce ----

    def all_reduce(self, budget_s):
        ranks = int(self.kit.parameters.get("ranks", 0)) or self.device.count()
        if ranks < 2:
            return
        if not getattr(self.torch, "distributed", None) or not self.torch.distributed.is_available():
            self.kit.finding("note", "collectives-missing", "this PyTorch has no torch.distributed")
            return
        size = min(256 << 20, self.most_bytes // 2) if not self.device.is_cpu else min(16 << 20, self.most_bytes // (2 * ranks))
        with tempfile.TemporaryDirectory(prefix="assay-kit-") as folder:
            times, why = self.times_of_ranks(folder, ranks, size, budget_s)
        if times is None:
            self.kit.finding("doubtful", "all-reduce-failed", "all-reduce over %d devices with %s: %s" % (ranks, self.device.backend, why), ranks=ranks)
            return
        bus = 2.0 * (ranks - 1) / ranks * size
        self.kit.record("all_reduce_gb_per_s", "GB/s", [bus / t / 1e9 for t in times],
                        "2(n−1)/n · bytes ÷ time of torch.distributed.all_reduce on rank 0, a process a device", kernel="all-reduce",
                        ranks=ranks, size_bytes=size, backend=self.device.backend,
                        library="%s through %s" % (self.device.backend, self.device.framework))

    def times_of_ranks(self, folder, ranks, size, budget_s):
        """(seconds of each repetition on rank 0, "") or (None, why there are none). A process a device."""
        spec = {"kind": self.device.kind, "backend": self.device.backend, "ranks": ranks, "size_bytes": size, "folder": folder,
                "budget_s": max(budget_s, 0.2), "plugin": str(self.kit.parameters.get("plugin", ""))}
        processes, deadline, why = [], Deadline(60 + 4 * budget_s), ""
        # Into files: a pipe that nobody reads yet fills up where a collective library is talkative, and all ranks wait for its writer.
        for rank in range(ranks):
            with open("%s/%d.out" % (folder, rank), "wb") as out, open("%s/%d.err" % (folder, rank), "wb") as err:
                processes.append(subprocess.Popen([sys.executable, os.path.abspath(__file__), "--rank", str(rank), json.dumps(spec)],
                                                  stdin=subprocess.DEVNULL, stdout=out, stderr=err))
        for rank, process in enumerate(processes):
            try:
                process.wait(timeout=max(0.1, deadline.left()))
                if process.returncode != 0 and not why:
                    why = "rank %d ended with %d: %s" % (rank, process.returncode, last_bytes("%s/%d.err" % (folder, rank)).strip())
            except subprocess.TimeoutExpired:
                why = why or "rank %d took longer than %.0f s" % (rank, 60 + 4 * budget_s)
        for process in processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        if why:
            return None, why
        with open("%s/0.out" % folder, encoding="utf-8") as out:
            return json.load(out), ""


class Quiet:
    """In place of a kit where a rank looks for its plug-in: what is wrong with it was told by the first process."""
    parameters = {}

    def finding(self, *_, **__):
        pass


def run_rank(rank, spec):
    """One process of an all-reduce; rank 0 prints the seconds of its repetitions. They agree by a file: no port is opened for it."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    torch = torch_devices.import_torch()
    for kind, plugin, _, _ in torch_devices.CANDIDATES:
        if plugin and kind == spec["kind"]:
            torch_devices.import_plugin(Quiet(), plugin)
    if spec["plugin"]:
        torch_devices.import_plugin(Quiet(), spec["plugin"])
    device = torch_devices.Device(torch, spec["kind"], rank, "", spec["backend"])
    if device.module is not None:
        device.module.set_device(rank)
    else:
        torch.set_num_threads(1)
    torch.distributed.init_process_group(spec["backend"], init_method="file://%s/store" % spec["folder"], rank=rank,
                                         world_size=spec["ranks"], timeout=datetime.timedelta(seconds=60))
    data = torch.ones(spec["size_bytes"] // 4, device=device.string)
    times, most = [], torch.zeros(1, device=device.string)
    for _ in range(3):
        torch.distributed.all_reduce(data)
    device.synchronise()
    begin = time.perf_counter()
    while len(times) < 100:
        data.fill_(1.0)
        torch.distributed.barrier()
        device.synchronise()
        start = time.perf_counter()
        torch.distributed.all_reduce(data)
        device.synchronise()
        times.append(time.perf_counter() - start)
        # All stop together: when rank 0's time is up.
        most.fill_(1.0 if rank == 0 and time.perf_counter() - begin > spec["budget_s"] else 0.0)
        torch.distributed.all_reduce(most)
        if float(most[0]) > 0:
            break
    if float(data[0]) != spec["ranks"] or float(data[-1]) != spec["ranks"]:
        raise SystemExit("the sum over %d ranks is %s" % (spec["ranks"], float(data[0])))
    torch.distributed.destroy_process_group()
    if rank == 0:
        json.dump(times, out)
        out.flush()


def main():
    kit = assay_kit.Kit("torch-roofline", VERSION)
    found = torch_devices.open_device(kit)
    if found is None:
        return
    torch, device = found
    kit.device(device.name(), device.library, {
        "device_string": device.string, "framework": device.framework, "memory_bytes": device.memory_bytes(), "capability": device.capability(),
        "threads": torch.get_num_threads() if device.is_cpu else None})
    Roofline(kit, torch, device).run()
    kit.done()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--rank"]:
        run_rank(int(sys.argv[2]), json.loads(sys.argv[3]))
    else:
        main()
