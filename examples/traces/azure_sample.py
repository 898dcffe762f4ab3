#!/usr/bin/env python3
"""Writes azure-sample.csv: 200 made-up rows in the format of the Azure LLM inference trace, with arrivals and lengths
like those of its conversations (3.3 requests/s; median prompt about 600 tokens, median answer about 160)."""
import datetime
import pathlib
import random

draw = random.Random(20231116)
at = datetime.datetime(2023, 11, 16, 18, 15, 46, 680590)
rows = ["TIMESTAMP,ContextTokens,GeneratedTokens"]
for _ in range(200):
    prompt = min(4096, max(3, round(draw.lognormvariate(6.4, 0.9))))
    output = min(1000, max(8, round(draw.lognormvariate(5.1, 0.8))))
    rows.append(f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond:06}0,{prompt},{output}")
    at += datetime.timedelta(seconds=draw.expovariate(3.3))
pathlib.Path(__file__).with_name("azure-sample.csv").write_text("\n".join(rows) + "\n")
