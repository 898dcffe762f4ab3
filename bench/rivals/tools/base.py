"""What a load generator is to the comparison: how it is told a load, and what its result file says."""
import dataclasses
import os
import time


@dataclasses.dataclass
class Job:
    """A load. Either `concurrency` users, each of which waits for its answer, or `rate_per_s` at even distances."""
    url: str              # the server's root, without /v1
    folder: str           # results go here; the client's working folder
    requests: int
    output_tokens: int
    concurrency: int = 0
    rate_per_s: float = 0
    prompt_tokens: int = 16
    cores: int = 1        # that the client may use
    tokenizer: str = ""   # a folder in the form of transformers, or a name in its cache
    model: str = "emulated"
    ca_file: str = ""     # where the server speaks TLS: what it is verified against
    wants_stamps: bool = True   # of the first tokens, where the tool can give them

    @property
    def duration_s(self):
        """Of an open loop."""
        return self.requests / self.rate_per_s


@dataclasses.dataclass
class Reading:
    """A result file in the words of this comparison; None: the tool does not say."""
    requests: int | None                # that ended well
    errors: int
    ttft_ms_mean: float | None
    tpot_ms_mean: float | None          # (last − first)/(n − 1) of a request, or the nearest that it gives
    void: str = ""                      # why the tool itself does not believe its numbers
    doubt: str = ""                     # which of them it marks as doubtful
    # Arrival of the first token, CLOCK_MONOTONIC in nanoseconds, by what the request carried as X-Request-Id, or else
    # the end of the answer's id.
    first_arrival_ns: dict = dataclasses.field(default_factory=dict)
    # Arrival of every chunk, as above, where it tells that.
    chunk_arrivals_ns: dict = dataclasses.field(default_factory=dict)
    # Where its latencies count from the instant at which a request was due, not from its sending: that instant, of the requests
    # that its mean is over.
    due_ns: dict = dataclasses.field(default_factory=dict)


class Tool:
    """A row of the table of tools. Subclasses say command() and read()."""
    name = ""
    package = ""          # the distribution that is installed and whose version is told
    version = ""
    is_ceiling = False    # measured in the cases only that say so
    is_ours = False       # built here, not installed: its home is the build folder
    python = ()           # versions of Python that it runs on, the best first
    shelf = ""            # the environment below .deps/rivals and the requirement file that it is in
    program = ""          # in the environment's bin/
    # Where its start-up is asked for with a million requests, how many it is given.
    many_requests = 1_000_000
    # Requests of the coalesced case: enough for a few seconds of work on one core.
    coalesced_requests = 1_000
    # Streams of the paced case, 20 tokens/s each: as many as one core can take.
    paced_streams = 100
    # Requests per second to begin the search of the open loop with.
    first_rate_per_s = 200
    # Inference requests that it sends before the load.
    trial_requests = 0
    takes_tokenizer_name = False    # instead of a folder

    def __init__(self, home):
        self.home = home

    def missing(self):
        """Why it cannot be run; empty where it can."""
        absent = [path for path in self.call() if not os.access(path, os.X_OK)]
        if not absent:
            return ""
        return f"not built: ninja -C {self.home} bare_client" if self.is_ours else f"not installed: there is no {absent[0]}"

    def call(self):
        """The beginning of its command line. The interpreter is named, so that an environment may be moved."""
        return [f"{self.home}/{self.shelf}/bin/python", f"{self.home}/{self.shelf}/bin/{self.program}"]

    def environment(self, job):
        """No tool reaches for anything outside this machine."""
        return {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": f"{self.home}/hf",
                "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1", "TOKENIZERS_PARALLELISM": "false"}

    def command(self, job):
        """The command line; files that it needs are written to job.folder."""
        raise NotImplementedError

    def read(self, folder):
        """The Reading of a run's folder. Raises OSError, ValueError or LookupError where there is none."""
        raise NotImplementedError


def wall_to_monotonic_ns():
    """What is added to CLOCK_REALTIME (ns) to have CLOCK_MONOTONIC, taken between two looks at the latter."""
    before, wall, after = time.monotonic_ns(), time.time_ns(), time.monotonic_ns()
    return (before + after) // 2 - wall
