"""The catalogue of what can change in a contract, and how much each change matters. Not how it is found."""

from collections.abc import Iterable
from enum import Enum, StrEnum

import msgspec


class Level(StrEnum):
    """How much a change matters, the worst first."""

    BREAKING = "breaking"
    NOTABLE = "notable"
    ADDITION = "addition"


class Side(Enum):
    """Who says it: a client in a request, or the bank in a response."""

    REQUEST = 0
    RESPONSE = 1


class Rule(StrEnum):
    """What can change."""

    SERVER_REMOVED = "server-removed"
    SERVER_ADDED = "server-added"
    OPERATION_REMOVED = "operation-removed"
    OPERATION_ADDED = "operation-added"
    OPERATION_ID_CHANGED = "operation-id-changed"
    SECURITY_TIGHTENED = "security-tightened"
    SECURITY_LOOSENED = "security-loosened"
    DEPRECATED = "deprecated"
    UNREAD_PART_CHANGED = "unread-part-changed"

    PATH_PARAMETER_RENAMED = "path-parameter-renamed"
    PARAMETER_REMOVED = "parameter-removed"
    PARAMETER_ADDED = "parameter-added"
    REQUIRED_PARAMETER_ADDED = "required-parameter-added"
    PARAMETER_NOW_REQUIRED = "parameter-now-required"
    PARAMETER_NOW_OPTIONAL = "parameter-now-optional"
    SERIALISATION_CHANGED = "serialisation-changed"

    BODY_REMOVED = "body-removed"
    BODY_ADDED = "body-added"
    REQUIRED_BODY_ADDED = "required-body-added"
    BODY_NOW_REQUIRED = "body-now-required"
    BODY_NOW_OPTIONAL = "body-now-optional"

    SUCCESS_REMOVED = "success-removed"
    SUCCESS_ADDED = "success-added"
    REFUSAL_REMOVED = "refusal-removed"
    REFUSAL_ADDED = "refusal-added"
    HEADER_REMOVED = "header-removed"
    HEADER_ADDED = "header-added"
    HEADER_NOW_OPTIONAL = "header-now-optional"
    HEADER_NOW_PROMISED = "header-now-promised"
    LINK_REMOVED = "link-removed"
    LINK_ADDED = "link-added"
    LINK_CHANGED = "link-changed"

    MEDIA_TYPE_REMOVED = "media-type-removed"
    MEDIA_TYPE_ADDED = "media-type-added"

    SCHEMA_REMOVED = "schema-removed"
    SCHEMA_ADDED = "schema-added"
    TYPE_CHANGED = "type-changed"
    TYPE_REMOVED = "type-removed"
    TYPE_ADDED = "type-added"
    ALTERNATIVE_REMOVED = "alternative-removed"
    ALTERNATIVE_ADDED = "alternative-added"
    VALUE_REMOVED = "value-removed"
    VALUE_ADDED = "value-added"
    LIMIT_TIGHTENED = "limit-tightened"
    LIMIT_LOOSENED = "limit-loosened"
    PATTERN_CHANGED = "pattern-changed"
    FORMAT_CHANGED = "format-changed"
    OTHER_KEYWORD_CHANGED = "other-keyword-changed"
    DEFAULT_STATED = "default-stated"
    DEFAULT_CHANGED = "default-changed"

    PROPERTY_ADDED = "property-added"
    REQUIRED_PROPERTY_ADDED = "required-property-added"
    PROPERTY_REMOVED = "property-removed"
    PROPERTY_REFUSED = "property-refused"
    PROPERTY_NOW_REQUIRED = "property-now-required"
    PROPERTY_NOW_OPTIONAL = "property-now-optional"
    UNLISTED_REFUSED = "unlisted-refused"
    UNLISTED_ALLOWED = "unlisted-allowed"


_B, _N, _A = Level

WEIGHTS: dict[Rule, tuple[Level | None, Level | None]] = {
    Rule.SERVER_REMOVED: (_B, _B),
    Rule.SERVER_ADDED: (_A, _A),
    Rule.OPERATION_REMOVED: (_B, _B),
    Rule.OPERATION_ADDED: (_A, _A),
    Rule.OPERATION_ID_CHANGED: (_B, _B),
    Rule.SECURITY_TIGHTENED: (_B, _B),
    Rule.SECURITY_LOOSENED: (_A, _A),
    Rule.DEPRECATED: (_N, _N),
    Rule.UNREAD_PART_CHANGED: (_N, _N),
    Rule.PATH_PARAMETER_RENAMED: (_B, None),
    Rule.PARAMETER_REMOVED: (_B, None),
    Rule.PARAMETER_ADDED: (_A, None),
    Rule.REQUIRED_PARAMETER_ADDED: (_B, None),
    Rule.PARAMETER_NOW_REQUIRED: (_B, None),
    Rule.PARAMETER_NOW_OPTIONAL: (_A, None),
    Rule.SERIALISATION_CHANGED: (_B, _B),
    Rule.BODY_REMOVED: (_B, None),
    Rule.BODY_ADDED: (_A, None),
    Rule.REQUIRED_BODY_ADDED: (_B, None),
    Rule.BODY_NOW_REQUIRED: (_B, None),
    Rule.BODY_NOW_OPTIONAL: (_A, None),
    Rule.SUCCESS_REMOVED: (None, _B),
    Rule.SUCCESS_ADDED: (None, _N),
    Rule.REFUSAL_REMOVED: (None, _N),
    Rule.REFUSAL_ADDED: (None, _A),
    Rule.HEADER_REMOVED: (None, _B),
    Rule.HEADER_ADDED: (None, _A),
    Rule.HEADER_NOW_OPTIONAL: (None, _B),
    Rule.HEADER_NOW_PROMISED: (None, _A),
    Rule.LINK_REMOVED: (None, _B),
    Rule.LINK_ADDED: (None, _A),
    Rule.LINK_CHANGED: (None, _B),
    Rule.MEDIA_TYPE_REMOVED: (_B, _B),
    Rule.MEDIA_TYPE_ADDED: (_A, _A),
    Rule.SCHEMA_REMOVED: (_B, _B),
    Rule.SCHEMA_ADDED: (_A, _A),
    Rule.TYPE_CHANGED: (_B, _B),
    Rule.TYPE_REMOVED: (_B, _A),
    Rule.TYPE_ADDED: (_A, _B),
    Rule.ALTERNATIVE_REMOVED: (_B, _A),
    Rule.ALTERNATIVE_ADDED: (_A, _B),
    Rule.VALUE_REMOVED: (_B, _A),
    Rule.VALUE_ADDED: (_A, _N),
    Rule.LIMIT_TIGHTENED: (_B, _A),
    Rule.LIMIT_LOOSENED: (_A, _N),
    Rule.PATTERN_CHANGED: (_B, _N),
    Rule.FORMAT_CHANGED: (_B, _B),
    Rule.OTHER_KEYWORD_CHANGED: (_B, _B),
    Rule.DEFAULT_STATED: (_N, None),
    Rule.DEFAULT_CHANGED: (_B, None),
    Rule.PROPERTY_ADDED: (_A, _A),
    Rule.REQUIRED_PROPERTY_ADDED: (_B, _A),
    Rule.PROPERTY_REMOVED: (_N, _B),
    Rule.PROPERTY_REFUSED: (_B, _B),
    Rule.PROPERTY_NOW_REQUIRED: (_B, _A),
    Rule.PROPERTY_NOW_OPTIONAL: (_A, _B),
    Rule.UNLISTED_REFUSED: (_B, _A),
    Rule.UNLISTED_ALLOWED: (_A, _N),
}
"""How much each rule matters in a request and in a response; none where it cannot be or says nothing there."""


Finding = tuple[Rule, str]
"""A difference before it is weighed: its rule, and the line for people."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference between two documents."""

    level: Level
    rule: Rule
    where: str
    """The operation, as `POST /v1/transfers`, or the part of the document."""
    what: str


def changes(where: str, side: Side, found: Iterable[Finding]) -> list[Change]:
    """The findings of one side as changes, those left out that say nothing there."""
    weighed = ((WEIGHTS[rule][side.value], rule, what) for rule, what in found)
    return [Change(level=level, rule=rule, where=where, what=what) for level, rule, what in weighed if level]


def worst_first(found: Iterable[Change]) -> list[Change]:
    """Each change once, at its worst, by level and within a level in the order of the document."""
    levels = list(Level)
    kept: dict[tuple[Rule, str, str], Change] = {}
    for change in sorted(found, key=lambda change: levels.index(change.level)):
        kept.setdefault((change.rule, change.where, change.what), change)
    return list(kept.values())
