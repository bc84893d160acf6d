// The options of a test's proxy, and its recordings if there is no tape.
import { join } from "node:path";
import t from "tap";
import { TapeRun } from "../../../api/tape-run.ts";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { writeTape } from "../../../fixtures/tape-files.ts";
import { proxyValues, recordingsOf } from "../../../integrations/test/tape-proxy.ts";

const runOf = (tape: string) => TapeRun.open({ tape, mode: "none", env: {}, format: null, keepsFailures: false });
const plain = { match: {}, miss: "404", redact: null };

t.test("options", async (t) => {
	const path = join(t.testdir(), "a.tape");
	await writeTape(path, [httpFlow()]);
	const run = await runOf(path);
	t.match(proxyValues(run, plain, true), {
		server_replay_extra: "404",
		server_replay_order: "sequence",
		connection_strategy: "lazy",
		ssl_insecure: false,
		redact: false,
	});
	t.match(proxyValues(run, { ...plain, redact: ["pii"], checksCertificates: false }, false), {
		connection_strategy: "eager",
		ssl_insecure: true,
		redact: true,
		redact_pii: true,
	});
	t.throws(() => proxyValues(run, { ...plain, miss: "odd" }, true), { code: "FT_BAD_OPTION", message: /^miss: / });
	t.throws(() => proxyValues(run, { ...plain, match: { order: "odd" as "once" } }, true), {
		code: "FT_BAD_OPTION",
		message: /^match: /,
	});
	t.same(recordingsOf(run, [path]), [path]);
});

t.test("without a tape, there is a source without flows", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const [source] = recordingsOf(await runOf(path), [path]);
	if (source === undefined || typeof source === "string" || !("read" in source)) throw new Error("expected a source");
	let flows = 0;
	for await (const batch of source.read()) flows += batch.length;
	t.equal(flows, 0);
});
