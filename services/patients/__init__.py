"""Patients: who a person is, their password, their consent, their stored records."""
