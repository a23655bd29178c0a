"""Text, title and file's name of an interview have one numbering: no placeholder stands for two values."""

import pytest

from services.interviews.files import Said
from services.interviews.masking.masker import PatternMasker
from services.interviews.numbering import mask_upload, outgrows

TEXT = "김하늘: 어땠어요?\n이서연: 느려요."


@pytest.mark.parametrize(
    ("text", "title", "file_name", "expected"),
    [
        (TEXT, "이서연 인터뷰", "김하늘 인터뷰.txt", ("[이름2] 인터뷰", "[이름1] 인터뷰.txt")),
        # Neither is in the text: two people, who are called by two numbers.
        (TEXT, "박서준 인터뷰", "최유진 인터뷰.txt", ("[이름3] 인터뷰", "[이름4] 인터뷰.txt")),
        (TEXT, "박서준 인터뷰", "박서준 인터뷰.txt", ("[이름3] 인터뷰", "[이름3] 인터뷰.txt")),
        # The text's own [이름1], which somebody has masked before, is not whom the title names.
        ("[이름1]: 느려요.", "박서준 인터뷰", None, ("[이름2] 인터뷰", None)),
        ("[ 이름 1 ]: 느려요.", "박서준 인터뷰", None, ("[이름2] 인터뷰", None)),
        (TEXT, None, None, (None, None)),
    ],
)
def test_a_placeholder_stands_for_one_value_in_all_of_them(
    text: str, title: str | None, file_name: str | None, expected: tuple[str | None, str | None]
):
    masked = mask_upload(PatternMasker(), text, Said(file_name, (), title))
    assert (masked.title, masked.file_name) == expected


@pytest.mark.parametrize("said", [Said("1차_[이름1].txt", (), "인터뷰"), Said("a.txt", (), "[이름1] 인터뷰")])
def test_the_text_passes_over_what_its_title_writes_itself(said: Said):
    masked = mask_upload(PatternMasker(), TEXT, said)
    assert masked.text.text == "[이름2]: 어땠어요?\n[이름3]: 느려요."
    assert (masked.title, masked.file_name) == (said.title, said.file_name)


@pytest.mark.parametrize(
    ("text", "title", "is_longer"),
    [
        ("가나" * 20, None, True),
        ("나다" * 20, None, False),
        ("가나" * 2, None, False),
        ("가나 " * 8, None, False),
        # What the title writes itself, the text passes over.
        ("가나 " * 8, "".join(f"[가림{number}]" for number in range(1, 10)), True),
    ],
)
def test_a_text_may_outgrow_what_is_taken(text: str, title: str | None, is_longer: bool):
    assert outgrows(PatternMasker(), text, Said(None, ("가",), title), 60) is is_longer
