"""The generic scenarios of the MCP conformance suite against `remanence mcp --http`. Needs Node 22 and npx.

    python tests/compare/mcp_conformance.py

Left out: what asks for the suite's own example tools, resources and prompts, and for logging, completion, sampling,
elicitation and subscriptions, which a memory does not offer.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

SUITE = "@modelcontextprotocol/conformance@0.1.16"
SCENARIOS = ("server-initialize", "ping", "tools-list", "resources-list", "prompts-list", "dns-rebinding-protection")


def main() -> int:
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "remanence",
            "mcp",
            "--http",
            "--port",
            "0",
            "--memory",
            str(Path(folder) / "m.db"),
        ]
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            url = re.search(r"http://\S+/mcp", server.stderr.readline())[0].replace("127.0.0.1", "localhost")
            for scenario in SCENARIOS:
                asked = ["npx", "--yes", SUITE, "server", "--url", url, "--scenario", scenario]
                done = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=False)
                passed = re.findall(r"Passed: .*", done.stdout)
                sys.stdout.write(f"{scenario}: {passed[-1] if passed else done.stdout + done.stderr}\n")
                failed += done.returncode != 0
        finally:
            server.terminate()
            server.wait()
    return failed


if __name__ == "__main__":
    sys.exit(main())
