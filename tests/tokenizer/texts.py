"""Texts on which tokenizers are held against each other: pieces of the corpora, and Unicode at its nastiest."""

import random

NASTY = [
    "", " ", "  ", "\n", "\r\n\r\n", "\t\t x", "a", " a", "a ", "Hello, world!", "don't DON'T we'Ve I'LL 'ſ x'ſ",
    "1", "12", "123", "1234", "1234567890123", "3.14159e-10", "٣٤٥ ४५६ Ⅻ ½ ²³", "１２３４５",
    "naïve café", "cafe\u0301", "e\u0301\u0323", "\u1e69 s\u0323\u0307 s\u0307\u0323", "\u0958 \u0fb7 \u2126 \u212b", "ﬁ ﬀ ℌ",
    "각각 \u1100\u1161\u11a8 한국어", "日本語のテキスト。中文，测试！", "ไทย ภาษา", "עברית עִבְרִית", "العربية ٱلْعَرَبِيَّة",
    "👍 👍🏽 👨‍👩‍👧‍👦 🇩🇪 ❤️", "🧑\u200d🚀\ufe0f\u200b\u200c\u200d\ufeff", "\u180e x \u180ey", "a\u00a0b\u2003c\u3000d\u2028e\u2029f\u0085g",
    "\u0000", "a\u0000b", "\u0001\u001b[31m", "\u007f\u0080\u009f", "\ufffd\ufffe\uffff", "\U0010ffff\U000e0001", "\u0301", "\u0301\u0301x",
    "İstanbul ıI ẞß ǅ ʰ", "x_y __init__ a-b-c", "    def f(x):\n        return x\n\n\n", "\tif (a) {\n\t\tb();\n\t}\n",
    "a  b   c    d", "trailing   ", "   \n  \n \n", "\n\n\n\n  x", " \n x", "x \n", "\r", "\n\r\n", "a\rb",
    "<|endoftext|>", "a<|im_start|>user\nhi<|im_end|>\n", "<|im_start", "<s> </s> <unk> <s></s>", "<think>\nhm\n</think>\n\nyes",
    "<|begin_of_text|><|eot_id|>", "<bos><start_of_turn>user\n<end_of_turn>", "▁ ▁▁ a▁b", "Ġ Ċ", "<0x41> <0xFF>",
    "http://user@example.com:80/a?b=c&d=%20#e", "C:\\path\\to", "{\"a\": [1, 2.5, null]}", "$$x^2_{i}$$ \\frac{1}{2}",
    "!!!???...---***", "…—–“”‘’", "¡¿«»", "a" * 300, "ab" * 500, " " * 300, "\n" * 100, "9" * 200, "é" * 200, "👍" * 64,
    "word " * 400, "'" * 50, "' '", "'s 't 're", "x's\n't",
]


def random_texts(count, seed=1):
    """Runs of characters of many scripts, with blanks and line breaks between."""
    draw = random.Random(seed)
    ranges = [(0x20, 0x7e)] * 6 + [(0x09, 0x0d), (0xa0, 0x17f), (0x300, 0x36f), (0x370, 0x3ff), (0x400, 0x45f),
                                   (0x590, 0x5f4), (0x620, 0x6ff), (0x900, 0x97f), (0xe00, 0xe7f), (0x1100, 0x11ff),
                                   (0x1e00, 0x1eff), (0x2000, 0x206f), (0x2070, 0x218f), (0x3000, 0x30ff),
                                   (0x4e00, 0x4fff), (0xac00, 0xad00), (0xfb00, 0xfb4f), (0xff00, 0xffef),
                                   (0x1d400, 0x1d4ff), (0x1f300, 0x1f6ff)]
    texts = []
    for _ in range(count):
        text = ""
        for _ in range(draw.randint(1, 12)):
            low, high = draw.choice(ranges)
            text += "".join(chr(draw.randint(low, high)) for _ in range(draw.randint(1, 8)))
            text += draw.choice(["", "", " ", "  ", "\n", ". ", ", "])
        texts.append(text)
    return texts


def corpus_texts(folder, size=4000):
    texts = []
    for name in ("prose.txt", "code.txt"):
        text = (folder / name).read_text()
        texts += [text[i:i + size] for i in range(0, len(text), size)]
    return texts
