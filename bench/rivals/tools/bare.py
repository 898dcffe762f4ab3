"""bench/bare_client: a loop that receives with the kernel's stamps, counts and does nothing else. No rival, but the ceiling of all."""
from .base import Tool


class Bare(Tool):
    name = "bare"
    is_ours = True
    is_ceiling = True
    coalesced_requests = 30_000
    paced_streams = 3_000

    def call(self):
        return [f"{self.home}/bench/bare_client"]

    def command(self, job):
        if not job.concurrency:
            raise LookupError("the bare loop knows closed loops only")
        command = [*self.call(), job.url.rpartition(":")[2], "--streams", str(job.concurrency), "--tokens", str(job.output_tokens),
                   "--requests", str(job.requests), "--stamps"]
        # As assay's users begin: one after the other.
        return [*command, "--ramp-ms", str(0.2 * job.concurrency)]

    def read(self, folder):
        raise LookupError("the bare loop tells no latencies")
