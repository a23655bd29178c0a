"""What staff do with their own token."""

from flask_jwt_extended import get_jwt
from flask_smorest import Blueprint

from core.logs import get_logger
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.auth import for_staff, take_back
from webapp.current import stores

log = get_logger(__name__)
blueprint = Blueprint("staff", __name__, url_prefix="/api/v1/admin", description="For operators")


@blueprint.post("/sign-out")
@blueprint.doc(security=SECURITY_STAFF)
@for_staff
@blueprint.response(204)
@fails(blueprint, 401, 403, 413)
def sign_out(staff: str) -> None:
    """Take back the token that is shown: from now on it opens nothing."""
    with stores().unit_of_work() as work:
        take_back(work.session, get_jwt())
    log.info("staff_signed_out", by=staff)
