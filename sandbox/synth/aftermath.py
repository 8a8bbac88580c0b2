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
    """The records of five collections; movements that are contested are marked in `posted.disputed`."""
    facts = Facts(
        people=people,
        accounts=accounts,
        posted=posted,
        merchants=merchants,
        window=window,
        access=access,
        seed=seed,
    )
    goals = make_goals(facts)
    disputes = make_disputes(facts)
    requests = make_requests(facts)
    outbox = Outbox(facts, texts)
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
