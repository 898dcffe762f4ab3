"""The reader of tokenizer.json against the PyPI package `tokenizers`, id by id, and against llama.cpp's own tokenizer,
count by count. The set-up fetches it into .deps/python; skipped where it is not there.
ASSAY_TOKENIZERS names further tokenizer.json files, separated by colons."""

import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import fixture_tokenizer
import gguf_vocabulary
import texts as all_texts

SOURCE = Path(os.environ["ASSAY_SOURCE"])
MODEL = SOURCE / ".deps/models/SmolLM2-135M-Instruct.Q4_1.gguf"


def text_list(texts):
    return b"".join(struct.pack("<I", len(data)) + data for data in (text.encode() for text in texts))


def ours(path, texts):
    result = subprocess.run([os.environ["ASSAY_ENCODE"], path], input=text_list(texts), capture_output=True, check=False)
    assert result.returncode == 0, result.stderr.decode()
    return [json.loads(line) for line in result.stdout.splitlines()]


def llama_counts(path, texts):
    job = json.dumps({"job": "tokenise", "model": str(path)})
    result = subprocess.run([os.environ["ASSAY"], "worker", job], input=text_list(texts), capture_output=True, check=False)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.returncode == 0, lines
    return [count for line in lines for count in line.get("tokens", [])]


def compare(name, texts, got, expected):
    assert len(got) == len(expected) == len(texts), (name, len(got), len(expected))
    wrong = [i for i in range(len(texts)) if got[i] != expected[i]]
    for i in wrong[:10]:
        print(f"{name}: {texts[i][:80]!r}\n  ours      {str(got[i])[:300]}\n  theirs    {str(expected[i])[:300]}")
    print(f"{name}: {len(texts) - len(wrong)} of {len(texts)} texts alike")
    return len(wrong)


def main():
    try:
        import tokenizers
    except ImportError:
        print("the Python package tokenizers is not there")
        return 77
    texts = all_texts.NASTY + all_texts.corpus_texts(SOURCE / "src/workload/corpus") + all_texts.random_texts(2000)
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, content in fixture_tokenizer.all_fixtures().items():
            files.append(Path(folder) / f"{name}.json")
            files[-1].write_text(json.dumps(content))
        converted = Path(folder) / "smollm2.json"
        if MODEL.exists():
            converted.write_text(json.dumps(gguf_vocabulary.tokenizer_of(MODEL)))
            files.append(converted)
        files += [Path(path) for path in os.environ.get("ASSAY_TOKENIZERS", "").split(":") if path]
        for path in files:
            library = tokenizers.Tokenizer.from_file(str(path))
            library.no_truncation()
            library.no_padding()
            expected = [library.encode(text, add_special_tokens=False).ids for text in texts]
            got = ours(path, texts)
            faults += compare(str(path), texts, got, expected)
            if path == converted:
                faults += compare("llama.cpp", texts, [len(ids) for ids in got], llama_counts(MODEL, texts))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
