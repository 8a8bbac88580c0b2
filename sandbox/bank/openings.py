"""Opening: a new customer with a user, a device and an account, as a branch would on one form."""

from datetime import date
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from sandbox.bank import cash
from sandbox.bank.actors import holder
from sandbox.bank.cash import NewCashMovement
from sandbox.core import civil_id, iban
from sandbox.core.errors import Fault, ValidationFailedError
from sandbox.core.ids import derive
from sandbox.core.money import OrderAmount, format_fils
from sandbox.core.passwords import hash_password
from sandbox.core.vocabulary import (
    AccountStatus,
    AccountType,
    CredentialStatus,
    CustomerStatus,
    DeviceStatus,
    KycStatus,
    Language,
    Role,
    UserStatus,
)
from sandbox.store.statement import Statement
from sandbox.store.tables import (
    account,
    auth_user,
    credential,
    customer,
    customer_setting,
    mfa_setting,
    registered_device,
)
from sandbox.store.work import Work


class NewCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """What the form says. `deposit` is in fils."""

    username: str
    password: str
    full_name: str
    full_name_ar: str | None
    email: str | None
    phone: str | None
    date_of_birth: date
    language: Language
    account_type: AccountType
    deposit: int


class Opened(NamedTuple):
    """The identifiers of what was opened."""

    customer_id: str
    user_id: str
    account_id: str


_ADD_CUSTOMER = Statement(
    sa.insert(customer).returning(customer.c.key),
    *("id", "full_name", "full_name_ar", "email", "phone", "civil_id", "nationality", "date_of_birth"),
    *("kyc_status", "status"),
)
_ADD_SETTING = Statement(sa.insert(customer_setting), "customer", "language", "notifications_enabled")
_ADD_USER = Statement(
    sa.insert(auth_user).returning(auth_user.c.key),
    *("id", "customer", "username", "role", "status", "failed_login_attempts"),
)
_ADD_CREDENTIAL = Statement(sa.insert(credential), "user", "password_hash", "status")
_ADD_MFA = Statement(sa.insert(mfa_setting), "user", "mfa_enabled", "methods")
_ADD_DEVICE = Statement(sa.insert(registered_device), "id", "user", "model", "os", "fingerprint", "status")
_ADD_ACCOUNT = Statement(
    sa.insert(account),
    *("id", "customer", "account_number", "iban", "account_type", "overdraft_limit", "status", "opened_at"),
    *("debits_pending", "debits_posted", "credits_pending", "credits_posted"),
)
_USERNAME_TAKEN = Statement(sa.select(auth_user.c.key).where(auth_user.c.username == sa.bindparam("of_username")))
_NUMBER_TAKEN = Statement(sa.select(account.c.key).where(account.c.account_number == sa.bindparam("number")))
_CIVIL_ID_TAKEN = Statement(sa.select(customer.c.key).where(customer.c.civil_id == sa.bindparam("number")))


def open_customer(work: Work, form: NewCustomer) -> Opened:
    """A customer who can sign in at once, with a known device and one ACTIVE account.

    Raises:
        ValidationFailedError: somebody has the username, or no Civil ID is left for the date of birth.
        LimitExceededError: the deposit is more than an account can hold.
    """
    if _USERNAME_TAKEN.first(work.db, of_username=form.username) is not None:
        raise ValidationFailedError([Fault("/username", "taken", f"somebody is called {form.username!r} already")])
    customer_id, user_id = work.draws.uuid("customer"), work.draws.uuid("user")
    customer_key = _ADD_CUSTOMER.one(
        work.db,
        id=customer_id,
        full_name=form.full_name,
        full_name_ar=form.full_name_ar,
        email=form.email,
        phone=form.phone,
        civil_id=_civil_id(work, form.date_of_birth),
        nationality="KW",
        date_of_birth=form.date_of_birth.isoformat(),
        kyc_status=KycStatus.VERIFIED.value,
        status=CustomerStatus.ACTIVE.value,
    ).key
    _ADD_SETTING.run(work.db, customer=customer_key, language=form.language.value, notifications_enabled=True)
    _add_user(work, form, customer_key, user_id)
    account_id = _add_account(work, form, customer_key)
    opener = holder(work, account_id)
    work.audit("CUSTOMER_OPENED", user=opener.user, ip_address=None, related=customer_id)
    if form.deposit:
        amount = OrderAmount(amount=format_fils(form.deposit), currency="KWD")
        cash.deposit(work, opener, NewCashMovement(account_id=account_id, amount=amount, reference="Opening deposit"))
    return Opened(customer_id, user_id, account_id)


def _add_user(work: Work, form: NewCustomer, customer_key: int, user_id: str) -> None:
    user = _ADD_USER.one(
        work.db,
        id=user_id,
        customer=customer_key,
        username=form.username,
        role=Role.CUSTOMER.value,
        status=UserStatus.ACTIVE.value,
        failed_login_attempts=0,
    ).key
    stored = hash_password(
        form.password,
        seed_key=derive(work.draws.secret("password-salt").encode(), "new-customer"),
        username=f"{form.username}:password_hash",
        version=0,
        cost=work.rules.password_cost,
    )
    _ADD_CREDENTIAL.run(work.db, user=user, password_hash=stored, status=CredentialStatus.ACTIVE.value)
    _ADD_MFA.run(work.db, user=user, mfa_enabled=False, methods=[])
    _ADD_DEVICE.run(
        work.db,
        id=work.draws.uuid("device"),
        user=user,
        model="iPhone 17",
        os="iOS 26.2",
        fingerprint=work.draws.uuid("fingerprint").replace("-", ""),
        status=DeviceStatus.ACTIVE.value,
    )


def _add_account(work: Work, form: NewCustomer, customer_key: int) -> str:
    number = _free_number(work)
    account_id = work.draws.uuid("account")
    counters = dict.fromkeys(("debits_pending", "debits_posted", "credits_pending", "credits_posted"), 0)
    _ADD_ACCOUNT.run(
        work.db,
        id=account_id,
        customer=customer_key,
        account_number=number,
        iban=iban.make(number),
        account_type=form.account_type.value,
        overdraft_limit=0,
        status=AccountStatus.ACTIVE.value,
        opened_at=work.now,
        **counters,
    )
    return account_id


def _free_number(work: Work) -> str:
    """An account number of nine digits that nobody has."""
    while True:
        number = str(100_000_000 + work.draws.below(900_000_000))
        if _NUMBER_TAKEN.first(work.db, number=number) is None:
            return number


def _civil_id(work: Work, born: date) -> str:
    """A Civil ID of the band of invented people that nobody has."""
    serials = civil_id.SYNTHETIC_SERIALS
    first = work.draws.below(len(serials))
    for step in range(len(serials)):
        serial = serials[(first + step) % len(serials)]
        if civil_id.issuable(born, serial):
            number = civil_id.make(born, serial)
            if _CIVIL_ID_TAKEN.first(work.db, number=number) is None:
                return number
    detail = f"no Civil ID of the synthetic band is left for {born.isoformat()}"
    raise ValidationFailedError([Fault("/date_of_birth", "taken", detail)])
