"""The JSON of signing in, as OpenAPI shows it."""

from pydantic import BaseModel, Field

from api.schemas import Strict

# Keys are shorter; a longer text is not looked up.
MOST_CHARACTERS = 200


class SessionIn(Strict):
    """Who signs in."""

    key: str = Field(min_length=1, max_length=MOST_CHARACTERS, description="An API key: `rm_…`.")


class SessionOut(BaseModel):
    """Who is signed in, and whether that is needed."""

    keys_required: bool = Field(description="Whether the calls want an API key at all.")
    signed_in: bool = Field(description="Whether this request came with a key that opens something.")
    owner: str | None = Field(description="Whose key it is.")
