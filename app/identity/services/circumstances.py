"""What is the case when somebody asks, as the database knows it."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from sqlalchemy.orm import Session

from app.database import now
from app.identity.accounts import Known
from app.identity.conditions import Standing, Taken
from app.identity.policies import Rules
from app.identity.queries import networks, policies, teen, uses
from app.identity.teen import Teen
from app.permissions import Caller


class Now:
    """The circumstances of one caller, each looked up once, and only when a policy asks."""

    def __init__(self, session: Session, caller: Caller, when: datetime | None = None) -> None:
        self._session, self._caller = session, caller
        self.when = when or now()

    def rules(self, policy: str) -> Rules | None:
        """See Circumstances."""
        return policies.rules(self._session, policy)

    def standing(self) -> Standing | None:
        """See Circumstances."""
        return self._standing

    def teen(self) -> Teen | None:
        """See Circumstances; of most callers it is known that there is none."""
        return self._teen

    def networks(self) -> tuple[str, ...]:
        """See Circumstances."""
        return self._networks

    def uses(self, place: str, most: int) -> Taken | None:
        """See Circumstances; the caller's own use takes no place from them."""
        besides = self._caller.account_id or ""
        return uses.taken(self._session, place, most, besides, self.when)

    @cached_property
    def _standing(self) -> Standing | None:
        account_id = self._caller.account_id
        if account_id is None:
            return None
        return policies.standing(self._session, account_id, self.when)

    @cached_property
    def _teen(self) -> Teen | None:
        account_id, known = self._caller.account_id, getattr(self._caller, "known", None)
        if account_id is None or (isinstance(known, Known) and not known.may_be_teen):
            return None
        return teen.teen(self._session, account_id, self.when)

    @cached_property
    def _networks(self) -> tuple[str, ...]:
        places = networks.of(self._session, self._caller.address)
        return tuple(place.path for place in places)
