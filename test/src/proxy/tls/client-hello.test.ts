// The first bytes of a connection: TLS, HTTP or something else.
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type ConnectionOptions, connect } from "node:tls";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import t from "tap";
import { type Sniffed, Sniffer } from "../../../../src/proxy/tls/client-hello.ts";

const sniff = (bytes: Buffer): Sniffed => new Sniffer().add(bytes);

/** The decision on bytes that arrive one by one, and how many it takes. */
function sniffSlowly(bytes: Buffer): [Sniffed, number] {
	const sniffer = new Sniffer();
	for (const [at, byte] of bytes.entries()) if (sniffer.add(Buffer.of(byte)) !== "more") return [sniffer.found, at + 1];
	return [sniffer.found, bytes.length];
}

/** As `sniffSlowly`, but each decision is made anew. */
function sniffAnew(bytes: Buffer): [Sniffed, number] {
	for (let size = 1; size < bytes.length; size++) {
		const found = sniff(bytes.subarray(0, size));
		if (found !== "more") return [found, size];
	}
	return [sniff(bytes), bytes.length];
}

/** The first message of Node's own client. */
async function helloOf(options: ConnectionOptions): Promise<Buffer> {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const accepted = once(server, "connection") as Promise<[Socket]>;
	const client = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", ...options }).on(
		"error",
		() => {},
	);
	const [socket] = await accepted;
	const [bytes] = (await once(socket, "data")) as [Buffer];
	client.destroy();
	socket.destroy();
	server.close();
	return bytes;
}

const named = await helloOf({ servername: "www.example.com", ALPNProtocols: ["h2", "http/1.1"] });

/** The same handshake, cut into records of `size` bytes (RFC 8446 section 5.1). */
function inRecords(hello: Buffer, size: number): Buffer {
	const records: Buffer[] = [];
	for (let at = 5; at < hello.length; at += size) {
		const part = hello.subarray(at, at + size);
		records.push(Buffer.of(22, 3, 1, part.length >> 8, part.length & 255), part);
	}
	return Buffer.concat(records);
}

t.test("server name and ALPN", async (t) => {
	t.strictSame(sniff(named), { serverName: "www.example.com", alpn: ["h2", "http/1.1"] });
	t.strictSame(sniff(await helloOf({})), { serverName: null, alpn: [] });
	t.strictSame(sniff(await helloOf({ servername: "xn--bcher-kva.example", maxVersion: "TLSv1.2" })), {
		serverName: "xn--bcher-kva.example",
		alpn: [],
	});
});

t.test("an incomplete ClientHello needs more bytes, however it is cut", async (t) => {
	for (let size = 1; size < named.length; size++) t.equal(sniff(named.subarray(0, size)), "more");
	for (const size of [1, 7, 100, 1000])
		t.strictSame(sniff(inRecords(named, size)), sniff(named), `records of ${size} bytes`);
	t.strictSame(sniff(Buffer.concat([named, Buffer.from("early data")])), sniff(named));
});

t.test("up to a limit", async (t) => {
	const endless = Buffer.concat([Buffer.of(22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff), Buffer.alloc(0x40_00 - 4)]);
	t.equal(sniff(endless), "more");
	const long = Buffer.concat([
		endless,
		...Array.from({ length: 5 }, () => Buffer.concat([Buffer.of(22, 3, 1, 0x40, 0), Buffer.alloc(0x40_00)])),
	]);
	t.strictSame(sniff(long), { serverName: null, alpn: [] }, "TLS all the same, for OpenSSL to refuse");
});

t.test("a ClientHello in tiny records is read once", async (t) => {
	const begun = Buffer.concat([Buffer.of(1, 0, 0x20, 0), Buffer.alloc(0x2000)]);
	const records = [...begun].map((byte) => Buffer.of(22, 3, 1, 0, 1, byte));
	const joined = t.capture(Buffer, "concat", Buffer.concat);
	const read = t.capture(Buffer.prototype, "readUInt16BE", Buffer.prototype.readUInt16BE);
	const sniffer = new Sniffer();
	for (const record of records.slice(0, -1)) t.equal(sniffer.add(record), "more");
	t.equal(joined().length, 1, "for its length");
	t.ok(read().length < 2 * records.length, "each record once");
	t.strictSame(sniffer.add(records.at(-1) as Buffer), { serverName: null, alpn: [] });
	t.ok(sniffer.bytes.equals(Buffer.concat(records)));
});

t.test("bytes that are not a ClientHello", async (t) => {
	t.equal(sniff(Buffer.of(22, 2, 0)), "other", "SSL 2");
	t.equal(sniff(Buffer.of(22, 3, 1, 0, 4, 2)), "other", "another message");
	t.equal(sniff(Buffer.of(22, 3, 1, 0, 0, 22, 3, 1, 0, 1, 2)), "other", "another message behind an empty record");
	t.equal(sniff(Buffer.of(23, 3, 3, 0, 1, 0)), "other", "data");
	t.equal(sniff(Buffer.of(0x80, 46, 1, 3, 1, 0, 1, 0, 0, 0, 16)), "other", "lengths that do not fit together");
});

t.test("bytes that some server may accept as a ClientHello are TLS, but not parsed", async (t) => {
	const unread = { serverName: null, alpn: [] };
	t.strictSame(sniff(Buffer.of(22, 3, 1, 0, 4, 1, 0, 0, 0)), unread, "without content");
	t.strictSame(
		sniff(Buffer.concat([Buffer.of(22, 3, 1, 0, 1, 1), Buffer.of(23, 3, 1, 0, 1, 0)])),
		unread,
		"another record in between",
	);
	const empty = Buffer.of(22, 3, 1, 0, 0);
	t.strictSame(sniff(Buffer.concat([empty, empty, inRecords(named, 100)])), sniff(named), "empty records before");
	for (const [name, bytes] of [
		["an alert first", Buffer.of(0x15, 3, 1, 0, 2, 1, 90)],
		["a change of cipher first", Buffer.of(0x14, 3, 3, 0, 1, 1)],
		["the form of SSL 2", Buffer.of(0x80, 9 + 3 + 16, 1, 3, 1, 0, 3, 0, 0, 0, 16, 0, 0, 0x2f)],
	] as const) {
		t.strictSame(sniff(bytes), unread, name);
		for (const size of [1, 2, 3, 4]) t.equal(sniff(bytes.subarray(0, size)), "more", name);
	}
});

t.test("HTTP and other protocols", async (t) => {
	for (const [text, want] of [
		["", "more"],
		["G", "more"],
		["GET", "more"],
		["GET ", "more"],
		["GET /", "http"],
		["PROPPATCH /", "http"],
		["M-SEARCH * HTTP/1.1", "http"],
		["BASELINE-CONTROL", "more"],
		["get ", "more"],
		["get /", "http"],
		["options *", "http"],
		["helo client", "other"],
		["G1 /", "http"],
		["AB ", "more"],
		["-GET /secret", "http"],
		["q *", "http"],
		["FOO_BAR HTTP://a/", "http"],
		["X2 htt", "more"],
		["X2 secret HTTP/1.1\r\n", "http"],
		["x2 secret HTTP/1.1\r\n", "http"],
		["GET\t/secret HTTP/1.1\r\n", "http"],
		["GET\r/secret", "http"],
		["NICK somebody", "more"],
		["NICK somebody\r\n", "other"],
		["*1\r\n$4\r\nPING\r\n", "other"],
		["AMQP\0\0\t\x01", "other"],
		[`${"A".repeat(300)}`, "more"],
		[`${"A".repeat(300)} /`, "http"],
		[`${"A".repeat(16_384)}`, "http"],
		[":GET /secret HTTP/1.1\r\n", "other"],
		...["\v", "\f", "\x1c", "\x1f", "\x85", "\xa0"].flatMap(
			(blank) =>
				[
					[blank, "more"],
					[`${blank}GET /secret`, "http"],
					[`GET${blank}/secret`, "http"],
					[`GET${blank}secret${blank}HTTP/1.1\r\n`, "http"],
					[`${blank}SSH-2.0-x\r\n`, "other"],
				] as const,
		),
		["GET secret\r\n", "http"],
		["GET ?/secret\n", "http"],
		["get secret\r\n", "other"],
		["\0", "other"],
		["SSH-2.0", "more"],
		["SSH-2.0-x\r\n", "other"],
		["\r\n", "more"],
		["\r", "more"],
		["\r\n\n\r\nGET /", "http"],
		[" GET /", "http"],
		["\r\nSSH-2.0-x\r\n", "other"],
		["\n".repeat(16_384), "http"],
		["PRI * HTTP/2.0\r", "more"],
		["PRI * HTTP/2.0\r\n", "http"],
		["PRI * HTTP/1.1\r", "http"],
		["\xff\xff\xff", "other"],
	] as const) {
		const bytes = Buffer.from(text, "latin1");
		t.equal(sniff(bytes), want, JSON.stringify(text));
		if (text.length > 0 && text.length < 1000)
			t.strictSame(sniffSlowly(bytes), sniffAnew(bytes), `byte by byte: ${JSON.stringify(text)}`);
	}
	for (const text of ["A", "\n", "GET ", "NICK x"])
		t.strictSame(sniffSlowly(Buffer.from(text.padEnd(20_000, text.at(-1)))), ["http", 16_384], JSON.stringify(text));
});

t.test("the size of the chunks does not matter", async () => {
	const part = fc.constantFrom(
		"GET",
		"x",
		" ",
		"\t",
		"/",
		"*",
		"htt",
		"p://",
		"HTTP/1.1",
		"\r",
		"\n",
		"PRI",
		"\x85",
		"\0",
	);
	const text = fc.array(part, { minLength: 1, maxLength: 12 }).map((parts) => Buffer.from(parts.join(""), "latin1"));
	const hello = fc.integer({ min: 1, max: 50 }).map((size) => inRecords(named, size));
	const damaged = fc.tuple(hello, fc.nat(60), fc.nat(255)).map(([bytes, at, byte]) => bytes.fill(byte, at, at + 1));
	const isSame = (bytes: Buffer) => isDeepStrictEqual(sniffSlowly(bytes), sniffAnew(bytes));
	fc.assert(fc.property(text, isSame), { seed: 5, numRuns: 2000 });
	fc.assert(fc.property(fc.oneof(hello, damaged), isSame), { seed: 5, numRuns: 30 });
});

t.test("invalid server names are ignored", async (t) => {
	for (const name of ["www.exa\0ple.com", "www.exa/ple.com", "www.exa ple.com"]) {
		const bytes = Buffer.from(named);
		bytes.write(name, bytes.indexOf("www.example.com"), "latin1");
		t.match(sniff(bytes), { serverName: null, alpn: ["h2", "http/1.1"] });
	}
});

t.test("never throws on random bytes", async () => {
	const damaged = fc
		.tuple(fc.nat(named.length - 1), fc.nat(255), fc.nat(named.length - 1), fc.nat(255))
		.map(([at, byte, other, more]) => {
			const bytes = Buffer.from(named);
			bytes[at] = byte;
			bytes[other] = more;
			return bytes;
		});
	const any = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.concat([Buffer.of(22, 3, 1), bytes]));
	const property = fc.property(fc.oneof(damaged, any), (bytes) => {
		const found = sniff(bytes);
		return (
			found === "more" ||
			found === "http" ||
			found === "other" ||
			found.serverName === null ||
			/^[\w.:-]+$/.test(found.serverName)
		);
	});
	fc.assert(property, { seed: 4, numRuns: 5000, interruptAfterTimeLimit: 5000 });
});
