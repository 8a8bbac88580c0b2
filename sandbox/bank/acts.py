"""Acts: what a scenario may call by name, each a real function of the bank with plain, typed arguments.

An act takes keyword arguments only; their annotations and defaults are its signature in a scenario file, and the first
line of its docstring is its documentation. An act that is meant to be refused says by what.
"""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, NamedTuple, NewType

import msgspec
import sqlalchemy as sa

from sandbox.bank import cash, everyday, identity, messages, movements, openings, transfers
from sandbox.bank.access import find_account
from sandbox.bank.actors import holder
from sandbox.bank.cash import NewCashMovement
from sandbox.bank.devices import DeviceFacts
from sandbox.bank.everyday import Habit
from sandbox.bank.identity import Verdict
from sandbox.bank.movements import Merchant
from sandbox.bank.transfers import Creditor, NewTransfer
from sandbox.core.clock import local_date
from sandbox.core.duration import Duration
from sandbox.core.errors import (
    AccountClosedError,
    DomainError,
    Fault,
    InvalidCredentialsError,
    NotFoundError,
    UserLockedError,
    ValidationFailedError,
)
from sandbox.core.money import Fils, MoneyError, OrderAmount, format_fils
from sandbox.core.vocabulary import (
    AccountStatus,
    AccountType,
    Channel,
    Language,
    NotificationChannel,
    NotificationStatus,
    Severity,
)
from sandbox.store.statement import Statement
from sandbox.store.tables import account, auth_user, customer, customer_setting, message, notification
from sandbox.store.work import Work

Username = NewType("Username", str)
"""A sign-in name."""

AccountId = NewType("AccountId", str)
"""The public id of an account."""

Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]


class Act(NamedTuple):
    """A function that a scenario may call; `meant` are the refusals that are its very purpose."""

    run: Callable[..., Any]
    meant: tuple[type[DomainError], ...] = ()


_PERSON = Statement(
    sa.select(
        auth_user.c.key,
        auth_user.c.id,
        customer.c.key.label("customer"),
        customer.c.phone,
        customer.c.email,
        customer_setting.c.language,
    )
    .select_from(auth_user)
    .join(customer, customer.c.key == auth_user.c.customer)
    .outerjoin(customer_setting, customer_setting.c.customer == customer.c.key)
    .where(auth_user.c.username == sa.bindparam("of_username"))
)
_SET_STATUS = Statement(
    sa.update(account).where(account.c.key == sa.bindparam("account")).values(status=sa.bindparam("new_status"))
)
_ADD_NOTIFICATION = Statement(
    sa.insert(notification),
    *("id", "customer", "channel", "type", "title", "title_ar", "body", "body_ar", "status", "sent_at"),
)
_CLEAR_NOTIFICATIONS = Statement(sa.delete(notification).where(notification.c.customer == sa.bindparam("of_customer")))
_CLEAR_MESSAGES = Statement(sa.delete(message).where(message.c.customer == sa.bindparam("of_customer")))


def failed_sign_in(work: Work, *, user: Username, ip_address: str = "203.0.113.7") -> None:
    """Try a wrong password: counted, and the fifth in a row locks the user."""
    stored = identity.stored_hash(work, user)
    device = DeviceFacts(model="Unknown", os="Unknown")
    identity.sign_in(work, user, Verdict(stored, matches=False), device=device, ip_address=ip_address)


def sign_in(
    work: Work, *, user: Username, model: str = "iPhone 17", os: str = "iOS 26.2", ip_address: str = "127.0.0.1"
) -> None:
    """Sign in with the right password, from a device known by its model: a session is opened, or a code is sent."""
    stored = identity.stored_hash(work, user)
    device = DeviceFacts(model=model, os=os, fingerprint=f"scenario:{user}:{model}")
    identity.sign_in(work, user, Verdict(stored, matches=True), device=device, ip_address=ip_address)


def deposit(
    work: Work, *, account: AccountId, amount: Fils, channel: Channel = Channel.BRANCH, reference: str | None = None
) -> None:
    """Pay cash in."""
    cash.deposit(work, holder(work, account), _cash(account, amount, channel, reference))


def withdraw(
    work: Work, *, account: AccountId, amount: Fils, channel: Channel = Channel.ATM, reference: str | None = None
) -> None:
    """Take cash out."""
    cash.withdraw(work, holder(work, account), _cash(account, amount, channel, reference))


def purchase(
    work: Work,
    *,
    account: AccountId,
    amount: Fils,
    merchant: str,
    category: str | None = None,
    mcc: str | None = None,
    channel: Channel = Channel.POS,
    description: str | None = None,
) -> None:
    """Pay at a merchant, as with a card: `category` is UPPER_SNAKE, `mcc` has four digits."""
    other = Merchant(merchant, category, mcc)
    movements.purchase(work, account, _amount(amount).fils, other, channel=channel, description=description)


def pay_bill(
    work: Work, *, account: AccountId, amount: Fils, category: str, description: str, merchant: str | None = None
) -> None:
    """Pay a bill on the mobile app, to somebody at another bank: `category` is UPPER_SNAKE."""
    other = Merchant(merchant, category, None)
    movements.purchase(work, account, _amount(amount).fils, other, channel=Channel.MOBILE, description=description)


def pay_rent(work: Work, *, account: AccountId, amount: Fils) -> None:
    """Pay the rent of the month on the mobile app; it is put off where there is too little money."""
    actor = holder(work, account)
    row = find_account(work, account)
    assert row is not None, "the account of a holder"
    if row.credits_posted - row.debits_posted - row.debits_pending + row.overdraft_limit < amount:
        work.audit("RENT_PUT_OFF", user=actor.user, ip_address=None, related=account, severity=Severity.WARNING)
        return
    month = date.fromisoformat(local_date(work.now)).strftime("%Y-%m")
    pay_bill(work, account=account, amount=amount, category="RENT", description=f"Rent {month}")


def pay_salary(work: Work, *, account: AccountId, amount: Fils, employer: str = "Ministry of Example Affairs") -> None:
    """Credit a month's salary, and tell the customer."""
    actor = holder(work, account)
    description = f"Salary, {employer}"
    of = Merchant(None, "SALARY", None)
    movements.receive(work, account, _amount(amount).fils, of, channel=Channel.ONLINE, description=description)
    notify(
        work,
        user=Username(actor.username),
        type="SALARY_RECEIVED",
        title="Your salary has arrived",
        title_ar="وصل راتبك",
        body=f"{format_fils(amount)} KD was credited to your account.",
        body_ar=f"تم إيداع {format_fils(amount)} د.ك في حسابك.",
    )


def spend(work: Work, *, account: AccountId, habit: Habit, chance: Percent = 100) -> None:
    """Follow an everyday habit at Kuwaiti prices, with a chance in percent; what cannot be paid is declined."""
    everyday.spend(work, account, habit, chance=chance)


def transfer(
    work: Work, *, account: AccountId, to_account: AccountId, amount: Fils, reference: str | None = None
) -> None:
    """Order a transfer from an account to another one of this bank."""
    order = NewTransfer(
        from_account_id=account, to=Creditor(account_id=to_account), amount=_amount(amount), reference=reference
    )
    transfers.create_transfer(work, holder(work, account), order)


def bring_balance(work: Work, *, account: AccountId, available: Fils) -> None:
    """Pay in or take out cash until exactly this much is available; what is held stays held."""
    row = find_account(work, account)
    if row is None:
        raise NotFoundError(f"There is no account {account[:64]}.")
    now_available = row.credits_posted - row.debits_posted - row.debits_pending + row.overdraft_limit
    missing = Fils(available - now_available)
    if missing > 0:
        deposit(work, account=account, amount=missing)
    elif missing < 0:
        withdraw(work, account=account, amount=Fils(-missing), channel=Channel.BRANCH)


def freeze_account(work: Work, *, account: AccountId) -> None:
    """Freeze an account: no money moves on it until it is unfrozen; the customer is told."""
    _set_status(work, account, AccountStatus.FROZEN, "ACCOUNT_FROZEN", Severity.WARNING)
    notify(
        work,
        user=Username(holder(work, account).username),
        type="ACCOUNT_FROZEN",
        title="Your account is frozen",
        title_ar="تم تجميد حسابك",
        body="No money moves on it until a branch has looked at it.",
        body_ar="لن تتم أي عملية عليه حتى تتم مراجعته في أحد الفروع.",
    )


def unfreeze_account(work: Work, *, account: AccountId) -> None:
    """Make a frozen or dormant account ACTIVE again."""
    _set_status(work, account, AccountStatus.ACTIVE, "ACCOUNT_ACTIVATED", Severity.INFO)


def make_dormant(work: Work, *, account: AccountId) -> None:
    """Set an account aside that its holder has not used for long."""
    _set_status(work, account, AccountStatus.DORMANT, "ACCOUNT_DORMANT", Severity.INFO)


def open_customer(
    work: Work,
    *,
    username: str,
    password: str,
    full_name: str,
    full_name_ar: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    date_of_birth: date | None = None,
    language: Language = Language.ENGLISH,
    account_type: AccountType = AccountType.CURRENT,
    deposit: Fils = Fils(0),  # noqa: B008 - a plain number by another name
) -> None:
    """Open a customer with a user, a known device and one account."""
    openings.open_customer(
        work,
        openings.NewCustomer(
            username=username,
            password=password,
            full_name=full_name,
            full_name_ar=full_name_ar,
            email=email,
            phone=phone,
            date_of_birth=date_of_birth or date(1994, 5, 20),
            language=language,
            account_type=account_type,
            deposit=_amount(deposit).fils if deposit else 0,
        ),
    )


def place_hold(
    work: Work,
    *,
    account: AccountId,
    amount: Fils,
    merchant: str,
    category: str | None = None,
    mcc: str | None = None,
    lasts: Duration | None = None,
    description: str | None = None,
) -> None:
    """Hold money for a merchant; it is released when the time is over (default: the bank's hold time)."""
    expires_at = None if lasts is None else lasts.after(work.now)
    other = Merchant(merchant, category, mcc)
    movements.reserve(work, account, _amount(amount).fils, other, expires_at=expires_at, description=description)


def notify(
    work: Work,
    *,
    user: Username,
    type: str,  # noqa: A002 - the field's own name
    title: str,
    title_ar: str | None = None,
    body: str | None = None,
    body_ar: str | None = None,
    channel: NotificationChannel = NotificationChannel.PUSH,
) -> None:
    """Put a notification into the app; by SMS or EMAIL it is sent as a message too, in the customer's language."""
    person = _person(work, user)
    _ADD_NOTIFICATION.run(
        work.db,
        id=work.draws.uuid("notification"),
        customer=person.customer,
        channel=channel.value,
        type=type,
        title=title,
        title_ar=title_ar,
        body=body,
        body_ar=body_ar,
        status=NotificationStatus.UNREAD.value,
        sent_at=work.now,
    )
    recipient = {NotificationChannel.SMS: person.phone, NotificationChannel.EMAIL: person.email}.get(channel)
    if recipient:
        arabic = person.language == Language.ARABIC
        subject, text = (title_ar or title, body_ar or body) if arabic else (title, body)
        messages.send(work, channel, recipient, text or subject, subject=subject, customer=person.customer)


def clear_inbox(work: Work, *, user: Username) -> None:
    """Delete a customer's notifications, and the messages that were sent to them."""
    person = _person(work, user)
    _CLEAR_NOTIFICATIONS.run(work.db, of_customer=person.customer)
    _CLEAR_MESSAGES.run(work.db, of_customer=person.customer)


ACTS: dict[str, Act] = {
    "failed_sign_in": Act(failed_sign_in, (InvalidCredentialsError, UserLockedError)),
    "sign_in": Act(sign_in),
    "deposit": Act(deposit),
    "withdraw": Act(withdraw),
    "purchase": Act(purchase),
    "pay_bill": Act(pay_bill),
    "pay_rent": Act(pay_rent),
    "pay_salary": Act(pay_salary),
    "spend": Act(spend),
    "transfer": Act(transfer),
    "bring_balance": Act(bring_balance),
    "freeze_account": Act(freeze_account),
    "unfreeze_account": Act(unfreeze_account),
    "make_dormant": Act(make_dormant),
    "open_customer": Act(open_customer),
    "place_hold": Act(place_hold),
    "notify": Act(notify),
    "clear_inbox": Act(clear_inbox),
}
"""Every act by its name."""


def _person(work: Work, user: str) -> Any:
    row = _PERSON.first(work.db, of_username=user)
    if row is None:
        raise NotFoundError(f"There is no customer's user {user[:64]!r}.")
    return row


def _amount(amount: Fils) -> OrderAmount:
    """An amount as an order carries it.

    Raises:
        ValidationFailedError: it is not more than zero.
    """
    try:
        return OrderAmount(amount=format_fils(amount), currency="KWD")
    except MoneyError as error:
        raise ValidationFailedError([Fault("/amount", error.code, str(error))]) from None


def _cash(account_id: str, amount: Fils, channel: Channel, reference: str | None) -> NewCashMovement:
    return NewCashMovement(account_id=account_id, amount=_amount(amount), channel=channel, reference=reference)


def _set_status(work: Work, account_id: str, status: AccountStatus, action: str, severity: Severity) -> None:
    """Set the status of an account that is not closed.

    Raises:
        NotFoundError, AccountClosedError: there is none, or it is closed for good.
    """
    actor = holder(work, account_id)
    row = find_account(work, account_id)
    assert row is not None, "the account of a holder"
    if row.status == AccountStatus.CLOSED:
        raise AccountClosedError("The account is closed; its status never changes again.")
    _SET_STATUS.run(work.db, account=row.key, new_status=status.value)
    work.audit(action, user=actor.user, ip_address=None, related=row.id, severity=severity)
