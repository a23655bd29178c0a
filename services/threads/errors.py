"""Why the threads refuse. Each error carries the code of the one table of codes, and the facts that go with it.

Errors: ThreadsError (not retryable)
    MalformedField, UnusableKey, WrongSignature, MemberAlready
    ThreadNotFound, DeviceNotFound, ThreadMemberNotFound, ThreadRoleTooSmall, NotOwnDevice
    BlobNotFound, BlobConflict, BlobIncomplete, BlobTooLarge, BlobHashMismatch, TooManyBlobs
    ServiceNotMember, DeviceExists, TooManyDevices, TooManyMembers
    KeyConflict, WrapsIncomplete, KeysetNeeded, LastOwner
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class ThreadsError(Exception):
    """Nothing was written."""

    retryable = False
    code: ClassVar[str]

    def __init__(self, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(self.code)
        self.details = details


class MalformedField(ThreadsError):
    """A text that is not written as the formats want it."""

    code = "VALIDATION_FAILED"

    def __init__(self, name: str = "body") -> None:
        super().__init__({name: ["형식이 맞지 않아요. 다시 확인해 주세요."]})


class UnusableKey(ThreadsError):
    """A public key of low order, or no key at all."""

    code = "INVALID_KEY"


class WrongSignature(ThreadsError):
    """It is not of the key that it should be of, or of another text."""

    code = "BAD_SIGNATURE"


class ThreadNotFound(ThreadsError):
    """Unknown, closed, or not theirs: they look alike."""

    code = "THREAD_NOT_FOUND"


class DeviceNotFound(ThreadsError):
    """The same."""

    code = "DEVICE_NOT_FOUND"


class ThreadMemberNotFound(ThreadsError):
    """Nobody in the thread has this id."""

    code = "MEMBER_NOT_FOUND"


class ThreadRoleTooSmall(ThreadsError):
    """Of a member: nobody else learns that there is something to be forbidden."""

    code = "FORBIDDEN"


class NotOwnDevice(ThreadsError):
    """Not an active device of whoever calls."""

    code = "UNKNOWN_DEVICE"


class ServiceNotMember(ThreadsError):
    """`service:welno` is not in the thread, or only reads there."""

    code = "SERVICE_NOT_MEMBER"


class DeviceExists(ThreadsError):
    """The id is another device's, or this one's with other keys."""

    code = "DEVICE_EXISTS"


class TooManyDevices(ThreadsError):
    code = "TOO_MANY_DEVICES"


class TooManyMembers(ThreadsError):
    code = "TOO_MANY_MEMBERS"


class KeyConflict(ThreadsError):
    """`details.next` is the generation that may be made."""

    code = "KEY_CONFLICT"


class WrapsIncomplete(ThreadsError):
    """`details.missing` and `details.unknown` are device ids."""

    code = "WRAPS_INCOMPLETE"


class KeysetNeeded(ThreadsError):
    """Whoever is removed must not be able to open what comes after."""

    code = "KEYSET_NEEDED"


class MemberAlready(ThreadsError):
    """In the thread, and otherwise than they were to be added: `name` is what differs, role or history."""

    code = "VALIDATION_FAILED"
    _ways: ClassVar[Mapping[str, str]] = {
        "role": "역할은 members/role로 바꿔 주세요.",
        "history": "볼 수 있는 범위를 바꾸려면 members/remove로 내보낸 뒤 다시 추가해 주세요.",
    }

    def __init__(self, name: str) -> None:
        super().__init__({name: [f"이미 대화방에 있어요. {self._ways[name]}"]})


class LastOwner(ThreadsError):
    code = "LAST_OWNER"


class BlobNotFound(ThreadsError):
    """Unknown, not complete, or of before its reader came: they look alike."""

    code = "BLOB_NOT_FOUND"


class BlobConflict(ThreadsError):
    """The id is another's, or complete with other content, or somebody else was faster with this part."""

    code = "BLOB_CONFLICT"


class BlobIncomplete(ThreadsError):
    """`details.missing` are the numbers of parts that have to be sent, again or at all."""

    code = "BLOB_INCOMPLETE"


class BlobHashMismatch(ThreadsError):
    """The parts are all there, and are not what they should be."""

    code = "HASH_MISMATCH"


class BlobTooLarge(ThreadsError):
    code = "BLOB_TOO_LARGE"


class TooManyBlobs(ThreadsError):
    """Of one member, in all threads together."""

    code = "TOO_MANY_BLOBS"
