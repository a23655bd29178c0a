"""What a population asks for in a year, and in a second of the busiest minutes, by a curve of the day."""

from collections.abc import Mapping
from dataclasses import dataclass

from dev.sizing import figures as of

_HOUR, _YEAR_DAYS = 3600, 365
# How much of a hundred begins in each hour from 0 to 23; made up, in the shape of a web site's and a clinic's day.
HOME_CURVE = (1, 0.5, 0.3, 0.3, 0.3, 0.7, 2, 3, 4.5, 5.5, 6, 5.5, 6, 5.5, 5, 5, 5, 5, 6, 7.5, 9, 8.5, 4.9, 3)
CLINIC_CURVE = (0, 0, 0, 0, 0, 0, 0, 3, 12, 16, 15, 11, 6, 10, 11, 9, 5, 2, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Population:
    """People at home, or the visits of hospitals, or both."""

    name: str
    people: float = 0
    hospitals: float = 0
    visits: float = 0


CITY = Population("city", people=1_000_000)
HOSPITALS = Population("hospital group", hospitals=20, visits=2_000_000)
COUNTRY = Population("country", people=51_000_000)
POPULATIONS = (CITY, HOSPITALS, COUNTRY)


@dataclass(frozen=True)
class Demand:
    """`yearly` counts what is done in a year, `peak` is a second of the busiest minutes, both by kind of work."""

    yearly: Mapping[str, float]
    peak: Mapping[str, float]
    users: float
    sockets: float

    def times(self, factor: float) -> "Demand":
        """Of so many such populations."""
        yearly = {kind: count * factor for kind, count in self.yearly.items()}
        peak = {kind: count * factor for kind, count in self.peak.items()}
        return Demand(yearly, peak, self.users * factor, self.sockets * factor)

    @property
    def waiting_phones(self) -> float:
        """By Little's law, as the next ones."""
        return self.peak["collections"] * of.APPROVAL.value

    @property
    def calls_under_way(self) -> float:
        return self.peak["collections"] * (2 * of.SHORT_CALL.value + of.PRESCRIPTIONS_CALL.value)

    @property
    def analyses_under_way(self) -> float:
        return self.peak["analyses"] * of.ANALYSIS_CALL.value


def peak_hour_share(curve: tuple[float, ...]) -> float:
    return max(curve) / sum(curve)


def find_demand(population: Population) -> Demand:
    users = population.people * of.USERS.value / 100
    at_home = {
        "collections": users * of.COLLECTIONS.value,
        "queue_actions": 0.0,
        "envelopes": users * of.PERSON_ENVELOPES.value,
        "looks": users * of.PERSON_LOOKS.value,
        "analyses": 0.0,
    }
    in_hospital = {
        "collections": population.visits * of.VISIT_COLLECTIONS.value / 100,
        "queue_actions": population.visits * of.VISIT_ACTIONS.value,
        "envelopes": population.visits * of.VISIT_ENVELOPES.value,
        "looks": population.visits * of.VISIT_LOOKS.value,
        "analyses": population.hospitals * of.HOSPITAL_ANALYSES.value * of.WORKING_DAYS.value,
    }
    of_home, of_clinic = _peak_per_year(at_home=True), _peak_per_year(at_home=False)
    peak = {kind: at_home[kind] * of_home + in_hospital[kind] * of_clinic for kind in at_home}
    # Minutes of a crowd that comes at twice the hour's rate are too short to fill the places of two hours.
    visitors = population.visits * of_clinic / of.PEAK_MINUTES.value * of.VISIT_MINUTES.value * 60
    pages = peak["collections"] * of.PAGE_MINUTES.value * 60
    return Demand(
        yearly={kind: at_home[kind] + in_hospital[kind] for kind in at_home},
        peak=peak,
        users=users,
        sockets=visitors + pages + population.hospitals * of.HOSPITAL_SOCKETS.value,
    )


def _peak_per_year(*, at_home: bool) -> float:
    """What of a year's work falls into a second of the busiest minutes."""
    curve, days, busiest = (
        (HOME_CURVE, _YEAR_DAYS, of.PEAK_DAY_PEOPLE)
        if at_home
        else (CLINIC_CURVE, of.WORKING_DAYS.value, of.PEAK_DAY_VISITS)
    )
    return busiest.value * peak_hour_share(curve) * of.PEAK_MINUTES.value / days / _HOUR
