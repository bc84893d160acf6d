// HTTP and TLS are told from other protocols, also if their bytes arrive one by one.
import t from "tap";
import { type FirstBytes, firstBytes } from "../../../src/route/first-bytes.ts";

/** What is found when the bytes arrive one by one: the first answer that is not "more". */
function oneByOne(bytes: Buffer): FirstBytes {
	for (let end = 0; end < bytes.length; end++) {
		const found = firstBytes(bytes.subarray(0, end));
		if (found !== "more") return found;
	}
	return firstBytes(bytes);
}

const cases: readonly (readonly [name: string, bytes: string, found: FirstBytes])[] = [
	["a request", "GET / HTTP/1.1\r\n", "web"],
	["a long request target", `GET /${"a".repeat(5000)} HTTP/1.1\r\n`, "web"],
	["an absolute target", "POST http://a.example/ HTTP/1.1\r\n", "web"],
	["OPTIONS *", "OPTIONS * HTTP/1.1\r\n", "web"],
	["CONNECT", "CONNECT a.example:443 HTTP/1.1\r\n", "web"],
	["HTTP/2 without TLS", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "web"],
	["a method of an extension", "M-SEARCH * HTTP/1.1\r\n", "web"],
	["TLS", "\x16\x03\x01\x02\x00", "web"],
	["PostgreSQL", "\0\0\0\x08\x04\xd2\x16\x2f", "other"],
	["Redis", "*1\r\n$4\r\nPING\r\n", "other"],
	["Redis, inline", "PING\r\n", "other"],
	["AMQP", "AMQP\0\0\x09\x01", "other"],
	["IRC", "NICK ann\r\n", "other"],
	["memcached", "get key\r\n", "other"],
	["SMTP", "EHLO a.example\r\n", "other"],
	["MongoDB", "\x3a\0\0\0\x01\0\0\0", "other"],
	["0x16 without TLS", "\x16\x16", "other"],
	["part of a request", "GET", "more"],
	["part of a TLS record", "\x16", "more"],
	["nothing", "", "more"],
];

for (const [name, text, found] of cases)
	t.test(name, async (t) => {
		const bytes = Buffer.from(text, "latin1");
		t.equal(firstBytes(bytes), found);
		t.equal(oneByOne(bytes), found);
	});
