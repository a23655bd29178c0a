"""Imports point one way."""

import pytest

from .source import DOMAINS, MAY_SEE, ROOT, SHARED_DOMAINS, Module, domain_of, imports, modules, our_imports, room_of

_OF_DOMAINS = ("models", "services", "tasks", "webapp/api")


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_a_module_sees_only_rooms_below_its_own(module: Module):
    rooms = {room_of(name) for name in our_imports(module)} - {module.room}
    assert rooms <= MAY_SEE[module.room]


def test_the_product_sees_nothing_that_only_we_work_with():
    """Also what is no room of its own, as the benchmarks: it is not there where the product runs."""
    seen = {module.name: {room_of(name) for name in imports(module)} for module in modules()}
    wrong = {
        name: found
        for name, rooms in seen.items()
        if (found := {room for room in rooms if room.startswith(("dev.", "tests"))} - {room_of(name)})
    }
    assert wrong == {}


@pytest.mark.parametrize(
    "module",
    # The processes are edges: each runs what its domains need.
    [module for module in modules() if domain_of(module.name) and not module.name.startswith("tasks.processes.")],
    ids=lambda module: module.name,
)
def test_a_domain_sees_itself_and_what_all_share(module: Module):
    seen = {domain_of(name) for name in our_imports(module)} - {None}
    assert seen <= SHARED_DOMAINS | {domain_of(module.name)}


def test_every_package_within_a_layer_is_a_domain():
    """One that is not named is held to nothing."""
    packages = {path.parent.name for layer in _OF_DOMAINS for path in (ROOT / layer).glob("*/__init__.py")}
    assert packages == DOMAINS


def test_nothing_of_a_domain_stands_beside_its_package():
    """`tasks/webhooks_sending.py` would be of no domain."""
    beside = {path.stem for layer in _OF_DOMAINS for path in (ROOT / layer).glob("*.py")}
    assert [stem for stem in beside if stem.partition("_")[0] in DOMAINS - {stem}] == []


def test_no_package_imports_itself_by_a_detour():
    """Two packages that import each other are one package in two folders."""
    graph: dict[str, set[str]] = {}
    for module in modules():
        package = package_of(module.name)
        graph.setdefault(package, set()).update(
            other for name in our_imports(module) if not is_kin(package, other := package_of(name))
        )
    assert find_cycle(graph) is None


def package_of(name: str) -> str:
    packages = {module.name for module in modules() if module.path.name == "__init__.py"}
    return name if name in packages else name.rpartition(".")[0]


def is_kin(package: str, other: str) -> bool:
    """One lives in the other, whose __init__ gathers it."""
    return package == other or package.startswith(f"{other}.") or other.startswith(f"{package}.")


def test_the_relay_knows_nothing_of_sessions():
    relay = [module for module in modules() if module.name.startswith("webapp.relay")]
    seen = {room_of(name) for module in relay for name in our_imports(module)}
    assert seen <= {"webapp", "streams", "core"}


def test_extensions_import_nothing_of_ours():
    module = next(module for module in modules() if module.name == "webapp.extensions")
    assert our_imports(module) == set()


def test_no_module_imports_itself_by_a_detour():
    graph = {module.name: our_imports(module) for module in modules()}
    assert find_cycle(graph) is None


def find_cycle(graph: dict[str, set[str]]) -> list[str] | None:
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str] | None:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return None
        for following in sorted(graph[name]):
            # A package's __init__ gathers its parts; that they live in it is no detour.
            if not following.startswith(f"{name}.") and (found := visit(following, [*path, name])):
                return found
        done.add(name)
        return None

    return next((cycle for name in graph if (cycle := visit(name, []))), None)


def test_the_search_for_cycles_finds_one():
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == ["a", "b", "c", "a"]
