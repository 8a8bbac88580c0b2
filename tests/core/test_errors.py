"""The catalogue of refusals: complete, unique, in two languages."""

import re
from collections.abc import Iterator

import pytest

from sandbox.core import errors, sandbox_errors
from sandbox.core.catalogue import catalogue
from sandbox.core.errors import (
    BankError,
    DomainError,
    Fault,
    IdentityError,
    InsufficientFundsError,
    RequestError,
    ValidationFailedError,
)
from sandbox.core.sandbox_errors import SandboxError

FAMILIES = (RequestError, IdentityError, BankError, SandboxError)
KINDS = list(catalogue().values())
OURS = {errors.__name__, sandbox_errors.__name__}


def descendants(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    """Every class below `kind`."""
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)


every_problem = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)


def test_the_catalogue_holds_every_problem_class() -> None:
    defined = [kind for kind in descendants(DomainError) if kind.__module__ in OURS]
    assert set(KINDS) == set(defined) - set(FAMILIES)


def test_the_families_are_four() -> None:
    assert {kind for kind in DomainError.__subclasses__() if kind.__module__ in OURS} == set(FAMILIES)


def test_no_code_names_two_problems() -> None:
    defined = [kind for kind in descendants(DomainError) if kind.__module__ in OURS]
    codes = [kind.code for kind in defined if kind not in FAMILIES]
    assert len(codes) == len(set(codes))


@every_problem
def test_a_problem_states_its_own_code_and_titles(kind: type[DomainError]) -> None:
    assert {"code", "title", "title_ar"} <= set(vars(kind))


@every_problem
def test_a_code_is_snake_case(kind: type[DomainError]) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.code)


@every_problem
def test_a_class_is_named_after_its_code(kind: type[DomainError]) -> None:
    words = re.sub(r"(?<!^)([A-Z])", r"_\1", kind.__name__.removesuffix("Error")).lower()
    assert words in {kind.code, "internal"}


@every_problem
def test_a_status_is_one_of_an_error(kind: type[DomainError]) -> None:
    assert 400 <= kind.status <= 599


@every_problem
def test_the_english_title_is_one_short_line_of_latin_letters(kind: type[DomainError]) -> None:
    assert kind.title.isascii()
    assert kind.title.isprintable()
    assert 5 <= len(kind.title) <= 60
    assert kind.title[0].isupper()
    assert kind.title[-1].isalnum()


@every_problem
def test_the_arabic_title_is_really_arabic(kind: type[DomainError]) -> None:
    letters = [letter for letter in kind.title_ar if letter.isalpha()]
    arabic = [letter for letter in letters if "\u0600" <= letter <= "\u06ff"]
    assert len(arabic) >= 5
    # Names of standards such as JSON stay as they are.
    latin = re.findall(r"[A-Za-z]+", kind.title_ar)
    assert len(arabic) + sum(map(len, latin)) == len(letters)
    assert set(latin) <= {"JSON"}


def test_no_title_stands_for_too_many_problems() -> None:
    assert len({kind.title_ar for kind in KINDS}) >= len(KINDS) - 1
    assert len({kind.title for kind in KINDS}) >= len(KINDS) - 1


@every_problem
def test_an_iso_20022_reason_has_its_form_and_belongs_to_the_bank(kind: type[DomainError]) -> None:
    if kind.reason is not None:
        assert re.fullmatch(r"[A-Z]{2}[0-9]{2}", kind.reason)
        assert issubclass(kind, BankError)


@every_problem
def test_a_problem_says_what_it_means(kind: type[DomainError]) -> None:
    assert kind.__doc__


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("invalid_credentials", 401),
        ("user_locked", 423),
        ("credentials_expired", 403),
        ("sandbox_required", 400),
        ("sandbox_unknown", 404),
        ("token_of_other_sandbox", 401),
        ("too_many_sandboxes", 503),
        ("idempotency_key_reused", 422),
        ("insufficient_funds", 422),
    ],
)
def test_the_statuses_of_the_contract_stand(code: str, status: int) -> None:
    assert catalogue()[code].status == status


def test_an_error_carries_the_facts_of_its_case() -> None:
    error = InsufficientFundsError("too little", available="1.000", requested="2.000")
    assert str(error) == error.detail == "too little"
    assert error.facts == {"available": "1.000", "requested": "2.000"}
    assert error.faults == ()


def test_errors_share_no_headers() -> None:
    first, second = InsufficientFundsError("a"), InsufficientFundsError("b")
    first.headers["retry-after"] = "1"
    assert second.headers == {}


def test_a_failed_validation_names_three_faults_and_counts_the_others() -> None:
    faults = [Fault(f"/{name}", "missing", "is missing") for name in "abcd"]
    error = ValidationFailedError(faults)
    assert error.detail == "The request has 4 faults: /a: is missing; /b: is missing; /c: is missing; and 1 more."
    assert error.faults == tuple(faults)


def test_a_single_fault_is_counted_as_one() -> None:
    assert ValidationFailedError([Fault("?limit", "x", "is odd")]).detail == "The request has 1 fault: ?limit: is odd."


def test_three_faults_leave_no_more_to_count() -> None:
    faults = [Fault(f"/{name}", "missing", "is missing") for name in "abc"]
    assert (
        ValidationFailedError(faults).detail
        == "The request has 3 faults: /a: is missing; /b: is missing; /c: is missing."
    )


def test_a_fault_of_the_whole_body_says_so() -> None:
    error = ValidationFailedError([Fault("", "wrong_type", "must be an object")])
    assert error.detail == "The request has 1 fault: the body: must be an object."
