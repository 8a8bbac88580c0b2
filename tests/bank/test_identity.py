"""Identity: sign-in, lockout on business time, devices, refresh tokens, and what a refusal leaves."""

from typing import Any

import pytest
from bankside import FATIMA_CURRENT, advance, audited, move, rows_of, sql
from msgspec import structs
from support import EXPIRED, LOCKED, PASSWORDS, VIRTUAL, broken_invariants, new_root, sign_in

from sandbox.bank import identity, sessions
from sandbox.bank.devices import DeviceFacts
from sandbox.bank.identity import Verdict
from sandbox.bank.sessions import SignedIn
from sandbox.core.clock import MILLISECOND, MINUTE, SECOND, Instant, format_instant
from sandbox.core.errors import (
    CredentialsExpiredError,
    DeviceNotActiveError,
    DomainError,
    InvalidCredentialsError,
    RefreshTokenInvalidError,
    RefreshTokenReusedError,
    TokenInvalidError,
    UserLockedError,
    UserPendingError,
    UserSuspendedError,
)
from sandbox.core.passwords import verify_password
from sandbox.core.vocabulary import Language, Role
from sandbox.sandboxes.root import StateRoot
from sandbox.store.tables import login_session, registered_device

IPHONE = "68e96772-d661-4858-9021-f2740998213f"
IPHONE_PRINT = "1620a34015d5071cf70c569c0052a9cb"
REVOKED = "8ff4e97f-6bec-4052-b81d-56e4ff84ec88"
REVOKED_PRINT = "f724733e6e047334b41e02f4dd772d06"


def attempt(root: StateRoot, username: str, password: str, **device: Any) -> SignedIn:
    """One attempt to sign in."""
    stored = root.read(identity.stored_hash, username)
    verdict = Verdict(stored, stored is not None and verify_password(password, stored))
    facts = DeviceFacts(**(device or {"fingerprint": "a test"}))
    opened = root.write(identity.sign_in, username, verdict, device=facts, ip_address="10.0.0.1")
    assert isinstance(opened, SignedIn)
    return opened


def good(root: StateRoot, username: str = "fatima", **device: Any) -> SignedIn:
    """A sign-in with the right password."""
    return attempt(root, username, PASSWORDS[username], **device)


def fail(root: StateRoot, times: int = 1, username: str = "fatima") -> DomainError:
    """Wrong passwords; the last refusal."""
    refusal: DomainError | None = None
    for _ in range(times):
        with pytest.raises((InvalidCredentialsError, UserLockedError)) as refused:
            attempt(root, username, "wrong")
        refusal = refused.value
    assert refusal is not None
    return refusal


def stand(root: StateRoot, username: str = "fatima") -> tuple[Any, ...]:
    """Status, failed attempts and end of the lock."""
    query = "SELECT status, failed_login_attempts, locked_until FROM auth_user WHERE username = ?"
    return sql(root, query, username)[0]


def test_the_right_password_opens_a_session(root: StateRoot) -> None:
    opened = good(root)
    assert (opened.user.username, opened.user.role) == ("fatima", Role.CUSTOMER)
    actor = root.read(sessions.actor_of, opened.session_id, ip_address="10.0.0.1")
    assert (actor.username, actor.session_id, actor.customer_id) == (
        "fatima",
        opened.session_id,
        opened.user.customer_id,
    )
    assert audited(root) == ["SIGNED_IN"]
    assert sql(root, "SELECT last_login_at FROM auth_user WHERE username = 'fatima'") == [(root.now,)]


def test_staff_have_no_customer(root: StateRoot) -> None:
    opened = good(root, "auditor")
    assert (opened.user.customer_id, opened.user.role) == (None, Role.AUDITOR)


def test_a_name_that_nobody_has_is_refused_like_a_wrong_password(root: StateRoot) -> None:
    with pytest.raises(InvalidCredentialsError) as unknown:
        attempt(root, "nobody", "wrong")
    assert unknown.value.facts == {"attempts_left": None}
    assert unknown.value.detail == fail(root).detail
    assert audited(root) == ["SIGN_IN_REFUSED", "SIGN_IN_REFUSED"]


def test_four_failures_count_down_and_the_fifth_locks(root: StateRoot) -> None:
    left = [fail(root).facts["attempts_left"] for _ in range(4)]
    assert left == [4, 3, 2, 1]
    assert stand(root) == ("active", 4, None)
    refusal = fail(root)
    assert isinstance(refusal, UserLockedError)
    until = root.now + 15 * MINUTE
    assert refusal.facts == {"locked_until": format_instant(until)}
    assert stand(root) == ("locked", 5, until)
    assert audited(root) == ["SIGN_IN_REFUSED"] * 5 + ["USER_LOCKED"]
    assert broken_invariants(root) == []


def test_the_right_password_of_a_locked_user_is_refused_alike(root: StateRoot) -> None:
    locked = fail(root, 5)
    with pytest.raises(UserLockedError) as refused:
        good(root)
    assert refused.value.facts == locked.facts
    assert refused.value.detail == locked.detail


def test_attempts_while_locked_neither_count_nor_prolong_the_lock(root: StateRoot) -> None:
    fail(root, 5)
    before = stand(root)
    fail(root, 3)
    assert stand(root) == before


def test_a_success_forgets_the_failures_before_it(root: StateRoot) -> None:
    fail(root, 4)
    good(root)
    assert stand(root) == ("active", 0, None)
    assert fail(root).facts["attempts_left"] == 4


def test_the_lock_holds_to_its_last_millisecond_of_business_time(root: StateRoot) -> None:
    fail(root, 5)
    until = stand(root)[2]
    advance(root, until - root.now - 2 * MILLISECOND)
    with pytest.raises(UserLockedError):
        good(root)
    assert root.now == until - MILLISECOND
    fired = root.advance(until)
    assert [(job.job, job.at, job.count) for job in fired] == [("unlock_users", until, 1)]
    assert stand(root) == ("active", 0, None)
    good(root)
    assert audited(root)[-2:] == ["USER_UNLOCKED", "SIGNED_IN"]


def test_locks_end_each_in_their_own_time(root: StateRoot) -> None:
    fail(root, 5)
    advance(root, 5 * MINUTE)
    fail(root, 5, "arjun")
    fired = root.advance(Instant(root.now + 60 * MINUTE))
    assert [(job.job, job.count) for job in fired] == [("unlock_users", 1), ("unlock_users", 1)]
    assert fired[1].at - fired[0].at >= 5 * MINUTE
    assert (stand(root)[0], stand(root, "arjun")[0], stand(root, LOCKED[0])[0]) == ("active", "active", "locked")
    assert root.read(identity.next_unlock) is None
    assert broken_invariants(root) == []


def test_a_session_ends_by_itself_when_its_refresh_token_would() -> None:
    root = new_root(structs.replace(VIRTUAL, refresh_token_seconds=60))
    opened = good(root)
    actor = root.read(sessions.actor_of, opened.session_id, ip_address=None)
    query = 'SELECT status, expires_at FROM login_session WHERE "key" = ?'
    ends = root.now + 60 * SECOND
    assert sql(root, query, actor.session) == [("active", ends)]
    fired = root.advance(Instant(ends))
    assert [(job.job, job.count) for job in fired] == [("expire_sessions", 1)]
    assert sql(root, query, actor.session) == [("expired", ends)]
    assert not root.read(sessions.still_acts, actor)
    root.retire()


def test_a_refresh_gives_a_session_its_whole_time_again() -> None:
    root = new_root(structs.replace(VIRTUAL, refresh_token_seconds=60))
    opened = good(root)
    for _ in range(3):
        advance(root, 40 * SECOND)
        opened = root.write(sessions.refresh, opened.refresh_secret, ip_address=None)
        assert root.read(sessions.next_session_end) == root.now + 60 * SECOND
    root.read(sessions.actor_of, opened.session_id, ip_address=None)
    advance(root, 60 * SECOND)
    with pytest.raises(TokenInvalidError):
        root.read(sessions.actor_of, opened.session_id, ip_address=None)
    root.retire()


def test_sessions_of_the_seed_end_only_when_somebody_ends_them(root: StateRoot) -> None:
    query = "SELECT count(*) FROM login_session WHERE status = 'active'"
    before = sql(root, query)
    assert before != [(0,)]
    advance(root, 365 * 24 * 60 * MINUTE)
    assert sql(root, query) == before


def test_after_the_lock_a_wrong_password_starts_to_count_anew(root: StateRoot) -> None:
    fail(root, 5)
    advance(root, 15 * MINUTE)
    assert fail(root).facts["attempts_left"] == 4
    assert stand(root) == ("active", 1, None)
    assert isinstance(fail(root, 4), UserLockedError)
    assert broken_invariants(root) == []


@pytest.mark.parametrize("minutes", [1, 60])
def test_the_settings_say_how_long_a_lock_lasts(minutes: int) -> None:
    root = new_root(structs.replace(VIRTUAL, lock_minutes=minutes))
    refusal = fail(root, 5)
    assert refusal.facts == {"locked_until": format_instant(root.now + minutes * MINUTE)}
    advance(root, minutes * MINUTE)
    good(root)
    root.retire()


def test_without_lock_minutes_a_lock_has_no_end() -> None:
    root = new_root(structs.replace(VIRTUAL, lock_minutes=0))
    assert fail(root, 5).facts == {"locked_until": None}
    assert stand(root) == ("locked", 5, None)
    advance(root, 365 * 24 * 60 * MINUTE)
    with pytest.raises(UserLockedError):
        good(root)
    root.retire()


@pytest.mark.parametrize("password", [LOCKED[1], "wrong"], ids=["right", "wrong"])
def test_a_user_locked_by_staff_waits_for_staff(root: StateRoot, password: str) -> None:
    advance(root, 365 * 24 * 60 * MINUTE)
    with pytest.raises(UserLockedError, match="until an admin unlocks it") as refused:
        attempt(root, LOCKED[0], password)
    assert refused.value.facts == {"locked_until": None}


def test_staff_may_lock_a_user_who_never_failed(root: StateRoot) -> None:
    sql(root, "UPDATE auth_user SET status = 'locked' WHERE username = 'fatima'")
    with pytest.raises(UserLockedError) as refused:
        good(root)
    assert refused.value.facts == {"locked_until": None}


def test_an_expired_password_is_refused_and_says_since_when(root: StateRoot) -> None:
    with pytest.raises(CredentialsExpiredError) as refused:
        attempt(root, *EXPIRED)
    assert refused.value.facts == {"expired_at": "2025-12-31T21:00:00.000Z"}
    assert rows_of(root, login_session) == 5


def test_a_password_expires_when_business_time_reaches_its_end(root: StateRoot) -> None:
    good(root)
    advance(root, 365 * 24 * 60 * MINUTE)
    with pytest.raises(CredentialsExpiredError):
        good(root)


def test_a_wrong_password_never_says_that_the_password_has_expired(root: StateRoot) -> None:
    assert fail(root, username=EXPIRED[0]).facts == {"attempts_left": 4}


@pytest.mark.parametrize(("status", "refusal"), [("suspended", UserSuspendedError), ("pending", UserPendingError)])
def test_a_user_who_is_not_active_is_refused_only_with_the_right_password(
    root: StateRoot, status: str, refusal: type[DomainError]
) -> None:
    sql(root, "UPDATE auth_user SET status = ? WHERE username = 'fatima'", status)
    with pytest.raises(refusal):
        good(root)
    assert isinstance(fail(root), InvalidCredentialsError)
    assert stand(root)[0] == status


@pytest.mark.parametrize("status", ["suspended", "pending"])
def test_failing_five_times_and_waiting_opens_no_door_to_a_user_who_is_not_active(root: StateRoot, status: str) -> None:
    opened = good(root)
    sql(root, "UPDATE auth_user SET status = ? WHERE username = 'fatima'", status)
    assert fail(root, 6).facts == {"attempts_left": None}
    assert stand(root) == (status, 0, None)
    assert broken_invariants(root) == []
    advance(root, 15 * MINUTE)
    with pytest.raises((UserSuspendedError, UserPendingError)):
        good(root)
    with pytest.raises(TokenInvalidError):
        root.read(sessions.actor_of, opened.session_id, ip_address=None)


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_the_user_of_a_customer_who_is_not_active_is_suspended(root: StateRoot, status: str) -> None:
    sql(root, "UPDATE customer SET status = ? WHERE full_name LIKE 'Fatima%'", status)
    with pytest.raises(UserSuspendedError):
        good(root)


def test_a_verdict_on_a_password_changed_since_counts_as_wrong(root: StateRoot) -> None:
    old = root.read(identity.stored_hash, "fatima")
    sql(root, "UPDATE credential SET password_hash = 'another' WHERE password_hash = ?", old)
    with pytest.raises(InvalidCredentialsError):
        root.write(identity.sign_in, "fatima", Verdict(old, matches=True), device=DeviceFacts(), ip_address="10.0.0.1")


def device_of(root: StateRoot, opened: SignedIn) -> str:
    """The device that a session runs on."""
    query = 'SELECT lower(hex(d.id)) FROM login_session s JOIN registered_device d ON d."key" = s.device WHERE s.id = ?'
    return str(sql(root, query, bytes.fromhex(opened.session_id.replace("-", "")))[0][0])


def test_a_device_is_known_by_its_id(root: StateRoot) -> None:
    before = rows_of(root, registered_device)
    assert device_of(root, good(root, device_id=IPHONE)) == IPHONE.replace("-", "")
    assert rows_of(root, registered_device) == before


def test_a_device_is_known_by_its_fingerprint(root: StateRoot) -> None:
    before = rows_of(root, registered_device)
    assert device_of(root, good(root, fingerprint=IPHONE_PRINT)) == IPHONE.replace("-", "")
    assert rows_of(root, registered_device) == before


def test_a_new_device_is_registered_once(root: StateRoot) -> None:
    before = rows_of(root, registered_device)
    first = device_of(root, good(root, model="Pixel 11", os="Android 17", fingerprint="new"))
    assert device_of(root, good(root, fingerprint="new")) == first
    assert rows_of(root, registered_device) == before + 1
    assert sql(root, "SELECT model, os, status FROM registered_device WHERE fingerprint = 'new'") == [
        ("Pixel 11", "Android 17", "active")
    ]


def test_somebody_elses_device_is_a_new_one(root: StateRoot) -> None:
    before = rows_of(root, registered_device)
    good(root, "arjun", device_id=IPHONE, fingerprint=IPHONE_PRINT)
    assert rows_of(root, registered_device) == before + 1


@pytest.mark.parametrize("device", [{"device_id": REVOKED}, {"fingerprint": REVOKED_PRINT}], ids=["id", "fingerprint"])
def test_a_revoked_device_opens_no_session(root: StateRoot, device: dict[str, str]) -> None:
    fail(root, 2)
    with pytest.raises(DeviceNotActiveError) as refused:
        good(root, **device)
    assert refused.value.facts == {"device_id": REVOKED}
    assert rows_of(root, login_session) == 5
    assert stand(root) == ("active", 2, None), "only a sign-in that succeeds forgets the failures"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE registered_device SET status = 'revoked' WHERE fingerprint = 'a test'",
        "UPDATE auth_user SET status = 'suspended' WHERE username = 'fatima'",
        "UPDATE customer SET status = 'suspended' WHERE full_name LIKE 'Fatima%'",
        "UPDATE login_session SET status = 'ended'",
    ],
    ids=["device revoked", "user suspended", "customer suspended", "session ended"],
)
def test_a_session_dies_with_what_it_stands_on(root: StateRoot, change: str) -> None:
    opened = good(root)
    actor = root.read(sessions.actor_of, opened.session_id, ip_address=None)
    assert root.read(sessions.still_acts, actor)
    sql(root, change)
    assert not root.read(sessions.still_acts, actor)
    with pytest.raises(TokenInvalidError):
        root.read(sessions.actor_of, opened.session_id, ip_address=None)
    with pytest.raises(RefreshTokenInvalidError):
        root.write(sessions.refresh, opened.refresh_secret, ip_address=None)


def test_a_lock_keeps_new_sign_ins_out_and_lets_open_sessions_be(root: StateRoot) -> None:
    opened = good(root)
    fail(root, 5)
    assert root.read(sessions.actor_of, opened.session_id, ip_address=None).username == "fatima"
    root.write(sessions.refresh, opened.refresh_secret, ip_address=None)


def test_a_session_that_never_was_is_refused(root: StateRoot) -> None:
    with pytest.raises(TokenInvalidError, match="unknown"):
        root.read(sessions.actor_of, "00000000-0000-4000-8000-000000000000", ip_address=None)


def test_a_refresh_token_is_exchanged_for_a_new_one_of_the_same_session(root: StateRoot) -> None:
    opened = good(root)
    first = root.write(sessions.refresh, opened.refresh_secret, ip_address=None)
    second = root.write(sessions.refresh, first.refresh_secret, ip_address=None)
    assert opened.session_id == first.session_id == second.session_id
    assert len({opened.refresh_secret, first.refresh_secret, second.refresh_secret}) == 3
    assert second.user == opened.user
    assert audited(root) == ["SIGNED_IN", "TOKEN_REFRESHED", "TOKEN_REFRESHED"]


def test_a_refresh_token_used_twice_is_theft_and_ends_the_session(root: StateRoot) -> None:
    opened = good(root)
    newer = root.write(sessions.refresh, opened.refresh_secret, ip_address=None)
    with pytest.raises(RefreshTokenReusedError):
        root.write(sessions.refresh, opened.refresh_secret, ip_address="6.6.6.6")
    with pytest.raises(RefreshTokenInvalidError):
        root.write(sessions.refresh, newer.refresh_secret, ip_address=None)
    with pytest.raises(TokenInvalidError):
        root.read(sessions.actor_of, opened.session_id, ip_address=None)
    assert audited(root) == ["SIGNED_IN", "TOKEN_REFRESHED", "REFRESH_TOKEN_REUSED"]
    severity = sql(root, 'SELECT severity, ip_address FROM audit_log ORDER BY "key" DESC LIMIT 1')
    assert severity == [("critical", "6.6.6.6")]
    assert broken_invariants(root) == []


def test_theft_of_one_session_leaves_the_others(root: StateRoot) -> None:
    stolen, other = good(root), good(root)
    root.write(sessions.refresh, stolen.refresh_secret, ip_address=None)
    with pytest.raises(RefreshTokenReusedError):
        root.write(sessions.refresh, stolen.refresh_secret, ip_address=None)
    root.write(sessions.refresh, other.refresh_secret, ip_address=None)


def test_a_refresh_token_expires() -> None:
    root = new_root(structs.replace(VIRTUAL, refresh_token_seconds=60))
    opened = good(root)
    advance(root, 60 * SECOND - 2 * MILLISECOND)
    newer = root.write(sessions.refresh, opened.refresh_secret, ip_address=None)
    advance(root, 60 * SECOND)
    with pytest.raises(RefreshTokenInvalidError, match="expired"):
        root.write(sessions.refresh, newer.refresh_secret, ip_address=None)
    root.retire()


def test_a_refresh_token_that_was_never_given_is_refused_without_a_trace(root: StateRoot) -> None:
    good(root)
    before = root.write_number
    with pytest.raises(RefreshTokenInvalidError, match="unknown"):
        root.write(sessions.refresh, "made up", ip_address=None)
    assert root.write_number == before
    assert audited(root) == ["SIGNED_IN"]


def test_refresh_tokens_are_kept_as_digests_only(root: StateRoot) -> None:
    opened = good(root)
    assert opened.refresh_secret.encode() not in b"".join(sql(root, "SELECT digest FROM refresh_token")[0])


def test_signing_out_ends_the_session_and_its_refresh_token(root: StateRoot) -> None:
    opened = good(root)
    actor = root.read(sessions.actor_of, opened.session_id, ip_address=None)
    root.write(sessions.sign_out, actor)
    with pytest.raises(TokenInvalidError):
        root.read(sessions.actor_of, opened.session_id, ip_address=None)
    with pytest.raises(RefreshTokenInvalidError):
        root.write(sessions.refresh, opened.refresh_secret, ip_address=None)
    assert audited(root) == ["SIGNED_IN", "SIGNED_OUT"]


def test_me_is_named_in_the_language_asked_for(root: StateRoot) -> None:
    fatima = sign_in(root)
    english = root.read(sessions.me, fatima, Language.ENGLISH)
    arabic = root.read(sessions.me, fatima, Language.ARABIC)
    assert (english.name, arabic.name) == ("Fatima Nasser Khaled Al-Saleh", "فاطمة ناصر خالد الصالح")
    assert english.session_id == fatima.session_id
    assert english.last_login_at == format_instant(root.now)
    staff = root.read(sessions.me, sign_in(root, "admin"), Language.ARABIC)
    assert (staff.name, staff.customer_id) == (None, None)


def test_a_refused_sign_in_commits_its_audit_line_and_its_counter_and_nothing_else(root: StateRoot) -> None:
    sessions, devices = rows_of(root, login_session), rows_of(root, registered_device)
    before = root.write_number
    fail(root)
    assert root.write_number == before + 1
    assert stand(root) == ("active", 1, None)
    query = 'SELECT action, severity, ip_address FROM audit_log ORDER BY "key" DESC LIMIT 1'
    assert sql(root, query) == [("SIGN_IN_REFUSED", "warning", "10.0.0.1")]
    assert (rows_of(root, login_session), rows_of(root, registered_device)) == (sessions, devices)
    assert broken_invariants(root) == []


def test_a_refused_sign_in_drops_the_device_it_had_registered_only_if_it_had_one(root: StateRoot) -> None:
    before = rows_of(root, registered_device)
    with pytest.raises(CredentialsExpiredError):
        attempt(root, *EXPIRED, fingerprint="never seen")
    assert rows_of(root, registered_device) == before


def test_the_failures_of_one_user_do_not_touch_another(root: StateRoot) -> None:
    fail(root, 5)
    good(root, "arjun")
    assert stand(root, "arjun") == ("active", 0, None)


def test_a_failed_sign_in_leaves_the_money_alone(root: StateRoot) -> None:
    move(root, FATIMA_CURRENT, 1_000)
    before = sql(root, "SELECT * FROM account")
    fail(root, 6)
    assert sql(root, "SELECT * FROM account") == before
