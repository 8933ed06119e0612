"""The API: `uvicorn --factory api.main:create_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import Depends, FastAPI

from api import (
    deliveries,
    errors,
    events,
    exposure,
    health,
    jobs,
    metrics,
    metrics_route,
    page,
    pictures,
    presets,
    previews,
    refinement,
    session,
    suggestion,
    upload_routes,
    usage,
    webhook_secrets,
)
from api.bodies import Bodies
from api.connections import raise_file_limit
from api.dependencies import Services
from api.observation import Observation
from api.openapi import DESCRIPTION, describe, document_webhooks
from api.security import authenticated
from api.settings import ApiSettings
from storage import logs, tracing
from storage.database import Database
from storage.objects import Objects
from worker import queue
from worker.settings import signing

VERSION = "0.1.0"

# Callers wait, and threads with them: after this long they hear that the object store is away.
OBJECTS_PATIENCE = timedelta(seconds=8)


def create_app(services: Services | None = None) -> FastAPI:
    """The app on the services given, or on those that the environment's settings name."""
    if services is None:
        logs.configure(as_json=queue.settings.log_json, level=queue.settings.log_level)
        tracing.configure("rotomill-api", queue.settings.otlp_endpoint)
        services = connect(ApiSettings())
        if objection := exposure.objection(services.settings, services.database):
            raise SystemExit(f"rotomill: {objection}")
    app = FastAPI(
        title="Rotomill",
        version=VERSION,
        summary="One mask in, every frame out.",
        description=DESCRIPTION,
        license_info={"name": "MIT", "identifier": "MIT"},
        lifespan=_lifespan,
        # ours has nothing of another host
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services
    app.state.metrics = metrics.registry_of(services.database, services.objects_address)
    app.add_middleware(Bodies, settings=services.settings)
    app.add_middleware(Observation)
    errors.install(app)
    document_webhooks(app)
    describe(app)
    app.include_router(health.router)
    app.include_router(metrics_route.router)
    app.include_router(page.router)
    app.include_router(session.router)
    for router in (
        jobs.router,
        refinement.router,
        upload_routes.router,
        events.router,
        pictures.router,
        previews.router,
        suggestion.router,
        deliveries.router,
        webhook_secrets.router,
        usage.router,
        presets.router,
    ):
        app.include_router(router, dependencies=[Depends(authenticated)])
    return app


def connect(settings: ApiSettings) -> Services:
    """The services of this installation."""
    storage = queue.storage_settings
    return Services(
        settings=settings,
        database=Database(storage.database_address),
        objects=Objects(
            storage.objects_address, public_url=storage.objects_public_url, patience=OBJECTS_PATIENCE
        ),
        objects_address=storage.objects_address,
        model_tag=queue.settings.model_tag,
        send_hint=queue.send_hint,
        send_deliveries_due=queue.send_deliveries_due,
        check_broker=queue.check,
        webhook_policy=queue.settings.webhook_policy,
        signing=signing(queue.settings, storage),
        limits_address=queue.settings.broker_url,
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    raise_file_limit()
    app.state.services.nursery.start()
    settings: ApiSettings = app.state.services.settings
    with metrics.served(app.state.metrics, settings.metrics_host, settings.metrics_port):
        yield
    tracing.flush()
    app.state.services.nursery.close()
    app.state.services.database.close()
