"""A request as the log is told of it."""

from sandbox.core.clock import parse_instant
from sandbox.http.observing import RequestLine

LINE = RequestLine(
    at=parse_instant("2026-01-15T09:00:00.123456Z"),
    sandbox="default",
    operation="listAccounts",
    method="GET",
    path=b"/v1/accounts",
    query=b"limit=5",
    status=200,
    problem=None,
    actor="fatima",
    request_id="r-1",
    write_number=7,
    seconds=0.0012345,
    size=812,
)
