"""Whatever is added and moved, in whatever order, the tree stays a tree."""

from house import House
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import ConflictError
from app.identity import scope, tree
from app.identity.models import Library
from app.identity.scope import EVERYWHERE
from app.identity.services import moving
from app.identity.services.audit import SYSTEM

number = st.integers(0, 30)
deed = st.tuples(st.sampled_from(("add", "add", "move")), number, st.none() | number)
Parents = dict[str, str | None]


def below(parents: Parents, top: str) -> set[str]:
    """A library and all below it, by walking up from each."""
    found = set()
    for library in parents:
        one: str | None = library
        while one is not None and one != top:
            one = parents[one]
        if one == top:
            found.add(library)
    return found


def do(session: Session, deeds: list[tuple[str, int, int | None]]) -> Parents:
    """Does what can be done; who stands below whom, in the order of coming there."""
    parents: Parents = {}
    for kind, which, where in deeds:
        known = list(parents)
        parent = known[where % len(known)] if known and where is not None else None
        if kind == "add":
            name = f"l{len(parents)}"
            tree.add(session, name, "馆", "special", parent)
            parents[name] = parent
        elif known:
            name = known[which % len(known)]
            stands = parents[name] == parent or parent in below(parents, name)
            try:
                moving.move(session, SYSTEM, EVERYWHERE, name, parent)
                assert not stands
                del parents[name]
                parents[name] = parent
            except ConflictError:
                assert stands
    return parents


def look(session: Session, parents: Parents) -> None:
    """Compares the tables with a naive walk."""
    session.expire_all()
    rows = {row.id: row for row in session.scalars(select(Library))}
    assert {row.id: row.parent_id for row in rows.values()} == parents
    assert len({row.path for row in rows.values()}) == len(rows)
    for row in rows.values():
        above = rows[row.parent_id].path if row.parent_id else ""
        assert tree.above(row.path) == above
        subtree = select(Library.id).where(tree.below(Library.path, row.path))
        assert set(session.scalars(subtree)) == below(parents, row.id)
        assert {i for i in rows if scope.covers((row.path,), rows[i].path)} == below(
            parents, row.id
        )


def look_at_order(session: Session, parents: Parents) -> None:
    """Children are listed whole and by page, whoever came last standing last."""
    for parent in (None, *parents):
        paged: list[str] = []
        after = None
        while page := tree.children(session, parent, after, 2):
            paged += [line.id for line in page]
            after = page[-1].path
        assert paged == [library for library, above in parents.items() if above == parent]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(deeds=st.lists(deed, max_size=24))
def test_paths_are_unique_and_say_what_the_parents_say(
    house: House, deeds: list[tuple[str, int, int | None]]
) -> None:
    with house.database.transaction() as session:
        parents = do(session, deeds)
        look(session, parents)
        look_at_order(session, parents)
        session.rollback()
