"""Answers under an Idempotency-Key: found, kept for a day of business time, and taken away again."""

from collections.abc import Callable
from typing import Any

import msgspec
import sqlalchemy as sa

from sandbox.core.clock import HOUR, Instant
from sandbox.core.errors import DomainError, IdempotencyKeyReusedError
from sandbox.store.statement import Statement
from sandbox.store.tables import idempotency
from sandbox.store.work import Work

IDEMPOTENCY_TTL = 24 * HOUR
"""How long, in business time, an Idempotency-Key stands for its first answer."""

_FIND = Statement(
    sa.select(
        idempotency.c.fingerprint,
        idempotency.c.status,
        idempotency.c.body,
        idempotency.c.location,
    ).where(
        idempotency.c.user == sa.bindparam("of_user"),
        idempotency.c.operation == sa.bindparam("of_operation"),
        idempotency.c.key == sa.bindparam("of_key"),
    )
)
_KEEP = Statement(
    sa.insert(idempotency),
    "user",
    "operation",
    "key",
    "fingerprint",
    "status",
    "body",
    "location",
    "created_at",
)
_OLDEST = Statement(sa.select(sa.func.min(idempotency.c.created_at).label("at")))
_DROP = Statement(sa.delete(idempotency).where(idempotency.c.created_at <= sa.bindparam("until")))
_COUNT = Statement(
    sa.select(sa.func.count().label("count"))
    .select_from(idempotency)
    .where(idempotency.c.created_at <= sa.bindparam("until"))
)


class Answer(msgspec.Struct, frozen=True):
    """An answer in bytes, as it is stored under an Idempotency-Key and sent."""

    status: int
    body: bytes
    location: str | None = None
    replayed: bool = False


class KeyedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order under an Idempotency-Key: its scope, what it asked, and how its answers are written down."""

    user: int
    operation: str
    key: str
    fingerprint: bytes
    encode: Callable[[Any], Answer]
    encode_refusal: Callable[[DomainError], Answer | None]
    """None for a refusal that must not be stored."""


def stored_answer(work: Work, keyed: KeyedOrder) -> Answer | None:
    """The answer that stands under the key of an order, if there is one.

    Raises:
        IdempotencyKeyReusedError: the key came with another request before.
    """
    found = _FIND.first(work.db, of_user=keyed.user, of_operation=keyed.operation, of_key=keyed.key)
    if found is None:
        return None
    if found.fingerprint != keyed.fingerprint:
        raise IdempotencyKeyReusedError(
            f"The Idempotency-Key {keyed.key!r} came with another request before. Use a new key for a new order."
        )
    return Answer(found.status, found.body, found.location, replayed=True)


def keep_answer(work: Work, keyed: KeyedOrder, answer: Answer) -> None:
    """Store the answer of an order under its key."""
    _KEEP.run(
        work.db,
        user=keyed.user,
        operation=keyed.operation,
        key=keyed.key,
        fingerprint=keyed.fingerprint,
        status=answer.status,
        body=answer.body,
        location=answer.location,
        created_at=work.now,
    )
    work.due(work.now + IDEMPOTENCY_TTL)


def next_expired_answer(work: Work) -> Instant | None:
    """When the next stored answer has stood for its time."""
    oldest = _OLDEST.one(work.db).at
    return None if oldest is None else Instant(oldest + IDEMPOTENCY_TTL)


def drop_expired_answers(work: Work) -> int:
    """Take away every answer that has stood for its time; how many there were."""
    until = work.now - IDEMPOTENCY_TTL
    count = int(_COUNT.one(work.db, until=until).count)
    _DROP.run(work.db, until=until)
    return count
