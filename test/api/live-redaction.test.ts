// Redaction of a recording: when it is on, the rules on the tape, and what messages and events tell.
import { join } from "node:path";
import t, { type Test } from "tap";
import { LiveRedaction } from "../../api/live-redaction.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { writeTape } from "../../fixtures/tape-files.ts";
import { createTape, openTape } from "../../formats/index.ts";
import type { HttpFlow } from "../../src/flow/flow.ts";
import { hookOptions } from "../../src/hooks/builtin.ts";
import { defaults } from "../../src/options.ts";
import type { ProxyEvent } from "../../src/proxy/server.ts";
import { noteOfRules } from "../../src/redact/note.ts";
import { NOTE, options, type RedactionValues } from "../../src/redact/options.ts";

const KEY = "the-real-key-4711";

function prepare(t: Test, output: string | null, given: Partial<RedactionValues & { redact: boolean }> = {}) {
	const logged: string[] = [];
	const redaction = LiveRedaction.prepare({
		values: { ...defaults(hookOptions), ...given },
		output,
		recordings: [],
		env: { FLOWTAPE_HOME: join(t.testdirName, "home") },
		log: (level, message) => logged.push(`${level} ${message}`),
	});
	return { redaction, logged };
}

const notesOn = async (path: string) => (await openTape(path, { report() {} })).notes();

t.test("off by default; its options need it, and rules are compiled first", async (t) => {
	const output = join(t.testdir(), "a.tape");
	t.equal(await prepare(t, output).redaction, null);
	await t.rejects(prepare(t, output, { redact_header: ["x"] }).redaction, { code: "FT_BAD_OPTION" });
	await t.rejects(prepare(t, output, { redact: true, redact_body: ["("] }).redaction, {
		code: "FT_BAD_PATTERN",
		option: "redact_body",
	});
});

t.test("what is added to a redacted tape is redacted too, by the rules of both", async (t) => {
	for (const name of ["a.tape", "a.jsonl"]) {
		const path = join(t.testdir(), name);
		const sink = await createTape(path, { report() {} });
		sink.note(...noteOfRules({ ...defaults(options), redact_header: ["x-old"] }));
		await sink.append(httpFlow());
		await sink.close();
		const { redaction, logged } = prepare(t, path, { redact_header: ["x-new"] });
		const output = await createTape(path, { append: true, report() {} });
		const live = await redaction;
		const through = await live?.through(output);
		await through?.append(httpFlow({ request: { headers: [["X-New", "value-1"]] } }));
		await through?.close();
		t.match(logged[0], `warning ${path} was redacted, so what is recorded now is redacted too`);
		const rules = (await notesOn(path))[NOTE];
		if (name === "a.tape") t.match(rules, { redact_header: ["x-old", "x-new"] });
		else t.match(logged[1], "keeps the rules by which it was redacted before");
		const flows: HttpFlow[] = [];
		for await (const batch of await openTape(path, { report: (_, message) => t.fail(message) }))
			flows.push(...(batch as HttpFlow[]));
		t.match(flows[1]?.request.headers.get("x-new"), /^ftr_/, name);
	}
});

t.test("a tape with flows that were not redacted", async (t) => {
	const path = join(t.testdir(), "a.tape");
	await writeTape(path, [httpFlow()]);
	const { redaction, logged } = prepare(t, path, { redact: true });
	await (await (await redaction)?.through(await createTape(path, { append: true, report() {} })))?.close();
	t.match(logged[0], "was not redacted: the flows that it has already keep their secrets");
});

t.test("messages and events have no secrets", async (t) => {
	t.testdir();
	const live = await prepare(t, null, { redact: true }).redaction;
	if (live === null) throw new Error("it is on");
	const events: ProxyEvent[] = [];
	const texts: string[] = [];
	const listeners = live.listeners({
		log: (_level, message) => texts.push(message),
		report: (_code, message) => texts.push(message),
		onUnused: ({ path }) => texts.push(path),
		onEvent: (event) => events.push(event),
	});
	const url = `http://a.test/x?api_key=${KEY}`;
	listeners.log?.("info", `a field of ${url} was left out`);
	listeners.report("FT_IO", `no answer: ${url}`);
	listeners.onUnused?.({ path: `/x?api_key=${KEY}` } as Parameters<NonNullable<typeof listeners.onUnused>>[0]);
	const flow = httpFlow({ request: { path: `/x?api_key=${KEY}` } });
	listeners.onEvent?.({ kind: "flow", flow });
	listeners.onEvent?.({ kind: "left_out", field: "x", of: "request", url });
	listeners.onEvent?.({ kind: "upstream_error", message: `cannot reach ${url}`, destination: "a.test:80" });
	listeners.onEvent?.({ kind: "client_error", message: url, client: "127.0.0.1:1" });
	listeners.onEvent?.({ kind: "noise", url });
	listeners.onEvent?.({ kind: "hook_error", phase: "request", error: new Error(url) });
	listeners.onEvent?.({ kind: "own", destination: "a.test:80" });
	t.equal(texts.length, 3);
	for (const text of texts) t.match(text, /api_key=ftr_/);
	const [seen, ...others] = events as [{ flow: HttpFlow }, ...ProxyEvent[]];
	t.match(seen.flow.request.path, /^\/x\?api_key=ftr_/);
	t.equal(flow.request.path, `/x?api_key=${KEY}`);
	for (const event of others) t.notMatch(JSON.stringify(event, ["url", "message", "error"]), KEY);
	t.match((events[5] as { error: Error }).error.message, /api_key=ftr_/);
});
