"""Patients and desks who do at random whatever comes to their mind, and what must hold of it."""
