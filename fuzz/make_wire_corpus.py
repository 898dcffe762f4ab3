#!/usr/bin/env python3
"""Writes fuzz/corpus/wire: the frames between assay and its worker, each kind once, and one file for each way in which they
can be wrong. Little-endian, as the machines are on which assay runs."""
import pathlib
import struct

REQUEST, CANCEL, STOP, READY, EVENTS, FATAL = 1, 2, 3, 16, 17, 18
SENT, ADMITTED, CONTENT, REASONING, DONE, FAILED = range(6)
TOO_LONG = 7


def frame(kind, payload=b"", length=None, mark=b"asy"):
    return struct.pack("<IB", len(payload) if length is None else length, kind) + mark + payload


def request(number=1, prompt=100, output=20, prefix=10, corpus=b"prose", last=1, parts=(), count=None):
    head = struct.pack("<QQQQIIIIII", number, 7, 2**64 - 1, 99, 1, 0, prefix, prompt, output,
                       len(parts) if count is None else count)
    return head + b"".join(struct.pack("<QI", *part) for part in parts) + struct.pack("<BB", last, len(corpus)) + corpus


def event(number=1, kind=CONTENT, cause=0, at=123456789, tokens=1, prompt=0, output=0, detail=b"", length=None):
    return struct.pack("<QqBBHIII", number, at, kind, cause, len(detail) if length is None else length, tokens, prompt,
                       output) + detail


ANSWER = event(kind=ADMITTED, tokens=0) + event() + event(at=2**63 - 1) + event(kind=DONE, tokens=0, prompt=100, output=20)
FILES = {
    "request": frame(REQUEST, request()),
    "request_of_code": frame(REQUEST, request(corpus=b"code", last=0)),
    "request_last_is_2": frame(REQUEST, request(last=2)),
    "request_no_id": frame(REQUEST, request(number=0)),
    "request_no_prompt": frame(REQUEST, request(prompt=0)),
    "request_huge_output": frame(REQUEST, request(output=2**32 - 1)),
    "request_prefix_too_long": frame(REQUEST, request(prefix=101)),
    "request_other_corpus": frame(REQUEST, request(corpus=b"\x1b[2J")),
    "request_parts": frame(REQUEST, request(parts=[(5, 4), (2**64 - 1, 6)])),
    "request_parts_too_long": frame(REQUEST, request(parts=[(5, 4), (6, 7)])),
    "request_parts_empty": frame(REQUEST, request(parts=[(5, 10), (6, 0)])),
    "request_parts_huge_count": frame(REQUEST, request(count=2**32 - 1)),
    "request_cut": frame(REQUEST, request()[:-1]),
    "request_trailing": frame(REQUEST, request() + b"x"),
    "cancel": frame(CANCEL, struct.pack("<Q", 1)),
    "cancel_short": frame(CANCEL, b"1234567"),
    "stop": frame(STOP),
    "orders": frame(REQUEST, request()) + frame(REQUEST, request(2)) + frame(CANCEL, struct.pack("<Q", 1)) + frame(STOP),
    "ready": frame(READY, b'{"model": "tiny", "sequences": 4}'),
    "ready_array": frame(READY, b"[1]"),
    "ready_garbage": frame(READY, b"\xff\x00{"),
    "answer": frame(EVENTS, ANSWER),
    "serving": frame(READY, b"{}") + frame(EVENTS, ANSWER) + frame(FATAL, b'{"what": "no memory"}'),
    "events_none": frame(EVENTS),
    "event_failed": frame(EVENTS, event(kind=FAILED, cause=TOO_LONG, detail=b"prompt of 9,000 tokens")),
    "event_before_time": frame(EVENTS, event(at=-2**63)),
    "event_cut": frame(EVENTS, ANSWER[:-1]),
    "event_unknown_kind": frame(EVENTS, event(kind=50)),
    "event_unknown_cause": frame(EVENTS, event(kind=FAILED, cause=50)),
    "event_longest_detail": frame(EVENTS, event(kind=FAILED, detail=b"x" * 200)),
    "event_detail_too_long": frame(EVENTS, event(kind=FAILED, detail=b"x" * 201)),
    "event_detail_beyond_end": frame(EVENTS, event(kind=FAILED, detail=b"x", length=150)),
    "fatal": frame(FATAL, b'{"what": "no memory", "where": "CPU", "remedy": "Take a smaller model."}'),
    "fatal_escape": frame(FATAL, b'{"what": "a\\u001b[2J"}'),
    "fatal_garbage": frame(FATAL, b"\x01\x02"),
    "header_cut": frame(STOP)[:7],
    "payload_cut": frame(EVENTS, ANSWER)[:-1],
    "length_too_large": frame(EVENTS, b"", length=2**32 - 1),
    "length_largest": frame(EVENTS, b"", length=2**24),
    "unknown_kind": frame(99),
    "other_mark": frame(STOP, mark=b"asx"),
    "text": b"ggml_abort: this is no frame",
}

folder = pathlib.Path(__file__).parent / "corpus" / "wire"
folder.mkdir(parents=True, exist_ok=True)
for name, content in FILES.items():
    (folder / name).write_bytes(content)
print(f"{len(FILES)} files in {folder}")
