"""Small tokenizer.json files, made here and not taken from a model: one of each style that models use, and one that counts
as `assay emulate` does. `fixture_tokenizer.py FOLDER` writes them all, which is how fuzz/corpus/tokenizer was begun."""

import json
import sys
from pathlib import Path

# What the emulator says, a token each.
EMULATED_WORDS = [" that", " this", " with", " from", " have", " they", " will", " what", " when", " been", " more", " some",
                  " time", " only", " your", " into"]
WORDS = ["the", "and", "that", "with", "return", "ing", "tion", "er", "on", "12", "é", "日本", "  ", "'s", "\n\n", "int", "x1"]


def byte_alphabet():
    """GPT-2's: each byte as one character."""
    kept = [*range(ord("!"), ord("~") + 1), *range(0xa1, 0xad), *range(0xae, 0x100)]
    others = [byte for byte in range(256) if byte not in kept]
    return {**{byte: chr(byte) for byte in kept}, **{byte: chr(0x100 + i) for i, byte in enumerate(others)}}


def bpe(symbols, words, **options):
    """A model that knows `symbols`, and each of `words` (lists of symbols) by merging it from the left."""
    vocabulary = {symbol: i for i, symbol in enumerate(symbols)}
    merges = []
    for word in words:
        left = word[0]
        for right in word[1:]:
            if [left, right] not in merges:
                merges.append([left, right])
            left += right
            vocabulary.setdefault(left, len(vocabulary))
    return {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": vocabulary, "merges": merges, **options}


def added(number, content, **options):
    return {"id": number, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": False, "special": True, **options}


def tokenizer(model, normalizer=None, pre_tokenizer=None, tokens=()):
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": list(tokens),
            "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "post_processor": None, "decoder": None,
            "model": model}


def sequence(kind, *steps):
    return {"type": "Sequence", kind: list(steps)}


def split(pattern, behavior="Isolated", kind="Regex", invert=False):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def byte_level_model(**options):
    alphabet = byte_alphabet()
    words = [[alphabet[byte] for byte in word.encode()] for base in WORDS for word in (base, " " + base)]
    return bpe(list(alphabet.values()), words, **options)


def byte_level(**options):
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True, **options}


def spm_model(**options):
    symbols = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + ["▁"]
    symbols += [chr(c) for c in range(0x21, 0x7f)] + list("éß日本")
    words = [list(word) for base in WORDS if not base.isspace() and "'" not in base for word in (base, "▁" + base)]
    return bpe(symbols, [*words, list("▁▁"), list("▁▁▁▁")], unk_token="<unk>", fuse_unk=True, byte_fallback=True, **options)


LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def emulated():
    """Its answers have a token a word, and its prompts one for four bytes."""
    words = "|".join(word for word in EMULATED_WORDS)
    model = bpe(["<unk>", *EMULATED_WORDS], [], unk_token="<unk>", fuse_unk=True, ignore_merges=True)
    return tokenizer(model, pre_tokenizer=split(rf"(?:{words})|[\s\S]{{1,4}}"))


def all_fixtures():
    alphabet_model = byte_level_model()
    size = len(alphabet_model["vocab"])
    blanks = [added(size + i, " " * (4 * (i + 1)), special=False, normalized=True) for i in range(3)]
    llama2 = sequence("normalizers", {"type": "Prepend", "prepend": "▁"},
                      {"type": "Replace", "pattern": {"String": " "}, "content": "▁"})
    behaviours = {name: tokenizer(byte_level_model(), pre_tokenizer=sequence(
        "pretokenizers", split(r"\s+|\p{N}", name, invert=invert), byte_level(use_regex=False)))
        for name, invert in (("Removed", False), ("Contiguous", True))}
    behaviours |= {name: tokenizer(byte_level_model(), pre_tokenizer=sequence(
        "pretokenizers", split(" ", name, "String"), byte_level(use_regex=False)))
        for name in ("MergedWithPrevious", "MergedWithNext")}
    return {
        "gpt2": tokenizer(byte_level_model(), pre_tokenizer=byte_level(add_prefix_space=True),
                          tokens=[added(size, "<|endoftext|>")]),
        "llama3": tokenizer(byte_level_model(ignore_merges=True), pre_tokenizer=sequence(
            "pretokenizers", split(LLAMA3), byte_level(use_regex=False)), tokens=[added(size, "<|begin_of_text|>")]),
        "qwen": tokenizer(byte_level_model(), {"type": "NFC"}, sequence(
            "pretokenizers", split(LLAMA3.replace("{1,3}", "")), byte_level(use_regex=False)),
            [added(size, "<|im_start|>"), added(size + 1, "<|im_end|>"), added(size + 2, "<think>", special=False)]),
        "smollm": tokenizer(byte_level_model(), pre_tokenizer=sequence(
            "pretokenizers", {"type": "Digits", "individual_digits": True}, byte_level())),
        "neox": tokenizer(byte_level_model(), {"type": "NFC"}, byte_level(), blanks),
        "falcon": tokenizer(byte_level_model(), {"type": "NFKC"}, sequence(
            "pretokenizers", {"type": "Punctuation", "behavior": "Contiguous"}, byte_level(),
            {"type": "Digits", "individual_digits": False}), [added(size, ">>x<<", lstrip=True, rstrip=True)]),
        "llama2": tokenizer(spm_model(), llama2, None, [added(0, "<unk>", normalized=True), added(1, "<s>"), added(2, "</s>")]),
        "mistral": tokenizer(spm_model(), None, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first",
                                                 "split": False}, [added(1, "<s>"), added(2, "</s>")]),
        "metaspace": tokenizer(spm_model(), {"type": "NFKD"}, {"type": "Metaspace", "replacement": "▁",
                                                               "prepend_scheme": "always", "split": True}),
        "gemma": tokenizer(spm_model(), {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
                           split(" ", "MergedWithPrevious", "String"), [added(1, "<s>"), added(len(spm_model()["vocab"]), "\n\n\n", special=False)]),
        "unknowns": tokenizer(bpe(["<unk>", "a", "b"], [["a", "b"]], unk_token="<unk>", fuse_unk=True)),
        "no_unknowns": tokenizer(bpe(["a", "b"], [["a", "b"]]), {"type": "NFD"}),
        "emulated": emulated(),
        **behaviours,
    }


if __name__ == "__main__":
    for name, content in all_fixtures().items():
        (Path(sys.argv[1]) / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False))
