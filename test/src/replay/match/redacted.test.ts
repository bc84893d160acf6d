import { createHash } from "node:crypto";
import t from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { plantedFlows } from "../../../../fixtures/secret-corpus.ts";
import { defaults } from "../../../../src/options.ts";
import { noteOfRules } from "../../../../src/redact/note.ts";
import { NOTE, options } from "../../../../src/redact/options.ts";
import { defaultRequestKey } from "../../../../src/replay/match/key.ts";
import { keysWithoutSecrets, redactedKeys, secretRemoverFor } from "../../../../src/replay/match/redacted.ts";

const noteOf = (values = {}) => noteOfRules({ ...defaults(options), ...values })[1];
const asked = (token: string, page = 1) =>
	httpFlow({
		request: {
			method: "POST",
			path: `/?token=${token}&page=${page}`,
			headers: [["X-Api-Key", token]],
			body: `password=${token}`,
		},
	});

t.test("requests with other secrets have the same key, others do not", async (t) => {
	const keys = await redactedKeys(noteOf());
	t.equal(keys?.keyOf(asked("one-1234")), keys?.keyOf(asked("another-5678")));
	t.not(keys?.keyOf(asked("one-1234")), keys?.keyOf(asked("one-1234", 2)));
	t.not(keys?.keyOf(asked("one-1234")), defaultRequestKey(asked("one-1234")));
});

t.test("a note says whether the keys of its tape are such ones", async (t) => {
	const keys = await redactedKeys(noteOf());
	const [keyed, plain] = [{ [NOTE]: keys?.note ?? null }, { [NOTE]: noteOf() }];
	t.equal(keys?.isNoted, false);
	t.equal((await redactedKeys(keys?.note ?? null))?.isNoted, true);
	t.same(await keysWithoutSecrets([keyed, plain, {}], [keyed, plain]), [true, false, false]);
	const other = { [NOTE]: noteOf({ redact_header: ["x-a"] }) };
	t.same(await keysWithoutSecrets([keyed], [keyed, other]), [false], "the joined rules are others");
	for (const note of [1, "x", { version: 99 }]) t.equal(await redactedKeys(note), null);
});

t.test("nothing is removed for tapes that are not redacted", async (t) => {
	t.equal(await secretRemoverFor([{}, { other: 1 }]), null);
	t.match((await secretRemoverFor([{ [NOTE]: noteOf() }]))?.(asked("one-1234").request).path, "token=REDACTED");
});

t.test("keys are stored: if these change, RULES_VERSION in src/redact/note.ts must grow", async (t) => {
	const keys = await redactedKeys(noteOf());
	const all = plantedFlows(1, { withSecret: 200, without: 200 }).map(({ flow }) => keys?.keyOf(flow));
	t.equal((noteOf() as { version?: number }).version, 1);
	t.equal(createHash("sha256").update(all.join(" ")).digest("hex").slice(0, 16), "81f1f1eb98f438fd");
});
