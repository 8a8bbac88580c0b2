"""What the OpenAPI document says of every operation alike: problem answers, examples of none, closed bodies."""

from http import HTTPStatus
from typing import Any

from litestar.openapi.datastructures import ResponseSpec

from sandbox.http.problems import MEDIA_TYPE, Problem

_ALWAYS = {400, 404}
"""A parameter that is not known, a sandbox that does not exist."""

_USUAL = (401, 403)


def problems(*codes: int) -> dict[int, ResponseSpec]:
    """The problem answers of an operation, for `responses=`."""
    return {
        code: ResponseSpec(Problem, media_type=MEDIA_TYPE, description=HTTPStatus(code).phrase, generate_examples=False)
        for code in sorted(_ALWAYS | set(codes))
    }


def signed_in(*codes: int) -> dict[int, ResponseSpec]:
    """The same, with what every operation behind a token may answer."""
    return problems(*_USUAL, *codes)


def ordered(*codes: int) -> dict[int, Any]:
    """The same, for orders that move money."""
    return signed_in(404, 409, 413, 415, 422, *codes)
