"""`/v1/accounts`: the accounts, their balances, what is held and what has moved on them."""

from litestar import Response, get, patch
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from sandbox.api.filters import FILTERED
from sandbox.bank import accounts, transactions
from sandbox.bank.accounts import AccountChange, AccountView, BalancesView, HoldView
from sandbox.bank.transactions import TransactionFilter, TransactionView
from sandbox.core.errors import ForbiddenError, NotFoundError, PreconditionFailedError
from sandbox.http.bodies import strict
from sandbox.http.call import AnyRequest, call_of
from sandbox.http.operations import CUSTOMERS, EVERYBODY, refuses, roles
from sandbox.http.paging import Cursor, CustomerId, Limit, Page, window
from sandbox.http.replies import changed, listing, single, unless_changed


@get(
    "/v1/accounts",
    operation_id="listAccounts",
    summary="List accounts",
    tags=["accounts"],
    opt=roles(*EVERYBODY) | refuses(NotFoundError, ForbiddenError),
)
async def list_accounts(
    request: AnyRequest, limit: Limit = 50, cursor: Cursor = None, customer_id: CustomerId = None
) -> Response[Page[AccountView]]:
    """Your accounts, oldest first; staff see everyone's."""
    call = call_of(request)
    wanted = window(limit, cursor, kind="accounts")
    found = call.root.read(accounts.list_accounts, call.actor, wanted, customer_id=customer_id)
    return listing(call, found, kind="accounts")


@get(
    "/v1/accounts/{account_id:str}",
    operation_id="getAccount",
    summary="Read an account",
    tags=["accounts"],
    opt=roles(*EVERYBODY) | refuses(NotFoundError),
)
async def get_account(request: AnyRequest, account_id: FromPath[str]) -> Response[AccountView]:
    """One account with its balances."""
    call = call_of(request)
    return single(call, call.root.read(accounts.get_account, call.actor, account_id))


@patch(
    "/v1/accounts/{account_id:str}",
    operation_id="changeAccount",
    summary="Change an account",
    tags=["accounts"],
    opt=roles(*CUSTOMERS) | refuses(NotFoundError, PreconditionFailedError),
)
async def change_account(
    request: AnyRequest, account_id: FromPath[str], data: SkipValidation[JSONBody[AccountChange]]
) -> Response[AccountView]:
    """Give an account a nickname. `If-Match` refuses the change when the account is no longer what you read."""
    call = call_of(request)
    change = strict(AccountChange, data)
    view = call.root.write(accounts.change_account, call.actor, account_id, change, unless_changed(call))
    return changed(view)


@get(
    "/v1/accounts/{account_id:str}/balances",
    operation_id="getBalances",
    summary="Read balances",
    tags=["accounts"],
    opt=roles(*EVERYBODY) | refuses(NotFoundError),
)
async def get_balances(request: AnyRequest, account_id: FromPath[str]) -> Response[BalancesView]:
    """What is booked, what is held, and what is available."""
    call = call_of(request)
    return single(call, call.root.read(accounts.get_balances, call.actor, account_id))


@get(
    "/v1/accounts/{account_id:str}/holds",
    operation_id="listHolds",
    summary="List holds",
    tags=["accounts"],
    opt=roles(*EVERYBODY) | refuses(NotFoundError),
)
async def list_holds(
    request: AnyRequest, account_id: FromPath[str], limit: Limit = 50, cursor: Cursor = None
) -> Response[Page[HoldView]]:
    """What is or was reserved on an account, oldest first."""
    call = call_of(request)
    found = call.root.read(accounts.list_holds, call.actor, window(limit, cursor, kind="holds"), account_id)
    return listing(call, found, kind="holds")


@get(
    "/v1/accounts/{account_id:str}/transactions",
    operation_id="listAccountTransactions",
    summary="List an account's transactions",
    tags=["transactions"],
    opt=roles(*EVERYBODY) | refuses(NotFoundError),
    dependencies=FILTERED,
)
async def list_account_transactions(
    request: AnyRequest,
    account_id: FromPath[str],
    wanted: NamedDependency[SkipValidation[TransactionFilter]],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[Page[TransactionView]]:
    """What moved on one account, newest first."""
    call = call_of(request)
    place = window(limit, cursor, kind="transactions", width=2)
    found = call.root.read(transactions.list_of_account, call.actor, place, account_id, wanted)
    return listing(call, found, kind="transactions")


HANDLERS = [list_accounts, get_account, change_account, get_balances, list_holds, list_account_transactions]
