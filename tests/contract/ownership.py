"""Whether one customer can learn of, read or change what is another's: object-level authorisation, from the document.

Arjun asks with what is Fatima's; he must get to hear exactly what he would of an id that there is not, and leave
exactly what that would leave. Which operations take whose ids is read from the OpenAPI document.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from contract.fuzzing import Budget, generate
from contract.world import NOBODYS, REAL, Names, World
from schemathesis.core.transport import Response

STRANGER = "arjun"
OWNER = "fatima"

NOT_OWNED = {
    "createTransfer.to.account_id": "whoever knows an account may pay to it",
}
"""Places that take an id which need not be the caller's own, and why."""

OF_THE_REQUEST = {"x-request-id", "date"}
"""Headers that differ from request to request, whatever is asked."""


class Place(msgspec.Struct, frozen=True):
    """Where an operation takes an id: in its path, its query or its body."""

    operation_id: str
    where: str
    path: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.operation_id}-{self.where}-{'.'.join(self.path)}"

    def put(self, case: Any, value: str) -> None:
        """Let a request name something here."""
        container: Any = {"path": case.path_parameters, "query": case.query, "body": case.body}[self.where]
        for name in self.path[:-1]:
            container = container[name]
        container[self.path[-1]] = value


class Heard(msgspec.Struct, frozen=True):
    """What somebody learns of an answer, the id that was asked for taken out, and what the bank is like after it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str
    digest: str
    writes: int


def places(document: dict[str, Any]) -> list[Place]:
    """Every place of the document where a signed-in request names a thing that may be somebody's."""
    found: list[Place] = []
    for operation in _signed_operations(document):
        operation_id = operation["operationId"]
        found += [
            Place(operation_id, parameter["in"], (parameter["name"],))
            for parameter in operation.get("parameters", [])
            if parameter["name"].endswith("_id") and parameter["in"] in {"path", "query"}
        ]
        for media in operation.get("requestBody", {}).get("content", {}).values():
            found += [Place(operation_id, "body", path) for path in _ids(media["schema"], document, ())]
    return [place for place in found if f"{place.operation_id}.{'.'.join(place.path)}" not in NOT_OWNED]


def asked_by_a_stranger(
    place: Place, *, world: World, document: dict[str, Any], budget: Budget
) -> Iterator[tuple[Heard, Heard]]:
    """What Arjun hears of what is Fatima's, and of what there is not: for each valid request that is made up."""
    operation = world.schema(document).find_operation_by_id(place.operation_id)
    asked: list[tuple[Heard, Heard]] = []

    def ask(case: Any) -> None:
        asked.append((_hear(place, case, world, unknown=False), _hear(place, case, world, unknown=True)))

    generate(operation.as_strategy(), ask, budget=budget)
    return iter(asked)


def owner_is_served(place: Place, *, world: World, document: dict[str, Any], budget: Budget) -> bool:
    """Whether the same requests are done for the one whose thing it is: else the refusals would say nothing."""
    operation = world.schema(document).find_operation_by_id(place.operation_id)
    statuses: set[int] = set()

    def ask(case: Any) -> None:
        world.renew(OWNER)
        Names(world, place.operation_id).fill(case)
        place.put(case, REAL[place.path[-1]](world))
        statuses.add(case.call(headers=world.headers).status_code)

    generate(operation.as_strategy(), ask, budget=budget)
    return min(statuses) < 300


def lists(document: dict[str, Any]) -> list[str]:
    """The operations that answer a signed-in request with many things."""
    return [
        operation["operationId"]
        for operation in _signed_operations(document)
        if "limit" in {parameter["name"] for parameter in operation.get("parameters", [])}
    ]


def things_of(username: str, *, world: World, document: dict[str, Any]) -> set[str]:
    """Whatever names a thing of a customer: each id, IBAN and account number in all the lists that they can read."""
    world.sign_in(username)
    found: set[str] = set()
    for path, item in document["paths"].items():
        if item.get("get", {}).get("operationId") in lists(document):
            asked = path.format(account_id=world.holder.account_id)
            answer = world.client.get(f"{asked}?limit=200", headers=world.headers)
            found |= set(_names(answer.json()))
    return found


def listed_to(username: str, operation_id: str, *, world: World, document: dict[str, Any], budget: Budget) -> set[str]:
    """Whatever names a thing in what a customer is shown by one list, whichever way they ask for it."""
    operation = world.schema(document).find_operation_by_id(operation_id)
    world.sign_in(username)
    found: set[str] = set()

    def ask(case: Any) -> None:
        Names(world, operation_id).fill(case)
        answer = case.call(headers=world.headers)
        if answer.status_code == 200:
            found.update(_names(answer.json()))

    generate(operation.as_strategy(), ask, budget=budget)
    return found


def _hear(place: Place, case: Any, world: World, *, unknown: bool) -> Heard:
    world.client.touched = True
    world.renew(OWNER)
    theirs = REAL[place.path[-1]](world)
    world.sign_in(STRANGER)
    Names(world, place.operation_id).fill(case)
    named = NOBODYS if unknown else theirs
    place.put(case, named)
    answer = case.call(headers=world.headers)
    return Heard(
        answer.status_code,
        tuple(sorted((name, str(value)) for name, value in answer.headers.items() if name not in OF_THE_REQUEST)),
        _without(answer, named),
        world.client.digest(),
        world.root.write_number,
    )


def _without(answer: Response, named: str) -> str:
    text = answer.text.replace(named, "(id)")
    request_id = answer.headers["x-request-id"][0]
    return text.replace(request_id, "(request)")


def _signed_operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        for operation in item.values():
            if {"bearer": []} in operation["security"]:
                yield operation


def _ids(schema: dict[str, Any], document: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for choice in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        yield from _ids(choice, document, path)
    for name, inner in schema.get("properties", {}).items():
        if name.endswith("_id"):
            yield (*path, name)
        yield from _ids(inner, document, (*path, name))


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str) and (name.endswith("_id") or name in {"iban", "account_number"}):
                yield inner
            yield from _names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _names(inner)
