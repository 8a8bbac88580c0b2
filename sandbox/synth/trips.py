"""Journeys: where people are when they are not in Kuwait, what the ticket cost and what they spend there.

Kuwaitis travel in July and August, at Eid and over long weekends in winter; expatriates go home once a year or two. A
trip has one country and one city. Who is away spends nothing in the shops of Kuwait meanwhile, see `Trips.away`.
"""

import functools
from datetime import date
from typing import Any, NamedTuple

import numpy as np

from sandbox.core import calendar
from sandbox.core.clock import MILLISECOND, MINUTE
from sandbox.synth.blocks import Line
from sandbox.synth.draws import Bits, Int, Stream, Weights, bounded_lognormal
from sandbox.synth.merchants import CITIES, COUNTRIES, MINUTES_EAST, Merchants
from sandbox.synth.model import ATM, CATEGORY, CURRENT, NONE, ONLINE, POS, SEGMENTS, People
from sandbox.synth.naming import countries
from sandbox.synth.purse import ONE, customs, paid_out
from sandbox.synth.rhythm import CLOCKS, times
from sandbox.synth.usual import Lives
from sandbox.synth.window import EPOCH_ORDINAL, Mask

__all__ = ["FIRST_SLOT", "Trips", "countries_of", "expenses", "flies", "homes", "make_trips", "pilgrims"]

FIRST_SLOT = 2_000
_HOTEL, _TICKET, _EXTRAS = FIRST_SLOT + 100, FIRST_SLOT + 101, FIRST_SLOT + 201
"""The slots of a ticket and of extras also count how many days ahead they are paid: two may fall on one day."""
_BOOKED_BEFORE = (9, 45)
_EXTRAS_BEFORE = (2, 8)
_OFTEN_LEAST, _OFTEN_MOST = 700, 900
"""Of `ONE` and per mille: who has little saves for the journey home all the same, and nobody always travels."""
_PAID_OUT = 60
"""Who lives on notes goes home so many per cent as often as others: every other year or so."""
_MINUTE_MS = MINUTE // MILLISECOND
_MAKKAH = "Makkah"
_BETWEEN = 10
"""For so many days before and after a journey nobody is on another one."""


class Trips(NamedTuple):
    """The journeys of a chunk's customers, those included that only touch the window."""

    who: Int
    first: Int
    """The first day away, as a place in the window; it may lie outside of it."""
    nights: Int
    country: Int
    """Place in `merchants.COUNTRIES`."""
    city: Int
    """Place among its `merchants.CITIES`: one for the whole journey."""
    away: Mask
    """By [position, day], who is not in Kuwait."""


def make_trips(lives: Lives) -> Trips:
    """Who travels when and where to; drawn by customer, year and season, so that a later window has the same ones."""
    people, window = lives.people, lives.window
    away = np.zeros((people.count, window.days), dtype=np.bool_)
    days = np.arange(window.days, dtype=np.int64)
    found: list[tuple[Int, Int, Int, Int, Int]] = []
    planned: list[tuple[Int, Int, Mask]] = []
    """First day, day after the last one, and who goes: of all journeys, those outside of the window too."""
    home = homes(people, lives.seed)
    pilgrim = pilgrims(people, lives.seed)
    student = people.segment == SEGMENTS.index("STUDENT")
    for year in range(window.first.year - 1, window.last.year + 2):
        for season in customs()["trips"]["seasons"]:
            span = _span(season, year)
            if span is None:
                continue
            draw = Stream(lives.seed, f"trips:{season['name']}:{year}")
            index = people.index
            often = season["expatriate"] * np.maximum(lives.purse.often, _OFTEN_LEAST) // ONE
            often = np.where(paid_out(people), often * _PAID_OUT // 100, often)
            often = np.where(people.kuwaiti, season["kuwaiti"] * lives.purse.often // ONE, often)
            first = span[0] + draw.below(span[1] - span[0] + 1, index, 0)
            if "weekday" in season:
                first = first + (season["weekday"] - (first - 1) % 7) % 7
            first = first - window.ordinal[0]
            country = _destinations(people, season, draw, home=home)
            # Who goes home stays for as long as the leave of a year or two lasts.
            least = np.where(country == home, season["nights_home"][0], season["nights"][0])
            most = np.where(country == home, season["nights_home"][1], season["nights"][1])
            nights = draw.between(least, most, index, 1)
            gone = (days >= first[:, None]) & (days < (first + nights)[:, None])
            goes = draw.chance(np.minimum(often, _OFTEN_MOST), index, 2) & ~student
            for begun, ended, went in planned:
                goes &= ~(went & (first < ended + _BETWEEN) & (begun < first + nights + _BETWEEN))
            planned.append((first, first + nights, goes))
            away |= gone & goes[:, None]
            who = np.flatnonzero(goes & (first + nights > 0) & (first < window.days + _BOOKED_BEFORE[1]))
            city = _cities(country[who], draw.bits(index[who], 4), index[who], country[who] == home[who], pilgrim[who])
            found.append((who, first[who], nights[who], country[who], city))
    columns = [np.concatenate(parts).astype(np.int64) for parts in zip(*found, strict=True)]
    return Trips(columns[0], columns[1], columns[2], columns[3], columns[4], away)


def expenses(trips: Trips, lives: Lives) -> list[Line]:
    """Tickets and what else is paid at home beforehand, days abroad, and the hotel's bill at the end."""
    return [_tickets(trips, lives), *_extras(trips, lives), _hotels(trips, lives), *_days(trips, lives)]


def homes(people: People, seed: int) -> Int:
    """The place in `COUNTRIES` that each expatriate comes from; -1 for Kuwaitis and where there are no merchants."""
    codes = [code if code in COUNTRIES else None for code in countries_of(people, seed)]
    return np.array([NONE if code is None else COUNTRIES.index(code) for code in codes], dtype=np.int64)


def pilgrims(people: People, seed: int) -> Mask:
    """Who may go to Makkah and gives more in Ramadan, going by the country alone: no religion is recorded."""
    allowed = set(customs()["observing"])
    return np.array([code in allowed for code in countries_of(people, seed)], dtype=np.bool_)


def countries_of(people: People, seed: int) -> list[str]:
    """The country that each customer is a citizen of (ISO 3166-1 alpha-2)."""
    return countries(seed, people.index, people.nationality)


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


def _destinations(people: People, season: dict[str, Any], draw: Stream, *, home: Int) -> Int:
    table = customs()["trips"]
    drawn = draw.bits(people.index, 3)
    chosen: list[Int] = []
    for weights in (table[season["kuwaitis_to"]], table["expatriate"]):
        places = np.array([COUNTRIES.index(code) for code in weights], dtype=np.int64)
        chosen.append(places[Weights(list(weights.values())).chosen(drawn)])
    visits_home = ~people.kuwaiti & (home >= 0) & bool(season["home"])
    return np.where(people.kuwaiti, chosen[0], np.where(visits_home, home, chosen[1]))


def _cities(country: Int, drawn: Bits, index: Int, at_home: Mask, pilgrim: Mask) -> Int:
    """One city a trip; families live where they live, and Makkah is for those who may be pilgrims."""
    family = Stream(0, "trips:family").bits(index)
    city = np.zeros_like(country)
    for place in np.unique(country).tolist():
        named = CITIES[place]
        everywhere = Weights([weight for _, weight in named])
        worldly = Weights([0 if name == _MAKKAH else weight for name, weight in named])
        mine = country == place
        bits = np.where(at_home, family, drawn)[mine]
        prays = (pilgrim & ~at_home)[mine]
        city[mine] = np.where(prays, everywhere.chosen(bits), worldly.chosen(bits))
    return city


@functools.cache
def _by_road() -> dict[int, frozenset[int]]:
    """The cities by country to which people drive."""
    named = customs()["trips"]["by_road"]
    return {
        place: frozenset(city for city, (name, _) in enumerate(CITIES[place]) if name in named)
        for place in range(len(COUNTRIES))
    }


def flies(trips: Trips) -> Mask:
    """Which journeys are by air."""
    roads = _by_road()
    pairs = zip(trips.country.tolist(), trips.city.tolist(), strict=True)
    return np.array([city not in roads[country] for country, city in pairs], dtype=np.bool_)


def _party(people: People, who: Int, *, most: int) -> Int:
    """How many travel together: Kuwaitis and the affluent with the family, a wife or husband included."""
    kept = people.dependents[who]
    together = people.kuwaiti[who] | (people.segment[who] == SEGMENTS.index("AFFLUENT"))
    return np.where(together & (kept > 0), np.minimum(2 + kept, most), 1)


def _tickets(trips: Trips, lives: Lives) -> Line:
    """What the flight cost, booked ahead; whoever leaves soon after the window began booked on its first day."""
    people, table = lives.people, customs()["trips"]["ticket"]
    by_air = flies(trips)
    who, first, country = trips.who[by_air], trips.first[by_air], trips.country[by_air]
    place = (people.index[who], first + lives.window.ordinal[0] - EPOCH_ORDINAL)
    draw = Stream(lives.seed, "trips:ticket")
    spread = bounded_lognormal(table["median"], table["sigma"], least=table["least"], most=table["most"])
    far = np.array([table["far"].get(code, 70) for code in COUNTRIES], dtype=np.int64)[country]
    each = np.maximum(draw.quantile(spread, *place, 2) * far // 100, table["least"])
    day = first - draw.between(_BOOKED_BEFORE[0], _BOOKED_BEFORE[1], *place, 0)
    day = np.where(first >= 0, np.maximum(day, 0), day)
    party = 100 + table["companions_per_cent"] * (_party(people, who, most=table["party_most"]) - 1)
    return Line(
        who=who,
        account=lives.accounts.of[:, CURRENT][who],
        day=day,
        time=_online(draw.bits(*place, 1), people.hours[who]),
        amount=np.maximum(each * party // 100 * _comfort(people, who) // 100 // 100 * 100, table["least"]),
        slot=_TICKET + first - day,
        credit=False,
        channel=ONLINE,
        category=CATEGORY["TRAVEL"],
        merchant=lives.usual.merchants(who, draw.bits(*place, 3), category=CATEGORY["TRAVEL"]),
    )


def _extras(trips: Trips, lives: Lives) -> list[Line]:
    """Baggage, a visa, a tour: small payments in the days before a journey by air, and only then."""
    people = lives.people
    by_air = flies(trips)
    lines: list[Line] = []
    for number, extra in enumerate(customs()["trips"]["extras"]):
        draw = Stream(lives.seed, f"trips:{extra['name']}")
        place = (people.index[trips.who], trips.first + lives.window.ordinal[0] - EPOCH_ORDINAL)
        mine = np.flatnonzero(by_air & draw.chance(extra["per_mille"], *place, 0))
        who, at = trips.who[mine], (place[0][mine], place[1][mine])
        ahead = draw.between(_EXTRAS_BEFORE[0], _EXTRAS_BEFORE[1], *at, 1)
        spread = bounded_lognormal(extra["median"], extra["sigma"], least=extra["least"], most=extra["most"])
        lines.append(
            Line(
                who=who,
                account=lives.accounts.of[:, CURRENT][who],
                day=trips.first[mine] - ahead,
                time=_online(draw.bits(*at, 2), people.hours[who]),
                amount=draw.quantile(spread, *at, 3) // 500 * 500,
                slot=_EXTRAS + 100 * number + ahead,
                credit=False,
                channel=ONLINE,
                category=CATEGORY["TRAVEL"],
                merchant=lives.usual.merchants(who, draw.bits(*at, 4), category=CATEGORY["TRAVEL"]),
            )
        )
    return lines


def _online(drawn: Bits, hours: Int) -> Int:
    """The time of a payment on the web."""
    return times(
        drawn,
        clock=np.full(len(hours), CLOCKS.index("online")),
        hours=hours,
        regime=np.zeros(len(hours), dtype=np.int64),
    )


def _comfort(people: People, who: Int) -> Int:
    """Per cent of an ordinary price that somebody travels for."""
    table = customs()["trips"]["comfort"]
    return np.array([table.get(name, 100) for name in SEGMENTS], dtype=np.int64)[people.segment[who]]


def _hotels(trips: Trips, lives: Lives) -> Line:
    """The bill is paid on the last morning, so many rooms for so many people; who goes home stays with the family."""
    table, people = customs()["trips"]["hotel_night"], lives.people
    stays = trips.country != homes(people, lives.seed)[trips.who]
    who, country, city, nights = trips.who[stays], trips.country[stays], trips.city[stays], trips.nights[stays]
    last = trips.first[stays] + nights - 1
    place = (people.index[who], last + lives.window.ordinal[0] - EPOCH_ORDINAL)
    draw = Stream(lives.seed, "trips:hotel")
    night = bounded_lognormal(table["median"], table["sigma"], least=table["least"], most=table["most"])
    dear = np.array([table["per_cent"].get(code, 100) for code in COUNTRIES], dtype=np.int64)[country]
    each = draw.quantile(night, *place, 0) * dear // 100 * _comfort(people, who) // 100
    rooms = -(-_party(people, who, most=table["party_most"]) // table["people_a_room"])
    east = np.array(MINUTES_EAST, dtype=np.int64)[country]
    return Line(
        who=who,
        account=lives.accounts.of[:, CURRENT][who],
        day=last,
        time=(9 * 60 - east) * _MINUTE_MS + draw.below(120 * _MINUTE_MS, *place, 1),
        amount=each * nights * rooms,
        slot=_HOTEL,
        credit=False,
        channel=POS,
        category=CATEGORY["TRAVEL"],
        merchant=_there(lives.merchants, country, city, category="TRAVEL", drawn=draw.bits(*place, 2)),
    )


def _days(trips: Trips, lives: Lives) -> list[Line]:
    """Payments on each day abroad, in the hours of the place."""
    table, people = customs()["trips"], lives.people
    many = table["payments_a_day"]
    trip = np.repeat(np.arange(len(trips.who)), trips.nights * many)
    began = np.cumsum(trips.nights * many) - trips.nights * many
    number = np.arange(len(trip), dtype=np.int64) - began[trip]
    who, country, city, lane = trips.who[trip], trips.country[trip], trips.city[trip], number % many
    day = trips.first[trip] + number // many
    place = (people.index[who], day + lives.window.ordinal[0] - EPOCH_ORDINAL, lane)
    draw = Stream(lives.seed, "trips:days")
    kind = draw.choice(Weights([spend["weight"] for spend in table["spends"]]), *place, 0)
    visits = country == homes(people, lives.seed)[who]
    pays = draw.chance(np.where(visits, table["payment_at_home_per_mille"], table["payment_per_mille"]), *place, 1)
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
                merchant=_there(
                    lives.merchants, country[mine], city[mine], category=spend["category"], drawn=draw.bits(*at, 4)
                ),
            )
        )
    return lines


def _there(merchants: Merchants, country: Int, city: Int, *, category: str, drawn: Bits) -> Int:
    """A merchant of the city that one is in."""
    chosen = np.full(len(country), NONE, dtype=np.int64)
    for place, town in sorted(set(zip(country.tolist(), city.tolist(), strict=True))):
        among = merchants.abroad[place, town, CATEGORY[category]]
        mine = (country == place) & (city == town)
        chosen[mine] = among[Weights(merchants.weight[among].tolist()).chosen(drawn[mine])]
    return chosen
