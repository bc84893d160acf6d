// What a run does with its tape, and that the tape is never half of anything.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { Draft, isNew, isSuccess, isThere, planOf } from "../../commands/cassette.ts";
import { httpFlow, tcpFlow } from "../../fixtures/build-flow.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";

const report = () => {};
const answered = (statusCode: number) => httpFlow({ response: { statusCode, headers: [], body: "" } });

t.test("the plan follows from the mode and the tape", async (t) => {
	t.strictSame(planOf("once", false), { replays: false, records: true });
	t.strictSame(planOf("once", true), { replays: true, records: false });
	t.strictSame(planOf("none", false), { replays: true, records: false });
	t.strictSame(planOf("new-episodes", true), { replays: true, records: true });
	t.strictSame(planOf("new-episodes", false), { replays: false, records: true });
	t.strictSame(planOf("all", true), { replays: false, records: true });
});

t.test("what is worth an answer", async (t) => {
	t.ok(isSuccess(answered(404)));
	t.notOk(isSuccess(answered(503)));
	t.notOk(isSuccess(httpFlow({ response: null })));
	t.ok(isSuccess(tcpFlow()));
	const replayed = answered(200);
	t.ok(isNew(replayed));
	replayed.isReplay = "response";
	t.notOk(isNew(replayed));
});

t.test("new flows come behind the old ones, or in their place; the folder is left tidy", async (t) => {
	const folder = t.testdir();
	const tape = join(folder, "deep", "session.jsonl");
	for (const [keepsOld, statuses] of [
		[false, [201]],
		[true, [201, 202]],
		[false, [203]],
	] as const) {
		const draft = await Draft.beside(tape);
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

t.test("nothing new, or an old tape that cannot be read: it is as it was", async (t) => {
	const tape = join(t.testdir(), "session.jsonl");
	t.notOk(await isThere(tape));
	writeFileSync(tape, "no tape");
	t.ok(await isThere(tape));
	const draft = await Draft.beside(tape);
	await writeTape(draft.file, []);
	t.equal(await draft.commit({ format: null, keepsOld: false, report }), 0);
	await t.rejects(draft.commit({ format: null, keepsOld: true, report }), { code: "FT_UNKNOWN_FORMAT" });
	await draft.close();
	t.equal(readFileSync(tape, "utf8"), "no tape");
	await t.rejects(Draft.beside(join(tape, "below")), { code: "FT_IO" });
});
