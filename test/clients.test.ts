// Programs behind `--` find the proxy in their environment: they are recorded, and answered from the tape when their
// site is gone.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import t from "tap";
import { flowtape } from "../fixtures/cli.ts";
import { startSite } from "../fixtures/plain-site.ts";
import { readTape } from "../fixtures/tape-files.ts";

const cwd = t.testdir();

const clients: Record<string, readonly string[]> = {
	"node fetch": [process.execPath, "-e", "fetch(process.env.URL).then((r) => r.text()).then(console.log)"],
	curl: ["sh", "-c", 'curl -sS "$URL"'],
	"python urllib": [
		"python3",
		"-c",
		"import os, urllib.request; print(urllib.request.urlopen(os.environ['URL']).read().decode())",
	],
	"python requests": ["python3", "-c", "import os, requests; print(requests.get(os.environ['URL']).text)"],
};

for (const [name, client] of Object.entries(clients)) {
	const probe = {
		curl: ["curl", "--version"],
		"python urllib": ["python3", "--version"],
		"python requests": ["python3", "-c", "import requests"],
	}[name];
	const isMissing = probe !== undefined && spawnSync(probe[0] ?? "", probe.slice(1)).status !== 0;
	t.test(
		`${name} speaks through the proxy that its environment names`,
		{ skip: isMissing && `there is no ${name} here` },
		async (t) => {
			const site = await startSite(t);
			const tape = `${name.replace(" ", "-")}.tape`;
			const result = await flowtape(["record", tape, "-p", "0", "--", ...client], {
				cwd,
				env: { URL: `${site.url}/from-client` },
			});
			t.match(result, { status: 0, out: /^GET \/from-client/ });
			t.match((await readTape(join(cwd, tape))).flows, [{ request: { path: "/from-client" } }]);
			await site.close();
			const again = await flowtape(["replay-server", tape, "-p", "0", "--", ...client], {
				cwd,
				env: { URL: `${site.url}/from-client` },
			});
			t.match(again, { status: 0, out: /^GET \/from-client/, err: /^served 1, missed 0, unused 0, egress 0\n$/ });
		},
	);
}
