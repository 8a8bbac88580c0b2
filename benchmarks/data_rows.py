"""The rows of the benchmark bank: 60 customers, 130 accounts and a year of movements, all from one seed.

Not here: where they are written, and how long they are kept; that is `data`.
"""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID

from sandbox.core import civil_id, iban

PASSWORD = "bench-password-1"
SEED = 20260115
AS_OF = datetime(2026, 1, 15, 9, tzinfo=UTC)
CUSTOMERS = 60
ACCOUNTS = 130
ACCOUNTS_OF_USER1 = 4
SHARE_OF_MAIN_ACCOUNT = 0.1
"""user1's first account has a tenth of all transactions, so that its history grows with the bank's."""

Row = dict[str, object]
Collections = dict[str, list[Row]]

FIRST_NAMES = (
    "Abdullah",
    "Bader",
    "Dalal",
    "Fahad",
    "Fatima",
    "Hessa",
    "Khaled",
    "Mariam",
    "Noura",
    "Yousef",
)
LAST_NAMES = ("Al-Adwani", "Al-Azmi", "Al-Fadhli", "Al-Hajri", "Al-Kandari", "Al-Mutairi", "Al-Rashidi")
AREAS = ("Salmiya", "Hawally", "Jabriya", "Mishref", "Fintas", "Jahra", "Surra", "Mangaf", "Farwaniya")
MERCHANTS = (
    ("Dana Co-op", "groceries", "5411"),
    ("Souq Fresh", "groceries", "5411"),
    ("Burj Bakery", "groceries", "5462"),
    ("Karak Corner", "restaurants", "5814"),
    ("Machboos House", "restaurants", "5812"),
    ("Gulf Grill", "restaurants", "5812"),
    ("Sidra Fuel", "transport", "5541"),
    ("Wasel Taxi", "transport", "4121"),
    ("Noor Pharmacy", "health", "5912"),
    ("Shifa Clinic", "health", "8011"),
    ("Layan Fashion", "shopping", "5651"),
    ("Zain Electronics Hall", "shopping", "5732"),
    ("Bait Furniture", "shopping", "5712"),
    ("Failaka Cinema", "entertainment", "7832"),
    ("Dhow Games", "entertainment", "5816"),
    ("Barq Telecom", "utilities", "4814"),
    ("Mawj Internet", "utilities", "4816"),
    ("Safar Travel", "travel", "4722"),
    ("Nakheel Hotel", "travel", "7011"),
    ("Ilm Bookshop", "education", "5942"),
)
ACTIONS = (
    ("LOGIN_SUCCEEDED", "INFO"),
    ("TRANSFER_CREATED", "INFO"),
    ("PROFILE_CHANGED", "INFO"),
    ("LOGIN_FAILED", "WARNING"),
    ("PASSWORD_CHANGED", "WARNING"),
)


def build(transactions: int) -> Collections:
    """All collections, references in order; the same rows for the same count, whatever the day."""
    random = Random(SEED)
    made: Collections = {}
    made["customers"] = _customers(random)
    made["customer_settings"] = [
        {"customer_id": row["customer_id"], "language": random.choice(("en", "ar"))} for row in made["customers"]
    ]
    accounts = made["accounts"] = _accounts(random, made["customers"])
    movements = made["transactions"] = _transactions(random, accounts, transactions)
    made["savings_goals"] = _goals(random, accounts)
    made["service_requests"] = _service_requests(random, made["customers"])
    made["dispute_records"] = _disputes(random, movements)
    made["notifications"] = _notifications(random, movements)
    made |= _users(random, made["customers"])
    made["login_sessions"] = _sessions(random, made["registered_devices"])
    made["audit_logs"] = _audit_logs(random, made["auth_users"])
    return made


def _id(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))


def instant_text(moment: datetime) -> str:
    """RFC 3339 with `Z`, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _kwd(fils: int) -> str:
    return f"{fils // 1000}.{fils % 1000:03d}"


def _before_as_of(random: Random, days: float, *, at_least: timedelta = timedelta(0)) -> datetime:
    """A moment within so many days before `AS_OF`, to the millisecond."""
    span = timedelta(days=days) - at_least
    return AS_OF - at_least - timedelta(milliseconds=random.randrange(span // timedelta(milliseconds=1)))


def _customers(random: Random) -> list[Row]:
    rows: list[Row] = []
    for place in range(CUSTOMERS):
        first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
        born = date(1950, 1, 1) + timedelta(days=37 + place * 311)
        serial = next(s for s in civil_id.SYNTHETIC_SERIALS if civil_id.issuable(born, s))
        rows.append(
            {
                "customer_id": _id(random),
                "full_name": f"{first} {last}",
                "email": f"user{place + 1}@example.com",
                "phone": f"+965990{place:05d}",
                "civil_id": civil_id.make(born, serial),
                "nationality": "KW",
                "date_of_birth": born.isoformat(),
                "address": {"area": random.choice(AREAS), "block": str(random.randint(1, 12))},
                "kyc_status": "VERIFIED",
                "segment": random.choice(("SALARIED", "STUDENT", "FAMILY", "BUSINESS", "RETIRED")),
                "status": "ACTIVE",
            }
        )
    return rows


def _accounts(random: Random, customers: list[Row]) -> list[Row]:
    """Four for user1, a current account for everybody else, the rest at random; balances come later."""
    plan = [(0, ("CURRENT", "SAVINGS")[place % 2]) for place in range(ACCOUNTS_OF_USER1)]
    plan += [(holder, "CURRENT") for holder in range(1, CUSTOMERS)]
    kinds = ("SAVINGS", "SAVINGS", "FIXED_DEPOSIT", "WALLET", "CURRENT")
    plan += [(random.randrange(1, CUSTOMERS), random.choice(kinds)) for _ in range(ACCOUNTS - len(plan))]
    rows: list[Row] = []
    for place, (holder, kind) in enumerate(plan):
        number = f"{100_000_000_000 + (place + 1) * 7_919}"
        unusual = place >= CUSTOMERS + ACCOUNTS_OF_USER1 and random.random() < 0.1
        rows.append(
            {
                "account_id": _id(random),
                "customer_id": customers[holder]["customer_id"],
                "account_number": number,
                "iban": iban.make(number),
                "account_type": kind,
                "currency": "KWD",
                "balance": "0.000",
                "overdraft_limit": "0.000",
                "status": random.choice(("FROZEN", "DORMANT")) if unusual else "ACTIVE",
                "opened_at": instant_text(_before_as_of(random, 2500, at_least=timedelta(days=400))),
            }
        )
    return rows


def _transactions(random: Random, accounts: list[Row], count: int) -> list[Row]:
    """Movements in the order of time; sets the accounts' balances to what they end with."""
    places = [place for place, row in enumerate(accounts) if row["account_type"] != "FIXED_DEPOSIT"]
    weights = [random.uniform(0.2, 1.0) for _ in places]
    # The main account's share of the whole, whatever the others weigh.
    weights[0] = sum(weights[1:]) * SHARE_OF_MAIN_ACCOUNT / (1 - SHARE_OF_MAIN_ACCOUNT)
    moments = sorted(_before_as_of(random, 365, at_least=timedelta(hours=1)) for _ in range(count))
    changes: dict[int, list[tuple[datetime, int]]] = {place: [] for place in range(len(accounts))}
    held: Counter[int] = Counter()
    rows: list[Row] = []
    for moment, place in zip(moments, random.choices(places, weights, k=count), strict=True):
        row, fils = _movement(random, accounts[place], moment)
        rows.append(row)
        signed = fils if row["direction"] == "CREDIT" else -fils
        match row["status"]:
            case "COMPLETED":
                changes[place].append((moment, signed))
            case "REVERSED":
                changes[place] += [(moment, signed), (moment + timedelta(days=1), -signed)]
            case "PENDING":
                held[place] += fils
    for place, row in enumerate(accounts):
        lowest = running = 0
        for _, signed in sorted(changes[place]):
            running += signed
            lowest = min(lowest, running)
        plenty = 50_000_000 if place < ACCOUNTS_OF_USER1 else random.randrange(200_000, 3_000_000)
        row["balance"] = _kwd(plenty + held[place] - lowest + running)
    return rows


def _movement(random: Random, account: Row, moment: datetime) -> tuple[Row, int]:
    """One movement and its fils."""
    row: Row = {
        "transaction_id": _id(random),
        "account_id": account["account_id"],
        "customer_id": account["customer_id"],
    }
    chance = random.random()
    if chance < 0.8:
        name, category, code = random.choice(MERCHANTS)
        fils = random.randrange(250, 45_000)
        row |= {"direction": "DEBIT", "channel": random.choice(("POS", "POS", "ONLINE"))}
        row |= {"merchant_name": name, "merchant_category": category, "mcc": code, "description": name}
    elif chance < 0.88:
        fils = random.randrange(1, 40) * 5_000
        row |= {"direction": "DEBIT", "channel": "ATM", "description": "Cash withdrawal"}
    else:
        fils = random.randrange(50_000, 900_000)
        row |= {"direction": "CREDIT", "channel": "MOBILE", "description": "Transfer received"}
    status = _status(random, row, moment)
    row |= {"amount": _kwd(fils), "status": status, "booked_at": instant_text(moment)}
    if status == "REVERSED":
        row["reversed_at"] = instant_text(moment + timedelta(days=1))
    elif status == "COMPLETED" and random.random() < 0.002:
        row["disputed"] = True
    return row, fils


def _status(random: Random, row: Row, moment: datetime) -> str:
    chance = random.random()
    if row["direction"] == "CREDIT":
        return "COMPLETED"
    if moment > AS_OF - timedelta(days=2):
        return "PENDING" if chance < 0.2 else "COMPLETED"
    return "FAILED" if chance < 0.01 else "REVERSED" if chance < 0.015 else "COMPLETED"


def _goals(random: Random, accounts: list[Row]) -> list[Row]:
    savings = [row for row in accounts if row["account_type"] == "SAVINGS" and row["status"] == "ACTIVE"]
    rows: list[Row] = []
    for account in savings[:40]:
        target = random.randrange(200, 5_000) * 1_000
        rows.append(
            {
                "goal_id": _id(random),
                "customer_id": account["customer_id"],
                "account_id": account["account_id"],
                "name": random.choice(("Car", "Umrah", "Wedding", "Emergency", "Laptop")),
                "target_amount": _kwd(target),
                "current_amount": _kwd(random.randrange(target // 2)),
                "target_date": (AS_OF + timedelta(days=random.randint(60, 900))).date().isoformat(),
                "status": "ACTIVE",
                "created_at": instant_text(_before_as_of(random, 300)),
            }
        )
    return rows


def _service_requests(random: Random, customers: list[Row]) -> list[Row]:
    rows: list[Row] = []
    for _ in range(50):
        made = _before_as_of(random, 300, at_least=timedelta(days=3))
        rows.append(
            {
                "request_id": _id(random),
                "customer_id": random.choice(customers)["customer_id"],
                "request_type": random.choice(("CARD_REPLACEMENT", "CHEQUE_BOOK", "GENERAL_INQUIRY", "OTHER")),
                "subject": "Please help me with this",
                "status": random.choice(("OPEN", "IN_PROGRESS", "RESOLVED", "CLOSED")),
                "created_at": instant_text(made),
                "updated_at": instant_text(made + timedelta(days=2)),
            }
        )
    return rows


def _disputes(random: Random, transactions: list[Row]) -> list[Row]:
    """One for each disputed movement: at most 30, none when there are few transactions."""
    return [
        {
            "dispute_id": _id(random),
            "customer_id": row["customer_id"],
            "transaction_id": row["transaction_id"],
            "reason": "I do not know this payment",
            "amount": row["amount"],
            "status": random.choice(("OPEN", "UNDER_REVIEW")),
            "opened_at": instant_text(AS_OF - timedelta(minutes=random.randint(1, 50))),
        }
        for row in [row for row in transactions if row.get("disputed")][:30]
    ]


def _notifications(random: Random, transactions: list[Row]) -> list[Row]:
    rows: list[Row] = []
    for _ in range(700):
        about = random.choice(transactions)
        received = about["direction"] == "CREDIT"
        rows.append(
            {
                "notification_id": _id(random),
                "customer_id": about["customer_id"],
                "channel": random.choice(("PUSH", "SMS", "EMAIL")),
                "type": "PAYMENT_RECEIVED" if received else "PAYMENT_SENT",
                "title": "Money received" if received else "Payment made",
                "body": f"KWD {about['amount']}: {about['description']}",
                "related_entity_type": "TRANSACTION",
                "related_entity_id": about["transaction_id"],
                "status": random.choice(("READ", "READ", "UNREAD")),
                "sent_at": about["booked_at"],
            }
        )
    return rows


def _users(random: Random, customers: list[Row]) -> Collections:
    """Users, credentials, MFA settings, and 90 devices: an ACTIVE one for each user, then 30 older ones."""
    made: Collections = {"auth_users": [], "credentials": [], "mfa_settings": [], "registered_devices": []}
    for place, customer in enumerate(customers):
        user = _id(random)
        made["auth_users"].append(
            {
                "user_id": user,
                "customer_id": customer["customer_id"],
                "username": f"user{place + 1}",
                "role": "CUSTOMER",
                "status": "ACTIVE",
                "failed_login_attempts": 0,
                "last_login_at": instant_text(_before_as_of(random, 20)),
            }
        )
        made["credentials"].append({"user_id": user, "password": PASSWORD, "status": "ACTIVE"})
        made["mfa_settings"].append({"user_id": user, "mfa_enabled": False, "methods": []})
    owners = [row["user_id"] for row in made["auth_users"]]
    for place, owner in enumerate(owners + random.choices(owners, k=30)):
        made["registered_devices"].append(
            {
                "device_id": _id(random),
                "user_id": owner,
                "model": random.choice(("iPhone 17", "Galaxy S26", "Pixel 11")),
                "os": random.choice(("iOS 20", "Android 17")),
                "fingerprint": f"{random.getrandbits(64):016x}",
                "status": "ACTIVE" if place < CUSTOMERS else random.choice(("INACTIVE", "REVOKED")),
            }
        )
    return made


def _sessions(random: Random, devices: list[Row]) -> list[Row]:
    rows: list[Row] = []
    for _ in range(400):
        device = random.choice([row for row in devices if row["status"] == "ACTIVE"])
        rows.append(
            {
                "session_id": _id(random),
                "user_id": device["user_id"],
                "device_id": device["device_id"],
                "ip_address": f"192.0.2.{random.randint(1, 254)}",
                "city": random.choice(AREAS),
                "status": random.choice(("ENDED", "EXPIRED", "REVOKED")),
                "started_at": instant_text(_before_as_of(random, 200)),
            }
        )
    return rows


def _audit_logs(random: Random, users: list[Row]) -> list[Row]:
    moments = sorted(_before_as_of(random, 365) for _ in range(2_000))
    return [
        {
            "log_id": _id(random),
            "user_id": random.choice(users)["user_id"],
            "action": action,
            "severity": severity,
            "ip_address": f"192.0.2.{random.randint(1, 254)}",
            "created_at": instant_text(moment),
        }
        for moment, (action, severity) in zip(moments, random.choices(ACTIONS, k=2_000), strict=True)
    ]
