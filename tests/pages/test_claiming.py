"""The pages where a reader claims a library card, as a browser without scripts uses them."""

import re
from pathlib import Path
from typing import Any

import pytest
from house import House
from identity.people import PASSWORD, person, received
from identity.rosters import LIBRARY, known, table, take

from app.identity.handles import normal
from app.identity.services import cards
from app.identity.services.audit import SYSTEM
from app.pages.routes.entering import AGREED
from pages.test_account import fill, sign_in

PHONE = "13800001111"
NAMED = {"library": LIBRARY, "card": "A1"}


@pytest.fixture
def town(tmp_path: Path) -> Any:
    """A library that knows a reader by a phone, and one without."""
    made = House(tmp_path / "town", mail_url="memory:", sms_url="memory:")
    made.network()
    take(made, table(tmp_path / "a", f"A1,王小明,{PHONE},,,", "A2,李四,,,,"))
    yield made
    made.close()


def onwards(house: House, answer: Any, **fields: str) -> Any:
    """Sends the form of the page that came as the answer."""
    assert answer.status_code == 200, answer.text
    assert "A1" not in answer.request.full_path
    return fill_text(house, answer.text, "/claim/confirm", **fields)


def fill_text(house: House, text: str, action: str, **fields: str) -> Any:
    """As :func:`fill`, of a page that is there already."""
    form = re.search(rf'<form[^>]*action="{action}".*?</form>', text, re.DOTALL)
    assert form
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[0]))
    site = {"Sec-Fetch-Site": "same-origin"}
    return house.client.post(action, data=hidden | fields, headers=site)


def test_a_reader_claims_a_card_by_a_code(town: House) -> None:
    asked = fill(town, "/claim", "/claim", **NAMED, by="code")
    done = onwards(town, asked, code=received(town), agreed=AGREED)
    assert (done.status_code, done.location) == (303, "/account?done=card")
    page = town.get("/account?done=card")
    assert "读者证已在您的账号上" in page
    assert "138****1111" in page


def test_a_reader_claims_a_card_by_a_printed_code(town: House) -> None:
    with town.database.transaction() as session:
        sealer, card = town.adapters.sealer, normal("A2", LIBRARY)
        code, _ = cards.slip_by_command(session, sealer, SYSTEM, card)
    asked = fill(town, "/claim", "/claim", library=LIBRARY, card="A2", by="slip")
    weak = onwards(town, asked, code=code, agreed=AGREED)
    assert (weak.status_code, "请设置一个密码" in weak.text) == (422, True)
    done = fill_text(town, weak.text, "/claim/confirm", code=code, agreed=AGREED, password=PASSWORD)
    assert done.status_code == 303


def test_nobody_claims_without_agreeing(town: House) -> None:
    asked = fill(town, "/claim", "/claim", **NAMED, by="code")
    refused = onwards(town, asked, code=received(town))
    assert refused.status_code == 422
    assert known(town, "A1").claimed_at is None


def test_who_is_signed_in_adds_the_card_to_their_account(town: House) -> None:
    account = person(town, "13800001234")
    sign_in(town)
    assert "添加读者证" in town.get("/account")
    asked = fill(town, "/claim", "/claim", **NAMED, by="code")
    done = onwards(town, asked, code=received(town))
    assert (done.status_code, known(town, "A1").id) == (303, account)


@pytest.mark.parametrize(("fields", "status"), [
    ({"library": LIBRARY, "card": "!"}, 422), ({"library": "nowhere", "card": "A1"}, 404),
])  # fmt: skip
def test_what_is_wrong_is_said_and_what_was_written_is_kept(
    town: House, fields: dict[str, str], status: int
) -> None:
    answer = fill(town, "/claim", "/claim", **fields, by="code")
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    assert f'value="{fields["library"]}"' in answer.text


def test_a_form_of_another_site_is_refused(town: House) -> None:
    assert town.client.post("/claim", data={**NAMED, "by": "code"}).status_code in (400, 403)
    assert town.client.get("/claim/confirm").location == "/claim"
