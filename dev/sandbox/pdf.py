"""A one-page PDF written by hand; ASCII text only, so that no font has to be embedded."""

LINE_HEIGHT, FIRST_LINE, LEFT = 22, 760, 72


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def write_pdf(title: str, lines: list[str]) -> bytes:
    shown = "".join(f"T* ({_escape(line)}) Tj\n" for line in lines)
    text = f"BT /F1 20 Tf {LEFT} {FIRST_LINE} Td ({_escape(title)}) Tj /F1 12 Tf {LINE_HEIGHT} TL\n{shown}ET\n"
    stream = text.encode("ascii")
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources << /Font << /F1 4 0 R>>>>>>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Length %d >>\nstream\n%sendstream" % (len(stream), stream),
    )
    return _assemble(objects)


def _assemble(objects: tuple[bytes, ...]) -> bytes:
    """Number the objects and write the cross-reference table: byte offsets that a strict reader checks."""
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)
