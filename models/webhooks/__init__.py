"""Webhooks: who is told of a session's outcome, and each message to them."""

from models.webhooks.webhooks import Webhook, WebhookDelivery, WebhookKind

__all__ = ["Webhook", "WebhookDelivery", "WebhookKind"]
