"""Token counts end to end: `assay load --tokenizer` against `assay emulate`, whose answers have a known number of tokens, and
whose fault wrong-usage counts seven too many. Once by a tokenizer.json made for it, once by a real model's GGUF. And what the
report says that counts and lengths rest on."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from emulator import emulator  # noqa: E402

SOURCE = Path(os.environ["ASSAY_SOURCE"])
sys.path.insert(0, str(SOURCE / "tests/tokenizer"))
import fixture_tokenizer  # noqa: E402

ASSAY = os.environ["ASSAY"]
MODEL = SOURCE / ".deps/models/SmolLM2-135M-Instruct.Q4_1.gguf"
REQUESTS, TOKENS, TOO_MANY = 60, 32, 7
TIMING = ["--ttft-ms", "2", "--gap-ms", "0.2"]


def load(url, out, *flags, expected=(0, 1)):
    """A busy machine may make a trial void, which ends with 1 and changes nothing of what is counted."""
    result = subprocess.run([ASSAY, "load", url, "--num-prompts", str(REQUESTS), "--output-len", str(TOKENS), "--input-len", "20:400",
                             "--max-concurrency", "8", "--metrics-interval", "0", "--json", "--out", str(out), *flags],
                            capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False)
    assert result.returncode in expected, f"ends with {result.returncode}: {result.stderr[-2000:]}"
    return json.loads(result.stdout) if result.stdout else {}, result.stderr


def token_finding(report, code="load.tokens"):
    found = [finding for finding in report["findings"] if finding["code"] == code]
    assert len(found) == 1, report["findings"]
    return found[0]


def record(report, metric, of="all"):
    found = [each for each in report["provenance"]["records"]
             if each["metric"] == metric and each["conditions"].get("traffic_class") == of]
    assert len(found) == 1, f"{metric} of {of}: {found}"
    return found[0]


def expect_undoubted(report, metric):
    """No token count doubts it. A busy machine may have kept the load generator, which then says so itself."""
    was_kept = any(finding["code"] == "load.read-late" for finding in report["findings"])
    validity = record(report, metric)["validity"]
    assert validity in ("valid", "void") or was_kept, (validity, [finding["code"] for finding in report["findings"]])


def check_true_usage(folder, tokenizer):
    with emulator(folder, *TIMING) as url:
        report, _ = load(url, folder / "true", "--tokenizer", str(tokenizer))
    finding = token_finding(report)
    assert finding["severity"] == "note", finding
    assert "They agree" in finding["text"] and tokenizer.name in finding["text"], finding
    evidence = finding["evidence"]
    assert evidence["answers"] == REQUESTS and evidence["output_told"] == evidence["output_counted"] == REQUESTS * TOKENS, evidence
    assert evidence["tokenizer_bytes"] == tokenizer.stat().st_size, evidence
    ratio = record(report, "usage_output_ratio")
    assert ratio["value"] == 1 and ratio["n"] == REQUESTS and ratio["conditions"]["tokenizer"] == tokenizer.name, ratio
    expect_undoubted(report, "tpot_ms_mean")


def check_wrong_usage(folder, tokenizer, *flags):
    with emulator(folder, *TIMING, "--fault", "wrong-usage") as url:
        report, _ = load(url, folder / f"wrong-{tokenizer.name}", "--tokenizer", str(tokenizer), *flags)
    finding = token_finding(report)
    assert finding["severity"] == "doubtful" and "do not agree" in finding["text"], finding
    factor = (TOKENS + TOO_MANY) / TOKENS
    assert f"{factor - 1:+.1%}".replace("%", " %") in finding["text"], finding
    assert abs(record(report, "usage_output_ratio")["value"] - factor) < 1e-9
    for metric in ("tpot_ms_mean", "output_throughput_tokens_per_s"):
        assert record(report, metric)["validity"] in ("doubtful", "void"), metric
    return report


def check_prompts(folder, tokenizer):
    """The emulator counts a token for four bytes, as the tokenizer made for it does, within the words that both know."""
    with emulator(folder, *TIMING) as url:
        report, _ = load(url, folder / "prompts", "--tokenizer", str(tokenizer))
    name = record(report, "usage_prompt_ratio", "random")
    assert abs(name["value"] - 1) < 0.02 and "grows with" not in token_finding(report)["text"], name
    assert abs(record(report, "usage_prompt_offset_tokens", "random")["value"]) < 5


def check_lengths(folder, tokenizer):
    """Prompts have the tokens that are asked for, by a tokenizer that spells the corpus; the sentence says how many do."""
    with emulator(folder, *TIMING) as url:
        report, _ = load(url, folder / f"lengths-{tokenizer.name}", "--tokenizer", str(tokenizer))
    basis = token_finding(report, "load.token-basis")
    evidence = basis["evidence"]
    assert basis["severity"] == "note" and f"cut by tokens of {tokenizer.name}" in basis["text"], basis
    assert evidence["prompts_counted"] == REQUESTS and evidence["prompts_exact"] >= REQUESTS * 7 // 10, evidence
    assert abs(evidence["prompt_excess_tokens_sum"]) <= REQUESTS // 5 and evidence["prompt_excess_tokens_largest"] <= 2, evidence
    tpot = record(report, "tpot_ms_mean")
    assert tpot["conditions"]["prompts_cut_by"] == f"tokens of {tokenizer.name}", tpot


def check_basis(folder, tokenizer):
    """One sentence a trial, with usage and without; in every form of the report."""
    with emulator(folder, *TIMING) as url:
        usual, _ = load(url, folder / "usual")
        silent = ["--extra-body", '{"stream_options": {"include_usage": false}}']
        chunks, _ = load(url, folder / "chunks", *silent)
        counted, _ = load(url, folder / "counted", *silent, "--tokenizer", str(tokenizer))
    basis = token_finding(usual, "load.token-basis")
    assert basis["severity"] == "note", basis
    for words in ("Prompts were cut at 4.2 bytes a token", "output tokens were counted by the server's usage", "ignore_eos was not refused"):
        assert words in basis["text"], basis
    assert "prompts_cut_by" not in record(usual, "tpot_ms_mean")["conditions"]
    basis = token_finding(chunks, "load.token-basis")
    assert basis["severity"] == "doubtful" and "each of which may hold several" in basis["text"], basis
    for metric in ("tpot_ms_mean", "output_throughput_tokens_per_s"):
        assert record(chunks, metric)["validity"] in ("doubtful", "void"), metric
    expect_undoubted(chunks, "ttft_ms_mean")
    for form in ("report.md", "report.html"):
        subprocess.run([ASSAY, "report", str(folder / "chunks"), "-o", str(folder / form)], check=True, capture_output=True, timeout=60)
        assert "each of which may hold several" in (folder / form).read_text(), form
    basis = token_finding(counted, "load.token-basis")
    assert basis["severity"] == "note" and "the tokenizer counts as many" in basis["text"], basis
    assert "bytes a token by tokenizer.json" in basis["text"], basis
    expect_undoubted(counted, "tpot_ms_mean")


def check_gguf(folder):
    """llama.cpp's count in the worker; the emulator's rule for prompts is not the model's, which is found too."""
    report = check_wrong_usage(folder, MODEL)
    assert "changes with the length of the prompts" in token_finding(report)["text"], token_finding(report)
    assert token_finding(report)["evidence"]["output_counted"] == REQUESTS * TOKENS


def check_refusals(folder):
    with emulator(folder, *TIMING) as url:
        _, stderr = load(url, folder / "none", "--tokenizer", str(folder / "absent"), expected=(2,))
        assert "there is no file" in stderr and "tokenizer.json" in stderr, stderr
        unigram = folder / "unigram.json"
        unigram.write_text('{"model": {"type": "Unigram", "vocab": []}}')
        report, _ = load(url, folder / "unigram", "--tokenizer", str(unigram), expected=(2,))
        assert "Unigram is not implemented" in json.dumps(report["findings"]), report["findings"]
        broken = folder / "broken.gguf"
        broken.write_bytes(MODEL.read_bytes()[:5_000_000] if MODEL.exists() else b"GGUF" * 100)
        report, _ = load(url, folder / "broken", "--tokenizer", str(broken), expected=(2,))
        assert "broken.gguf" in json.dumps(report["findings"]), report["findings"]


def main():
    with tempfile.TemporaryDirectory(prefix="assay-tokens-") as name:
        folder = Path(name)
        made = folder / "model"
        made.mkdir()
        tokenizer = made / "tokenizer.json"
        tokenizer.write_text(json.dumps(fixture_tokenizer.emulated()))
        check_true_usage(folder, tokenizer)
        check_wrong_usage(folder, tokenizer)
        check_prompts(folder, tokenizer)
        check_basis(folder, tokenizer)
        spelling = folder / "spelling.json"
        spelling.write_text(json.dumps(fixture_tokenizer.all_fixtures()["llama3"]))
        check_lengths(folder, spelling)
        check_refusals(folder)
        if MODEL.exists():
            check_gguf(folder)
            check_lengths(folder, MODEL)
    return 0


if __name__ == "__main__":
    sys.exit(main())
