"""The engines that an installation uses, each behind its port, built from the settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from app import caching
from app.caching import Cache
from app.config import SettingError, Settings
from app.database import Database
from app.dialects import WORK, Limits
from app.guards import AT_ONCE, GuardedIndex, GuardedStore
from app.messaging.factory import open_messenger
from app.messaging.ports import Messenger
from app.outgoing.http import HttpWeb
from app.outgoing.ports import Web
from app.scratch import Scratch
from app.sealing import Sealer
from app.storage.factory import open_store
from app.storage.ports import ObjectStore
from app.storage.s3_client import S3Options
from app.verification.factory import open_verifier
from app.verification.ports import Verifier
from search.alias import AliasedIndex
from search.backends import elasticsearch, sqlite
from search.index import SearchIndex


@dataclass(frozen=True, slots=True)
class Adapters:
    """What ``create_app``, the worker and the commands are handed. Tests pass their own."""

    database: Database
    store: ObjectStore
    index: SearchIndex
    cache: Cache
    mail: Messenger
    sms: Messenger
    sealer: Sealer
    verifier: Verifier | None
    """What verifies real names, where that is offered."""
    web: Web
    """Other systems that are asked or told something."""
    data_dir: Path
    """What lies on this machine alone: the usage spool, metrics, secrets, the outbox."""

    def guarded(self, *, searches: int = AT_ONCE) -> Adapters:
        """The same behind breakers, for whoever must not wait: the web and the worker.

        So many ``searches`` are under way at the same time at most.
        """
        index = GuardedIndex(self.index, at_once=searches)
        return replace(self, store=GuardedStore(self.store), index=index)

    @property
    def scratch(self) -> Scratch:
        """Temporary folders, on the disk that has room for data."""
        return Scratch(self.data_dir / "run" / "tmp")


def open_adapters(settings: Settings, limits: Limits = WORK) -> Adapters:
    """Opens every engine that the settings name; none is asked anything yet.

    ``limits`` are those of the database's statements: of background work, where nobody waits.
    """
    s3 = settings.s3
    options = S3Options(
        endpoint_url=s3.endpoint_url,
        public_endpoint_url=s3.public_endpoint_url,
        region=s3.region,
        access_key_id=s3.access_key_id,
        secret_access_key=s3.secret_access_key,
    )
    database = Database(settings.database_url, limits=limits)
    cache = caching.open_cache(settings.cache_url)
    caching.connect(database, cache)
    return Adapters(
        database=database,
        store=open_store(settings.storage_url, s3=options).objects,
        index=open_index(settings.search_url),
        cache=cache,
        mail=open_messages("MAIL", settings.mail_url),
        sms=open_messages("SMS", settings.sms_url),
        sealer=Sealer(settings.identity_key),
        verifier=open_real_names(settings.realname_url),
        web=HttpWeb(own_machine=not (settings.public_url or "").startswith("https:")),
        data_dir=settings.data_dir,
    )


def open_index(url: str) -> AliasedIndex:
    """The index at an address: files of this machine, or Elasticsearch. It is strict.

    :raises SettingError: for what is no address of either.
    """
    if url.startswith("sqlite:"):
        return sqlite.open_generations(search_folder(url), strict=True)
    try:
        return elasticsearch.open_generations(url, strict=True)
    except ValueError as error:
        shown = f"{url.partition('://')[0]}://…"  # there may be a password anywhere in the rest
        raise SettingError("KAIJUAN_SEARCH_URL", shown, str(error)) from None


def open_messages(name: str, url: str) -> Messenger:
    """The way to people at an address.

    :raises SettingError: for an address that lacks what it needs.
    """
    try:
        return open_messenger(url)
    except ValueError as error:
        shown = f"{url.partition('://')[0]}://…"
        raise SettingError(f"KAIJUAN_{name}_URL", shown, str(error)) from None


def open_real_names(url: str) -> Verifier | None:
    """What verifies real names; the operator names its address, which may be of this machine.

    :raises SettingError: for what is no address of such a service.
    """
    try:
        return open_verifier(url, HttpWeb(own_machine=True))
    except ValueError as error:
        shown = f"{url.partition(':')[0]}:…"
        raise SettingError("KAIJUAN_REALNAME_URL", shown, str(error)) from None


def search_folder(url: str) -> Path:
    """Where the embedded index lies."""
    return Path(urlsplit(url).path)
