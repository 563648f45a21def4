"""Whether it runs, whether it can answer, and what it counts."""

from fastapi import APIRouter, Request
from prometheus_client.core import GaugeMetricFamily
from starlette.responses import Response

from remanence.serve.access import Admins, Reads
from remanence.serve.answer import answer
from remanence.serve.metrics import MEDIA
from remanence.serve.problem import Problem
from remanence.serve.serving import Serving
from remanence.serve.shapes.health import Health, Status

router = APIRouter(tags=["health"])
INSIDE = ("path",)  # what only the one who runs the server need know


@router.get("/healthz", response_model=Health)
async def healthz() -> Response:
    """Whether the server runs."""
    return answer({"status": "ok"})


@router.get("/readyz", response_model=Health)
def readyz(request: Request) -> Response:
    """Whether the memory can be read."""
    serving: Serving = request.app.state.serving
    serving.tenants[""].memory.store.epoch  # noqa: B018  # it is read from the file
    return answer({"status": "ready"})


@router.get("/v1/status", response_model=Status)
def status(access: Reads) -> Response:
    """What the memory holds: counts, bytes, who derived it. A key of one user learns of that user's alone."""
    memory = access.memory
    if access.user:
        own = access.which()
        counts = {"events": sum(1 for _ in memory.events(**own)), "records": sum(1 for _ in memory.records(**own))}
        return answer({**counts, "method": memory.name})
    shown = memory.status()
    return answer(shown if access.may("admin") else {name: shown[name] for name in shown if name not in INSIDE})


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request, access: Admins) -> Response:
    """Counts for Prometheus."""
    if access.tenant:
        raise Problem(403, "not allowed", "this is for who runs the server; the key is of one tenant")
    serving: Serving = request.app.state.serving
    counts = [(name, held.memory.status()) for name, held in list(serving.tenants.held.items())]
    gauges = []
    for what in ("events", "pending", "records", "operations", "bytes"):
        gauge = GaugeMetricFamily(f"remanence_{what}", f"What a memory holds: {what}.", labels=["tenant"])
        for name, counted in counts:
            gauge.add_metric([name], float(counted[what]))
        gauges.append(gauge)
    jobs = GaugeMetricFamily("remanence_jobs", "Jobs that can be asked about.", labels=["state"])
    for state, count in serving.jobs.counts().items():
        jobs.add_metric([state], count)
    return Response(serving.metrics.text([*gauges, jobs]), media_type=MEDIA)
