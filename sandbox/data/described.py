"""What the OpenAPI document says of the data plane's parameters, which depend on the collection and are read by us."""

from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIType, Operation, Parameter, Schema

from sandbox.data.query import MOST_PER_PAGE

_TEXT = Schema(type=OpenAPIType.STRING)
_SORT = Schema(type=OpenAPIType.STRING, pattern=r"^-?[A-Za-z][A-Za-z0-9_.]*(,-?[A-Za-z][A-Za-z0-9_.]*)*$")


def _whole(least: int, most: int | None = None) -> Schema:
    return Schema(type=OpenAPIType.INTEGER, minimum=least, maximum=most or 10**9 - 1)


def _parameter(name: str, schema: Schema, description: str) -> Parameter:
    return Parameter(name=name, param_in="query", schema=schema, description=description, required=False)


_RELATIONS = (
    _parameter("_embed", _TEXT, "collections whose records belong to these, or what these belong to; comma-separated"),
    _parameter("_expand", _TEXT, "what the records belong to, such as `customer` of accounts; comma-separated"),
)
_LISTS = (
    _parameter("q", _TEXT, "full text: in any value, whatever the case"),
    _parameter("_sort", _SORT, "fields, comma-separated; `-field` descends"),
    _parameter("_order", _TEXT, "`asc` or `desc` for each field of `_sort`, comma-separated"),
    _parameter("_page", _whole(1), "page; with `_limit` an array and `Link`, with `_per_page` an object"),
    _parameter("_limit", _whole(0, MOST_PER_PAGE), "how many records at most; 10 on pages"),
    _parameter("_per_page", _whole(1, MOST_PER_PAGE), "how many records on a page, told as an object with `data`"),
    _parameter("_start", _whole(0), "position of the first record"),
    _parameter("_end", _whole(0), "position after the last record"),
    *_RELATIONS,
)


@dataclass
class ListOperation(Operation):
    """An operation that lists the records of a collection."""

    def __post_init__(self) -> None:
        """Add the parameters that every collection takes."""
        self.parameters = [*(self.parameters or ()), *_LISTS]


@dataclass
class RecordOperation(Operation):
    """An operation that reads one record."""

    def __post_init__(self) -> None:
        """Add the parameters that every collection takes."""
        self.parameters = [*(self.parameters or ()), *_RELATIONS]
