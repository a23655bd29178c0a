"""The tables of docs/sizing.md, by name."""

from collections.abc import Callable, Mapping

from dev.sizing import figures as of
from dev.sizing.collection_path import (
    OtherRequests,
    PathCosts,
    PathLoad,
    PathSize,
    product_costs,
    simulate_arrivals,
)
from dev.sizing.comparison import Comparison
from dev.sizing.demand import COUNTRY, POPULATIONS, Demand, Population, find_demand
from dev.sizing.needs import Needs, commits_per_second, find_cores, find_needs, polls_per_second
from dev.sizing.walls import LEVERS, WALLS

Table = Mapping[str, Mapping[str, float | str]]
_SMALL = "one core each, instant provider"
_SMALL_PER_SECOND = 20.0
# Where there are waits, it takes more of them for a mean.
_TIMES_AS_MANY = {_SMALL: 8, COUNTRY.name: 3}
# Each takes a share of the demand's CPU that is not the collections'.
_OTHER_KINDS = ("queue_actions", "looks", "envelopes")


def figure_tables() -> dict[str, Table]:
    measured = {one.name: _describe(one) for one in of.all_figures() if one.source}
    assumed: dict[str, dict[str, float | str]] = {
        one.name: {"value": one.value, "unit": one.unit, "why": one.why} for one in of.all_figures() if not one.source
    }
    return {"measured": measured, "assumed": assumed}


def _describe(figure: of.Figure) -> dict[str, float | str]:
    file = figure.source.rpartition("/")[2]
    return {"value": figure.value, "unit": figure.unit, "from": f"{file}: {figure.why}", "row": row_of(figure)}


def row_of(figure: of.Figure) -> str:
    """The first words of a row, or the sentence."""
    cells = [cell.strip() for cell in figure.quote.split("|") if cell.strip()]
    return f'"{cells[0]}"'


def demand_tables() -> dict[str, Table]:
    demands = {one.name: find_demand(one) for one in POPULATIONS}
    of_whom: dict[str, Mapping[str, float | str]] = {
        kind: {one.name: float(getattr(one, kind)) for one in POPULATIONS} for kind in ("people", "hospitals", "visits")
    }
    yearly = {kind: {name: one.yearly[kind] for name, one in demands.items()} for kind in demands["city"].yearly}
    peak: dict[str, Mapping[str, float | str]] = {
        f"{kind} a second": {name: one.peak[kind] for name, one in demands.items()} for kind in yearly
    }
    more: Mapping[str, Callable[[Demand], float]] = {
        "commits of writes a second": commits_per_second,
        "polls a second": polls_per_second,
        "open sockets": lambda one: one.sockets,
        "phones that have not approved": lambda one: one.waiting_phones,
        "provider calls under way": lambda one: one.calls_under_way,
        "analyses under way": lambda one: one.analyses_under_way,
    }
    peak |= {label: {name: find(one) for name, one in demands.items()} for label, find in more.items()}
    return {"yearly": of_whom | _with_words(yearly), "peak": _with_words(peak)}


def _with_words(table: Table) -> dict[str, Mapping[str, float | str]]:
    return {name.replace("_", " "): cells for name, cells in table.items()}


def need_tables() -> dict[str, Table]:
    needs = {one.name: find_needs(find_demand(one)) for one in POPULATIONS}
    cores = {f"cores busy: {kind}": kind for kind in ("web", "worker", "interviews", "poller", "postgres", "redis")}
    rows: dict[str, Mapping[str, float | str]] = {
        label: {name: float(getattr(one.cores, kind)) for name, one in needs.items()} for label, kind in cores.items()
    }
    rows |= {label: {name: find(one) for name, one in needs.items()} for label, find in _NEEDS.items()}
    return {"needs": rows}


_NEEDS: Mapping[str, Callable[[Needs], float]] = {
    "web processes": lambda one: one.web,
    "workers": lambda one: one.worker,
    "interviews": lambda one: one.interviews,
    "pollers": lambda one: one.poller,
    "machines for these, two sweepers and beat": lambda one: one.app_machines,
    "their memory, GiB in all": lambda one: one.app_memory_gib,
    "PostgreSQL, and as much for its replica: cores": lambda one: one.postgres_cores,
    "PostgreSQL: memory, GiB": lambda one: one.postgres_memory_gib,
    "PostgreSQL: connections at most": lambda one: one.connections,
    "Redis, and as much for each replica: memory, GiB": lambda one: one.redis_memory_gib,
    "PostgreSQL: GB in the first year": lambda one: one.first_year_gb,
    "PostgreSQL: GB in a later year": lambda one: one.later_year_gb,
    "folder: GB at any time": lambda one: one.folder_gb,
}


def wall_tables() -> dict[str, Table]:
    demands = {one.name: find_demand(one) for one in POPULATIONS}
    walls: dict[str, Mapping[str, float | str]] = {
        wall.name: {
            "holds": wall.capacity,
            "unit": wall.unit,
            **{f"{name}, %": wall.used(demand) * 100 for name, demand in demands.items()},
            "what moves it": wall.moves,
        }
        for wall in WALLS
    }
    country = demands[COUNTRY.name]
    moved: dict[str, Mapping[str, float | str]] = {
        lever.name: {
            "wall": lever.wall.name,
            "used, %": lever.wall.used(country) * 100,
            "then, %": lever.used_after(country) * 100,
        }
        for lever in LEVERS
    }
    firsts = {name: _first_walls(demand) for name, demand in demands.items()}
    return {"walls": walls, "first_walls": firsts, "moved": moved}


def _first_walls(demand: Demand) -> dict[str, float | str]:
    found = sorted((wall.holds_times(demand), wall.name) for wall in WALLS)
    (first, first_name), (second, second_name) = found[:2]
    return {
        "first wall": first_name,
        "holds so many times this demand": first,
        "next wall": second_name,
        "holds so many times": second,
    }


def simulation_tables(collections: int, seed: int) -> dict[str, Table]:
    """The peak of each population with the processes that it needs, and one core of each at a rate that keeps them
    busy."""
    found: dict[str, Table] = {}
    met: dict[str, Mapping[str, float | str]] = {}
    for name, (costs, size, load) in _cases().items():
        count = collections * _TIMES_AS_MANY.get(name, 1)
        stations, met[name] = simulate_arrivals(costs, size, load, collections=count, seed=seed)
        found[f"stations of {name}"] = dict(stations)
    kept = (_SMALL, COUNTRY.name)
    return {"met": met} | {f"stations_{number}": found[f"stations of {name}"] for number, name in enumerate(kept, 1)}


def _cases() -> dict[str, tuple[PathCosts, PathSize, PathLoad]]:
    ours = product_costs()
    quick = PathCosts(ours.worker, ours.postgres, ours.redis, commit_waits=ours.commit_waits, approval=2.0)
    cases = {_SMALL: (quick, PathSize(), PathLoad(_SMALL_PER_SECOND))}
    for population in POPULATIONS:
        cases[population.name] = (ours, *_peak_of(population))
    return cases


def _peak_of(population: Population) -> tuple[PathSize, PathLoad]:
    demand = find_demand(population)
    needs = find_needs(demand)
    threads = needs.worker * int(of.WORKER_THREADS.value)
    size = PathSize(needs.web, needs.worker, threads, needs.poller, needs.postgres_cores)
    return size, PathLoad(demand.peak["collections"], _others(demand))


def _others(demand: Demand) -> OtherRequests:
    """All CPU that is not the collections', in equal parts."""
    cores, collections = find_cores(demand), demand.peak["collections"]
    rate = sum(demand.peak[kind] for kind in _OTHER_KINDS)
    of_web = of.COLLECTION_REQUESTS.value * of.ACTION_WEB.value / 1000
    return OtherRequests(
        per_second=rate,
        web=(cores.web - collections * of_web) / rate,
        postgres=(cores.postgres - collections * of.COLLECTION_POSTGRES.value / 1000) / rate,
        redis=(cores.redis - collections * of.COLLECTION_REDIS.value / 1000) / rate,
    )


def comparison_table(found: Mapping[str, Comparison]) -> Table:
    return {name: one.cells() for name, one in found.items()}
