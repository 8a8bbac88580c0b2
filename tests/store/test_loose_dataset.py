"""A folder as somebody else has it, `tests/ecosystems/loose`: what it has in a looser form loads, and is served."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from support import VIRTUAL, Client

from sandbox.core.clock import format_instant
from sandbox.sandboxes.compiling import compile_files, compile_image
from sandbox.store.ecosystem import load
from sandbox.store.zips import unzipped

LOOSE = Path(__file__).resolve().parents[1] / "ecosystems" / "loose"
SETTINGS = structs.replace(VIRTUAL, ecosystem=str(LOOSE), default_password="Welcome-2026!")


@pytest.fixture(scope="module")
def bank() -> Iterator[Client]:
    """The folder, served; only read."""
    client = Client(SETTINGS)
    yield client
    client.close()


def record(bank: Client, path: str) -> Any:
    answer = bank.get(f"/_data/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def exported_files(bank: Client) -> dict[str, bytes]:
    return unzipped(bank.get("/_sandbox/export").content, most_bytes=1_000_000)


def test_without_a_manifest_the_folder_names_the_bank_and_the_latest_record_its_time() -> None:
    manifest = load(LOOSE).raw.manifest
    assert manifest.name == "loose"
    assert format_instant(manifest.as_of) == "2026-05-04T15:30:00.000Z"


def test_only_the_simulated_hashes_are_odd() -> None:
    odd = [(failure.file, failure.record, failure.field) for failure in load(LOOSE).warnings]
    assert odd == [("credentials.json", f"[{place}] USR-{place + 1}", "password_hash") for place in (0, 1)]


@pytest.mark.parametrize(
    ("path", "field", "amount"),
    [
        ("accounts/ACC-01", "balance", "1287.350"),
        ("accounts/ACC-02", "balance", "8000.000"),
        ("accounts/ACC-03", "balance", "361.500"),
        ("accounts/ACC-04", "balance", "0.000"),
        ("transactions/TXN-000001", "amount", "1650.000"),
        ("transactions/TXN-000002", "amount", "12.750"),
        ("transactions/TXN-000003", "amount", "490.000"),
        ("transactions/TXN-000007", "amount", "32.500"),
        ("savings_goals/GOAL-1", "target_amount", "2500.000"),
    ],
)
def test_amounts_are_read_from_numbers_and_texts_alike(bank: Client, path: str, field: str, amount: str) -> None:
    assert record(bank, path)[field] == amount


def test_a_simulated_hash_signs_in_with_the_default_password_alone(bank: Client) -> None:
    refused = bank.post("/v1/auth/login", {"username": "shaikha", "password": "$2b$12$simulated.hash.of.shaikha"})
    assert refused.status_code == 401
    balances = [account["balances"]["booked"]["amount"] for account in bank.login("rajesh", "Welcome-2026!").accounts()]
    assert balances == ["361.500"]


def test_without_a_default_password_nobody_signs_in_on_a_simulated_hash() -> None:
    bank = Client(structs.replace(SETTINGS, default_password=None))
    try:
        assert bank.post("/v1/auth/login", {"username": "rajesh", "password": "Welcome-2026!"}).status_code == 401
        assert bank.login("ghanima", "Ghanima-2026!").accounts()
    finally:
        bank.close()


def test_plain_secrets_are_hashed_and_not_kept(bank: Client) -> None:
    exported = exported_files(bank)
    for secret in (b"Ghanima-2026!", b"0042", b"9021"):
        assert secret not in exported["credentials.json"]
    assert exported["credentials.json"].count(b"$argon2id$") == 6, "a password and a PIN of each of three users"


def test_fields_of_its_own_are_kept_as_they_are(bank: Client) -> None:
    customer = record(bank, "customers/CUST-0001")
    own = {"gender": "F", "monthly_income": 1650.0, "risk_score": 0.125, "tags": ["mobile first", "travels"]}
    assert {name: customer[name] for name in own} == own
    assert record(bank, "transactions/TXN-000003")["location"] == {"lat": 29.3117, "lon": 48.0742}
    assert [found["transaction_id"] for found in record(bank, "transactions?is_fraud=false")] == ["TXN-000002"]
    assert record(bank, "mfa_settings/USR-1")["methods"] == [{"type": "TOTP", "secret": "simulated"}]


def test_collections_of_its_own_are_served(bank: Client) -> None:
    assert [branch["name"] for branch in record(bank, "branches?governorate=Ahmadi")] == ["Fahaheel"]
    assert record(bank, "exchange_rates")["rates"]["INR"] == 288.12
    assert record(bank, "loyalty_points/LP-2")["points"] == 75


def test_the_ledger_of_it_is_sound_and_its_export_is_the_same_bank(bank: Client) -> None:
    bank.assert_sound()
    again = compile_files("again", exported_files(bank), SETTINGS)
    assert again.facts.digest == bank.digest()


def test_a_year_on_it_still_loads() -> None:
    assert compile_image(LOOSE, SETTINGS, weeks=52).facts.digest != compile_image(LOOSE, SETTINGS).facts.digest
