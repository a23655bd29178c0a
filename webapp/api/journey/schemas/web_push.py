"""A browser's subscription, as `PushSubscription.toJSON()` of the W3C Push API gives it."""

from typing import Any

from marshmallow import Schema, fields

from core.base64url import decode_bytes
from services.journey.web_push.subscriptions import AUTH_BYTES, PUBLIC_KEY_BYTES
from webapp.api.fields import InputSchema, Text, say

ENDPOINT_MAX = 2000
_FAULT = "브라우저가 준 알림 구독을 그대로 보내 주세요."


class KeyBytes(Text):
    """Bytes of one length in base64url without padding."""

    def __init__(self, length: int) -> None:
        self._length = length
        super().__init__(-(-length * 4 // 3), required=True, error_messages=say(_FAULT, _FAULT))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        decoded = decode_bytes(super()._deserialize(value, attr, data, **more), self._length)
        if decoded is None:
            raise self.make_error("invalid")
        return decoded


class PushKeysInput(InputSchema):
    p256dh = KeyBytes(PUBLIC_KEY_BYTES)
    auth = KeyBytes(AUTH_BYTES)


class WebPushInput(InputSchema):
    endpoint = Text(ENDPOINT_MAX, required=True, error_messages=say(_FAULT, _FAULT))
    keys = fields.Nested(PushKeysInput, required=True, error_messages=say(_FAULT, _FAULT))
    expiration_time = fields.Integer(
        data_key="expirationTime",
        load_default=None,
        strict=True,
        allow_none=True,
        error_messages=say(_FAULT, _FAULT),
        metadata={"description": "Not used: a push service says itself that a subscription has ended."},
    )


class WebPushOutput(Schema):
    success = fields.Boolean(required=True)
    public_key = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "`applicationServerKey` for the browser; null where web push is off."},
    )
    is_subscribed = fields.Boolean(required=True, metadata={"description": "Whether this login has a subscription."})
