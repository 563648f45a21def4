"""Jobs: how far long work has come."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from remanence.serve.access import Reads
from remanence.serve.answer import answer
from remanence.serve.shapes.items import JobShape
from remanence.serve.shapes.jobs import Jobs

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.get("", response_model=Jobs)
def list_(request: Request, access: Reads) -> Response:
    """The jobs there are and were, newest first."""
    jobs = request.app.state.serving.jobs.list(tenant=access.tenant, user=access.user)
    return answer({"jobs": [job.to_json() for job in jobs]})


@router.get("/{id}", response_model=JobShape)
def get(request: Request, access: Reads, id: str) -> Response:
    """One job."""
    return answer(request.app.state.serving.jobs.get(id, tenant=access.tenant, user=access.user).to_json())
