"""The statement helper: what it gives is what `Connection.execute` gives, and what it cannot do it refuses."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError

from sandbox.store.engine import connect, disconnect
from sandbox.store.statement import Statement
from sandbox.store.types import Coded, JsonText, PublicId


class Colour(StrEnum):
    """Something to code."""

    RED = "red"
    GREEN = "green"


metadata = sa.MetaData()
thing = sa.Table(
    "thing",
    metadata,
    sa.Column("key", sa.Integer, primary_key=True),
    sa.Column("id", PublicId, unique=True),
    sa.Column("colour", Coded(Colour)),
    sa.Column("flag", sa.Boolean),
    sa.Column("body", JsonText),
    sa.Column("amount", sa.BigInteger),
    sa.Column("words", sa.Text),
    sa.Column("raw", sa.LargeBinary),
)
COLUMNS = [column.key for column in thing.columns]
UUID = "0d3a6adf-8c0f-4e5f-887b-4a7b089dd2fa"
ROWS: list[dict[str, Any]] = [
    {
        "key": 1,
        "id": UUID,
        "colour": Colour.GREEN,
        "flag": True,
        "body": {"b": [1, None], "a": "ف"},
        "amount": 2**62,
        "words": "كلمات",
        "raw": b"\0\xff",
    },
    {"key": 2, "id": "plain", "colour": Colour.RED, "flag": False, "body": [], "amount": -1, "words": "", "raw": b""},
    dict.fromkeys(COLUMNS) | {"key": 3},
]
ADD = Statement(sa.insert(thing), *COLUMNS)
ALL = Statement(sa.select(thing).order_by(thing.c.key))


@pytest.fixture
def db() -> Iterator[sa.Connection]:
    """A database with three things."""
    made = connect()
    metadata.create_all(made)
    made.commit()
    ADD.run_many(made, ROWS)
    yield made
    disconnect(made)


def test_all_rows_are_those_of_connection_execute(db: sa.Connection) -> None:
    expected = [tuple(row) for row in db.execute(sa.select(thing).order_by(thing.c.key))]
    assert ALL.all(db) == expected
    assert [row._asdict() for row in ALL.all(db)] == ROWS


def test_plain_columns_come_back_as_connection_execute_gives_them(db: sa.Connection) -> None:
    plain = sa.select(thing.c.key, thing.c.amount, thing.c.words).order_by(thing.c.key)
    assert Statement(plain).all(db) == [tuple(row) for row in db.execute(plain)]


def test_values_go_in_as_connection_execute_puts_them(db: sa.Connection) -> None:
    other = connect()
    metadata.create_all(other)
    other.execute(sa.insert(thing), ROWS)
    assert ALL.all(db) == ALL.all(other)
    disconnect(other)


def test_labels_and_expressions_name_their_fields(db: sa.Connection) -> None:
    counted = Statement(sa.select(sa.func.count().label("many"), sa.func.max(thing.c.key).label("last")))
    assert counted.one(db)._asdict() == {"many": 3, "last": 3}


def test_the_first_row_is_found_by_a_typed_value(db: sa.Connection) -> None:
    by_id = Statement(sa.select(thing.c.key, thing.c.colour).where(thing.c.id == sa.bindparam("wanted")))
    found = by_id.first(db, wanted=UUID)
    assert (found.key, found.colour) == (1, Colour.GREEN)  # type: ignore[union-attr]


def test_no_row_is_none(db: sa.Connection) -> None:
    assert Statement(sa.select(thing).where(thing.c.key == sa.bindparam("wanted"))).first(db, wanted=9) is None


def test_no_rows_are_an_empty_list(db: sa.Connection) -> None:
    assert Statement(sa.select(thing).where(thing.c.key == sa.bindparam("wanted"))).all(db, wanted=9) == []


def test_a_row_that_must_be_there_is_asserted(db: sa.Connection) -> None:
    with pytest.raises(AssertionError, match="no row"):
        Statement(sa.select(thing).where(thing.c.key == sa.bindparam("wanted"))).one(db, wanted=9)


def test_a_missing_value_raises(db: sa.Connection) -> None:
    with pytest.raises(KeyError, match="wanted"):
        Statement(sa.select(thing).where(thing.c.key == sa.bindparam("wanted"))).first(db)


def test_a_missing_column_of_an_insert_raises(db: sa.Connection) -> None:
    with pytest.raises(KeyError, match="raw"):
        ADD.run(db, **{name: None for name in COLUMNS if name != "raw"})


def test_a_missing_value_of_one_of_many_rows_writes_none(db: sa.Connection) -> None:
    with pytest.raises(KeyError):
        ADD.run_many(db, [dict.fromkeys(COLUMNS) | {"key": 4}, {"key": 5}])
    assert len(ALL.all(db)) == 3


def test_an_in_list_is_refused(db: sa.Connection) -> None:
    with pytest.raises(TypeError, match=r"use Connection\.execute"):
        Statement(sa.select(thing).where(thing.c.key.in_([1, 2]))).all(db)


def test_an_in_list_by_parameter_is_refused(db: sa.Connection) -> None:
    wanted: Any = sa.bindparam("wanted", expanding=True)
    with pytest.raises(TypeError, match=r"use Connection\.execute"):
        Statement(sa.select(thing).where(thing.c.key.in_(wanted))).all(db, wanted=[1])


def test_a_literal_rendered_at_execution_is_refused(db: sa.Connection) -> None:
    literal: Any = sa.bindparam("wanted", literal_execute=True)
    with pytest.raises(TypeError, match=r"use Connection\.execute"):
        Statement(sa.select(thing).where(thing.c.key == literal)).all(db, wanted=1)


def test_a_duplicate_key_is_an_integrity_error_of_sqlalchemy(db: sa.Connection) -> None:
    with pytest.raises(IntegrityError, match="UNIQUE"):
        ADD.run(db, **ROWS[0])


def test_an_error_of_the_driver_keeps_its_cause(db: sa.Connection) -> None:
    missing = sa.Table("missing", sa.MetaData(), sa.Column("key", sa.Integer))
    with pytest.raises(OperationalError, match="no such table") as caught:
        Statement(sa.select(missing)).all(db)
    assert caught.value.__cause__ is caught.value.orig


def test_constants_of_a_statement_need_not_be_given(db: sa.Connection) -> None:
    red = Statement(sa.select(thing.c.key).where(thing.c.colour == Colour.RED, thing.c.amount < sa.bindparam("most")))
    assert [row.key for row in red.all(db, most=0)] == [2]


def test_a_limit_is_a_constant(db: sa.Connection) -> None:
    assert [row.key for row in Statement(sa.select(thing.c.key).order_by(thing.c.key).limit(2)).all(db)] == [1, 2]


def test_a_given_value_replaces_a_constant(db: sa.Connection) -> None:
    wanted: Any = sa.bindparam("wanted", 1)
    statement = Statement(sa.select(thing.c.key).where(thing.c.key == wanted))
    assert statement.one(db).key == 1
    assert statement.one(db, wanted=2).key == 2


def test_an_update_tells_how_many_rows_it_touched(db: sa.Connection) -> None:
    paint = Statement(sa.update(thing).where(thing.c.key <= sa.bindparam("last")).values(colour=Colour.RED))
    assert paint.run(db, last=2) == 2
    assert paint.run(db, last=0) == 0


def test_returning_gives_typed_rows(db: sa.Connection) -> None:
    rename = Statement(
        sa.update(thing)
        .where(thing.c.key == sa.bindparam("wanted"))
        .values(id=sa.bindparam("new_id"), amount=thing.c.amount - 1)
        .returning(thing.c.id, thing.c.amount, thing.c.colour)
    )
    row = rename.one(db, wanted=1, new_id="x" * 16)
    assert row._asdict() == {"id": "x" * 16, "amount": 2**62 - 1, "colour": Colour.GREEN}
    assert ALL.all(db)[0].id == "x" * 16


def test_an_insert_can_return_the_key_it_was_given(db: sa.Connection) -> None:
    add = Statement(sa.insert(thing).returning(thing.c.key), "words")
    assert add.one(db, words="new").key == 4


def test_a_delete_runs(db: sa.Connection) -> None:
    drop = Statement(sa.delete(thing).where(thing.c.key == sa.bindparam("wanted")))
    assert drop.run(db, wanted=2) == 1
    assert [row.key for row in ALL.all(db)] == [1, 3]


def test_a_first_row_leaves_no_open_cursor_behind(db: sa.Connection) -> None:
    assert ALL.first(db) is not None
    db.exec_driver_sql("DROP TABLE thing")  # SQLite refuses while a cursor reads from it


def test_the_attributes_of_sqlalchemy_that_the_helper_stands_on_are_there(db: sa.Connection) -> None:
    select = sa.select(thing).where(thing.c.key == sa.bindparam("wanted"), thing.c.colour == Colour.RED)
    compiled: Any = select.compile(dialect=db.dialect)
    assert compiled.positiontup == ["wanted", "colour_1"]
    assert (compiled.binds["wanted"].required, compiled.binds["colour_1"].required) == (True, False)
    assert compiled.binds["colour_1"].value == Colour.RED
    assert not compiled.effective_returning
    assert not compiled.post_compile_params
    assert not compiled.literal_execute_params
    returning: Any = sa.delete(thing).returning(thing.c.key).compile(dialect=db.dialect)
    assert [column.key for column in returning.effective_returning] == ["key"]
    in_list: Any = sa.select(thing).where(thing.c.key.in_([1])).compile(dialect=db.dialect)
    assert in_list.post_compile_params
    literal = sa.select(thing).where(thing.c.key == sa.bindparam("wanted", literal_execute=True))
    late: Any = literal.compile(dialect=db.dialect)
    assert late.literal_execute_params
    assert [column.key for column in select.exported_columns] == COLUMNS
