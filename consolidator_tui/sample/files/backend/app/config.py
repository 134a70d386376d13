"""Settings from the environment and from the .env file beside the app folder."""

import os

from dotenv import load_dotenv

load_dotenv()

DATABASE_URL = os.getenv("DATABASE_URL", "sqlite:///./app.db")
SECRET_KEY = os.getenv("SECRET_KEY", "change-me")
TOKEN_HOURS = int(os.getenv("TOKEN_HOURS", "12"))
