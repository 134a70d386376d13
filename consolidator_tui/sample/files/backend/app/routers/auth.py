"""Registration, login, and who is asking."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.database import get_session, utcnow
from app.models import User
from app.schemas import Login, Registration, Token, UserOut
from app.security import check_password, hash_password, make_token, read_token

router = APIRouter(prefix="/auth", tags=["auth"])
Db = Annotated[Session, Depends(get_session)]


def current_user(
    session: Db, bearer: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]
) -> User:
    user_id = read_token(bearer.credentials)
    user = session.get(User, user_id) if user_id is not None else None
    if user is None or not user.is_active:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "not logged in")
    return user


CurrentUser = Annotated[User, Depends(current_user)]


@router.post("/register", response_model=UserOut, status_code=status.HTTP_201_CREATED)
def register(form: Registration, session: Db) -> User:
    taken = or_(User.email == form.email, User.username == form.username)
    if session.scalar(select(User).where(taken)) is not None:
        raise HTTPException(status.HTTP_409_CONFLICT, "email or username is taken")
    user = User(
        email=form.email,
        username=form.username,
        full_name=form.full_name,
        password_hash=hash_password(form.password),
    )
    session.add(user)
    session.commit()
    session.refresh(user)
    return user


@router.post("/login", response_model=Token)
def login(form: Login, session: Db) -> Token:
    user = session.scalar(select(User).where(User.username == form.username))
    if user is None or not user.is_active or not check_password(form.password, user.password_hash):
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "wrong username or password")
    user.last_login_at = utcnow()
    session.commit()
    return Token(access_token=make_token(user.id))


@router.get("/me", response_model=UserOut)
def me(user: CurrentUser) -> User:
    return user
