"""Erasing sessions, and archives that go with their patient."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from spool import AnswerKind, DamagedFile, DataType, KeptAnswer, Spool, UnknownFile

from .actions import files_in
from .conftest import NOW, SESSION, complete, package

PATIENT, EXPORT = UUID("0c9c1a2b-0d4e-4f6a-8b7c-9d0e1f2a3b4c"), UUID("1c9c1a2b-0d4e-4f6a-8b7c-9d0e1f2a3b4c")


@pytest.fixture
def root(spool: Spool) -> Path:
    return spool.storage.root


def test_a_session_goes_from_every_folder_with_reasons_and_stamp(spool: Spool, root: Path):
    spool.park(spool.put_pending(package()), "checksum")
    complete(spool, spool.put_pending(package(DataType.PATIENT)))
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b"raw"))
    other = spool.put_incoming(str(uuid4()), AnswerKind.HEALTH, KeptAnswer(b"raw"))
    assert spool.count_of([SESSION]) == 4  # with the reasons of the parked one
    spool.erase([SESSION])
    assert files_in(root) == [f"incoming/{other}"]
    assert not [path for path in root.rglob("*") if SESSION in path.name]


def test_a_patients_sessions_are_found_by_their_own_files(spool: Spool):
    complete(spool, spool.put_pending(package(DataType.PATIENT)))
    owner = package(DataType.PATIENT).metadata.patient_uuid
    assert spool.sessions_of(owner) == [SESSION]
    assert spool.sessions_of(str(uuid4())) == []


def test_an_archive_opens_for_its_patient_and_export_alone(spool: Spool, root: Path):
    spool.archives.put(PATIENT, EXPORT, b"zip", NOW.timestamp())
    assert spool.archives.read(PATIENT, EXPORT) == b"zip"
    other = uuid4()
    (root / "exports" / str(PATIENT) / str(EXPORT)).rename(root / "exports" / str(PATIENT) / str(other))
    with pytest.raises(DamagedFile):
        spool.archives.read(PATIENT, other)
    with pytest.raises(UnknownFile):
        spool.archives.read(PATIENT, EXPORT)


def test_archives_go_one_by_one_or_all(spool: Spool, root: Path):
    for _ in range(2):
        spool.archives.put(PATIENT, uuid4(), b"zip", NOW.timestamp())
    spool.archives.put(PATIENT, EXPORT, b"zip", NOW.timestamp())
    spool.archives.drop(PATIENT, EXPORT)
    spool.archives.drop(PATIENT, EXPORT)
    assert spool.archives.count(PATIENT) == 2
    spool.archives.drop_all(PATIENT)
    assert list((root / "exports").iterdir()) == []
