"""`python -m core.settings`: prints the reference page, docs/settings.md."""

from core.settings.reference import reference

if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201 the page goes to standard output
