"""Whether each source includes what it names, by itself or by the project's headers that it includes. Folders are compiled
as one unit, in which a file could lean on its neighbours' includes; `make dev` compiles each alone, this reads their text in
seconds: the better known names of the standard library, fmt, and the types, functions, macros and constants that the project's
headers declare at the margin. C's own names and qualified calls are left to the compiler."""

import re
from collections import defaultdict
from functools import cache

# The names of the standard library that are looked for, by their header; behind "<-" other headers that bring them.
STANDARD = {
    "algorithm": "sort stable_sort min max clamp min_element max_element find find_if any_of all_of none_of count count_if"
                 " copy fill transform erase_if lower_bound upper_bound nth_element partition reverse unique rotate"
                 r" ranges::(?!(?:begin|end|size|data|empty|subrange|\w*view)\b)\w+",
    "array": "array",
    "atomic": r"atomic\w*",
    "bit": "bit_cast countl_zero countr_zero bit_width popcount has_single_bit endian",
    "charconv": "to_chars from_chars chars_format",
    "chrono": "chrono <- thread condition_variable",
    "cmath": r"sqrt log\w* exp pow floor ceil round lround llround isnan isfinite isinf fabs hypot lgamma erf\w* cbrt trunc",
    "condition_variable": "condition_variable",
    "cstdio": "snprintf fopen fclose fputs fflush",
    "cstdlib": "strtod strtoull getenv abort",
    "cstring": "memcpy memcmp memset memmove strlen strerror",
    "deque": "deque",
    "expected": "expected unexpected",
    "filesystem": "filesystem",
    "functional": "function",
    "limits": "numeric_limits",
    "list": "list",
    "map": "map multimap",
    "memory": "unique_ptr shared_ptr weak_ptr make_unique make_shared",
    "mutex": "mutex lock_guard unique_lock scoped_lock once_flag call_once <- condition_variable",
    "numbers": "numbers",
    "numeric": "accumulate iota gcd lcm reduce",
    "optional": "optional nullopt",
    "queue": "queue priority_queue",
    "set": "set multiset",
    "source_location": "source_location",
    "span": "span",
    "string": "string to_string stoi stod",
    "string_view": "string_view <- string",
    "thread": "thread jthread this_thread",
    "tuple": "tuple tie make_tuple",
    "unordered_map": "unordered_map",
    "unordered_set": "unordered_set",
    "utility": "move pair exchange swap forward"
               " <- algorithm map memory string vector functional optional variant tuple unordered_map span deque",
    "variant": "variant visit monostate get_if holds_alternative",
    "vector": "vector",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
COMMENT_OR_TEXT = re.compile(r'R"(\w*)\((?s:.*?)\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'|//[^\n]*|/\*(?s:.*?)\*/')
TYPE = re.compile(r"^(?:template <[^\n]*>\s*)?(?:class|struct|enum class|enum)\s+(?:\[\[\w+\]\]\s+)?(\w+)[^;(){]*\{|^using (\w+) =",
                  re.M)
FUNCTION = re.compile(r"^(?:template <[^\n]*>\n)?(?!using|return|class|struct|enum|namespace|#|typedef|friend)"
                      r"(?:\[\[nodiscard\]\] )?(?:[\w:]+(?:<[^\n;=(){}]*>)?[\s*&]+)+(\w+)\([^\n]", re.M)
MACRO = re.compile(r"^#define (\w+)", re.M)
CONSTANT = re.compile(r"^(?:inline )?constexpr [^\n=;({]*\b(k[A-Z]\w*)", re.M)
TEST_NAME = re.compile(r"^TEST\w*\(\w+,\s*\w+\)", re.M)
WORD = re.compile(r"\b[A-Za-z_]\w+\b")
OWN_TYPE = re.compile(r"\b(?:class|struct|enum class|enum|using|typename)\s+(?:\w+::)*(\w+)")
OWN_NAME = re.compile(r"(?<!\breturn )(?<!\bco_await )(?<!\bco_return )(?<!\belse )(?<!\bthrow )(?<!\bcase )(?<!&& )(?<=[\w>&*\]] )(?:\w+::)*([a-z]\w*)(?=[\s(,);={:])")
OWN_CONSTANT = re.compile(r"\bconstexpr [^=;({]*\b(k[A-Z]\w*)|^\s+(k[A-Z]\w*)\s*(?:=[^,\n]*)?(?:,|$)", re.M)  # or an enumerator
QUALIFIED = re.compile(r"(?:::|\.|->)k[A-Z]\w*")  # a member: its class is what must be included
CALL = re.compile(r"(?<![\w.>:])([a-z]\w+)\(")


class OwnIncludes:
    def __init__(self, src):
        self._src = src
        self._headers_of = defaultdict(set)  # by the name that they declare
        self._standard = []
        for header, row in STANDARD.items():
            names, _, others = row.partition("<-")
            self._standard.append((re.compile(r"\bstd::(%s)\b" % "|".join(names.split())), {header, *others.split()}))
        for header in src.rglob("*.h"):
            name = str(header.relative_to(src))
            text = self._text(name)
            for pattern in (TYPE, FUNCTION, MACRO, CONSTANT):
                for match in pattern.finditer(text):
                    self._headers_of[next(filter(None, match.groups()))].add(name)

    @cache
    def _text(self, name):
        """Without comments, literals and includes."""
        text = (self._src / name).read_text()
        text = TEST_NAME.sub("", INCLUDE.sub("", text))
        return COMMENT_OR_TEXT.sub(lambda match: '""' if match.group()[0] in "R\"'" else " ", text)

    @cache
    def _direct(self, name):
        return frozenset(INCLUDE.findall((self._src / name).read_text()))

    @cache
    def _reached(self, name):
        reached, ahead = {name}, [name]
        while ahead:
            for other in self._direct(ahead.pop()) - reached:
                reached.add(other)
                if (self._src / other).exists():
                    ahead.append(other)
        return frozenset(reached)

    @cache
    def _own_names(self, name):
        """What a file declares anywhere: types, also nested and forward, and what follows a type as a function's or a
        variable's name does."""
        text = self._text(name)
        return frozenset(OWN_TYPE.findall(text)) | frozenset(OWN_NAME.findall(text)) | frozenset(filter(None, sum(OWN_CONSTANT.findall(text), ())))

    def faults(self, path):
        name = str(path.relative_to(self._src))
        text, reached = self._text(name), self._reached(name)
        for pattern, headers in self._standard:
            found = pattern.search(text)
            if found and not headers & reached:
                yield f"src/{name}: std::{found.group(1)} without an include of {' or '.join(sorted(headers))}"
        if re.search(r"\bfmt::", text) and not any(other.startswith("fmt/") for other in reached):
            yield f"src/{name}: fmt:: without an include of fmt"
        words, called = set(WORD.findall(QUALIFIED.sub(" ", text))), set(CALL.findall(text))
        known = set().union(*(self._own_names(other) for other in reached if (self._src / other).exists()))
        for word in sorted(words - known):
            headers = self._headers_of.get(word)
            if headers and not headers & reached and (not word[0].islower() or word in called or re.match("k[A-Z]", word)):
                yield f"src/{name}: {word} without an include of {' or '.join(sorted(headers))}"
