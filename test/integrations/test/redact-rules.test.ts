// The rules of the option `redact`.
import t from "tap";
import { redactionValues } from "../../../integrations/test/redact-rules.ts";

t.test("rules", async (t) => {
	t.match(redactionValues([]), { redact: true, redact_header: [], redact_pii: false, redact_keep: ["session"] });
	t.match(redactionValues(["keep:name.token"]), { redact_keep: ["session", "name.token"] });
	t.match(redactionValues(["header:X-Key", "json:/a", "json:/b:c", "body:a\nb", "pii", "strict"]), {
		redact: true,
		redact_header: ["X-Key"],
		redact_json: ["/a", "/b:c"],
		redact_body: ["a\nb"],
		redact_pii: true,
		redact_strict: true,
	});
	for (const rule of ["header", "header:", "nothing:x", ""])
		t.throws(() => redactionValues([rule]), { code: "FT_BAD_OPTION", message: /^redact: expected header:/ }, rule);
});
