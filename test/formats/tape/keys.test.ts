// The keys of redacted tapes: requests with other secrets are found by them, without reading the tape.
import { join } from "node:path";
import t from "tap";
import { convert } from "../../../api/convert.ts";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { redactorOf } from "../../../fixtures/redaction.ts";
import { reports } from "../../../fixtures/tape-files.ts";
import { createTape, openTape } from "../../../formats/index.ts";
import type { HttpFlow } from "../../../src/flow/flow.ts";
import { defaults } from "../../../src/options.ts";
import { noteOfRules } from "../../../src/redact/note.ts";
import { options } from "../../../src/redact/options.ts";
import { defaultRequestKey } from "../../../src/replay/match/key.ts";
import { redactedKeys } from "../../../src/replay/match/redacted.ts";
import { ReplayIndex } from "../../../src/replay/recordings/index-of-tapes.ts";
import { openStore } from "../../../src/store/sqlite/store.ts";

const { report } = reports();
const withToken = (token: string) =>
	httpFlow({
		request: { path: `/items?page=1&access_token=${token}`, headers: [["Authorization", `Bearer ${token}`]] },
	});
const noteOf = (values = {}) => noteOfRules({ ...defaults(options), ...values });

async function write(
	path: string,
	append: boolean,
	note = noteOf(),
	flows: readonly HttpFlow[] = [withToken("real-token-12345")],
) {
	const sink = await createTape(path, { report, append });
	sink.note(...note);
	const redactor = redactorOf();
	for (const flow of flows) {
		redactor.redact(flow);
		await sink.append(flow);
	}
	await sink.close();
}

/** The keys of a tape, and those that its requests have without and with secrets. */
async function keysOf(
	path: string,
): Promise<{ stored: string[]; plain: string[]; redacted: string[]; isNoted: boolean }> {
	const store = openStore(path, { mode: "read", report });
	const stored = [...store.keys()].flat().map(({ key }) => key);
	const note = store.notes()["flowtape:redaction"] as { keys?: boolean };
	const keyed = await redactedKeys(note);
	const flows: HttpFlow[] = [];
	for await (const batch of store.read()) flows.push(...(batch as HttpFlow[]));
	await store.close();
	return {
		stored,
		plain: flows.map(defaultRequestKey),
		redacted: flows.map((flow) => keyed?.keyOf(flow) ?? ""),
		isNoted: note?.keys === true,
	};
}

/** Whether a request with another token is found; fails if `isLookedUp` and the requests of a tape are read for it. */
async function isFound(paths: readonly string[], isLookedUp = false): Promise<boolean> {
	const stores = paths.map((path) => openStore(path, { mode: "read", report, isKeyed: true }));
	const tapes = stores.map(
		(store) =>
			new Proxy(store, {
				get(target, name) {
					if (name === "requests" && isLookedUp) throw new Error("the requests are read");
					const value = Reflect.get(target, name, target) as unknown;
					return typeof value === "function" ? value.bind(target) : value;
				},
			}),
	);
	const index = await ReplayIndex.open(tapes);
	const found = index.takeRecording(withToken("dummy")) !== null;
	for (const store of stores) await store.close();
	return found;
}

t.test("a new tape, also one that is added to", async (t) => {
	const folder = t.testdir();
	for (const append of [false, true]) {
		const path = join(folder, `${append}.tape`);
		await write(path, append);
		const { stored, plain, redacted, isNoted } = await keysOf(path);
		t.same(stored, redacted);
		t.notSame(stored, plain);
		t.ok(isNoted);
		t.ok(await isFound([path], true));
		await write(path, true);
		const more = await keysOf(path);
		t.same(more.stored, more.redacted, "flows that are added later, too");
		t.ok(more.isNoted);
	}
});

t.test("rules of one's own: the keys of flows by other rules are not used", async (t) => {
	const path = join(t.testdir(), "a.tape");
	await write(path, true);
	await write(path, true, noteOf({ redact_param: ["page"] }));
	t.notOk((await keysOf(path)).isNoted);
	await t.rejects(isFound([path], true), { message: "the requests are read" });
	t.ok(await isFound([path]));
	const plain = join(t.testdir(), "b.tape");
	const sink = await createTape(plain, { report, append: true });
	await sink.append(withToken("real-token-12345"));
	await sink.close();
	await write(plain, true);
	t.notOk((await keysOf(plain)).isNoted, "flows that were not redacted");
	t.ok(await isFound([plain]));
});

t.test("several tapes: with other rules, and without", async (t) => {
	const folder = t.testdir();
	const [one, other, plain] = ["one", "other", "plain"].map((name) => join(folder, `${name}.tape`)) as [
		string,
		string,
		string,
	];
	await write(one, false);
	await write(other, false, noteOf({ redact_header: ["x-a"] }), []);
	await write(plain, false, ["other", 1], []);
	for (const paths of [
		[one, other],
		[other, one],
		[plain, one],
	])
		t.ok(await isFound(paths));
});

t.test("copied tapes keep their keys, and other formats get them", async (t) => {
	const folder = t.testdir();
	const path = (name: string) => join(folder, name);
	await write(path("a.tape"), false);
	for (const [from, to] of [
		["a.tape", "b.tape"],
		["a.tape", "c.har"],
		["c.har", "d.tape"],
		["a.tape", "e.mitm"],
		["e.mitm", "f.tape"],
	] as const)
		await convert(path(from), path(to));
	for (const name of ["b.tape", "d.tape", "f.tape"]) {
		const { stored, redacted, isNoted } = await keysOf(path(name));
		t.same(stored, redacted, name);
		t.ok(isNoted);
	}
	// rows with plain keys are not copied into a tape with a note
	await createTape(path("plain.tape"), { report }).then(async (sink) => {
		await sink.append(withToken("real-token-12345"));
		await sink.close();
	});
	await convert([path("plain.tape"), path("a.tape")], path("joined.tape"));
	const { stored, redacted } = await keysOf(path("joined.tape"));
	t.same(stored, redacted);
	t.ok(await openTape(path("joined.tape"), { report }));
});

t.test("a tape that was redacted by rules of a newer version replays by the rules that are known", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const [name, note] = noteOf();
	await write(path, false, [name, { ...(note as object), version: 99, redact_new: ["x"] }]);
	t.notOk((await keysOf(path)).isNoted);
	t.ok(await isFound([path]));
});
