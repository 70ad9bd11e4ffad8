"""Generate environment.yml from pyproject.toml, the one place where dependencies are stated.

python .ci/environment.py           writes environment.yml
"""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def environment(project: dict) -> str:
    """Return environment.yml's text for the ``[project]`` table of pyproject.toml."""
    minimum = project["requires-python"].removeprefix(">=")
    packages = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    lines = [
        "# Generated from pyproject.toml by .ci/environment.py; do not edit.",
        f"name: {project['name']}",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        f"  - python>={minimum}",
        "  - pip",
        "  - pip:",
        "      - -c constraints.txt",
        *(f"      - {package}" for package in packages),
        "      - -e .",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (ROOT / "environment.yml").write_text(environment(project))
