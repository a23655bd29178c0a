"""Orders of the campaign: who paid for a report, and how far it is."""

from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.table import CreatedAt, Table


class PipelineStep(StrEnum):
    TILKO_SYNCING = "TILKO_SYNCING"
    DATA_COLLECTED = "DATA_COLLECTED"
    REPORT_WAITING = "REPORT_WAITING"
    REPORT_COMPLETED = "REPORT_COMPLETED"
    REPORT_FAILED = "REPORT_FAILED"


_STEPS = ", ".join(f"'{step}'" for step in PipelineStep)


class CampaignPayment(Table):
    """An order `oid`. It is written by the shop before a session begins; the collection moves its pipeline_step.

    Name, birth date and phone are its buyer's; an order that lacks one of them attaches to nobody.
    """

    __tablename__ = "tb_campaign_payments"
    __table_args__ = (CheckConstraint(f"pipeline_step in ({_STEPS})", name="pipeline_step"),)

    oid: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str | None]
    patient_uuid: Mapped[UUID | None] = mapped_column(ForeignKey("welno.welno_patients.uuid", ondelete="SET NULL"))
    user_name: Mapped[str | None]
    birth_date: Mapped[date | None]
    user_phone: Mapped[str | None]
    pipeline_step: Mapped[str | None]
    report_url: Mapped[str | None]
    mediarc_response: Mapped[dict[str, Any] | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
