"""Dates as cataloguers write them, and the years that are meant.

``2012-5`` is a year, ``光绪二十二年(1896)`` a reign year with its gloss, ``民國24年`` a republican
year, ``清乾隆刻本`` a reign, ``宋`` a dynasty. What is written is never changed: this only says
which years it spans. Years before our era are astronomical (−206 is 207 BC).

Reigns and dynasties: standard chronological tables (e.g. 中国历史纪年表).
"""

from __future__ import annotations

import re
from functools import lru_cache

from app.catalog.description import Date

DYNASTIES: dict[str, tuple[int, int]] = {
    "春秋": (-769, -475), "戰國": (-474, -220), "战国": (-474, -220), "周": (-1045, -255),
    "西漢": (-205, 8), "西汉": (-205, 8), "前漢": (-205, 8), "東漢": (25, 220), "东汉": (25, 220),
    "後漢": (25, 220), "后汉": (25, 220), "漢": (-205, 220), "汉": (-205, 220), "秦": (-220, -206),
    "三國": (220, 280), "三国": (220, 280), "曹魏": (220, 265), "蜀漢": (221, 263),
    "吳": (222, 280), "吴": (222, 280), "西晉": (265, 316), "西晋": (265, 316),
    "東晉": (317, 420), "东晋": (317, 420), "晉": (265, 420), "晋": (265, 420),
    "前秦": (350, 394), "後秦": (384, 417), "姚秦": (384, 417), "北涼": (397, 439),
    "六朝": (222, 589), "劉宋": (420, 479), "刘宋": (420, 479), "南齊": (479, 502),
    "梁": (502, 557), "陳": (557, 589), "陈": (557, 589), "元魏": (386, 534), "北魏": (386, 534),
    "後魏": (386, 534), "東魏": (534, 550), "西魏": (535, 556), "北齊": (550, 577),
    "北周": (557, 581), "隋": (581, 618), "唐": (618, 907), "五代": (907, 960), "南唐": (937, 975),
    "北宋": (960, 1127), "南宋": (1127, 1279), "宋": (960, 1279), "遼": (907, 1125),
    "辽": (907, 1125), "西夏": (1038, 1227), "金": (1115, 1234), "元": (1271, 1368),
    "明": (1368, 1644), "清": (1644, 1911), "淸": (1644, 1911), "民國": (1912, 1949),
    "民国": (1912, 1949), "新羅": (-56, 935), "高麗": (918, 1392),
}  # fmt: skip

REIGNS: dict[str, tuple[int, int]] = {
    "洪武": (1368, 1398), "建文": (1399, 1402), "永樂": (1403, 1424), "永乐": (1403, 1424),
    "洪熙": (1425, 1425), "宣德": (1426, 1435), "正統": (1436, 1449), "正统": (1436, 1449),
    "景泰": (1450, 1457), "天順": (1457, 1464), "天顺": (1457, 1464), "成化": (1465, 1487),
    "弘治": (1488, 1505), "正德": (1506, 1521), "嘉靖": (1522, 1566), "隆慶": (1567, 1572),
    "隆庆": (1567, 1572), "萬曆": (1573, 1620), "萬歷": (1573, 1620), "万历": (1573, 1620),
    "泰昌": (1620, 1620), "天啟": (1621, 1627), "天启": (1621, 1627), "崇禎": (1628, 1644),
    "崇祯": (1628, 1644), "順治": (1644, 1661), "顺治": (1644, 1661), "康熙": (1662, 1722),
    "雍正": (1723, 1735), "乾隆": (1736, 1795), "嘉慶": (1796, 1820), "嘉庆": (1796, 1820),
    "道光": (1821, 1850), "咸豐": (1851, 1861), "咸丰": (1851, 1861), "同治": (1862, 1874),
    "光緒": (1875, 1908), "光绪": (1875, 1908), "宣統": (1909, 1911), "宣统": (1909, 1911),
    "民國": (1912, 1949), "民国": (1912, 1949),
}  # fmt: skip

_DIGITS = {c: i for i, c in enumerate("〇一二三四五六七八九")} | {"零": 0, "元": 1, "○": 0}
_YEAR = re.compile(r"(?<!\d)(-?\d{3,4})(?:\s*[-—–~至]\s*(\d{4}))?(?![\d])")
_GLOSS = re.compile(r"[(（\[［〔]\s*(\d{3,4})(?:\s*[-—–~至]\s*(\d{4}))?")
_REIGN = re.compile(
    f"({'|'.join(REIGNS)})\\s*(?:([0-9]{{1,2}}|[元〇○零一二三四五六七八九十廿卅]{{1,4}})年)?"
)
_DYNASTY = re.compile("|".join(sorted(DYNASTIES, key=len, reverse=True)))
_LATEST = 2100


@lru_cache(maxsize=65_536)
def understand(written: str) -> Date:
    """The date as written, with the years it spans where they can be told; never fails."""
    text = written.strip()
    span = _gloss(text) or _reign_years(text) or _plain_years(text) or _dynasty(text)
    if span is None or span[0] > span[1] or span[1] > _LATEST:
        return Date(written=written)
    return Date(written=written, first=span[0], last=span[1])


def _gloss(text: str) -> tuple[int, int] | None:
    if (match := _GLOSS.search(text)) is None:
        return None
    first = int(match[1])
    return (first, int(match[2] or first))


def _reign_years(text: str) -> tuple[int, int] | None:
    found = list(_REIGN.finditer(text))
    if not found:
        return None
    if found[0][2]:
        year = REIGNS[found[0][1]][0] + chinese_number(found[0][2]) - 1
        return (year, year)
    return (REIGNS[found[0][1]][0], max(REIGNS[match[1]][1] for match in found))


def _plain_years(text: str) -> tuple[int, int] | None:
    match = _YEAR.search(text)
    if match is None or match.start() > 20:
        return None
    first = int(match[1])
    return (first, int(match[2] or first)) if first else None


def _dynasty(text: str) -> tuple[int, int] | None:
    match = _DYNASTY.search(text[:12])
    return DYNASTIES[match[0]] if match else None


def chinese_number(text: str) -> int:
    """``二十四``, ``廿四``, ``元`` or ``24`` as a number below one hundred."""
    if text.isascii():
        return int(text)
    text = text.replace("廿", "二十").replace("卅", "三十")
    if "十" in text:
        tens, _, units = text.partition("十")
        return _DIGITS.get(tens, 1) * 10 + _DIGITS.get(units, 0)
    number = 0
    for character in text:
        number = number * 10 + _DIGITS.get(character, 0)
    return number
