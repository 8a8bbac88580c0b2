"""What follows from the movements: every record tells what the ledger tells, in both languages, and loads."""

import re
import string
from collections import Counter, defaultdict
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from synth.chunks import SEED, TODAY, TOMORROW, Chunk, chunk

from sandbox.core.clock import DAY, HOUR, KUWAIT_OFFSET, NEVER, format_instant, parse_instant
from sandbox.core.money import format_fils
from sandbox.store.ecosystem import load_files
from sandbox.synth import accounts, transfers
from sandbox.synth.cast import CAST, logins
from sandbox.synth.chunk import make_chunk
from sandbox.synth.facts import at_work, awake, is_working_day, working_days_after
from sandbox.synth.model import ATM, CATEGORIES, CHANNELS, COMPLETED, FAILED, NONE, REVERSED, Recipe, Span
from sandbox.synth.naming import muslim
from sandbox.synth.phrases import amount, phrases
from sandbox.synth.profile import settings_records
from sandbox.synth.signins import ACTS_WITHIN, kept_since
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
        "transfers": transfers.records(of.posted, of.accounts, users, users, of.texts, seed=SEED),
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


def test_the_bank_decides_within_ten_working_days_and_gives_money_back_then() -> None:
    of = chunk(500)
    place = {transaction_id: place for place, transaction_id in enumerate(of.posted.id)}
    won = 0
    for row in of.records["dispute_records"]:
        if row["resolved_at"] is None:
            continue
        opened, resolved = (parse_instant(str(row[field])) for field in ("opened_at", "resolved_at"))
        at = place[str(row["transaction_id"])]
        assert resolved <= at_work(opened, 10) + DAY
        assert is_working_day(local_day(resolved))
        if of.posted.status[at] == COMPLETED:
            assert local_day(resolved) >= working_days_after(local_day(opened), 3)
        if row["status"] == "WON":
            won += 1
            given_back = int(of.posted.reversed_at[at])
            assert local_day(opened) <= working_days_after(local_day(resolved), -3)
            assert given_back <= resolved
            assert working_days_after(local_day(given_back), 0) == local_day(resolved)
    assert won > 10


def test_what_was_bought_says_why_it_is_contested() -> None:
    of = chunk(500)
    place = {transaction_id: place for place, transaction_id in enumerate(of.posted.id)}
    goods = {"ONLINE_SHOPPING", "CLOTHING", "ELECTRONICS", "HOME", "JEWELLERY"}
    seen = set()
    for row in of.records["dispute_records"]:
        at, reason = place[str(row["transaction_id"])], str(row["reason"])
        category = CATEGORIES[of.posted.movements.category[at]]
        channel = CHANNELS[of.posted.movements.channel[at]]
        failed = of.posted.status[at] == FAILED
        seen.add((channel, failed))
        if re.search("Goods|ordered|Order|البضاعة|الطلب", reason):
            assert category in goods
        if re.search("Subscription|الاشتراك", reason):
            assert category == "SUBSCRIPTIONS"
        if re.search("Booking|الحجز", reason):
            assert category == "TRAVEL"
        if re.search("machine|cash came|ithdrawal|الجهاز|السحب", reason):
            assert channel == "ATM"
        if category in {"UTILITIES", "GOVERNMENT", "TELECOM"} and not failed:
            assert "twice" in reason or "مرتين" in reason
        if failed and ("there was money" in reason or "توفر الرصيد" in reason):
            assert not of.texts.listed[of.posted.movements.text[at]].endswith("insufficient funds")
    assert seen >= {("ONLINE", False), ("POS", True), ("ATM", False)}


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


def goal_names(of: Chunk, who: set[int]) -> set[object]:
    """What the customers at some positions save for, in both languages' names turned to English."""
    english = {option[language]: option["en"] for option in phrases()["goals"] for language in ("en", "ar")}
    wanted = {of.access.customer_ids[position] for position in who}
    return {english[row["name"]] for row in of.records["savings_goals"] if row["customer_id"] in wanted}


def test_goals_fit_the_lives_of_those_who_have_them() -> None:
    of = chunk(500)
    people = of.people
    believers = muslim(people, seed=SEED)
    others = set(np.flatnonzero(~believers).tolist())
    assert others
    assert not goal_names(of, others) & {"Umrah with the family", "Hajj"}
    assert goal_names(of, set(np.flatnonzero(believers).tolist())) & {"Umrah with the family", "Hajj"}
    assert not goal_names(of, set(np.flatnonzero(people.kuwaiti).tolist())) & {
        "Tickets home for the summer", "House back home",
    }  # fmt: skip


def test_goals_fit_the_profiles_of_a_whole_bank() -> None:
    recipe = Recipe(customers=500, months=2, seed=SEED, as_of=parse_instant(TODAY))
    pieces = make_chunk(recipe, Span(0, 500), "jsonl").pieces
    customers, goals = (
        [msgspec.json.decode(line) for line in pieces[name].splitlines()] for name in ("customers", "savings_goals")
    )
    english = {option[language]: option["en"] for option in phrases()["goals"] for language in ("en", "ar")}
    named = defaultdict(set)
    for goal in goals:
        named[goal["customer_id"]].add(english[goal["name"]])
    seen = Counter[str]()
    for customer in customers:
        mine = named[customer["customer_id"]]
        seen.update(mine)
        if customer["marital_status"] == "MARRIED":
            assert "Wedding" not in mine
        if customer["segment"] == "STUDENT" or customer["nationality"] == "KW":
            assert not mine & {"Tickets home for the summer", "House back home"}
        if customer["nationality"] == "TR":
            assert "Summer trip to Istanbul" not in mine
    assert min(seen[name] for name in ("Wedding", "Tickets home for the summer", "Summer trip to Istanbul")) > 0


def test_goals_cost_what_half_a_year_to_two_years_bring(made: Chunk) -> None:
    income = dict(zip(made.access.customer_ids, (made.people.income + made.people.other_income).tolist(), strict=True))
    for row in made.records["savings_goals"]:
        target = int(str(row["target_amount"]).replace(".", ""))
        assert target <= max(24 * income[str(row["customer_id"])] // 4, 24 * 20_000) + 50_000


def test_some_goals_are_reached() -> None:
    states = Counter(row["status"] for row in chunk(500).records["savings_goals"])
    assert 0.04 < states["COMPLETED"] / states.total() < 0.2


def test_a_card_that_is_gone_pays_nothing_until_there_is_another() -> None:
    of = chunk(500)
    current = {of.access.customer_ids[holder]: place for place, holder in enumerate(of.accounts.holder.tolist())
               if of.accounts.kind[place] == 0}  # fmt: skip
    moved = of.posted.movements
    seen = 0
    for row in of.records["service_requests"]:
        subject = str(row["subject"])
        if not re.search("Card lost|Card kept|فقدان|احتجاز", subject):
            continue
        seen += 1
        since, until = (parse_instant(str(row[field])) for field in ("created_at", "updated_at"))
        uses = np.flatnonzero(
            (moved.account == current[str(row["customer_id"])]) & ~moved.credit & (moved.merchant != NONE)
        )
        assert not ((moved.at[uses] > since) & (moved.at[uses] < until)).any()
        before = uses[moved.at[uses] <= since][-1]
        assert "kept" not in subject or moved.channel[before] == ATM
        assert since - moved.at[before] < 2 * DAY
    assert seen > 20


def test_requests_fit_the_lives_of_those_who_ask() -> None:
    of = chunk(500)
    place = {customer_id: position for position, customer_id in enumerate(of.access.customer_ids)}
    for row in of.records["service_requests"]:
        who = place[str(row["customer_id"])]
        income = int(of.people.income[who] + of.people.other_income[who])
        assert row["request_type"] != "CHEQUE_BOOK" or income >= 600_000
        if re.search("Salary certificate|IBAN letter|شهادة", str(row["subject"])):
            assert of.people.sector[who] in {1, 2}


def test_a_dormant_account_is_asked_about_after_it_was_set_aside_and_nothing_is_settled_yet() -> None:
    of = chunk(500)
    told = {
        row["related_entity_id"]: row["sent_at"] for row in of.records["notifications"]
        if row["type"] in {"ACCOUNT_DORMANT", "ACCOUNT_FROZEN"}
    }  # fmt: skip
    by_ending = {
        (of.access.customer_ids[holder], number[-4:]): account_id
        for holder, number, account_id in zip(
            of.accounts.holder.tolist(), of.accounts.number, of.accounts.id, strict=True
        )
    }
    seen = 0
    for row in of.records["service_requests"]:
        if not re.search("dormant|frozen|جامد|التجميد", str(row["subject"])):
            continue
        ending = re.search(r"\d{4}", str(row["description"]))
        assert ending is not None
        account_id = by_ending[str(row["customer_id"]), ending[0]]
        assert row["status"] in {"OPEN", "IN_PROGRESS"}
        assert account_id not in told or str(told[account_id]) < str(row["created_at"])
        seen += 1
    assert seen > 5


def test_what_is_done_by_hand_comes_with_a_session_and_nothing_after_a_bar() -> None:
    of = chunk(500)
    users, moved = of.access.users, of.posted.movements
    sessions = defaultdict(list)
    for row in of.records["login_sessions"]:
        sessions[str(row["user_id"])].append((parse_instant(str(row["started_at"])), row["ip_address"]))
    barred = dict(zip(users.id, users.barred_at.tolist(), strict=True))
    done = Counter[str]()
    for row in of.records["audit_logs"]:
        action, at = str(row["action"]), parse_instant(str(row["created_at"]))
        if action not in {"TRANSFER_SETTLED", "DISPUTE_OPENED"} or at < kept_since(of.window):
            continue
        user_id, address = str(row["user_id"]), row["ip_address"]
        done[f"{action} {address is not None}"] += 1
        if address is not None:
            assert at < barred[user_id]
            assert any(0 < at - begun <= ACTS_WITHIN and address == its for begun, its in sessions[user_id])
        else:
            assert action == "TRANSFER_SETTLED"
            assert row["severity"] == "INFO"
    assert min(done[key] for key in ("TRANSFER_SETTLED True", "TRANSFER_SETTLED False", "DISPUTE_OPENED True")) > 5
    payer = {int(pair): account for pair, account, credit in zip(
        moved.pair.tolist(), moved.account.tolist(), moved.credit.tolist(), strict=True) if not credit}  # fmt: skip
    for pair, account, at in zip(moved.pair.tolist(), moved.account.tolist(), moved.at.tolist(), strict=True):
        if pair == NONE or at < kept_since(of.window):
            continue
        sender = int(of.accounts.holder[payer[pair]])
        if of.accounts.holder[account] != sender and users.barred_at[sender] == NEVER:
            assert any(0 < at - begun <= ACTS_WITHIN for begun, _ in sessions[users.id[sender]])


def test_requests_come_with_a_session(made: Chunk) -> None:
    users = {row["customer_id"]: row["user_id"] for row in made.records["auth_users"]}
    begun = defaultdict(list)
    for row in made.records["login_sessions"]:
        begun[row["user_id"]].append(parse_instant(str(row["started_at"])))
    for row in made.records["service_requests"]:
        at = parse_instant(str(row["created_at"]))
        if at >= kept_since(made.window):
            assert any(0 < at - moment <= ACTS_WITHIN for moment in begun[users[row["customer_id"]]])


def test_staff_act_on_working_days_while_they_are_signed_in() -> None:
    of = chunk(500)
    users = of.access.users
    admin = next(user_id for user_id, role in zip(users.id, users.role, strict=True) if role == "ADMIN")
    begun = {
        local_day(parse_instant(str(row["started_at"]))): row["ip_address"]
        for row in of.records["login_sessions"]
        if row["user_id"] == admin
    }
    acts = [row for row in of.records["audit_logs"] if row["user_id"] == admin and str(row["action"]).endswith(
        ("SUSPENDED", "FROZEN"))]  # fmt: skip
    assert {row["action"] for row in acts} == {"USER_SUSPENDED", "ACCOUNT_FROZEN"}
    for row in acts:
        at = parse_instant(str(row["created_at"]))
        assert is_working_day(local_day(at))
        assert 8 * HOUR <= (at + KUWAIT_OFFSET) % DAY <= 14 * HOUR
        if at >= kept_since(of.window):
            assert begun[local_day(at)] == row["ip_address"]


def test_customers_hear_from_the_bank_as_they_want_and_not_at_night() -> None:
    of = chunk(500)
    wanted = {row["customer_id"]: row for row in settings_records(of.people, SEED)}
    ids_of = dict(zip([row["customer_id"] for row in of.customers], wanted.values(), strict=True))
    security = {"USER_LOCKED", "USER_SUSPENDED", "NEW_DEVICE", "CREDENTIALS_EXPIRED"}
    at_once = {"USER_LOCKED", "NEW_DEVICE", "CARD_PAYMENT", "CASH_WITHDRAWN", "PAYMENT_DECLINED"}
    for row in of.records["notifications"]:
        settings = ids_of[row["customer_id"]]
        channels = settings["channels"]
        assert isinstance(channels, dict)
        if settings["notifications_enabled"]:
            assert channels[str(row["channel"]).lower()], row["type"]
        else:
            assert row["type"] in security
        time = (parse_instant(str(row["sent_at"])) + KUWAIT_OFFSET) % DAY
        assert row["type"] in at_once or time >= 7 * HOUR, row["type"]


def test_night_ends_between_eight_and_nine() -> None:
    for text in ("2026-01-08T21:30:00Z", "2026-01-09T03:59:59.999Z"):
        assert "05:00" <= format_instant(awake(parse_instant(text)))[11:16] < "06:00"
        assert format_instant(awake(parse_instant(text)))[:10] == "2026-01-09"
    assert awake(parse_instant("2026-01-09T05:00:00Z")) == parse_instant("2026-01-09T05:00:00Z")


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
    welcomed = [row for row in about if "type" in row]
    assert [row["type"] for row in welcomed] == ["WELCOME"]
    assert (made.window.last - local_day(parse_instant(str(welcomed[0]["sent_at"])))).days == 1
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
        made.posted, made.accounts, made.access.users.id, made.access.users.id, made.texts, seed=SEED)}  # fmt: skip
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
