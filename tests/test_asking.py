"""Every address asks: the URL map is walked with what may not be seen, and what may not be used.

An address is about records, and then it stands in a table below, or it is declared to be about
something else. One that does neither fails here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import product
from urllib.parse import quote

import pytest
from archives import epub
from flask import Flask
from house import House
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.catalog import composing
from app.catalog.composing import PLURALS
from app.catalog.description import Subject
from app.catalog.models import HeldPublication
from app.catalog.services import changes
from app.database import now
from app.identity.policies import Rules
from app.identity.services import policies
from app.web.api import Endpoint

NOT_ABOUT_RECORDS = {
    "app.web": "the service itself: health, figures, the API's description",
    "app.identity": "libraries and people",
    "app.signon": "signing on to other systems",
    "app.pages.routes.help": "texts of ours and static files",
    "app.pages.routes.documents": "texts of ours, and what one agreed to",
    "app.pages.routes.family": "children and guardians",
    "app.pages.routes.verification": "one's own real name",
    "app.pages.routes.account": "one's own account",
    "app.pages.routes.approvals": "what one agreed to",
    "app.pages.routes.consent": "signing on to other systems",
    "app.pages.routes.belongings": "one's own data",
    "app.pages.routes.merging": "one's own accounts",
    "app.pages.routes.through_library": "signing in through a library",
    "app.pages.routes.devices": "what one signs in with and where",
    "app.pages.routes.entering": "signing in and up",
    "app.pages.routes.claiming": "library cards",
    "app.pages.routes.cas": "signing on to other systems",
    "app.pages.routes.device": "letting in a device",
    "app.pages.routes.leaving": "signing out",
    "app.catalog.routes.subjects": "classes",
    "app.catalog.routes.imports": "files that staff sent in, and jobs of one's own",
}
"""By module: what its addresses are about."""
SEEN = (
    "catalog.*.show", "catalog.*.editions", "catalog.*.parts", "pages.records.find",
    "pages.records.show", "reader.publications.cover",
)  # fmt: skip
"""What belongs to the catalogue: not there for those who may not see the record."""
USED = (
    "reader.publications.manifest", "reader.publications.positions",
    "reader.publications.download", "pages.reading.show",
)  # fmt: skip
"""What opens a record: refused, with the reason, to those who see it and may not use it."""
CONTENT = ("reader.content.show",)
"""What a grant opens, and no grant does for others."""
MANAGED = ("catalog.records.*",)
"""For the staff of its library and of those above it."""
LISTED = {
    "catalog.*.index": "?limit=100", "catalog.feed.index": "?limit=1000",
    "pages.subjects.*": "", "reader.uses.index": "?limit=100",
    "catalog.search.find": "?q=藏书&limit=100", "catalog.search.suggest": "?q=藏书",
    "catalog.search.fruitless_searches": "", "pages.home.show": "",
    "pages.searching.show": "?q=藏书", "pages.uses.show": "",
}  # fmt: skip
"""Lists, and what they are asked."""
CLASS = {"<scheme>": "clc", "<code>": "I2"}
"""A class that every record is in."""
SILENT = {"*.uses.give_back": "a place is given back, and no record is spoken of"}
"""What answers nothing, and why."""
TITLES = {"open": "藏书之一", "closed": "藏书之二", "hidden": "藏书秘本", "draft": "藏书草稿"}
UNSEEN = ("hidden", "draft")
ABOVE = {"issue": "journal", "article": "issue", "item": "collection", "lecture": "course"}
Records = dict[str, dict[str, str]]
"""The ids of records by how they stand and by kind."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Records]]:
    """Of every kind a record that is open, closed, hidden or a draft, below an open one."""
    folder = tmp_path_factory.mktemp("asking")
    house = House(folder / "data")
    house.network()
    house.subjects(("I2", "中国文学", None))
    book = house.take(epub(folder / "a.epub", title="底本"), "south").record or ""
    found: Records = {how: {} for how in TITLES}
    stands = {
        "open": {},
        "closed": {"policy": "staff"},
        "hidden": {"audience": "staff"},
        "draft": {"state": "draft"},
    }
    for how, place in stands.items():
        for kind in PLURALS:
            above = found["open"].get(ABOVE.get(kind, ""))
            said = {"library": "south", "subjects": (Subject("clc", "中国文学", "I2"),), **place}
            record = house.record(TITLES[how], kind=kind, parent_id=above, **said)
            found[how][kind] = record
            hold(house, record, book)
    house.index()
    yield house, found
    house.close()


def hold(house: House, record: str, book: str) -> None:
    """Has a record hold what the book holds."""
    with house.database.transaction() as session:
        wanted = select(HeldPublication.sha256).where(HeldPublication.record_id == book)
        digest = session.scalars(wanted).one()
        session.add(HeldPublication(record_id=record, sha256=digest, filename="书", held_at=now()))
        changes.set_media(session, changes.load(session, record), composing.Media("epub", True))


def endpoints(app: Flask, *names: str) -> list[Endpoint]:
    """Every address there is (the architecture's tests show that), or those of these names."""
    found = app.extensions["kaijuan.endpoints"].values()
    return [one for one in found if not names or (is_about_records(one) and is_of(one, names))]


def is_of(endpoint: Endpoint, names: tuple[str, ...]) -> bool:
    """Whether it is one of these; what staff manage is in their table alone."""
    is_managed = any(fnmatchcase(endpoint.name, name) for name in MANAGED)
    return is_managed == (names == MANAGED) and any(fnmatchcase(endpoint.name, n) for n in names)


def is_about_records(endpoint: Endpoint) -> bool:
    """Whether it is not declared to be about something else."""
    module = endpoint.view.__module__
    return not any(module == name or module.startswith(name + ".") for name in NOT_ABOUT_RECORDS)


def addresses(endpoint: Endpoint, records: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Every address of it for these records, with the record's id."""
    several = re.search(r"<any\(([^)]*)\):plural>", endpoint.rule)
    one = re.match(r"/api/v1/(\w+)/<record_id>", endpoint.rule)
    names = several[1].split(", ") if several else [one[1]] if one else []
    for kind, record in records.items():
        if not names or PLURALS[kind] in names or names == ["records"]:  # type: ignore[index]
            rule = re.sub(r"<any\([^>]*>", PLURALS[kind], endpoint.rule)  # type: ignore[index]
            yield rule.replace("<record_id>", record), record


def callers(house: House) -> list[dict[str, str]]:
    """Nobody, a reader, and those whose roles are elsewhere or of another sort."""
    reader = {"Authorization": f"Bearer {house.secret('token', None)}"}
    elsewhere = [house.token(role, "north") for role in ("cataloguer", "administrator")]
    return [{}, reader, *elsewhere, house.token("operator", "nation")]


def tells(answer: TestResponse, stands: tuple[str, ...]) -> bool:
    """Whether it holds the title of a record that stands so; matches may be marked in it."""
    text = answer.get_data().decode("utf-8", "replace")
    shown = re.sub("</?mark>", "", text)
    return any(TITLES[how] in shown for how in stands)


def test_every_address_is_in_a_table_or_about_something_else(
    library: tuple[House, Records],
) -> None:
    for endpoint in endpoints(library[0].app):
        names = (*SEEN, *USED, *CONTENT, *LISTED, *SILENT)
        if is_about_records(endpoint):
            assert is_of(endpoint, names) or is_of(endpoint, MANAGED), (
                f"{endpoint.name}: say in a table how it asks"
            )
        else:
            assert not re.search(r"<(record_id|held)>", endpoint.rule), endpoint.rule


def test_what_may_not_be_seen_is_not_there(library: tuple[House, Records]) -> None:
    house, records = library
    who = callers(house)
    for endpoint in endpoints(house.app, *SEEN, *USED):
        for how in UNSEEN:
            asked = [path for path, _ in addresses(endpoint, records[how])]
            assert asked, endpoint.rule
            for path, headers in product(asked, who):
                answer = house.client.get(path, headers=headers)
                assert (answer.status_code, tells(answer, (how,))) == (404, False), path


NOWHERE = "0" * 8 + "-0000" * 3 + "-" + "0" * 12
WAYS = (
    ("HEAD", {}), ("OPTIONS", {}), ("GET", {"Range": "bytes=0-9"}),
    ("GET", {"If-None-Match": "*"}), ("GET", {"If-Range": '"x"', "Range": "bytes=5-"}),
    ("GET", {"Accept": "text/html"}), ("GET", {"X-HTTP-Method-Override": "PUT"}), ("POST", {}),
    ("PUT", {}), ("DELETE", {}),
)  # fmt: skip
"""Other ways of asking."""


def test_no_way_of_asking_tells_what_is_there_from_what_is_not(
    library: tuple[House, Records],
) -> None:
    house, records = library
    for endpoint, (method, headers) in product(endpoints(house.app, *SEEN, *USED), WAYS):
        for kind, record in records["hidden"].items():
            for path, named in addresses(endpoint, {kind: record}):
                there = house.client.open(path, method=method, headers=headers)
                nowhere = house.client.open(
                    path.replace(named, NOWHERE), method=method, headers=headers
                )
                assert there.status_code == nowhere.status_code, (method, path)
                assert not tells(there, ("hidden",)), (method, path)
                assert there.headers.get("Allow") == nowhere.headers.get("Allow")


def test_no_way_of_asking_opens_what_may_not_be_used(library: tuple[House, Records]) -> None:
    house, records = library
    for endpoint, (method, headers) in product(endpoints(house.app, *USED), WAYS):
        for path, _ in addresses(endpoint, records["closed"]):
            answer = house.client.open(path, method=method, headers=headers)
            wanted = {"GET": (403,), "HEAD": (403,), "OPTIONS": (200,)}.get(method, (405,))
            assert answer.status_code in wanted, (method, path)
            assert method != "OPTIONS" or answer.data == b""


def test_what_others_have_taken_is_refused_at_every_door(library: tuple[House, Records]) -> None:
    house, records = library
    with house.database.transaction() as session:
        name = policies.kept(session, Rules(at_once=1), "policy")
    taken = house.record("名额之书", library="south", policy=name)
    hold(house, taken, records["open"]["book"])
    holder, other = ({"Authorization": f"Bearer {house.secret('token', None)}"} for _ in range(2))
    house.get(f"/api/v1/books/{taken}/manifest", headers=holder)
    for endpoint in endpoints(house.app, *USED):
        for path, _ in addresses(endpoint, {"book": taken}):
            for headers, wanted in (({}, "sign-in"), (other, "in-use"), (holder, None)):
                answer = house.client.get(path, headers=headers)
                answer.close()
                said = answer.json["reason"] if wanted else None  # type: ignore[index]
                assert (answer.status_code == 403, said) == (wanted is not None, wanted), path


def test_what_may_not_be_used_is_refused_with_its_reason(library: tuple[House, Records]) -> None:
    house, records = library
    for endpoint in endpoints(house.app, *USED):
        for path, _ in addresses(endpoint, records["closed"]):
            for headers in callers(house):
                answer = house.client.get(path, headers=headers)
                assert answer.status_code == 403, path
                assert answer.json["reason"] == "staff-only"  # type: ignore[index]
        [path, _], *_ = addresses(endpoint, records["open"])
        answer = house.client.get(path)
        answer.close()
        assert answer.status_code in (200, 302), path


def test_what_may_be_seen_is_shown_without_what_is_beside_it(
    library: tuple[House, Records],
) -> None:
    house, records = library
    for endpoint, how in product(endpoints(house.app, *SEEN), ("open", "closed")):
        for path, _ in addresses(endpoint, records[how]):
            answer = house.client.get(path)
            assert answer.status_code in (200, 308), path
            assert not tells(answer, UNSEEN), path


def test_no_list_holds_what_may_not_be_seen(library: tuple[House, Records]) -> None:
    house, _ = library
    listed = 0
    for endpoint in endpoints(house.app, *LISTED):
        asked = [said for name, said in LISTED.items() if fnmatchcase(endpoint.name, name)]
        for headers in callers(house):
            path = re.sub("<[a-z]+>", lambda found: CLASS[found[0]], endpoint.rule)
            answer = house.client.get(path + asked[-1], headers=headers)
            assert not tells(answer, UNSEEN), endpoint.rule
            listed += tells(answer, ("open",))
    assert listed > 30


def test_the_same_lists_hold_it_for_those_who_may(library: tuple[House, Records]) -> None:
    house, _ = library
    staff = house.token("cataloguer", "south")
    for path in ("/api/v1/books", "/api/v1/search?q=藏书", "/api/v1/changes", "/search?q=藏书"):
        assert tells(house.client.get(path, headers=staff), ("hidden",)), path


def test_what_is_counted_is_what_is_seen(library: tuple[House, Records]) -> None:
    house, records = library
    hidden = len(records["hidden"])
    staff = house.token("cataloguer", "south")
    for path in ("/api/v1/search?q=藏书", "/api/v1/search?subject=clc:I2", "/api/v1/search"):
        public, theirs = house.json(path), house.json(path, headers=staff)
        assert theirs["total"] - public["total"] == hidden, path
        for name in ("kind", "library", "available"):
            for answer in (public, theirs):
                counted = sum(one["count"] for one in answer["facets"][name])
                assert counted == answer["total"], (path, name)
    pages = [house.get("/subjects/clc/I2?lang=en", headers=h) for h in ({}, staff)]
    counted = r"""href="/search\?subject=clc%3AI2">\D*(\d+)"""
    seen, theirs = (int(re.search(counted, page)[1]) for page in pages)  # type: ignore[index]
    assert theirs - seen == hidden


BODIES = {"withdraw": {"reason": "错误"}, "merge": {"into": "0" * 8 + "-0000" * 3 + "-" + "0" * 12}}


def test_only_its_own_staff_manage_a_record(library: tuple[House, Records]) -> None:
    house, records = library
    managed = [e for e in endpoints(house.app, *MANAGED) if "<record_id>" in e.rule]
    assert len(managed) >= 6
    for endpoint, how in ((e, how) for e in managed for how in TITLES):
        path = endpoint.rule.replace("<record_id>", records[how]["book"])
        there = 404 if how in UNSEEN else 403
        for headers, wanted in zip(callers(house), (401, 403, there, there, 403), strict=True):
            body = BODIES.get(path.rpartition("/")[2], {})
            answer = house.send(endpoint.method, path, body, {**headers, "If-Match": '"v9"'})
            assert (answer.status_code, tells(answer, (how,))) == (wanted, False), path


@pytest.mark.parametrize("how", ["closed", "hidden"])
def test_no_grant_opens_what_it_was_not_given_for(library: tuple[House, Records], how: str) -> None:
    house, records = library
    staff = house.token("cataloguer", "south")
    opened = records["open"]["book"]
    href = house.json(f"/api/v1/books/{opened}/manifest")["readingOrder"][0]["href"]
    theirs = href.replace(opened, records[how]["book"])
    given = house.json(f"/api/v1/books/{records[how]['book']}/manifest", headers=staff)
    own = given["readingOrder"][0]["href"]
    for path in (theirs, theirs.replace("/open/", "/" + "A" * 24 + "/")):
        assert house.client.get(path).status_code in (403, 404, 422), path
    grant = own.split("/content/")[1].split("/")[0]
    other = records["closed" if how != "closed" else "hidden"]["book"]
    swapped = href.replace("/open/", f"/{quote(grant)}/").replace(opened, other)
    assert house.client.get(swapped).status_code == 403
