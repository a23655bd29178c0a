"""The product's worker with tools that do nothing: `celery -A dev.bench.pipeline.stub_worker worker -Q collection`."""

from celery import signals

from dev.bench.pipeline.stub_tools import with_stubs
from tasks.app import app
from tasks.runtime import runtime

__all__ = ["app"]


# After the product's own handler, which was connected when its module was imported.
@signals.worker_init.connect  # type: ignore[untyped-decorator]  # Celery's carry no types
def _take_stubs(**_: object) -> None:
    here = runtime()
    here.tools = with_stubs(here.tools)
