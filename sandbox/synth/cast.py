"""The cast: the customers and staff that demo logins stand for, each in a state worth trying.

A member's place in `CAST` is the index of the customer, in every ecosystem and under every seed. What a member says
here is pinned; the rest is drawn as everybody's. Texts that name values are those of files (UPPER_SNAKE).
"""

from datetime import date

import msgspec

__all__ = ["CAST", "STAFF", "Member", "StaffMember", "logins"]


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A customer with a demo login."""

    username: str
    pin: str
    note: str
    """What the login is good for; the manifest shows it."""
    given: str
    """Name, father's and grandfather's name and family's, in Latin letters; `data/names.json` has the Arabic."""
    father: str
    grandfather: str | None = None
    family: str
    woman: bool
    birth: date
    nationality: str = "KW"
    segment: str
    """One of `model.SEGMENTS`."""
    work: str
    """What they live on: one of `roles.WORKS`."""
    occupation: str
    """In English, one of `data/work.json`."""
    wage_place: int = 500
    """Where the wage stands among those of the same group, per mille."""
    other_income: int = 0
    """Fils a month."""
    housing: str = "FAMILY"
    dependents: int = 0
    area: str
    """In English, one of `data/places.json`."""
    arabic: bool = False
    remits: int = 0
    """Per mille of the income."""
    accounts: tuple[str, ...]
    """Kinds of `model.ACCOUNT_TYPES`; all of them ACTIVE."""
    customer_status: str = "ACTIVE"
    kyc_status: str = "VERIFIED"
    user_status: str = "ACTIVE"
    failed_attempts: int = 0
    credential_status: str = "ACTIVE"
    mfa: tuple[str, ...] = ()
    """Methods of a second factor; none: it is off."""
    newcomer: bool = False
    """Whether they joined just now: no accounts, and no history."""

    @property
    def password(self) -> str:
        """What they type."""
        return _password(self.username)


class StaffMember(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who works for the bank; staff are users without a customer."""

    username: str
    pin: str | None = None
    note: str
    role: str

    @property
    def password(self) -> str:
        """What they type."""
        return _password(self.username)


CAST: tuple[Member, ...] = (
    Member(
        username="fatima",
        pin="4719",
        note="ordinary: a teacher with current account, savings and wallet; start here",
        given="Fatima",
        father="Nasser",
        grandfather="Khaled",
        family="Al-Saleh",
        woman=True,
        birth=date(1986, 4, 11),
        segment="FAMILY",
        work="PUBLIC",
        occupation="Teacher",
        wage_place=560,
        housing="OWNED",
        dependents=3,
        area="Mishref",
        accounts=("CURRENT", "SAVINGS", "WALLET"),
    ),
    Member(
        username="noura",
        pin="2586",
        note="second factor: a code by SMS",
        given="Noura",
        father="Fahad",
        grandfather="Saud",
        family="Al-Mutairi",
        woman=True,
        birth=date(1998, 9, 23),
        segment="YOUNG_PROFESSIONAL",
        work="PRIVATE",
        occupation="Financial Analyst",
        area="Jaber Al-Ahmad",
        accounts=("CURRENT", "SAVINGS", "WALLET"),
        mfa=("SMS",),
    ),
    Member(
        username="khaled",
        pin="8034",
        note="authenticator app on; the password is enough until its codes are served",
        given="Khaled",
        father="Jassim",
        grandfather="Mohammad",
        family="Al-Kandari",
        woman=False,
        birth=date(1991, 11, 5),
        segment="TECH_SAVVY",
        work="PUBLIC",
        occupation="Systems Engineer",
        wage_place=480,
        dependents=1,
        area="Jabriya",
        accounts=("CURRENT", "WALLET"),
        mfa=("TOTP",),
    ),
    Member(
        username="yousef",
        pin="1857",
        note="locked after five wrong passwords",
        given="Yousef",
        father="Hamad",
        grandfather="Ali",
        family="Al-Awadhi",
        woman=False,
        birth=date(1984, 8, 30),
        segment="FAMILY",
        work="PUBLIC",
        occupation="Civil Engineer",
        wage_place=640,
        housing="OWNED",
        dependents=4,
        area="Adailiya",
        accounts=("CURRENT", "SAVINGS"),
        user_status="LOCKED",
        failed_attempts=5,
    ),
    Member(
        username="mariam",
        pin="9046",
        note="pensioner whose password has expired",
        given="Mariam",
        father="Abdullah",
        grandfather="Yousef",
        family="Al-Failakawi",
        woman=True,
        birth=date(1960, 2, 18),
        segment="SENIOR",
        work="PENSION",
        occupation="Retired",
        housing="OWNED",
        area="Rawda",
        arabic=True,
        accounts=("CURRENT", "SAVINGS", "FIXED_DEPOSIT"),
        credential_status="EXPIRED",
    ),
    Member(
        username="bader",
        pin="3371",
        note="suspended by the bank: no sign-in",
        given="Bader",
        father="Salem",
        grandfather="Hamad",
        family="Al-Ajmi",
        woman=False,
        birth=date(1988, 6, 7),
        segment="BUDGET_CONSCIOUS",
        work="PUBLIC",
        occupation="Administrative Clerk",
        wage_place=220,
        housing="RENTED",
        dependents=2,
        area="Sabahiya",
        arabic=True,
        accounts=("CURRENT", "SAVINGS"),
        user_status="SUSPENDED",
    ),
    Member(
        username="dana",
        pin="6150",
        note="new: no account yet, identity not verified yet",
        given="Dana",
        father="Talal",
        grandfather="Bader",
        family="Al-Rashidi",
        woman=True,
        birth=date(2003, 12, 1),
        segment="YOUNG_PROFESSIONAL",
        work="HOME",
        occupation="Job Seeker",
        area="Salwa",
        accounts=(),
        kyc_status="PENDING",
        newcomer=True,
    ),
    Member(
        username="talal",
        pin="7428",
        note="wealthy: income from business and rents, a fixed deposit",
        given="Talal",
        father="Abdulaziz",
        grandfather="Fahad",
        family="Behbehani",
        woman=False,
        birth=date(1972, 3, 27),
        segment="AFFLUENT",
        work="BUSINESS",
        occupation="Business Owner",
        other_income=6_400_000,
        housing="OWNED",
        dependents=4,
        area="Abdullah Al-Salem",
        accounts=("CURRENT", "SAVINGS", "FIXED_DEPOSIT"),
    ),
    Member(
        username="sara",
        pin="5903",
        note="student who lives on her allowance",
        given="Sara",
        father="Meshal",
        grandfather="Nasser",
        family="Al-Enezi",
        woman=True,
        birth=date(2004, 10, 15),
        segment="STUDENT",
        work="STUDY",
        occupation="University Student",
        area="Saad Al-Abdullah",
        accounts=("CURRENT", "WALLET"),
    ),
    Member(
        username="arjun",
        pin="6302",
        note="expatriate who works here and sends money to India",
        given="Arjun",
        father="Krishnan",
        family="Nair",
        woman=False,
        birth=date(1988, 11, 3),
        nationality="IN",
        segment="BUDGET_CONSCIOUS",
        work="PRIVATE",
        occupation="Electrical Technician",
        wage_place=700,
        housing="RENTED",
        dependents=2,
        area="Salmiya",
        remits=380,
        accounts=("CURRENT", "SAVINGS"),
    ),
    Member(
        username="hessa",
        pin="2197",
        note="the bank speaks Arabic with her",
        given="Hessa",
        father="Mishari",
        grandfather="Abdulrahman",
        family="Al-Otaibi",
        woman=True,
        birth=date(1964, 5, 10),
        segment="SENIOR",
        work="PENSION",
        occupation="Retired",
        housing="OWNED",
        dependents=1,
        area="Qadsiya",
        arabic=True,
        accounts=("CURRENT", "SAVINGS"),
    ),
)

STAFF: tuple[StaffMember, ...] = (
    StaffMember(username="auditor", note="reads everything, changes nothing", role="AUDITOR"),
    StaffMember(username="admin", note="runs the bank", role="ADMIN"),
)


def logins() -> list[dict[str, str]]:
    """The demo logins as the manifest lists them: the cast, then the staff."""
    users: list[Member | StaffMember] = [*CAST, *STAFF]
    return [{"username": user.username, "password": user.password, "note": user.note} for user in users]


def _password(username: str) -> str:
    return f"{username.capitalize()}-2026!"
