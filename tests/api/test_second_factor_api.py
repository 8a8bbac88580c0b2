"""Signing in with a code over HTTP: 202, verify, resend, and what refuses them."""

from typing import Any

import pytest
from bankside import sql
from checks import assert_problem, faults, serving, unchanged
from secondfactor import ask_for_codes, contact_of, other_than
from support import PASSWORDS, Client, User

from sandbox.core.clock import MINUTE, Instant
from sandbox.sandboxes.root import StateRoot

TOKENS = {"access_token", "refresh_token", "token_type", "expires_in", "session_id", "user"}


def bank(client: Client, sandbox: str = "default") -> StateRoot:
    """The bank behind the doors."""
    return client.app.house.get(sandbox).root


def sign_in(client: Client, username: str = "fatima", at: str = "", **more: object) -> Any:
    """The first step."""
    body = {"username": username, "password": PASSWORDS[username], **more}
    return client.post(f"{at}/v1/auth/login", body)


def challenge(client: Client, at: str = "") -> dict[str, Any]:
    """The challenge of a first step."""
    answer = sign_in(client, at=at)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()["challenge"]
    return found


def code_sent(client: Client, at: str = "") -> str:
    """The code in the inbox."""
    found: str = client.get(f"{at}/_sandbox/messages/latest").json()["code"]
    return found


def verify(client: Client, challenge_id: str, code: str, at: str = "") -> Any:
    """The second step."""
    return client.post(f"{at}/v1/auth/challenges/{challenge_id}/verify", {"code": code})


def resend(client: Client, challenge_id: str, at: str = "") -> Any:
    """Ask for a new code."""
    return client.post(f"{at}/v1/auth/challenges/{challenge_id}/resend")


@pytest.fixture
def asked(client: Client) -> Client:
    """A server where fatima signs in with a code by SMS."""
    ask_for_codes(bank(client))
    return client


def test_the_first_step_answers_202_with_the_challenge(asked: Client) -> None:
    answer = sign_in(asked)
    assert answer.status_code == 202
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) == {"challenge"}
    found = answer.json()["challenge"]
    assert set(found) == {"challenge_id", "method", "expires_at"}
    assert found["method"] == "sms"
    assert found["expires_at"].startswith("2026-01-15T09:05:00")


def test_the_code_gives_the_tokens_of_an_ordinary_sign_in(asked: Client) -> None:
    answer = verify(asked, challenge(asked)["challenge_id"], code_sent(asked))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) == TOKENS
    user = User(asked, answer.json())
    assert user.get("/v1/auth/me").json()["username"] == "fatima"
    assert len(user.accounts()) == 3
    renewed = asked.post("/v1/auth/refresh", {"refresh_token": user.tokens["refresh_token"]})
    assert renewed.status_code == 200


def test_a_code_works_in_its_own_sandbox_only(asked: Client) -> None:
    asked.post("/_sandbox/sandboxes", {"id": "t1", "seed": 5, "from": "sandbox:default"})
    asked.post("/_sandbox/sandboxes", {"id": "t2", "seed": 6, "from": "sandbox:default"})
    found = challenge(asked, "/s/t1")
    code = code_sent(asked, "/s/t1")
    assert_problem(asked.get("/s/t2/_sandbox/messages/latest"), 404, "message_unknown")
    assert_problem(verify(asked, found["challenge_id"], code, "/s/t2"), 404, "not_found")
    assert verify(asked, found["challenge_id"], code, "/s/t1").status_code == 200


def test_a_wrong_code_is_401_and_counted(asked: Client) -> None:
    found = challenge(asked)["challenge_id"]
    wrong = other_than(code_sent(asked))
    for left in (4, 3, 2, 1, 0):
        assert assert_problem(verify(asked, found, wrong), 401, "code_invalid")["attempts_left"] == left
    ended = assert_problem(verify(asked, found, code_sent(asked)), 410, "challenge_ended")
    assert ended["challenge_status"] == "refused"
    assert_problem(resend(asked, found), 410, "challenge_ended")


def test_thirty_wrong_codes_over_six_challenges_lock_the_user(asked: Client) -> None:
    for _ in range(4):
        found = challenge(asked)["challenge_id"]
        for left in (4, 3, 2, 1, 0):
            wrong = verify(asked, found, other_than(code_sent(asked)))
            assert assert_problem(wrong, 401, "code_invalid")["attempts_left"] == left
    found = challenge(asked)["challenge_id"]
    wrong_code = other_than(code_sent(asked))
    answers = [verify(asked, found, wrong_code) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401] * 4 + [423]
    assert_problem(sign_in(asked), 423, "user_locked")


def test_a_new_sign_in_ends_the_challenge_before(asked: Client) -> None:
    first = challenge(asked)["challenge_id"]
    code = code_sent(asked)
    second = challenge(asked)["challenge_id"]
    ended = assert_problem(verify(asked, first, code), 410, "challenge_ended")
    assert ended["challenge_status"] == "replaced"
    assert "newer" in ended["detail"]
    assert verify(asked, second, code_sent(asked)).status_code == 200


def test_a_code_works_once(asked: Client) -> None:
    found = challenge(asked)["challenge_id"]
    assert verify(asked, found, code_sent(asked)).status_code == 200
    again = assert_problem(verify(asked, found, code_sent(asked)), 410, "challenge_ended")
    assert again["challenge_status"] == "used"


def test_of_many_who_send_the_same_code_at_once_one_gets_in(asked: Client) -> None:
    found = challenge(asked)["challenge_id"]
    body = {"code": code_sent(asked)}
    path = f"/v1/auth/challenges/{found}/verify"
    answers = asked.together(*[lambda: asked.http.post(path, json=body) for _ in range(8)])
    assert sorted(answer.status_code for answer in answers) == [200] + [410] * 7


def test_an_expired_code_is_410(asked: Client) -> None:
    found = challenge(asked)["challenge_id"]
    code = code_sent(asked)
    root = bank(asked)
    root.advance(Instant(root.now + 5 * MINUTE))
    late = assert_problem(verify(asked, found, code), 410, "challenge_ended")
    assert late["challenge_status"] == "expired"


def test_the_settings_say_how_long_a_code_works() -> None:
    with serving(code_minutes=30) as client:
        ask_for_codes(bank(client))
        assert challenge(client)["expires_at"].startswith("2026-01-15T09:30:00")


def test_a_resend_answers_202_with_the_same_challenge(asked: Client) -> None:
    found = challenge(asked)
    old = code_sent(asked)
    answer = resend(asked, found["challenge_id"])
    assert answer.status_code == 202
    again = answer.json()["challenge"]
    assert again["challenge_id"] == found["challenge_id"]
    assert again["expires_at"] > found["expires_at"]
    assert code_sent(asked) != old
    assert_problem(verify(asked, found["challenge_id"], old), 401, "code_invalid")
    assert verify(asked, found["challenge_id"], code_sent(asked)).status_code == 200


def test_the_sixth_resend_is_422(asked: Client) -> None:
    found = challenge(asked)["challenge_id"]
    assert [resend(asked, found).status_code for _ in range(5)] == [202] * 5
    assert_problem(resend(asked, found), 422, "resend_limit_reached")


def test_an_unknown_challenge_is_404_and_changes_nothing(asked: Client) -> None:
    with unchanged(asked):
        for unknown in ("unknown", "00000000-0000-4000-8000-000000000000", "%00", "a" * 300):
            assert_problem(verify(asked, unknown, "123456"), 404, "not_found")
            assert_problem(resend(asked, unknown), 404, "not_found")


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", " 123456", "١٢٣٤٥٦", 123456, None])
def test_what_is_no_code_is_400_and_costs_no_attempt(asked: Client, code: object) -> None:
    found = challenge(asked)["challenge_id"]
    answer = asked.post(f"/v1/auth/challenges/{found}/verify", {"code": code})
    assert set(faults(answer)) == {"/code"}
    assert sql(bank(asked), "SELECT wrong_codes FROM challenge") == [(0,)]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ("UPDATE auth_user SET status = 'locked'", 423, "user_locked"),
        ("UPDATE auth_user SET status = 'suspended'", 403, "user_suspended"),
        ("UPDATE customer SET status = 'suspended'", 403, "user_suspended"),
        ("UPDATE credential SET status = 'expired'", 403, "credentials_expired"),
    ],
)
def test_who_may_no_longer_sign_in_is_refused_as_at_sign_in(asked: Client, change: str, status: int, code: str) -> None:
    found = challenge(asked)["challenge_id"]
    sent = code_sent(asked)
    sql(bank(asked), change)
    assert_problem(verify(asked, found, sent), status, code)
    assert_problem(resend(asked, found), status, code)


def test_a_reset_forgets_challenges_and_messages(asked: Client) -> None:
    found = challenge(asked)["challenge_id"]
    sent = code_sent(asked)
    asked.post("/_sandbox/reset")
    assert_problem(verify(asked, found, sent), 404, "not_found")
    assert asked.get("/_sandbox/messages").json() == {"items": []}


def test_an_auditor_reads_who_was_sent_a_code_and_never_the_code(asked: Client) -> None:
    found = challenge(asked)["challenge_id"]
    verify(asked, found, other_than(code_sent(asked)))
    text = asked.login("auditor").get("/v1/audit-logs?limit=5").text
    assert code_sent(asked) not in text
    lines = [
        (line["action"], line["related_entity_id"])
        for line in asked.login("auditor").get("/v1/audit-logs").json()["items"]
    ]
    assert ("code_sent", found) in lines
    assert ("code_refused", found) in lines


def test_five_wrong_passwords_send_word_that_access_is_locked(client: Client) -> None:
    for _ in range(5):
        client.post("/v1/auth/login", {"username": "fatima", "password": "wrong"})
    (told,) = client.get("/_sandbox/messages").json()["items"]
    assert (told["channel"], told["to"]) == ("sms", contact_of(bank(client), "fatima")[0])
    assert "locked until 12:15" in told["body"]
    assert told["code"] is None


def test_the_same_requests_send_the_same_codes_after_a_reset(asked: Client) -> None:
    heard = []
    for _ in range(2):
        asked.post("/_sandbox/reset")
        ask_for_codes(bank(asked))
        found = sign_in(asked)
        heard.append((found.content, asked.get("/_sandbox/messages").content))
    assert heard[0] == heard[1]


def test_the_document_knows_both_answers_of_a_sign_in(client: Client) -> None:
    document = client.get("/openapi.json").json()
    answers = document["paths"]["/v1/auth/login"]["post"]["responses"]
    assert {"200", "202"} <= set(answers)
    schema = answers["202"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/Challenged"}
