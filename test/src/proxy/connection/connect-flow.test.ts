// A CONNECT request as a flow.
import t from "tap";
import { connectFlow, connectRequest } from "../../../../src/proxy/connection/connect-flow.ts";
import { newServerConnection } from "../../../../src/proxy/connection/connection-info.ts";

t.test("with or without a client", (t) => {
	const server = newServerConnection("example.com", 443);
	const flow = connectFlow(
		connectRequest("example.com", 443, "example.com:443", ["Host", "example.com:443"]),
		null,
		server,
	);
	t.match(flow, {
		type: "http",
		serverConn: server,
		response: null,
		request: { method: "CONNECT", host: "example.com", port: 443, authority: "example.com:443" },
	});
	t.strictSame([...flow.request.headers.entries()], [["Host", "example.com:443"]]);
	t.equal(connectFlow(flow.request, flow.clientConn, server).clientConn, flow.clientConn);
	t.end();
});
