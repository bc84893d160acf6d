import t from "tap";
import { isRedacted, NOTE, options } from "../../../src/redact/options.ts";

t.test("all are named for redaction, and off by default", async (t) => {
	for (const [name, { default: value }] of Object.entries(options)) {
		t.match(name, /^redact(?:_|$)/);
		t.ok(value === false || value === "plain" || (Array.isArray(value) && value.length === 0), name);
	}
});

t.test("a note tells a redacted tape", async (t) => {
	t.ok(isRedacted({ [NOTE]: {} }));
	t.notOk(isRedacted({}));
});
