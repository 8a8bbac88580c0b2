"""What comes after the movements of a chunk: goals, disputes, requests, messages and the audit trail, as records.

All of it follows from what happened: a message names the movement that it is about, a lost dispute a payment that
stands, an audit line a session that there is.
"""

from sandbox.synth.access import Access
from sandbox.synth.disputes import make_disputes
from sandbox.synth.facts import Facts, Row
from sandbox.synth.goals import make_goals
from sandbox.synth.merchants import Merchants
from sandbox.synth.messages import Outbox
from sandbox.synth.model import Accounts, People, Posted, Texts
from sandbox.synth.requests import make_requests
from sandbox.synth.signins import Act, make_sign_ins
from sandbox.synth.trail import Trail
from sandbox.synth.window import Window

__all__ = ["follow"]


def follow(
    people: People,
    accounts: Accounts,
    posted: Posted,
    *,
    merchants: Merchants,
    window: Window,
    texts: Texts,
    access: Access,
    seed: int,
) -> dict[str, list[Row]]:
    """The records of five collections.

    Movements that are contested are marked in `posted.disputed`; `access.sign_ins` is laid out anew, so that customers
    signed in for what they did.
    """
    facts = Facts(
        people=people,
        accounts=accounts,
        posted=posted,
        merchants=merchants,
        window=window,
        texts=texts,
        access=access,
        seed=seed,
    )
    goals = make_goals(facts)
    disputes = make_disputes(facts)
    requests = make_requests(facts)
    paid, by_hand = facts.ordered
    moved = posted.movements
    acts = [
        Act(facts.holders[account], at)
        for account, at in zip(moved.account[paid[by_hand]].tolist(), moved.at[paid[by_hand]].tolist(), strict=True)
    ]
    acts += [Act(dispute.position, dispute.opened_at) for dispute in disputes]
    acts += [Act(request.position, request.created_at) for request in requests]
    access.sign_ins = make_sign_ins(access.users, access.devices, window, seed=seed, acts=acts)
    outbox = Outbox(facts)
    outbox.tell_of_money()
    outbox.tell_of_accounts()
    outbox.tell_of_access()
    outbox.tell_of_goals(goals)
    outbox.tell_of_disputes(disputes)
    outbox.tell_of_requests(requests)
    trail = Trail(facts)
    trail.add_sessions()
    trail.add_bars()
    trail.add_money()
    trail.add_accounts()
    trail.add_disputes(disputes)
    return {
        "savings_goals": [goal.row for goal in goals],
        "service_requests": [request.row for request in requests],
        "dispute_records": [dispute.row for dispute in disputes],
        "notifications": outbox.rows(),
        "audit_logs": trail.rows(),
    }
