"""The keys that sign tokens: made once, published before they sign, told apart, removed."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import time_machine
from click.testing import CliRunner
from house import House, environ_of
from sqlalchemy import update

from app.cli import main
from app.database import now
from app.errors import ConflictError, NotFoundError
from app.operating.doctor import examine
from app.signon import keys as module
from app.signon.keys import AFTER, AHEAD, Keys
from app.signon.models import SignOn
from signon.systems import System, reader


def states(keys: Keys) -> list[str]:
    """What each key is for, the newest first."""
    return [one.state for one in keys.listed()]


def published(keys: Keys) -> set[str]:
    """The ids of the keys that others see."""
    return {one.kid or "" for one in keys.published().keys}


def test_of_processes_that_begin_at_once_one_makes_the_key(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(lambda _: Keys(folder).signing().id, range(4)))
    assert len(found) == 1
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_key_is_published_a_day_before_it_signs(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    first = keys.signing().id
    second = keys.rotate().id
    assert states(keys) == ["next", "signing"]
    assert (keys.signing().id, published(keys)) == (first, {first, second})
    with time_machine.travel(now() + AHEAD + timedelta(minutes=1)):
        assert (keys.signing().id, states(keys)) == (second, ["signing", "published"])
    with time_machine.travel(now() + AHEAD + AFTER + timedelta(minutes=1)):
        assert published(keys) == {second}
        assert states(keys) == ["signing", "old"]


def test_another_process_notices_a_rotation_by_itself(tmp_path: Path) -> None:
    mine, theirs = Keys(tmp_path), Keys(tmp_path)
    assert mine.signing().id == theirs.signing().id
    made = mine.rotate(at_once=True).id
    assert theirs.knows(made)
    assert theirs.signing().id == made


def test_one_key_waits_at_a_time(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    keys.rotate()
    with pytest.raises(ConflictError):
        keys.rotate()


def test_the_key_that_signs_stays_and_others_can_go(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    first = keys.signing().id
    with pytest.raises(ConflictError):
        keys.retire(first)
    second = keys.rotate(at_once=True).id
    keys.retire(first)
    assert published(keys) == {second}
    with pytest.raises(NotFoundError):
        keys.retire(first)


def test_tokens_are_believed_through_a_rotation(
    town: House, loans: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = reader(town)
    before = loans.sign_on(browser)
    Keys(town.settings.oidc_keys_dir).rotate(at_once=True)
    monkeypatch.setattr(module, "LOOKED", 0)  # processes look every two seconds
    after = loans.sign_on(browser)
    both = [loans.read(one["id_token"]) for one in (before, after)]
    assert both[0].header["kid"] != both[1].header["kid"]
    assert both[0]["sub"] == both[1]["sub"]


def test_what_a_removed_key_signed_is_not_believed(
    town: House, loans: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = loans.sign_on(reader(town), "openid reading")
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert town.client.get("/api/v1/search?q=", headers=bearer).status_code == 200
    keys = Keys(town.settings.oidc_keys_dir)
    stolen = keys.signing().id
    keys.rotate(at_once=True)
    keys.retire(stolen)
    monkeypatch.setattr(module, "LOOKED", 0)
    assert town.client.get("/api/v1/search?q=", headers=bearer).status_code == 401


def test_a_key_with_the_number_of_a_removed_one_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = Keys(tmp_path), Keys(tmp_path)
    mine.signing()
    stolen = mine.rotate().id
    assert theirs.knows(stolen)
    mine.retire(stolen)
    made = mine.rotate().id
    monkeypatch.setattr(module, "LOOKED", 0)
    assert (theirs.knows(stolen), theirs.knows(made)) == (False, True)


def test_the_published_keys_have_no_private_half(town: House) -> None:
    (key,) = town.json("/oauth2/jwks")["keys"]
    assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}


def test_keys_are_looked_after_by_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environ_of(tmp_path).items():
        monkeypatch.setenv(name, value)
    made = run("keys", "rotate")
    assert made["state"] == "next"
    assert [one["state"] for one in run("keys", "list")] == ["next", "signing"]
    assert run("keys", "retire", made["id"]) == {"key": made["id"], "retired": True}


def run(*arguments: str):  # type: ignore[no-untyped-def]
    """What a command answers."""
    done = CliRunner().invoke(main, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    return msgspec.json.decode(done.output)


def examined(house: House) -> dict[str, tuple[bool, str]]:
    """What the doctor says of each thing."""
    return {one.what: (one.ok, one.mend) for one in examine(house.settings, house.adapters)}


def test_the_doctor_finds_keys_that_are_missing_or_cannot_be_read(town: House) -> None:
    folder = town.settings.oidc_keys_dir
    assert examined(town)["a key signs"] == (True, "")
    System(town).sign_on(reader(town))
    assert examined(town)["a key signs"] == (True, "")
    (file,) = folder.glob("*.json")
    file.write_bytes(b"{")
    assert examined(town)["a key signs"][0] is False
    file.unlink()
    assert "kaijuan keys rotate --now" in examined(town)["a key signs"][1]


def test_the_doctor_finds_systems_that_were_not_told_in_time(town: House) -> None:
    System(town).sign_on(reader(town))
    assert examined(town)["systems learn who has left"] == (True, "")
    with town.database.transaction() as session:
        session.execute(update(SignOn).values(session_id=None, tell_at=now() - timedelta(hours=2)))
    assert "worker" in examined(town)["systems learn who has left"][1]
