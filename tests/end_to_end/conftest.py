"""One product for most tests of this folder; those that need other settings or break it start their own."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.product import Product, run_product


@pytest.fixture(scope="package")
def running_product() -> Iterator[Product]:
    with run_product() as product:
        yield product


@pytest.fixture
def product(running_product: Product) -> Iterator[Product]:
    yield running_product
    running_product.close_browsers()
