"""Users, prompts, uploads and transactions."""

from collections.abc import Sequence

from fastapi import APIRouter, HTTPException, status
from sqlalchemy import select

from app.models import Prompt, Transaction, Upload, User
from app.routers.auth import CurrentUser, Db
from app.schemas import PromptIn, PromptOut, TransactionOut, UploadIn, UploadOut, UserOut

router = APIRouter()


@router.get("/users", response_model=list[UserOut], tags=["users"])
def users(asking: CurrentUser, session: Db) -> Sequence[User]:
    if asking.role != "admin":
        raise HTTPException(status.HTTP_403_FORBIDDEN, "for admins only")
    return session.scalars(select(User).order_by(User.id)).all()


@router.get("/prompts", response_model=list[PromptOut], tags=["prompts"])
def prompts(session: Db) -> Sequence[Prompt]:
    return session.scalars(select(Prompt).order_by(Prompt.id)).all()


@router.post(
    "/prompts", response_model=PromptOut, status_code=status.HTTP_201_CREATED, tags=["prompts"]
)
def add_prompt(form: PromptIn, asking: CurrentUser, session: Db) -> Prompt:
    if session.scalar(select(Prompt).where(Prompt.slug == form.slug)) is not None:
        raise HTTPException(status.HTTP_409_CONFLICT, "slug is taken")
    prompt = Prompt(user_id=asking.id, **form.model_dump())
    session.add(prompt)
    session.commit()
    return prompt


@router.get("/uploads", response_model=list[UploadOut], tags=["uploads"])
def uploads(asking: CurrentUser, session: Db) -> Sequence[Upload]:
    return session.scalars(
        select(Upload).where(Upload.user_id == str(asking.id)).order_by(Upload.id)
    ).all()


@router.post(
    "/uploads", response_model=UploadOut, status_code=status.HTTP_201_CREATED, tags=["uploads"]
)
def add_upload(form: UploadIn, asking: CurrentUser, session: Db) -> Upload:
    if session.scalar(select(Upload).where(Upload.content_hash == form.content_hash)) is not None:
        raise HTTPException(status.HTTP_409_CONFLICT, "this content was uploaded before")
    upload = Upload(user_id=str(asking.id), status="pending", **form.model_dump())
    session.add(upload)
    session.commit()
    return upload


@router.get("/transactions", response_model=list[TransactionOut], tags=["transactions"])
def transactions(asking: CurrentUser, session: Db) -> Sequence[Transaction]:
    return session.scalars(
        select(Transaction).where(Transaction.user_id == str(asking.id)).order_by(Transaction.id)
    ).all()
