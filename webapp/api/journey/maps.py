"""The floors' maps: their layers for everybody, and the hospital's admins put new ones."""

from typing import Any

from flask import Response, request

from core.logs import get_logger
from services.journey.maps.sanitizer import UnsafeSvg, sanitize_svg
from services.journey.maps.store import MapLayer, MapNotFound
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.api.journey.blueprint import JourneyBlueprint
from webapp.api.journey.schemas.maps import LayerOutput, LayersOutput
from webapp.auth import mark_access
from webapp.auth.journey_callers import JourneyCaller, for_journey_admin
from webapp.bodies import read_upload, takes_upload
from webapp.current import parts
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.offloop import run_off_loop

log = get_logger(__name__)
blueprint = JourneyBlueprint("journey_maps", __name__, url_prefix="/api/v1", description="Maps of the floors")

_SVG = "image/svg+xml"
_SUFFIX = ".svg"
_UPLOAD_MAX_BYTES = 5 * 1024 * 1024
# Opened by itself it is a document without scripts, links, or anything from elsewhere.
_POLICY = "sandbox; default-src 'none'"
_A_YEAR = "public, max-age=31536000, immutable"


@blueprint.get("/maps/<string:floor>/layers")
@blueprint.response(200, LayersOutput)
@fails(blueprint, 404)
def list_layers(floor: str) -> dict[str, Any]:
    """The floor's layers in the order of drawing. Their addresses change with their content."""
    try:
        layers = parts().maps.list_layers(floor)
    except MapNotFound as exc:
        raise ApiError(Code.MAP_NOT_FOUND) from exc
    return {"success": True, "layers": [_described(layer) for layer in layers]}


# A path, so that whatever stands there is answered alike.
@blueprint.get("/maps/<string:floor>/layers/<path:file>")
@blueprint.doc(responses={200: {"description": "The layer.", "content": {_SVG: {}}}, 304: {"description": "The same."}})
@fails(blueprint, 404)
def show_layer(floor: str, file: str) -> Response:
    """`{name}.svg`, or as listed with its version, and then to be kept for a year."""
    if not file.endswith(_SUFFIX):
        raise ApiError(Code.MAP_NOT_FOUND)
    name, _, version = file.removesuffix(_SUFFIX).partition(".")
    layer = _read(floor, name)
    if version not in {"", layer.version}:
        raise ApiError(Code.MAP_NOT_FOUND)
    response = Response(layer.content, content_type=_SVG)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = _A_YEAR if version else "no-cache"
    response.set_etag(layer.version)
    response.make_conditional(request)
    return response


@blueprint.put("/admin/maps/<string:floor>/layers/<path:name>")
@blueprint.doc(
    security=SECURITY_STAFF,
    requestBody={"required": True, "content": {_SVG: {"schema": {"type": "string", "maxLength": _UPLOAD_MAX_BYTES}}}},
)
@takes_upload(_SVG, _UPLOAD_MAX_BYTES)
@for_journey_admin
@blueprint.response(200, LayerOutput)
@fails(blueprint, 400, 401, 403, 404, 413, 415)
def put_layer(caller: JourneyCaller, floor: str, name: str) -> dict[str, Any]:
    """Replace a layer by what of the SVG only draws."""
    try:
        content = run_off_loop(sanitize_svg, read_upload())
        layer = parts().maps.put_layer(floor, name, content)
    except UnsafeSvg as exc:
        raise ApiError(Code.VALIDATION_FAILED, details={"body": ["그릴 수 있는 SVG 파일이 아니에요."]}) from exc
    except MapNotFound as exc:
        raise ApiError(Code.MAP_NOT_FOUND) from exc
    log.info("map_layer_put", floor=floor, layer=name, size_bytes=len(content), by=str(caller.principal_id))
    return {"success": True, "layer": _described(layer)}


def _read(floor: str, name: str) -> MapLayer:
    try:
        return parts().maps.read_layer(floor, name)
    except MapNotFound as exc:
        raise ApiError(Code.MAP_NOT_FOUND) from exc


def _described(layer: MapLayer) -> dict[str, Any]:
    href = f"{blueprint.url_prefix}/maps/{layer.floor}/layers/{layer.name}.{layer.version}{_SUFFIX}"
    return {"name": layer.name, "href": href, "bytes": len(layer.content)}


for _function in (list_layers, show_layer):
    mark_access(_function, "public")
