"""A Chinese typeface of this machine, for covers; none is shipped and none is needed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path.home() / ".local/share/fonts",
    Path("/System/Library/Fonts"),
    Path("/Library/Fonts"),
)
NAMES = (
    "NotoSerifCJK-Bold.ttc",
    "NotoSerifCJKsc-Bold.otf",
    "SourceHanSerifSC-Bold.otf",
    "Songti.ttc",
    "NotoSerifCJK-Regular.ttc",
    "NotoSansCJK-Bold.ttc",
    "NotoSansCJK-Regular.ttc",
    "STHeiti Medium.ttc",
    "wqy-zenhei.ttc",
    "wqy-microhei.ttc",
)
"""Files that hold Chinese, the handsomest for a book's slip first."""
_FACES = 12


@lru_cache(maxsize=1)
def chinese() -> tuple[str, int] | None:
    """The file and the face in it that has simplified Chinese; ``None`` where there is none."""
    found = {path.name: path for folder in FOLDERS for path in _files(folder)}
    for name in NAMES:
        if path := found.get(name):
            return str(path), _face(path)
    return None


def _files(folder: Path) -> Iterator[Path]:
    return (
        (path for path in folder.rglob("*") if path.name in NAMES) if folder.is_dir() else iter(())
    )


def _face(path: Path) -> int:
    """Collections hold a face for each region: the one named SC, else the first."""
    for index in range(_FACES):
        try:
            family, _ = ImageFont.truetype(str(path), 16, index=index).getname()
        except OSError:
            break
        if family and family.endswith(" SC"):
            return index
    return 0
