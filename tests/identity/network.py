"""People of a network for tests: staff who call, readers with handles."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from house import House
from werkzeug.test import TestResponse

from app.identity import accounts
from app.identity.handles import normal
from app.identity.models import Handle
from app.identity.services import homes
from app.sealing import Sealer
from app.values import now


class Person:
    """Somebody with roles, each written ``role@library``, who calls with a token of their own."""

    def __init__(self, house: House, *roles: str, name: str = "馆员") -> None:
        self._house = house
        with house.database.transaction() as session:
            self.id = accounts.add_account(session, name).id
            for each in roles:
                role, _, library = each.partition("@")
                accounts.grant(session, self.id, role, library)
            secret = accounts.issue(session, self.id, "token", life=timedelta(days=1))
        self.headers = {"Authorization": f"Bearer {secret}"}

    def send(self, method: str, path: str, body: Any = None) -> TestResponse:
        """What is answered below ``/api/v1/libraries``."""
        return self._house.send(method, f"/api/v1/libraries/{path}", body, self.headers)

    def get(self, path: str) -> Any:
        """The JSON of what must be there."""
        return self._house.json(f"/api/v1/libraries/{path}", headers=self.headers)

    def status(self, method: str, path: str, body: Any = None) -> int:
        """How a request is answered."""
        return self.send(method, path, body).status_code

    def gives(self, to: Person | str, role: str, library: str) -> int:
        """How giving a role is answered."""
        account = to if isinstance(to, str) else to.id
        return self.status("POST", f"{library}/staff", {"account": account, "role": role})

    def withdraws(self, of: Person, role: str, library: str) -> int:
        """How withdrawing a role is answered."""
        return self.status("DELETE", f"{library}/staff/{of.id}?role={role}")


def reader(
    house: House,
    name: str,
    home: str | None,
    *,
    assurance: int = 0,
    phone: str = "",
    card: str = "",
) -> str:
    """The id of a new reader."""
    sealer = Sealer(house.settings.identity_key)
    with house.database.transaction() as session:
        account = accounts.add_account(session, name)
        homes.settle(session, account, home, assurance)
        for text, library in ((phone, None), (card, home)):
            if text:
                handle = normal(text, library)
                session.add(
                    Handle(
                        kind=handle.kind,
                        lookup=handle.lookup(sealer),
                        account_id=account.id,
                        library_id=library,
                        mask=handle.mask,
                        sealed=b"-",
                        added_at=now(),
                    )
                )
        return account.id
