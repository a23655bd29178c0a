"""Interviews: uploaded, analysed by MISO, and told live to the whole project; nothing of a project to anybody else."""
