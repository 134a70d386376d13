"""The web application: uvicorn app.main:app"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import text

from app import models  # noqa: F401  (the tables must be known before create_all)
from app.database import Base, engine
from app.routers import auth, library


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    Base.metadata.create_all(engine)
    yield
    engine.dispose()


app = FastAPI(title="Inkwell", lifespan=lifespan)
app.include_router(auth.router)
app.include_router(library.router)


@app.get("/health")
def health() -> dict[str, str]:
    with engine.connect() as connection:
        connection.execute(text("SELECT count(*) FROM users"))
    return {"status": "ok"}
