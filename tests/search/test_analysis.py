"""How words are read."""

import random
import string

import pytest

from search.analysis.folding import fold, fold_with_offsets
from search.analysis.isbn import normal_isbn
from search.analysis.sounds import collation_key, pinyin, sounds
from search.analysis.stemming import stem
from search.analysis.syllables import cut_syllables
from search.analysis.tokens import RUN, key, runs, tokens
from search.analysis.words import MOST_IN_PHRASE, MOST_TOKENS, MOST_WORDS, read_words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("紅樓夢", "红楼梦"), ("裏", "裡"), ("羣峯", "群峰"), ("ＡＢＣ１２３", "abc123"),
        ("Éclair", "eclair"), ("e\u0301", "é"), ("ﬁn", "fin"), ("ｶﾞ", "ガ"), ("각", "각"),
        ("乾隆", "干隆"), ("㍿", "株式会社"), ("樓\ufe00", "楼"), ("straße", "STRASSE"),
        ("什麼", "什么"), ("鍾馗", "锺馗"),
    ],
)  # fmt: skip
def test_writings_of_one_word_fold_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_what_is_folded_folds_to_itself() -> None:
    ideographs = map(
        chr, (*range(0x3400, 0xA000), *range(0xF900, 0xFB00), *range(0x20000, 0x2A6E0))
    )
    assert [one for one in ideographs if fold(fold(one)) != fold(one)] == []


def test_what_differs_stays_apart() -> None:
    assert fold("カ") != fold("ガ")
    assert fold("红") != fold("虹")


@pytest.mark.parametrize("text", ["plain", "紅e\u0301㍿樓", "", "\ud800红", "ＡǅΣ"])
def test_offsets_lead_back_to_what_was_written(text: str) -> None:
    folded, offsets = fold_with_offsets(text)
    assert folded == fold(text)
    assert len(offsets) == len(folded) + 1
    assert offsets == sorted(offsets)
    assert offsets[-1] == len(text)


def test_a_run_gives_its_pairs_and_its_last_character() -> None:
    assert tokens("红楼梦") == ["红楼", "楼梦", "梦"]
    assert tokens("红") == ["红"]
    assert tokens("3D打印, Alice’s o'clock") == [
        "3d", "打印", "印", "alices", "o", "clock",
    ]  # fmt: skip


def test_titles_with_other_marks_have_one_key() -> None:
    assert key("《红楼梦》：研究") == key("紅樓夢 研究") == "红楼梦研究"
    assert key("Alice's  Adventures!") == key("alices adventures")


@pytest.mark.parametrize(
    ("word", "root"),
    [
        ("caresses", "caress"), ("ponies", "poni"), ("agreed", "agre"), ("motoring", "motor"),
        ("hopping", "hop"), ("falling", "fall"), ("filing", "file"), ("happy", "happi"),
        ("relational", "relat"), ("vietnamization", "vietnam"), ("triplicate", "triplic"),
        ("hopeful", "hope"), ("adoption", "adopt"), ("effective", "effect"), ("rate", "rate"),
        ("controll", "control"), ("sky", "sky"), ("as", "as"), ("红", "红"), ("été", "été"),
    ],
)  # fmt: skip
def test_english_loses_its_endings(word: str, root: str) -> None:
    assert stem(word) == root


@pytest.mark.parametrize("text", ["7-02-000220-X", "978-7-02-000220-7", "ISBN 702000220x"])
def test_every_writing_of_a_book_number_is_one(text: str) -> None:
    assert normal_isbn(text) == "9787020002207"


@pytest.mark.parametrize("text", ["9787020002208", "702000220", "", "红楼梦", "9" * 100])
def test_what_is_no_book_number_is_none(text: str) -> None:
    assert normal_isbn(text) is None


def test_pinyin_follows_phrases() -> None:
    assert pinyin("重庆") == ("chong", "qing")
    assert pinyin("重要") == ("zhong", "yao")
    assert pinyin("绿") == ("lu",)


def test_a_traditional_title_sounds_as_a_simplified_one() -> None:
    assert ["hong", "lou", "meng"] in sounds("紅樓夢")
    assert ["qian", "long"] in sounds("乾隆")
    assert sounds("Plain") == []


def test_letters_are_cut_into_syllables() -> None:
    assert cut_syllables("hongloumeng") == (("hong", "lou", "meng"),)
    assert set(cut_syllables("xian")) == {("xian",), ("xi", "an")}
    assert cut_syllables("history") == ()


def test_a_shelf_is_ordered_by_pinyin() -> None:
    titles = ["章太炎", "张居正", "张爱玲", "3D打印", "阿Q正传", "Zoo"]
    in_order = sorted(titles, key=lambda title: collation_key(key(title)))
    assert in_order == ["3D打印", "阿Q正传", "张爱玲", "张居正", "章太炎", "Zoo"]


def test_a_query_is_read_within_bounds() -> None:
    words = read_words("a b c d e f g h i j " * 10_000)
    assert len(words.items) == len(set("abcdefghij"))
    assert len(read_words(" ".join(map(chr, range(0x4E00, 0x4F00)))).items) == MOST_WORDS
    assert read_words("。，!").items == ()


def test_of_a_latin_phrase_a_dozen_words_are_looked_for() -> None:
    """Those of many common words cost most, and a dozen in a row say which title is meant."""
    (word,) = read_words("-".join(["the"] * 48)).items
    assert word.tokens == ("the",) * MOST_IN_PHRASE
    assert len(read_words("the " * 48).key_tokens) == MOST_IN_PHRASE
    (chinese,) = read_words("红楼梦" * 20).items
    assert len(chinese.tokens) == len(read_words("红楼梦" * 20).key_tokens) == MOST_TOKENS


def test_plain_text_is_cut_by_its_short_cut_as_by_the_rule_for_all_writings() -> None:
    draw = random.Random(1)
    for alphabet in ("ab'Z0_ -.\n", string.printable, "".join(map(chr, range(128)))):
        for _ in range(3_000):
            text = "".join(draw.choices(alphabet, k=draw.randrange(24)))
            by_the_rule = [run.replace("'", "") for run in RUN.findall(text)]
            assert runs(text) == by_the_rule, text
            assert fold(text) == fold(f"{text}é")[:-1]
