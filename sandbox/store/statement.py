"""The statement helper: a Core statement compiled once per dialect and run on the driver's own cursor.

The Core statement stays the only definition; types, dialects and errors stay SQLAlchemy's. It is the normal way for
hot statements: about a third of the cost of `Connection.execute`. Not for IN lists, column defaults or Numeric
columns, which need the execution layer.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError

Convert = Callable[[Any], Any]

_A_FEW = 8
_AT_ONCE = 5_000
"""How many rows are bound before they go to the driver: many rows need no more memory than these."""


class Statement:
    """One Core statement, ready to run. `columns` name the bind parameters of an INSERT without values."""

    __slots__ = ("_columns", "_core", "_plans")

    def __init__(self, core: sa.Executable, *columns: str) -> None:
        self._core = core
        self._columns = columns or None
        self._plans: dict[Dialect, _Plan] = {}

    def all(self, db: sa.Connection, **values: Any) -> list[Any]:
        """Every row, as named tuples."""
        plan = self._plan(db)
        found = plan.execute(db, plan.bind(values)).fetchall()
        return plan.rows(found) if found else []

    def first(self, db: sa.Connection, **values: Any) -> Any | None:
        """The first row, or None when there is none."""
        plan = self._plan(db)
        cursor = plan.execute(db, plan.bind(values))
        found = cursor.fetchone()
        cursor.close()
        return plan.row(found) if found else None

    def one(self, db: sa.Connection, **values: Any) -> Any:
        """The one row that must be there."""
        found = self.first(db, **values)
        assert found is not None, f"no row: {self._core}"
        return found

    def run(self, db: sa.Connection, **values: Any) -> int:
        """Run it for its effect; the number of rows it touched."""
        plan = self._plan(db)
        touched: int = plan.execute(db, plan.bind(values)).rowcount
        return touched

    def run_many(self, db: sa.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run it once for each row."""
        plan = self._plan(db)
        left = iter(rows)
        while some := list(islice(left, _AT_ONCE)):
            plan.execute(db, plan.bind_all(some), many=True)

    def _plan(self, db: sa.Connection) -> "_Plan":
        dialect = db.dialect
        plan = self._plans.get(dialect)
        if plan is None:
            plan = self._plans[dialect] = _Plan(self._core, self._columns, dialect)
        return plan


class _Plan:
    """A statement compiled for one dialect, with the processors of its types."""

    __slots__ = ("_binders", "_constants", "_converters", "_dialect", "_plain", "_row", "sql")

    def __init__(self, core: Any, columns: tuple[str, ...] | None, dialect: Dialect) -> None:
        compiled = core.compile(dialect=dialect, column_keys=columns)
        if compiled.post_compile_params or compiled.literal_execute_params:
            raise TypeError(f"rendered at execution time, use Connection.execute: {compiled}")
        self.sql: str = compiled.string
        self._dialect = dialect
        self._binders: list[tuple[str, Convert | None]] = [
            (name, _bind_processor(compiled, name, dialect)) for name in compiled.positiontup
        ]
        self._constants = {
            name: compiled.binds[name].value for name in compiled.positiontup if not compiled.binds[name].required
        }
        out = list(core.exported_columns) if compiled.effective_returning or core.is_select else []
        self._row: Any = _row_type([column.key for column in out])
        self._converters: list[Convert | None] = [
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in out
        ]
        self._plain = not any(self._converters)

    def bind(self, values: Mapping[str, Any]) -> list[Any]:
        """The values in the order of the statement's markers, through their types; each must be given."""
        if self._constants:
            values = {**self._constants, **values}
        return [convert(values[name]) if convert else values[name] for name, convert in self._binders]

    def bind_all(self, rows: list[Mapping[str, Any]]) -> list[Any]:
        """The same for many rows, by column: row by row costs twice as much (and half as much for a few rows)."""
        if self._constants or len(rows) < _A_FEW:
            return [self.bind(row) for row in rows]
        columns = ((convert, map(itemgetter(name), rows)) for name, convert in self._binders)
        return list(zip(*(map(convert, column) if convert else column for convert, column in columns), strict=True))

    def execute(self, db: sa.Connection, values: list[Any], *, many: bool = False) -> Any:
        """A driver cursor on which the statement has run; the driver's errors come as SQLAlchemy's."""
        driver: Any = db.connection.dbapi_connection
        cursor = driver.cursor()
        try:
            (cursor.executemany if many else cursor.execute)(self.sql, values)
        except self._dialect.loaded_dbapi.Error as error:
            base = self._dialect.loaded_dbapi.Error
            raise DBAPIError.instance(self.sql, values, error, base, dialect=self._dialect) from error
        return cursor

    def row(self, found: Any) -> Any:
        """One driver row as a named tuple."""
        if self._plain:
            return self._row._make(found)
        pairs = zip(self._converters, found, strict=True)
        return self._row._make([convert(value) if convert else value for convert, value in pairs])

    def rows(self, found: list[Any]) -> list[Any]:
        """Many driver rows as named tuples, converted by column: by row it costs half as much again."""
        if self._plain:
            return list(map(self._row._make, found))
        columns = zip(*found, strict=True)
        pairs = zip(self._converters, columns, strict=True)
        return list(map(self._row, *(map(convert, column) if convert else column for convert, column in pairs)))


def _row_type(names: list[str]) -> Any:
    return namedtuple("Row", names)  # noqa: PYI024 - its fields are data


def _bind_processor(compiled: Any, name: str, dialect: Dialect) -> Convert | None:
    processor: Convert | None = compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)
    return processor
