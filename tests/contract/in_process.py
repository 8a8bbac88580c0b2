"""How Schemathesis reaches the application of a test: on the test's own event loop, without a socket.

Whatever it sends goes this way, the requests that its checks make on their own included.
"""

import copy
import io
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from schemathesis.config import SchemathesisConfig
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.schemas import OpenApiSchema
from schemathesis.transport.requests import REQUESTS_TRANSPORT, RequestsTransport
from support import Client
from urllib3 import HTTPHeaderDict

BASE_URL = "http://localhost"


class InProcessSchema(OpenApiSchema):
    """An OpenAPI document, and the application that it describes."""

    reached_by: RequestsTransport

    @property
    def transport(self) -> RequestsTransport:
        """What sends its requests."""
        return self.reached_by


class InProcess(RequestsTransport):
    """Sends requests to the application of a `Client`."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._copy_serializers_from(REQUESTS_TRANSPORT)
        self._session = requests.Session()
        self._session.mount(BASE_URL, _Adapter(client))

    def send(self, case: Any, **options: Any) -> Response:
        """Send a request; whatever session Schemathesis would use, it is ours."""
        return super().send(case, **options | {"session": self._session, "base_url": BASE_URL})


def schema_of(document: dict[str, Any], client: Client) -> InProcessSchema:
    """Schemathesis's view of `document`, reaching the application of `client`."""
    # `discover` would read a configuration from wherever the tests are run.
    schema = InProcessSchema(raw_schema=copy.deepcopy(document), config=SchemathesisConfig().projects.get(document))
    # That no text holds the character NUL is said in words: each text of a free JSON value would need a pattern.
    schema.config.generation.allow_x00 = False
    schema.reached_by = InProcess(client)
    return schema


class _Adapter(HTTPAdapter):
    """Hands what `requests` has prepared to the application."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Answer a request."""
        assert request.method
        assert request.url
        headers = {name: value for name, value in request.headers.items() if name.lower() != "accept-encoding"}
        answer = self._client.request(
            request.method,
            request.url,
            headers=[(name.encode("latin-1"), _as_bytes(value)) for name, value in headers.items()],
            content=request.body,
        )
        raw_headers = answer.headers.raw
        raw = urllib3.HTTPResponse(
            body=io.BytesIO(answer.content),
            headers=HTTPHeaderDict([(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw_headers]),
            status=answer.status_code,
            reason=answer.reason_phrase,
            version=11,
            preload_content=False,
            request_method=request.method,
        )
        return self.build_response(request, raw)


def _as_bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1")
