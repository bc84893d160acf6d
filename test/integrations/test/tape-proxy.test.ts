// The options of a test's proxy, and its recordings if there is no tape.
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { writeTape } from "../../../fixtures/tape-files.ts";
import { openRun, proxyValues, readTapeConfiguration, recordingsOf } from "../../../integrations/test/tape-proxy.ts";

const configuration = await readTapeConfiguration();
const runOf = (tape: string) => openRun({ tape, mode: "none", env: {}, recordFailures: null }, configuration);
const plain = { match: {}, miss: "404", redact: null };

t.test("options", async (t) => {
	const path = join(t.testdir(), "a.tape");
	await writeTape(path, [httpFlow()]);
	const run = await runOf(path);
	t.match(proxyValues(run, configuration, plain, true), {
		server_replay_extra: "404",
		server_replay_order: "sequence",
		connection_strategy: "lazy",
		ssl_insecure: false,
		redact: false,
	});
	t.match(proxyValues(run, configuration, { ...plain, redact: ["pii"], checksCertificates: false }, false), {
		connection_strategy: "eager",
		ssl_insecure: true,
		redact: true,
		redact_pii: true,
	});
	t.throws(() => proxyValues(run, configuration, { ...plain, miss: "odd" }, true), {
		code: "FT_BAD_OPTION",
		message: /^miss: /,
	});
	t.throws(() => proxyValues(run, configuration, { ...plain, match: { order: "odd" as "once" } }, true), {
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

t.test("the configuration file of the project, and options of the test over it", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const before = process.cwd();
	t.teardown(() => process.chdir(before));
	process.chdir(
		t.testdir({
			"flowtape.config.json": JSON.stringify({
				"record-mode": "all",
				record_failures: true,
				server_replay_ignore_params: ["t"],
				server_replay_reuse: true,
				redact: true,
				redact_json: ["/a"],
				modify_headers: ["/x/y"],
				listen_port: 8080,
				proxyauth: "any",
				server_replay_extra: "kill",
				json: true,
			}),
		}),
	);
	const project = await readTapeConfiguration();
	const opened = async (options: { mode?: string; recordFailures?: boolean; env?: NodeJS.ProcessEnv }) => {
		const run = await openRun({ tape: path, mode: null, env: {}, recordFailures: null, ...options }, project);
		await run.close();
		return run.mode;
	};
	t.equal(await opened({}), "all");
	t.equal(await opened({ mode: "once" }), "once");
	t.equal(await opened({ mode: "once", env: { FLOWTAPE_RECORD_MODE: "none" } }), "none");
	await t.rejects(async () => opened({ mode: "often" }), { code: "FT_BAD_OPTION", message: /^mode: / });
	const run = await runOf(path);
	t.match(proxyValues(run, project, plain, true), {
		server_replay_ignore_params: ["t"],
		server_replay_reuse: true,
		redact: true,
		redact_json: ["/a"],
		redact_keep: ["session"],
		modify_headers: ["/x/y"],
		listen_port: 0,
		proxyauth: null,
		server_replay_extra: "404",
	});
	const options = { ...plain, match: { ignoreParams: ["u"], reuse: false }, redact: ["json:/b"] };
	t.match(proxyValues(run, project, options, true), {
		server_replay_ignore_params: ["u"],
		server_replay_reuse: false,
		redact_json: ["/a", "/b"],
	});
	process.chdir(t.testdir({ "flowtape.config.json": '{"redact": "perhaps"}' }));
	await t.rejects(readTapeConfiguration(), { code: "FT_BAD_OPTION", message: /^flowtape\.config\.json: redact: / });
});
