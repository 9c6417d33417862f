"""What a form says when it was refused: a key of the words, for what the domain refused."""

from __future__ import annotations

from app.errors import ForbiddenError, InvalidError, KaijuanError, TooManyError
from app.pages.words import TABLE
from app.web.problems import BY_ERROR, INTERNAL

GROUP = "trouble"


def trouble_of(error: KaijuanError) -> str:
    """The most exact words there are: by fault, by permission, or by the kind of refusal."""
    kind = next((BY_ERROR[cls] for cls in type(error).__mro__ if cls in BY_ERROR), INTERNAL)
    exact = kind.slug
    if isinstance(error, InvalidError) and error.faults:
        exact = error.faults[0].code
    elif isinstance(error, ForbiddenError):
        exact = error.permission
    elif isinstance(error, TooManyError):
        exact = "too-many"
    found = (f"{GROUP}.{name}" for name in (exact, kind.slug) if f"{GROUP}.{name}" in TABLE)
    return next(found, f"{GROUP}.other")


def status_of(error: KaijuanError) -> int:
    """The status of the refusal."""
    kind = next((BY_ERROR[cls] for cls in type(error).__mro__ if cls in BY_ERROR), INTERNAL)
    return kind.status
