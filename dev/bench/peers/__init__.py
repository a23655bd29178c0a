"""What the product is measured against, each doing as many steps in the way that is usual for it."""

from dev.local.programs import ROOT

# An environment of their own: the product's lock file holds none of their packages.
PEERS_PYTHON = ROOT / ".venv" / "bench" / "bin" / "python"
