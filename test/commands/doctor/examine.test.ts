// Probes of runtimes, and their evaluation.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { examine, hostOf } from "../../../commands/doctor/examine.ts";
import { NOT_INSTALLED, type Probe } from "../../../commands/doctor/probes.ts";

const nobody = {
	agents: new Map<string, number>(),
	hosts: new Set<string>(),
	silent: new Set<string>(),
	untrusted: new Set<string>(),
};
const env = { PATH: process.env.PATH ?? "" };
const probe: Probe = { name: "Node.js fetch", program: "node", args: () => ["-e", "0"] };
const host = "node-js-fetch.doctor.invalid";

t.test("the result depends on the requests that the proxy received for the host", async (t) => {
	t.equal(hostOf(probe), host);
	for (const [seen, expected] of [
		[{ hosts: new Set([host]) }, { proxy: true, trust: true, loopback: true }],
		[{ untrusted: new Set([host]) }, { proxy: true, trust: false, loopback: true }],
		[{ silent: new Set([host]) }, { proxy: true, trust: false, loopback: true }],
		[{ hosts: new Set(["other.doctor.invalid"]) }, { proxy: false, trust: null, loopback: null }],
	] as const)
		t.strictSame(await examine(probe, env, { ...nobody, ...seen }), { runtime: "Node.js fetch", ...expected });
});

t.test("missing programs", async (t) => {
	t.equal(await examine({ ...probe, program: "no-such-runtime" }, env, nobody), null);
	t.equal(await examine({ ...probe, args: () => ["-e", `process.exit(${NOT_INSTALLED})`] }, env, nobody), null);
});

t.test("files exist during the probe, and the environment is passed on", async (t) => {
	const log = join(t.testdir(), "log");
	const script = `const fs = require("fs"); fs.writeFileSync(${JSON.stringify(log)}, process.env.MARK + fs.readFileSync(process.argv[1]))`;
	const withFile: Probe = {
		...probe,
		files: { "probe.txt": (url) => ` ${url}` },
		args: (_url, folder) => ["-e", script, `${folder}/probe.txt`],
	};
	await examine(withFile, { ...env, MARK: "marked" }, nobody);
	t.equal(readFileSync(log, "utf8"), `marked https://${host}/`);
});

t.test("a runtime that connects to loopback addresses directly", async (t) => {
	const direct: Probe = { ...probe, args: (url) => ["-e", `fetch(${JSON.stringify(url)}).catch(() => {})`] };
	t.match(await examine(direct, env, { ...nobody, hosts: new Set([host]) }), { proxy: true, loopback: false });
});
