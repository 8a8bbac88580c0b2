"""`/v1/auth` and the keys: signing in, staying signed in, and every token that must not pass."""

import base64
import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from checks import FATIMA_CUSTOMER, assert_problem, serving
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support import EXPIRED, LOCKED, PASSWORDS, Client, User, copy_of_tiny, edit

from sandbox.core.clock import SECOND

FATIMA_ARABIC = "فاطمة ناصر خالد الصالح"
TOKENS = {"access_token", "refresh_token", "token_type", "expires_in", "session_id", "user"}


def attempt(client: Client, username: str, password: str, **more: object) -> Any:
    return client.post("/v1/auth/login", {"username": username, "password": password, **more})


def bearing(client: Client, token: str, path: str = "/v1/auth/me") -> Any:
    return client.get(path, headers={"authorization": f"Bearer {token}"})


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def signed_here(client: Client, claims: dict[str, Any]) -> str:
    return client.app.house.get("default").root.signing_key.sign(claims)


def unsigned(claims: dict[str, Any], **header: str) -> str:
    parts = ({"typ": "JWT", **header}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def test_signing_in_gives_tokens_of_the_promised_shape(client: Client) -> None:
    answer = attempt(client, "fatima", PASSWORDS["fatima"])
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == TOKENS
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 900
    assert set(body["user"]) == {"user_id", "customer_id", "username", "role"}
    assert body["user"]["customer_id"] == FATIMA_CUSTOMER
    assert body["user"]["role"] == "customer"


def test_staff_sign_in_without_being_customers(client: Client) -> None:
    user = attempt(client, "auditor", PASSWORDS["auditor"]).json()["user"]
    assert (user["role"], user["customer_id"]) == ("auditor", None)


def test_the_access_token_verifies_against_the_published_key(client: Client, fatima: User) -> None:
    key_set = client.get("/.well-known/jwks.json").json()
    assert set(key_set) == {"keys"}
    (key,) = key_set["keys"]
    assert set(key) == {"crv", "kty", "x", "kid", "alg", "use"}
    token = fatima.tokens["access_token"]
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "typ": "JWT", "kid": key["kid"]}
    claims = jwt.decode(token, jwt.PyJWK(key), algorithms=["EdDSA"], options={"verify_exp": False, "verify_iat": False})
    assert claims["sub"] == fatima.tokens["user"]["user_id"]
    assert claims["sid"] == fatima.tokens["session_id"]
    assert claims["sbx"] == "default"
    assert claims["exp"] - claims["iat"] == 900


def test_a_sandbox_of_another_seed_has_another_key(client: Client) -> None:
    client.post("/_sandbox/sandboxes", {"id": "other", "seed": 99})
    mine, other = (client.get(f"{at}/.well-known/jwks.json").json() for at in ("", "/s/other"))
    assert mine != other


def test_a_known_device_is_recognised_and_a_revoked_one_refused(client: Client) -> None:
    known = {"device_id": "68e96772-d661-4858-9021-f2740998213f", "model": "iPhone 17", "os": "iOS 26.2"}
    assert attempt(client, "fatima", PASSWORDS["fatima"], device=known).status_code == 200
    revoked = {"device_id": "8ff4e97f-6bec-4052-b81d-56e4ff84ec88"}
    answer = attempt(client, "fatima", PASSWORDS["fatima"], device=revoked)
    assert assert_problem(answer, 403, "device_not_active")["device_id"] == revoked["device_id"]


def test_a_device_of_somebody_else_is_a_new_one(client: Client) -> None:
    of_arjun = {"device_id": "dafb483d-c131-4548-abdb-c31bf80e589e"}
    assert attempt(client, "fatima", PASSWORDS["fatima"], device=of_arjun).status_code == 200


def test_four_wrong_passwords_are_counted_and_the_fifth_locks(client: Client) -> None:
    for left in (4, 3, 2, 1):
        answer = attempt(client, "fatima", "wrong")
        assert assert_problem(answer, 401, "invalid_credentials")["attempts_left"] == left
    for password in ("wrong", "wrong", PASSWORDS["fatima"]):
        answer = attempt(client, "fatima", password)
        assert assert_problem(answer, 423, "user_locked")["locked_until"].startswith("2026-01-15T09:15:00")


def test_a_right_password_forgets_the_wrong_ones(client: Client) -> None:
    for _ in range(2):
        for _ in range(4):
            attempt(client, "fatima", "wrong")
        assert attempt(client, "fatima", PASSWORDS["fatima"]).status_code == 200


def test_a_lock_leaves_open_sessions_alone(client: Client, fatima: User) -> None:
    for _ in range(5):
        attempt(client, "fatima", "wrong")
    assert fatima.get("/v1/auth/me").status_code == 200


def test_nobody_is_told_which_usernames_exist(client: Client) -> None:
    unknown = assert_problem(attempt(client, "nobody", "wrong"), 401, "invalid_credentials")
    known = assert_problem(attempt(client, "arjun", "wrong"), 401, "invalid_credentials")
    assert unknown["detail"] == known["detail"]
    assert unknown["attempts_left"] is None


def test_whoever_staff_locked_stays_locked_without_an_end(client: Client) -> None:
    assert assert_problem(attempt(client, *LOCKED), 423, "user_locked")["locked_until"] is None


def test_an_expired_password_says_so_only_to_who_knows_it(client: Client) -> None:
    expired = assert_problem(attempt(client, *EXPIRED), 403, "credentials_expired")
    assert expired["expired_at"] == "2025-12-31T21:00:00.000Z"
    assert_problem(attempt(client, EXPIRED[0], "wrong"), 401, "invalid_credentials")


def test_no_token_is_401_with_a_plain_challenge(client: Client) -> None:
    answer = client.get("/v1/accounts")
    assert_problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("value", ["Basic ZmF0aW1hOng=", "Bearer", "Bearer ", "Token abc", "abc", ""])
def test_another_scheme_is_as_good_as_no_token(client: Client, value: str) -> None:
    assert_problem(client.get("/v1/accounts", headers={"authorization": value}), 401, "unauthenticated")


def test_the_scheme_is_read_in_any_case(client: Client, fatima: User) -> None:
    headers = {"authorization": f"bEARER {fatima.tokens['access_token']}"}
    assert client.get("/v1/auth/me", headers=headers).status_code == 200


def test_a_wrong_password_is_challenged_without_talk_of_tokens(client: Client) -> None:
    assert attempt(client, "fatima", "wrong").headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "a.b.c",
        "..",
        "eyJhbGciOiJFZERTQSJ9.e30.",
        "\u00e9\u00e9.\u00e9",
        "e30.e30.e30",
        "a" * 5000,
        base64.urlsafe_b64encode(b"[" * 6000).decode() + ".x.y",
        "e30." + base64.urlsafe_b64encode(b"[" * 6000).decode().rstrip("=") + ".y",
        "eyJhbGciOiJFZERTQSJ9." + base64.urlsafe_b64encode(b'{"sbx":' * 3000).decode().rstrip("=") + ".y",
    ],
)
def test_a_malformed_token_is_401(client: Client, token: str) -> None:
    answer = client.get("/v1/auth/me", headers={"authorization": b"Bearer " + token.encode("latin-1")})
    assert_problem(answer, 401, "token_invalid")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("claim", ["\ud800", "Not An Id", "", "x" * 500, 7, None, ["default"], "default\x00"])
def test_a_token_with_an_odd_sandbox_claim_is_401(client: Client, fatima: User, claim: object) -> None:
    claims = claims_of(fatima.tokens["access_token"]) | {"sbx": claim}
    answer = bearing(client, unsigned(claims, alg="EdDSA") + "AAAA")
    assert answer.status_code in {401, 404}, answer.text
    assert_problem(answer, answer.status_code, answer.json()["code"])


def test_a_forged_token_is_401(client: Client, fatima: User) -> None:
    claims = claims_of(fatima.tokens["access_token"])
    foreign = Ed25519PrivateKey.from_private_bytes(bytes(32))
    key_id = client.get("/.well-known/jwks.json").json()["keys"][0]["kid"]
    forged = jwt.encode(claims, foreign, algorithm="EdDSA", headers={"kid": key_id})
    assert_problem(bearing(client, forged), 401, "token_invalid")


def test_a_token_whose_claims_were_changed_is_401(client: Client, fatima: User) -> None:
    head, _, signature = fatima.tokens["access_token"].split(".")
    claims = claims_of(fatima.tokens["access_token"]) | {"role": "admin"}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    assert_problem(bearing(client, f"{head}.{body}.{signature}"), 401, "token_invalid")


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE"])
def test_an_unsigned_token_is_401(client: Client, fatima: User, algorithm: str) -> None:
    token = unsigned(claims_of(fatima.tokens["access_token"]), alg=algorithm)
    assert_problem(bearing(client, token), 401, "token_invalid")


def test_a_token_signed_with_the_public_key_as_a_shared_secret_is_401(client: Client, fatima: User) -> None:
    public = client.get("/.well-known/jwks.json").json()["keys"][0]["x"]
    token = jwt.encode(claims_of(fatima.tokens["access_token"]), public.ljust(64, "="), algorithm="HS256")
    assert_problem(bearing(client, token), 401, "token_invalid")


def test_the_role_of_a_token_is_the_banks_to_say(client: Client, fatima: User) -> None:
    promoted = signed_here(client, claims_of(fatima.tokens["access_token"]) | {"role": "admin"})
    assert_problem(bearing(client, promoted, "/v1/audit-logs"), 403, "forbidden")


def test_an_expired_token_is_401_and_says_how_to_go_on(client: Client, fatima: User) -> None:
    claims = claims_of(fatima.tokens["access_token"])
    now = client.app.house.get("default").root.transport_now // SECOND
    answer = bearing(client, signed_here(client, claims | {"exp": now}))
    assert "/v1/auth/refresh" in assert_problem(answer, 401, "token_expired")["detail"]
    assert bearing(client, signed_here(client, claims | {"exp": now + 1})).status_code == 200


@pytest.mark.parametrize("missing", ["exp", "iat", "sub", "sid"])
def test_a_token_without_a_needed_claim_is_401(client: Client, fatima: User, missing: str) -> None:
    claims = claims_of(fatima.tokens["access_token"])
    del claims[missing]
    assert_problem(bearing(client, signed_here(client, claims)), 401, "token_invalid")


@pytest.mark.parametrize("exp", ["soon", None, [], {}, True, 1e300, -1, "9" * 400])
def test_a_token_with_an_odd_expiry_is_401(client: Client, fatima: User, exp: object) -> None:
    token = signed_here(client, claims_of(fatima.tokens["access_token"]) | {"exp": exp})
    answer = bearing(client, token)
    assert answer.status_code in {200, 401}, answer.text
    if answer.status_code == 401:
        assert_problem(answer, 401, answer.json()["code"])


def test_a_token_of_a_server_with_another_seed_is_401(client: Client) -> None:
    with serving(seed=7) as elsewhere:
        token = elsewhere.login().tokens["access_token"]
    assert_problem(bearing(client, token), 401, "token_invalid")


def test_a_token_of_another_sandbox_is_401_and_named(client: Client, fatima: User) -> None:
    client.post("/_sandbox/sandboxes", {"id": "t1"})
    answer = client.get("/s/t1/v1/auth/me", headers=fatima.headers)
    assert_problem(answer, 401, "token_of_other_sandbox")
    same_seed_user = client.login(at="/s/t1")
    answer = client.get("/s/default/v1/auth/me", headers=same_seed_user.headers)
    assert_problem(answer, 401, "token_of_other_sandbox")


@pytest.mark.parametrize("clock", ["virtual", "wall"])
def test_a_token_issued_before_the_last_reset_is_401(clock: str) -> None:
    with serving(transport_clock=clock) as client:
        before = client.login()
        client.post("/_sandbox/reset")
        assert_problem(before.get("/v1/auth/me"), 401, "token_invalid")
        refreshed = client.post("/v1/auth/refresh", {"refresh_token": before.tokens["refresh_token"]})
        assert_problem(refreshed, 401, "refresh_token_invalid")


def test_signing_in_again_after_a_reset_does_not_revive_older_tokens() -> None:
    with serving(transport_clock="wall") as client:
        before = client.login()
        client.post("/_sandbox/reset")
        after = client.login()
        assert after.tokens["session_id"] == before.tokens["session_id"]
        assert_problem(before.get("/v1/auth/me"), 401, "token_invalid")
        assert after.get("/v1/auth/me").status_code == 200


def test_a_refresh_token_gives_new_tokens_of_the_same_session(client: Client, fatima: User) -> None:
    answer = client.post("/v1/auth/refresh", {"refresh_token": fatima.tokens["refresh_token"]})
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == TOKENS
    assert body["session_id"] == fatima.tokens["session_id"]
    assert body["user"] == fatima.tokens["user"]
    assert body["refresh_token"] != fatima.tokens["refresh_token"]
    assert bearing(client, body["access_token"]).status_code == 200


def test_a_refresh_token_used_twice_ends_the_whole_family(client: Client, fatima: User) -> None:
    stolen = fatima.tokens["refresh_token"]
    renewed = client.post("/v1/auth/refresh", {"refresh_token": stolen}).json()
    assert_problem(client.post("/v1/auth/refresh", {"refresh_token": stolen}), 401, "refresh_token_reused")
    assert_problem(bearing(client, renewed["access_token"]), 401, "token_invalid")
    assert_problem(fatima.get("/v1/auth/me"), 401, "token_invalid")
    last = client.post("/v1/auth/refresh", {"refresh_token": renewed["refresh_token"]})
    assert_problem(last, 401, "refresh_token_invalid")


@pytest.mark.parametrize(
    "token", ["", "x", "default.", "default.unknown", "nobody.v.unknown", ".", "default.a.b", "a" * 3000]
)
def test_an_unknown_refresh_token_is_401(client: Client, token: str) -> None:
    answer = client.post("/v1/auth/refresh", {"refresh_token": token})
    assert_problem(answer, 401, "refresh_token_invalid")


def test_an_access_token_is_no_refresh_token(client: Client, fatima: User) -> None:
    answer = client.post("/v1/auth/refresh", {"refresh_token": fatima.tokens["access_token"]})
    assert_problem(answer, 401, "refresh_token_invalid")


def test_signing_out_ends_the_session_and_its_tokens(client: Client, fatima: User) -> None:
    answer = fatima.request("POST", "/v1/auth/logout")
    assert (answer.status_code, answer.content) == (204, b"")
    assert_problem(fatima.get("/v1/auth/me"), 401, "token_invalid")
    refreshed = client.post("/v1/auth/refresh", {"refresh_token": fatima.tokens["refresh_token"]})
    assert_problem(refreshed, 401, "refresh_token_invalid")


def test_signing_out_leaves_other_sessions_open(client: Client, fatima: User) -> None:
    other = client.login()
    fatima.request("POST", "/v1/auth/logout")
    assert other.get("/v1/auth/me").status_code == 200


def test_me_says_who_is_signed_in(fatima: User) -> None:
    body = fatima.get("/v1/auth/me").json()
    assert set(body) == {
        "user_id",
        "username",
        "role",
        "session_id",
        "customer_id",
        "name",
        "full_name",
        "full_name_ar",
        "email",
        "phone",
        "language",
        "last_login_at",
    }
    assert body["name"] == body["full_name"] == "Fatima Nasser Khaled Al-Saleh"
    assert body["full_name_ar"] == FATIMA_ARABIC
    assert body["session_id"] == fatima.tokens["session_id"]


@pytest.mark.parametrize(
    ("accept", "arabic"),
    [
        ("ar", True),
        ("ar-KW", True),
        ("AR", True),
        ("fr, ar;q=0.5", True),
        ("en;q=0.1, ar;q=0.9", True),
        ("en, ar", False),
        ("ar;q=0, en;q=0.1", False),
        ("ar;q=nonsense, en", False),
        ("fr", False),
        ("*", False),
        ("", False),
    ],
)
def test_names_and_titles_come_in_the_language_that_is_asked_for(fatima: User, accept: str, arabic: bool) -> None:  # noqa: FBT001
    headers = {"accept-language": accept}
    assert (fatima.get("/v1/auth/me", headers=headers).json()["name"] == FATIMA_ARABIC) is arabic
    refusal = assert_problem(fatima.get("/v1/accounts/unknown", headers=headers), 404, "not_found")
    assert refusal["title"] == ("غير موجود" if arabic else "Not found")


def test_without_a_wish_the_customers_own_language_counts(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path / "arabic")

    def speak_arabic(rows: list[dict[str, Any]]) -> None:
        rows[0]["language"] = "ar"

    edit(folder, "customer_settings", speak_arabic)
    with serving(ecosystem=str(folder)) as client:
        fatima = client.login()
        assert fatima.get("/v1/auth/me").json()["name"] == FATIMA_ARABIC
        assert fatima.get("/v1/accounts/unknown").json()["title"] == "غير موجود"
        assert fatima.get("/v1/auth/me", headers={"accept-language": "en"}).json()["name"].startswith("Fatima")
        assert client.get("/v1/auth/me").json()["title"] == "Sign in first"


def test_titles_are_arabic_before_anybody_signed_in(client: Client) -> None:
    answer = client.get("/v1/accounts", headers={"accept-language": "ar"})
    assert assert_problem(answer, 401, "unauthenticated")["title"] == "سجّل الدخول أولًا"
