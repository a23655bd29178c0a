"""`python -m tasks.demo HOSPITAL PASSWORD_FILE HALL_KEY_FILE COMPANIES`: makes the demo, where WELNO_DEMO says so.

Repeatable: what is there already stays as it is, and today's appointments are added where they are missing.
Exit status: 0 done, 1 this is no demo, 2 wrong use.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import orjson

from services.interviews.demo import seed_companies
from services.journey.demo import DemoSecrets, seed_appointments, seed_hospital, seed_people
from services.journey.demo_maps import draw_floors
from services.journey.hospital_cache import HospitalCache
from services.journey.maps.store import MAPS_FOLDER, FloorMaps, FolderMapStore
from services.stores import Stores
from services.threads.demo import seed_correspondents
from tasks.opening import open_stores


def seed(here: Stores, content_path: Path, password: str, hall_key: str, companies_path: Path) -> None:
    """The rows in one transaction: they are there as a whole or not at all. Then the maps that are missing."""
    content = orjson.loads(content_path.read_bytes())

    @cache
    def password_hash() -> str:
        return here.password_hashes.hash(password)

    with here.unit_of_work() as work:
        seed_hospital(work.session, content, DemoSecrets(password_hash, hall_key))
        user_ids = seed_people(work.session, here.people, content)
        journey, now = here.settings.journey, here.clock.now()
        seed_companies(work.session, orjson.loads(companies_path.read_bytes()), password_hash)
        seed_correspondents(work.session, password_hash)
        today = content["appointments_today"]
        seed_appointments(work.session, user_ids, today, now, journey.time_zone, journey.day_close_at)
    HospitalCache(here.redis, here.sessions).forget()
    draw_floors(FloorMaps(FolderMapStore(here.settings.files.data_dir / MAPS_FOLDER)), content)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tasks.demo", description=__doc__)
    for name in ("hospital", "password_file", "hall_key_file", "companies"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args(arguments)
    password, hall_key = options.password_file, options.hall_key_file
    here = open_stores()
    try:
        if not here.settings.accounts.demo:
            sys.stderr.write("WELNO_DEMO is not true: this is no demo\n")
            return 1
        seed(here, options.hospital, password.read_text().strip(), hall_key.read_text().strip(), options.companies)
    finally:
        here.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
