""".env.example lists every setting, as the code has it. `python -m tests.deployment.test_example` rewrites it."""

import re

from tests.deployment.example import COMPOSE_VARIABLES, ROOT, example, setting_names

EXAMPLE = ROOT / ".env.example"


def test_the_example_lists_every_setting_as_the_code_has_it() -> None:
    assert EXAMPLE.read_text() == example(), "run: python -m tests.deployment.test_example"


def test_the_example_names_what_compose_reads_with_the_default_that_it_has_there() -> None:
    files = [ROOT / "docker-compose.yml", *sorted((ROOT / "deploy" / "compose").glob("*.yml"))]
    lines = "\n".join(file.read_text() for file in files).splitlines()
    code = "\n".join(line.partition(" # ")[0] for line in lines if not line.lstrip().startswith("#"))
    read = dict(re.findall(r"\$\{(\w+)(?::-([^${}]*))?", code))
    assert set(read) <= set(COMPOSE_VARIABLES) | setting_names()
    assert {name: default for name, (default, _) in COMPOSE_VARIABLES.items()}.items() <= read.items()


if __name__ == "__main__":
    EXAMPLE.write_text(example())
