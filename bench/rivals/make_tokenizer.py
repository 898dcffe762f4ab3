"""Trains a tokenizer on the Markdown files of a folder and writes it in the form of transformers: `make_tokenizer.py DOCS OUT`.

Runs in the environment of a rival, which has the library. The alphabet is ASCII, so that any row of tokens is text again.
"""
import glob
import json
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

docs, out = sys.argv[1:]
texts = []
for path in sorted(glob.glob(f"{docs}/*.md")):
    with open(path, encoding="utf-8") as file:
        texts.append("".join(c for c in file.read() if c == "\n" or " " <= c <= "~"))
# What the emulator answers with, one token a word as in most vocabularies: some tools count tokens by the tokenizer.
ANSWER = " that this with from have they will what when been more some time only your into"
texts += [ANSWER] * 10_000
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=3000, special_tokens=["<|end|>"], show_progress=False))
assert len(tokenizer.encode(ANSWER * 3).ids) == len(ANSWER.split() * 3), "the emulator's words are not one token each"
tokenizer.save(f"{out}/tokenizer.json")
with open(f"{out}/tokenizer_config.json", "w", encoding="utf-8") as file:
    json.dump({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|end|>", "pad_token": "<|end|>",
               "model_max_length": 131072, "clean_up_tokenization_spaces": False,
               "chat_template": "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"}, file)
with open(f"{out}/config.json", "w", encoding="utf-8") as file:
    json.dump({"model_type": "gpt2"}, file)
