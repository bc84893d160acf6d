// Messages of SOCKS clients.
import t, { type Test } from "tap";
import {
	readGreeting,
	readLogin,
	readRequest,
	type Socks5Message,
} from "../../../../src/proxy/tunnel/socks5-messages.ts";

const hex = (digits: string) => Buffer.from(digits.replaceAll(" ", ""), "hex");

/** Parses a message cut at every position: only the whole message is accepted. */
function readWhole(t: Test, read: (bytes: Buffer) => Socks5Message | null, bytes: Buffer): Socks5Message | null {
	for (let size = 0; size < bytes.length; size++)
		t.equal(read(bytes.subarray(0, size)), null, `${size} of ${bytes.length} bytes`);
	return read(Buffer.concat([bytes, hex("ff ff")]));
}

t.test("greetings", async (t) => {
	t.strictSame(
		readWhole(t, (bytes) => readGreeting(bytes, false), hex("05 02 02 00")),
		{ kind: "greeting", size: 4, reply: hex("05 00") },
	);
	t.strictSame(
		readWhole(t, (bytes) => readGreeting(bytes, true), hex("05 02 00 02")),
		{ kind: "greeting", size: 4, reply: hex("05 02") },
	);
	for (const [bytes, wantsLogin, reason, reply] of [
		["05 01 00", true, "the client does not offer SOCKS 5 with user and password", "05 ff"],
		["05 01 02", false, "the client does not offer SOCKS 5 without a login", "05 ff"],
		["05 00", false, "the client does not offer SOCKS 5 without a login", "05 ff"],
		["04 01", false, "expected SOCKS 5, found version 4", ""],
		[
			"47 45 54 20",
			true,
			"expected SOCKS 5, found version 71; this looks like HTTP, which needs a port in another mode",
			"",
		],
	] as const)
		t.strictSame(readGreeting(hex(bytes), wantsLogin), { kind: "refused", reason, reply: hex(reply) });
});

t.test("logins", async (t) => {
	const bytes = Buffer.from("\x01\x05üser\x00", "utf8");
	t.match(readWhole(t, readLogin, bytes), { kind: "login", size: 8, user: "üser", password: "" });
	t.match(readWhole(t, readLogin, Buffer.from("\x01\x01u\x03p:w")), {
		kind: "login",
		size: 7,
		user: "u",
		password: "p:w",
	});
	t.match(readLogin(hex("01 00 00")), { user: "", password: "" });
});

t.test("requests", async (t) => {
	for (const [bytes, host, port] of [
		["05 01 00 01 7f 00 00 01 1f 90", "127.0.0.1", 8080],
		[`05 01 00 03 0b ${Buffer.from("example.com").toString("hex")} 01 bb`, "example.com", 443],
		["05 01 00 04 2001 0db8 0000 0000 0000 0000 0000 0001 00 50", "2001:db8::1", 80],
	] as const)
		t.match(readWhole(t, readRequest, hex(bytes)), {
			kind: "request",
			size: hex(bytes).length,
			target: { scheme: "http", host, port, sni: null },
		});
	for (const [bytes, code, reason] of [
		["05 02 00 01 7f 00 00 01 1f 90", 7, /command 2 is not supported/],
		["05 03 00 01 7f", 7, /command 3/],
		["04 01 00 01 7f", 7, /command/],
		["05 01 00 05 7f", 8, /address type 5/],
		["05 01 00 01 7f 00 00 01 00 00", 1, /expected a host and a port, found "127\.0\.0\.1:0"/],
		["05 01 00 03 00 00 50", 1, /expected a host and a port/],
		["05 01 00 03 03 61 20 62 00 50", 1, /found "a b:80"/],
	] as const)
		t.match(readRequest(hex(bytes)), { kind: "refused", reason, reply: hex(`05 0${code} 00 01 00 00 00 00 00 00`) });
});
