"""What is understood of dates, statements, ISBNs and languages; what is written always stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog import normal
from app.catalog.dates import DYNASTIES, REIGNS, chinese_number, understand
from app.catalog.description import Agent, Description
from app.catalog.formats.exchange import subject
from app.catalog.services.indexing import clc_lineage
from app.catalog.statements import agent_of

pytestmark = pytest.mark.embedded  # nothing in it meets an engine

PARTS = st.sampled_from(
    [*DYNASTIES, *REIGNS, *"年元〇一二十廿卅()（）[]-—~ 0123456789٣Ⅷ²", "刻本", "1896", "民國24年"]
)


@pytest.mark.parametrize(
    ("written", "years"),
    [
        ("1982", (1982, 1982)), ("2012-5", (2012, 2012)), ("2012-05-01", (2012, 2012)),
        ("1990-1995", (1990, 1995)), ("光绪二十二年(1896)", (1896, 1896)),
        ("光緒二十二年", (1896, 1896)), ("乾隆元年", (1736, 1736)), ("康熙廿三年", (1684, 1684)),
        ("民國24年", (1935, 1935)), ("民国二十四年", (1935, 1935)), ("民国", (1912, 1949)),
        ("清乾隆刻本", (1736, 1795)), ("清康熙至乾隆", (1662, 1795)),
        ("清（1819-1911）刻本 1冊，1函", (1819, 1911)), ("宋", (960, 1279)),
        ("北宋", (960, 1127)), ("漢", (-205, 220)), ("-300", (-300, -300)),
        ("[1957]", (1957, 1957)), ("c1998", (1998, 1998)), ("２０１２", (2012, 2012)),
        ("", None), ("0", None), ("9999", None), ("1911-1819", None), ("无年份", None),
        ("12", None), ("不详", None),
    ],
)  # fmt: skip
def test_dates_are_understood_as_their_cataloguers_meant(
    written: str, years: tuple[int, int] | None
) -> None:
    date = understand(written)
    assert date.written == written
    assert (date.first, date.last) == (years or (None, None))


@given(st.one_of(st.text(max_size=40), st.lists(PARTS, max_size=8).map("".join)))
def test_no_date_fails_and_every_one_is_kept(written: str) -> None:
    date = understand(written)
    assert date.written == written
    assert (date.first is None) == (date.last is None)
    assert date.first is None or date.first <= (date.last or 0) <= 2100


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("元", 1),
        ("十", 10),
        ("十二", 12),
        ("二十", 20),
        ("廿四", 24),
        ("卅", 30),
        ("二四", 24),
        ("7", 7),
    ],
)
def test_numbers_in_chinese(written: str, number: int) -> None:
    assert chinese_number(written) == number


@pytest.mark.parametrize(
    ("written", "agent"),
    [
        ("(清)江永撰", Agent("江永", "author", "清", "(清)江永撰")),
        ("（漢）劉向編", Agent("劉向", "editor", "漢", "（漢）劉向編")),
        ("唐 慧菀述", Agent("慧菀", "author", "唐", "唐 慧菀述")),
        ("鲁迅", Agent("鲁迅")),
        ("曹雪芹等著", Agent("曹雪芹", "author", "", "曹雪芹等著")),
        ("Jefferson, Thomas", Agent("Jefferson, Thomas")),
        ("〔明〕羅貫中", Agent("羅貫中", "author", "明", "〔明〕羅貫中")),
        ("  ", None),
    ],
)
def test_statements_of_responsibility_name_who_and_in_which_part(
    written: str, agent: Agent | None
) -> None:
    assert agent_of(written) == agent


@given(st.text(max_size=60))
def test_no_statement_fails_or_is_lost(written: str) -> None:
    agent = agent_of(written)
    assert (agent is None) == (not written.strip())
    assert agent is None or (agent.written or agent.name) == written.strip()


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("978-7-02-000220-7", "9787020002207"), ("7-02-000220-1", None),
        ("0-306-40615-2", "9780306406157"), ("306406152", "9780306406157"),
        ("080442957X", "9780804429573"), ("9787020002208", None), ("", None), ("X" * 10, None),
    ],
)  # fmt: skip
def test_isbns_are_found_however_they_are_written(written: str, digits: str | None) -> None:
    assert normal.isbn13(written) == digits


@given(st.text(alphabet="0123456789Xx- ", max_size=20))
def test_every_isbn_that_is_taken_is_one(written: str) -> None:
    digits = normal.isbn13(written)
    assert digits is None or normal.isbn13(digits) == digits


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("zh-Hant", "zh-Hant"), ("zh_TW", "zh-Hant"), ("zh-CN", "zh-Hans"), ("chi", "zh"),
        ("ENG", "en"), ("en-GB", "en"), ("und", ""), ("", ""), ("grc", "grc"),
    ],
)  # fmt: skip
def test_languages_have_one_tag(written: str, tag: str) -> None:
    assert normal.language(written) == tag


def test_editions_of_one_work_are_one_group_and_strangers_are_not() -> None:
    def work(title: str, *names: str) -> str:
        agents = tuple(Agent(name) for name in names)
        return normal.work_id(Description(title=title, agents=agents), f"id of {title}")

    assert (
        work("红楼梦", "曹雪芹") == work("紅樓夢", "曹雪芹") == work("红楼梦一百二十卷", "曹雪芹")
    )
    assert work("红楼梦", "曹雪芹") != work("红楼梦", "高鹗")
    assert work("红楼梦") == "id of 红楼梦"
    assert work("诗选", "佚名") == "id of 诗选"


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("clc:I242.4 长篇小说", "clc:I242.4"), ("LCSH:Fables", "lcsh:Fables"),
        ("lcc:PT", "lcc:PT"), ("地方志", "local:地方志"), ("类:目", "local:类:目"),
    ],
)  # fmt: skip
def test_subjects_are_named_by_scheme(written: str, key: str) -> None:
    assert subject(written).key == key


@pytest.mark.parametrize(
    ("code", "above"),
    [
        ("I242.4", ["I", "I2", "I24", "I242", "I242.4"]), ("TP31", ["T", "TP", "TP3", "TP31"]),
        ("K", ["K"]), ("B84-05", ["B", "B8", "B84"]), ("i2", ["I", "I2"]), ("", []),
    ],
)  # fmt: skip
def test_a_class_lies_below_those_its_notation_names(code: str, above: list[str]) -> None:
    assert clc_lineage(code) == above
