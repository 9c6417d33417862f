"""Folding: one form for all writings of a word, and the way back to what was written.

A text is folded cluster by cluster (a character with its combining marks), never by phrase:
NFKC, case, accents, then traditional to simplified. OpenCC's phrase rules would fold 乾 one way
in 乾隆 and another alone, so that a search for the character missed the word; without context
every writing of a character folds alike in a text, in a fragment of it and in a query.
"""

import re
import unicodedata
from functools import lru_cache

import opencc

# Taiwan's and Hong Kong's standard forms first, then the common step to simplified characters.
# Twice: 麼 becomes 么, which is itself a traditional character and becomes 幺.
_CONVERTERS = tuple(opencc.OpenCC(name) for name in ("tw2t", "hk2t", "t2s")) * 2

# Variants that printers and cataloguers use and that OpenCC leaves alone.
_VARIANTS = dict(
    zip(
        "羣峯畧棊碁箇敎淸畵甯寗強汚絶冊銕嶽崐濶鼇龢譌蹟遯凴檝喆堃燄槀藁谿煙菸衹祗刼刦刧"
        "牀脚卻郤恆旣卽鄕囘廻迴巖嵓岩畝毘勲勛甎粦塟瘉癒鑛壻姉侭兎寃冦冨秇埶锺",
        "群峰略棋棋个教清画宁宁强污绝册铁岳昆阔鳌和讹迹遁凭楫哲坤焰稿稿溪烟烟只只劫劫劫"
        "床脚却却恒既即乡回回回岩岩岩亩毗勋勋砖磷葬愈愈矿婿姊尽兔冤寇富艺艺钟",
        strict=True,
    )
)

_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f"
)
_JOINING = f"{_MARKS}\u3099\u309a\uff9e\uff9f\u1160-\u11ff\U000e0100-\U000e01ef"
_HAS_JOINING = re.compile(f"[{_JOINING}]")
_CLUSTER = re.compile(f".[{_JOINING}]*", re.DOTALL)
_KEPT_MARKS = frozenset("\u3099\u309a")  # the voicing of kana tells words apart


def fold(text: str) -> str:
    """The folded form of ``text``: equal for all writings of the same words."""
    if text.isascii():
        return text.lower()
    if _HAS_JOINING.search(text):
        return "".join(_fold_cluster(cluster) for cluster in _CLUSTER.findall(text))
    return text.translate(_TABLE)


def fold_with_offsets(text: str) -> tuple[str, list[int]]:
    """The folded form, and for each of its characters where its cluster begins in ``text``.

    The list has one entry more than the folded form: the length of ``text``.
    """
    if text.isascii():
        return text.lower(), list(range(len(text) + 1))
    parts: list[str] = []
    offsets: list[int] = []
    for match in _CLUSTER.finditer(text):
        folded = _fold_cluster(match[0])
        parts.append(folded)
        offsets.extend([match.start()] * len(folded))
    offsets.append(len(text))
    return "".join(parts), offsets


@lru_cache(maxsize=16_384)
def _fold_cluster(cluster: str) -> str:
    composed = unicodedata.normalize("NFKC", cluster)
    return "".join(map(_fold_character, composed)) if len(composed) > 1 else _TABLE[ord(composed)]


def _fold_character(character: str) -> str:
    """Case, accents and script of one composed character; a lone surrogate becomes a space."""
    if "\ud800" <= character <= "\udfff":
        return " "
    lowered = unicodedata.normalize("NFKC", character).casefold()
    plain = "".join(filter(_is_kept, unicodedata.normalize("NFD", lowered)))
    composed = unicodedata.normalize("NFKC", plain)
    return composed if composed.isascii() else "".join(map(_simplify, composed))


def _is_kept(character: str) -> bool:
    return character in _KEPT_MARKS or not unicodedata.category(character).startswith("M")


def _simplify(character: str) -> str:
    simple = _VARIANTS.get(character, character)
    for converter in _CONVERTERS:
        simple = converter.convert(simple)
    return _VARIANTS.get(simple, simple) if len(simple) == 1 else character


class _Table(dict[int, str]):
    """A translation table that learns a character when it is first met: Unicode is finite."""

    def __missing__(self, point: int) -> str:
        folded = self[point] = _fold_character(chr(point))
        return folded


_TABLE = _Table()
