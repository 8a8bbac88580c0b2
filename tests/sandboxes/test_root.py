"""The state root: read, write, order, rehearse, and what is left after each of them, whatever comes of it."""

import asyncio
import gc
from collections.abc import Callable
from itertools import count
from typing import Any
from uuid import UUID

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from support import VIRTUAL, broken_invariants, new_root, tiny_image

from sandbox.core.clock import DAY, HOUR, MILLISECOND, Instant, wall_time
from sandbox.core.errors import AccountBlockedError, DomainError, IdempotencyKeyReusedError, InsufficientFundsError
from sandbox.core.vocabulary import Severity
from sandbox.sandboxes.idempotency import Answer, KeyedOrder
from sandbox.sandboxes.root import StateRoot
from sandbox.store.statement import Statement
from sandbox.store.tables import audit_log, customer, idempotency, outbox
from sandbox.store.tables import root as root_table
from sandbox.store.work import Work

NAME = Statement(sa.select(customer.c.full_name).where(customer.c.key == 1))
RENAME = Statement(sa.update(customer).where(customer.c.key == 1).values(full_name=sa.bindparam("name")))
BEFORE = "Fatima Nasser Khaled Al-Saleh"


class OurBug(Exception):  # noqa: N818 - it is no refusal
    """A bug of ours."""


def name_of(work: Work) -> str:
    """The first customer's name."""
    found: str = NAME.one(work.db).full_name
    return found


def leave_name(work: Work, name: str) -> None:
    """A name that survives a refusal."""
    rename(work, name)


def rename(work: Work, name: str) -> str:
    """Give the first customer another name, with an event and an audit line."""
    RENAME.run(work.db, name=name)
    work.emit("renamed", customer=1, data={"name": name})
    work.audit("RENAMED", user=1, ip_address="127.0.0.1")
    return name


def leave_trace(work: Work, action: str) -> None:
    """What survives a refusal."""
    work.audit(action, user=1, ip_address="127.0.0.1", severity=Severity.WARNING)


def refuse_quietly(work: Work) -> None:
    """Do something, then refuse and leave nothing."""
    rename(work, "nobody")
    raise InsufficientFundsError("too little")


def refuse_with_trace(work: Work) -> None:
    """Do something, then refuse and leave a trace."""
    rename(work, "nobody")
    work.survive(leave_trace, "REFUSED")
    raise InsufficientFundsError("too little")


def crash(work: Work) -> None:
    """Do something, leave a trace, then crash."""
    rename(work, "nobody")
    work.survive(leave_trace, "REFUSED")
    raise OurBug


def identifiers(work: Work) -> list[str]:
    """What a write draws."""
    return [work.draws.uuid("thing"), work.draws.secret("thing"), str(work.draws.below(10**9))]


def rows_of(root: StateRoot, table: sa.Table) -> list[Any]:
    """All rows of a table."""
    return root.read(lambda work: list(work.db.execute(sa.select(table).order_by(*table.primary_key.columns))))


def actions(root: StateRoot) -> list[str]:
    """What the audit trail says beyond the ecosystem's own lines."""
    return [row.action for row in rows_of(root, audit_log)][len(rows_of(new_root(), audit_log)) :]


def move_clock(root: StateRoot, by: int) -> None:
    """Move business time, as the control plane does."""
    root.advance(Instant(root.now + by))


def digest_of(root: StateRoot) -> str:
    """The digest."""
    return asyncio.run(root.digest())


def state_of(root: StateRoot) -> tuple[Any, ...]:
    """All that a write may change."""
    return digest_of(root), root.write_number, root.now, root.read(name_of), rows_of(root, root_table)


def keyed(key: str = "k1", *, user: int = 1, operation: str = "rename", fingerprint: bytes = b"f" * 16) -> KeyedOrder:
    """An order under a key; blocked accounts are refusals that are not stored."""

    def encode_refusal(refusal: DomainError) -> Answer | None:
        return None if isinstance(refusal, AccountBlockedError) else Answer(refusal.status, refusal.code.encode())

    return KeyedOrder(
        user=user,
        operation=operation,
        key=key,
        fingerprint=fingerprint,
        encode=lambda made: Answer(201, str(made).encode(), f"/things/{made}"),
        encode_refusal=encode_refusal,
    )


# Reading.


def test_reading_sees_the_image(root: StateRoot) -> None:
    assert root.read(name_of) == BEFORE


def test_reading_passes_arguments_on(root: StateRoot) -> None:
    def joined(work: Work, first: str, *, second: str) -> str:
        return name_of(work) + first + second

    assert root.read(joined, "1", second="2") == BEFORE + "12"


def test_reading_does_not_tick(root: StateRoot) -> None:
    before = root.now
    root.read(name_of)
    assert (root.write_number, root.now) == (0, before)


def test_fresh_banks_share_one_reader() -> None:
    first, second = new_root(), new_root()
    assert first.read(lambda work: work.db) is second.read(lambda work: work.db) is tiny_image().reader


def test_the_shared_reader_refuses_writes(root: StateRoot) -> None:
    with pytest.raises(OperationalError, match="readonly"):
        root.read(rename, "nobody")
    with pytest.raises(OperationalError, match="readonly"):
        root.read(lambda work: work.db.execute(sa.delete(customer)))
    assert root.read(name_of) == BEFORE


def test_a_bank_that_was_written_to_reads_its_own_copy(root: StateRoot) -> None:
    root.write(rename, "Fatima")
    assert root.read(name_of) == "Fatima"
    assert new_root().read(name_of) == BEFORE


# Writing.


def test_a_write_commits_and_gives_back_its_outcome(root: StateRoot) -> None:
    assert root.write(rename, "Fatima") == "Fatima"
    assert root.read(name_of) == "Fatima"


def test_a_write_ticks_once(root: StateRoot) -> None:
    base = root.now
    for n in range(1, 4):
        seen = root.write(lambda work: work.now)
        assert seen == root.now == base + n * MILLISECOND
        assert root.write_number == n


def test_the_write_number_stands_in_the_database_too(root: StateRoot) -> None:
    root.write(rename, "a")
    root.write(rename, "b")
    assert rows_of(root, root_table)[0].write_number == 2


def test_a_write_leaves_its_event_and_audit_line(root: StateRoot) -> None:
    root.write(rename, "Fatima")
    (event,) = rows_of(root, outbox)
    assert (event.seq, event.type, event.at, event.data) == (1, "renamed", root.now, {"name": "Fatima"})
    assert actions(root) == ["RENAMED"]


def test_events_and_audit_lines_keep_their_order(root: StateRoot) -> None:
    def both(work: Work) -> None:
        for name in ("a", "b", "c"):
            work.emit(name, customer=None, data={})
            work.audit(name.upper(), user=None, ip_address=None)

    root.write(both)
    root.write(both)
    assert [event.type for event in rows_of(root, outbox)] == list("abcabc")
    assert actions(root) == list("ABCABC")
    assert broken_invariants(root) == []


def test_a_refusal_that_leaves_nothing_changes_nothing(root: StateRoot) -> None:
    before = state_of(root)
    with pytest.raises(InsufficientFundsError):
        root.write(refuse_quietly)
    assert state_of(root) == before
    assert (rows_of(root, outbox), actions(root)) == ([], [])


def test_a_refusal_rolls_back_but_commits_what_survives(root: StateRoot) -> None:
    with pytest.raises(InsufficientFundsError):
        root.write(refuse_with_trace)
    assert root.read(name_of) == BEFORE
    assert rows_of(root, outbox) == []
    assert actions(root) == ["REFUSED"]
    assert broken_invariants(root) == []


def test_a_refusal_ticks_only_for_what_survives(root: StateRoot) -> None:
    with pytest.raises(InsufficientFundsError):
        root.write(refuse_quietly)
    assert root.write_number == 0
    with pytest.raises(InsufficientFundsError):
        root.write(refuse_with_trace)
    assert root.write_number == rows_of(root, root_table)[0].write_number == 1


def test_what_survives_runs_in_order_and_may_write(root: StateRoot) -> None:
    def refuse(work: Work) -> None:
        work.survive(leave_trace, "FIRST")
        work.survive(leave_name, "survivor")
        work.survive(leave_trace, "LAST")
        raise InsufficientFundsError("too little")

    with pytest.raises(InsufficientFundsError):
        root.write(refuse)
    assert root.read(name_of) == "survivor"
    assert actions(root) == ["FIRST", "RENAMED", "LAST"]


def test_what_would_survive_leaves_nothing_when_the_write_succeeds(root: StateRoot) -> None:
    def succeed(work: Work) -> None:
        work.survive(leave_trace, "REFUSED")

    root.write(succeed)
    assert actions(root) == []


def test_an_exception_rolls_back_everything(root: StateRoot) -> None:
    before = state_of(root)
    with pytest.raises(OurBug):
        root.write(crash)
    assert state_of(root) == before
    assert (rows_of(root, outbox), actions(root)) == ([], [])


def test_an_exception_in_what_survives_rolls_back_everything(root: StateRoot) -> None:
    def refuse(work: Work) -> None:
        work.survive(leave_trace, "FIRST")
        work.survive(crash)
        raise InsufficientFundsError("too little")

    before = state_of(root)
    with pytest.raises(OurBug):
        root.write(refuse)
    assert state_of(root) == before
    assert root.write(rename, "Fatima") == "Fatima"


def test_an_interrupt_rolls_back_everything(root: StateRoot) -> None:
    def interrupt(work: Work) -> None:
        rename(work, "nobody")
        raise KeyboardInterrupt

    before = state_of(root)
    with pytest.raises(KeyboardInterrupt):
        root.write(interrupt)
    assert state_of(root) == before


def test_a_write_inside_a_write_is_an_error_and_leaves_nothing(root: StateRoot) -> None:
    def nested(work: Work) -> None:
        rename(work, "outer")
        root.write(rename, "inner")

    before = state_of(root)
    with pytest.raises(Exception, match="within a transaction"):
        root.write(nested)
    assert state_of(root) == before
    assert root.write(rename, "Fatima") == "Fatima"


def test_after_a_failed_write_the_next_one_takes_its_number_and_identifiers(root: StateRoot) -> None:
    with pytest.raises(OurBug):
        root.write(crash)
    assert root.write(identifiers) == new_root().write(identifiers)


def test_writes_of_the_same_seed_draw_the_same() -> None:
    first, second, other = new_root(), new_root(), new_root(seed=2)
    for _ in range(3):
        drawn = first.write(identifiers)
        assert drawn == second.write(identifiers)
        assert drawn != other.write(identifiers)


def test_every_write_draws_anew(root: StateRoot) -> None:
    drawn = [item for _ in range(5) for item in root.write(identifiers)]
    assert len(set(drawn)) == 15


def test_the_same_writes_give_the_same_digest() -> None:
    first, second = new_root(), new_root()
    for root in (first, second):
        root.write(rename, "a")
        with pytest.raises(InsufficientFundsError):
            root.write(refuse_with_trace)
    assert digest_of(first) == digest_of(second) != tiny_image().facts.digest


# Orders under an Idempotency-Key.


def test_an_order_gives_back_its_encoded_answer(root: StateRoot) -> None:
    assert root.order(keyed(), rename, "Fatima") == Answer(201, b"Fatima", "/things/Fatima")
    assert root.write_number == 1


def test_the_same_order_is_answered_again_and_not_done_again(root: StateRoot) -> None:
    first = root.order(keyed(), rename, "Fatima")
    before = state_of(root)
    again = root.order(keyed(), rename, "Mariam")
    assert again == msgspec.structs.replace(first, replayed=True)
    assert state_of(root) == before


def test_a_replay_survives_other_writes(root: StateRoot) -> None:
    root.order(keyed(), rename, "Fatima")
    for n in range(5):
        root.order(keyed(f"other-{n}"), rename, f"name {n}")
    assert root.order(keyed(), rename, "Fatima").replayed


def test_a_key_with_another_request_is_refused(root: StateRoot) -> None:
    root.order(keyed(), rename, "Fatima")
    before = state_of(root)
    with pytest.raises(IdempotencyKeyReusedError):
        root.order(keyed(fingerprint=b"g" * 16), rename, "Mariam")
    assert state_of(root) == before
    assert root.order(keyed(), rename, "Fatima").replayed


@pytest.mark.parametrize("scope", [{"user": 2}, {"operation": "other"}, {"key": "k2"}])
def test_a_key_stands_for_one_user_and_operation(root: StateRoot, scope: dict[str, Any]) -> None:
    root.order(keyed(), rename, "Fatima")
    assert not root.order(keyed(**scope), rename, "Mariam").replayed
    assert root.read(name_of) == "Mariam"


def test_a_refusal_is_answered_again_too(root: StateRoot) -> None:
    first = root.order(keyed(), refuse_with_trace)
    assert first == Answer(422, b"insufficient_funds")
    assert (root.read(name_of), actions(root), rows_of(root, outbox)) == (BEFORE, ["REFUSED"], [])
    again = root.order(keyed(), rename, "Fatima")
    assert again == msgspec.structs.replace(first, replayed=True)
    assert (root.read(name_of), root.write_number) == (BEFORE, 1)
    assert broken_invariants(root) == []


def test_a_stored_refusal_ticks_even_when_nothing_else_survives(root: StateRoot) -> None:
    root.order(keyed(), refuse_quietly)
    assert root.write_number == 1


def test_a_refusal_that_must_not_be_stored_is_raised_and_the_key_stays_free(root: StateRoot) -> None:
    def blocked(work: Work) -> None:
        rename(work, "nobody")
        raise AccountBlockedError("blocked")

    before = state_of(root)
    with pytest.raises(AccountBlockedError):
        root.order(keyed(), blocked)
    assert state_of(root) == before
    assert not root.order(keyed(), rename, "Fatima").replayed


def test_an_order_that_crashes_leaves_nothing_and_its_key_stays_free(root: StateRoot) -> None:
    before = state_of(root)
    with pytest.raises(OurBug):
        root.order(keyed(), crash)
    assert state_of(root) == before
    assert not root.order(keyed(), rename, "Fatima").replayed


def test_an_answer_that_cannot_be_encoded_leaves_nothing(root: StateRoot) -> None:
    def fail(_: object) -> Answer:
        raise OurBug

    before = state_of(root)
    with pytest.raises(OurBug):
        root.order(msgspec.structs.replace(keyed(), encode=fail), rename, "Fatima")
    assert state_of(root) == before


def test_a_key_stands_for_almost_24_hours(root: StateRoot) -> None:
    root.order(keyed(), rename, "Fatima")
    # The clock's own write and the next order tick too.
    move_clock(root, DAY - 3 * MILLISECOND)
    assert root.order(keyed(), rename, "Mariam").replayed


def test_a_key_is_free_again_after_24_hours(root: StateRoot) -> None:
    root.order(keyed(), rename, "Fatima")
    move_clock(root, DAY)
    renewed = root.order(keyed(fingerprint=b"g" * 16), rename, "Mariam")
    assert (renewed.body, renewed.replayed) == (b"Mariam", False)
    assert root.read(name_of) == "Mariam"


def test_a_renewed_key_stands_for_its_new_answer(root: StateRoot) -> None:
    root.order(keyed(), rename, "Fatima")
    move_clock(root, DAY)
    root.order(keyed(), rename, "Mariam")
    move_clock(root, 23 * HOUR)
    again = root.order(keyed(), rename, "Layan")
    assert (again.body, again.replayed) == (b"Mariam", True)
    assert len(rows_of(root, idempotency)) == 1


def test_a_refused_order_after_24_hours_replaces_the_old_answer(root: StateRoot) -> None:
    root.order(keyed(), rename, "Fatima")
    move_clock(root, DAY)
    assert root.order(keyed(), refuse_with_trace).status == 422
    assert root.order(keyed(), rename, "Mariam") == Answer(422, b"insufficient_funds", replayed=True)


# Dry runs.


def test_a_dry_run_gives_back_what_a_write_would(root: StateRoot) -> None:
    assert root.rehearse(rename, "Fatima") == "Fatima"
    assert root.read(name_of) == BEFORE


@pytest.mark.parametrize("after", [0, 3])
def test_a_dry_run_leaves_no_trace(root: StateRoot, after: int) -> None:
    for n in range(after):
        root.write(rename, f"name {n}")
    before = state_of(root)
    root.rehearse(rename, "Fatima")
    assert state_of(root) == before
    assert (len(rows_of(root, outbox)), len(actions(root))) == (after, after)


def test_a_dry_run_takes_no_identifiers_away() -> None:
    rehearsed, plain = new_root(), new_root()
    rehearsed.rehearse(identifiers)
    assert rehearsed.write(identifiers) == plain.write(identifiers)


def test_a_dry_run_stands_at_the_current_time_and_knows_what_it_is(root: StateRoot) -> None:
    root.write(rename, "Fatima")
    assert root.rehearse(lambda work: (work.now, work.dry)) == (root.now, True)
    assert root.write(lambda work: work.dry) is False


def test_a_dry_run_does_not_draw_the_identifiers_of_the_last_write(root: StateRoot) -> None:
    last = root.write(identifiers)
    assert set(root.rehearse(identifiers)).isdisjoint(last)


def test_a_refused_dry_run_leaves_not_even_what_would_survive(root: StateRoot) -> None:
    before = state_of(root)
    with pytest.raises(InsufficientFundsError):
        root.rehearse(refuse_with_trace)
    assert state_of(root) == before
    assert actions(root) == []


def test_a_dry_run_that_crashes_leaves_the_bank_usable(root: StateRoot) -> None:
    with pytest.raises(OurBug):
        root.rehearse(crash)
    assert root.write(rename, "Fatima") == "Fatima"


# The two clocks.


def test_transport_time_is_business_time_where_that_was_asked_for(root: StateRoot) -> None:
    root.write(rename, "Fatima")
    assert root.transport_now == root.now
    assert root.write(lambda work: work.transport_now == work.now)


def test_transport_time_is_the_wall_clock_else() -> None:
    root = new_root(msgspec.structs.replace(VIRTUAL, transport_clock="wall"))
    before = wall_time()
    seen = [root.transport_now, root.read(lambda work: work.transport_now), root.write(lambda work: work.transport_now)]
    assert before <= seen[0] <= seen[1] <= seen[2] <= wall_time()
    assert root.now == tiny_image().facts.clock_base + MILLISECOND
    root.retire()


def test_moved_business_time_counts_from_its_new_base(root: StateRoot) -> None:
    before = root.now
    move_clock(root, HOUR)
    assert root.now == before + HOUR
    assert root.write(lambda work: work.now) == before + HOUR + MILLISECOND


def test_request_ids_are_the_same_for_the_same_seed_and_never_repeat() -> None:
    first, second = new_root(), new_root()
    made = [first.request_ids.following(control=False) for _ in range(20)]
    assert made == [second.request_ids.following(control=False) for _ in range(20)]
    assert len(set(made)) == 20


def test_the_control_plane_numbers_its_requests_apart() -> None:
    first, second = new_root(), new_root()
    steering = [first.request_ids.following(control=True) for _ in range(20)]
    made = [first.request_ids.following(control=False) for _ in range(20)]
    assert [second.request_ids.following(control=False) for _ in range(20)] == made, "nothing has moved them"
    assert [second.request_ids.following(control=True) for _ in range(20)] == steering
    assert len({*steering, *made}) == 40
    assert all(str(UUID(request_id)) == request_id for request_id in steering)
    assert new_root(seed=2).request_ids.following(control=True) != steering[0]


def test_signing_keys_are_those_of_the_seed() -> None:
    assert new_root().signing_key is new_root().signing_key
    assert new_root().signing_key.jwk != new_root(seed=2).signing_key.jwk


# Digests and copies.


def test_the_digest_of_a_fresh_bank_is_the_images(root: StateRoot) -> None:
    assert digest_of(root) == root.image.facts.digest


def test_a_write_changes_the_digest(root: StateRoot) -> None:
    seen = {digest_of(root)}
    for name in ("a", "b", "b"):
        root.write(rename, name)
        seen.add(digest_of(root))
    assert len(seen) == 4


def test_a_digest_is_made_once_for_each_write(root: StateRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    made = count()
    original = StateRoot.inspect

    async def counted(self: StateRoot, fn: Callable[[sa.Connection], Any]) -> Any:
        next(made)
        return await original(self, fn)

    monkeypatch.setattr(StateRoot, "inspect", counted)
    root.write(rename, "a")
    assert digest_of(root) == digest_of(root)
    assert next(made) == 1


def test_a_digest_under_way_is_that_of_the_moment_it_was_asked_for(root: StateRoot) -> None:
    root.write(rename, "a")
    expected = digest_of(root)
    root._digest = None

    async def ask_and_write() -> tuple[str, str]:
        asked = asyncio.create_task(root.digest())
        await asyncio.sleep(0)
        root.write(rename, "b")
        return await asked, await root.digest()

    first, second = asyncio.run(ask_and_write())
    assert (first, second) == (expected, digest_of(root))
    assert first != second


def test_inspecting_sees_a_copy_that_nobody_minds(root: StateRoot) -> None:
    root.write(rename, "Fatima")

    def wipe(db: sa.Connection) -> str:
        name: str = NAME.one(db).full_name
        RENAME.run(db, name="wiped")
        return name

    assert asyncio.run(root.inspect(wipe)) == "Fatima"
    assert root.read(name_of) == "Fatima"


def test_inspecting_a_fresh_bank_leaves_the_image_alone(root: StateRoot) -> None:
    asyncio.run(root.inspect(lambda db: RENAME.run(db, name="wiped")))
    assert root.read(name_of) == BEFORE


def test_capturing_a_fresh_bank_gives_its_own_image(root: StateRoot) -> None:
    assert asyncio.run(root.capture()) is root.image


def test_a_captured_bank_goes_on_where_the_first_one_stands(root: StateRoot) -> None:
    root.write(rename, "Fatima")
    image = asyncio.run(root.capture())
    twin = StateRoot(image, rules=VIRTUAL, seed=root.seed, generation=1)
    assert state_of(twin) == state_of(root)
    assert digest_of(twin) == digest_of(root)
    assert twin.write(identifiers) == root.write(identifiers)
    assert state_of(twin) == state_of(root)
    twin.retire()
    image.close()


def test_a_captured_bank_does_not_see_later_writes(root: StateRoot) -> None:
    root.write(rename, "a")
    image = asyncio.run(root.capture())
    root.write(rename, "b")
    twin = StateRoot(image, rules=VIRTUAL, seed=1, generation=1)
    assert twin.read(name_of) == "a"
    image.close()


# Retiring.


def test_a_retired_bank_stays_usable_until_the_last_request_leaves(root: StateRoot) -> None:
    root.enter()
    root.enter()
    root.write(rename, "a")
    root.retire()
    assert root.write(rename, "b") == "b"
    root.leave()
    assert root.read(name_of) == "b"
    root.leave()
    with pytest.raises(AssertionError, match="a closed bank answers no more"):
        root.write(rename, "c")


def test_a_fresh_bank_that_is_retired_under_a_request_may_still_be_written(root: StateRoot) -> None:
    root.enter()
    root.retire()
    assert root.write(rename, "a") == "a"
    root.leave()


def test_a_bank_that_nobody_works_on_closes_at_once(root: StateRoot) -> None:
    root.write(rename, "a")
    root.retire()
    with pytest.raises(AssertionError, match="a closed bank answers no more"):
        root.write(rename, "b")


def test_a_bank_is_not_closed_when_requests_leave_before_it_retires(root: StateRoot) -> None:
    root.write(rename, "a")
    root.enter()
    root.leave()
    assert root.read(name_of) == "a"


def test_retiring_twice_does_no_harm(root: StateRoot) -> None:
    root.write(rename, "a")
    root.retire()
    root.retire()
    assert root.retired
    assert not root.awake


def test_a_bank_retired_on_a_running_loop_closes_there() -> None:
    async def use() -> sa.Connection:
        root = new_root()
        root.write(rename, "a")
        db = root.read(lambda work: work.db)
        root.retire()
        for _ in range(3):
            await asyncio.sleep(0)
        return db

    assert asyncio.run(use()).closed
    gc.collect()
