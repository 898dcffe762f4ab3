#!/usr/bin/env python3
"""Holds `assay load` against four other load generators and a bare loop, all of them against `assay emulate`, whose own stamps are the truth.

The server has core 0 to itself, the client core 1; with the arrangement `both` the client's processes may use both. In every round
each tool runs once, the rounds in turning order, so that whatever else the machine does meets all of them. What stands in the tables
is the median over the rounds; a ratio is the geometric mean over the rounds of the ratio to assay in the same round. A tool that is
not installed, fails or takes longer than the limit is a row that says why.

    compare.py BUILD [--quick] [--rounds 2] [--cases NAME,…] [--tools NAME,…] [--cores one|both|each] [--limit S] [--json FILE]

`install.py` installs the rivals first; --quick takes the most telling cases once, with shorter loads, in less than eight minutes.
"""
import argparse
import json
import math
import os
import platform
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from cases import CASES, SERVER_CORE, Bench
from harness import RunFailed, become_subreaper
from install import HOME, TOKENIZER, TOKENIZER_NAME
from tools import TOOLS

ARRANGEMENTS = {"one": "the client on one core", "both": "the client's processes on both cores, one of them the server's"}
# By the end of a column's name; more digits than these would pretend.
FORMATS = (("error", "{:+.2%}"), ("delivered", "{:.1%}"), ("of a core", "{:.0%}"), ("gap true, ms", "{:.3f}"), ("gap told, ms", "{:.3f}"),
           (", ms", "{:.2f}"), (", µs", "{:,.1f}"), (", s", "{:.2f}"), (", MiB", "{:,.1f}"), ("", "{:,.0f}"))


def tell(text):
    print(text, file=sys.stderr, flush=True)


def format_value(column, value):
    if value is None:
        return "–"
    if isinstance(value, str):
        return value.replace("|", "\\|").replace("\n", " ")
    return next(form for end, form in FORMATS if column.endswith(end)).format(value)


class Comparison:
    def __init__(self, options, scratch):
        self.options, self.scratch = options, scratch
        self.assay = f"{options.build}/assay"
        self.tools = [tool(options.build if tool.is_ours else HOME) for tool in TOOLS
                      if tool is TOOLS[0] or not options.tools or tool.name in options.tools]

    def tools_of(self, case, arrangement):
        """The bare loop belongs where it is the ceiling: to few cases, and to one core, as it has one thread."""
        return [tool for tool in self.tools if not tool.is_ceiling or case.has_bare and arrangement == "one"]

    def measure(self, case, arrangement, tool, scale):
        """{column: value}, or {"failed": why}."""
        if tool.missing():
            return {"failed": tool.missing()}
        cores = [1] if arrangement == "one" else [SERVER_CORE, 1]
        # One tool wants the name under which transformers finds the tokenizer, the others its folder.
        tokenizer = TOKENIZER_NAME if tool.takes_tokenizer_name else f"{HOME}/{TOKENIZER}"
        bench = Bench(self.assay, tokenizer, self.scratch, cores, self.options.limit)
        try:
            return case.measure(bench, tool, scale)
        except RunFailed as error:
            return {"failed": str(error)}

    def run(self, case, arrangement):
        """Per tool the results of all rounds."""
        scale = case.quick_scale if self.options.quick else 1.0
        tools = self.tools_of(case, arrangement)
        results = {tool.name: [] for tool in tools}
        for number in range(self.options.rounds):
            for tool in tools:
                began = time.monotonic()
                result = self.measure(case, arrangement, tool, scale)
                results[tool.name].append(result)
                words = "; ".join(f"{column} {format_value(column, value)}" for column, value in result.items() if value != "")
                tell(f"{case.name}, {arrangement}, round {number + 1}, {tool.name} ({time.monotonic() - began:.0f} s): {words}")
        return results

    def ratio(self, case, results, tool):
        """Mean, least and largest ratio to the first tool over the rounds, or None."""
        pairs = [(mine.get(case.ratio), its.get(case.ratio))
                 for mine, its in zip(results[tool.name], results[self.tools[0].name])]
        ratios = [mine / its for mine, its in pairs if mine and its]
        if not ratios:
            return None
        return math.exp(statistics.mean(map(math.log, ratios))), min(ratios), max(ratios)

    def table(self, case, results):
        """Markdown: a line each tool."""
        columns = list(dict.fromkeys(column for rounds in results.values() for result in rounds for column in result
                                     if column not in ("failed", "note")))
        head = ["", *columns, *(["to assay"] if case.ratio else []), ""]
        lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        for tool in self.tools:
            if tool.name not in results:
                continue
            rounds = results[tool.name]
            good = [result for result in rounds if "failed" not in result]
            cells = [tool.name]
            for column in columns:
                values = [result[column] for result in good if result.get(column) is not None]
                cells.append(format_value(column, statistics.median(values) if values else None))
            if case.ratio:
                ratio = self.ratio(case, results, tool)
                cells.append("–" if ratio is None else "1" if tool is self.tools[0] else ratio_words(*ratio))
            notes = dict.fromkeys(text for result in rounds for text in (result.get("failed"), result.get("note")) if text)
            cells.append(format_value("", "; ".join(notes)))
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines)


def ratio_words(mean, low, high):
    def short(value):
        return f"1/{1 / value:,.0f}" if value < 0.1 else f"{value:.2f}" if value < 10 else f"{value:,.0f}"
    return short(mean) if high / low < 1.005 else f"{short(mean)} ({short(low)}…{short(high)})"


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                  if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores of {model}, Linux {platform.release().split('-')[0]}"


def versions(comparison):
    told = subprocess.run([comparison.assay, "--version"], capture_output=True, text=True, check=True).stdout.split()
    return [f"assay {told[-1]}", *(f"{tool.name} {tool.version}" for tool in comparison.tools if not tool.is_ours)]


def load_average():
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def options_of(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = {"cases": [case.name for case in CASES], "tools": [tool.name for tool in TOOLS]}
    parser.add_argument("build", type=os.path.abspath)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--cases", default="", help=", ".join(names["cases"]))
    parser.add_argument("--tools", default="", help="beside assay: " + ", ".join(names["tools"][1:]))
    parser.add_argument("--cores", choices=[*ARRANGEMENTS, "each"])
    parser.add_argument("--limit", type=float, default=180, help="seconds that one run may take")
    parser.add_argument("--json", help="write every round's values there")
    options = parser.parse_args(arguments)
    for kind, known in names.items():
        chosen = [name for name in getattr(options, kind).split(",") if name]
        unknown = [name for name in chosen if name not in known]
        if unknown:
            parser.error(f"--{kind}: unknown: {', '.join(unknown)}; there are {', '.join(known)}")
        setattr(options, kind, chosen)
    options.rounds = options.rounds or (1 if options.quick else 2)
    options.cores = options.cores or ("one" if options.quick else "each")
    return options


def main():
    options = options_of(sys.argv[1:])
    if (os.cpu_count() or 1) < 2:
        sys.exit("compare: server and client need a core each, and this machine has one")
    if not os.access(f"{options.build}/assay", os.X_OK):
        sys.exit(f"compare: there is no program {options.build}/assay. Build it first: make")
    become_subreaper()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))   # so that servers and clients end too
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536) if hard > 0 else soft, hard))   # 5,000 connections and more
    with tempfile.TemporaryDirectory(prefix="assay-rivals-") as scratch:
        comparison = Comparison(options, scratch)
        document = {"date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "machine": machine(), "versions": versions(comparison),
                    "command": " ".join(["bench/rivals/compare.py", *sys.argv[1:]]), "rounds": options.rounds,
                    "load_average_before": load_average(), "cases": []}
        print(f"{document['date']}; {document['machine']}; {', '.join(document['versions'])}.\n`{document['command']}`; "
              f"{options.rounds} round{'s' * (options.rounds > 1)}; load average before: {document['load_average_before']}.", flush=True)
        for case in CASES:
            if options.cases and case.name not in options.cases or options.quick and not case.quick_scale:
                continue
            for arrangement, words in ARRANGEMENTS.items():
                if options.cores not in (arrangement, "each") or arrangement == "both" and not case.is_both:
                    continue
                results = comparison.run(case, arrangement)
                print(f"\n**{case.title}**; {words}:\n\n{comparison.table(case, results)}", flush=True)
                document["cases"].append({"name": case.name, "title": case.title, "cores": arrangement, "results": results})
        document["load_average_after"] = load_average()
        print(f"\nLoad average after: {document['load_average_after']}.")
        if options.json:
            with open(options.json, "w", encoding="utf-8") as file:
                json.dump(document, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
