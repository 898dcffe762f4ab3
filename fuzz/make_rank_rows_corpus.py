#!/usr/bin/env python3
"""Writes fuzz/corpus/rank_rows: the samples of one or two ranks as rank_rows_fuzz.cc reads them, good ones and one file for each way
in which they can contradict themselves."""
import pathlib

COLUMNS = ("id", "class", "session", "turn", "scheduled_ns", "dispatched_ns", "sent_ns", "admitted_ns", "first_ns", "first_output_ns",
           "last_ns", "end_ns", "prompt_tokens", "output_tokens", "asked_tokens", "output_told", "chunks", "failure", "server", "server_prompt_ns",
           "server_tpot_ns")
MS = 1_000_000


def number(value):
    """Three bytes; low bits that do not fit are lost."""
    shift, rest = 0, abs(value)
    while rest >= 1 << 16:
        shift, rest = shift + 1, rest >> 1
    assert shift < 48, value
    return bytes([shift | (0x80 if value < 0 else 0), rest & 0xFF, rest >> 8])


def request(index, **other):
    at = (1 + 10 * index) * MS
    row = {"id": index + 1, "session": index + 1, "scheduled_ns": at, "dispatched_ns": at, "sent_ns": at, "first_ns": at + 5 * MS,
           "first_output_ns": at + 5 * MS, "last_ns": at + 7 * MS, "end_ns": at + 8 * MS, "prompt_tokens": 9, "output_tokens": 2,
           "asked_tokens": 2, "output_told": 1, "chunks": 2}
    return {**row, **other}


SOME_ONLY = ("asked_tokens", "output_told", "server", "server_prompt_ns", "server_tpot_ns")
LACKS_THEM = 4


def rank(rows, own_start=0, start=0, offset=0, duration=60 * MS, chunks=None, columns=COLUMNS):
    if chunks is None:
        chunks = [(row.get("first_ns") or MS) + 2 * MS * i for row in rows for i in range(row.get("chunks", 0))]
    numbers = [own_start, start, offset, duration]
    numbers += [row.get(name, 0) for name in columns for row in rows]
    return b"".join(map(number, numbers + chunks + [1] * len(chunks)))


def file(*ranks, rows=4, lacks=0):
    return bytes([rows, len(ranks) - 1 + lacks]) + b"".join(ranks)


FAR = 1 << 58
GOOD = [request(i, server=i % 2) for i in range(4)]
FAILED = {"failure": 1, "chunks": 0, "first_ns": 0, "first_output_ns": 0, "last_ns": 0, "output_tokens": 0}
FILES = {
    "good": file(rank(GOOD)),
    "good_two_ranks": file(rank(GOOD), rank([request(i) for i in range(4)], own_start=5 * MS, offset=5 * MS)),
    "good_one_server": file(rank(GOOD, columns=[name for name in COLUMNS if name not in SOME_ONLY]), lacks=LACKS_THEM),
    "none": file(rank([]), rows=0),
    "failures": file(rank([request(i, **FAILED) for i in range(4)])),
    "embeddings": file(rank([request(i, **{"class": 1, "server": 1}) for i in range(4)])),
    "told_timings": file(rank([request(i, server_prompt_ns=MS, server_tpot_ns=MS) for i in range(4)])),
    "end_before_start": file(rank([request(i, end_ns=1) for i in range(4)])),
    "first_before_sent": file(rank([request(i, first_ns=1) for i in range(4)])),
    "last_before_first": file(rank([request(i, last_ns=1) for i in range(4)])),
    "tokens_without_chunks": file(rank([request(i, chunks=0, output_tokens=9) for i in range(4)])),
    "chunks_without_tokens": file(rank([request(i, output_tokens=0) for i in range(4)])),
    "ended_well_without_first": file(rank([request(i, first_ns=0, last_ns=0, end_ns=0) for i in range(4)])),
    "never_sent": file(rank([request(i, dispatched_ns=0, sent_ns=0) for i in range(4)])),
    "all_at_zero": file(rank([{"id": 1}] * 4)),
    "same_id": file(rank([request(0)] * 4)),
    "far_instants": file(rank([request(i, end_ns=FAR, last_ns=FAR) for i in range(4)], duration=FAR)),
    "far_clocks": file(rank(GOOD, own_start=FAR, start=-FAR, offset=-FAR), rank(GOOD, own_start=-FAR, start=FAR, offset=FAR)),
    "chunks_backwards": file(rank(GOOD, chunks=[9 * MS, 8 * MS] * 4)),
    "many_tokens": file(rank([request(i, output_tokens=2**32 - 65536, prompt_tokens=2**32 - 65536) for i in range(4)])),
    "no_such_class": file(rank([request(i, **{"class": 2}) for i in range(4)])),
    "no_such_server": file(rank([request(i, server=2) for i in range(4)])),
    "no_such_failure": file(rank([request(i, failure=99) for i in range(4)])),
    "negative": file(rank([request(i, sent_ns=-1) for i in range(4)])),
}


folder = pathlib.Path(__file__).parent / "corpus" / "rank_rows"
folder.mkdir(parents=True, exist_ok=True)
for name, content in FILES.items():
    (folder / name).write_bytes(content)
print(f"{len(FILES)} files in {folder}")
