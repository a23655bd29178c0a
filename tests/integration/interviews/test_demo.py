"""The demo's companies are made once, and made again where something is missing."""

import orjson
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from dev.local.programs import ROOT
from services.interviews.demo import seed_companies
from tests.tables import delete_all_rows

CONTENT = orjson.loads((ROOT / "dev" / "sandbox" / "companies.json").read_bytes())

# As a deletion leaves it.
DELETE_ONE = text("""
    with gone as (
        update welno.interviews set deleted_at = now(), deleted_by = created_by
        where id = (select id from welno.interviews where status = 'completed' order by id limit 1) returning id
    )
    delete from welno.utterances where interview_id in (select id from gone)
""")


def test_the_demo_is_made_once(engine: Engine):
    hashed, indexed = [], []

    def password_hash() -> str:
        hashed.append(1)
        return "hash"

    try:
        for _ in range(2):
            with Session(engine) as session, session.begin():
                seed_companies(session, CONTENT, password_hash)
                indexed.append(session.execute(DELETE_ONE).rowcount)
        with engine.connect() as connection:
            query = text("""
                select p.name as project, split_part(a.login, '@', 1) as who, m.role
                from welno.project_members m join welno.projects p on p.id = m.project_id
                join welno.accounts a using (account_id) order by 1, 2
            """)
            found = [tuple(row) for row in connection.execute(query)]
            counted = text("""
                select p.name, count(i.id) from welno.projects p
                left join welno.interviews i on i.project_id = p.id and i.status = 'completed' group by p.name
            """)
            interviews = {row[0]: row[1] for row in connection.execute(counted)}
            query = "select count(*) from welno.interviews where evidence -> 'primary_needs' -> 0 is null"
            unresolved = connection.execute(text(query)).scalar_one()
            personas = connection.execute(text("select count(*) from welno.persona_combinations")).scalar_one()
    finally:
        with engine.begin() as connection:
            delete_all_rows(connection)
    assert found == [
        ("배달 앱 연구", "jun", "editor"),
        ("배달 앱 연구", "mina", "admin"),
        ("배달 앱 연구", "vera", "viewer"),
        ("비밀 연구", "sora", "admin"),
        ("은행 앱 연구", "mina", "admin"),
    ]
    assert interviews == {"배달 앱 연구": 0, "은행 앱 연구": 3, "비밀 연구": 0}
    assert (personas, len(hashed), unresolved) == (4, 4, 0)
    assert (indexed[0] > 0, indexed[1]) == (True, 0)
