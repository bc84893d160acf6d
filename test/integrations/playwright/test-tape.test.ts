// The tape of a Playwright test, with requests as its contexts send them.
import { existsSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { askThrough, startSite } from "../../../fixtures/plain-site.ts";
import { readTape } from "../../../fixtures/tape-files.ts";
import type { TapeOptions } from "../../../integrations/playwright/options.ts";
import { TestTape } from "../../../integrations/playwright/test-tape.ts";

/** Generating keys takes long. */
const ca = join(t.testdirName, "..", `home-${process.pid}`);

function insert(path: string, options: TapeOptions = {}, more: { env?: NodeJS.ProcessEnv; baseURL?: string } = {}) {
	const { env = {}, baseURL = null } = more;
	return TestTape.insert({ path, options, env, ca, baseURL, checksCertificates: true });
}

const ask = async (tape: TestTape, url: string, name?: string) => {
	const session = await tape.openSession(name);
	const answers = [await askThrough({ port: Number(session.url.port) }, url)];
	answers.push(await askThrough({ port: Number(session.url.port) }, url));
	return answers.map(({ status }) => status);
};

const tapeIn = (t: Test) => join(t.testdir(), "tapes", "a-test.tape");

t.test("contexts are recorded by their names, and replayed in their own order", async (t) => {
	const site = await startSite(t);
	const path = tapeIn(t);
	const recording = await insert(path);
	t.match(recording, { isRecording: true, exists: false, recordedAt: null });
	await ask(recording, `${site.url}/a`);
	await ask(recording, `${site.url}/a`);
	await ask(recording, `${site.url}/b`, "request-1");
	await recording.eject({ keeps: true });
	t.strictSame(
		(await readTape(path)).flows.map(({ session }) => session),
		["context-1", "context-1", "context-2", "context-2", "request-1", "request-1"],
	);
	await site.close();
	const replay = await insert(path);
	t.match(replay, { isRecording: false, exists: true });
	t.type(replay.recordedAt, Date);
	t.strictSame(await ask(replay, `${site.url}/a`), [200, 200]);
	t.match(replay.requests, [
		{ method: "GET", url: `${site.url}/a`, status: 200, isReplayed: true, session: "context-1" },
	]);
	t.strictSame(replay.misses, []);
	await replay.eject({ keeps: true });
	t.strictSame(replay.unused, [`GET ${site.url}/a`, `GET ${site.url}/a`, `GET ${site.url}/b`, `GET ${site.url}/b`]);
});

t.test("what a failed test records is not kept", async (t) => {
	const site = await startSite(t);
	const path = tapeIn(t);
	const tape = await insert(path);
	await ask(tape, `${site.url}/a`);
	await tape.eject({ keeps: false });
	t.notOk(existsSync(path));
});

t.test("without a tape, nothing is recorded in CI: every request is a miss, in the words of the options", async (t) => {
	const site = await startSite(t);
	const path = tapeIn(t);
	const tape = await insert(path, {}, { env: { CI: "true" } });
	t.strictSame(await ask(tape, `${site.url}/a`), [404, 404]);
	t.strictSame(site.requests, []);
	t.match(tape.misses, [
		{ url: `${site.url}/a`, session: "context-1", explanation: /server under test\? .* baseURL/ },
		{},
	]);
	await tape.eject({ keeps: true });
	t.notOk(existsSync(path));
	const recording = await insert(path, { mode: "none" }, { env: { CI: "true", FLOWTAPE_RECORD_MODE: "once" } });
	t.ok(recording.isRecording, "the variable overrides the option");
	await recording.eject({ keeps: true });
	await t.rejects(insert(path, {}, { env: { FLOWTAPE_RECORD_MODE: "sometimes" } }), { code: "FT_BAD_OPTION" });
});

t.test("the server under test and hosts that pass are neither recorded nor replayed", async (t) => {
	const [app, site] = [await startSite(t), await startSite(t)];
	const path = tapeIn(t);
	const options = { passthrough: [new URL(site.url).host] };
	for (const env of [{}, { CI: "true" }]) {
		const tape = await insert(path, options, { env, baseURL: app.url });
		t.strictSame(await ask(tape, `${app.url}/favicon.ico`), [200, 200], "its icon is its own");
		t.strictSame(await ask(tape, `${site.url}/a`), [200, 200]);
		t.strictSame([tape.requests, tape.misses], [[], []]);
		await tape.eject({ keeps: true });
	}
	t.notOk(existsSync(path));
	t.equal(app.requests.length + site.requests.length, 8);
});

t.test("new episodes are recorded, and are no misses", async (t) => {
	const site = await startSite(t);
	const path = tapeIn(t);
	for (const [paths, count] of [
		[["/a"], 2],
		[["/a", "/b"], 4],
	] as const) {
		const tape = await insert(path, { mode: "new-episodes" });
		for (const each of paths) await ask(tape, `${site.url}${each}`);
		t.strictSame(tape.misses, []);
		await tape.eject({ keeps: true });
		t.equal((await readTape(path)).flows.length, count);
	}
});

t.test("options: matching, the answer to a miss, redaction", async (t) => {
	const site = await startSite(t);
	const path = tapeIn(t);
	const recording = await insert(path, { redact: ["param:seat"] });
	await ask(recording, `${site.url}/a?seat=12&n=1`);
	await recording.eject({ keeps: true });
	t.strictSame((await readTape(path)).flows[0]?.session, "context-1", "names are kept");
	t.notMatch(
		JSON.stringify((await readTape(path)).flows.map(({ type, ...flow }) => ("request" in flow ? flow.request : type))),
		"seat=12",
	);
	const replay = await insert(path, { match: { ignoreParams: ["n"] }, miss: 500 });
	t.strictSame(await ask(replay, `${site.url}/a?seat=13&n=2`), [200, 200]);
	t.strictSame(await ask(replay, `${site.url}/c`), [500, 500]);
	await replay.eject({ keeps: true });
	const wrong = { match: { ignoreParam: ["n"] } } as TapeOptions;
	await t.rejects(insert(path, wrong), { code: "FT_BAD_OPTION", message: /match: "ignoreParam" is not an option/ });
});
