// Flows as rows of CSV.
import t from "tap";
import { csvColumns, csvTable } from "../../../commands/print/csv.ts";
import { dnsFlow, httpFlow, STARTED, tcpFlow } from "../../../fixtures/build-flow.ts";
import type { Flow } from "../../../src/flow/flow.ts";

const cells = (columns: string, flow: Flow) => csvTable(columns).line(flow);

t.test("fields are quoted if necessary, and control characters are made visible", async (t) => {
	t.equal(cells("comment", httpFlow({ comment: "plain = +1" })), "plain = +1\n");
	t.equal(cells("comment,id", httpFlow({ id: "a", comment: 'say "hi", you' })), '"say ""hi"", you",a\n');
	t.equal(cells("comment", httpFlow({ comment: "two\r\nlines" })), '"two\nlines"\n');
	t.equal(cells("comment", httpFlow({ comment: "\u001b[31m\r" })), "␛[31m␍\n");
	t.equal(cells("comment", httpFlow({ comment: "=1+1" })), "=1+1\n", "a formula is printed as recorded");
});

t.test("every column for every type of flow", async (t) => {
	const flow = httpFlow({
		id: "a",
		request: { method: "POST", path: "/p?q", body: "12345", headers: [["Content-Type", "text/csv"]] },
		response: { timestampEnd: STARTED + 1.1, body: "1234567" },
		session: "one",
		isReplay: "request",
	});
	const all = csvColumns.map((name) => [name, cells(name, flow).trim()]);
	t.same(Object.fromEntries(all), {
		id: "a",
		type: "http",
		time: "2023-11-14T22:13:20.100Z",
		duration: "1",
		time_to_first_byte: "0.2",
		size: "7",
		"request.method": "POST",
		"request.url": "http://example.com/p?q",
		"request.scheme": "http",
		"request.host": "example.com",
		"request.port": "80",
		"request.path": "/p?q",
		"request.http_version": "HTTP/1.1",
		"request.content_type": "text/csv",
		"request.size": "5",
		"response.status": "200",
		"response.reason": "OK",
		"response.http_version": "HTTP/1.1",
		"response.content_type": "text/plain",
		"response.size": "7",
		"error.message": "",
		ended: "server",
		is_replay: "request",
		marked: "",
		comment: "",
		session: "one",
	});
	const some = "type,time,request.url,response.status,size,duration,error.message";
	t.equal(cells(some, tcpFlow()), "tcp,2023-11-14T22:13:20.000Z,,,10,,\n");
	t.equal(cells(some, dnsFlow()), "dns,2023-11-14T22:13:20.000Z,example.com,,,,\n");
	t.equal(
		cells(
			some,
			httpFlow({ request: { timestampStart: 0 }, response: null, error: { message: "no, none", timestamp: 1 } }),
		),
		'http,,http://example.com/,,,,"no, none"\n',
	);
	t.equal(csvTable("type, id").header, "type,id\n");
});

t.test("an unknown column is an error that suggests the nearest", async (t) => {
	t.throws(() => csvTable("id,request.ulr"), {
		code: "FT_BAD_OPTION",
		message: /found "request\.ulr"\. Did you mean "request\.url"/,
	});
	t.throws(() => csvTable(""), { code: "FT_BAD_OPTION" });
	t.throws(() => csvTable("constructor"), { code: "FT_BAD_OPTION" });
});
