// What a record must have, and what it may lack.
import t from "tap";
import { type RecordFields, readFlow } from "../../../formats/mitm/read-flow.ts";
import type { Dictionary } from "../../../formats/mitm/tnetstring.ts";

const request: Dictionary = {
	...{ method: Buffer.from("GET"), scheme: Buffer.from("http"), authority: Buffer.from(""), host: "a", port: 80, path: Buffer.from("/") },
	...{
		http_version: Buffer.from("HTTP/1.1"),
		headers: [[Buffer.from("A"), Buffer.from("b")]],
		content: null,
		trailers: null,
		timestamp_start: 1,
		timestamp_end: null,
	},
};
const message: Dictionary = { ...request, status_code: 200, reason: Buffer.from("OK") };

function record(fields: Dictionary, lazy: Partial<RecordFields> = {}): RecordFields {
	return {
		fields: { id: "x", type: "http", request, response: null, ...fields },
		clientConn: () => null,
		serverConn: () => null,
		metadata: () => null,
		backup: () => null,
		...lazy,
	};
}

t.test("a flow with little in it", async (t) => {
	const flow = readFlow(record({}));
	t.match(flow, { id: "x", marked: "", comment: "", isReplay: null, error: null });
	t.match(flow.clientConn, { peername: null, proxyMode: "regular" });
	t.match(flow.serverConn, { address: null, via: null });
	t.same({ ...flow.metadata }, {});
	t.match(readFlow(record({ response: message })), { response: { statusCode: 200 } });
});

t.test("unknown fields are kept", async (t) => {
	t.match(readFlow(record({ shiny: [1, 2] })).extra, { shiny: [1, 2] });
});

t.test("connections are read leniently, and only when asked for", async (t) => {
	let asked = 0;
	const serverConn = () => {
		asked++;
		return { address: ["b", 443], via: ["http", ["p", 3128]], sni: 5, alpn: null };
	};
	const flow = readFlow(record({}, { serverConn }));
	t.equal(asked, 0);
	t.match(flow.serverConn, { address: ["b", 443], via: ["http", ["p", 3128]], sni: null });
	t.equal(asked, 1);
});

t.test("what is missing or of another type is named", async (t) => {
	for (const [fields, why] of [
		[{ id: 5 }, /"?id"?/],
		[{ type: "smtp" }, /smtp/],
		[{ request: null }, /request/],
		[{ request: { ...request, method: null } }, /request\.method/],
		[{ request: { ...request, port: "80" } }, /request\.port/],
		[{ request: { ...request, headers: [["A"]] } }, /headers/],
		[{ request: { ...request, headers: 5 } }, /headers/],
		[{ response: { ...message, status_code: "x" } }, /status_code/],
		[{ error: { msg: 5, timestamp: 1 } }, /error/],
		[{ type: "tcp", messages: 5 }, /messages/],
		[{ type: "tcp", messages: [5] }, /messages/],
		[{ type: "dns", request: { id: "x" } }, /request/],
	] as const) {
		t.throws(() => readFlow(record(fields as unknown as Dictionary)), { code: "FT_CORRUPT_FLOW", message: why }, JSON.stringify(fields));
	}
});
