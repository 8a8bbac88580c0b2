"""Journeys: where people are when they are not in Kuwait, what the ticket cost and what they spend there.

Kuwaitis travel in July and August, at Eid and over long weekends in winter; expatriates go home in summer. Who is away
spends nothing in the shops of Kuwait meanwhile, see `Trips.away`.
"""

import functools
import json
from datetime import date
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from sandbox.core import calendar
from sandbox.core.clock import MILLISECOND, MINUTE
from sandbox.synth.blocks import Line
from sandbox.synth.draws import Int, Stream, Weights, bounded_lognormal
from sandbox.synth.merchants import COUNTRIES, MINUTES_EAST, Merchants
from sandbox.synth.model import ATM, CATEGORY, CURRENT, NONE, ONLINE, POS, SEGMENTS, People
from sandbox.synth.purse import ONE, customs
from sandbox.synth.rhythm import CLOCKS, times
from sandbox.synth.usual import Lives
from sandbox.synth.window import EPOCH_ORDINAL, Mask

__all__ = ["FIRST_SLOT", "Trips", "expenses", "make_trips"]

FIRST_SLOT = 2_000
_HOTEL, _TICKET = FIRST_SLOT + 100, FIRST_SLOT + 101
"""The slot of a ticket also counts how many days ahead it is booked: two may be booked on one day."""
_BOOKED_BEFORE = (9, 45)
_MINUTE_MS = MINUTE // MILLISECOND
_GROUPS = ("kuwaiti", "expatriate")


class Trips(NamedTuple):
    """The journeys of a chunk's customers, those included that only touch the window."""

    who: Int
    first: Int
    """The first day away, as a place in the window; it may lie outside of it."""
    nights: Int
    country: Int
    """Place in `merchants.COUNTRIES`."""
    away: Mask
    """By [position, day], who is not in Kuwait."""


def make_trips(lives: Lives) -> Trips:
    """Who travels when and where to; drawn by customer, year and season, so that a later window has the same ones."""
    people, window = lives.people, lives.window
    away = np.zeros((people.count, window.days), dtype=np.bool_)
    days = np.arange(window.days, dtype=np.int64)
    found: list[tuple[Int, Int, Int, Int]] = []
    for year in range(window.first.year - 1, window.last.year + 1):
        for season in customs()["trips"]["seasons"]:
            span = _span(season, year)
            if span is None:
                continue
            draw = Stream(lives.seed, f"trips:{season['name']}:{year}")
            index = people.index
            often = np.where(people.kuwaiti, season["kuwaiti"], season["expatriate"]) * lives.purse.often // ONE
            first = span[0] + draw.below(span[1] - span[0] + 1, index, 0)
            if "weekday" in season:
                first = first + (season["weekday"] - (first - 1) % 7) % 7
            first = first - window.ordinal[0]
            nights = draw.between(season["nights"][0], season["nights"][1], index, 1)
            gone = (days >= first[:, None]) & (days < (first + nights)[:, None])
            goes = draw.chance(np.minimum(often, 900), index, 2) & ~(gone & away).any(axis=1)
            goes &= people.segment != SEGMENTS.index("STUDENT")
            away |= gone & goes[:, None]
            country = _destinations(people, season["name"], draw)
            who = np.flatnonzero(goes & (first + nights > 0) & (first < window.days + _BOOKED_BEFORE[1]))
            found.append((who, first[who], nights[who], country[who]))
    columns = [np.concatenate(parts).astype(np.int64) for parts in zip(*found, strict=True)]
    return Trips(columns[0], columns[1], columns[2], columns[3], away)


def expenses(trips: Trips, lives: Lives) -> list[Line]:
    """Tickets at home, days abroad, and the hotel's bill at the end."""
    return [_tickets(trips, lives), _hotels(trips, lives), *_days(trips, lives)]


def _span(season: dict[str, Any], year: int) -> tuple[int, int] | None:
    """The ordinals of the first and the last day on which one may leave."""
    if "eid" in season:
        try:
            named = calendar.holidays(year)
        except calendar.CalendarRangeError:
            return None
        first = min(day for day, name in named.items() if season["eid"] in name).toordinal()
        return first - 2, first + 1
    first_day = date.fromisoformat(f"{year}-{season['first']}")
    last_day = date.fromisoformat(f"{year}-{season['last']}")
    if last_day < first_day:
        last_day = last_day.replace(year=year + 1)
    return first_day.toordinal(), last_day.toordinal()


def _destinations(people: People, season: str, draw: Stream) -> Int:
    table = customs()["trips"]
    drawn = draw.bits(people.index, 3)
    chosen: list[Int] = []
    for group in _GROUPS:
        weights = table["winter"] if season == "winter" else table[group]
        places = np.array([COUNTRIES.index(code) for code in weights], dtype=np.int64)
        chosen.append(places[Weights(list(weights.values())).chosen(drawn)])
    home = _homes()[people.nationality]
    visits_home = ~people.kuwaiti & (home >= 0) & (season != "winter")
    return np.where(people.kuwaiti, chosen[0], np.where(visits_home, home, chosen[1]))


@functools.cache
def _homes() -> Int:
    """The country of each nationality, -1 where no merchants are."""
    targets = json.loads(files("sandbox.synth").joinpath("data/targets.json").read_text(encoding="utf-8"))
    home = customs()["trips"]["home"]
    codes = [home.get(code) for code in targets["population"]["counts"]]
    return np.array([COUNTRIES.index(code) if code else NONE for code in codes], dtype=np.int64)


def _tickets(trips: Trips, lives: Lives) -> Line:
    people, purse = lives.people, lives.purse
    table = customs()["trips"]["ticket"]
    who = trips.who
    place = (people.index[who], trips.first + lives.window.ordinal[0] - EPOCH_ORDINAL)
    draw = Stream(lives.seed, "trips:ticket")
    spread = bounded_lognormal(table["median"], table["sigma"], least=table["least"], most=table["most"])
    far = np.array([table["far"].get(code, 70) for code in COUNTRIES], dtype=np.int64)[trips.country]
    companions = np.minimum(people.dependents[who], table["companions_most"])
    party = 100 + np.where(people.kuwaiti[who], table["companions_per_cent"], 0) * companions
    comfort = (purse.much[who] + ONE) // 2
    ahead = draw.between(_BOOKED_BEFORE[0], _BOOKED_BEFORE[1], *place, 0)
    return Line(
        who=who,
        account=lives.accounts.of[:, CURRENT][who],
        day=trips.first - ahead,
        time=times(
            draw.bits(*place, 1),
            clock=np.full(len(who), CLOCKS.index("online")),
            hours=people.hours[who],
            regime=np.zeros(len(who), dtype=np.int64),
        ),
        amount=draw.quantile(spread, *place, 2) * far * party * comfort // (10_000 * ONE) // 100 * 100,
        slot=_TICKET + ahead,
        credit=False,
        channel=ONLINE,
        category=CATEGORY["TRAVEL"],
        merchant=lives.usual.merchants(who, draw.bits(*place, 3), category=CATEGORY["TRAVEL"]),
    )


def _hotels(trips: Trips, lives: Lives) -> Line:
    """The bill is paid on the last morning; who goes home stays with the family."""
    table = customs()["trips"]["hotel_night"]
    people = lives.people
    stays = trips.country != _homes()[people.nationality[trips.who]]
    who = trips.who[stays]
    last = (trips.first + trips.nights - 1)[stays]
    place = (people.index[who], last + lives.window.ordinal[0] - EPOCH_ORDINAL)
    draw = Stream(lives.seed, "trips:hotel")
    night = bounded_lognormal(table["median"], table["sigma"], least=table["least"], most=table["most"])
    each = draw.quantile(night, *place, 0) * lives.purse.much[who] // ONE
    east = np.array(MINUTES_EAST, dtype=np.int64)[trips.country[stays]]
    return Line(
        who=who,
        account=lives.accounts.of[:, CURRENT][who],
        day=last,
        time=(9 * 60 - east) * _MINUTE_MS + draw.below(120 * _MINUTE_MS, *place, 1),
        amount=each * trips.nights[stays],
        slot=_HOTEL,
        credit=False,
        channel=POS,
        category=CATEGORY["TRAVEL"],
        merchant=_there(lives.merchants, trips.country[stays], "TRAVEL", draw.bits(*place, 2)),
    )


def _days(trips: Trips, lives: Lives) -> list[Line]:
    """Payments on each day abroad, in the hours of the place."""
    table, people = customs()["trips"], lives.people
    many = table["payments_a_day"]
    trip = np.repeat(np.arange(len(trips.who)), trips.nights * many)
    began = np.cumsum(trips.nights * many) - trips.nights * many
    number = np.arange(len(trip), dtype=np.int64) - began[trip]
    who, country, lane = trips.who[trip], trips.country[trip], number % many
    day = trips.first[trip] + number // many
    place = (people.index[who], day + lives.window.ordinal[0] - EPOCH_ORDINAL, lane)
    draw = Stream(lives.seed, "trips:days")
    kind = draw.choice(Weights([spend["weight"] for spend in table["spends"]]), *place, 0)
    pays = draw.chance(table["payment_per_mille"], *place, 1)
    east = np.array(MINUTES_EAST, dtype=np.int64)[country]
    zeros = np.zeros(len(who), dtype=np.int64)
    time = times(draw.bits(*place, 2), clock=zeros + CLOCKS.index("abroad"), hours=zeros, regime=zeros)
    time = np.maximum(time - east * _MINUTE_MS, 0)
    lines: list[Line] = []
    for number_of_kind, spend in enumerate(table["spends"]):
        mine = np.flatnonzero(pays & (kind == number_of_kind))
        at = tuple(column[mine] for column in place)
        spread = bounded_lognormal(spend["median"], spend["sigma"], least=spend["least"], most=spend["most"])
        lines.append(
            Line(
                who=who[mine],
                account=lives.accounts.of[:, CURRENT][who[mine]],
                day=day[mine],
                time=time[mine],
                amount=np.maximum(draw.quantile(spread, *at, 3) * lives.purse.much[who[mine]] // ONE, 250),
                slot=FIRST_SLOT + lane[mine],
                credit=False,
                channel=ATM if spend["channel"] == "ATM" else POS,
                category=CATEGORY[spend["category"]],
                merchant=_there(lives.merchants, country[mine], spend["category"], draw.bits(*at, 4)),
            )
        )
    return lines


def _there(merchants: Merchants, country: Int, category: str, drawn: Any) -> Int:
    """A merchant of the country that one is in."""
    chosen = np.full(len(country), NONE, dtype=np.int64)
    for place in np.unique(country).tolist():
        among = merchants.abroad[place, CATEGORY[category]]
        mine = country == place
        chosen[mine] = among[Weights(merchants.weight[among].tolist()).chosen(drawn[mine])]
    return chosen
