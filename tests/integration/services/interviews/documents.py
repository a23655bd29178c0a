"""Real files of each format, made here, and hostile ones."""

import zipfile
import zlib
from io import BytesIO

from docx import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from openpyxl import Workbook
from pypdf import PdfReader, PdfWriter

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_FOOTNOTES = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
_TEXT_BOX = f"""<w:r {_W} xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:AlternateContent>
<mc:Choice Requires="wps"><w:txbxContent><w:p><w:r><w:t>글상자</w:t></w:r></w:p></w:txbxContent></mc:Choice>
<mc:Fallback><w:txbxContent><w:p><w:r><w:t>글상자</w:t></w:r></w:p></w:txbxContent></mc:Fallback>
</mc:AlternateContent></w:r>"""


def make_docx() -> bytes:
    """A header, two paragraphs with a table between them, a text box, a footnote, something deleted."""
    document = Document()
    document.sections[0].header.paragraphs[0].text = "머리말"
    document.add_paragraph("김하늘: 결제가 느려요.")
    table = document.add_table(rows=2, cols=2)
    for row, texts in enumerate((("질문", "대답"), ("얼마나?", "매일"))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    last = document.add_paragraph("끝")
    last._p.append(parse_xml(_TEXT_BOX))
    last._p.append(parse_xml(f"<w:del {_W}><w:r><w:delText>지운 말</w:delText></w:r></w:del>"))
    notes = f"<w:footnotes {_W}><w:footnote><w:p><w:r><w:t>각주</w:t></w:r></w:p></w:footnote></w:footnotes>"
    part = Part(PackURI("/word/footnotes.xml"), _FOOTNOTES, notes.encode(), document.part.package)
    document.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)
    return saved(document)


def make_docx_of_sections(*, tells_pages_apart: bool) -> bytes:
    """Two sections: the first has headers and footers for first and even pages, the second takes them over. Where the
    document tells such pages apart, the second section does so for first pages, and all do for even ones."""
    document = Document()
    first = document.sections[0]
    first.header.paragraphs[0].text = "머리말"
    first.first_page_header.paragraphs[0].text, first.first_page_footer.paragraphs[0].text = "첫 머리말", "첫 꼬리말"
    first.even_page_header.paragraphs[0].text, first.even_page_footer.paragraphs[0].text = "짝수 머리말", "짝수 꼬리말"
    document.add_paragraph("본문")
    document.add_section().different_first_page_header_footer = tells_pages_apart
    document.settings.odd_and_even_pages_header_footer = tells_pages_apart
    return saved(document)


def make_docx_of_rows(rows: list[list[str]]) -> bytes:
    document = Document()
    table = document.add_table(rows=len(rows), cols=len(rows[0]))
    for row, texts in enumerate(rows):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    return saved(document)


def make_xlsx() -> bytes:
    workbook = Workbook()
    workbook.active.title = "면담"
    workbook.active.append(["화자", "말"])
    workbook.active.append(["김하늘", "결제가 느려요"])
    workbook.create_sheet("둘째").append([1, None, True])
    return saved(workbook)


def saved(document) -> bytes:
    stream = BytesIO()
    document.save(stream)
    return stream.getvalue()


def make_rtf(text: str) -> bytes:
    coded = "".join(f"\\'{byte:02x}" for byte in text.encode("cp949"))
    return f"{{\\rtf1\\ansi\\ansicpg949\\deff0{{\\fonttbl{{\\f0 Malgun;}}}}\\f0 {coded}\\par {{\\b end}}}}".encode(
        "ascii"
    )


def make_pdf(pages: list[str], *, kids: bytes | None = None, filters: bytes = b"", pack=lambda stream: stream) -> bytes:
    """Each page shows its text in a font whose codes are UTF-16, as its ToUnicode map says."""
    numbers = [5 + 2 * index for index in range(len(pages))]
    listed = kids if kids is not None else b" ".join(b"%d 0 R" % number for number in numbers)
    cmap = (
        b"/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <0000> <FFFF> endcodespacerange "
        b"1 beginbfrange <0000> <FFFF> <0000> endbfrange endcmap end"
    )
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(pages), listed),
        3: b"<</Type/Font/Subtype/Type0/BaseFont/A/Encoding/Identity-H/ToUnicode 4 0 R/DescendantFonts"
        b"[<</Type/Font/Subtype/CIDFontType2/BaseFont/A/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)"
        b"/Supplement 0>>/DW 1000>>]>>",
        4: stream_of(cmap),
    }
    for number, text in zip(numbers, pages, strict=True):
        resources = b"/Resources<</Font<</F 3 0 R>>>>"
        objects[number] = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]%s/Contents %d 0 R>>" % (
            resources,
            number + 1,
        )
        shown = b"BT /F 12 Tf 50 700 Td <%s> Tj ET" % text.encode("utf-16-be").hex().encode() if text else b""
        objects[number + 1] = stream_of(pack(shown), filters)
    return assemble(objects)


def stream_of(content: bytes, filters: bytes = b"") -> bytes:
    return b"<</Length %d%s>>stream\n%s\nendstream" % (len(content), filters, content)


def assemble(objects: dict[int, bytes]) -> bytes:
    body, places = b"%PDF-1.7\n", {}
    for number, content in objects.items():
        places[number] = len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % places[number] for number in sorted(places))
    size = len(objects) + 1
    trailer = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (size, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + trailer


def encrypted_pdf(password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(BytesIO(make_pdf(["비밀"]))))
    writer.encrypt(password, owner_password="owner", algorithm="AES-256")
    stream = BytesIO()
    writer.write(stream)
    return stream.getvalue()


def flate_bomb() -> bytes:
    """A kilobyte that unpacks to 300 MB, packed twice."""
    bomb = zlib.compress(zlib.compress(b" " * 300_000_000, 9), 9)
    return make_pdf(["x"], filters=b"/Filter[/FlateDecode/FlateDecode]", pack=lambda _: bomb)


def burning_pdf() -> bytes:
    """Small and within every count: it takes a reader all of its processor time."""
    return make_pdf(["가나다라마 " * 2000] * 499, filters=b"/Filter/FlateDecode", pack=zlib.compress)


def repacked(content: bytes, parts: dict[str, bytes]) -> bytes:
    """The same archive with some parts changed or added."""
    stream = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(content)) as old,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new,
    ):
        for name in old.namelist():
            new.writestr(name, parts.get(name, old.read(name)))
        for name in parts.keys() - set(old.namelist()):
            new.writestr(name, parts[name])
    return stream.getvalue()


def encrypted_zip(content: bytes) -> bytes:
    """With the bit that says so, in both places where an entry has it."""
    changed = bytearray(content)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = changed.find(signature)
        while at >= 0:
            changed[at + offset] |= 1
            at = changed.find(signature, at + 4)
    return bytes(changed)


def docx_body(body: str) -> bytes:
    document = f'<?xml version="1.0"?><w:document {_W}><w:body>{body}</w:body></w:document>'
    return repacked(make_docx(), {"word/document.xml": document.encode()})


def sheet_of(rows: str, claim: str = "A1:B2") -> bytes:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'<worksheet xmlns="{main}"><dimension ref="{claim}"/><sheetData>{rows}</sheetData></worksheet>'
    return repacked(make_xlsx(), {"xl/worksheets/sheet1.xml": sheet.encode()})


ENTITIES = (
    "<!DOCTYPE a [<!ENTITY a0 'ㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋ'>"
    + "".join(f"<!ENTITY a{level} '{f'&a{level - 1};' * 10}'>" for level in range(1, 12))
    + "]>"
)
