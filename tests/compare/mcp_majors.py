"""Our tests of MCP with both majors of the SDK, each in an environment of its own. Needs a package index.

python tests/compare/mcp_majors.py
"""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAJORS = ("mcp>=1.27,<2", "mcp>=2,<3")
TESTS = sorted(str(file) for file in (ROOT / "tests").glob("test_mcp_*.py"))


def main() -> int:
    failed = []
    for major in MAJORS:
        with tempfile.TemporaryDirectory() as folder:
            venv.create(folder, with_pip=True)
            python = Path(folder) / ("Scripts" if os.name == "nt" else "bin") / "python"
            needed = [f"{ROOT}[server,mcp,http]", major, "pytest", "pytest-timeout"]
            subprocess.run([python, "-m", "pip", "install", "--quiet", *needed], check=True)
            tested = subprocess.run(
                [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS], cwd=ROOT, check=False
            )
            failed += [major] * (tested.returncode != 0)
    sys.stdout.write(f"failed: {', '.join(failed) or 'none'}\n")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
