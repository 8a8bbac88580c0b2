"""What tests of sign-in with a code share: turning the second factor on, and the two steps below the doors."""

import json
from typing import Any

from bankside import sql

from sandbox.bank import identity, messages
from sandbox.bank.challenges import ChallengeView
from sandbox.bank.devices import DeviceFacts
from sandbox.bank.identity import Verdict
from sandbox.bank.messages import MessageView
from sandbox.bank.sessions import SignedIn
from sandbox.sandboxes.root import StateRoot


def ask_for_codes(root: StateRoot, username: str = "fatima", methods: object = ("SMS",)) -> None:
    """Turn a user's second factor on."""
    sql(
        root,
        "UPDATE mfa_setting SET mfa_enabled = 1, methods = ? WHERE user ="
        ' (SELECT "key" FROM auth_user WHERE username = ?)',
        json.dumps(methods),
        username,
    )


def first_step(root: StateRoot, username: str = "fatima", **device: Any) -> SignedIn | ChallengeView:
    """The right password."""
    verdict = Verdict(root.read(identity.stored_hash, username), matches=True)
    facts = DeviceFacts(**(device or {"fingerprint": "a test"}))
    return root.write(identity.sign_in, username, verdict, device=facts, ip_address="10.0.0.1")


def challenged(root: StateRoot, username: str = "fatima", **device: Any) -> ChallengeView:
    """The right password of somebody who is asked for a code."""
    asked = first_step(root, username, **device)
    assert isinstance(asked, ChallengeView)
    return asked


def second_step(root: StateRoot, asked: ChallengeView, code: str | None = None) -> SignedIn:
    """The code, by default the one in the inbox."""
    said = code or latest(root).code
    assert said is not None
    return root.write(identity.answer_challenge, asked.challenge_id, said, ip_address="10.0.0.2")


def resend(root: StateRoot, asked: ChallengeView) -> ChallengeView:
    """Ask for a new code."""
    return root.write(identity.resend_code, asked.challenge_id, ip_address="10.0.0.3")


def latest(root: StateRoot) -> MessageView:
    """The newest message of the inbox."""
    return root.read(messages.latest)


def other_than(code: str | None) -> str:
    """A well-formed code that is another one."""
    assert code is not None
    return f"{(int(code) + 1) % 1_000_000:06}"


def contact_of(root: StateRoot, username: str) -> tuple[str, str]:
    """Phone and e-mail address of a user's customer."""
    query = 'SELECT phone, email FROM customer c JOIN auth_user u ON u.customer = c."key" WHERE u.username = ?'
    phone, email = sql(root, query, username)[0]
    return phone, email
