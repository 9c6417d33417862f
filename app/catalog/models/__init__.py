"""The catalogue's tables."""

from app.catalog.models.feed import ChangeClock
from app.catalog.models.imports import Import, ImportProblem
from app.catalog.models.index import DirtyRecord, FruitlessQuery, SearchableText
from app.catalog.models.publications import HeldPublication, PublicationEntry, StoredPublication
from app.catalog.models.records import (
    RecordIdentifier,
    RecordRow,
    RecordTitle,
    Revision,
    SourceDifference,
    SourceRecord,
)
from app.catalog.models.subjects import SubjectNode

__all__ = [
    "ChangeClock",
    "DirtyRecord",
    "FruitlessQuery",
    "HeldPublication",
    "Import",
    "ImportProblem",
    "PublicationEntry",
    "RecordIdentifier",
    "RecordRow",
    "RecordTitle",
    "Revision",
    "SearchableText",
    "SourceDifference",
    "SourceRecord",
    "StoredPublication",
    "SubjectNode",
]
