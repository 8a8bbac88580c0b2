"""What follows from the movements: every record tells what the ledger tells, in both languages, and loads."""

import re
import string
from collections import Counter, defaultdict
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from synth.chunks import SEED, TODAY, TOMORROW, Chunk, chunk

from sandbox.core.clock import format_instant, parse_instant
from sandbox.core.money import format_fils
from sandbox.store.ecosystem import load_files
from sandbox.synth import accounts, transfers
from sandbox.synth.cast import CAST, logins
from sandbox.synth.facts import at_work
from sandbox.synth.model import COMPLETED, FAILED, REVERSED
from sandbox.synth.phrases import amount, phrases
from sandbox.synth.window import local_day
from sandbox.synth.writing import lines, transaction_lines

ARABIC = re.compile(r"[\u0600-\u06ff]")
RELATED = {
    "TRANSACTION": "transactions", "ACCOUNT": "accounts", "USER": "auth_users", "DEVICE": "registered_devices",
    "DISPUTE": "dispute_records", "REQUEST": "service_requests", "GOAL": "savings_goals",
}  # fmt: skip


@pytest.fixture(scope="module")
def made() -> Chunk:
    return chunk(240)


def files(of: Chunk) -> dict[str, bytes]:
    """The chunk as an ecosystem's files."""
    manifest = {"name": "chunk", "as_of": format_instant(of.window.as_of), "logins": logins()}
    users = of.access.users.id
    found = {"ecosystem.json": msgspec.json.encode(manifest)}
    others = of.records | {
        "customers": of.customers,
        "accounts": accounts.records(of.accounts, of.access.customer_ids, of.posted.balance),
        "transfers": transfers.records(of.posted, of.accounts, users, of.texts, seed=SEED),
    }
    found |= {f"{name}.jsonl": lines(name, rows, "jsonl") for name, rows in others.items()}
    found["transactions.jsonl"] = transaction_lines(
        of.posted,
        of.accounts,
        of.merchants,
        of.texts,
        "jsonl",
        holders=[of.access.customer_ids[position] for position in of.accounts.holder.tolist()],
        transfers=transfers.transfer_ids(of.posted.movements, seed=SEED),
    )
    return found


def ids(of: Chunk) -> dict[str, set[object]]:
    """The ids that there are, by collection."""
    listed = {name: {next(iter(row.values())) for row in rows} for name, rows in of.records.items()}
    return listed | {"transactions": set(of.posted.id), "accounts": set(of.accounts.id)}


def texts_of(found: object) -> Iterator[dict[str, str]]:
    """All pairs of English and Arabic texts below a part of `texts.json`."""
    if isinstance(found, dict) and {"en", "ar"} <= found.keys():
        if isinstance(found["en"], str):
            yield found
        return
    for below in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
        yield from texts_of(below)


@pytest.mark.parametrize(
    ("count", "as_of", "months"),
    [
        (60, TODAY, 12),
        (240, TODAY, 12),
        (13, "2026-03-19T09:00:00Z", 3),
        (30, "2021-02-28T21:00:00.000001Z", 1),
        (30, "2030-12-30T20:59:59.999Z", 2),
    ],
)
def test_a_chunk_keeps_every_rule_of_an_ecosystem(count: int, as_of: str, months: int) -> None:
    loaded = load_files("chunk", files(chunk(count, as_of=as_of, months=months)))
    assert {warning.field for warning in loaded.warnings} <= {"mfa_enabled"}


def test_there_is_as_much_of_everything_as_a_demo_needs(made: Chunk) -> None:
    wanted = {
        "savings_goals": (0.5, 1.0), "dispute_records": (0.1, 0.6), "service_requests": (0.4, 0.9),
        "notifications": (7, 16), "audit_logs": (11, 20),
    }  # fmt: skip
    for collection, (least, most) in wanted.items():
        assert least <= len(made.records[collection]) / made.people.count <= most, collection


def test_the_same_recipe_gives_the_same_records() -> None:
    assert chunk.__wrapped__(60).records == chunk(60).records


def test_a_bank_of_tomorrow_keeps_most_ids() -> None:
    today, tomorrow = chunk(), chunk(as_of=TOMORROW)
    kept = ids(tomorrow)
    about_cards = {"CARD_PAYMENT", "PAYMENT_DECLINED", "REFUND_RECEIVED", "DISPUTE_OPENED", "DISPUTE_UPDATED"}
    about_cards |= {"CASH_WITHDRAWN", "PURCHASE_DECLINED"}
    for collection in ("savings_goals", "service_requests", "notifications", "audit_logs"):
        # The card payments of these columns are laid out from the window's first day on, and so have other keys.
        rows = [row for row in today.records[collection] if not {row.get("type"), row.get("action")} & about_cards]
        known = {next(iter(row.values())) for row in rows}
        assert len(known & kept[collection]) >= 0.9 * len(known), collection


def test_ids_are_unique_across_chunks() -> None:
    here, there = ids(chunk()), ids(chunk(40, first=500))
    for collection, known in here.items():
        assert not known & there[collection], collection
    assert all(len(rows) == len({next(iter(row.values())) for row in rows}) for rows in chunk().records.values())


def test_disputes_tell_the_story_of_the_ledger(made: Chunk) -> None:
    posted = made.posted
    place = {transaction_id: place for place, transaction_id in enumerate(posted.id)}
    wanted = {
        "WON": {REVERSED}, "PROVISIONAL_CREDIT": {REVERSED}, "LOST": {COMPLETED}, "WITHDRAWN": {COMPLETED, FAILED},
        "OPEN": {COMPLETED, FAILED}, "UNDER_REVIEW": {COMPLETED, FAILED},
    }  # fmt: skip
    for row in made.records["dispute_records"]:
        at = place[str(row["transaction_id"])]
        status = int(posted.status[at])
        assert status in wanted[str(row["status"])]
        assert bool(posted.disputed[at]) == (status != FAILED)
        assert row["amount"] == format_fils(int(posted.movements.amount[at]))
        assert (row["resolved_at"] is not None) == (row["status"] in {"WON", "LOST", "WITHDRAWN"})
        opened = parse_instant(str(row["opened_at"]))
        assert posted.movements.at[at] < opened <= made.window.as_of
        if status == REVERSED:
            assert opened < posted.reversed_at[at]
        if row["resolved_at"] is not None:
            assert opened < parse_instant(str(row["resolved_at"])) <= made.window.as_of


def test_disputes_come_in_many_states() -> None:
    states = Counter(row["status"] for row in chunk(500).records["dispute_records"])
    assert states.keys() >= {"UNDER_REVIEW", "WON", "LOST", "WITHDRAWN"}


def test_only_contested_movements_are_marked(made: Chunk) -> None:
    marked = {made.posted.id[place] for place in np.flatnonzero(made.posted.disputed).tolist()}
    assert marked <= {row["transaction_id"] for row in made.records["dispute_records"]}


def test_goals_promise_no_more_than_the_account_holds(made: Chunk) -> None:
    balance = dict(zip(made.accounts.id, made.posted.balance.tolist(), strict=True))
    saved: dict[str, int] = defaultdict(int)
    for row in made.records["savings_goals"]:
        fils = int(str(row["current_amount"]).replace(".", ""))
        saved[str(row["account_id"])] += fils
        assert (row["status"] == "COMPLETED") == (row["current_amount"] == row["target_amount"])
        assert row["status"] != "CANCELLED" or fils == 0
    assert saved
    assert all(0 <= fils <= balance[account_id] for account_id, fils in saved.items())


def test_nobody_saves_for_the_same_thing_twice(made: Chunk) -> None:
    pairs = [(row["customer_id"], row["name"]) for row in made.records["savings_goals"]]
    assert len(pairs) == len(set(pairs))


def test_messages_are_about_records_that_there_are(made: Chunk) -> None:
    known = ids(made)
    kinds = Counter(row["type"] for row in made.records["notifications"])
    for row in made.records["notifications"]:
        assert row["related_entity_id"] in known[RELATED[str(row["related_entity_type"])]], row["type"]
        assert parse_instant(str(row["sent_at"])) <= made.window.as_of
    assert kinds.keys() >= {
        "SALARY_RECEIVED", "CARD_PAYMENT", "PAYMENT_DECLINED", "REFUND_RECEIVED", "STATEMENT_READY", "NEW_DEVICE",
        "USER_LOCKED", "USER_SUSPENDED", "CREDENTIALS_EXPIRED", "ACCOUNT_FROZEN", "ACCOUNT_DORMANT",
        "REQUEST_UPDATED", "DISPUTE_OPENED", "DISPUTE_UPDATED", "GOAL_REACHED", "WELCOME",
    }  # fmt: skip


def test_messages_go_to_the_customer_that_they_are_about(made: Chunk) -> None:
    holders = [made.access.customer_ids[position] for position in made.accounts.holder.tolist()]
    owner = dict(zip(made.accounts.id, holders, strict=True))
    owner |= {
        transaction_id: holders[account]
        for transaction_id, account in zip(made.posted.id, made.posted.movements.account.tolist(), strict=True)
    }
    for row in made.records["notifications"]:
        if row["related_entity_type"] in {"ACCOUNT", "TRANSACTION"}:
            assert row["customer_id"] == owner[str(row["related_entity_id"])]


def test_messages_are_written_out_in_both_languages(made: Chunk) -> None:
    for row in made.records["notifications"]:
        for field in ("title", "body"):
            english, arabic = str(row[field]), str(row[f"{field}_ar"])
            assert english.strip(), row["type"]
            assert ARABIC.search(arabic), row["type"]
            assert not ARABIC.search(english), row["type"]
            assert not {"{", "}"} & set(english + arabic)


def test_a_refusal_says_why(made: Chunk) -> None:
    reasons = {reason["en"] for reason in phrases()["decline_reasons"].values()}
    told = [str(row["body"]) for row in made.records["notifications"] if row["type"] == "PAYMENT_DECLINED"]
    assert told
    assert all(any(f": {reason}. Nothing" in body for reason in reasons) for body in told)
    assert not any(phrases()["decline_reasons"][""]["en"] in body for body in told)


def test_old_messages_are_read_rather_than_new_ones() -> None:
    rows = chunk(500).records["notifications"]
    border = "2026-01-05"
    read = {
        is_old: [row["status"] == "READ" for row in rows if (str(row["sent_at"]) < border) == is_old]
        for is_old in (True, False)
    }
    assert np.mean(read[True]) > 0.8
    assert np.mean(read[False]) < 0.5


def test_customers_write_in_their_language(made: Chunk) -> None:
    arabic = dict(zip(made.access.customer_ids, made.people.arabic.tolist(), strict=True))
    written = [(row["customer_id"], row["subject"]) for row in made.records["service_requests"]]
    written += [(row["customer_id"], row["reason"]) for row in made.records["dispute_records"]]
    written += [(row["customer_id"], row["name"]) for row in made.records["savings_goals"]]
    assert all(bool(ARABIC.search(str(said))) == arabic[str(who)] for who, said in written)


def test_requests_have_moved_unless_they_are_open(made: Chunk) -> None:
    rows = made.records["service_requests"]
    for row in rows:
        assert (row["updated_at"] is None) == (row["status"] == "OPEN")
        last = str(row["updated_at"] or row["created_at"])
        assert str(row["created_at"]) <= last <= format_instant(made.window.as_of)
    assert {row["request_type"] for row in rows} == {"CARD_REPLACEMENT", "CHEQUE_BOOK", "GENERAL_INQUIRY", "OTHER"}


def test_newcomers_are_welcomed_and_nothing_else(made: Chunk) -> None:
    dana = made.access.customer_ids[next(place for place, member in enumerate(CAST) if member.newcomer)]
    about = [row for rows in made.records.values() for row in rows if row.get("customer_id") == dana]
    assert [row["type"] for row in about if "type" in row] == ["WELCOME"]
    assert len(about) == 2  # with the user


def test_five_wrong_passwords_lead_to_a_lock(made: Chunk) -> None:
    yousef = made.access.users.id[next(place for place, member in enumerate(CAST) if member.username == "yousef")]
    mine = [row for row in made.records["audit_logs"] if row["user_id"] == yousef]
    assert [row["action"] for row in mine[-6:]] == ["SIGN_IN_REFUSED"] * 5 + ["USER_LOCKED"]
    assert mine[-1]["severity"] == "CRITICAL"
    assert len({row["ip_address"] for row in mine[-6:]}) == 1


def test_the_trail_is_in_order_and_has_what_happened(made: Chunk) -> None:
    rows = made.records["audit_logs"]
    times = [str(row["created_at"]) for row in rows]
    assert times == sorted(times)
    assert times[-1] <= format_instant(made.window.as_of)
    sessions = {row["session_id"] for row in made.records["login_sessions"]}
    assert {row["related_entity_id"] for row in rows if row["action"] == "SIGNED_IN"} == sessions
    known = set().union(*ids(made).values())
    known |= {row["transfer_id"] for row in transfers.records(
        made.posted, made.accounts, made.access.users.id, made.texts, seed=SEED)}  # fmt: skip
    assert all(row["related_entity_id"] in known for row in rows)
    assert {row["action"] for row in rows} >= {
        "SIGNED_OUT", "SIGN_IN_REFUSED", "CODE_SENT", "CODE_ACCEPTED", "TRANSFER_SETTLED", "PURCHASE_DECLINED",
        "DISPUTE_OPENED", "ACCOUNT_FROZEN", "ACCOUNT_DORMANT", "USER_SUSPENDED", "CREDENTIALS_EXPIRED",
    }  # fmt: skip


def test_every_text_has_the_same_words_to_fill_in_both_languages() -> None:
    pairs = list(texts_of(phrases()))
    assert len(pairs) > 100
    for pair in pairs:
        english, arabic = ({name for _, name, _, _ in string.Formatter().parse(pair[each])} for each in ("en", "ar"))
        assert english - {None} == arabic - {None}, pair["en"]
        assert ARABIC.search(pair["ar"])
        assert not ARABIC.search(pair["en"])


def test_the_bank_answers_while_it_is_open() -> None:
    thursday_night = parse_instant("2026-01-08T21:30:00Z")
    answered = at_work(thursday_night)
    assert local_day(answered).isoformat() == "2026-01-11"
    assert "05:30" <= format_instant(answered)[11:16] <= "10:30"


def test_amounts_are_written_as_letters_write_them() -> None:
    assert (amount(1_620_500), amount(5), amount(999_999_999)) == ("1,620.500", "0.005", "999,999.999")


def test_whoever_signs_in_as_fatima_finds_a_goal_a_request_and_a_dispute(made: Chunk) -> None:
    fatima = made.access.customer_ids[0]
    for collection in ("savings_goals", "service_requests", "dispute_records"):
        assert any(row["customer_id"] == fatima for row in made.records[collection]), collection
