"""The audit trail: what a bank that runs writes down, in its own words (SIGNED_IN, TRANSFER_SETTLED, ...)."""

from bisect import bisect_right
from collections import defaultdict
from itertools import pairwise

import numpy as np

from sandbox.core.clock import HOUR, MILLISECOND, MINUTE, NEVER, SECOND
from sandbox.core.vocabulary import Role, SessionStatus, Severity, in_files
from sandbox.synth.accounts import DORMANT, FROZEN
from sandbox.synth.cast import STAFF
from sandbox.synth.disputes import Dispute
from sandbox.synth.facts import Facts, Row
from sandbox.synth.model import FAILED, MAX_CUSTOMERS
from sandbox.synth.signins import ACTS_WITHIN, LASTS_MOST, attackers_address, kept_since, staff_addresses
from sandbox.synth.standing import user_ids
from sandbox.synth.transfers import transfer_ids
from sandbox.synth.writing import instants

__all__ = ["Trail"]

_INFO, _WARNING, _CRITICAL = (in_files(one) for one in (Severity.INFO, Severity.WARNING, Severity.CRITICAL))
_ENDED = in_files(SessionStatus.ENDED)
_MISTYPED = 60
"""How many per mille of sign-ins come after a wrong password."""
_MISTYPED_TIMES = 4
"""So many wrong passwords, and the one at which the user is locked."""
_AT_DESK = 6 * HOUR + 30 * MINUTE
_STAFF_ROLE = in_files(Role.ADMIN)
_ADMIN = next(place for place, one in enumerate(STAFF) if one.role == "ADMIN")


class Trail:
    """Collects the audit lines of a chunk."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._users = facts.access.users
        self._rows: list[tuple[int, Row]] = []
        index = np.array([MAX_CUSTOMERS + _ADMIN], dtype=np.int64)
        self._admin = user_ids(index, facts.seed)[0]
        self._desk = staff_addresses(index, seed=facts.seed)[0]
        signed_in = facts.access.sign_ins
        self._since = kept_since(facts.window)
        self._usual_address: dict[int, str] = dict(zip(signed_in.user.tolist(), signed_in.ip_address, strict=True))
        self._sessions: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for user, at, address in zip(signed_in.user.tolist(), signed_in.at.tolist(), signed_in.ip_address, strict=True):
            self._sessions[user].append((at, address))

    def rows(self) -> list[Row]:
        """The records, in order of time; what would come after `as_of` has not happened."""
        self._rows.sort(key=lambda entry: entry[0])
        at = np.array([entry[0] for entry in self._rows], dtype=np.int64)
        found: list[Row] = []
        for (instant, row), created_at in zip(self._rows, instants(at), strict=True):
            if instant <= self._facts.as_of:
                about = f"{row['action']}:{row['related_entity_id']}:{instant}"
                found.append({"log_id": self._facts.identifier("audit", about)} | row | {"created_at": created_at})
        return found

    def add_sessions(self) -> None:
        """Sign-ins and sign-outs, wrong passwords before them, and codes where there is a second factor."""
        signed_in = self._facts.access.sign_ins
        stream = self._facts.stream("audit:sessions")
        key = signed_in.at // MILLISECOND
        index = self._users.index[signed_in.user]
        # Whoever did something was still there.
        lasted = stream.between(ACTS_WITHIN // SECOND + 5, LASTS_MOST // SECOND - 5, index, key, 0)
        at_desk = np.array([role == _STAFF_ROLE for role in self._users.role])[signed_in.user]
        lasted = np.where(at_desk, _AT_DESK // SECOND + lasted, lasted).tolist()
        mistyped = stream.chance(_MISTYPED, index, key, 1).tolist()
        columns = zip(
            signed_in.user.tolist(), signed_in.at.tolist(), signed_in.id, signed_in.ip_address, signed_in.status,
            lasted, mistyped, strict=True,
        )  # fmt: skip
        for user, at, session_id, address, status, seconds, is_mistyped in columns:
            user_id = self._users.id[user]
            if is_mistyped:
                self._put(
                    "SIGN_IN_REFUSED", user_id, at=at - 25 * SECOND, address=address, about=user_id, severity=_WARNING
                )
            if self._users.mfa[user] in {("SMS",), ("EMAIL",)}:
                self._put("CODE_SENT", user_id, at=at - 14 * SECOND, address=address, about=user_id)
                self._put("CODE_ACCEPTED", user_id, at=at - MILLISECOND, address=address, about=user_id)
            self._put("SIGNED_IN", user_id, at=at, address=address, about=session_id)
            if status == _ENDED:
                self._put("SIGNED_OUT", user_id, at=at + seconds * SECOND, address=address, about=session_id)

    def add_bars(self) -> None:
        """What keeps users out: wrong passwords and the lock, suspension, a password that has expired."""
        users = self._users
        stream = self._facts.stream("audit:bars")
        for user in np.flatnonzero(users.barred_at < NEVER).tolist():
            user_id, at = users.id[user], int(users.barred_at[user])
            index = int(users.index[user])
            if users.status[user] == "SUSPENDED":
                self._put("USER_SUSPENDED", self._admin, at=at, address=self._desk, about=user_id, severity=_WARNING)
            elif users.credential[user] == "EXPIRED":
                self._put("CREDENTIALS_EXPIRED", user_id, at=at, about=user_id)
            else:
                attacker = attackers_address(int(stream.below(2**20, index, 0)[0]))
                address = attacker if users.attacked[user] else self._usual_address.get(user)
                gaps = stream.between(9, 45, index, np.arange(1, _MISTYPED_TIMES + 1)).tolist()
                times = [at - sum(gaps[:count]) * SECOND for count in range(_MISTYPED_TIMES, -1, -1)]
                assert all(earlier < later for earlier, later in pairwise(times))
                for moment in times:
                    self._put("SIGN_IN_REFUSED", user_id, at=moment, address=address, about=user_id, severity=_WARNING)
                locked_at = at + MILLISECOND
                self._put("USER_LOCKED", user_id, at=locked_at, address=address, about=user_id, severity=_CRITICAL)

    def add_money(self) -> None:
        """Transfers that customers ordered and card payments that were declined, of the days of the sign-ins."""
        posted, moved = self._facts.posted, self._facts.posted.movements
        lately = moved.at >= self._since
        ordered, by_hand = self._facts.ordered
        ordered, by_hand = ordered[lately[ordered]], by_hand[lately[ordered]]
        ids = transfer_ids(moved.taken(ordered), seed=self._facts.seed)
        for place, is_by_hand, transfer_id in zip(ordered.tolist(), by_hand.tolist(), ids, strict=True):
            # A standing order has no address: it is the bank that carries it out.
            address = self._address(self._facts.holders[moved.account[place]], moved.at[place]) if is_by_hand else None
            self._put_of(place, "TRANSFER_SETTLED", about=str(transfer_id), severity=_INFO, address=address)
        for place in np.flatnonzero(lately & (posted.status == FAILED)).tolist():
            account_id = self._facts.accounts.id[moved.account[place]]
            self._put_of(place, "PURCHASE_DECLINED", about=account_id, severity=_WARNING)

    def add_accounts(self) -> None:
        """Accounts that the bank froze or set aside."""
        accounts = self._facts.accounts
        for status, action in ((FROZEN, "ACCOUNT_FROZEN"), (DORMANT, "ACCOUNT_DORMANT")):
            for account in np.flatnonzero(accounts.status == status).tolist():
                severity = _WARNING if status == FROZEN else _INFO
                by, address = (self._admin, self._desk) if status == FROZEN else (None, None)
                at = self._facts.set_aside_at(account)
                self._put(action, by, at=at, address=address, about=accounts.id[account], severity=severity)

    def add_disputes(self, disputes: list[Dispute]) -> None:
        """Disputes as customers open them."""
        for dispute in disputes:
            address = self._address(dispute.position, dispute.opened_at)
            user_id, about = self._users.id[dispute.position], str(dispute.row["dispute_id"])
            self._put("DISPUTE_OPENED", user_id, at=dispute.opened_at, address=address, about=about)

    def _address(self, user: int, at: int) -> str | None:
        """From where somebody did something: the address of the session, or the usual one where none is kept."""
        if at < self._since:
            return self._usual_address.get(user)
        sessions = self._sessions[user]
        last = bisect_right(sessions, (int(at), "~")) - 1
        return sessions[last][1] if last >= 0 and at - sessions[last][0] <= ACTS_WITHIN else None

    def _put_of(self, place: int, action: str, *, about: str, severity: str, address: str | None = None) -> None:
        """A line about a movement, by the holder of its account."""
        moved = self._facts.posted.movements
        user = self._facts.holders[moved.account[place]]
        self._put(
            action, self._users.id[user], at=int(moved.at[place]), address=address, about=about, severity=severity
        )

    def _put(
        self,
        action: str,
        user_id: str | None,
        *,
        at: int,
        about: str,
        address: str | None = None,
        severity: str = _INFO,
    ) -> None:
        row: Row = {
            "user_id": user_id,
            "action": action,
            "severity": severity,
            "ip_address": address,
            "related_entity_id": about,
        }
        self._rows.append((at, row))
