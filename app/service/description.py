"""What the service says of itself (OpenAPI 3.1), made from the types of its calls."""

import inspect

import msgspec

from . import calls
from .asked import FURTHEST, MOST, Codes, Pictures, TwoCodes, TwoPictures

JSON, PNG, NPZ = "application/json", "image/png", "application/x-npz"
PICTURES = (PNG, "image/jpeg", "image/webp", "image/gif", "image/bmp", "image/tiff")
LONGEST = 10 * 2**20  # bytes of a body, as of an upload
STEPS, MOST_STEPS = 8, 64  # of a path
REFUSALS = {
    "404": "There is no such model or call.",
    "406": "The answer cannot have the form that Accept asks for.",
    "411": "The body does not say how long it is.",
    "413": f"The body has more than {LONGEST // 2**20} MB.",
    "415": "The body is of another kind.",
    "422": "Something in the body or behind the question mark cannot be used; the sentence says what.",
    "429": "Too much is asked; Retry-After says when to go on.",
    "4XX": "Refused; the sentence says why.",
}
TEXT = (
    f"Pictures and codes go in and come out as JSON, as PNG or as .npz (numpy). A call takes {MOST} of them at most, and "
    f"{LONGEST // 2**20} MB. In JSON and as files, pictures may have any size, and each is cropped to its middle and reduced to "
    "what the model sees; in an .npz, `pictures` has the model's own shape (uint8, or brightness 0 to 1) and `codes` "
    f"(n, latent) lies between -{FURTHEST:g} and {FURTHEST:g}. An answer as .npz can be sent on as it is. A model with classes "
    "is told them by name, one of each factor, in the order of /api/models: ?classes=boot&classes=red. Of pictures whose "
    "classes are not given the model takes the likeliest."
)
_TYPES = (Pictures, Codes, TwoPictures, TwoCodes, calls.About, calls.Models, calls.Said)


def sent(takes: tuple[type, ...]) -> tuple[str, ...]:
    """The kinds of body that a call takes: of one that takes single pictures also a picture file."""
    return (JSON, NPZ, *(PICTURES if Pictures in takes else ()))


def forms(answer: type) -> tuple[str, ...]:
    """The forms that a call answers in: pictures also as one PNG."""
    return (JSON, NPZ, *((PNG,) if "pictures" in answer.__struct_fields__ else ()))


def document(names: list[str]) -> dict:
    """The description, for the models of these names."""
    types = [*_TYPES, *(answer for _, _, answer in calls.CALLS.values())]
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    told = {
        "/api/openapi.json": {"get": _plain("description", "This description.", {"type": "object"})},
        "/api/models": {"get": _plain("models", "The models that can be asked.", _ref(calls.Models))},
    }
    for what, (act, takes, answer) in calls.CALLS.items():
        told[f"/api/models/{{name}}/{what}"] = {"post": _call(what, inspect.getdoc(act), takes, answer, names)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "ALI explorer", "version": "1", "description": TEXT},
        "paths": told,
        "components": {"schemas": schemas},
    }


def _plain(name: str, says: str, schema: dict) -> dict:
    good = {"description": says, "content": {JSON: {"schema": schema}}}
    return {"operationId": name, "summary": says, "responses": {"200": good, **_refusals("429", "4XX")}}


def _call(what: str, says: str, takes: tuple[type, ...], answer: type, names: list[str]) -> dict:
    bodies = [_ref(one) for one in takes]
    content = {key: {"schema": {"type": "string", "format": "binary"}} for key in sent(takes)}
    content |= {JSON: {"schema": bodies[0] if len(bodies) == 1 else {"anyOf": bodies}}}
    good = {key: {"schema": {"type": "string", "format": "binary"}} for key in forms(answer)}
    good |= {JSON: {"schema": _ref(answer)}}
    asked = [
        {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "enum": names}},
        {"name": "classes", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
    ]
    if what == "interpolate":
        steps = {"type": "integer", "minimum": 2, "maximum": MOST_STEPS, "default": STEPS}
        asked.append({"name": "steps", "in": "query", "schema": steps})
    return {
        "operationId": what,
        "summary": says,
        "parameters": asked,
        "requestBody": {"required": True, "content": content},
        "responses": {"200": {"description": says, "content": good}, **_refusals(*REFUSALS)},
    }


def _refusals(*statuses: str) -> dict:
    content = {JSON: {"schema": _ref(calls.Said)}}
    return {status: {"description": REFUSALS[status], "content": content} for status in statuses}


def _ref(kind: type) -> dict:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}
