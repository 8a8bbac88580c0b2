"""The data that the servers hold: a believable bank of 60 customers, made from one seed.

`ecosystem` writes it as an ecosystem folder with a chosen number of transactions, `json_server_file` as one
db.json with 10,000 of them. Both are kept under `.work`, keyed by what they were made from.
"""

import hashlib
import shutil
from pathlib import Path

import msgspec

from benchmarks import data_rows
from benchmarks.data_rows import AS_OF, PASSWORD, SEED, Collections, Row, build, instant_text
from benchmarks.paths import WORK
from sandbox.core import iban

USERNAME = "user1"
DEFAULT_TRANSACTIONS = 15_000
JSON_SERVER_TRANSACTIONS = 10_000
"""The row count of the budget; a longer file would only slow json-server down."""
SHORT_ROW = ("amount", "direction", "status")
"""What is left of a transaction in the short file: json-server rewrites its whole file at every POST."""


def ecosystem(transactions: int = DEFAULT_TRANSACTIONS) -> Path:
    """The folder of an ecosystem with this many transactions, made unless it is there already."""
    folder = WORK / "data" / f"ecosystem-{transactions}-{_edition()}"
    if folder.exists():
        return folder
    collections = build(transactions)
    logins = [
        {"username": user["username"], "password": PASSWORD, "note": "benchmark customer"}
        for user in collections["auth_users"]
    ]
    manifest = {
        "name": f"bench-{transactions}",
        "title": f"Benchmark bank, {transactions:,} transactions",
        "as_of": instant_text(AS_OF),
        "seed": SEED,
        "logins": logins,
    }
    unfinished = _emptied(folder.with_name(folder.name + ".unfinished"))
    (unfinished / "ecosystem.json").write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    for name, rows in collections.items():
        (unfinished / f"{name}.json").write_bytes(_array(rows))
    return unfinished.rename(folder)


def json_server_file(*, short: bool = False) -> Path:
    """The same accounts with 10,000 transactions as a db.json of json-server, to be copied.

    Args:
        short: leave only a few fields in each transaction, which is kinder to json-server.
    """
    file = WORK / "data" / f"db-{'short' if short else 'same'}-{_edition()}.json"
    if not file.exists():
        collections = build(JSON_SERVER_TRANSACTIONS)
        database: Collections = {
            "accounts": [{"id": row["account_id"], **row} for row in collections["accounts"]],
            "transactions": [
                {"id": place, **{name: row[name] for name in SHORT_ROW}}
                if short
                else {"id": row["transaction_id"], **row}
                for place, row in enumerate(collections["transactions"])
            ],
            "transfers": [],
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".unfinished")
        unfinished.write_bytes(msgspec.json.encode(database))
        unfinished.rename(file)
    return file


def _edition() -> str:
    """What the data was made by, so that a changed generator or house never meets old files."""
    sources = [Path(__file__).read_bytes(), Path(data_rows.__file__).read_bytes(), iban.HOUSE_BANK.encode()]
    return hashlib.sha256(b"".join(sources)).hexdigest()[:10]


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _array(rows: list[Row]) -> bytes:
    return b"[\n" + b",\n".join(msgspec.json.encode(row) for row in rows) + b"\n]\n"
