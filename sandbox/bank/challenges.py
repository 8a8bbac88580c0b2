"""Challenges: the second step of a sign-in, a code sent by SMS or e-mail that has to come back in time.

A challenge is for whoever gave the right password, and for the device they gave it from. Not for who may sign in, nor
for opening the session: `identity` calls this for the codes alone.
"""

import hmac
from typing import Any

import msgspec
import sqlalchemy as sa

from sandbox.bank.devices import DeviceFacts
from sandbox.bank.messages import Contact, clock_time, send
from sandbox.core.clock import MINUTE, Instant, format_instant
from sandbox.core.errors import ChallengeEndedError, CodeInvalidError, NotFoundError, ResendLimitReachedError
from sandbox.core.second_factor import served_factors
from sandbox.core.vocabulary import ChallengeStatus, Language, NotificationChannel, SecondFactor, Severity
from sandbox.store.statement import Statement
from sandbox.store.tables import challenge
from sandbox.store.work import Work

WRONG_CODES_AT_MOST = 5
"""So many wrong codes end a challenge: over all its codes, and those of the open one that it took the place of."""
RESENDS_AT_MOST = 5


class ChallengeView(msgspec.Struct, frozen=True, kw_only=True):
    """A code was sent; `expires_at` is business time."""

    challenge_id: str
    method: SecondFactor
    expires_at: str


_COLUMNS = (
    challenge.c.key,
    challenge.c.id,
    challenge.c.user,
    challenge.c.device,
    challenge.c.method,
    challenge.c.recipient,
    challenge.c.code,
    challenge.c.status,
    challenge.c.wrong_codes,
    challenge.c.resends,
    challenge.c.expires_at,
)
_FIND = Statement(sa.select(*_COLUMNS).where(challenge.c.id == sa.bindparam("challenge_id")))
_ADD = Statement(
    sa.insert(challenge),
    "id",
    "user",
    "device",
    "method",
    "recipient",
    "code",
    "status",
    "wrong_codes",
    "resends",
    "expires_at",
)
_THE_ONE = challenge.c.key == sa.bindparam("challenge")
_SET_CODE = Statement(
    sa.update(challenge)
    .where(_THE_ONE)
    .values(code=sa.bindparam("new_code"), resends=challenge.c.resends + 1, expires_at=sa.bindparam("ends"))
)
_SET_STATUS = Statement(sa.update(challenge).where(_THE_ONE).values(status=sa.bindparam("new_status")))
_SET_WRONG = Statement(
    sa.update(challenge).where(_THE_ONE).values(wrong_codes=sa.bindparam("wrong"), status=sa.bindparam("new_status"))
)
_IS_OPEN = challenge.c.status == ChallengeStatus.OPEN.value
_REPLACE_OPEN = Statement(
    sa.update(challenge)
    .where(_IS_OPEN, challenge.c.user == sa.bindparam("of_user"))
    .values(status=ChallengeStatus.REPLACED.value)
    .returning(challenge.c.wrong_codes)
)
_NEXT_EXPIRY = Statement(sa.select(sa.func.min(challenge.c.expires_at).label("at")).where(_IS_OPEN))
_EXPIRE_DUE = Statement(
    sa.update(challenge)
    .where(_IS_OPEN, challenge.c.expires_at <= sa.bindparam("at"))
    .values(status=ChallengeStatus.EXPIRED.value)
)

_TEXTS = {
    Language.ENGLISH: (
        "Your sign-in code",
        "Sandbank: {code} is your sign-in code. It works until {until}. Never give it to anybody, not even to us.",
    ),
    Language.ARABIC: (
        "رمز تسجيل الدخول",
        "ساندبانك: رمز تسجيل الدخول هو {code} وهو صالح حتى الساعة {until}. لا تشاركه مع أي شخص، ولا حتى معنا.",
    ),
}


def factor_of(methods: object, contact: Contact) -> SecondFactor | None:
    """The second factor to ask for: the first served one of `methods` for which there is an address, or None."""
    return next((factor for factor in served_factors(methods) if contact.address(_channel(factor)) is not None), None)


def start_challenge(
    work: Work,
    user: int,
    *,
    factor: SecondFactor,
    contact: Contact,
    device: DeviceFacts,
    ip_address: str | None,
) -> ChallengeView:
    """Send a code to the user with the key `user`, who has given the right password from `device`.

    It takes the place of the one that is still open: its wrong codes count on.
    """
    recipient = contact.address(_channel(factor))
    assert recipient is not None, "a factor is chosen by its address"
    challenge_id = work.draws.uuid("challenge")
    code, ends = _new_code(work)
    replaced = _REPLACE_OPEN.all(work.db, of_user=user)
    _ADD.run(
        work.db,
        id=challenge_id,
        user=user,
        device=msgspec.to_builtins(device),
        method=factor.value,
        recipient=recipient,
        code=code,
        status=ChallengeStatus.OPEN.value,
        wrong_codes=sum(row.wrong_codes for row in replaced),
        resends=0,
        expires_at=ends,
    )
    work.due(ends)
    _send_code(work, factor, recipient, code, ends=ends, contact=contact)
    work.audit("CODE_SENT", user=user, ip_address=ip_address, related=challenge_id)
    return ChallengeView(challenge_id=challenge_id, method=factor, expires_at=format_instant(ends))


def open_challenge(work: Work, challenge_id: str, *, ip_address: str | None) -> Any:
    """The row of a challenge that still waits for its code. Whatever refuses it from here on leaves an audit line.

    Raises:
        NotFoundError: there is none.
        ChallengeEndedError: it was answered, took too many wrong codes, has expired, or gave way to a newer one.
    """
    row = _FIND.first(work.db, challenge_id=challenge_id)
    if row is None:
        raise NotFoundError(f"There is no challenge {challenge_id[:64]}.")
    work.survive(_leave_refusal, row.user, row.id, ip_address)
    if row.status != ChallengeStatus.OPEN:
        raise ChallengeEndedError(_ENDED[ChallengeStatus(row.status)], challenge_status=row.status)
    return row


def accept_code(work: Work, row: Any, code: str, *, ip_address: str | None) -> DeviceFacts:
    """Use up an open challenge with the right code; the device it was made from.

    Raises:
        CodeInvalidError: with `attempts_left`; 0 ends the challenge, and is a failed sign-in for the caller to count.
    """
    if not hmac.compare_digest(code.encode(), row.code.encode()):
        wrong = row.wrong_codes + 1
        work.survive(_leave_wrong_code, row.key, wrong)
        raise CodeInvalidError("The code is wrong.", attempts_left=WRONG_CODES_AT_MOST - wrong)
    _SET_STATUS.run(work.db, challenge=row.key, new_status=ChallengeStatus.USED.value)
    work.audit("CODE_ACCEPTED", user=row.user, ip_address=ip_address, related=row.id)
    return msgspec.convert(row.device, DeviceFacts)


def send_again(work: Work, row: Any, *, contact: Contact, ip_address: str | None) -> ChallengeView:
    """Send a new code for an open challenge; the old one no longer works, and the wrong codes so far still count.

    Raises:
        ResendLimitReachedError: it was sent again as often as it may be.
    """
    if row.resends >= RESENDS_AT_MOST:
        raise ResendLimitReachedError(
            f"The code was sent again {RESENDS_AT_MOST} times, which is the most. Sign in again for a new challenge."
        )
    factor = SecondFactor(row.method)
    code, ends = _new_code(work)
    _SET_CODE.run(work.db, challenge=row.key, new_code=code, ends=ends)
    work.due(ends)
    _send_code(work, factor, row.recipient, code, ends=ends, contact=contact)
    work.audit("CODE_SENT", user=row.user, ip_address=ip_address, related=row.id)
    return ChallengeView(challenge_id=row.id, method=factor, expires_at=format_instant(ends))


def next_code_expiry(work: Work) -> Instant | None:
    """When the next code stops working, or None where none is out."""
    at: Instant | None = _NEXT_EXPIRY.one(work.db).at
    return at


def expire_codes(work: Work) -> int:
    """End every challenge whose code has not come back in time; how many there were."""
    return _EXPIRE_DUE.run(work.db, at=work.now)


_ENDED = {
    ChallengeStatus.USED: "The challenge was answered before. Sign in again for a new one.",
    ChallengeStatus.REFUSED: "The challenge took too many wrong codes. Sign in again for a new one.",
    ChallengeStatus.REPLACED: "A newer sign-in took the place of the challenge. Answer that one, or sign in again.",
    ChallengeStatus.EXPIRED: "The code of the challenge has expired. Sign in again for a new one.",
}


def _channel(factor: SecondFactor) -> NotificationChannel:
    return NotificationChannel(factor.value)


def _new_code(work: Work) -> tuple[str, Instant]:
    """A code of six digits, and the business time at which it stops working."""
    return f"{work.draws.below(1_000_000):06}", Instant(work.now + work.rules.code_minutes * MINUTE)


def _send_code(work: Work, factor: SecondFactor, recipient: str, code: str, *, ends: Instant, contact: Contact) -> None:
    subject, text = _TEXTS[contact.language]
    send(
        work,
        _channel(factor),
        recipient,
        text.format(code=code, until=clock_time(ends)),
        subject=subject if factor is SecondFactor.EMAIL else None,
        customer=contact.customer,
        code=code,
    )


def _leave_wrong_code(work: Work, key: int, wrong: int) -> None:
    status = ChallengeStatus.OPEN if wrong < WRONG_CODES_AT_MOST else ChallengeStatus.REFUSED
    _SET_WRONG.run(work.db, challenge=key, wrong=wrong, new_status=status.value)


def _leave_refusal(work: Work, user: int, challenge_id: str, ip_address: str | None) -> None:
    work.audit("CODE_REFUSED", user=user, ip_address=ip_address, related=challenge_id, severity=Severity.WARNING)
