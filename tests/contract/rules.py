"""Which of Schemathesis's checks look at our answers, and which answers they expect."""

from typing import Any

from schemathesis.checks import CHECKS, load_all_checks

load_all_checks()

LEFT_OUT: dict[str, str] = {}
"""Checks of the installed version that are not used, and why."""

USED: list[Any] = [CHECKS.get_one(name) for name in CHECKS.get_all_names() if name not in LEFT_OUT]
"""All the others. What is added by a later version of Schemathesis is used as soon as it is installed."""

ACCEPTED = ["2xx", "304", "401", "403", "404", "405", "408", "409", "410", "412", "422", "423", "503"]
"""What a request that its document allows may be answered: anything that does not call it malformed."""

REFUSED = ["400", "401", "404", "405", "413", "415", "422"]
"""What a request that its document does not allow may be answered. 401: what is missing is the token."""


def is_done(context: Any, response: Any, case: Any) -> None:
    """A valid request that names what there is, is done."""
    assert 200 <= response.status_code < 300 or response.status_code == 304, f"{response.status_code} {response.text}"
