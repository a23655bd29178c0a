"""What a caller of the sandbox can do wrong.

SandboxError
├── BadInputError         a control or MediArc body has a field that is missing, unknown or out of range (HTTP 400)
├── NotFoundError         the request, fault or report that was named does not exist (HTTP 404)
├── ConflictError         the request was already answered the other way on the phone (HTTP 409)
├── ApiKeyError           the API-KEY header is not the one this provider gave out (HTTP 401)
├── EncryptionError       an ENC-KEY or an encrypted field cannot be decrypted (HTTP 400)
└── ProviderRefusalError  Tilko's own no: HTTP 200 with Status Error, a code and a Korean message
"""


class SandboxError(Exception):
    """Root of everything the sandbox raises itself."""

    retryable = False
    status = 500


class BadInputError(SandboxError):
    status = 400

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class NotFoundError(SandboxError):
    status = 404

    def __init__(self, field: str) -> None:
        super().__init__(f"{field}: nothing is known under this name")
        self.field = field


class ConflictError(SandboxError):
    status = 409

    def __init__(self, field: str, state: str) -> None:
        super().__init__(f"{field}: already {state}")
        self.field = field


class ApiKeyError(SandboxError):
    status = 401


class EncryptionError(SandboxError):
    status = 400

    def __init__(self, field: str) -> None:
        super().__init__(f"{field}: cannot be decrypted")
        self.field = field


class ProviderRefusalError(SandboxError):
    status = 200

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
