"""Users, credentials, devices and sessions: who comes in, from where, and who does not."""

import ipaddress
from collections import Counter
from itertools import pairwise

import pytest
from synth.chunks import SEED, TODAY, TOMORROW, Chunk, chunk

from sandbox.core.clock import DAY, HOUR, NEVER, SECOND, parse_instant
from sandbox.core.passwords import verify_password
from sandbox.synth.cast import CAST, STAFF
from sandbox.synth.facts import Row, is_working_day
from sandbox.synth.model import NONE
from sandbox.synth.signins import ACTS_WITHIN, DAYS, Act, attackers_address, make_sign_ins
from sandbox.synth.standing import PASSWORD, make_users
from sandbox.synth.window import local_day

TEST_NETWORKS = [ipaddress.ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]


@pytest.fixture(scope="module")
def made() -> Chunk:
    return chunk()


def rows(of: Chunk, collection: str) -> list[Row]:
    return of.records[collection]


def text(value: object) -> str:
    assert isinstance(value, str)
    return value


def test_the_cast_are_in_the_states_that_their_notes_promise(made: Chunk) -> None:
    users = {row["username"]: row for row in rows(made, "auth_users")}
    credentials = {row["user_id"]: row for row in rows(made, "credentials")}
    second = {row["user_id"]: row for row in rows(made, "mfa_settings")}
    for place, member in enumerate(CAST):
        user = users[member.username]
        user_id = user["user_id"]
        assert (user["status"], user["failed_login_attempts"]) == (member.user_status, member.failed_attempts)
        assert user["customer_id"] == made.customers[place]["customer_id"]
        stated = credentials[user_id]
        assert (stated["password"], stated["pin"], stated["status"]) == (
            member.password, member.pin, member.credential_status,
        )  # fmt: skip
        assert second[user_id]["methods"] == list(member.mfa)
        assert second[user_id]["mfa_enabled"] == bool(member.mfa)


def test_staff_stand_in_the_first_chunk_only(made: Chunk) -> None:
    staff = [row for row in rows(made, "auth_users") if row["role"] != "CUSTOMER"]
    assert [(row["username"], row["role"], row["customer_id"]) for row in staff] == [
        (one.username, one.role, None) for one in STAFF
    ]
    assert all(row["role"] == "CUSTOMER" for row in rows(chunk(40, first=500), "auth_users"))


def test_everybody_else_shares_a_password_whose_hash_is_made_once(made: Chunk) -> None:
    hashes = {row["password_hash"] for row in rows(made, "credentials") if "password" not in row}
    assert len(hashes) == 1
    assert verify_password(PASSWORD, text(hashes.pop()))
    stated = sum("password" in row for row in rows(made, "credentials"))
    assert stated == len(CAST) + len(STAFF)


def test_of_the_others_few_are_kept_out() -> None:
    large = chunk(500, first=1000)
    states = Counter(row["status"] for row in rows(large, "auth_users"))
    expired = sum(row["status"] == "EXPIRED" for row in rows(large, "credentials"))
    second = [row for row in rows(large, "mfa_settings") if row["mfa_enabled"]]
    assert (states["LOCKED"], expired, len(second)) == (9, 9, 9)
    assert all(row["methods"] in (["SMS"], ["EMAIL"]) for row in second)


def test_passwords_hold_for_a_year_at_least_unless_they_have_expired(made: Chunk) -> None:
    as_of = made.window.as_of
    for row in rows(made, "credentials"):
        until = parse_instant(text(row["expires_at"]))
        assert until <= as_of if row["status"] == "EXPIRED" else until > as_of + 365 * DAY


def test_users_are_the_same_on_every_day() -> None:
    today, tomorrow = chunk(), chunk(as_of=TOMORROW)
    for column in ("id", "status", "credential", "mfa", "role", "attempts"):
        assert getattr(today.access.users, column) == getattr(tomorrow.access.users, column)
    assert rows(today, "registered_devices") == rows(tomorrow, "registered_devices")


def test_everybody_has_one_to_three_devices_and_the_first_is_in_use(made: Chunk) -> None:
    of_user = Counter(row["user_id"] for row in rows(made, "registered_devices"))
    assert set(of_user) == {row["user_id"] for row in rows(made, "auth_users")}
    assert set(of_user.values()) == {1, 2, 3}
    devices = made.access.devices
    assert all(devices.status[place] == "ACTIVE" for place in [*devices.first.tolist(), *devices.second.tolist()])
    statuses = Counter(devices.status)
    assert statuses["ACTIVE"] > 5 * statuses["REVOKED"] > 0
    assert statuses["INACTIVE"] > 0


def test_sign_ins_lie_in_the_last_two_months_and_before_whatever_keeps_users_out() -> None:
    for of in (chunk(), chunk(as_of="2026-01-08T03:17:20.123456Z")):
        found, users = of.access.sign_ins, of.access.users
        assert 5 <= found.count / users.count <= 8
        assert (found.at <= of.window.as_of).all()
        assert (found.at > of.window.as_of - (DAYS + 1) * DAY).all()
        assert (found.at < users.barred_at[found.user]).all()
        assert (found.at % 1_000 == 0).all()
        assert not users.newcomer[found.user].any()


def test_sign_ins_of_a_user_are_in_order_and_the_last_is_the_last_login(made: Chunk) -> None:
    found = made.access.sign_ins
    places = list(zip(found.user.tolist(), found.at.tolist(), strict=True))
    assert all(earlier < later for earlier, later in pairwise(places))
    last = {row["user_id"]: row["started_at"] for row in rows(made, "login_sessions")}
    for row in rows(made, "auth_users"):
        assert row["last_login_at"] == last.get(row["user_id"])


def test_only_the_last_session_may_be_open_and_only_of_whom_may_sign_in() -> None:
    of = chunk(500)
    users = {row["user_id"]: place for place, row in enumerate(rows(of, "auth_users"))}
    last = {row["user_id"]: row["session_id"] for row in rows(of, "login_sessions")}
    is_open = [row for row in rows(of, "login_sessions") if row["status"] == "ACTIVE"]
    assert 20 < len(is_open) < 250
    for row in is_open:
        assert row["session_id"] == last[row["user_id"]]
        assert of.access.users.barred_at[users[row["user_id"]]] == NEVER
        assert parse_instant(text(row["expires_at"])) > of.window.as_of
    assert {row["status"] for row in rows(of, "login_sessions")} == {"ACTIVE", "ENDED", "EXPIRED", "REVOKED"}


def test_a_session_that_ended_by_itself_did_so_by_now(made: Chunk) -> None:
    expired = [row for row in rows(made, "login_sessions") if row["status"] == "EXPIRED"]
    assert expired
    assert all(parse_instant(text(row["expires_at"])) <= made.window.as_of for row in expired)


def test_a_bank_of_tomorrow_keeps_the_sessions_of_today() -> None:
    today, tomorrow = (
        {row["session_id"] for row in rows(chunk(as_of=day), "login_sessions")} for day in (TODAY, TOMORROW)
    )
    assert len(today & tomorrow) >= 0.95 * len(today)
    assert today != tomorrow


def test_ids_are_unique_across_chunks(made: Chunk) -> None:
    other = chunk(40, first=500)
    for collection, key in (
        ("auth_users", "user_id"),
        ("registered_devices", "device_id"),
        ("login_sessions", "session_id"),
    ):
        both = [row[key] for of in (made, other) for row in rows(of, collection)]
        assert len(set(both)) == len(both)


def test_customers_come_from_networks_of_kuwait_and_staff_from_the_bank(made: Chunk) -> None:
    users = made.access.users
    for user, address in zip(made.access.sign_ins.user.tolist(), made.access.sign_ins.ip_address, strict=True):
        where = ipaddress.ip_address(address)
        assert (where in ipaddress.ip_network("168.187.20.0/24")) == (users.segment[user] == NONE)
        assert where.is_global
        assert not address.endswith((".0", ".255"))
        assert not any(where in network for network in TEST_NETWORKS)


def test_who_administers_signs_in_on_every_working_day(made: Chunk) -> None:
    users, window = made.access.users, made.window
    admin = users.role.index("ADMIN")
    found = made.access.sign_ins
    days = [local_day(at) for at in found.at[found.user == admin].tolist()]
    working = [day for day in ~(window.weekend | window.holiday)[-DAYS:] if day]
    assert len(days) == len(set(days)) == len(working)
    assert all(is_working_day(day) for day in days)


def test_whoever_does_something_signs_in_for_it_rather_than_at_another_time_of_that_day(made: Chunk) -> None:
    access, window = made.access, made.window
    place = next(place for place in range(20) if access.users.barred_at[place] == NEVER)
    at = int(window.start[-10]) + 15 * HOUR
    acts = [Act(place, at), Act(place, at + 60 * SECOND), Act(place, int(window.start[0]))]
    found = make_sign_ins(access.users, access.devices, window, seed=SEED, acts=acts)
    that_day = [moment for user, moment in zip(found.user.tolist(), found.at.tolist(), strict=True)
                if user == place and local_day(moment) == local_day(at)]  # fmt: skip
    assert len(that_day) == 1
    assert 0 < at - that_day[0] < at + 60 * SECOND - that_day[0] <= ACTS_WITHIN
    locked = next(place for place in range(60) if access.users.barred_at[place] < NEVER)
    late = int(access.users.barred_at[locked]) + HOUR
    found = make_sign_ins(access.users, access.devices, window, seed=SEED, acts=[Act(locked, late)])
    assert (found.at[found.user == locked] < access.users.barred_at[locked]).all()


def test_staff_suspend_users_on_working_days() -> None:
    for as_of in (TODAY, TOMORROW, "2026-03-29T09:00:00Z"):
        of = chunk(as_of=as_of)
        suspended = of.access.users.status.index("SUSPENDED")
        assert is_working_day(local_day(int(of.access.users.barred_at[suspended])))


def test_attackers_have_addresses_that_are_nobodys() -> None:
    found = {attackers_address(drawn) for drawn in range(3_000)}
    assert len(found) == 762
    assert all(any(ipaddress.ip_address(text) in network for network in TEST_NETWORKS) for text in found)


def test_who_was_locked_out_by_others_is_none_of_the_cast() -> None:
    users = make_users(chunk(500).people, chunk(500).window, seed=SEED)
    assert not users.attacked[: len(CAST)].any()
    assert 150 < users.attacked.sum() < 350
