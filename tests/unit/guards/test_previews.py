"""What opens once is not used up by a HEAD, which the framework lets in wherever GET is."""

import ast
from collections.abc import Iterator

from .source import modules


def views_that_take() -> Iterator[tuple[str, bool]]:
    """Each view of GET that takes something, by itself or a function of its module, and whether it refuses HEAD."""
    for module in modules():
        if not module.name.startswith("webapp.api."):
            continue
        functions = {node.name: node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef)}
        for function in functions.values():
            called = _called(function, functions)
            if _is_got(function) and any(name.startswith("take_") for name in called):
                yield f"{module.name}.{function.name}", "refuse_head" in called


def _called(function: ast.FunctionDef, functions: dict[str, ast.FunctionDef]) -> set[str]:
    """The names that a function calls, and those that the functions of its module call for it."""
    called: set[str] = set()
    ahead = [function]
    while ahead:
        for node in ast.walk(ahead.pop()):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in called:
                called.add(node.func.id)
                ahead += [functions[node.func.id]] if node.func.id in functions else []
    return called


def _is_got(function: ast.FunctionDef) -> bool:
    routes = (one.func for one in function.decorator_list if isinstance(one, ast.Call))
    return any(isinstance(route, ast.Attribute) and route.attr == "get" for route in routes)


def test_what_opens_once_refuses_head():
    found = dict(views_that_take())
    assert len(found) >= 3
    assert [name for name, refuses in found.items() if not refuses] == []
