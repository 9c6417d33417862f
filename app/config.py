"""Settings: one frozen object, read once from the environment and an optional ``.env``.

A wrong value names its variable and says what would be right. Secrets that are not given are
generated into the data directory, readable by their owner alone.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import urlsplit

from dotenv import dotenv_values

PREFIX = "KAIJUAN_"


class SettingError(Exception):
    """A setting cannot be used; the message names the variable and what would be right."""

    def __init__(self, name: str, value: str, wanted: str) -> None:
        super().__init__(f"{name}={value!r} cannot be used: {wanted}")
        self.name = name


@dataclass(frozen=True, slots=True)
class S3Settings:
    """Where the S3-compatible store is; credentials follow the AWS variables."""

    endpoint_url: str | None
    public_endpoint_url: str | None
    region: str
    access_key_id: str | None
    secret_access_key: str | None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an installation may set. ``docs/operations/settings.md`` explains each."""

    data_dir: Path
    database_url: str
    storage_url: str
    search_url: str
    queue_url: str
    cache_url: str
    mail_url: str
    sms_url: str
    realname_url: str
    """The service that verifies real names; without one, nobody is verified online."""
    s3: S3Settings
    secret_keys: tuple[str, ...]
    identity_key: str
    oidc_keys_dir: Path
    public_url: str | None
    content_url: str | None
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    source_url: str
    log_level: str
    read_only: bool
    limits: Mapping[str, tuple[int, int]]
    """What is changed of how often something may be asked for: so many in so many seconds."""


def load(environ: Mapping[str, str] | None = None, dotenv: Path | None = None) -> Settings:
    """Reads the settings; creates the data directory and missing secrets.

    :raises SettingError: for the first variable that cannot be used.
    """
    given = {**_from_file(dotenv or Path(".env")), **(os.environ if environ is None else environ)}
    get = _getter(given)
    data_dir = Path(get("DATA_DIR", "var")).expanduser().resolve()
    _make_private(data_dir)
    return Settings(
        data_dir=data_dir,
        database_url=_url(get, "DATABASE_URL", f"sqlite:///{data_dir}/kaijuan.sqlite", DATABASES),
        storage_url=_url(get, "STORAGE_URL", f"file://{data_dir}/store", ("file", "s3", "memory")),
        search_url=_url(get, "SEARCH_URL", f"sqlite:///{data_dir}/search", SEARCHES),
        queue_url=_url(get, "QUEUE_URL", f"sqlite:///{data_dir}/bell.sqlite", ("sqlite", "redis")),
        cache_url=_url(get, "CACHE_URL", "memory://", ("memory", "redis", "none")),
        mail_url=_url(get, "MAIL_URL", f"file://{data_dir}/outbox", MAILS),
        sms_url=_url(get, "SMS_URL", f"file://{data_dir}/outbox", TEXTS),
        realname_url=get("REALNAME_URL", ""),
        s3=_s3(given),
        secret_keys=_secret_keys(get, data_dir),
        identity_key=_secret(get, "IDENTITY_KEY", data_dir),
        oidc_keys_dir=Path(get("OIDC_KEYS_DIR", f"{data_dir}/oidc-keys")).expanduser().resolve(),
        public_url=_origin(get, "PUBLIC_URL"),
        content_url=_origin(get, "CONTENT_URL"),
        trusted_proxies=_networks(get, "TRUSTED_PROXIES"),
        source_url=_source(get),
        log_level=_choice(get, "LOG_LEVEL", "info", ("debug", "info", "warning", "error")),
        read_only=_choice(get, "READ_ONLY", "no", ("yes", "no")) == "yes",
        limits=_limits(get),
    )


def unknown_names(environ: Mapping[str, str] | None = None) -> set[str]:
    """The variables with our prefix that nothing reads: most likely misspelt."""
    ours = {
        name for name in (os.environ if environ is None else environ) if name.startswith(PREFIX)
    }
    return {name for name in ours if name.removeprefix(PREFIX) not in NAMES | FOR_TESTS}


NAMES = frozenset({
    "DATA_DIR", "DATABASE_URL", "STORAGE_URL", "SEARCH_URL", "QUEUE_URL", "CACHE_URL",
    "MAIL_URL", "SMS_URL", "SECRET_KEYS", "IDENTITY_KEY", "PUBLIC_URL", "CONTENT_URL",
    "TRUSTED_PROXIES", "SOURCE_URL", "LOG_LEVEL", "READ_ONLY", "LIMITS", "OIDC_KEYS_DIR",
    "REALNAME_URL",
})  # fmt: skip
FOR_TESTS = frozenset({"TEST_DATA", "TEST_ENGINES", "BENCH_DIR", "BENCH_RECORDS", "CHROMIUM"})
DATABASES = ("sqlite", "postgresql+psycopg")
SEARCHES = ("sqlite", "http", "https")
MAILS = ("file", "smtp", "smtps", "memory")
TEXTS = ("file", "http", "https", "memory")

Getter = Callable[[str, str], str]


def _from_file(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    return {name: value for name, value in dotenv_values(path).items() if value is not None}


def _getter(given: Mapping[str, str]) -> Getter:
    def get(name: str, default: str) -> str:
        return given.get(PREFIX + name, "").strip() or default

    return get


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        wanted = f"a folder that can be created and written to ({error.strerror})"
        raise SettingError(PREFIX + "DATA_DIR", str(folder), wanted) from error


def _url(get: Getter, name: str, default: str, schemes: tuple[str, ...]) -> str:
    value = get(name, default)
    scheme, colon, _ = value.partition(":")
    if scheme.lower() not in schemes:
        wanted = "an address beginning with " + " or ".join(f"{s}://" for s in schemes)
        shown = scheme + (colon and ":…")  # there may be a password in the rest
        raise SettingError(PREFIX + name, shown, wanted)
    if value.startswith("s3://") and not urlsplit(value).netloc:
        raise SettingError(PREFIX + name, value, "an address with its bucket, such as s3://kaijuan")
    return value


def _origin(get: Getter, name: str) -> str | None:
    value = get(name, "").rstrip("/")
    if not value:
        return None
    if not _ORIGIN.fullmatch(value):
        raise SettingError(PREFIX + name, value, "an address such as https://books.example.org")
    return value


_ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::\d{1,5})?")


def _source(get: Getter) -> str:
    value = get("SOURCE_URL", "/source")
    if not re.fullmatch(r"(?:/|https?://)[^\s\"'<>]*", value):
        raise SettingError(PREFIX + "SOURCE_URL", value, "a path or an http(s) address")
    return value


def _networks(get: Getter, name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    value = get(name, "")
    try:
        return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
    except ValueError as error:
        wanted = "networks such as 10.0.0.0/8,::1/128, separated by commas"
        raise SettingError(PREFIX + name, value, wanted) from error


def _choice(get: Getter, name: str, default: str, choices: tuple[str, ...]) -> str:
    value = get(name, default).lower()
    if value not in choices:
        raise SettingError(PREFIX + name, value, "one of " + ", ".join(choices))
    return value


def _limits(get: Getter) -> dict[str, tuple[int, int]]:
    found = {}
    for part in get("LIMITS", "").split(","):
        limit = re.fullmatch(r"\s*([a-z-]+\.[a-z]+)=(\d{1,9})/([1-9]\d{0,6})\s*", part)
        if limit is not None:
            found[limit[1]] = int(limit[2]), int(limit[3])
        elif part.strip():
            wanted = (
                "limits such as search.address=6000/60, separated by commas: so many in seconds"
            )
            raise SettingError(PREFIX + "LIMITS", part, wanted)
    return found


def _secret_keys(get: Getter, data_dir: Path) -> tuple[str, ...]:
    keys = _secret(get, "SECRET_KEYS", data_dir)
    return tuple(key.strip() for key in keys.split(",") if key.strip())


def _secret(get: Getter, name: str, data_dir: Path) -> str:
    """The secret as given, or the one kept in the data directory, made on first use."""
    if value := get(name, ""):
        if any(len(key.strip()) < 32 for key in value.split(",")):
            raise SettingError(PREFIX + name, "…", "secrets of at least 32 characters")
        return value
    path = data_dir / "secrets" / name.lower()
    if name == "IDENTITY_KEY" and not path.exists() and (data_dir / "kaijuan.sqlite").exists():
        wanted = f"the key that this library was made with: restore {path} from a backup"
        raise SettingError(PREFIX + name, "", wanted)
    if not path.exists():
        _keep_secret(path)
    if kept := path.read_text().strip():
        return kept
    raise SettingError(PREFIX + name, "", f"a secret; {path} is empty: restore it from a backup")


def _keep_secret(path: Path) -> None:
    """Makes a secret that appears whole; of processes that begin at once the first one's stands."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with NamedTemporaryFile("w", dir=path.parent, prefix=".") as file:  # made with mode 0600
        file.write(secrets.token_urlsafe(48))
        file.flush()
        os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(file.name, path)


def _s3(given: Mapping[str, str]) -> S3Settings:
    endpoint = given.get("S3_ENDPOINT_URL") or given.get("AWS_ENDPOINT_URL_S3") or None
    return S3Settings(
        endpoint_url=endpoint,
        public_endpoint_url=given.get("S3_PUBLIC_ENDPOINT_URL") or None,
        region=given.get("AWS_REGION") or given.get("AWS_DEFAULT_REGION") or "us-east-1",
        access_key_id=given.get("AWS_ACCESS_KEY_ID"),
        secret_access_key=given.get("AWS_SECRET_ACCESS_KEY"),
    )
