// Access by client address.
import { networkInterfaces } from "node:os";
import t from "tap";
import { Peer } from "../../../../fixtures/peer.ts";
import { startTestProxy } from "../../../../fixtures/running-proxy.ts";
import { refusalOf } from "../../../../src/proxy/entry/access.ts";

t.test("addresses and options", async (t) => {
	const kinds = {
		local: ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"],
		private: [
			"10.0.0.1",
			"172.31.255.255",
			"192.168.1.1",
			"169.254.1.1",
			"::ffff:10.1.2.3",
			"fe80::1%eth0",
			"fd00::1",
			"2001:db8::1",
			"0.0.0.0",
		],
		global: ["8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1"],
		neither: ["100.64.0.1", "not an address"],
	};
	for (const [block_global, block_private] of [
		[true, true],
		[true, false],
		[false, true],
		[false, false],
	] as const) {
		const refusals = (addresses: readonly string[]) => [
			...new Set(addresses.map((address) => refusalOf(address, { block_global, block_private }))),
		];
		t.strictSame(refusals(kinds.local), [null]);
		t.strictSame(refusals(kinds.neither), [null]);
		t.strictSame(refusals(kinds.private), [block_private ? "block_private" : null]);
		t.strictSame(refusals(kinds.global), [block_global ? "block_global" : null]);
	}
});

const outward = Object.values(networkInterfaces())
	.flat()
	.find((one) => one?.family === "IPv4" && !one.internal)?.address;

t.test(
	"a client that may not connect is disconnected",
	{ skip: outward === undefined || refusalOf(outward, { block_global: true, block_private: true }) === null },
	async (t) => {
		const options = { listen_host: "0.0.0.0", block_private: true, block_global: true };
		const proxy = await startTestProxy(t, { options });
		const client = await Peer.to(proxy.port, outward);
		await client.ended();
		t.equal(client.seen, "");
		t.match(
			(await proxy.event("client_error")).message,
			/connections from this address are refused \(block_(private|global)\)/,
		);
		const neighbour = await Peer.to(proxy.port);
		t.match(await neighbour.send("GET / HTTP/1.1\r\n\r\n").head(), /^HTTP\/1\.1 400 /, "this machine is let in");
	},
);
