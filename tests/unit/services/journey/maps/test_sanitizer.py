"""Of an uploaded SVG only what draws comes through."""

import pytest

from services.journey.maps.sanitizer import UnsafeSvg, sanitize_svg

SVG = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def sanitized(inside: str, attributes: str = "") -> str:
    return sanitize_svg(f"<svg {SVG} {attributes}>{inside}</svg>".encode()).decode()


def test_a_drawing_comes_through_as_it_is():
    drawing = (
        '<defs><linearGradient id="floor"><stop offset="0" stop-color="#fff" /></linearGradient>'
        '<symbol id="door"><path d="M0 0h4" /></symbol></defs>'
        '<g transform="translate(4,5) rotate(90)"><rect x="1" fill="url(#floor)" class="room" /></g>'
        '<use href="#door" /><text font-size="20" text-anchor="middle">채혈실 &amp; 접수</text>'
    )
    found = sanitized(drawing, 'viewBox="0 0 10 10"')
    assert found == f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">{drawing}</svg>'


def test_an_old_link_into_the_drawing_becomes_a_new_one():
    assert '<use href="#a" />' in sanitized('<g id="a"/><use xlink:href="#a"/>')


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        '<script href="//evil.example/x.js"/>',
        "<g><foreignObject><body xmlns='http://www.w3.org/1999/xhtml' onload='alert(1)'/></foreignObject></g>",
        '<rect onclick="alert(1)" OnLoad="alert(1)"/>',
        '<a href="javascript:alert(1)"><text>x</text></a>',
        '<a xlink:href="https://evil.example"><text>x</text></a>',
        '<image href="https://evil.example/pixel.png"/>',
        '<image xlink:href="data:image/svg+xml;base64,PHN2Zz4="/>',
        '<use href="https://evil.example/x.svg#a"/>',
        '<use xlink:href=" data:image/svg+xml,evil#a"/>',
        "<style>@import url(https://evil.example/x.css);</style>",
        '<rect style="fill:url(https://evil.example/x)"/>',
        '<rect fill="url(https://evil.example/x)"/>',
        '<rect fill="URL( //evil.example/x )"/>',
        '<rect fill="u\\72l(//evil.example/x)"/>',
        '<rect fill="url(#a) url(//evil.example/x)"/>',
        '<rect clip-path="&#117;rl(//evil.example/x)"/>',
        "<rect font-family=\"x';}@import '//evil.example\"/>",
        '<animate attributeName="href" to="javascript:alert(1)"/>',
        '<set attributeName="onclick" to="alert(1)"/>',
        '<filter id="f"><feImage href="//evil.example/x"/></filter>',
        '<handler xmlns="http://www.w3.org/2001/xml-events">alert(1)</handler>',
        '<iframe xmlns="http://www.w3.org/1999/xhtml" src="//evil.example"/>',
        '<svg:script xmlns:svg="http://www.w3.org/2000/svg">alert(1)</svg:script>',
        '<?xml-stylesheet href="//evil.example/x.css"?>',
        "<!-- alert(1) evil -->",
        '<rect xml:base="//evil.example/"/>',
    ],
)
def test_what_could_run_or_fetch_is_left_out(attack: str):
    found = sanitized(f'{attack}<rect width="1"/>')
    assert "alert" not in found
    assert "evil" not in found
    assert '<rect width="1" />' in found


@pytest.mark.parametrize(
    "refused",
    [
        b"",
        b"not xml",
        b"<svg/>",
        b"<html xmlns='http://www.w3.org/1999/xhtml'><svg xmlns='http://www.w3.org/2000/svg'/></html>",
        b"<!DOCTYPE svg><svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<!DOCTYPE svg [<!ENTITY a 'a'><!ENTITY b '&a;&a;'>]><svg xmlns='http://www.w3.org/2000/svg'>&b;</svg>",
        b"<!DOCTYPE svg [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><svg xmlns='http://www.w3.org/2000/svg'>&a;</svg>",
        b"<?xml version='1.0' encoding='none-such'?><svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\xff\xfe<svg",
        f"<svg {SVG}>{'<g>' * 70}{'</g>' * 70}</svg>".encode(),
        f"<svg {SVG}>{'<g/>' * 50_001}</svg>".encode(),
    ],
)
def test_what_is_no_drawing_is_refused(refused: bytes):
    with pytest.raises(UnsafeSvg):
        sanitize_svg(refused)


def test_copies_of_copies_are_left_out():
    bomb = '<g id="a"><rect/></g>' + "".join(
        f'<g id="{new}"><use href="#{old}"/><use href="#{old}"/></g>' for old, new in ("ab", "bc", "cd")
    )
    assert sanitized(bomb).count("<use") == 2  # those of what holds no copy itself


def test_what_is_sanitized_stays_the_same():
    once = sanitized('<g id="a"><path d="M0 0" fill="red"/></g><use href="#a"/><title>1층</title>').encode()
    assert sanitize_svg(once) == once
