"""RFC 9457 problem documents: the one table from what the domain refuses to what HTTP says."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from flask import Flask, Response, current_app, request
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError
from werkzeug.exceptions import HTTPException

from app import errors
from app.counting import Limit, Spent
from app.storage.errors import StoreFullError, StoreUnavailableError
from app.web import access, limits, logs
from search.index import IndexUnavailableError


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A stable kind of refusal: ``/problems/{slug}`` explains it."""

    slug: str
    status: int
    title: str
    title_zh: str
    advice: str
    advice_zh: str


def _type(slug: str, status: int, title: str, zh: str, advice: str, advice_zh: str) -> ProblemType:
    return ProblemType(slug, status, title, zh, advice, advice_zh)


INVALID = _type(
    "invalid", 422, "The input breaks a rule", "提交的内容不符合要求",
    "Look at `faults`: each names the place, a code and what would be right.",
    "请看 `faults`：逐条指出位置、代码和正确的写法。",
)  # fmt: skip
MALFORMED = _type(
    "malformed", 400, "The request cannot be read", "请求无法解析",
    "The body or the address is not well-formed; `detail` says where.",
    "请求正文或地址格式有误；`detail` 指出了位置。",
)  # fmt: skip
NOT_FOUND = _type(
    "not-found", 404, "There is no such thing", "没有找到",
    "Check the address or the id. What is not for your account is not shown either.",
    "请检查地址或编号。不对您开放的资源也会显示为不存在。",
)  # fmt: skip
GONE = _type(
    "gone", 410, "It has been withdrawn", "资源已撤回",
    "It was here once; its tombstone says since when and what stands in its place.",
    "该资源曾经存在；墓碑记录说明了撤回时间和替代资源。",
)  # fmt: skip
CONFLICT = _type(
    "conflict", 409, "It does not fit the present state", "与当前状态冲突",
    "Read the present state again before you repeat the request.",
    "请重新读取当前状态后再提交。",
)  # fmt: skip
STALE = _type(
    "stale", 412, "Somebody changed it before you", "内容已被他人修改",
    "Read it again, make your change on the new version, and send its ETag as If-Match.",
    "请重新读取，在新版本上修改，并在 If-Match 中发送新的 ETag。",
)  # fmt: skip
VERSION_REQUIRED = _type(
    "version-required", 428, "Name the version that you change", "请注明所修改的版本",
    "Send the ETag that you read as If-Match, so that nobody's change is lost.",
    "请在 If-Match 中发送读取时得到的 ETag，以免覆盖他人的修改。",
)  # fmt: skip
UNAUTHENTICATED = _type(
    "unauthenticated", 401, "Sign in first", "请先登录",
    "Sign in, or send a valid token as `Authorization: Bearer …`.",
    "请登录，或在 `Authorization: Bearer …` 中发送有效令牌。",
)  # fmt: skip
FORBIDDEN = _type(
    "forbidden", 403, "You may not do this", "没有权限",
    "Ask the administrator of your library for the permission that is named.",
    "请向本馆管理员申请所列权限。",
)  # fmt: skip
NOT_USABLE = _type(
    "not-usable", 403, "It cannot be opened now", "暂时不能打开",
    "You may see the record; `reason` and `remedy` say what would help.",
    "您可以看到该记录；`reason` 和 `remedy` 说明怎样才能打开。",
)  # fmt: skip
TOO_LARGE = _type(
    "too-large", 413, "It is too large", "内容过大",
    "Send less at once; `limit` says how much is taken.",
    "请减少单次提交的数量；`limit` 给出了上限。",
)  # fmt: skip
METHOD = _type(
    "method-not-allowed", 405, "This address does not take that method", "不支持该请求方法",
    "The Allow header lists the methods that are taken.",
    "Allow 标头列出了支持的方法。",
)  # fmt: skip
MEDIA_TYPE = _type(
    "media-type", 415, "That form is not taken here", "不支持该内容类型",
    "Send JSON as `application/json`, or the form that the documentation names.",
    "请以 `application/json` 或文档注明的格式发送。",
)  # fmt: skip
RANGE = _type(
    "range", 416, "That range lies outside", "请求的范围超出内容",
    "Content-Range says how long it is.",
    "Content-Range 说明了内容的长度。",
)  # fmt: skip
TOO_MANY = _type(
    "too-many", 429, "Too many requests", "请求过于频繁",
    "Wait for the seconds that Retry-After names; RateLimit-Policy says how many are taken.",
    "请等待 Retry-After 所示秒数；RateLimit-Policy 说明了允许的次数。",
)  # fmt: skip
UNAVAILABLE = _type(
    "unavailable", 503, "An engine does not answer", "服务暂时不可用",
    "Repeat the request after the seconds that Retry-After names; nothing was half-done.",
    "请在 Retry-After 所示秒数后重试；没有任何操作只完成了一半。",
)  # fmt: skip
INTERNAL = _type(
    "internal", 500, "Something went wrong here", "服务器内部错误",
    "It has been logged under the request id; report that id if it happens again.",
    "错误已按请求编号记录；如再次发生，请报告该编号。",
)  # fmt: skip

TYPES = {
    kind.slug: kind
    for kind in (
        INVALID, MALFORMED, NOT_FOUND, GONE, CONFLICT, STALE, VERSION_REQUIRED, UNAUTHENTICATED,
        FORBIDDEN, NOT_USABLE, TOO_LARGE, METHOD, MEDIA_TYPE, RANGE, TOO_MANY, UNAVAILABLE,
        INTERNAL,
    )
}  # fmt: skip

BY_ERROR: dict[type[errors.KaijuanError], ProblemType] = {
    errors.InvalidError: INVALID,
    errors.NotFoundError: NOT_FOUND,
    errors.GoneError: GONE,
    errors.ConflictError: CONFLICT,
    errors.StaleError: STALE,
    errors.VersionRequiredError: VERSION_REQUIRED,
    errors.UnauthenticatedError: UNAUTHENTICATED,
    errors.ForbiddenError: FORBIDDEN,
    errors.NotUsableError: NOT_USABLE,
    errors.TooLargeError: TOO_LARGE,
    errors.TooManyError: TOO_MANY,
    errors.UnavailableError: UNAVAILABLE,
    errors.ReadOnlyError: UNAVAILABLE,
    errors.NoRoomError: UNAVAILABLE,
}
NO_ROOM = "Changes are not taken at the moment (no room on the disk); reading goes on."
_FULL = frozenset({"53100", "SQLITE_FULL"})
_STANDBY = frozenset({"25006", "SQLITE_READONLY"})
"""read_only_sql_transaction: the server has become a standby, or is about to take over."""
_MEMBERS = ("version", "since", "successor", "reason", "remedy", "about", "permission", "limit")
BY_STATUS = {kind.status: kind for kind in (*reversed(TYPES.values()),)}


class Place(msgspec.Struct, frozen=True):
    """One fault of an input."""

    place: str
    code: str
    message: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A problem document (RFC 9457), with the members that Kaijuan adds."""

    type: str
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    faults: list[Place] = []
    version: int | None = None
    since: str = ""
    successor: str | None = None
    reason: str = ""
    remedy: str = ""
    about: dict[str, str] = {}
    permission: str = ""
    limit: int | None = None


def install(app: Flask) -> None:
    """Every error, also Flask's own, leaves as a problem document."""
    app.register_error_handler(errors.KaijuanError, answer_domain_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(IntegrityError, _integrity_error)
    app.register_error_handler(DBAPIError, _database_failed)
    app.register_error_handler(StoreUnavailableError, _store_away)
    app.register_error_handler(IndexUnavailableError, _index_away)
    app.register_error_handler(Exception, _unexpected)


def answer_domain_error(error: errors.KaijuanError) -> Response:
    """The problem document of a refusal of the domain."""
    kind = next((BY_ERROR[cls] for cls in type(error).__mro__ if cls in BY_ERROR), INTERNAL)
    data = {name: getattr(error, name) for name in _MEMBERS if hasattr(error, name)}
    faults = [Place(f.place, f.code, f.message) for f in getattr(error, "faults", ())]
    detail = str(error)
    if isinstance(error, errors.NoRoomError):
        logs.logger.error("disk-nearly-full", detail=detail)
        detail = NO_ROOM
    response = answer(kind, detail, faults=faults, **data)
    if hasattr(error, "retry_after"):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, errors.TooManyError):
        spent = Spent(error.name, Limit(error.limit, error.seconds), 0, error.retry_after)
        limits.tell(response, spent)
    if isinstance(error, errors.UnauthenticatedError):
        response.headers["WWW-Authenticate"] = access.challenge()
    return response


def answer(kind: ProblemType, detail: str, **members: object) -> Response:
    """A response of this kind: a problem document, or a page where a person looks at one."""
    pages = current_app.extensions.get("kaijuan.problem_page")
    chinese = request.accept_languages.best_match(("zh", "en"), "zh") == "zh"
    problem = Problem(
        type=f"/problems/{kind.slug}",
        title=kind.title_zh if chinese else kind.title,
        status=kind.status,
        detail=detail,
        instance=f"urn:request:{logs.request_id()}",
        **members,  # type: ignore[arg-type]  # the callers above pass members of Problem
    )
    if pages is not None and _a_person_looks():
        return pages(kind, problem)  # type: ignore[no-any-return]  # set by app.pages
    response = Response(msgspec.json.encode(problem), kind.status)
    response.content_type = "application/problem+json"
    response.headers["Cache-Control"] = "no-store"
    return response


def _a_person_looks() -> bool:
    if request.path.startswith(("/api/", "/content/", "/opds/", "/oai", "/kosync/")):
        return False
    best = request.accept_mimetypes.best_match(("application/problem+json", "text/html"))
    return best == "text/html"


def _http_error(error: HTTPException) -> Response:
    kind = BY_STATUS.get(error.code or 500)
    if kind is None:
        kind = MALFORMED if (error.code or 500) < 500 else INTERNAL
    response = answer(kind, error.description or kind.advice)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _integrity_error(error: IntegrityError) -> Response:
    logs.logger.warning("integrity", statement=error.statement)
    return answer(CONFLICT, "Another change made at the same time stands in the way. Try again.")


def _database_failed(error: DBAPIError) -> Response:
    """What a database refuses because of its own state is no fault of the request."""
    logs.logger.error("database", error=str(error.orig))
    if _is_any(error, _FULL):
        return _no_room()
    if _is_any(error, _STANDBY):
        return answer_domain_error(errors.ReadOnlyError())
    if isinstance(error, OperationalError):
        return answer_domain_error(errors.UnavailableError("The database"))
    if isinstance(error, DataError):
        return answer(INVALID, "A value is larger, or of another form, than can be kept.")
    return _unexpected(error)


def _is_any(error: DBAPIError, codes: frozenset[str]) -> bool:
    """By its SQLSTATE, or the name that SQLite gives it."""
    names = (getattr(error.orig, "sqlstate", None), getattr(error.orig, "sqlite_errorname", None))
    return not codes.isdisjoint(filter(None, names))


def _store_away(error: StoreUnavailableError) -> Response:
    logs.logger.error("store", error=str(error))
    if isinstance(error, StoreFullError):
        return _no_room()
    return answer_domain_error(errors.UnavailableError("The store"))


def _index_away(error: IndexUnavailableError) -> Response:
    logs.logger.error("index", error=str(error))
    return answer_domain_error(errors.UnavailableError("The search index"))


def _no_room() -> Response:
    response = answer(UNAVAILABLE, NO_ROOM)
    response.headers["Retry-After"] = str(errors.NoRoomError.retry_after)
    return response


def _unexpected(error: Exception) -> Response:
    logs.logger.error("unexpected", exc_info=error)
    return answer(INTERNAL, "An unexpected error was logged under this request's id.")
