"""Client of Tilko, which reads a person's own insurance records after an approval on the phone."""
