// The proxy's own error responses.
import t from "tap";
import { readMessages } from "../../../../fixtures/read-messages.ts";
import { errorPage } from "../../../../src/proxy/exchange/error-page.ts";

t.test("a complete text response in UTF-8 that closes the connection", async (t) => {
	const page = errorPage(502, "no way to bücher.example");
	const { messages, fault } = readMessages({ side: "response", bytes: page }, [Buffer.from(page, "latin1")]);
	t.equal(fault, null);
	const [message] = messages;
	t.match(message, {
		line: "HTTP/1.1 502 Bad Gateway",
		fields: [
			"Content-Type",
			"text/plain; charset=utf-8",
			"Content-Length",
			String(message?.body.length),
			"Connection",
			"close",
		],
	});
	t.equal(Buffer.from(message?.body ?? "", "latin1").toString(), "flowtape: no way to bücher.example\n");
	t.match(
		errorPage(400, "no header \u001b[2J\u009b\nx"),
		/no header \xe2\x90\x9b\[2J\xef\xbf\xbd x\n$/,
		"safe to print",
	);
	t.match(errorPage(400, "x"), /^HTTP\/1\.1 400 Bad Request\r\n/);
});

t.test("only a head for HEAD", async (t) => {
	t.match(errorPage(502, "x", "HEAD"), /Content-Length: 12\r\nConnection: close\r\n\r\n$/);
});
