"""Keys over HTTP. An admin of a named tenant makes and sees keys of that tenant alone."""

from dataclasses import asdict

from fastapi import APIRouter, Request
from starlette.responses import Response

from remanence.errors import NotFound
from remanence.serve.access import Access, Admins
from remanence.serve.answer import answer
from remanence.serve.keys import Key, Keys
from remanence.serve.problem import Problem
from remanence.serve.shapes.keys import KeyAsked, KeyList, KeyShape

router = APIRouter(prefix="/v1/keys", tags=["keys"])


@router.get("", response_model=KeyList)
def list_(request: Request, access: Admins) -> Response:
    """Every key, with when it was last used."""
    return answer({"keys": [asdict(key) for key in _keys(request).list() if _governs(access, key.tenant)]})


@router.post("", status_code=201, response_model=KeyShape)
def make(request: Request, access: Admins, body: KeyAsked) -> Response:
    """A new key; its secret is shown this once."""
    tenant = body.tenant or access.tenant
    if not _governs(access, tenant):
        raise Problem(403, "another tenant's", f"this key is of tenant {access.tenant!r} and of no other")
    key, secret = _keys(request).make(body.name, body.right, tenant=tenant, user=body.user, days=body.days)
    return answer(asdict(key) | {"secret": secret}, 201)


@router.post("/{id}/rotate", response_model=KeyShape)
def rotate(request: Request, access: Admins, id: str) -> Response:
    """A new secret, shown this once; the old one is good for a day more."""
    key, secret = _keys(request).rotate(_known(request, access, id).id)
    return answer(asdict(key) | {"secret": secret})


@router.delete("/{id}", response_model=KeyShape)
def revoke(request: Request, access: Admins, id: str) -> Response:
    """Make a key worthless at once."""
    return answer(asdict(_keys(request).revoke(_known(request, access, id).id)))


def _keys(request: Request) -> Keys:
    keys: Keys = request.app.state.serving.keys
    return keys


def _known(request: Request, access: Access, id: str) -> Key:
    key = _keys(request).get(id)
    if not _governs(access, key.tenant):
        raise NotFound(f"no key {id!r}")
    return key


def _governs(access: Access, tenant: str) -> bool:
    return access.tenant in ("", tenant)
