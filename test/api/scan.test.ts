import { join } from "node:path";
import t from "tap";
import { rewrite } from "../../api/rewrite.ts";
import { scan } from "../../api/scan.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { writeTape } from "../../fixtures/tape-files.ts";

const TOKEN = "abcd-efgh-1234-5678";
const flows = () => [
	httpFlow({
		id: "one",
		request: {
			headers: [
				["Authorization", `Bearer ${TOKEN}`],
				["Cookie", "cart=x9y8z7w6v5u4"],
			],
		},
	}),
	httpFlow({ id: "two", request: { host: "other.test", path: `/?access_token=${TOKEN}` } }),
];

t.test("the findings of files and of flows, without values", async (t) => {
	const path = join(t.testdir(), "a.tape");
	await writeTape(path, flows());
	for (const source of [path, flows()]) {
		const report = await scan(source);
		t.match(report, {
			flows: 2,
			damaged: 0,
			findings: [{ kind: "bearer", count: 2, places: [{ flow: "one" }, { flow: "two" }] }, {}],
		});
		t.notMatch(JSON.stringify(report), TOKEN);
	}
});

t.test("options", async (t) => {
	t.equal((await scan(flows(), { minConfidence: "high" })).findings.length, 1);
	t.match(await scan(flows(), { filter: "~d other.test" }), { flows: 1, findings: [{ rule: "name.token" }] });
	t.equal((await scan(flows(), { redactKeep: ["cookie", "header.authorization", "name.token"] })).findings.length, 0);
	await t.rejects(scan([], { minConfidence: "hgih" } as never), {
		code: "FT_BAD_OPTION",
		message: /expected one of high, medium, low/,
	});
	await t.rejects(scan([], { redactParams: "x" } as never), { code: "FT_BAD_OPTION", message: /redactParam\b/ });
	await t.rejects(scan([], { redactBody: ["("] }), { code: "FT_BAD_PATTERN" });
	await t.rejects(scan([], { signal: AbortSignal.abort(new Error("stop")) }), { message: "stop" });
});

t.test("fingerprints are equal with the same key, and differ otherwise", async (t) => {
	const fingerprint = async (env?: NodeJS.ProcessEnv) => (await scan(flows(), { env })).findings[0]?.fingerprint;
	const env = { FLOWTAPE_REDACT_KEY: "team" };
	t.equal(await fingerprint(env), await fingerprint(env));
	t.not(await fingerprint(), await fingerprint());
});

t.test("before and after a redaction in place, with the old bytes overwritten", async (t) => {
	const path = join(t.testdir(), "a.tape");
	await writeTape(path, flows());
	await rewrite(path, { redact: true, env: { FLOWTAPE_REDACT_KEY: "team" } }, "in-place", { wipe: true });
	t.same((await scan(path)).findings, []);
});

t.test("damage is thrown, or skipped and counted", async (t) => {
	const path = join(t.testdir({ "bad.mitm": "5:hello" }), "bad.mitm");
	await t.rejects(scan(path), { code: "FT_CORRUPT_FLOW" });
	t.match(await scan(path, { strict: false }), { flows: 0, damaged: 1 });
});
