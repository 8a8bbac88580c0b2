"""`/problems` and `/problems/{code}`: what each refusal means, in English and Arabic. Its `type` leads here."""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.datastructures import State
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, Schema
from litestar.params import PathParameter, QueryParameter

from sandbox.core.catalogue import catalogue
from sandbox.core.errors import NotFoundError
from sandbox.core.vocabulary import Language
from sandbox.http.call import AnyRequest, Call, call_of, quality
from sandbox.http.operations import of_the_house, refuses
from sandbox.http.replies import encode, etag, tagged
from sandbox.webui import answers
from sandbox.webui.problem_page import index_page, problem_page
from sandbox.webui.problem_texts import Explained, read_texts

_STATE = "problem_texts"
_HEADERS = {"vary": "Accept, Accept-Language"}

Wanted = Annotated[Language | None, QueryParameter(name="lang", description="`ar` or `en`; else by Accept-Language")]


class ProblemKind(msgspec.Struct, frozen=True, kw_only=True):
    """One refusal in one language, as JSON."""

    code: str
    status: int
    reason: str | None
    title: str
    meaning: str
    remedy: str
    members: dict[str, str]
    example: dict[str, Any]


@dataclass
class _PageOperation(Operation):
    """An operation that answers with a page, or with the same facts as JSON for who asks for that."""

    def __post_init__(self) -> None:
        """Name both."""
        answer = (self.responses or {})["200"]
        answer.content["application/json"] = OpenAPIMediaType(  # type: ignore[union-attr,index]
            schema=Schema(type=OpenAPIType.OBJECT)
        )


@get(
    "/problems",
    operation_id="listProblems",
    summary="Every problem",
    tags=["docs"],
    opt=of_the_house(),
    media_type="text/html",
    operation_class=_PageOperation,
)
async def list_problems(request: AnyRequest, lang: Wanted = None) -> Response[str]:
    """All codes with which requests are refused, with titles in English or Arabic. `Accept` chooses HTML or JSON."""
    call = call_of(request)
    language = lang or call.language
    known = list(_texts(request.app.state).values())
    if _wants_json(call):
        return _json(call, {"items": [_kind(explained, language) for explained in known]}, language)
    return answers.page(call, index_page(known, language), headers=_headers(language))


@get(
    "/problems/{code:str}",
    operation_id="explainProblem",
    summary="What a problem means",
    tags=["docs"],
    opt=of_the_house() | refuses(NotFoundError),
    media_type="text/html",
    operation_class=_PageOperation,
)
async def explain_problem(
    request: AnyRequest,
    code: Annotated[str, PathParameter(description="`code` of a problem", schema_extra={"enum": [*catalogue()]})],
    lang: Wanted = None,
) -> Response[str]:
    """What a code means, what to do about it, and how it looks. `Accept` chooses HTML or JSON."""
    call = call_of(request)
    language = lang or call.language
    explained = _texts(request.app.state).get(code)
    if explained is None:
        raise NotFoundError(f"There is no problem {code[:64]}. GET /problems lists them all.")
    if _wants_json(call):
        return _json(call, _kind(explained, language), language)
    return answers.page(call, problem_page(explained, language), headers=_headers(language))


def _texts(state: State) -> dict[str, Explained]:
    if _STATE not in state:
        state[_STATE] = read_texts()  # a millisecond, once
    found: dict[str, Explained] = state[_STATE]
    return found


def _wants_json(call: Call) -> bool:
    """Whether `Accept` names JSON before HTML; browsers name HTML, and who names nothing gets the page."""
    accept = call.header(b"accept") or ""
    return _liked(accept, "application/json", "application/problem+json") > _liked(accept, "text/html")


def _liked(accept: str, *media_types: str) -> float:
    """How much an `Accept` wants one of these, named as they are."""
    parts = (part.partition(";") for part in accept.split(","))
    return max((quality(more) for kind, _, more in parts if kind.strip().lower() in media_types), default=0)


def _kind(explained: Explained, language: Language) -> ProblemKind:
    return ProblemKind(
        code=explained.code,
        status=explained.status,
        reason=explained.reason,
        title=explained.title.of(language),
        meaning=explained.meaning.of(language),
        remedy=explained.remedy.of(language),
        members={name: told.of(language) for name, told in explained.members.items()},
        example=explained.example_in(language),
    )


def _json(call: Call, view: object, language: Language) -> Response[str]:
    body = encode(view)
    return tagged(call, body, tag=etag(body), headers=_headers(language))


def _headers(language: Language) -> dict[str, str]:
    return {"content-language": language.value, **_HEADERS}


HANDLERS = [list_problems, explain_problem]
