"""A process that opens a transaction and asks for nothing, as often as the sweeper sweeps: what cannot be spared.

python -m dev.bench.idle.floor DATABASE_URL INTERVAL_SECONDS
"""

import sys
import time

from sqlalchemy import create_engine, text


def main(database_url: str, interval_seconds: float) -> None:
    engine = create_engine(database_url)
    while True:
        with engine.begin() as connection:
            connection.execute(text("select 1"))
        time.sleep(interval_seconds)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
