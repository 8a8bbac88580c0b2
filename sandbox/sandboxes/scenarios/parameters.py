"""The values of a scenario's parameters on one bank: given ones checked, missing ones from their defaults.

Users and accounts are looked up, so that a scenario names its actors by what they are.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from sandbox.bank.access import find_account
from sandbox.bank.actors import accounts_of, first_account, first_user, role_of
from sandbox.core.errors import Fault, ValidationFailedError
from sandbox.core.vocabulary import Role
from sandbox.sandboxes.scenarios.model import Parameter, PickAccount, PickUser, Scenario
from sandbox.sandboxes.scenarios.values import MisfitError, settled
from sandbox.store.reading import Login
from sandbox.store.work import Work


def resolve(
    work: Work, scenario: Scenario, given: Mapping[str, Any], logins: Sequence[Login], pointer: str
) -> dict[str, Any]:
    """The value of every parameter, in the form of ecosystem files; users by name, accounts by id.

    Raises:
        ValidationFailedError: every parameter that is unknown, missing, or does not fit; `pointer` is where they stand.
    """
    faults = []
    known = ", ".join(parameter.name for parameter in scenario.parameters) or "none"
    for name in given:
        if scenario.parameter(name) is None:
            detail = f"is no parameter of {scenario.name}; it has {known}"
            faults.append(Fault(_below(pointer, name), "unknown_field", detail))
    values: dict[str, Any] = {}
    usernames = [login.username for login in logins]
    for parameter in scenario.parameters:
        try:
            values[parameter.name] = _value(work, parameter, given, values, usernames)
        except MisfitError as error:
            code = "required" if parameter.required and parameter.name not in given else "not_allowed"
            faults.append(Fault(_below(pointer, parameter.name), code, str(error)))
    if faults:
        raise ValidationFailedError(faults)
    return values


def _value(
    work: Work, parameter: Parameter, given: Mapping[str, Any], before: Mapping[str, Any], usernames: Sequence[str]
) -> Any:
    if parameter.name in given:
        value = settled(parameter.slot, given[parameter.name])
    elif parameter.default is msgspec.UNSET:
        raise MisfitError("is missing, and has no default")
    elif isinstance(parameter.default, PickUser):
        return _picked_user(work, parameter, parameter.default, before, usernames)
    elif isinstance(parameter.default, PickAccount):
        return _picked_account(work, parameter, parameter.default, before)
    else:
        value = parameter.default
    if parameter.slot.kind == "user":
        _require_user(work, parameter, value)
    elif parameter.slot.kind == "account":
        _require_account(work, parameter, value, before)
    return value


def _picked_user(
    work: Work, parameter: Parameter, pick: PickUser, before: Mapping[str, Any], usernames: Sequence[str]
) -> str:
    role = parameter.role or Role.CUSTOMER
    besides = before.get(pick.besides) if pick.besides else None
    found = first_user(work, role, active=pick.active, among=usernames, besides=besides)
    if found is None:
        what = f"{role.value} who can sign in" if pick.active else role.value
        needs = " and has an ACTIVE current account" if pick.active and role is Role.CUSTOMER else ""
        raise MisfitError(f"this bank has no{' other' if besides else ''} {what}{needs}; name a user")
    return found


def _picked_account(work: Work, parameter: Parameter, pick: PickAccount, before: Mapping[str, Any]) -> str:
    owner = before.get(parameter.owner or "")
    if owner is None:
        raise MisfitError(f"cannot be picked, since {parameter.owner} is at fault")
    found = first_account(work, owner, types=pick.types, status=pick.status)
    if found is None:
        types = " or ".join(kind.name for kind in pick.types)
        status = f"{pick.status.name} " if pick.status is not None else ""
        raise MisfitError(f"{owner} has no {status}{types} account; name one")
    return found


def _require_user(work: Work, parameter: Parameter, username: str) -> None:
    role = role_of(work, username)
    if role is None:
        raise MisfitError(f"there is no user {username[:64]!r}")
    if parameter.role not in {None, role}:
        raise MisfitError(f"{username} is {role.value}; this takes a {parameter.role}")


def _require_account(work: Work, parameter: Parameter, account_id: str, before: Mapping[str, Any]) -> None:
    if find_account(work, account_id) is None:
        raise MisfitError(f"there is no account {account_id[:64]!r}")
    owner = before.get(parameter.owner) if parameter.owner else None
    if owner is not None and account_id not in accounts_of(work, owner):
        raise MisfitError(f"is no account of {owner}")


def _below(pointer: str, name: str) -> str:
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
