"""The Chinese Library Classification: its main classes, and trees imported from a file.

The 22 main classes: 中国图书馆分类法, 第五版.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from app.catalog.models import SubjectNode
from app.catalog.services.importing import Report
from app.errors import Fault, InvalidError
from app.lines import Refusal

MAX_FILE = 64 * 1024 * 1024
MAX_DEPTH = 40
MAIN_CLASSES = {
    "A": ("马克思主义、列宁主义、毛泽东思想、邓小平理论", "Marxism, Leninism, Mao Zedong Thought"),
    "B": ("哲学、宗教", "Philosophy and religion"),
    "C": ("社会科学总论", "Social sciences in general"),
    "D": ("政治、法律", "Politics and law"),
    "E": ("军事", "Military science"),
    "F": ("经济", "Economics"),
    "G": ("文化、科学、教育、体育", "Culture, science, education, sports"),
    "H": ("语言、文字", "Languages and linguistics"),
    "I": ("文学", "Literature"),
    "J": ("艺术", "Art"),
    "K": ("历史、地理", "History and geography"),
    "N": ("自然科学总论", "Natural sciences in general"),
    "O": ("数理科学和化学", "Mathematics, physics and chemistry"),
    "P": ("天文学、地球科学", "Astronomy and earth sciences"),
    "Q": ("生物科学", "Life sciences"),
    "R": ("医药、卫生", "Medicine and health"),
    "S": ("农业科学", "Agricultural sciences"),
    "T": ("工业技术", "Industrial technology"),
    "U": ("交通运输", "Transportation"),
    "V": ("航空、航天", "Aviation and aerospace"),
    "X": ("环境科学、安全科学", "Environmental and safety sciences"),
    "Z": ("综合性图书", "General works"),
}


class Node(msgspec.Struct, frozen=True):
    """A class in a file."""

    code: str
    name: str
    children: list[Node] = []


def seed(session: Session) -> None:
    """The main classes, where there are none: the shelves of an empty library."""
    if session.scalar(select(SubjectNode.code).where(SubjectNode.scheme == "clc").limit(1)):
        return
    rows = [
        {"scheme": "clc", "code": code, "label": zh, "label_en": en, "has_children": False}
        for code, (zh, en) in MAIN_CLASSES.items()
    ]
    session.execute(insert(SubjectNode), rows)


def is_detailed(session: Session) -> bool:
    """Whether there are more classes than the main ones."""
    below = select(SubjectNode.code).where(SubjectNode.parent_code.is_not(None)).limit(1)
    return session.scalar(below) is not None


def import_tree(session: Session, path: Path) -> Report:
    """Adds and renames the classes of a tree; repeatable.

    :raises InvalidError: when the file is no such tree.
    """
    if path.stat().st_size > MAX_FILE:
        raise InvalidError(Fault(path.name, "too-large", f"at most {MAX_FILE:,} bytes"))
    try:
        roots = msgspec.json.decode(path.read_bytes(), type=list[Node])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidError(Fault(path.name, "not-a-tree", str(error))) from error
    seed(session)
    wanted = select(SubjectNode).where(SubjectNode.scheme == "clc")
    known = {node.code: node for node in session.scalars(wanted)}
    report = Report()
    fresh: dict[str, dict[str, object]] = {}
    for node, parent, depth in _walk(roots, None, 0):
        report.read += 1
        if not node.code or len(node.code) > 64 or not node.name or depth > MAX_DEPTH:
            report.refused += 1
            problem = Refusal(node.code[:64], "class-invalid", "needs a code and a name")
            report.problems = [*report.problems, problem]
            continue
        row = {"label": node.name, "parent_code": parent, "has_children": bool(node.children)}
        if node.code in known:
            _renew(session, known[node.code], row, report)
        elif node.code in fresh:
            report.unchanged += 1  # real trees repeat a class below two others: the first stands
        else:
            fresh[node.code] = {"scheme": "clc", "code": node.code, "label_en": "", **row}
    if fresh:
        session.execute(insert(SubjectNode), list(fresh.values()))
    report.added = len(fresh)
    return report


def _renew(session: Session, node: SubjectNode, row: Mapping[str, object], report: Report) -> None:
    if all(getattr(node, name) == value for name, value in row.items()):
        report.unchanged += 1
        return
    where = (SubjectNode.scheme == "clc", SubjectNode.code == node.code)
    session.execute(update(SubjectNode).where(*where).values(**row))
    report.changed += 1


def _walk(
    nodes: list[Node], parent: str | None, depth: int
) -> Iterator[tuple[Node, str | None, int]]:
    for node in nodes:
        yield node, parent, depth
        yield from _walk(node.children, node.code, depth + 1)
