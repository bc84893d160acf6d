// Messages with ambiguous or unusual framing are forwarded in an unambiguous form.
import t from "tap";
import { answering, ok, startOrigin } from "../../fixtures/origin-server.ts";
import { startTestProxy } from "../../fixtures/running-proxy.ts";

t.test("Content-Length is removed if a message is chunked, and HTTP/1.0 has no chunks", async (t) => {
	const heads: string[] = [];
	const origin = await startOrigin(t, async (client) => {
		const head = await client.head();
		heads.push(head);
		await client.upTo("0\r\n\r\n");
		client.send(
			head.includes("/old")
				? "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
				: "HTTP/1.1 200 OK\r\nContent-Length: 16\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
		);
		client.end();
	});
	const proxy = await startTestProxy(t, {
		options: { mode: [`reverse:http://${origin.authority}`], validate_inbound_headers: false },
	});
	const body = "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
	const both = await (await proxy.connect())
		.send(`POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 16\r\n${body}`)
		.rest();
	t.match(heads[0], /^POST \/ HTTP\/1\.1\r\n(?!.*content-length).*Transfer-Encoding: chunked/is);
	t.match(both, /^HTTP\/1\.1 200 OK\r\nTransfer-Encoding: chunked\r\n/);
	t.notMatch(both, /content-length/i);
	const empty = await (await proxy.connect())
		.send(
			"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		)
		.rest();
	t.match(
		heads[1],
		/^POST \/ HTTP\/1\.1\r\n(?!.*content-length).*Transfer-Encoding: chunked/is,
		"also for an empty body",
	);
	t.match(empty, /^HTTP\/1\.1 200 OK\r\n/);
	const old = await (await proxy.connect()).send(`POST /old HTTP/1.0\r\n${body}`).rest();
	t.match(old, /^HTTP\/1\.0 200 OK\r\n.*\r\nhi$/s);
	t.notMatch(old, /transfer-encoding/i);
});

t.test(
	"white space before a colon is removed from responses, and the error names the option that allows it",
	async (t) => {
		const origin = await startOrigin(
			t,
			answering((head) => (head.includes("/space") ? ok("hi", "X-Space : a") : ok("hi", "X-A: one\r\n two"))),
		);
		const proxy = await startTestProxy(t, { options: { mode: [`reverse:http://${origin.authority}`] } });
		t.match(
			(await (await proxy.connect()).send("GET /space HTTP/1.1\r\nHost: a\r\n\r\n").message()).head,
			"\r\nX-Space: a\r\n",
		);
		t.match(
			await (await proxy.connect()).send("GET /fold HTTP/1.1\r\nHost: a\r\n\r\n").rest(),
			/^HTTP\/1\.1 502 .*--no-validate-inbound-headers/s,
		);
		t.match(
			await (await proxy.connect()).send("GET / HTTP/1.1\r\nHost: a\r\nX-Space : a\r\n\r\n").rest(),
			/^HTTP\/1\.1 400 /,
		);
	},
);
