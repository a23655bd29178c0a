"""Makes an uploaded SVG harmless: what is not on the lists of elements, attributes and values is left out.

Errors: UnsafeSvg (not retryable): no SVG at all, one with a document type or entities, or one too large to draw.
"""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError, register_namespace, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_MAX_ELEMENTS, _MAX_DEPTH = 50_000, 64

_ELEMENTS = (
    "svg g path rect circle ellipse line polyline polygon text tspan title desc defs symbol use"
    " linearGradient radialGradient stop clipPath"
)
_ATTRIBUTES = (
    "id class x y x1 y1 x2 y2 cx cy r rx ry fx fy dx dy width height d points transform viewBox preserveAspectRatio"
    " gradientTransform gradientUnits spreadMethod offset clipPathUnits pathLength textLength lengthAdjust version"
    " fill fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-linecap stroke-linejoin stroke-miterlimit"
    " stroke-dasharray stroke-dashoffset opacity color display visibility clip-path clip-rule stop-color stop-opacity"
    " font-family font-size font-weight font-style text-anchor dominant-baseline alignment-baseline letter-spacing"
    " vector-effect paint-order role aria-label aria-hidden"
)
# No backslash, no at sign, no quotation: nothing that CSS reads as an escape, a rule or a string.
_VALUE = re.compile(r"[\w\s#.,;:%()+/*|·~-]*")
_OWN_REFERENCE = re.compile(r"url\(#[A-Za-z_][\w.-]*\)", re.ASCII)
_OWN_LINK = re.compile(r"#[A-Za-z_][\w.-]*", re.ASCII)
_LINKS = ("href", f"{{{_XLINK}}}href")
_LINKING = "use linearGradient radialGradient"


def _tags(names: str) -> frozenset[str]:
    return frozenset(f"{{{_SVG}}}{name}" for name in names.split())


_TAGS, _LINKING_TAGS = _tags(_ELEMENTS), _tags(_LINKING)
_ATTRIBUTE_NAMES = frozenset(_ATTRIBUTES.split())
register_namespace("", _SVG)


class UnsafeSvg(Exception):
    """The text names what is wrong, for whoever uploads; nothing of the file is repeated in it."""

    retryable = False


def sanitize_svg(uploaded: bytes) -> bytes:
    """The same drawing of what is allowed alone, as UTF-8. Raises UnsafeSvg."""
    try:
        root = fromstring(uploaded, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except DefusedXmlException as exc:
        raise UnsafeSvg("document types and entities are not taken") from exc
    except (ParseError, ValueError, LookupError) as exc:  # the last two: an encoding that is unknown or does not fit
        raise UnsafeSvg("not well-formed XML") from exc
    if root.tag != f"{{{_SVG}}}svg":
        raise UnsafeSvg("the root is no svg element of SVG's namespace")
    _measure(root)
    _clean(root)
    _drop_nested_uses(root)
    drawn: bytes = tostring(root, encoding="utf-8")
    return drawn


def _measure(root: Element) -> None:
    """Level by level: a recursion would end where the file is deep."""
    level, depth, elements = [root], 0, 0
    while level:
        depth, elements = depth + 1, elements + len(level)
        if depth > _MAX_DEPTH or elements > _MAX_ELEMENTS:
            raise UnsafeSvg("too many elements, or too deeply nested")
        level = [child for element in level for child in element]


def _clean(element: Element) -> None:
    element.attrib = dict(_kept_attributes(element))
    for child in list(element):
        if child.tag in _TAGS:
            _clean(child)
        else:
            element.remove(child)


def _kept_attributes(element: Element) -> Iterator[tuple[str, str]]:
    for name, value in element.attrib.items():
        if name in _ATTRIBUTE_NAMES and _is_harmless(value):
            yield name, value
        elif name in _LINKS and element.tag in _LINKING_TAGS and _OWN_LINK.fullmatch(value.strip()):
            yield "href", value.strip()


def _is_harmless(value: str) -> bool:
    """A function of CSS may only point into the drawing itself; those of `transform` fetch nothing."""
    if "url" in value.lower():
        return _OWN_REFERENCE.fullmatch(value.strip()) is not None
    return _VALUE.fullmatch(value) is not None


def _drop_nested_uses(root: Element) -> None:
    """A copy of copies of copies grows without end in the browser; a copy of what holds no copy does not."""
    holders = {
        element.get("id")
        for element in root.iter()
        if element.get("id") and next(element.iter(f"{{{_SVG}}}use"), None) is not None
    }
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == f"{{{_SVG}}}use" and child.get("href", "")[1:] in holders:
                parent.remove(child)
