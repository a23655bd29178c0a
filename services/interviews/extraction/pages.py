"""Reads a pdf, page by page."""

from collections.abc import Iterator
from io import BytesIO

from pypdf import PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError, LimitReachedError, PyPdfError

from services.interviews.extraction.failures import FileFault, FileUnusable

MAX_PAGES = 500


def read_pdf(content: bytes) -> Iterator[str]:
    """The text of each page; empty for a scan."""
    try:
        reader = PdfReader(BytesIO(content))
        # Many are encrypted against printing only, with an empty password.
        if reader.is_encrypted and not reader.decrypt(""):
            raise FileUnusable(FileFault.FILE_ENCRYPTED)
        if len(reader.pages) > MAX_PAGES:
            raise FileUnusable(FileFault.FILE_TOO_COMPLEX)
        for page in reader.pages:
            yield page.extract_text()
    except (FileNotDecryptedError, DependencyError) as exc:
        raise FileUnusable(FileFault.FILE_ENCRYPTED) from exc
    except LimitReachedError as exc:
        raise FileUnusable(FileFault.FILE_TOO_COMPLEX) from exc
    except PyPdfError as exc:
        raise FileUnusable(FileFault.FILE_DAMAGED) from exc
