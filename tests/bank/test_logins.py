"""Demo logins: in which state a newcomer finds them."""

from bankside import advance, sql
from support import VIRTUAL, new_root, tiny_image

from sandbox.bank import identity
from sandbox.bank.devices import DeviceFacts
from sandbox.bank.identity import Verdict
from sandbox.bank.logins import demo_logins
from sandbox.core.clock import MINUTE
from sandbox.core.errors import DomainError
from sandbox.core.passwords import verify_password
from sandbox.sandboxes.root import StateRoot
from sandbox.store.reading import Login

YEAR = 365 * 24 * 60 * MINUTE


def states(root: StateRoot) -> dict[str, str]:
    """The state of every login of the manifest."""
    return {login.username: login.state for login in root.read(demo_logins, root.image.facts.logins)}


def fail_five_times(root: StateRoot) -> None:
    """Lock fatima."""
    for _ in range(5):
        try:
            root.write(identity.sign_in, "fatima", Verdict(None, matches=False), device=DeviceFacts(), ip_address=None)
        except DomainError:
            continue


def test_the_logins_of_the_seed_stand_as_their_notes_say(root: StateRoot) -> None:
    assert states(root) == {
        "fatima": "active",
        "arjun": "active",
        "yousef": "locked",
        "mariam": "expired",
        "auditor": "active",
        "admin": "active",
    }


def test_each_login_carries_its_password_role_and_note(root: StateRoot) -> None:
    found = root.read(demo_logins, root.image.facts.logins)
    assert [login.role for login in found] == ["customer"] * 4 + ["auditor", "admin"]
    for login in found:
        stored = root.read(identity.stored_hash, login.username)
        assert stored is not None
        assert verify_password(login.password, stored)
        assert login.note


def test_a_lock_shows_until_its_time_is_over(root: StateRoot) -> None:
    fail_five_times(root)
    assert states(root)["fatima"] == "locked"
    advance(root, 15 * MINUTE)
    assert states(root)["fatima"] == "active"
    assert states(root)["yousef"] == "locked", "staff locked this one: time does not help"


def test_a_password_whose_time_is_over_shows_as_expired(root: StateRoot) -> None:
    advance(root, 2 * YEAR)
    assert states(root)["fatima"] == "expired"


def test_suspended_and_pending_users_show_as_such(root: StateRoot) -> None:
    sql(root, "UPDATE auth_user SET status = 'suspended' WHERE username = 'arjun'")
    sql(root, "UPDATE auth_user SET status = 'pending' WHERE username = 'admin'")
    sql(root, "UPDATE customer SET status = 'suspended' WHERE full_name LIKE 'Fatima%'")
    found = states(root)
    assert (found["arjun"], found["admin"], found["fatima"]) == ("suspended", "pending", "suspended")


def test_a_login_that_nobody_has_is_unknown(root: StateRoot) -> None:
    (view,) = root.read(demo_logins, (Login(username="ghost", password="x"),))
    assert (view.role, view.state) == ("unknown", "unknown")


def test_logins_are_read_from_a_bank_that_was_never_written_to() -> None:
    root = new_root(VIRTUAL)
    states(root)
    assert not root.awake
    assert tiny_image().facts.logins == root.image.facts.logins
