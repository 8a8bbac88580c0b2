"""`x-sandbox` of the OpenAPI document: what a tester may know of an operation beyond what a client must.

plane       bank, control, data, or about
roles       who may ask; null where no token is needed
owned       true where what belongs to another customer is answered as what does not exist
sandbox     `required` where a strict server wants one named; `optional` for what is of the whole server;
`in_body` where the body may name it
changes     `bank` where records may change, `sandbox` where the sandbox itself is steered, `nothing` otherwise
directives  what one request may carry to steer its own answer
provoke     for problem codes, the scenario after which this operation gives that answer
collections for the data plane: the schema of a record, by collection
"""

from typing import Any

from sandbox.core.vocabulary import Role
from sandbox.http.operations import ABOUT_THE_PROCESS, Operation
from sandbox.http.origins import CONTROL_PREFIX, DATA_PREFIX
from sandbox.store.records import ALL_COLLECTIONS
from sandbox.store.schemas import record_name

_SANDBOX = {"sandbox": "required", "house": "optional", "body": "in_body"}

PROVOKE: dict[str, dict[str, str]] = {
    "login": {
        "user_locked": "locked-user",
        "credentials_expired": "expired-credentials",
        "user_suspended": "suspended-customer",
    },
    "deposit": {"account_blocked": "frozen-account"},
    "withdraw": {"account_blocked": "frozen-account", "insufficient_funds": "empty-account"},
    "createTransfer": {"account_blocked": "frozen-account", "insufficient_funds": "empty-account"},
    "latestMessage": {"message_unknown": "clean-inbox"},
}
"""By operation and problem code; each pair is tried by a test."""


def hints_of(operation: Operation) -> dict[str, Any]:
    """The `x-sandbox` of an operation."""
    hints: dict[str, Any] = {
        "plane": _plane(operation),
        "roles": None if operation.roles is None else [str(role) for role in operation.roles],
        "owned": is_owned(operation),
        "sandbox": _SANDBOX[operation.scope],
        "changes": _changes(operation),
        "directives": ["dry_run", "Idempotency-Key"] if operation.places_order else [],
    }
    provoke = PROVOKE.get(operation.operation_id)
    if provoke is not None:
        hints["provoke"] = {code: {"scenario": scenario} for code, scenario in provoke.items()}
    if "{collection}" in operation.template:
        hints["collections"] = {
            name: {"$ref": f"#/components/schemas/{record_name(made)}"} for name, made in ALL_COLLECTIONS.items()
        }
    return hints


def is_owned(operation: Operation) -> bool:
    """Whether it is about a thing of one customer's: those are named in the path, or in the order."""
    if operation.roles is None or Role.CUSTOMER not in operation.roles:
        return False
    return "{" in operation.template or operation.places_order


def _plane(operation: Operation) -> str:
    if operation.template.startswith("/v1/"):
        return "bank"
    if operation.template.startswith(f"{CONTROL_PREFIX}/") and operation.template not in ABOUT_THE_PROCESS:
        return "control"
    return "data" if operation.template.startswith(DATA_PREFIX) else "about"


def _changes(operation: Operation) -> str:
    if operation.method == "GET":
        return "nothing"
    return "sandbox" if operation.template.startswith(f"{CONTROL_PREFIX}/") else "bank"
