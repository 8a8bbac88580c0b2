"""`/_data`: the routes of the data plane, the same few for every collection, as json-server serves a file."""

import asyncio
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from litestar import Response, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody, SkipValidation

from sandbox.bank import record_lists, records
from sandbox.bank.record_writes import hash_secrets, plain_secrets
from sandbox.core.errors import (
    AccountBlockedError,
    AccountClosedError,
    Fault,
    InsufficientFundsError,
    LedgerImmutableError,
    LimitExceededError,
    MethodNotAllowedError,
    NotFoundError,
    RecordExistsError,
    RecordInUseError,
    RecordInvalidError,
    ValidationFailedError,
)
from sandbox.core.ids import seed_key
from sandbox.data.answers import answer_list, answer_one, encode, page_links
from sandbox.data.described import ListOperation, RecordOperation
from sandbox.data.filtering import few_of
from sandbox.data.query import Query, read_query, read_relations, require_none, takes_long
from sandbox.data.refusals import not_allowed, read, write
from sandbox.data.relations import collections_needed
from sandbox.data.tables import INLINE, RecordTables, Table
from sandbox.http.call import AnyRequest, Call, call_of
from sandbox.http.operations import any_query, anybody, refuses
from sandbox.http.replies import Reply, plain

Body = SkipValidation[JSONBody[dict[str, Any]]]
AnyRecord = dict[str, Any]

_SINGLES = (NotFoundError, MethodNotAllowedError)
_MOVES_MONEY = (AccountBlockedError, AccountClosedError, InsufficientFundsError, LimitExceededError)
_ADDS = (NotFoundError, MethodNotAllowedError, RecordExistsError, RecordInvalidError, *_MOVES_MONEY)
_CHANGES = (NotFoundError, MethodNotAllowedError, LedgerImmutableError, RecordInvalidError, *_MOVES_MONEY)
"""What these may be refused with: a transaction of `/_data` is posted like any other."""


class CollectionView(msgspec.Struct, frozen=True, kw_only=True):
    """A collection: `records` is null where it is one value; `key` is the field that identifies a record."""

    name: str
    records: int | None
    key: Annotated[str, msgspec.Meta(examples=["account_id"])]
    read_only: bool


class CollectionList(msgspec.Struct, frozen=True):
    """All collections of a sandbox."""

    items: list[CollectionView]


@get(
    "/_data",
    operation_id="listCollections",
    summary="List collections",
    tags=["data"],
    opt=anybody(),
)
async def list_collections(request: AnyRequest) -> Response[CollectionList]:
    """Every collection of the sandbox with the number of its records, the known ones first."""
    root = call_of(request).root
    if root.read(record_lists.is_small, than=INLINE):
        found = root.read(lambda work: record_lists.collections(work.db))
    else:
        found = await root.inspect(record_lists.collections)
    return plain(CollectionList([CollectionView(**info._asdict()) for info in found]))


@get(
    "/_data/{collection:str}",
    operation_id="listRecords",
    summary="List records",
    tags=["data"],
    opt=anybody() | any_query() | refuses(NotFoundError),
    operation_class=ListOperation,
)
async def list_records(request: AnyRequest, collection: FromPath[str]) -> Response[list[Any] | AnyRecord]:
    """The records of a collection in json-server's query language: any field filters, alone (`field=`) or with an
    operator (`field_gte=`, `field:gt=`). `X-Total-Count` says how many there are. A collection that is one value is
    answered as that value; with `_per_page` the answer is an object with `data`.
    """  # noqa: D205
    call = call_of(request)
    raw = call.scope["query_string"]
    if read(call.root, record_lists.is_single, collection):
        require_none(raw)
        return Reply(encode(read(call.root, record_lists.read_single, collection)))
    query = read_query(raw)
    tables = await _tables(request, collection, query)
    if takes_long(query) or any(table.large for table in tables.values()):
        listed = await asyncio.to_thread(answer_list, tables, collection, query)
    else:
        listed = answer_list(tables, collection, query)
    headers = {"x-total-count": str(listed.total)}
    links = page_links(_url(call), raw.decode(errors="replace"), query, listed.total)
    if links is not None:
        headers["link"] = links
    return Reply(listed.body, headers=headers)


@get(
    "/_data/{collection:str}/{record_id:str}",
    operation_id="getRecord",
    summary="Get a record",
    tags=["data"],
    opt=anybody() | any_query() | refuses(NotFoundError),
    operation_class=RecordOperation,
)
async def get_record(request: AnyRequest, collection: FromPath[str], record_id: FromPath[str]) -> Response[AnyRecord]:
    """One record, with what `_embed` and `_expand` want beside it."""
    call = call_of(request)
    query = read_relations(call.scope["query_string"])
    record = read(call.root, records.get_record, collection, record_id)
    if not (query.embed or query.expand):
        return Reply(encode(record))
    tables = await _tables(request, collection, query)
    if any(table.large for table in tables.values()):
        return Reply(await asyncio.to_thread(answer_one, record, tables, collection, query))
    return Reply(answer_one(record, tables, collection, query))


@post(
    "/_data/{collection:str}",
    operation_id="createRecord",
    summary="Add a record",
    tags=["data"],
    opt=anybody() | refuses(*_ADDS),
)
async def create_record(request: AnyRequest, collection: FromPath[str], data: Body) -> Response[AnyRecord]:
    """Add a record. Without an identifier it gets one; money goes through the ledger; fields that the collection does
    not know are kept. A collection that is one value is replaced.
    """  # noqa: D205
    call = call_of(request)
    if read(call.root, record_lists.is_single, collection):
        written = write(call.root, records.write_single, collection, _object(data), whole=True)
        return Reply(encode(written), status=201, headers={"location": _place(call)})
    body = await _hashed(call, collection, _object(data), None)
    made = write(call.root, records.create_record, collection, body)
    place = f"{_place(call)}/{quote(records.identifier_of(collection, made), safe='')}"
    return Reply(encode(made), status=201, headers={"location": place})


@put(
    "/_data/{collection:str}/{record_id:str}",
    operation_id="replaceRecord",
    summary="Replace a record",
    tags=["data"],
    opt=anybody() | refuses(*_CHANGES),
)
async def replace_record(
    request: AnyRequest, collection: FromPath[str], record_id: FromPath[str], data: Body
) -> Response[AnyRecord]:
    """Put another record in the place of one: what the body leaves out goes back to its default, secrets stay."""
    call = call_of(request)
    body = await _hashed(call, collection, _object(data), record_id)
    return Reply(encode(write(call.root, records.replace_record, collection, record_id, body)))


@patch(
    "/_data/{collection:str}/{record_id:str}",
    operation_id="changeRecord",
    summary="Change a record",
    tags=["data"],
    opt=anybody() | refuses(*_CHANGES),
)
async def change_record(
    request: AnyRequest, collection: FromPath[str], record_id: FromPath[str], data: Body
) -> Response[AnyRecord]:
    """Change some fields. A changed balance posts an adjusting entry; a posted movement's money never changes."""
    call = call_of(request)
    body = await _hashed(call, collection, _object(data), record_id)
    return Reply(encode(write(call.root, records.patch_record, collection, record_id, body)))


@delete(
    "/_data/{collection:str}/{record_id:str}",
    operation_id="deleteRecord",
    summary="Delete a record",
    tags=["data"],
    opt=anybody() | refuses(NotFoundError, MethodNotAllowedError, RecordInUseError, LedgerImmutableError),
    status_code=200,
)
async def delete_record(
    request: AnyRequest, collection: FromPath[str], record_id: FromPath[str]
) -> Response[AnyRecord]:
    """Remove a record that nothing refers to; the answer is an empty object."""
    write(call_of(request).root, records.delete_record, collection, record_id)
    return Reply(encode({}))


@put(
    "/_data/{collection:str}",
    operation_id="replaceSingle",
    summary="Replace a collection that is one value",
    tags=["data"],
    opt=anybody() | refuses(*_SINGLES),
)
async def replace_single(request: AnyRequest, collection: FromPath[str], data: Body) -> Response[AnyRecord]:
    """Put another object in the place of the one that the collection is."""
    return _write_single(call_of(request), collection, data, whole=True)


@patch(
    "/_data/{collection:str}",
    operation_id="changeSingle",
    summary="Change a collection that is one value",
    tags=["data"],
    opt=anybody() | refuses(*_SINGLES),
)
async def change_single(request: AnyRequest, collection: FromPath[str], data: Body) -> Response[AnyRecord]:
    """Change some fields of the object that the collection is."""
    return _write_single(call_of(request), collection, data, whole=False)


def _write_single(call: Call, collection: str, data: Any, *, whole: bool) -> Reply[AnyRecord]:
    if not read(call.root, record_lists.is_single, collection):
        detail = f"{collection} is a list: name the record, /_data/{collection}/{{id}}."
        raise not_allowed(detail, "GET, HEAD, OPTIONS, POST")
    return Reply(encode(write(call.root, records.write_single, collection, _object(data), whole=whole)))


def _object(data: Any) -> AnyRecord:
    if not isinstance(data, dict):
        raise ValidationFailedError([Fault("", "wrong_type", "must be an object: a record with its fields")])
    return data


async def _tables(request: AnyRequest, collection: str, query: Query) -> dict[str, Table]:
    """The collections that a query looks at."""
    call = call_of(request)
    wanted = [collection]
    if query.embed or query.expand:
        wanted = collections_needed(collection, query, read(call.root, record_lists.collection_names))
    tables: RecordTables = request.app.state.record_tables
    return await tables.tables(call.root, wanted, few=few_of(collection, query))


async def _hashed(call: Call, collection: str, body: AnyRecord, record_id: str | None) -> AnyRecord:
    """The body with its secrets hashed: at production cost that takes longer than the loop may be held up."""
    if collection != "credentials" or not plain_secrets(body):
        return body
    owner = str(body.get("user_id") if record_id is None else record_id)
    return await asyncio.to_thread(
        hash_secrets,
        body,
        seed_key=seed_key(call.root.seed),
        owner=owner,
        version=call.root.write_number + 1,
        cost=call.root.rules.password_cost,
    )


def _place(call: Call) -> str:
    return quote(call.prefix + call.path)


def _url(call: Call) -> str:
    return call.base_url + _place(call)


HANDLERS = [
    list_collections,
    list_records,
    get_record,
    create_record,
    replace_record,
    change_record,
    delete_record,
    replace_single,
    change_single,
]
