"""MISO's own refusals, as its error body tells them."""

from dev.sandbox.errors import SandboxError
from dev.sandbox.replies import Reply, json_reply


class MisoRefusalError(SandboxError):
    """`code` is the provider's word."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.http_status = status

    def as_reply(self) -> Reply:
        return error_reply(self.code, str(self), self.http_status)


def error_reply(code: str, message: str, status: int) -> Reply:
    return json_reply({"code": code, "message": message, "status": status}, status)


def not_found(code: str = "not_found") -> MisoRefusalError:
    return MisoRefusalError(code, "The requested resource was not found.", 404)
