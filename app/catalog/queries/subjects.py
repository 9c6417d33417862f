"""The subject tree, one level at a time."""

from __future__ import annotations

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog.models import SubjectNode
from app.errors import NotFoundError


class SubjectLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A class as it is browsed."""

    scheme: str
    code: str
    label: str
    label_en: str = ""
    parent: str | None = None
    has_children: bool = False


def find(session: Session, scheme: str, code: str) -> SubjectLine:
    """The class of this notation.

    :raises NotFoundError: when there is none.
    """
    node = session.get(SubjectNode, (scheme, code))
    if node is None:
        raise NotFoundError("subject", f"{scheme}:{code}")
    return line(node)


def children(
    session: Session, scheme: str, parent: str | None, after: str | None = None, limit: int = 100
) -> list[SubjectLine]:
    """The classes directly below one (the main classes below ``None``), in notation order."""
    wanted = select(SubjectNode).where(
        SubjectNode.scheme == scheme, SubjectNode.parent_code == parent
    )
    if after is not None:
        wanted = wanted.where(SubjectNode.code > after)
    return [line(node) for node in session.scalars(wanted.order_by(SubjectNode.code).limit(limit))]


def labels(session: Session, keys: list[str]) -> dict[str, str]:
    """The labels of those of these ``scheme:code`` keys that stand in a tree."""
    codes = [key.partition(":")[2] for key in keys if key.startswith("clc:")]
    wanted = select(SubjectNode.code, SubjectNode.label).where(
        SubjectNode.scheme == "clc", SubjectNode.code.in_(codes)
    )
    return {f"clc:{row.code}": row.label for row in session.execute(wanted)} if codes else {}


def line(node: SubjectNode) -> SubjectLine:
    """The class as it is browsed."""
    return SubjectLine(
        node.scheme, node.code, node.label, node.label_en, node.parent_code, node.has_children
    )
