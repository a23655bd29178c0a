"""The job that keeps MISO's knowledge base as the interviews are."""

from core.clock import clock
from core.logs import get_logger
from core.names import Task
from services.interviews.knowledge import KnowledgeTools, sync_documents
from tasks.app import app
from tasks.interviews.runtime import analyst_runtime
from tasks.stopping import is_stopping

log = get_logger(__name__)


@app.task(name=Task.SYNC_KNOWLEDGE)
def sync_knowledge() -> None:
    """One step of each document that is due; nothing without a key and a dataset. Twice does no harm: a row is held by
    one."""
    here = analyst_runtime()
    if here.knowledge is None:
        return
    synced = sync_documents(KnowledgeTools(clock, here.stores.unit_of_work, here.knowledge, is_stopping))
    if synced:
        log.info("knowledge_synced", count=synced)
