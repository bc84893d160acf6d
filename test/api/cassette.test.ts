// Plans a run by its mode, and updates its tape completely or not at all.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { isNew, isSuccess, NewCassette, runPlan, tapeExists } from "../../api/cassette.ts";
import { httpFlow, tcpFlow } from "../../fixtures/build-flow.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";
import { processMark } from "../../src/process-mark.ts";

const report = () => {};
const answered = (statusCode: number) => httpFlow({ response: { statusCode, headers: [], body: "" } });

t.test("the plan follows from the mode and the tape", async (t) => {
	t.strictSame(runPlan("once", false), { replays: false, records: true });
	t.strictSame(runPlan("once", true), { replays: true, records: false });
	t.strictSame(runPlan("none", false), { replays: true, records: false });
	t.strictSame(runPlan("new-episodes", true), { replays: true, records: true });
	t.strictSame(runPlan("new-episodes", false), { replays: false, records: true });
	t.strictSame(runPlan("all", true), { replays: false, records: true });
});

t.test("flows that may be replayed later", async (t) => {
	t.ok(isSuccess(answered(404)));
	t.notOk(isSuccess(answered(503)));
	t.notOk(isSuccess(httpFlow({ response: null })));
	t.ok(isSuccess(tcpFlow()));
	const replayed = answered(200);
	t.ok(isNew(replayed));
	replayed.isReplay = "response";
	t.notOk(isNew(replayed));
});

t.test("new flows follow the old ones or replace them, and no other file is left", async (t) => {
	const folder = t.testdir();
	const tape = join(folder, "deep", "session.jsonl");
	for (const [keepsOld, statuses] of [
		[false, [201]],
		[true, [201, 202]],
		[false, [203]],
	] as const) {
		const draft = await NewCassette.create(tape);
		await writeTape(draft.file, [answered(statuses.at(-1) ?? 0)]);
		t.equal(await draft.commit({ format: null, keepsOld, report }), 1);
		await draft.close();
		t.match(
			(await readTape(tape)).flows,
			statuses.map((statusCode) => ({ response: { statusCode } })),
		);
		t.strictSame(readdirSync(join(folder, "deep")), ["session.jsonl"]);
	}
});

t.test("the tape is unchanged if there are no new flows or it cannot be read", async (t) => {
	const tape = join(t.testdir(), "session.jsonl");
	t.notOk(await tapeExists(tape));
	writeFileSync(tape, "no tape");
	t.ok(await tapeExists(tape));
	const draft = await NewCassette.create(tape);
	await writeTape(draft.file, []);
	t.equal(await draft.commit({ format: null, keepsOld: false, report }), 0);
	await t.rejects(draft.commit({ format: null, keepsOld: true, report }), { code: "FT_UNKNOWN_FORMAT" });
	await draft.close();
	t.equal(readFileSync(tape, "utf8"), "no tape");
	await t.rejects(NewCassette.create(join(tape, "below")), { code: "FT_IO" });
});

t.test("of several runs at once, each adds the requests that the others have not recorded", async (t) => {
	const asked = (id: string, path: string) => httpFlow({ id, request: { path } });
	const idsOf = async (path: string) => (await readTape(path)).flows.map(({ id }) => id);
	for (const name of ["session.tape", "session.mitm", "session.har"]) {
		const tape = join(t.testdir(), name);
		const commit = async (draft: NewCassette, keepsOld: boolean) => {
			const count = await draft.commit({ format: null, keepsOld, report });
			await draft.close();
			return count;
		};
		const runs = [
			[asked("a1", "/a"), asked("a2", "/b")],
			[asked("b1", "/a"), asked("b2", "/a"), asked("b3", "/c")],
			[asked("c1", "/a"), asked("c2", "/a")],
			[asked("d1", "/d")],
		];
		const drafts = await Promise.all(runs.map(() => NewCassette.create(tape)));
		for (const [i, draft] of drafts.entries()) await writeTape(draft.file, runs[i] ?? []);
		t.same(await Promise.all(drafts.map((draft) => commit(draft, false))), [2, 3, 2, 1]);
		const first = await idsOf(tape);
		t.equal(first.length, 5, `${name}: /a twice, /b, /c, /d once`);
		const [all, more] = await Promise.all([NewCassette.create(tape), NewCassette.create(tape)]);
		await writeTape(more.file, [asked("e1", "/a"), asked("e2", "/e")]);
		await writeTape(all.file, [asked("f1", "/f"), asked("f2", "/e")]);
		await commit(more, true);
		t.same(await idsOf(tape), [...first, "e1", "e2"]);
		await commit(all, false);
		t.same(await idsOf(tape), ["e1", "e2", "f1"], "flows from before the start are replaced, later ones are kept");
		t.same(readdirSync(join(tape, "..")), [name]);
	}
});

t.test("of several runs at once, each adds the recordings of its sessions", async (t) => {
	const tape = join(t.testdir(), "session.tape");
	const drafts = await Promise.all(["a", "b", "b"].map(() => NewCassette.create(tape)));
	for (const [i, session] of ["a", "b", "b"].entries()) await writeTape(drafts[i]?.file ?? "", [httpFlow({ session })]);
	for (const draft of drafts) {
		await draft.commit({ format: null, keepsOld: false, report });
		await draft.close();
	}
	t.same(
		(await readTape(tape)).flows.map(({ session }) => session),
		["a", "b"],
	);
});

t.test("drafts of killed runs are removed, others stay", async (t) => {
	const folder = t.testdir();
	const { pid } = spawnSync(process.execPath, ["-e", ""]);
	const [place] = processMark().split("-");
	for (const name of [
		`.flowtape-${place}-${pid}-aaaaaa`,
		`.flowtape-${processMark()}-bbbbbb`,
		`.flowtape-00000000-${pid}-cccccc`,
		".flowtape-dddddd",
	])
		mkdirSync(join(folder, name));
	writeFileSync(join(folder, `.flowtape-${place}-${pid}-aaaaaa`, "new.tape"), "half");
	const draft = await NewCassette.create(join(folder, "session.tape"));
	await draft.close();
	t.same(
		readdirSync(folder).sort(),
		[`.flowtape-${processMark()}-bbbbbb`, `.flowtape-00000000-${pid}-cccccc`, ".flowtape-dddddd"].sort(),
	);
});

t.test("a tape with a damaged record is unchanged", async (t) => {
	const tape = join(t.testdir(), "session.jsonl");
	await writeTape(tape, [answered(201)]);
	const damaged = `${readFileSync(tape, "utf8")}{"id":"second","request":{"method":"GET" "url":"http://a.example/2"}}\n`;
	writeFileSync(tape, damaged);
	const draft = await NewCassette.create(tape);
	await writeTape(draft.file, [answered(202)]);
	const reported: string[] = [];
	await t.rejects(draft.commit({ format: null, keepsOld: true, report: (_code, message) => reported.push(message) }), {
		code: "FT_CORRUPT_FLOW",
		message: /the tape is damaged and was left unchanged/,
	});
	t.match(reported, [/line 2/]);
	await draft.close();
	t.equal(readFileSync(tape, "utf8"), damaged);
});
