"""The one row that readiness writes, to prove that this database takes writes."""

from sqlalchemy.orm import Mapped, mapped_column

from models.table import Moment, Table


class WriteProbe(Table):
    """One row, written again at each probe."""

    __tablename__ = "welno_write_probe"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    written_at: Mapped[Moment]
