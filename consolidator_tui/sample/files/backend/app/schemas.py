"""What goes over the wire."""

from datetime import datetime
from typing import Optional

from pydantic import BaseModel, ConfigDict, Field


class _Row(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Login(BaseModel):
    username: str
    password: str


class Token(BaseModel):
    access_token: str
    token_type: str = "bearer"


class Registration(BaseModel):
    email: str = Field(min_length=3, max_length=120)
    username: str = Field(min_length=2, max_length=50)
    full_name: Optional[str] = None
    password: str = Field(min_length=8)


class UserOut(_Row):
    id: int
    email: str
    username: str
    full_name: Optional[str]
    role: str
    is_active: bool
    phone: Optional[str]
    created_at: datetime
    updated_at: Optional[datetime]


class PromptIn(BaseModel):
    slug: str = Field(min_length=1, max_length=80)
    title: str = Field(min_length=1, max_length=120)
    body: str
    category: str = "general"
    forked_from: Optional[int] = None


class PromptOut(PromptIn, _Row):
    id: int
    user_id: int
    created_at: datetime
    updated_at: Optional[datetime]


class UploadIn(BaseModel):
    content_hash: str = Field(min_length=64, max_length=64)
    filename: str
    mime_type: str
    size_bytes: int = Field(ge=0)
    prompt_id: Optional[int] = None


class UploadOut(UploadIn, _Row):
    id: int
    user_id: str
    status: str
    created_at: datetime


class TransactionOut(_Row):
    id: int
    user_id: str
    prompt_id: Optional[int]
    kind: str
    amount_cents: int
    currency: str
    note: Optional[str]
    created_at: datetime
