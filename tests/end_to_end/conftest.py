"""One product for most tests of this folder; those that need other settings or break it start their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.product import Product, run_product


@pytest.fixture(scope="package")
def running_product(migrated_home: Path) -> Iterator[Product]:
    with run_product(migrated_home) as product:
        yield product


@pytest.fixture
def product(running_product: Product) -> Iterator[Product]:
    yield running_product
    running_product.close_browsers()
