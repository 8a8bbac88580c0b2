"""What the bank tells its customers: wages, payments, refusals, refunds, devices, locks, and how things stand.

Every text is there in English and Arabic (`data/texts.json`); what it is about is a record of the ecosystem.
"""

from datetime import date

import numpy as np

from sandbox.core.clock import DAY, HOUR, KUWAIT_OFFSET, MINUTE, SECOND, day_start
from sandbox.core.vocabulary import NotificationChannel, NotificationStatus, RequestStatus, in_files
from sandbox.synth.access import Access
from sandbox.synth.accounts import DORMANT, FROZEN
from sandbox.synth.disputes import Dispute
from sandbox.synth.facts import Facts, Row, awake
from sandbox.synth.goals import Goal
from sandbox.synth.merchants import areas
from sandbox.synth.model import (
    ATM,
    CATEGORY,
    COMPLETED,
    CURRENT,
    FAILED,
    NONE,
    ONLINE,
    PENDING,
    POS,
    REVERSED,
    SEGMENTS,
)
from sandbox.synth.phrases import LANGUAGES, amount, month_name, phrases
from sandbox.synth.requests import Request
from sandbox.synth.writing import instants

__all__ = ["Outbox"]

_PUSH, _SMS, _EMAIL = (
    in_files(channel) for channel in (NotificationChannel.PUSH, NotificationChannel.SMS, NotificationChannel.EMAIL)
)
_READ, _UNREAD = in_files(NotificationStatus.READ), in_files(NotificationStatus.UNREAD)
_READ_BY_NOW, _READ_SOON = 850, 350
"""How many per mille of messages are read, once they are some days old and before."""
_NEW_DAYS = 3
_SENIOR = SEGMENTS.index("SENIOR")

_INCOMES = {CATEGORY["SALARY"]: "SALARY_RECEIVED", CATEGORY["PENSION"]: "PENSION_RECEIVED",
            CATEGORY["ALLOWANCE"]: "ALLOWANCE_RECEIVED"}  # fmt: skip
_INCOME_DAYS, _PAYMENT_DAYS, _DECLINED_DAYS, _REFUND_DAYS = 125, 45, 125, 180
"""How far back messages of a kind are kept."""
_LARGE, _LARGE_CASH = 100_000, 200_000
"""From so many fils on a payment or a withdrawal is told."""
_STATEMENTS = 2
_NIGHT_ENDS = 7 * HOUR
_SECURITY = {"USER_LOCKED", "USER_SUSPENDED", "NEW_DEVICE", "CREDENTIALS_EXPIRED"}
"""What customers are told even where they want to hear nothing."""
_AT_ONCE = {"USER_LOCKED", "NEW_DEVICE", "CARD_PAYMENT", "CARD_PAYMENT_HELD", "CASH_WITHDRAWN", "PAYMENT_DECLINED"}
"""What cannot wait until the morning, since it may have been somebody else."""


class Outbox:
    """Collects the notifications of a chunk."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._reasons = [text.partition(": ")[2] for text in facts.texts.listed]
        self._by_sms: list[bool] = (facts.people.segment == _SENIOR).tolist()
        self._rows: list[tuple[int, int, Row]] = []

    def rows(self) -> list[Row]:
        """The records, in order of time, with what has been read by now."""
        self._rows.sort(key=lambda entry: entry[:2])
        at = np.array([entry[0] for entry in self._rows], dtype=np.int64)
        indices = self._facts.people.index[np.array([entry[1] for entry in self._rows], dtype=np.int64)]
        drawn = self._facts.stream("notifications:read").below(1_000, indices, at)
        is_read = (drawn < np.where(at < self._facts.since(_NEW_DAYS), _READ_BY_NOW, _READ_SOON)).tolist()
        for (_, _, row), sent_at, read in zip(self._rows, instants(at), is_read, strict=True):
            row["status"] = _READ if read else _UNREAD
            row["sent_at"] = sent_at
        return [row for _, _, row in self._rows]

    def tell_of_money(self) -> None:
        """Wages, large payments, refusals and refunds."""
        posted, moved = self._facts.posted, self._facts.posted.movements
        card = (moved.merchant != NONE) & ~moved.credit
        is_income = moved.credit & np.isin(moved.category, list(_INCOMES)) & (posted.status == COMPLETED)
        for place in self._lately(is_income, _INCOME_DAYS):
            self._tell_of(place, _INCOMES[int(moved.category[place])])
        paid = card & ((moved.channel == POS) | (moved.channel == ONLINE)) & (moved.amount >= _LARGE)
        for place in self._lately(paid & ((posted.status == COMPLETED) | (posted.status == PENDING)), _PAYMENT_DAYS):
            self._tell_of(place, "CARD_PAYMENT_HELD" if posted.status[place] == PENDING else "CARD_PAYMENT")
        cash = (moved.channel == ATM) & ~moved.credit & (moved.amount >= _LARGE_CASH) & (posted.status == COMPLETED)
        for place in self._lately(cash, _PAYMENT_DAYS):
            self._tell_of(place, "CASH_WITHDRAWN")
        for place in self._lately(card & (posted.status == FAILED), _DECLINED_DAYS):
            self._tell_of(place, "PAYMENT_DECLINED")
        # Of what the bank decided tells the message about the dispute.
        for place in self._lately(card & (posted.status == REVERSED) & ~posted.disputed, _REFUND_DAYS):
            self._tell_of(place, "REFUND_RECEIVED", at=int(posted.reversed_at[place]))

    def tell_of_accounts(self) -> None:
        """Statements that are ready, accounts that are frozen or dormant."""
        accounts, first = self._facts.accounts, self._facts.window.first
        months = [day for day in _firsts_of_months(self._facts.window.last) if day > first][:_STATEMENTS]
        current = self._facts.accounts.of[:, CURRENT]
        for day in months:
            at = day_start(day) + 9 * HOUR
            before = date.fromordinal(day.toordinal() - 1)
            for position in np.flatnonzero(current != NONE).tolist() if at <= self._facts.as_of else []:
                account = int(current[position])
                words = {language: {"month": month_name(before, language)} for language in LANGUAGES}
                self._tell_of_account(
                    account, "STATEMENT_READY", at=at + position * SECOND, words=words, channel=_EMAIL
                )
        for status, kind in ((FROZEN, "ACCOUNT_FROZEN"), (DORMANT, "ACCOUNT_DORMANT")):
            for account in np.flatnonzero(accounts.status == status).tolist():
                at = self._facts.set_aside_at(account) + MINUTE
                self._tell_of_account(
                    account, kind, at=at, words={language: {} for language in LANGUAGES}, channel=_SMS
                )

    def tell_of_access(self) -> None:
        """Other devices, locks, and passwords out of date; newcomers are welcomed."""
        access, facts = self._facts.access, self._facts
        users = access.users
        for position, device, at in _other_devices(access):
            listed = areas()
            city = listed[users.area[position]]
            model = access.devices.model[device]
            words = {language: {"device": model, "city": city[language]} for language in LANGUAGES}
            self._put(
                position, "NEW_DEVICE", at=at + 5 * SECOND, words=words, about=("DEVICE", access.devices.id[device])
            )
        nothing: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
        for position in range(facts.people.count):
            about = ("USER", users.id[position])
            at = int(users.barred_at[position])
            kind = {"LOCKED": "USER_LOCKED", "SUSPENDED": "USER_SUSPENDED"}.get(users.status[position])
            kind = "CREDENTIALS_EXPIRED" if users.credential[position] == "EXPIRED" else kind
            if users.newcomer[position]:
                kind, at = "WELCOME", day_start(facts.window.last) - 10 * HOUR  # of the day before
            if kind is not None:
                self._put(position, kind, at=at + 4 * SECOND, words=nothing, about=about, channel=_SMS)

    def tell_of_goals(self, goals: list[Goal]) -> None:
        """Goals that are reached, lately."""
        stream = self._facts.stream("notifications:goals")
        for goal in goals:
            if goal.reached:
                index = int(self._facts.people.index[goal.position])
                days, minutes = (int(stream.between(1, most, index, most)[0]) for most in (11, 600))
                at = day_start(self._facts.window.last) - days * DAY + 10 * HOUR + minutes * MINUTE
                words = {
                    language: {"goal": goal.names[language], "amount": amount(goal.target)} for language in LANGUAGES
                }
                self._put(goal.position, "GOAL_REACHED", at=at, words=words, about=("GOAL", str(goal.row["goal_id"])))

    def tell_of_disputes(self, disputes: list[Dispute]) -> None:
        """That a dispute has come in, and where it has come to since."""
        moved = self._facts.posted.movements
        for dispute in disputes:
            fils, merchant = int(moved.amount[dispute.place]), int(moved.merchant[dispute.place])
            words = {
                language: {"amount": amount(fils), "merchant": self._facts.merchant(merchant, language)}
                for language in LANGUAGES
            }
            about = ("DISPUTE", str(dispute.row["dispute_id"]))
            told = {"OPEN": dispute.opened_at, str(dispute.row["status"]): dispute.moved_at}
            for status, at in told.items():
                kind = f"DISPUTE_{status}"
                if f"{kind}_ATM" in phrases()["notifications"] and moved.channel[dispute.place] == ATM:
                    kind = f"{kind}_ATM"  # no merchant has a say there
                self._put(dispute.position, kind, at=at + 7 * SECOND, words=words, about=about, channel=_EMAIL)

    def tell_of_requests(self, requests: list[Request]) -> None:
        """Where a service request has come to."""
        for request in requests:
            if request.status is not RequestStatus.OPEN:
                now = phrases()["request_statuses"][in_files(request.status)]
                words = {
                    language: {"subject": request.subjects[language], "status": now[language]} for language in LANGUAGES
                }
                about = ("REQUEST", str(request.row["request_id"]))
                self._put(request.position, "REQUEST_UPDATED", at=request.updated_at, words=words, about=about)

    def _lately(self, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]], days: int) -> list[int]:
        places: list[int] = np.flatnonzero(
            chosen & (self._facts.posted.movements.at >= self._facts.since(days))
        ).tolist()
        return places

    def _tell_of(self, place: int, kind: str, *, at: int | None = None) -> None:
        """A message about a movement, some seconds after it."""
        facts, moved = self._facts, self._facts.posted.movements
        account, text = int(moved.account[place]), int(moved.text[place])
        reasons = phrases()["decline_reasons"]
        reason = reasons.get(self._reasons[text] if text != NONE else "", reasons[""])
        words = {
            language: {
                "amount": amount(int(moved.amount[place])),
                "merchant": facts.merchant(int(moved.merchant[place]), language),
                "ending": facts.endings[account],
                "reason": reason[language],
            }
            for language in LANGUAGES
        }
        when = int(moved.at[place]) if at is None else at
        about = ("TRANSACTION", facts.posted.id[place])
        self._put(facts.holders[account], kind, at=when + 3 * SECOND, words=words, about=about)

    def _tell_of_account(
        self, account: int, kind: str, *, at: int, words: dict[str, dict[str, str]], channel: str
    ) -> None:
        ending = {"ending": self._facts.endings[account]}
        words = {language: found | ending for language, found in words.items()}
        about = ("ACCOUNT", self._facts.accounts.id[account])
        self._put(self._facts.holders[account], kind, at=at, words=words, about=about, channel=channel)

    def _put(
        self,
        position: int,
        kind: str,
        *,
        at: int,
        words: dict[str, dict[str, str]],
        about: tuple[str, str],
        channel: str | None = None,
    ) -> None:
        """Add a message that has been sent by now; `words` fill its texts, `about` is what it is about."""
        channels = self._facts.channels[position]
        if not channels and kind not in _SECURITY:
            return
        wanted = channel or (_SMS if self._by_sms[position] else _PUSH)
        written = phrases()["notifications"][kind]
        at_night = (at + KUWAIT_OFFSET) % DAY < _NIGHT_ENDS
        sent_at = awake(at) if at_night and kind not in _AT_ONCE else at
        if sent_at > self._facts.as_of:
            return
        title, body = written["title"], written["body"]
        row: Row = {
            "notification_id": self._facts.identifier(
                "notification", f"{kind}:{about[1]}:{words['en'].get('month', '')}"
            ),
            "customer_id": self._facts.access.customer_ids[position],
            "channel": wanted if wanted in channels or not channels else channels[0],
            "type": _TYPES.get(kind, kind),
            "title": title["en"].format_map(words["en"]),
            "title_ar": title["ar"].format_map(words["ar"]),
            "body": body["en"].format_map(words["en"]),
            "body_ar": body["ar"].format_map(words["ar"]),
            "related_entity_type": about[0],
            "related_entity_id": about[1],
        }
        self._rows.append((sent_at, position, row))


_TYPES = (
    {"CARD_PAYMENT_HELD": "CARD_PAYMENT"}
    | {
        f"DISPUTE_{status}": "DISPUTE_UPDATED"
        for status in ("UNDER_REVIEW", "UNDER_REVIEW_ATM", "PROVISIONAL_CREDIT", "WON", "LOST", "LOST_ATM", "WITHDRAWN")
    }
    | {"DISPUTE_OPEN": "DISPUTE_OPENED"}
)
"""The type of a message, where several texts share one."""


def _firsts_of_months(day: date) -> list[date]:
    """The first day of this month and of those before it, the latest first."""
    found = [day.replace(day=1)]
    while len(found) < _STATEMENTS:
        found.append(date.fromordinal(found[-1].toordinal() - 1).replace(day=1))
    return found


def _other_devices(access: Access) -> list[tuple[int, int, int]]:
    """Where customers first came from another device than their phone: position, device and instant."""
    signed_in, first = access.sign_ins, access.devices.first
    seen: dict[int, tuple[int, int, int]] = {}
    elsewhere = np.flatnonzero(signed_in.device != first[signed_in.user])
    for place in elsewhere.tolist():
        device = int(signed_in.device[place])
        seen.setdefault(device, (int(signed_in.user[place]), device, int(signed_in.at[place])))
    return [found for found in seen.values() if found[0] < len(access.customer_ids)]
