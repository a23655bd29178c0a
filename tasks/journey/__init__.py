"""Jobs and commands of the patient's journey."""
