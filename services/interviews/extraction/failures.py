"""Why a file gave no text.

ExtractionError
├── FileUnusable                   the file's own fault: `code` is stable, `sentence` is for the person
└── ReaderUnavailable (retryable)  our reader could not be started or broke: the file may be fine
"""

from enum import StrEnum
from typing import ClassVar


class FileFault(StrEnum):
    NO_TEXT = "NO_TEXT"
    TEXT_TOO_LONG = "TEXT_TOO_LONG"
    FILE_DAMAGED = "FILE_DAMAGED"
    FILE_ENCRYPTED = "FILE_ENCRYPTED"
    FILE_TYPE_MISMATCH = "FILE_TYPE_MISMATCH"
    FILE_TOO_COMPLEX = "FILE_TOO_COMPLEX"


SENTENCES = {
    FileFault.NO_TEXT: "파일에서 글자를 찾지 못했어요. 스캔한 문서라면 텍스트로 바꿔서 올려 주세요.",
    FileFault.TEXT_TOO_LONG: "글이 너무 길어요. 나누어서 올려 주세요.",
    FileFault.FILE_DAMAGED: "파일이 손상되어 읽을 수 없어요.",
    FileFault.FILE_ENCRYPTED: "암호가 걸린 파일이에요. 암호를 풀고 다시 올려 주세요.",
    FileFault.FILE_TYPE_MISMATCH: "파일의 내용이 확장자와 달라요.",
    FileFault.FILE_TOO_COMPLEX: "파일이 너무 복잡해서 읽을 수 없어요. 텍스트로 저장해서 올려 주세요.",
}


class ExtractionError(Exception):
    """Holds nothing of the file."""

    retryable: ClassVar[bool] = False


class FileUnusable(ExtractionError):
    def __init__(self, code: FileFault) -> None:
        super().__init__(str(code))
        self.code = code

    @property
    def sentence(self) -> str:
        return SENTENCES[self.code]


class ReaderUnavailable(ExtractionError):
    retryable = True
