"""Sign-in with a code: who is asked for one, what a right, a wrong and a late one does, and what is left behind."""

from typing import Any

import pytest
from bankside import advance, audited, rows_of, sql
from msgspec import structs
from secondfactor import (
    ask_for_codes,
    challenged,
    contact_of,
    first_step,
    latest,
    other_than,
    resend,
    second_step,
)
from support import VIRTUAL, broken_invariants, new_root

from sandbox.bank import challenges, identity, messages, sessions
from sandbox.bank.challenges import ChallengeView
from sandbox.bank.devices import DeviceFacts
from sandbox.bank.identity import Verdict
from sandbox.bank.sessions import SignedIn
from sandbox.core.clock import MILLISECOND, MINUTE, Instant, format_instant, parse_instant
from sandbox.core.errors import (
    ChallengeEndedError,
    CodeInvalidError,
    CredentialsExpiredError,
    DeviceNotActiveError,
    DomainError,
    NotFoundError,
    ResendLimitReachedError,
    UserLockedError,
    UserPendingError,
    UserSuspendedError,
)
from sandbox.core.vocabulary import SecondFactor
from sandbox.sandboxes.root import StateRoot
from sandbox.store.export import digest
from sandbox.store.tables import challenge, login_session, message, registered_device

IPHONE = "68e96772-d661-4858-9021-f2740998213f"
REVOKED = "8ff4e97f-6bec-4052-b81d-56e4ff84ec88"


def refused(root: StateRoot, asked: ChallengeView, code: str) -> DomainError:
    """A code that does not sign in."""
    with pytest.raises(DomainError) as refusal:
        second_step(root, asked, code)
    return refusal.value


def fail(root: StateRoot, times: int = 1, username: str = "fatima") -> None:
    """Wrong passwords."""
    wrong = Verdict(None, matches=False)
    for _ in range(times):
        with pytest.raises(DomainError):
            root.write(identity.sign_in, username, wrong, device=DeviceFacts(), ip_address=None)


def test_a_right_password_sends_a_code_and_opens_nothing(root: StateRoot) -> None:
    ask_for_codes(root)
    sessions_before, devices_before = rows_of(root, login_session), rows_of(root, registered_device)
    asked = challenged(root)
    assert asked.method is SecondFactor.SMS
    assert asked.expires_at == format_instant(root.now + 5 * MINUTE)
    assert (rows_of(root, login_session), rows_of(root, registered_device)) == (sessions_before, devices_before)
    sent = latest(root)
    assert (sent.channel, sent.to, sent.subject) == ("sms", contact_of(root, "fatima")[0], None)
    assert sent.code is not None
    assert len(sent.code) == 6
    assert sent.code.isdigit()
    assert sent.code in sent.body
    assert audited(root) == ["CODE_SENT"]


def test_the_code_opens_a_session_on_the_device_that_the_password_came_from(root: StateRoot) -> None:
    ask_for_codes(root)
    sql(root, "UPDATE auth_user SET failed_login_attempts = 3 WHERE username = 'fatima'")
    opened = second_step(root, challenged(root, device_id=IPHONE))
    actor = root.read(sessions.actor_of, opened.session_id, ip_address=None)
    assert actor.username == "fatima"
    query = 'SELECT lower(hex(d.id)), s.ip_address FROM login_session s JOIN registered_device d ON d."key" = s.device'
    assert sql(root, f'{query} WHERE s."key" = ?', actor.session) == [(IPHONE.replace("-", ""), "10.0.0.2")]
    assert sql(root, "SELECT failed_login_attempts FROM auth_user WHERE username = 'fatima'") == [(0,)]
    assert audited(root) == ["CODE_SENT", "CODE_ACCEPTED", "SIGNED_IN"]
    assert broken_invariants(root) == []


def test_a_new_device_is_registered_with_the_code_and_not_before(root: StateRoot) -> None:
    ask_for_codes(root)
    before = rows_of(root, registered_device)
    asked = challenged(root, model="Pixel 11", os="Android 17", fingerprint="new")
    assert rows_of(root, registered_device) == before
    second_step(root, asked)
    assert sql(root, "SELECT model, os FROM registered_device WHERE fingerprint = 'new'") == [
        ("Pixel 11", "Android 17")
    ]


def test_a_code_by_email_has_a_subject(root: StateRoot) -> None:
    ask_for_codes(root, methods=["EMAIL", "SMS"])
    assert challenged(root).method is SecondFactor.EMAIL
    sent = latest(root)
    assert (sent.channel, sent.to) == ("email", contact_of(root, "fatima")[1])
    assert sent.subject == "Your sign-in code"


def test_the_message_says_in_kuwaiti_time_until_when_the_code_works(root: StateRoot) -> None:
    ask_for_codes(root)
    challenged(root)
    assert "until 12:05" in latest(root).body


def test_an_arabic_customer_gets_an_arabic_message_with_western_digits(root: StateRoot) -> None:
    sql(root, "UPDATE customer_setting SET language = 'ar'")
    ask_for_codes(root, methods=["email"])
    challenged(root)
    sent = latest(root)
    assert sent.code is not None
    assert sent.code.isascii()
    assert sent.code in sent.body
    assert "رمز تسجيل الدخول" in sent.body
    assert sent.subject == "رمز تسجيل الدخول"


@pytest.mark.parametrize("methods", [["TOTP"], ["PUSH", "BIOMETRIC"], [], None, {}])
def test_without_a_served_method_the_password_is_enough(root: StateRoot, methods: object) -> None:
    ask_for_codes(root, methods=methods)
    assert isinstance(first_step(root), SignedIn)
    assert rows_of(root, message) == 0


def test_a_factor_that_is_off_is_not_asked_for(root: StateRoot) -> None:
    ask_for_codes(root)
    sql(root, "UPDATE mfa_setting SET mfa_enabled = 0")
    assert isinstance(first_step(root), SignedIn)


def test_a_method_without_an_address_gives_way_to_the_next(root: StateRoot) -> None:
    ask_for_codes(root, methods=["SMS", "EMAIL"])
    sql(root, "UPDATE customer SET phone = ' '")
    assert challenged(root).method is SecondFactor.EMAIL
    sql(root, "UPDATE customer SET email = NULL")
    assert isinstance(first_step(root), SignedIn)


def test_staff_cannot_be_reached_and_sign_in_with_the_password_alone(root: StateRoot) -> None:
    ask_for_codes(root, "auditor")
    assert isinstance(first_step(root, "auditor"), SignedIn)


def test_a_device_that_may_not_be_used_is_refused_before_a_code_is_sent(root: StateRoot) -> None:
    ask_for_codes(root)
    with pytest.raises(DeviceNotActiveError):
        first_step(root, device_id=REVOKED)
    assert rows_of(root, challenge) == rows_of(root, message) == 0


def test_a_device_revoked_between_the_steps_opens_no_session(root: StateRoot) -> None:
    ask_for_codes(root)
    asked = challenged(root, device_id=IPHONE)
    sql(root, "UPDATE registered_device SET status = 'revoked'")
    with pytest.raises(DeviceNotActiveError):
        second_step(root, asked)


def test_wrong_codes_count_down_and_the_fifth_ends_the_challenge(root: StateRoot) -> None:
    ask_for_codes(root)
    asked = challenged(root)
    right = latest(root).code or ""
    for left in (4, 3, 2, 1, 0):
        wrong = refused(root, asked, other_than(right))
        assert isinstance(wrong, CodeInvalidError)
        assert wrong.facts == {"attempts_left": left}
    ended = refused(root, asked, right)
    assert isinstance(ended, ChallengeEndedError)
    assert ended.facts == {"challenge_status": "refused"}
    assert audited(root) == ["CODE_SENT"] + ["CODE_REFUSED"] * 6
    assert standing_of_fatima(root) == (1, "active")
    assert broken_invariants(root) == []


def test_four_wrong_codes_leave_the_right_one_working(root: StateRoot) -> None:
    ask_for_codes(root)
    asked = challenged(root)
    for _ in range(4):
        refused(root, asked, other_than(latest(root).code))
    assert second_step(root, asked).user.username == "fatima"


def test_a_code_works_once(root: StateRoot) -> None:
    ask_for_codes(root)
    asked = challenged(root)
    code = latest(root).code or ""
    second_step(root, asked)
    again = refused(root, asked, code)
    assert isinstance(again, ChallengeEndedError)
    assert again.facts == {"challenge_status": "used"}


def test_a_new_challenge_takes_the_place_of_the_one_before(root: StateRoot) -> None:
    ask_for_codes(root)
    first = challenged(root)
    code = latest(root).code or ""
    second = challenged(root)
    replaced = refused(root, first, code)
    assert isinstance(replaced, ChallengeEndedError)
    assert replaced.facts == {"challenge_status": "replaced"}
    with pytest.raises(ChallengeEndedError):
        resend(root, first)
    second_step(root, second)
    assert sql(root, "SELECT status FROM challenge ORDER BY key") == [("replaced",), ("used",)]


def test_challenges_of_others_stay_open(root: StateRoot) -> None:
    for username in ("fatima", "arjun"):
        ask_for_codes(root, username)
    of_arjun = challenged(root, "arjun")
    code = latest(root).code
    challenged(root)
    assert second_step(root, of_arjun, code).user.username == "arjun"


def test_the_code_of_another_challenge_is_a_wrong_one(root: StateRoot) -> None:
    for username in ("fatima", "arjun"):
        ask_for_codes(root, username)
    first, second = challenged(root), challenged(root, "arjun")
    assert isinstance(refused(root, first, latest(root).code or ""), CodeInvalidError)
    second_step(root, second)


def standing_of_fatima(root: StateRoot) -> Any:
    """How often she has failed in a row, and whether she is locked."""
    return sql(root, "SELECT failed_login_attempts, status FROM auth_user WHERE username = 'fatima'")[0]


def test_five_challenges_with_five_wrong_codes_each_lock_the_user(root: StateRoot) -> None:
    ask_for_codes(root)
    for times in range(1, 5):
        asked = challenged(root)
        for _ in range(5):
            assert isinstance(refused(root, asked, other_than(latest(root).code)), CodeInvalidError)
        assert standing_of_fatima(root) == (times, "active")
    asked = challenged(root)
    for _ in range(4):
        assert isinstance(refused(root, asked, other_than(latest(root).code)), CodeInvalidError)
    locked = refused(root, asked, other_than(latest(root).code))
    assert isinstance(locked, UserLockedError)
    assert locked.facts == {"locked_until": format_instant(root.now + 15 * MINUTE)}
    assert standing_of_fatima(root) == (5, "locked")
    assert sql(root, "SELECT status, wrong_codes FROM challenge ORDER BY key DESC LIMIT 1") == [("refused", 5)]
    assert audited(root)[-2:] == ["CODE_REFUSED", "USER_LOCKED"]
    assert "locked until" in latest(root).body
    with pytest.raises(UserLockedError):
        first_step(root)
    assert broken_invariants(root) == []
    advance(root, 15 * MINUTE)
    second_step(root, challenged(root))
    assert standing_of_fatima(root) == (0, "active")


def test_wrong_passwords_and_wrong_codes_count_together(root: StateRoot) -> None:
    ask_for_codes(root)
    fail(root, 4)
    asked = challenged(root)
    for _ in range(4):
        refused(root, asked, other_than(latest(root).code))
    assert isinstance(refused(root, asked, other_than(latest(root).code)), UserLockedError)


def test_a_new_challenge_forgives_no_wrong_code(root: StateRoot) -> None:
    ask_for_codes(root)
    for _ in range(2):
        asked = challenged(root)
        refused(root, asked, other_than(latest(root).code))
        refused(root, asked, other_than(latest(root).code))
    asked = challenged(root)
    assert refused(root, asked, other_than(latest(root).code)).facts == {"attempts_left": 0}
    assert standing_of_fatima(root) == (1, "active")
    assert refused(root, challenged(root), other_than(latest(root).code)).facts == {"attempts_left": 4}


def test_a_challenge_that_was_answered_leaves_no_wrong_codes_behind(root: StateRoot) -> None:
    ask_for_codes(root)
    asked = challenged(root)
    refused(root, asked, other_than(latest(root).code))
    second_step(root, asked)
    assert refused(root, challenged(root), other_than(latest(root).code)).facts == {"attempts_left": 4}


@pytest.mark.parametrize("unknown", ["00000000-0000-4000-8000-000000000000", "x", "a\0b", "é" * 200])
def test_a_challenge_that_never_was_is_not_found_and_leaves_no_trace(root: StateRoot, unknown: str) -> None:
    before = root.write_number
    for act in (
        lambda: root.write(identity.answer_challenge, unknown, "123456", ip_address=None),
        lambda: root.write(identity.resend_code, unknown, ip_address=None),
    ):
        with pytest.raises(NotFoundError):
            act()
    assert root.write_number == before


def test_a_code_stops_working_when_business_time_says_so(root: StateRoot) -> None:
    ask_for_codes(root)
    asked = challenged(root)
    ends = parse_instant(asked.expires_at)
    root.advance(Instant(ends - 2 * MILLISECOND))
    assert isinstance(refused(root, asked, other_than(latest(root).code)), CodeInvalidError)
    fired = root.advance(ends)
    assert [(job.job, job.count) for job in fired] == [("expire_codes", 1)]
    late = refused(root, asked, latest(root).code or "")
    assert isinstance(late, ChallengeEndedError)
    assert late.facts == {"challenge_status": "expired"}
    with pytest.raises(ChallengeEndedError):
        resend(root, asked)


def test_the_settings_say_how_long_a_code_works() -> None:
    root = new_root(structs.replace(VIRTUAL, code_minutes=90))
    ask_for_codes(root)
    asked = challenged(root)
    assert asked.expires_at == format_instant(root.now + 90 * MINUTE)
    advance(root, 89 * MINUTE)
    second_step(root, asked)
    root.retire()


def test_codes_expire_each_in_their_own_time(root: StateRoot) -> None:
    for username in ("fatima", "arjun"):
        ask_for_codes(root, username)
    first = challenged(root)
    advance(root, 3 * MINUTE)
    second = challenged(root, "arjun")
    assert root.read(challenges.next_code_expiry) == parse_instant(first.expires_at)
    advance(root, 3 * MINUTE)
    assert root.read(challenges.next_code_expiry) == parse_instant(second.expires_at)
    second_step(root, second)
    assert root.read(challenges.next_code_expiry) is None


def test_a_resent_code_takes_the_place_of_the_old_one(root: StateRoot) -> None:
    ask_for_codes(root)
    asked = challenged(root)
    old = latest(root).code or ""
    advance(root, 4 * MINUTE)
    again = resend(root, asked)
    assert (again.challenge_id, again.method) == (asked.challenge_id, asked.method)
    assert again.expires_at == format_instant(root.now + 5 * MINUTE)
    assert latest(root).code != old
    assert isinstance(refused(root, asked, old), CodeInvalidError)
    advance(root, 4 * MINUTE)
    second_step(root, asked)
    assert audited(root) == ["CODE_SENT", "CODE_SENT", "CODE_REFUSED", "CODE_ACCEPTED", "SIGNED_IN"]


def test_a_code_is_resent_five_times_at_most(root: StateRoot) -> None:
    ask_for_codes(root)
    asked = challenged(root)
    for _ in range(5):
        resend(root, asked)
    with pytest.raises(ResendLimitReachedError):
        resend(root, asked)
    assert rows_of(root, message) == 6
    second_step(root, asked)


def test_resending_forgives_no_wrong_code(root: StateRoot) -> None:
    ask_for_codes(root)
    asked = challenged(root)
    for _ in range(4):
        refused(root, asked, other_than(latest(root).code))
    resend(root, asked)
    assert refused(root, asked, other_than(latest(root).code)).facts == {"attempts_left": 0}
    with pytest.raises(ChallengeEndedError):
        resend(root, asked)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ("UPDATE auth_user SET status = 'locked'", UserLockedError),
        ("UPDATE auth_user SET status = 'suspended'", UserSuspendedError),
        ("UPDATE auth_user SET status = 'pending'", UserPendingError),
        ("UPDATE customer SET status = 'closed'", UserSuspendedError),
        ("UPDATE credential SET status = 'expired'", CredentialsExpiredError),
    ],
)
def test_who_may_no_longer_sign_in_is_refused_between_the_steps(
    root: StateRoot, change: str, refusal: type[DomainError]
) -> None:
    ask_for_codes(root)
    asked = challenged(root)
    sql(root, change)
    for act in (lambda: second_step(root, asked), lambda: resend(root, asked)):
        with pytest.raises(refusal):
            act()
    assert rows_of(root, message) == 1
    assert sql(root, "SELECT status FROM challenge") == [("open",)]


def test_five_wrong_passwords_lock_and_tell_the_customer(root: StateRoot) -> None:
    fail(root, 4)
    assert rows_of(root, message) == 0
    fail(root)
    told = latest(root)
    assert (told.channel, told.to, told.code) == ("sms", contact_of(root, "fatima")[0], None)
    assert "locked until 12:15" in told.body
    fail(root)
    assert rows_of(root, message) == 1


@pytest.mark.parametrize(
    ("username", "change", "expected"),
    [
        ("auditor", "SELECT 1", None),
        ("fatima", "UPDATE customer SET phone = NULL", ("email", "Your access is locked")),
        ("fatima", "UPDATE customer SET phone = NULL, email = ''", None),
        ("fatima", "UPDATE customer_setting SET language = 'ar'", ("sms", None)),
    ],
)
def test_the_lock_is_told_by_what_there_is(
    root: StateRoot, username: str, change: str, expected: tuple[Any, ...] | None
) -> None:
    sql(root, change)
    fail(root, 5, username)
    found = [(told.channel, told.subject) for told in root.read(messages.list_messages)]
    assert found == ([] if expected is None else [expected])


def test_a_lock_without_an_end_says_so_in_either_language() -> None:
    for language, words in (("en", "until we unlock it"), ("ar", "إلى أن نفتحه لك")):
        root = new_root(structs.replace(VIRTUAL, lock_minutes=0))
        sql(root, "UPDATE customer_setting SET language = ?", language)
        fail(root, 5)
        assert words in latest(root).body
        root.retire()


def test_equal_seeds_give_equal_codes_and_other_seeds_others() -> None:
    codes = []
    for seed in (1, 1, 2):
        root = new_root(seed=seed)
        ask_for_codes(root)
        challenged(root)
        codes.append(latest(root).code)
        root.retire()
    assert codes[0] == codes[1] != codes[2]


def test_messages_and_challenges_stand_outside_the_digest(root: StateRoot) -> None:
    ask_for_codes(root)
    challenged(root)
    before = digest(root._memory.own())
    sql(root, "DELETE FROM message")
    sql(root, "DELETE FROM challenge")
    assert digest(root._memory.own()) == before
