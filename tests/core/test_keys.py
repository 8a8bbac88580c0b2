"""Access tokens: Ed25519 signatures that are the same bytes every time, and everything that is no token of ours."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from sandbox.core.ids import seed_key
from sandbox.core.keys import SigningKey, TokenError, peek

KEY = SigningKey(seed_key(1))
OTHER = SigningKey(seed_key(2))
CLAIMS = {"sub": "u", "iat": 1, "exp": 2}
TOKEN = KEY.sign(CLAIMS)


def encoded(value: object) -> str:
    """A part of a JWT."""
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decoded(text: str) -> bytes:
    """The bytes of a part of a JWT."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def public_bytes(key: SigningKey) -> bytes:
    """The public half."""
    return decoded(key.jwk["x"])


def hmac_token(secret: bytes, algorithm: str = "HS256") -> str:
    """A token signed by a shared secret."""
    signed = f"{encoded({'alg': algorithm, 'typ': 'JWT'})}.{encoded(CLAIMS)}"
    return f"{signed}.{encoded(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def test_a_token_gives_back_its_claims() -> None:
    assert KEY.verify(TOKEN) == CLAIMS


def test_the_same_claims_are_signed_with_the_same_bytes() -> None:
    assert SigningKey(seed_key(1)).sign(dict(CLAIMS)) == TOKEN


def test_a_token_never_changes() -> None:
    signature = "8kE2gNCYUZXYhwxDwKhIaRbuhNtv1pNwEWUP1igdHQmaNP83RQLs9r-6JhyyNtmNvqdWXhb8JGQWjlJdC_IAAQ"
    assert TOKEN.rpartition(".")[2] == signature


def test_a_token_is_signed_as_rfc_8037_says() -> None:
    signed, _, signature = TOKEN.rpartition(".")
    published = Ed25519PublicKey.from_public_bytes(public_bytes(KEY))
    published.verify(decoded(signature), signed.encode())
    with pytest.raises(InvalidSignature):
        published.verify(decoded(signature), signed.encode() + b".")


def test_a_token_names_its_algorithm_and_key() -> None:
    header = json.loads(decoded(TOKEN.split(".")[0]))
    assert header == {"alg": "EdDSA", "typ": "JWT", "kid": KEY.jwk["kid"]}


def test_the_key_is_published_with_its_rfc_7638_thumbprint() -> None:
    # RFC 8037 appendix A.3: the required members in order of name, without spaces.
    canonical = '{"crv":"Ed25519","kty":"OKP","x":"' + KEY.jwk["x"] + '"}'
    assert KEY.jwk["kid"] == encoded(hashlib.sha256(canonical.encode()).digest())


def test_the_thumbprint_is_that_of_the_example_in_rfc_8037() -> None:
    canonical = '{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'
    thumbprint = encoded(hashlib.sha256(canonical.encode()).digest())
    assert thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_published_key_holds_no_private_half() -> None:
    assert set(KEY.jwk) == {"crv", "kty", "x", "kid", "alg", "use"}
    assert len(public_bytes(KEY)) == 32


def test_every_seed_has_its_own_key() -> None:
    assert len({SigningKey(seed_key(seed)).jwk["kid"] for seed in range(20)}) == 20


def test_times_are_the_callers_to_judge() -> None:
    claims = {"sub": "u", "iat": 2**40, "nbf": 2**40, "exp": 0}
    assert KEY.verify(KEY.sign(claims)) == claims


@pytest.mark.parametrize("missing", ["sub", "iat", "exp"])
def test_a_token_without_a_needed_claim_is_refused(missing: str) -> None:
    token = KEY.sign({name: value for name, value in CLAIMS.items() if name != missing})
    with pytest.raises(TokenError, match=missing):
        KEY.verify(token)


def forged_claims() -> str:
    """Another user under the same signature."""
    header, _, signature = TOKEN.split(".")
    return f"{header}.{encoded(CLAIMS | {'sub': 'admin'})}.{signature}"


def unsigned(name: str) -> str:
    """A token of no algorithm."""
    return f"{encoded({'alg': name, 'typ': 'JWT'})}.{encoded(CLAIMS)}."


def unprotected_header() -> str:
    """The right signature under another header."""
    _, claims, signature = TOKEN.split(".")
    return f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{claims}.{signature}"


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(forged_claims(), id="forged claims"),
        pytest.param(OTHER.sign(CLAIMS), id="signed by another key"),
        pytest.param(unsigned("none"), id="algorithm none"),
        pytest.param(unsigned("None"), id="algorithm None"),
        pytest.param(unprotected_header(), id="algorithm none with a signature"),
        pytest.param(hmac_token(public_bytes(KEY)), id="the public key as HS256 secret"),
        pytest.param(hmac_token(b""), id="HS256 with an empty secret"),
        pytest.param(hmac_token(b"x" * 32, "EdDSA"), id="an HMAC that says EdDSA"),
        pytest.param(TOKEN[:-1], id="cut short"),
        pytest.param(TOKEN + "A", id="too long"),
        pytest.param(TOKEN.rpartition(".")[0] + ".", id="without signature"),
        pytest.param(TOKEN.rpartition(".")[0] + "." + encoded(bytes(64)), id="a signature of zeros"),
        pytest.param("", id="empty"),
        pytest.param("..", id="only dots"),
        pytest.param("a.b.c", id="no base64"),
        pytest.param("é.é.é", id="no ASCII"),
        pytest.param("\ud800.a.b", id="half a surrogate pair"),
        pytest.param(f"{encoded([])}.{encoded(CLAIMS)}.", id="a header that is no object"),
        pytest.param(f"{encoded({'alg': 5})}.{encoded(CLAIMS)}.", id="an algorithm that is no text"),
        pytest.param(f"{encoded(b'[' * 5_000)}.{encoded(CLAIMS)}.", id="a header nested deeply"),
    ],
)
def test_what_is_no_token_of_ours_is_refused(token: str) -> None:
    with pytest.raises(TokenError):
        KEY.verify(token)


def test_claims_that_are_no_object_are_refused() -> None:
    header = TOKEN.split(".")[0]
    with pytest.raises(TokenError):
        KEY.verify(f"{header}.{encoded([1])}.{encoded(bytes(64))}")


@given(st.text(max_size=200))
def test_no_text_makes_verifying_fail_otherwise(text: str) -> None:
    with pytest.raises(TokenError):
        KEY.verify(text)


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from("ABCxyz019-_."))
def test_no_changed_letter_goes_unseen(place: int, letter: str) -> None:
    changed = TOKEN[:place] + letter + TOKEN[place + 1 :]
    if changed == TOKEN:
        return
    # The last letter of a base64 text may carry unused bits: then the bytes are the same, and only then.
    same_bytes = changed[:-1] == TOKEN[:-1] and decoded(changed.split(".")[-1]) == decoded(TOKEN.split(".")[-1])
    if not same_bytes:
        with pytest.raises(TokenError):
            KEY.verify(changed)


def test_peeking_reads_the_claims_of_any_token() -> None:
    assert peek(forged_claims())["sub"] == "admin"
    assert peek(OTHER.sign(CLAIMS)) == CLAIMS


@pytest.mark.parametrize("token", ["", "a.b.c", "nonsense", "é", f"{encoded({'alg': 'EdDSA'})}.{encoded([1])}."])
def test_peeking_at_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(TokenError):
        peek(token)


def test_claims_of_many_kinds_survive() -> None:
    claims: dict[str, Any] = CLAIMS | {"sbx": "t1", "gen": 3, "roles": ["a"], "name": "فاطمة"}
    assert KEY.verify(KEY.sign(claims)) == claims
