import t from "tap";
import { defaults } from "../../../src/options.ts";
import {
	hasKeys,
	joinedNote,
	joinedNotes,
	newerVersion,
	noteOfRules,
	RULES_VERSION,
	rulesOfNotes,
} from "../../../src/redact/note.ts";
import { isRedacted, NOTE, options } from "../../../src/redact/options.ts";

const noteOf = (values = {}) => Object.fromEntries([noteOfRules({ ...defaults(options), ...values })]);

t.test("tapes without a note are not redacted", async (t) => {
	t.equal(rulesOfNotes([{}, { other: 1 }]), null);
	t.notOk(isRedacted({}));
	t.ok(isRedacted(noteOf()));
});

t.test("the rules of several tapes are joined", async (t) => {
	const rules = rulesOfNotes([
		noteOf({ redact_header: ["x-a"] }),
		{},
		noteOf({ redact_header: ["x-b"], redact_pii: true }),
	]);
	t.ok(rules?.headers?.("x-a"));
	t.ok(rules?.headers?.("x-b"));
	t.equal(rules?.pii, true);
	t.equal(rules?.strict, false);
});

t.test("exceptions and variables of the tape's author do not count", async (t) => {
	const note = noteOf({ redact_keep: ["name.*"], redact_env: ["HOME"] });
	t.equal(rulesOfNotes([note])?.keeps("name.token", "query:t"), false);
	t.notMatch(JSON.stringify(note), /HOME/);
});

t.test("a note of another form does no harm", async (t) => {
	for (const value of [1, "x", [1], { redact_header: 5, redact_pii: "yes" }, { redact_header: [1, null] }])
		t.doesNotThrow(() => rulesOfNotes([{ "flowtape:redaction": value }]));
	t.throws(() => rulesOfNotes([{ "flowtape:redaction": { redact_body: ["("] } }]), { code: "FT_BAD_PATTERN" });
});

t.test("the rules of a tape to which flows are added are kept", async (t) => {
	const earlier = Object.fromEntries([noteOfRules({ ...defaults(options), redact_param: ["a"], redact_pii: true })]);
	const [, value] = noteOfRules({ ...defaults(options), redact_param: ["b"] }, earlier);
	t.match(value, { redact_param: ["a", "b"], redact_pii: true, redact_strict: false });
});

t.test("notes of several tapes together", async (t) => {
	const note = (param: string) => Object.fromEntries([noteOfRules({ ...defaults(options), redact_param: [param] })]);
	t.match(joinedNotes([{ a: 1, b: 1 }, note("x"), { ...note("y"), b: 2 }]), {
		a: 1,
		b: 2,
		[NOTE]: { redact_param: ["x", "y"] },
	});
	t.same(joinedNotes([{ [NOTE]: "as it is" }, {}]), { [NOTE]: "as it is" });
	t.same(joinedNotes([]), {});
});

t.test("rules of a newer version are kept for it, and the keys of its tape are not used", async (t) => {
	const newer = { version: RULES_VERSION + 1, redact_param: ["a"], redact_shapes: ["x"], redact_all: true, keys: true };
	t.equal(newerVersion({ [NOTE]: newer }), RULES_VERSION + 1);
	for (const note of [noteOf(), {}, { [NOTE]: 1 }, { [NOTE]: { version: "9" } }]) t.equal(newerVersion(note), null);
	const [, joined] = noteOfRules({ ...defaults(options), redact_param: ["b"] }, { [NOTE]: newer });
	t.match(joined, { version: RULES_VERSION + 1, redact_param: ["a", "b"], redact_shapes: ["x"], redact_all: true });
	t.notOk(Object.keys(joined as object).includes("keys"));
	t.same(joinedNote(newer, noteOf({ redact_param: ["b"] })[NOTE] ?? null), joined);
	t.notOk(hasKeys({ [NOTE]: newer }, []));
	t.ok(rulesOfNotes([{ [NOTE]: newer }])?.params?.("a"), "rules that are known apply");
});
