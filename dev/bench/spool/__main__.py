"""Measures the spool: saving beside the machine's fsync floor, emptying a crowded beside a small folder, and the
import of its files into PostgreSQL beside a plain COPY of the same rows.

    python -m dev.bench.spool --small 1000 --large 100000 --bytes 4096 --import-files 500

Prints a table and, as the last line, the same figures as JSON.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dev.bench.results import Results
from dev.bench.spool.files import SpoolOptions, measure_files
from dev.bench.spool.imports import measure_imports


def read_options(arguments: Sequence[str]) -> SpoolOptions:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.spool", description=__doc__)
    parser.add_argument("--small", type=int, default=1000, help="files in the small folder, and saved per round")
    parser.add_argument("--large", type=int, default=100_000, help="files in the crowded folder")
    parser.add_argument("--bytes", type=int, default=4096, help="size of the records in a file")
    parser.add_argument("--batch", type=int, default=10_000, help="names asked for at once")
    parser.add_argument(
        "--rounds", type=int, default=5, help="repetitions of the small measurements; their median counts"
    )
    parser.add_argument(
        "--import-files", type=int, default=500, help="files brought into PostgreSQL per round; 0: none"
    )
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()), help="where to measure: a real disk"
    )
    return SpoolOptions(**vars(parser.parse_args(arguments)))


def main(arguments: Sequence[str]) -> int:
    options = read_options(arguments)
    results = Results("spool", vars(options) | {"folder": None})  # whose folder it was says nothing to others
    print(f"spool: {options.small} and {options.large} files of {options.bytes} bytes, {options.rounds} rounds")
    results.add("files", measure_files(options), "saving, and claiming what is pending")
    if options.import_files:
        imports = measure_imports(options.import_files, options.rounds, options.folder)
        results.add("imports", imports, f"{options.import_files} files into PostgreSQL")
    results.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
