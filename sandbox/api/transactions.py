"""`/v1/transactions`: what moved on all accounts; `/v1/deposits` and `/v1/withdrawals`: cash in and out."""

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from sandbox.api.filters import FILTERED
from sandbox.bank import cash, transactions
from sandbox.bank.cash import NewCashMovement
from sandbox.bank.transactions import TransactionFilter, TransactionView
from sandbox.core.errors import (
    AccountBlockedError,
    AccountClosedError,
    ForbiddenError,
    InsufficientFundsError,
    LimitExceededError,
    NotFoundError,
)
from sandbox.http.bodies import strict
from sandbox.http.call import AnyRequest, call_of
from sandbox.http.operations import CUSTOMERS, EVERYBODY, refuses, roles
from sandbox.http.orders import DryRun, Placement, place_order
from sandbox.http.paging import Cursor, CustomerId, Limit, Page, window
from sandbox.http.replies import listing, single


@get(
    "/v1/transactions",
    operation_id="listTransactions",
    summary="List transactions",
    tags=["transactions"],
    opt=roles(*EVERYBODY) | refuses(NotFoundError, ForbiddenError),
    dependencies=FILTERED,
)
async def list_transactions(
    request: AnyRequest,
    wanted: NamedDependency[SkipValidation[TransactionFilter]],
    limit: Limit = 50,
    cursor: Cursor = None,
    customer_id: CustomerId = None,
) -> Response[Page[TransactionView]]:
    """What moved on all your accounts, newest first; staff see everyone's."""
    call = call_of(request)
    place = window(limit, cursor, kind="transactions", width=2)
    found = call.root.read(transactions.list_all, call.actor, place, wanted, customer_id=customer_id)
    return listing(call, found, kind="transactions")


@get(
    "/v1/transactions/{transaction_id:str}",
    operation_id="getTransaction",
    summary="Read a transaction",
    tags=["transactions"],
    opt=roles(*EVERYBODY) | refuses(NotFoundError),
)
async def get_transaction(request: AnyRequest, transaction_id: FromPath[str]) -> Response[TransactionView]:
    """One movement."""
    call = call_of(request)
    return single(call, call.root.read(transactions.get_transaction, call.actor, transaction_id))


@post(
    "/v1/deposits",
    operation_id="deposit",
    summary="Pay cash in",
    tags=["transactions"],
    opt=roles(*CUSTOMERS) | refuses(NotFoundError, AccountBlockedError, AccountClosedError, LimitExceededError),
)
async def deposit(
    request: AnyRequest, data: SkipValidation[JSONBody[NewCashMovement]], dry_run: DryRun = False
) -> Response[TransactionView]:
    """Pay cash in on one of your accounts, at a branch or a machine. Needs an `Idempotency-Key`."""
    order = strict(NewCashMovement, data)
    placement = Placement(asked=data, dry_run=dry_run, made="transaction_id", at="/v1/transactions")
    return place_order(call_of(request), placement, cash.deposit, order)


@post(
    "/v1/withdrawals",
    operation_id="withdraw",
    summary="Take cash out",
    tags=["transactions"],
    opt=roles(*CUSTOMERS)
    | refuses(NotFoundError, AccountBlockedError, AccountClosedError, InsufficientFundsError, LimitExceededError),
)
async def withdraw(
    request: AnyRequest, data: SkipValidation[JSONBody[NewCashMovement]], dry_run: DryRun = False
) -> Response[TransactionView]:
    """Take cash out of one of your accounts, at a branch or a machine. Needs an `Idempotency-Key`."""
    order = strict(NewCashMovement, data)
    placement = Placement(asked=data, dry_run=dry_run, made="transaction_id", at="/v1/transactions")
    return place_order(call_of(request), placement, cash.withdraw, order)


HANDLERS = [list_transactions, get_transaction, deposit, withdraw]
