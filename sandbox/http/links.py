"""How one operation leads to the next: the links of the OpenAPI document (OpenAPI 3.1, link object).

From what makes or lists a thing to what reads, changes or takes it back. A record of the data plane has no link, since
the field with its identifier depends on the collection; its `Location` says where it is.
"""

from collections.abc import Iterator
from typing import Any

import msgspec


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """From an answer of one operation to another operation."""

    source: str
    status: str
    target: str
    parameters: dict[str, str]
    body: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """Its key: unique within an answer."""
        return self.target

    @property
    def described(self) -> dict[str, Any]:
        """The link object."""
        described: dict[str, Any] = {"operationId": self.target}
        if self.parameters:
            described["parameters"] = self.parameters
        if self.body is not None:
            described["requestBody"] = self.body
        return described


def _from(source: str, status: str, targets: str, **parameters: str) -> Iterator[Link]:
    for target in targets.split():
        yield Link(source=source, status=status, target=target, parameters=parameters)


_OF_ACCOUNT = "getAccount getBalances listHolds listAccountTransactions"
_BODY, _FIRST = "$response.body#", "$response.body#/items/0"

LINKS: tuple[Link, ...] = (
    Link(
        source="login",
        status="200",
        target="refresh",
        parameters={},
        body={"refresh_token": f"{_BODY}/refresh_token"},
    ),
    Link(
        source="refresh",
        status="200",
        target="refresh",
        parameters={},
        body={"refresh_token": f"{_BODY}/refresh_token"},
    ),
    *_from("login", "202", "verifyChallenge resendCode", challenge_id=f"{_BODY}/challenge/challenge_id"),
    *_from("resendCode", "202", "verifyChallenge resendCode", challenge_id=f"{_BODY}/challenge/challenge_id"),
    *_from("listAccounts", "200", f"{_OF_ACCOUNT} changeAccount", account_id=f"{_FIRST}/account_id"),
    *_from("changeAccount", "200", _OF_ACCOUNT, account_id=f"{_BODY}/account_id"),
    *_from("listTransactions", "200", "getTransaction", transaction_id=f"{_FIRST}/transaction_id"),
    *_from("listAccountTransactions", "200", "getTransaction", transaction_id=f"{_FIRST}/transaction_id"),
    *_from("deposit", "201", "getTransaction", transaction_id=f"{_BODY}/transaction_id"),
    *_from("deposit", "201", _OF_ACCOUNT, account_id=f"{_BODY}/account_id"),
    *_from("withdraw", "201", "getTransaction", transaction_id=f"{_BODY}/transaction_id"),
    *_from("withdraw", "201", _OF_ACCOUNT, account_id=f"{_BODY}/account_id"),
    *_from("listTransfers", "200", "getTransfer reverseTransfer", transfer_id=f"{_FIRST}/transfer_id"),
    *_from("createTransfer", "201", "getTransfer reverseTransfer", transfer_id=f"{_BODY}/transfer_id"),
    *_from("createTransfer", "201", _OF_ACCOUNT, account_id=f"{_BODY}/from_account_id"),
    *_from("reverseTransfer", "201", "getTransfer", transfer_id=f"{_BODY}/transfer_id"),
    *_from("listSandboxes", "200", "getSandbox", sandbox_id=f"{_FIRST}/id"),
    *_from("createSandbox", "201", "getSandbox deleteSandbox", sandbox_id=f"{_BODY}/id"),
    *_from("listSnapshots", "200", "getSnapshot restoreSnapshot deleteSnapshot", name=f"{_FIRST}/name"),
    *_from("takeSnapshot", "201", "getSnapshot restoreSnapshot deleteSnapshot", name=f"{_BODY}/name"),
    *_from("listScenarios", "200", "getScenario applyScenario", scenario_name=f"{_FIRST}/name"),
    *_from("listCollections", "200", "listRecords", collection=f"{_FIRST}/name"),
)


def links_of(operation_id: str) -> dict[str, dict[str, dict[str, Any]]]:
    """The links of an operation's answers, by status and name."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for link in LINKS:
        if link.source == operation_id:
            found.setdefault(link.status, {})[link.name] = link.described
    return found
