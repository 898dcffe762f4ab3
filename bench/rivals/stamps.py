"""The truth of one run: what `assay emulate --stamps` says of every request (docs/formats/emulate-stamps.md).

A line with 256 tokens is 7 KB, and a run may leave half a gigabyte of them: only the first and the last instant of each
list of tokens are read, between which the tokens of this server lie evenly.
"""
import dataclasses
import json
import re

FORMAT = "assay emulate stamps"
LISTS = re.compile(rb'"token_due_ns"\s*:\s*\[[^\]]*\]\s*,\s*"token_sent_ns"\s*:\s*\[([^\]]*)\]')


@dataclasses.dataclass
class Request:
    """One request as the server saw it. Instants are nanoseconds of CLOCK_MONOTONIC."""
    request_id: str
    arrival_ns: int
    first_ns: int       # the first token's send
    last_ns: int        # the last token's
    end_ns: int
    tokens: int
    is_done: bool
    sent_ns: list | None = None     # every token's send, where that was asked for

    @property
    def ttft_ms(self):
        return (self.first_ns - self.arrival_ns) / 1e6

    @property
    def gap_ms(self):
        return (self.last_ns - self.first_ns) / 1e6 / (self.tokens - 1) if self.tokens > 1 else None


def request_of(line, with_tokens=False):
    """The request of one line, or None where no token was sent. Raises ValueError where it is no such line."""
    lists = LISTS.search(line)
    if lists is None:
        raise ValueError("no token_due_ns and token_sent_ns")
    fields = json.loads(line[:lists.start()] + b'"":0' + line[lists.end():])
    sent = lists.group(1)
    if not sent.strip():
        return None
    return Request(request_id=fields["request_id"], arrival_ns=fields["arrival_ns"], first_ns=int(sent.split(b",", 1)[0]),
                   last_ns=int(sent.rsplit(b",", 1)[-1]), end_ns=fields["end_sent_ns"], tokens=fields["output_tokens"],
                   is_done=fields["outcome"] == "done",
                   sent_ns=list(map(int, sent.split(b","))) if with_tokens else None)


class Stamps:
    """The requests of one run that got their `tokens`, without the first `trials`: those come before the load."""

    def __init__(self, path, tokens, trials=0, with_tokens=False):
        self.requests, self.summary = [], None
        with open(path, "rb") as file:
            head = json.loads(next(file, b"{}"))
            if head.get("format") != FORMAT:
                raise ValueError(f"{path}:1: no file of stamps")
            for number, line in enumerate(file, 2):
                try:
                    if b'"token_sent_ns"' not in line:
                        self.summary = json.loads(line)
                        continue
                    request = request_of(line, with_tokens)
                except (ValueError, KeyError) as error:
                    raise ValueError(f"{path}:{number}: {error}") from error
                if request is not None and request.tokens == tokens and number - 2 >= trials:
                    self.requests.append(request)
        if self.summary is None or not self.summary.get("end"):
            raise ValueError(f"{path}: no summary at the end; the server did not end in order")

    @property
    def done(self):
        return [request for request in self.requests if request.is_done]

    @property
    def lost(self):
        return self.summary.get("stamps_lost_requests", 0) + self.summary.get("stamps_lost_events", 0)

    @property
    def first_arrival_ns(self):
        return min(request.arrival_ns for request in self.requests)

    @property
    def last_end_ns(self):
        return max(request.end_ns for request in self.requests)

    def most_at_once(self):
        """Requests under way at the same instant, at most."""
        steps = sorted([(request.arrival_ns, 1) for request in self.requests] + [(request.end_ns, -1) for request in self.requests])
        at_once = most = 0
        for _, step in steps:
            at_once += step
            most = max(most, at_once)
        return most

    def ttft_ms_mean(self):
        return mean(request.ttft_ms for request in self.done)

    def gap_ms_mean(self):
        return mean(request.gap_ms for request in self.done if request.gap_ms is not None)

    def tokens_between(self, begin_ns, end_ns):
        """Tokens sent in [begin, end), those of a request taken as evenly spread from its first to its last."""
        total = 0.0
        for request in self.requests:
            if request.last_ns <= request.first_ns:
                total += request.tokens if begin_ns <= request.first_ns < end_ns else 0
                continue
            overlap = min(end_ns, request.last_ns) - max(begin_ns, request.first_ns)
            total += request.tokens * max(0, overlap) / (request.last_ns - request.first_ns)
        return total

    def tokens_per_s(self):
        """In the middle half of the time from the first arrival to the last end: neither ramp belongs to it."""
        begin, end = self.first_arrival_ns, self.last_end_ns
        quarter = (end - begin) / 4
        return self.tokens_between(begin + quarter, end - quarter) / (2 * quarter) * 1e9

    def arrivals_per_s(self):
        """Requests that came a second, from the first to the last."""
        arrivals = sorted(request.arrival_ns for request in self.requests)
        return (len(arrivals) - 1) / (arrivals[-1] - arrivals[0]) * 1e9 if len(arrivals) > 1 else 0.0


def mean(values):
    """None of nothing."""
    values = list(values)
    return sum(values) / len(values) if values else None
