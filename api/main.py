"""The API: `uvicorn --factory api.main:create_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from api import deliveries, errors, events, health, jobs, webhook_secrets
from api.dependencies import Services
from api.openapi import DESCRIPTION, describe, document_webhooks
from api.settings import ApiSettings
from storage import logs
from storage.database import Database
from storage.objects import Objects
from worker import queue
from worker.settings import signing

VERSION = "0.1.0"


def create_app(services: Services | None = None) -> FastAPI:
    """The app on the services given, or on those that the environment's settings name."""
    if services is None:
        logs.configure(as_json=queue.settings.log_json, level=queue.settings.log_level)
        services = connect(ApiSettings())
    app = FastAPI(
        title="Rotomill",
        version=VERSION,
        summary="One mask in, every frame out.",
        description=DESCRIPTION,
        license_info={"name": "MIT", "identifier": "MIT"},
        lifespan=_lifespan,
    )
    app.state.services = services
    errors.install(app)
    document_webhooks(app)
    describe(app)
    for router in (jobs.router, events.router, deliveries.router, webhook_secrets.router, health.router):
        app.include_router(router)
    return app


def connect(settings: ApiSettings) -> Services:
    """The services of this installation."""
    storage = queue.storage_settings
    return Services(
        settings=settings,
        database=Database(storage.database_address),
        objects=Objects(storage.objects_address),
        objects_address=storage.objects_address,
        model_tag=queue.settings.model_tag,
        send_hint=queue.send_hint,
        send_deliveries_due=queue.send_deliveries_due,
        check_broker=queue.check,
        webhook_policy=queue.settings.webhook_policy,
        signing=signing(queue.settings, storage),
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.services.database.close()
