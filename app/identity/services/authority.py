"""Who may do something to a library: the reach of a permission against its path."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.errors import ForbiddenError, NotFoundError
from app.identity import scope, tree
from app.identity.models import Account, Grant, Library
from app.permissions import Permission


def require(
    reach: Sequence[str], permission: Permission, library: Library, path: str | None = None
) -> None:
    """That the reach covers the library, or the ``path`` that counts in its stead.

    :raises ForbiddenError: when it does not.
    :raises NotFoundError: when it does not, and the library is not of the network.
    """
    if scope.covers(reach, library.path if path is None else path):
        return
    if library.state in tree.HIDDEN:
        raise NotFoundError("library", library.id)
    raise ForbiddenError(permission, f"Your roles do not reach the library {library.id!r}.")


def require_above(reach: Sequence[str], library: Library) -> None:
    """That the reach of the approval of libraries covers what is above this one.

    Nobody stands above a root: only the command line decides on it.

    :raises ForbiddenError: when it does not. :raises NotFoundError: as :func:`require`.
    """
    require(reach, Permission.APPROVE_LIBRARIES, library, tree.above(library.path))


def renew_below(session: Session, library: Library) -> None:
    """Whatever keeps what the staff of a library and of those below may do looks again."""
    staff = (
        select(Grant.account_id)
        .join(Library, Library.id == Grant.library_id)
        .where(tree.below(Library.path, library.path))
    )
    raised = update(Account).where(Account.id.in_(staff)).values(version=Account.version + 1)
    session.execute(raised, execution_options={"synchronize_session": False})
