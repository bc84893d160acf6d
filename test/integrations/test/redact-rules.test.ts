// The rules of the option `redact`.
import t from "tap";
import { redactionValues } from "../../../integrations/test/redact-rules.ts";
import { defaults } from "../../../src/options.ts";
import { options } from "../../../src/redact/options.ts";

const none = defaults(options);

t.test("without rules, nothing is redacted unless the project says so", async (t) => {
	t.same(redactionValues(null, none), {});
	t.match(redactionValues(null, { ...none, redact: true, redact_json: ["/a"] }), {
		redact: true,
		redact_json: ["/a"],
		redact_keep: ["session"],
	});
	t.match(redactionValues(["json:/b"], { ...none, redact_json: ["/a"] }), { redact: true, redact_json: ["/a", "/b"] });
});

t.test("rules", async (t) => {
	t.match(redactionValues([], none), { redact: true, redact_header: [], redact_pii: false, redact_keep: ["session"] });
	t.match(redactionValues(["keep:name.token"], none), { redact_keep: ["session", "name.token"] });
	t.match(redactionValues(["header:X-Key", "json:/a", "json:/b:c", "body:a\nb", "pii", "strict"], none), {
		redact: true,
		redact_header: ["X-Key"],
		redact_json: ["/a", "/b:c"],
		redact_body: ["a\nb"],
		redact_pii: true,
		redact_strict: true,
	});
	for (const rule of ["header", "header:", "nothing:x", ""])
		t.throws(
			() => redactionValues([rule], none),
			{ code: "FT_BAD_OPTION", message: /^redact: expected header:/ },
			rule,
		);
});
