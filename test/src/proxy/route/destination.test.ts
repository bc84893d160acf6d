// The destination of a request.
import { Socket } from "node:net";
import t from "tap";
import { httpRequest } from "../../../../fixtures/build-flow.ts";
import { type ClientConnection, clientConnection, serverConnection } from "../../../../src/flow/connection.ts";
import { destinationOf } from "../../../../src/proxy/route/destination.ts";
import { OpenedTunnel } from "../../../../src/proxy/route/opened-tunnel.ts";

const clientConn = (known: Partial<ClientConnection> = {}) => clientConnection({ id: "c", ...known });
const tunnel = { scheme: "https", host: "example.com", port: 443, sni: "name.example" } as const;
const secure = { scheme: "https", host: "example.com", port: 443 } as const;

t.test(
	"scheme, host and port are the request's; the tunnel's server name applies only to the tunnel's target",
	async (t) => {
		const client = clientConn();
		t.match(destinationOf(httpRequest(secure), tunnel, client), {
			tls: true,
			host: "example.com",
			port: 443,
			sni: "name.example",
			client,
		});
		t.match(destinationOf(httpRequest({ ...secure, host: "moved.example" }), tunnel, client), {
			host: "moved.example",
			sni: null,
		});
		t.match(destinationOf(httpRequest({ ...secure, port: 444 }), tunnel, client), { port: 444, sni: null });
		t.match(destinationOf(httpRequest({ scheme: "http", host: "a", port: 80 }), null, client), {
			tls: false,
			host: "a",
			port: 80,
			sni: null,
		});
	},
);

t.test("HTTP/2 is used if the client would use it with the server", async (t) => {
	const [plain, h1, h2] = [
		clientConn(),
		clientConn({ tls: true, alpnOffers: ["http/1.1"] }),
		clientConn({ tls: true, alpnOffers: ["h2", "http/1.1"] }),
	];
	const over = { ...secure, httpVersion: "HTTP/2.0" };
	t.equal(destinationOf(httpRequest(secure), null, h2).http2, true, "offered in TLS");
	t.equal(destinationOf(httpRequest(secure), null, h1).http2, false, "not offered");
	t.equal(destinationOf(httpRequest({ ...secure, scheme: "http" }), null, h2).http2, false, "not offered without TLS");
	t.equal(destinationOf(httpRequest(over), null, h2).http2, true, "spoken");
	t.equal(
		destinationOf(httpRequest({ ...over, scheme: "http" }), null, plain).http2,
		true,
		"spoken without TLS from the start",
	);
	t.equal(
		destinationOf(httpRequest({ ...over, scheme: "http" }), null, h2).http2,
		false,
		"without TLS for one who spoke it in TLS",
	);
});

t.test("a WebSocket opens no HTTP/2 connection", async (t) => {
	const headers = [
		["Connection", "Upgrade"],
		["Upgrade", "websocket"],
	] as const;
	const client = clientConn({ tls: true, alpnOffers: ["h2"] });
	t.match(destinationOf(httpRequest({ ...secure, headers }), null, client), { upgrade: true, http2: false });
});

t.test("a tunnel that was opened for the client leads only to its target", async (t) => {
	const opened = new OpenedTunnel(
		{ host: "example.com", port: 443 },
		new Socket(),
		serverConnection({ id: "s" }),
		null,
	);
	t.equal(destinationOf(httpRequest(secure), { ...tunnel, opened }, clientConn()).opened, opened);
	t.equal(
		destinationOf(httpRequest({ ...secure, host: "moved.example" }), { ...tunnel, opened }, clientConn()).opened,
		null,
	);
	opened.close();
});
