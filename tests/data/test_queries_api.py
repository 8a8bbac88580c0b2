"""The query language over the collections of the bank: values are compared as what they are, in both dialects."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from checks import FATIMA_CURRENT, FATIMA_CUSTOMER, assert_problem
from msgspec import structs
from support import VIRTUAL, Client, copy_of_tiny

LINES = [
    {"id": 1, "n": 1, "flag": True, "words": ["a", "b"], "text": "alpha", "empty": None},
    {"id": 2, "n": 2.50, "flag": False, "words": [], "text": "Beta"},
    {"id": 3, "n": 10, "text": "10", "Deep": {"x": [{"y": 5}]}},
    {"id": "four", "n": -1, "text": "gamma", "n_gte": "odd name"},
]


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """`seeds/tiny` with a list and an object of its own; only read."""
    folder = copy_of_tiny(tmp_path_factory.mktemp("bank") / "bank")
    for name, value in {"lines": LINES, "empty": [], "single": {"a": 1}, "word": "just text"}.items():
        (folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
    made = Client(structs.replace(VIRTUAL, ecosystem=str(folder)))
    yield made
    made.close()


def found(bank: Client, path: str) -> Any:
    answer = bank.get(f"/_data/{path}" if path else "/_data")
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(bank: Client, path: str) -> list[Any]:
    return [record["id"] for record in found(bank, path)]


def faults_of(bank: Client, path: str) -> list[tuple[str, str]]:
    said = assert_problem(bank.get(f"/_data/{path}"), 400, "validation_failed")
    return [(fault["pointer"], fault["code"]) for fault in said["errors"]]


def test_the_collections_are_listed_with_how_many_records_they_have(bank: Client) -> None:
    listed = {item["name"]: item for item in found(bank, "")["items"]}
    assert listed["accounts"] == {"name": "accounts", "records": 8, "key": "account_id", "read_only": False}
    assert listed["transfers"] == {"name": "transfers", "records": 0, "key": "transfer_id", "read_only": True}
    assert (listed["lines"]["records"], listed["empty"]["records"], listed["single"]["records"]) == (4, 0, None)
    assert list(listed)[-4:] == ["empty", "lines", "single", "word"]


def test_every_collection_is_answered_as_an_export_writes_it_but_for_secrets(bank: Client) -> None:
    for item in found(bank, "")["items"][:16]:
        records = found(bank, item["name"])
        assert len(records) == item["records"]
        for record in records[:3]:
            assert found(bank, f"{item['name']}/{record[item['key']]}") == record
    assert all("hash" not in json.dumps(record) for record in found(bank, "credentials"))


def test_secrets_cannot_be_asked_for(bank: Client) -> None:
    assert found(bank, "credentials?q=argon2") == []
    assert faults_of(bank, "credentials?password_hash_like=.") == [("?password_hash_like", "unknown_field")]
    assert faults_of(bank, "credentials?password_hash=x") == [("?password_hash", "unknown_field")]
    assert faults_of(bank, "credentials?_sort=password_hash") == [("?_sort", "unknown_field")]


@pytest.mark.parametrize("query", ["amount_gte=500", "amount:gte=500.000", "amount:gte=500.0"])
def test_money_is_compared_as_money(bank: Client, query: str) -> None:
    every = found(bank, "transactions")
    assert found(bank, f"transactions?{query}") == [row for row in every if float(row["amount"]) >= 500]


def test_money_is_sorted_as_money(bank: Client) -> None:
    amounts = [float(row["amount"]) for row in found(bank, "transactions?_sort=-amount")]
    assert amounts == sorted(amounts, reverse=True)
    assert amounts[0] > 1000 > amounts[-1]


def test_money_is_equal_however_it_is_written(bank: Client) -> None:
    balance = found(bank, f"accounts/{FATIMA_CURRENT}")["balance"]
    assert balance.endswith("0")
    for written in (balance, balance[:-1]):
        assert [row["account_id"] for row in found(bank, f"accounts?balance={written}")] == [FATIMA_CURRENT]


def test_times_are_compared_as_instants(bank: Client) -> None:
    rows = found(bank, "transactions?_sort=booked_at")
    assert rows == sorted(rows, key=lambda row: row["booked_at"])
    middle = rows[30]["booked_at"]
    assert middle.endswith("Z")
    with_offset = middle.replace("Z", "+00:00")
    for written in (middle, with_offset.replace("+", "%2B")):
        assert len(found(bank, f"transactions?booked_at_lt={written}")) == 30
    day = middle[:10]
    earlier = [row for row in rows if row["booked_at"] < day]
    assert found(bank, f"transactions?booked_at_lt={day}&_sort=booked_at") == earlier


def test_dates_numbers_booleans_and_words_have_their_types(bank: Client) -> None:
    assert len(found(bank, "savings_goals?target_date_gte=2026-03-01")) == 1
    assert {row["failed_login_attempts"] for row in found(bank, "auth_users?failed_login_attempts_gt=0")} == {5}
    assert all(row["disputed"] for row in found(bank, "transactions?disputed=true"))
    assert {row["account_type"] for row in found(bank, "accounts?account_type:in=WALLET,SAVINGS")} == {
        "WALLET",
        "SAVINGS",
    }


def test_id_is_the_identifier(bank: Client) -> None:
    (record,) = found(bank, f"accounts?id={FATIMA_CURRENT}")
    assert record == found(bank, f"accounts/{FATIMA_CURRENT}")
    in_order = [row["account_id"] for row in found(bank, "accounts?_sort=id")]
    assert in_order == sorted(in_order)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("n:eq=2.5", [2]),
        ("n=10", [3]),
        ("n_ne=10", [1, 2, "four"]),
        ("n:gt=1", [2, 3]),
        ("n_lt=1", ["four"]),
        ("n:lte=1&n:gte=-1", [1, "four"]),
        ("n:in=1,10", [1, 3]),
        ("flag=true", [1]),
        ("flag:ne=true", [2]),
        ("text:contains=A", [1, 2, "four"]),
        ("text_contains=et", [2]),
        ("text:startsWith=al", [1]),
        ("text_endsWith=MA", ["four"]),
        ("words:contains=b", [1]),
        ("words=a,b", [1]),
        ("empty:eq=null", [1, 2, 3, "four"]),
        ("flag:ne=null", [1, 2]),
        ("Deep.x[0].y=5", [3]),
        ("Deep.x.0.y_gte=5", [3]),
        ("n_gte=odd name", ["four"]),
        ("id=four", ["four"]),
        ("id:in=1,four", [1, "four"]),
        ("_sort=-n", [3, 2, 1, "four"]),
        ("_sort=text", [3, 2, 1, "four"]),
        ("_sort=flag,-n", [2, 1, 3, "four"]),
        ("_sort=-flag,n", ["four", 3, 1, 2]),
    ],
)
def test_extra_fields_have_the_type_of_their_values(bank: Client, query: str, expected: list[Any]) -> None:
    assert ids(bank, f"lines?{query}") == expected


def test_a_page_of_v1_is_an_object(bank: Client) -> None:
    page = found(bank, "transactions?_page=2&_per_page=30")
    assert {name: page[name] for name in page if name != "data"} == {
        "first": 1,
        "prev": 1,
        "next": 3,
        "last": 3,
        "pages": 3,
        "items": 70,
    }
    assert page["data"] == found(bank, "transactions?_start=30&_end=60")
    first = bank.get("/_data/transactions?_per_page=70")
    assert (first.json()["prev"], first.json()["next"], first.json()["pages"]) == (None, None, 1)
    assert first.headers["x-total-count"] == "70"
    beyond = found(bank, "transactions?_page=9&_per_page=30")
    assert (beyond["data"], beyond["prev"], beyond["next"], beyond["last"]) == ([], 3, None, 3)
    nothing = found(bank, "empty?_per_page=5")
    assert (nothing["items"], nothing["pages"], nothing["data"]) == (0, 1, [])


def test_pages_of_017_lead_through_all_records(bank: Client) -> None:
    seen, path = [], "/_data/transactions?_page=1&_limit=25&_sort=-amount"
    while path:
        answer = bank.get(path)
        seen += answer.json()
        path = answer.links.get("next", {}).get("url", "").removeprefix("http://localhost")
    assert seen == found(bank, "transactions?_sort=-amount")


def test_links_keep_the_sandbox_and_the_query(bank: Client) -> None:
    bank.post("/_sandbox/sandboxes", {"id": "links"})
    answer = bank.get("/s/links/_data/lines?_page=1&_limit=1&text_like=a|%26")
    assert answer.links["last"]["url"] == "http://localhost/s/links/_data/lines?_page=3&_limit=1&text_like=a%7C%26"


def test_children_are_embedded(bank: Client) -> None:
    (fatima,) = found(bank, f"customers?id={FATIMA_CUSTOMER}&_embed=accounts&_embed=notifications")
    assert fatima["accounts"] == found(bank, f"accounts?customer_id={FATIMA_CUSTOMER}")
    assert len(fatima["notifications"]) >= 2
    assert fatima == found(bank, f"customers/{FATIMA_CUSTOMER}?_embed=accounts,notifications")
    assert found(bank, f"accounts/{FATIMA_CURRENT}?_embed=transfers")["transfers"] == []


def test_parents_are_expanded_by_either_word(bank: Client) -> None:
    account = found(bank, f"accounts/{FATIMA_CURRENT}?_expand=customer")
    assert account["customer"] == found(bank, f"customers/{FATIMA_CUSTOMER}")
    assert found(bank, f"accounts/{FATIMA_CURRENT}?_embed=customer") == account
    for record in found(bank, "login_sessions?_expand=user,device"):
        assert record["user"]["user_id"] == record["user_id"]
        assert record["device"]["device_id"] == record["device_id"]
    (dispute, *_) = found(bank, "dispute_records?_expand=transaction")
    assert dispute["transaction"]["transaction_id"] == dispute["transaction_id"]


def test_staff_have_no_customer_to_expand(bank: Client) -> None:
    (auditor,) = found(bank, "auth_users?username=auditor&_expand=customer")
    assert "customer" not in auditor


def test_a_collection_that_is_one_value_is_answered_as_it(bank: Client) -> None:
    assert (found(bank, "single"), found(bank, "word")) == ({"a": 1}, "just text")
    assert_problem(bank.get("/_data/single/a"), 404, "not_found")
    assert faults_of(bank, "single?a=1") == [("?a", "unknown_parameter")]


def test_an_empty_collection_takes_any_field(bank: Client) -> None:
    assert found(bank, "empty?whatever=1&_sort=else") == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("accounts?balance_gte=much", [("?balance_gte", "wrong_value")]),
        ("accounts?balance=1.0001", [("?balance", "wrong_value")]),
        ("accounts?status=active", [("?status", "wrong_value")]),
        ("accounts?opened_at_gte=yesterday", [("?opened_at_gte", "wrong_value")]),
        ("transactions?disputed=yes", [("?disputed", "wrong_value")]),
        ("lines?n_gt=many", [("?n_gt", "wrong_value")]),
        ("accounts?balance:above=1", [("?balance:above", "unknown_operator")]),
        ("accounts?owner=1", [("?owner", "unknown_field")]),
        ("accounts?_sort=owner", [("?_sort", "unknown_field")]),
        ("accounts?_limit=2&_per_page=2", [("?_limit", "contradiction")]),
        ("accounts?_page=1&_limit=0", [("?_limit", "wrong_format")]),
        ("accounts?_limit=1000000", [("?_limit", "too_large")]),
        ("accounts?_sort=iban&_sort=status", [("?_sort", "repeated_parameter")]),
        ("accounts?_sort=-iban&_order=desc", [("?_sort", "contradiction")]),
        ("accounts?_sort=", [("?_sort", "wrong_format")]),
        ("accounts?_where={}", [("?_where", "unknown_parameter")]),
        ("accounts?_embed=disputes", [("?_embed", "unknown_relation")]),
        ("accounts?_expand=user", [("?_expand", "unknown_relation")]),
        ("accounts?nickname_like=(", [("?nickname_like", "wrong_value")]),
        ("accounts?nickname_like=(a%2B)%2B", [("?nickname_like", "wrong_value")]),
        ("accounts?nickname_like=**", [("?nickname_like", "wrong_value")]),
        (f"accounts?nickname_like={'a' * 100}.&nickname_like={'b' * 100}", [("?nickname_like", "wrong_value")]),
        (f"lines?_sort={','.join(['id'] * 17)}", [("?_sort", "too_many")]),
        ("lines?" + "&".join(["id=1"] * 201), [("?id", "too_many")]),
        (f"lines?id:in={',' * 200}", [("?id:in", "too_many")]),
        ("accounts?" + "&".join(["account_id=1"] * 201), [("?account_id", "too_many")]),
        ("lines?" + "&".join(f"f{n}=1" for n in range(51)), [("?", "too_many")]),
        ("lines?Deep.x.²=1", [("?Deep.x.²", "unknown_field")]),
        (f"lines?Deep.x.{'1' * 5_000}=1", [(f"?Deep.x.{'1' * 5_000}", "unknown_field")]),
        ("accounts?nickname_like=(a)\\1", [("?nickname_like", "wrong_value")]),
        ("accounts?nickname_like=(?=a)", [("?nickname_like", "wrong_value")]),
        (f"accounts/{FATIMA_CURRENT}?status=ACTIVE", [("?status", "unknown_parameter")]),
        (
            "accounts?_page=0&balance_gte=x&owner=1&_sort=nothing",
            [
                ("?_page", "wrong_format"),
                ("?balance_gte", "wrong_value"),
                ("?owner", "unknown_field"),
                ("?_sort", "unknown_field"),
            ],
        ),
    ],
)
def test_a_query_that_says_nothing_sensible_is_refused(
    bank: Client, path: str, expected: list[tuple[str, str]]
) -> None:
    assert faults_of(bank, path) == expected


def test_as_much_as_may_be_said_is_answered(bank: Client) -> None:
    assert ids(bank, f"lines?_sort={','.join(['id'] * 16)}")
    assert ids(bank, f"lines?id:in=1{',' * 199}") == [1]
    assert ids(bank, f"lines?{'&'.join(['id=1'] * 200)}") == [1]


def test_what_patterns_may_have_is_said(bank: Client) -> None:
    detail = bank.get("/_data/accounts?nickname_like=(a|b)").json()["errors"][0]["detail"]
    assert "groups are not understood" in detail
    assert "what works: characters, '.', classes such as [a-z0-9]" in detail


def test_a_refusal_names_what_there_is(bank: Client) -> None:
    detail = bank.get("/_data/accounts?status=active").json()["errors"][0]["detail"]
    assert "'active' is none of ACTIVE, FROZEN, DORMANT, CLOSED" in detail
    assert "account_number" in bank.get("/_data/accounts?owner=1").json()["errors"][0]["detail"]
    assert "GET /_data lists" in bank.get("/_data/acounts").json()["detail"]


def test_answers_are_the_same_bytes_each_time_and_in_every_sandbox(bank: Client) -> None:
    bank.post("/_sandbox/sandboxes", {"id": "twin"})
    for path in ("accounts?_embed=transactions", "lines?_sort=text", "transactions?_sort=status"):
        first = bank.get(f"/_data/{path}").content
        assert first == bank.get(f"/_data/{path}").content == bank.get(f"/s/twin/_data/{path}").content


def test_head_is_get_without_the_body(bank: Client) -> None:
    answer = bank.request("HEAD", "/_data/accounts?_limit=1")
    assert (answer.status_code, answer.content, answer.headers["x-total-count"]) == (200, b"", "8")


def test_a_query_must_be_utf8(bank: Client) -> None:
    assert faults_of(bank, "accounts?nickname=%ff") == [("?nickname", "wrong_encoding")]


def test_arabic_is_found(bank: Client) -> None:
    assert len(found(bank, "customers?q=فاطمة")) == 1
    assert len(found(bank, "customers?full_name_ar_like=^فاطمة")) == 1


def test_a_file_that_says_hello_is_no_collection(bank: Client) -> None:
    for name in ("nothing", "_where", "ecosystem"):
        assert_problem(bank.get(f"/_data/{name}"), 404, "not_found")
