"""What all processes together have counted of the analyses, for /metrics: they end, and their numbers go on."""

from sqlalchemy.orm import Mapped, mapped_column

from models.table import Table


class InterviewCount(Table):
    """`name` is what is counted, `label` of which sort: `miso_calls` by outcome, `extractions` by format and so on."""

    __tablename__ = "interview_counts"

    name: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(primary_key=True)
    total: Mapped[float]
