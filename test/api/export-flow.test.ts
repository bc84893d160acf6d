// Exports a flow as text.
import t from "tap";
import { exportFlow } from "../../api/export-flow.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";

t.test("as commands, as code, as bytes", async (t) => {
	const flow = httpFlow({
		request: { method: "POST", path: "/é", headers: [["Host", "example.com"]], body: "größer" },
		response: { body: Buffer.of(0xff) },
	});
	t.match(exportFlow(flow, "curl"), /^curl .*--data-raw \$?'.*größer'/s);
	t.match(exportFlow(flow, "httpie"), /^(?:printf|http|echo) .*/s);
	t.match(exportFlow(flow, "fetch"), /^await fetch\(|^fetch\(/);
	const raw = Buffer.from(exportFlow(flow, "raw"), "latin1");
	t.match(raw.toString(), /^POST .* HTTP\/1\.1\r\n/);
	t.equal(raw.at(-1), 0xff, "each character is a byte");
});

t.test("requests that no command can send", async (t) => {
	t.throws(() => exportFlow(httpFlow({ request: { body: null } }), "curl"), { code: "FT_LOSS" });
});
