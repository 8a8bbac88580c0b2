"""The members that problems add to the shape they share (RFC 9457 section 3.2), as the OpenAPI document types them."""

from typing import Any

_TEXT: dict[str, Any] = {"type": "string"}
_TEXT_OR_NULL: dict[str, Any] = {"type": ["string", "null"]}
_TIME: dict[str, Any] = {"type": "string", "format": "date-time"}
_TIME_OR_NULL: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_CHANNEL: dict[str, Any] = {"$ref": "#/components/schemas/NotificationChannel"}
_MONEY: dict[str, Any] = {"$ref": "#/components/schemas/Money"}


def _one_of(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


def _list_of(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


MEMBERS: dict[str, dict[str, dict[str, Any]]] = {
    "insufficient_funds": {"available": _MONEY, "requested": _MONEY},
    "limit_exceeded": {"held": _MONEY, "requested": _MONEY},
    "account_blocked": {"account_status": _one_of("frozen", "dormant")},
    "hold_resolved": {"hold_status": _one_of("posted", "voided", "expired")},
    "invalid_credentials": {"attempts_left": {"type": ["integer", "null"], "minimum": 0}},
    "user_locked": {"locked_until": _TIME_OR_NULL},
    "credentials_expired": {"expired_at": _TIME_OR_NULL},
    "device_not_active": {"device_id": _TEXT},
    "record_in_use": {"referred_by": _list_of(_object(collection=_TEXT, records=_list_of(_TEXT)))},
    "ledger_immutable": {"fields": _list_of(_TEXT), "reversal": _TEXT_OR_NULL},
    "code_invalid": {"attempts_left": _COUNT},
    "challenge_ended": {"challenge_status": _one_of("used", "refused", "expired", "replaced")},
    "wait_timed_out": {
        "arrived": _list_of(_object(channel=_CHANNEL, to=_TEXT, subject=_TEXT_OR_NULL, body=_TEXT)),
    },
    "sandbox_unknown": {"sandbox_id": _TEXT},
    "clock_cannot_go_back": {"now": _TIME},
    "scenario_unknown": {"scenario": _TEXT},
    "scenario_invalid": {"scenario": _TEXT},
    "scenario_precondition_failed": {"scenario": _TEXT, "precondition": _TEXT},
    "scenario_step_failed": {"scenario": _TEXT, "file": _TEXT, "line": _COUNT, "step": _TEXT, "cause": _TEXT},
}
"""By code; each may be absent. A refused transfer has its `transfer_id` besides."""

OF_OPERATIONS: dict[str, dict[str, dict[str, Any]]] = {"createTransfer": {"transfer_id": _TEXT_OR_NULL}}
"""By operation: what the bank adds whatever the code, where it keeps what it has refused."""
