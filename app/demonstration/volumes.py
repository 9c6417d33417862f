"""The books of the demonstration: the handbook in six volumes, and one set vertically."""

from __future__ import annotations

from dataclasses import dataclass

CREATOR = "开卷项目"
CREATOR_ENGLISH = "The Kaijuan project"
LICENCE = "AGPL-3.0-or-later"
NATIONAL, CITY, CHILDREN = "demo", "demo-east-a", "demo-special"

MADDER, INDIGO, PINE, UMBER = (0x8F2D2A, 0x24405F, 0x2C4F45, 0x5B4636)


@dataclass(frozen=True, slots=True)
class Volume:
    """A book made of one Markdown file of the handbook.

    ``cloth`` is the colour of its cover (0xRRGGBB), ``motif`` what is drawn on it; ``slip`` is
    the label, a line of text each. ``subject`` is a class of the CLC with its name.
    """

    name: str
    title: str
    language: str
    subject: str
    description: str
    cloth: int
    motif: str
    slip: tuple[str, ...]
    library: str = NATIONAL
    other_titles: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    date: str = "2026"
    is_vertical: bool = False

    @property
    def is_chinese(self) -> bool:
        """Whether it is written in Chinese."""
        return self.language.startswith("zh")

    @property
    def creator(self) -> str:
        """Who wrote it, in its own language."""
        return CREATOR if self.is_chinese else CREATOR_ENGLISH

    @property
    def filename(self) -> str:
        """The name of its file, by which its record knows it."""
        return f"kaijuan-{self.name}.epub"


VOLUMES = (
    Volume(
        name="readers.zh",
        title="开卷读者手册",
        language="zh-Hans",
        subject="G252 读者工作",
        description="写给读者：怎样用书名、作者、拼音和分类找书，怎样在手机上阅读，怎样把书带走。",
        cloth=MADDER,
        motif="pages",
        slip=("开卷", "读者手册"),
        other_titles=("The Kaijuan Handbook for Readers",),
        keywords=("读者指南", "检索方法"),
    ),
    Volume(
        name="readers.en",
        title="The Kaijuan Handbook for Readers",
        language="en",
        subject="G252 读者工作",
        description="For readers: finding books by title, author, pinyin and subject, reading "
        "them on a phone, and taking them along.",
        cloth=MADDER,
        motif="pages",
        slip=("KAIJUAN", "Handbook", "for Readers"),
        other_titles=("开卷读者手册",),
        keywords=("Reading", "Searching"),
    ),
    Volume(
        name="libraries.zh",
        title="开卷图书馆手册",
        language="zh-Hans",
        subject="G254 文献标引与编目",
        description="写给图书馆员：怎样准备和导入书目与图书，怎样修订、撤回、合并记录，怎样撤销一次导入。",
        cloth=INDIGO,
        motif="tree",
        slip=("开卷", "图书馆手册"),
        library=CITY,
        other_titles=("The Kaijuan Handbook for Libraries",),
        keywords=("编目", "数据导入"),
    ),
    Volume(
        name="libraries.en",
        title="The Kaijuan Handbook for Libraries",
        language="en",
        subject="G254 文献标引与编目",
        description="For librarians: preparing and importing records and books, mending, "
        "withdrawing and merging records, and undoing an import.",
        cloth=INDIGO,
        motif="tree",
        slip=("KAIJUAN", "Handbook", "for Libraries"),
        library=CITY,
        other_titles=("开卷图书馆手册",),
        keywords=("Cataloguing", "Importing"),
    ),
    Volume(
        name="operators.zh",
        title="开卷运维手册",
        language="zh-Hans",
        subject="G250 图书馆学",
        description="写给管理机器的人：安装、设置、日常命令、后台工作、重建索引、备份和恢复。",
        cloth=PINE,
        motif="rings",
        slip=("开卷", "运维手册"),
        other_titles=("The Kaijuan Handbook for Operators",),
        keywords=("系统管理", "备份"),
    ),
    Volume(
        name="operators.en",
        title="The Kaijuan Handbook for Operators",
        language="en",
        subject="G250 图书馆学",
        description="For those who keep the machine: installing, settings, daily commands, "
        "background work, rebuilding the index, backup and restore.",
        cloth=PINE,
        motif="rings",
        slip=("KAIJUAN", "Handbook", "for Operators"),
        other_titles=("开卷运维手册",),
        keywords=("Operations", "Backup"),
    ),
    Volume(
        name="lamplight",
        title="燈下小札",
        language="zh-Hant",
        subject="G252 读者工作",
        description="談讀書的五則短文，直排繁體，自右而左翻頁，由開卷項目撰寫。",
        cloth=UMBER,
        motif="lamp",
        slip=("燈下小札",),
        library=CHILDREN,
        other_titles=("灯下小札",),
        keywords=("讀書",),
        is_vertical=True,
    ),
)
