"""The records of a bank under test, read and changed past the bank plane."""

import pytest

from sandbox.testing import Bank, RefusedError


def test_records_are_listed_by_query(bank: Bank) -> None:
    users = bank.data("auth_users")
    everybody = users.list()
    assert {"fatima", "arjun"} <= {user["username"] for user in everybody}
    assert [user["username"] for user in users.list(username="arjun")] == ["arjun"]
    names = [user["username"] for user in users.list(_sort="username", _limit=3)]
    assert names == sorted(user["username"] for user in everybody)[:3]


def test_a_record_is_made_changed_replaced_and_deleted(bank: Bank) -> None:
    requests = bank.data("service_requests")
    customer = bank.data("customers").list(_limit=1)[0]["customer_id"]
    wanted = {"customer_id": customer, "request_type": "CHEQUE_BOOK", "subject": "Fifty leaves", "status": "OPEN"}
    made = requests.create(wanted)
    record_id = made["request_id"]
    assert requests.get(record_id)["subject"] == "Fifty leaves"
    assert requests.patch(record_id, status="RESOLVED")["status"] == "RESOLVED"
    assert requests.replace(record_id, made | {"subject": "A hundred"})["subject"] == "A hundred"
    requests.delete(record_id)
    with pytest.raises(RefusedError) as refused:
        requests.get(record_id)
    assert refused.value.status == 404
    bank.check()


def test_a_collection_that_is_not_there_is_refused(bank: Bank) -> None:
    with pytest.raises(RefusedError) as refused:
        bank.data("no/such").list()
    assert refused.value.status == 404
