"""Where records and objects live; everything has a default that needs no server."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class StorageSettings(BaseSettings):
    """Read once at each entry point (environment variables with the prefix ROTOMILL_) and passed in."""

    model_config = SettingsConfigDict(
        env_prefix="ROTOMILL_",
        env_file=".env",
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )

    data_dir: Path = Path("data")
    """Folder of the embedded default: database, objects, broker, webhook secret."""

    database_url: str = ""
    """SQLAlchemy address. Empty: SQLite in the data folder. PostgreSQL: postgresql+psycopg://…"""

    objects_url: str = ""
    """Object store address. Empty: `objects/` in the data folder. S3: s3://bucket (AWS_* variables apply)."""

    objects_public_url: str = ""
    """How callers reach the S3 store, if not as we do: http://localhost:8333. Signed addresses begin so."""

    @property
    def database_address(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'rotomill.db'}"

    @property
    def objects_address(self) -> str:
        return self.objects_url or f"file://{self.data_dir.resolve() / 'objects'}"
