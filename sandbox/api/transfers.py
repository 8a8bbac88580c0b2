"""`/v1/transfers`: pay another account, look what became of it, take it back."""

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, SkipValidation

from sandbox.bank import transfers
from sandbox.bank.transfers import NewReversal, NewTransfer, TransferView
from sandbox.core.errors import (
    AccountBlockedError,
    AccountClosedError,
    AlreadyReversedError,
    BankUnreachableError,
    CreditorUnknownError,
    ForbiddenError,
    IbanInvalidError,
    InsufficientFundsError,
    LimitExceededError,
    NotFoundError,
    SameAccountError,
    TransferNotReversibleError,
)
from sandbox.core.vocabulary import Role
from sandbox.http.bodies import strict
from sandbox.http.call import AnyRequest, call_of
from sandbox.http.operations import CUSTOMERS, EVERYBODY, OPTIONAL_BODY, refuses, roles
from sandbox.http.orders import DryRun, Placement, place_order
from sandbox.http.paging import Cursor, CustomerId, Limit, Page, window
from sandbox.http.replies import listing, single


@post(
    "/v1/transfers",
    operation_id="createTransfer",
    summary="Pay an account",
    tags=["transfers"],
    opt=roles(*CUSTOMERS)
    | refuses(
        NotFoundError,
        SameAccountError,
        IbanInvalidError,
        CreditorUnknownError,
        BankUnreachableError,
        AccountBlockedError,
        AccountClosedError,
        InsufficientFundsError,
        LimitExceededError,
    ),
)
async def create_transfer(
    request: AnyRequest, data: SkipValidation[JSONBody[NewTransfer]], dry_run: DryRun = False
) -> Response[TransferView]:
    """Pay from one of your accounts to another account of this bank. Needs an `Idempotency-Key`.

    A transfer that the bank refuses is kept as `rejected` with its ISO 20022 reason.
    """
    order = strict(NewTransfer, data)
    placement = Placement(asked=data, dry_run=dry_run, made="transfer_id", at="/v1/transfers")
    return place_order(call_of(request), placement, transfers.create_transfer, order)


@get(
    "/v1/transfers",
    operation_id="listTransfers",
    summary="List transfers",
    tags=["transfers"],
    opt=roles(*EVERYBODY) | refuses(NotFoundError, ForbiddenError),
)
async def list_transfers(
    request: AnyRequest, limit: Limit = 50, cursor: Cursor = None, customer_id: CustomerId = None
) -> Response[Page[TransferView]]:
    """The transfers you ordered, newest first; staff see everyone's."""
    call = call_of(request)
    place = window(limit, cursor, kind="transfers")
    found = call.root.read(transfers.list_transfers, call.actor, place, customer_id=customer_id)
    return listing(call, found, kind="transfers")


@get(
    "/v1/transfers/{transfer_id:str}",
    operation_id="getTransfer",
    summary="Read a transfer",
    tags=["transfers"],
    opt=roles(*EVERYBODY) | refuses(NotFoundError),
)
async def get_transfer(request: AnyRequest, transfer_id: FromPath[str]) -> Response[TransferView]:
    """One transfer and where it stands."""
    call = call_of(request)
    return single(call, call.root.read(transfers.get_transfer, call.actor, transfer_id))


@post(
    "/v1/transfers/{transfer_id:str}/reversal",
    operation_id="reverseTransfer",
    summary="Take a transfer back",
    tags=["transfers"],
    opt=roles(Role.CUSTOMER, Role.ADMIN)
    | {OPTIONAL_BODY: True}
    | refuses(
        NotFoundError,
        AlreadyReversedError,
        TransferNotReversibleError,
        AccountBlockedError,
        AccountClosedError,
        InsufficientFundsError,
        LimitExceededError,
    ),
)
async def reverse_transfer(
    request: AnyRequest,
    transfer_id: FromPath[str],
    data: SkipValidation[JSONBody[NewReversal | None]] = None,
    dry_run: DryRun = False,
) -> Response[TransferView]:
    """Take a settled transfer back, exactly and once. Needs an `Idempotency-Key`.

    Whoever ordered it may: this is a bank for tests, and whether the receiver has to agree is not its business.
    """
    asked: Any = {} if data is None else data
    order = strict(NewReversal, asked)
    placement = Placement(asked=asked, dry_run=dry_run, at=f"/v1/transfers/{transfer_id}")
    return place_order(call_of(request), placement, transfers.reverse_transfer, transfer_id, order)


HANDLERS = [create_transfer, list_transfers, get_transfer, reverse_transfer]
