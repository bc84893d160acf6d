// A run with a tape: its recordings, its output, and the flows that it keeps.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { createTape } from "../../api/tape.ts";
import { recordModeOf, TapeRun, type TapeRunSetup } from "../../api/tape-run.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";

const setup = (tape: string, more: Partial<TapeRunSetup> = {}): TapeRunSetup => ({
	tape,
	mode: null,
	env: {},
	format: null,
	keepsFailures: false,
	...more,
});
const end = { isInterrupted: false, isGood: true, report: () => {} };

t.test("a missing tape is recorded, and kept if the run succeeds", async (t) => {
	const folder = t.testdir();
	const tape = join(folder, "a.tape");
	for (const [how, kind] of [
		[{ isGood: false }, "failed"],
		[{ isInterrupted: true }, "interrupted"],
		[{}, "recorded"],
	] as const) {
		const run = await TapeRun.open(setup(tape));
		const { output, recordings, network } = run.proxySetup(false);
		t.match({ recordings, network }, { recordings: [], network: true });
		await using draft = await createTape(output as string);
		await draft.append(httpFlow({ id: "one" }));
		await draft.commit();
		t.match(await run.finish({ ...end, ...how }), { kind });
		t.equal(existsSync(tape), kind === "recorded");
		await run.close();
	}
	t.same(await readdir(folder), ["a.tape"], "no draft is left");
	t.match((await readTape(tape)).flows, [{ id: "one" }]);
});

t.test("an existing tape is replayed; CI and the mode decide whether flows are recorded", async (t) => {
	const tape = join(t.testdir(), "a.tape");
	await writeTape(tape, [httpFlow()]);
	const order = {
		server_replay_order: null,
		server_replay_reuse: false,
		server_replay_match_profile: "mitmproxy",
	} as const;
	for (const [more, mode, records] of [
		[{}, "once", false],
		[{ env: { CI: "true" } }, "none", false],
		[{ env: { CI: "true" }, mode: "new-episodes" }, "new-episodes", true],
		[{ mode: "none" }, "none", false],
	] as const) {
		const run = await TapeRun.open(setup(tape, more));
		t.match(run, { mode, exists: true, records, obstacle: null });
		t.match(run.proxySetup(false), { recordings: [tape], network: records });
		t.same([run.failOn([]), run.failOn(["egress"])], [records ? [] : ["miss"], ["egress"]]);
		const values = { ...order, server_replay_extra: "404" };
		t.match(run.withTapeDefaults(values), {
			server_replay_extra: records ? "forward" : "404",
			server_replay_order: "sequence",
		});
		t.match(run.withTapeDefaults({ ...values, server_replay_order: "once" }), { server_replay_order: "once" });
		if (!records) t.match(await run.finish(end), { kind: "replayed" });
		await run.close();
	}
	await t.rejects(TapeRun.open(setup(tape, { format: "har" })), { code: "FT_USAGE" });
});

t.test("the record mode of an environment", async (t) => {
	t.equal(recordModeOf({ CI: "true" }), null);
	t.equal(recordModeOf({ FLOWTAPE_RECORD_MODE: "" }), null);
	t.equal(recordModeOf({ FLOWTAPE_RECORD_MODE: "new-episodes", CI: "true" }), "new-episodes");
	t.throws(() => recordModeOf({ FLOWTAPE_RECORD_MODE: "never" }), {
		code: "FT_BAD_OPTION",
		message: /FLOWTAPE_RECORD_MODE: expected one of once, none, new-episodes, all, found "never"/,
	});
});

t.test("no tape, and a mode that records nothing", async (t) => {
	const tape = join(t.testdir(), "a.tape");
	for (const [more, says] of [
		[{ mode: "none" }, /a\.tape: no such tape, and record mode none records nothing/],
		[{ env: { CI: "true" } }, /a\.tape: no such tape, and CI is set, so nothing is recorded/],
	] as const) {
		const run = await TapeRun.open(setup(tape, more));
		t.match(run.startError, says);
		await run.close();
	}
});

t.test("failures are counted and left out, unless an option records them", async (t) => {
	const folder = t.testdir();
	for (const keepsFailures of [false, true]) {
		const run = await TapeRun.open(setup(join(folder, "b.tape"), { keepsFailures }));
		const keeps = run.proxySetup(false).keeps ?? (() => false);
		t.equal(keeps(httpFlow({ response: { statusCode: 500 } })), keepsFailures);
		t.ok(keeps(httpFlow()));
		t.equal(run.failures, keepsFailures ? 0 : 1);
		await run.close();
	}
});
