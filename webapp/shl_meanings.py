"""What the codes of SMART Health Links mean."""

from collections.abc import Mapping

from webapp.error_codes import Code, Meaning

HEALTH_LINK_MEANINGS: Mapping[Code, Meaning] = {
    Code.PASSCODE_WRONG: Meaning(
        401,
        "링크의 암호가 맞지 않아요.",
        "Of a SMART Health Link; `remainingAttempts`, beside `error`, says how many wrong ones may still come in the"
        " link's life. None given is no try.",
    ),
    Code.LINK_NOT_FOUND: Meaning(
        404,
        "열 수 없는 링크예요. 끝났거나 주소가 달라요.",
        "Unknown SMART Health Link or location, inactive, taken already, or not yours.",
    ),
    Code.TOO_MANY_LINKS: Meaning(
        409,
        "공유 링크가 너무 많아요. 쓰지 않는 링크를 끝내 주세요.",
        "`WELNO_SHL_LINKS_MAX` active links are there.",
    ),
}
