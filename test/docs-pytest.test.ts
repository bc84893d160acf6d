// The fixture for pytest on docs/testing.md: in any order, each test gets what it recorded.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import t from "tap";
import { flowtape } from "../fixtures/cli.ts";
import { readTape } from "../fixtures/tape-files.ts";

const isMissing = spawnSync("python3", ["-c", "import pytest, requests"]).status !== 0;

const tests = `import os, urllib.request, pytest, requests
def ask(): return requests.get(os.environ["URL"]).text + urllib.request.urlopen(os.environ["URL"]).read().decode()
def test_one(): print("one", ask())
@pytest.mark.parametrize("n", ["a:b", "c/d"])
def test_two(n): print(n, ask())
`;

t.test("pytest", { skip: isMissing && "there is no pytest, or no requests" }, async (t) => {
	let count = 0;
	const site = createServer((_, response) => response.end(String(++count)));
	await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
	const cwd = t.testdir({ "test_suite.py": tests });
	const [, fixture = ""] = /```python conftest\.py\n([\s\S]*?)```/.exec(readFileSync("docs/testing.md", "utf8")) ?? [];
	writeFileSync(join(cwd, "conftest.py"), fixture);
	const env = { URL: `http://127.0.0.1:${(site.address() as AddressInfo).port}/`, PYTHONDONTWRITEBYTECODE: "1" };
	const run = (...names: string[]) =>
		flowtape(
			[
				"run",
				"suite.tape",
				"--",
				"python3",
				"-m",
				"pytest",
				"-q",
				"-s",
				"-p",
				"no:cacheprovider",
				"-p",
				"no:randomly",
				...names,
			],
			{ cwd, env },
		);
	const printed = (out: string) => out.match(/(?:one|a:b|c\/d) \d+/g)?.sort();
	const first = await run();
	t.match(first, { status: 0 });
	const names = (await readTape(join(cwd, "suite.tape"))).flows.map(({ session }) => session);
	t.equal(new Set(names).size, 3, JSON.stringify(names));
	await new Promise((resolve) => site.close(resolve));
	site.closeAllConnections();
	const again = await run("test_suite.py::test_two", "test_suite.py::test_one");
	t.match(again, { status: 0, err: /missed 0, unused 0/ });
	t.strictSame(printed(again.out), printed(first.out));
});
