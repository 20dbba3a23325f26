"""What a text brings along from where it was scraped: tags, entities, addresses, and escapes that nobody undid."""

from __future__ import annotations

import re

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._texts import SPACE, WORD, WORDS, each, one_of, rewritten

TAGS = ("b", "i", "p", "span", "strong", "em", "li", "font color=red", 'div class="c1"')
ADDRESSES = (
    "https://t.co/x9Qe2", "http://www.example.com/a?id=37&ref=rss", "www.example.org/index.php", "user@example.com", "@user_17",
    "#tbt", "pic.twitter.com/Zk3", "[link]", "file:///C:/tmp/1.txt",
)  # fmt: skip
SPACES = ("%20", "+", "&nbsp;", "\\n", "\\t", "<br />")
QUOTED = re.compile(r"[^\w\s]|[^\x00-\x7f]")


def tagged(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Put tags of HTML around 10 to 100 % of the words."""

    def tag(word: str) -> str:
        name = one_of(TAGS, rng)
        return f"<{name}>{word}</{name.split()[0]}>"

    return each(values, lambda text: rewritten(text, WORD, WORDS[severity - 1], rng, tag))


def addressed(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Put an address, a mention or a hash tag behind 10 to 100 % of the words."""
    return each(values, lambda text: rewritten(text, WORD, WORDS[severity - 1], rng, lambda word: f"{word} {one_of(ADDRESSES, rng)}"))


def escaped(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Escape 10 to 100 % of the spaces, and of the marks, as in an address, a page or a string of code: %20, &#39;, \\u0027."""

    def code(mark: str) -> str:
        return one_of((f"&#{ord(mark)};", "".join(f"%{b:02X}" for b in mark.encode("utf-8", "replace")), f"\\u{ord(mark) & 0xFFFF:04x}"), rng)

    def quoted(text: str) -> str:
        space, share = one_of(SPACES, rng), WORDS[severity - 1]
        return rewritten(rewritten(text, QUOTED, share, rng, code), SPACE, share, rng, lambda _: space)

    return each(values, quoted)


DAMAGES = (
    ColumnDamage("html-tags", "markup", ("text",), "format", tagged),
    ColumnDamage("web-addresses", "markup", ("text",), "format", addressed),
    ColumnDamage("escape-sequences", "markup", ("text",), "format", escaped),
)
