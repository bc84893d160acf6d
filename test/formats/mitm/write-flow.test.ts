// The bytes of a record, as mitmproxy 11 writes them.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { variedFlows } from "../../../fixtures/varied-flows.ts";
import { NEWEST } from "../../../formats/mitm/migrate.ts";
import { Reader } from "../../../formats/mitm/tnetstring.ts";
import { writeFlow } from "../../../formats/mitm/write-flow.ts";

t.test("one dictionary with the version in it", async (t) => {
	const bytes = writeFlow(httpFlow({ id: "x", request: { body: Buffer.from("hi") } }), () => t.fail("nothing is lost"));
	const record = new Reader(bytes).value(bytes.length);
	t.match(record, { version: NEWEST, type: "http", id: "x", request: { method: Buffer.from("GET"), port: 80, content: Buffer.from("hi") } });
});

t.test("nothing of any flow is lost", async (t) => {
	for (const flow of variedFlows()) t.equal(writeFlow(flow, (what) => t.fail(what)).at(-1), "}".charCodeAt(0));
});

t.test("fields that a newer version wrote come back", async (t) => {
	const flow = httpFlow();
	flow.extra = { shiny: 1 };
	const bytes = writeFlow(flow, () => {});
	t.match(new Reader(bytes).value(bytes.length), { shiny: 1 });
});
