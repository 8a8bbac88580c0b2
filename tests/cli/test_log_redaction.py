"""What a log must not tell is masked in any event: by its name, by its looks, and known secrets wherever they stand."""

import time
from typing import Any

import pytest

from sandbox.cli.logs.lines import Lines
from sandbox.cli.logs.redaction import Redaction, is_secret, masked_query
from sandbox.core.settings import MASK

TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
HASH = "$argon2id$v=19$m=1024,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"


def redacted(**event: Any) -> dict[str, Any]:
    return dict(Redaction()(None, "info", event))


@pytest.mark.parametrize(
    "name",
    [
        *("password", "new_password", "newPassword", "Authorization", "proxy-authorization", "token", "access_token"),
        *("refreshToken", "Sandbank-Control-Token", "secret", "totp_secret", "pin", "card_pin", "pin_hash", "code"),
        *("codes", "recovery_codes", "otp", "idempotency_key", "Idempotency-Key", "cookie", "Set-Cookie"),
        *("phone", "email", "body", "api_key", "password_hash", "credentials"),
    ],
)
def test_a_secret_is_known_by_its_name(name: str) -> None:
    assert is_secret(name)
    assert redacted(**{name: "value"}) == {name: MASK}
    assert redacted(outer=[{name: {"whatever": 1}}]) == {"outer": [{name: MASK}]}


@pytest.mark.parametrize(
    "name", ["path", "status", "status_code", "problem", "operation", "actor", "challenge_id", "token_type", "spinning"]
)
def test_other_names_are_told(name: str) -> None:
    assert redacted(**{name: "value"}) == {name: "value"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (f"refused {TOKEN}", f"refused {MASK}"),
        (f"/v1/{TOKEN}/x", f"/v1/{MASK}/x"),
        ("Authorization: Bearer abcdef012345", f"Authorization: Bearer {MASK}"),
        ("bearer abc.def-012345==", f"bearer {MASK}"),
        ("Basic dXNlcjpwYXNz", f"Basic {MASK}"),
        (f"row ('fatima', '{HASH}')", f"row ('fatima', '{MASK}')"),
        ("$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW", MASK),
        ('{"password": "my pass word", "a": 1}', f'{{"password": {MASK}, "a": 1}}'),
        ("{'access_token': 'abc'}", f"{{'access_token': {MASK}}}"),
        ("SignIn(username='fatima', password='Fatima-2026!')", f"SignIn(username='fatima', password={MASK})"),
        ("?control_token=abcdef&x=1", f"?control_token={MASK}&x=1"),
        ("the code: 123456 was sent", f"the code: {MASK} was sent"),
        ('{"code": "004711"}', f'{{"code": "{MASK}"}}'),
        ("pin=1234", f"pin={MASK}"),
    ],
)
def test_a_secret_is_known_by_its_looks(said: str, told: str) -> None:
    assert redacted(event=said)["event"] == told
    assert redacted(event="x", inner={"deep": [said]})["inner"] == {"deep": [told]}


@pytest.mark.parametrize(
    "said",
    [
        "GET /v1/accounts failed",
        "seeds/tiny has changed and was loaded again.",
        "the token has expired",
        "password must not be empty",
        "exit code 1",
        'problem with "code": "insufficient_funds"',
        "12:30:05 costs $5",
    ],
)
def test_words_about_secrets_are_told(said: str) -> None:
    assert redacted(event=said)["event"] == said


def test_known_secrets_are_masked_wherever_they_stand() -> None:
    redaction = Redaction(("a-control-token-of-ours", None, ""))
    event = redaction(None, "info", {"event": "got a-control-token-of-ours", "there": ("a-control-token-of-ours",)})
    assert event == {"event": f"got {MASK}", "there": [MASK]}


def test_values_of_any_kind_are_told_as_text_and_masked() -> None:
    class Order:
        def __repr__(self) -> str:
            return "Order(password='x')"

    assert redacted(order=Order(), raw=b"token=abc", number=1.5, yes=True, none=None) == {
        "order": f"Order(password={MASK})",
        "raw": f"b'token={MASK}",
        "number": 1.5,
        "yes": True,
        "none": None,
    }


def test_what_is_nested_without_end_is_told_in_short() -> None:
    endless: dict[str, Any] = {"password": "deep-secret"}
    endless["again"] = endless
    assert "deep-secret" not in str(redacted(endless=endless))


def test_an_exception_is_masked_too() -> None:
    error = KeyError(f"no session for {TOKEN}")
    event = {"timestamp": "t", "level": "error", "event": "x", "exception": f"KeyError: {error}"}
    for log_format in ("console", "json"):
        line = Lines(log_format)(event).decode()
        assert "KeyError" in line
        assert TOKEN not in line
        assert MASK in line


def test_long_texts_are_looked_through_quickly() -> None:
    for piece in ("x", "eyJ", "eyJ-", "$argon2", "password", "code ", "bearer ", "token='"):
        started = time.perf_counter()
        redacted(event=piece * 20_000)
        assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (b"limit=5&cursor=abc", "limit=5&cursor=abc"),
        (b"to=%2B96599001234&limit=5", f"to={MASK}&limit=5"),
        (b"_sort=name&name=Fatima&q=fatima", f"_sort=name&name={MASK}&q={MASK}"),
        (b"access_token=abc", f"access_token={MASK}"),
        (b"limit&empty=&", "limit&empty=&"),
        (b"%2B96599001234&phone%3D99001234", f"{MASK}&{MASK}"),
        (b"a=b=c", f"a={MASK}"),
        (b"caf\xc3\xa9=1", f"caf\\xc3\\xa9={MASK}"),
    ],
)
def test_of_a_query_only_harmless_values_are_told(asked: bytes, told: str) -> None:
    assert masked_query(asked) == told


def test_of_a_query_of_records_only_its_own_language_is_told() -> None:
    asked = b"_sort=from&from=%2B96599001234&status=ACTIVE&_limit=5"
    assert masked_query(asked, filters=True) == f"_sort=from&from={MASK}&status={MASK}&_limit=5"


def test_a_known_secret_of_a_few_letters_masks_nothing() -> None:
    assert Redaction(["a", None]).text("/v1/accounts") == "/v1/accounts"
    assert Redaction(["Kuwait-1"]).text("said Kuwait-1") == f"said {MASK}"
