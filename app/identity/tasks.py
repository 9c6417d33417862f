"""Identity's background work: codes are sent, what has ended is forgotten, accounts closed."""

from __future__ import annotations

from datetime import timedelta

from app.adapters import Adapters
from app.identity.handles import HandleKind
from app.identity.reports import ReaderReport
from app.identity.roster import Roster
from app.identity.services import (
    challenges,
    closing,
    codes,
    exports,
    importing,
    minors,
    notices,
    real_names,
    sending,
    sessions,
    teen_mode,
    turnaways,
    undoing,
    uses,
)
from app.identity.services.audit import Actor
from app.identity.services.limits import DatabaseCounts
from app.identity.services.parting import Order
from app.jobs.registry import Registry
from app.jobs.work import Work
from app.messaging.ports import Message
from app.verification.ports import VerifierAwayError

registry: Registry[Adapters] = Registry()


@registry.job(sending.IMPORT, lease=timedelta(minutes=2))
def import_readers(work: Work[Adapters]) -> None:
    """Imports a file of readers that was sent; goes on after the last chunk of an attempt that
    died."""
    adapters, sent = work.context, work.payload
    key, digest = str(sent["key"]), str(sent["digest"])
    store, sealer = adapters.store, adapters.sealer
    with sending.fetched(store, adapters.scratch, sealer, key, digest) as path:
        order = Order(
            Roster(path, str(sent["format"]), str(sent["library"])),
            str(sent["name"]),
            Actor(str(sent["account"] or "") or None),
            whole=bool(sent["whole"]),
            at_most=int(sent["at_most"]),
        )

        def checkpoint(report: ReaderReport) -> None:
            work.checkpoint({"import": report.id, "read": report.read})

        importing.import_readers(work.database, sealer, order, progress=checkpoint)
    work.finish(lambda _session: None)
    store.delete(key)


@registry.job(sending.UNDO, lease=timedelta(minutes=2))
def undo_readers(work: Work[Adapters]) -> None:
    """Undoes an import of readers, however many they are."""
    actor = Actor(str(work.payload["account"] or "") or None)
    undoing.undo(work.database, actor, str(work.payload["batch"]))
    work.finish(lambda _session: None)


@registry.job(codes.JOB, lease=timedelta(minutes=1))
def send_code(work: Work[Adapters]) -> None:
    """Makes a code and sends it. An attempt that died is done again with another code."""
    adapters, ticket = work.context, str(work.payload["code"])
    with work.database.transaction() as session:
        prepared = codes.prepare(session, adapters.sealer, ticket)
    _send(adapters, prepared)


@registry.job(notices.JOB, lease=timedelta(minutes=1))
def notify(work: Work[Adapters]) -> None:
    """Tells an account's owner what was changed."""
    adapters, account_id = work.context, str(work.payload["account"])
    key = adapters.sealer.lookup("limits", f"notices:{account_id}")
    if DatabaseCounts(work.database).take(f"notices:{key}", 86_400).count <= notices.MOST:
        _send(adapters, notices.prepare(adapters.sealer, work.payload))
    work.finish(lambda session: notices.forget(session, work.id))


def _send(adapters: Adapters, prepared: tuple[HandleKind, Message] | None) -> None:
    """By the way that reaches such a handle; nothing where nothing is to be sent."""
    if prepared is not None:
        kind, message = prepared
        messenger = adapters.sms if kind is HandleKind.PHONE else adapters.mail
        messenger.send(message)


@registry.job(exports.JOB, lease=timedelta(minutes=5))
def export(work: Work[Adapters]) -> None:
    """Makes the copy of what is kept about somebody, for whoever asked."""
    export_id = str(work.payload["export"])
    made = exports.make(work.database, work.context.sealer, export_id)
    if made is not None:
        document, size = made
        work.finish(lambda session: exports.keep(session, export_id, document, size))


@registry.job(real_names.JOB, lease=timedelta(minutes=1))
def verify_name(work: Work[Adapters]) -> None:
    """Asks the verification service about somebody; later again where it is away."""
    adapters, asking = work.context, str(work.payload["asking"])
    with work.database.transaction(writes=False) as session:
        person = real_names.prepare(session, adapters.sealer, asking)
    if person is None:
        return
    try:
        if adapters.verifier is None:
            raise VerifierAwayError("not offered any more")
        result = adapters.verifier.verify(asking, person)
    except VerifierAwayError as error:
        away = error
        work.finish(lambda session: real_names.put_off(session, asking, away))
    else:
        sealer = adapters.sealer
        work.finish(lambda session: real_names.conclude(session, sealer, asking, person, result))


@registry.periodic("identity.forget", every=timedelta(hours=1))
def forget(adapters: Adapters) -> None:
    """Forgets what has expired: codes, secrets, copies; closes accounts whose time has come."""
    with adapters.database.transaction() as session:
        codes.purge(session)
    with adapters.database.transaction() as session:
        challenges.purge(session)
    with adapters.database.transaction() as session:
        notices.purge(session)
    with adapters.database.transaction() as session:
        sessions.purge(session)
    with adapters.database.transaction() as session:
        exports.purge(session)
    closing.close_due(adapters.database)
    while adapters.database.run(real_names.forget):
        pass
    for release in (minors.release_grown, minors.release_left):
        while adapters.database.run(release):
            pass
    with adapters.database.transaction() as session:
        teen_mode.forget(session)


@registry.periodic("identity.uses", every=timedelta(minutes=10))
def tend_uses(adapters: Adapters) -> None:
    """Ends uses whose time has come, and forgets whose the old ones were."""
    uses.tend(adapters.database)
    with adapters.database.transaction() as session:
        turnaways.purge(session)


@registry.periodic("identity.forget_sent", every=timedelta(days=1))
def forget_sent(adapters: Adapters) -> None:
    """Removes files of readers whose import failed a week ago."""
    sending.forget(adapters.store)


@registry.periodic("identity.forget_idle", every=timedelta(days=1))
def forget_idle(adapters: Adapters) -> None:
    """Ends the sessions that nobody uses any more."""
    with adapters.database.transaction() as session:
        sessions.purge_idle(session)
