"""A framework's own tests, fetched with its source and run on what we put in the place of its class.

Nothing of them is kept here. The file that names what is replaced is a plugin of the pytest that runs them.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

HERE = Path(__file__).parent
SOURCE = HERE.parent.parent / "src"


def conforms(package: str, files: Sequence[str], plugin: str, excepted: Mapping[str, str]) -> bool:
    """Whether all tests pass but those excepted, and all of these fail: an exception that is none is to go."""
    with tempfile.TemporaryDirectory() as folder:
        root = fetched(package, Path(folder))
        report = Path(folder) / "report.xml"
        options = ["-q", "-p", plugin, "-p", "no:cacheprovider", f"--junitxml={report}", "--tb=short"]
        path = os.pathsep.join([str(SOURCE), str(HERE)])
        command = [sys.executable, "-m", "pytest", *options, *files]
        ran = subprocess.run(command, cwd=root, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
        if not report.exists():
            sys.exit(ran.stdout + ran.stderr)
        cases = list(ElementTree.parse(report).iter("testcase"))
    failed = {str(case.get("name")) for case in cases if {"failure", "error"} & {found.tag for found in case}}
    skipped = sum(case.find("skipped") is not None for case in cases)
    unexpected = sorted(name for name in failed if name.split("[")[0] not in excepted)
    idle = sorted(excepted.keys() - {name.split("[")[0] for name in failed})
    lines = [f"{package}: {len(cases) - len(failed) - skipped} passed, {len(failed)} failed, {skipped} skipped"]
    lines += [f"  excepted  {name}: {why}" for name, why in sorted(excepted.items())]
    lines += [f"  FAILED    {name}" for name in unexpected]
    lines += [f"  PASSES    {name}, though it is excepted" for name in idle]
    lines += [ran.stdout[-6000:]] if unexpected else []
    sys.stdout.write("\n".join([*lines, ""]))
    return not unexpected and not idle


def fetched(package: str, folder: Path) -> Path:
    """The unpacked source of a package."""
    pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest", str(folder)]
    subprocess.run([sys.executable, *pip, package], check=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")
