"""The accounts of KOReader's sync protocol: device passwords, with the protocol's own errors.

Form: koreader-sync-server, app/controllers/1/syncs_controller.lua and config/errors.lua.
"""

from __future__ import annotations

import msgspec
from flask import Response

from app.config import Settings
from app.errors import KaijuanError
from app.permissions import DeviceScope, Permission
from app.web import problems
from app.web.api import Answer, Endpoints

kosync = Endpoints("identity.kosync", "/kosync")
FAILED, UNAUTHORIZED, CLOSED = 2000, 2001, 2005
"""The protocol's codes: of the server, of who asks, and that nobody registers here."""
MAKE = (
    "请先在 {place} 生成设备密码，再用它登录。"
    "Make a device password at {place}, then log in with it."
)


class KosyncError(msgspec.Struct, frozen=True):
    """What the protocol answers in the place of a problem document; KOReader shows the message."""

    code: int
    message: str


class Authorized(msgspec.Struct, frozen=True):
    """That user name and key hold."""

    authorized: str = "OK"


@kosync.post("/users/create", Permission.PUBLIC)
def create(settings: Settings) -> Answer[KosyncError]:
    """Refuse to register, and say where a device password is made."""
    place = f"{settings.public_url or ''}/account/devices"
    return Answer(KosyncError(CLOSED, MAKE.format(place=place)), status=402)


@kosync.get("/users/auth", Permission.SIGNED_IN, devices=DeviceScope.KOSYNC)
def authorize() -> Authorized:
    """Whether a user name and the MD5 of its device password hold."""
    return Authorized()


def refused(error: KaijuanError) -> Response:
    """Any refusal in the protocol's form."""
    answer = problems.answer_domain_error(error)
    told = KosyncError(FAILED, str(error))
    if answer.status_code == 401:
        told = KosyncError(UNAUTHORIZED, "Unauthorized")
        del answer.headers["WWW-Authenticate"]  # the protocol has headers of its own
    answer.data = msgspec.json.encode(told)
    answer.content_type = "application/json"
    return answer


kosync.blueprint.register_error_handler(KaijuanError, refused)
