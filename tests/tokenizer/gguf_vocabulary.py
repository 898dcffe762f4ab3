"""Makes a tokenizer.json of the vocabulary in a GGUF file, so that the same tokenizer can be run by the reader of
tokenizer.json, by the PyPI package `tokenizers`, and by llama.cpp: `gguf_vocabulary.py MODEL.gguf tokenizer.json`. Knows
the byte-level vocabularies whose cutting is that of SmolLM2 or GPT-2."""

import json
import struct
import sys

NORMAL = 1
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
CUTTING = {
    "smollm": [{"type": "Digits", "individual_digits": True}],
    "gpt-2": [],
}


def metadata(path):
    with open(path, "rb") as file:
        def read(form):
            return struct.unpack("<" + form, file.read(struct.calcsize("<" + form)))[0]

        def text():
            return file.read(read("Q")).decode()

        def value(kind):
            if kind == 8:
                return text()
            if kind == 9:
                item, count = read("I"), read("Q")
                return [value(item) for _ in range(count)]
            return read(SCALARS[kind])

        assert file.read(4) == b"GGUF" and read("I") in (2, 3), f"{path} is no GGUF"
        read("Q")
        found = {}
        for _ in range(read("Q")):
            name = text()
            found[name] = value(read("I"))
        return found


def tokenizer_of(path):
    data = metadata(path)
    assert data["tokenizer.ggml.model"] == "gpt2", "only byte-level BPE can be converted"
    tokens, kinds = data["tokenizer.ggml.tokens"], data["tokenizer.ggml.token_type"]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
             "special": True}
            for i, (token, kind) in enumerate(zip(tokens, kinds)) if kind != NORMAL
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": CUTTING[data["tokenizer.ggml.pre"]] + [byte_level]},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": {token: i for i, token in enumerate(tokens)},
            "merges": data["tokenizer.ggml.merges"],
        },
    }


if __name__ == "__main__":
    with open(sys.argv[2], "w") as out:
        json.dump(tokenizer_of(sys.argv[1]), out, ensure_ascii=False)
