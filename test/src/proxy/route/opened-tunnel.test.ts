// A tunnel that the upstream proxy opened for a client: its user, and its end.
import { once } from "node:events";
import { Socket } from "node:net";
import t from "tap";
import { serverConnection } from "../../../../src/flow/connection.ts";
import { OpenedTunnel } from "../../../../src/proxy/route/opened-tunnel.ts";

const place = { host: "a.test", port: 443 };
const serverConn = serverConnection({ id: "s" });

t.test("the first connection to the endpoint takes it", async (t) => {
	const socket = new Socket();
	const opened = new OpenedTunnel(place, socket, serverConn, null);
	t.equal(opened.takeSocket({ ...place, port: 80 }), null);
	t.equal(opened.takeSocket({ ...place, host: "b.test" }), null);
	t.match(opened.takeSocket(place), { socket, serverConn });
	t.equal(opened.takeSocket(place), null);
	opened.close();
	t.equal(socket.destroyed, false, "its new owner ends it");
	const dead = new Socket().destroy();
	t.equal(new OpenedTunnel(place, dead, serverConn, null).takeSocket(place), null);
	const unused = new Socket();
	new OpenedTunnel(place, unused, serverConn, null).close();
	t.equal(unused.destroyed, true);
});

t.test("when it closes, a login for it ends, unless the credentials stay valid", async (t) => {
	for (const [credentials, isOver] of [
		["NTLM TlRM", true],
		['Digest response="1"', true],
		["Basic dTpw", false],
		[null, false],
	] as const) {
		const socket = new Socket();
		const opened = new OpenedTunnel(place, socket, serverConn, credentials);
		let reported = false;
		opened.whenEnded(() => {
			reported = true;
		});
		socket.destroy();
		await once(socket, "close");
		t.equal(reported, isOver, String(credentials));
	}
});
