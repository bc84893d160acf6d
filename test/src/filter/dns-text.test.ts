// DNS messages as the text that body filters search.
import t from "tap";
import { dnsFlow } from "../../../fixtures/build-flow.ts";
import { dnsText } from "../../../src/filter/dns-text.ts";
import type { DnsMessage } from "../../../src/flow/flow.ts";

function textOf(type: number, data: Buffer | string): string {
	const { response } = dnsFlow({
		response: {
			questions: [],
			answers: [{ name: "not shown", type, class: 1, ttl: 1, data: Buffer.from(data as string, "latin1") }],
		},
	});
	return dnsText(response as DnsMessage);
}

const name = (...labels: string[]) => `${labels.map((label) => String.fromCharCode(label.length) + label).join("")}\0`;

t.test("one line for each question, then one for the data of each record", async (t) => {
	const record = (data: Buffer) => ({ name: "x", type: 1, class: 1, ttl: 1, data });
	const { response } = dnsFlow({
		request: { questions: [{ name: "a.example", type: 1, class: 1 }] },
		response: {
			answers: [record(Buffer.of(1, 2, 3, 4))],
			authorities: [record(Buffer.of(5, 6, 7, 8))],
			additionals: [record(Buffer.of(9, 9, 9, 9))],
		},
	});
	t.equal(dnsText(response as DnsMessage), "a.example\r\n1.2.3.4\r\n5.6.7.8\r\n9.9.9.9");
});

t.test("by type", async (t) => {
	t.equal(textOf(28, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"), "2001:db8::1");
	t.equal(textOf(28, "\0".repeat(16)), "::");
	t.equal(textOf(28, "\0\x01".repeat(8)), "1:1:1:1:1:1:1:1");
	t.equal(textOf(28, `\0\x01\0\0\0\0\0\x01${"\0".repeat(6)}\0\x02`), "1:0:0:1::2", "the longest run of zeros");
	for (const type of [2, 5, 12]) t.equal(textOf(type, name("ns", "example", "com")), "ns.example.com");
	t.equal(textOf(5, name("xn--mnchen-3ya", "de")), "münchen.de");
	t.equal(textOf(16, "v=spf1 caf\xc3\xa9"), "v=spf1 café");
	t.equal(textOf(15, "\0\x0a"), "0x000a");
	t.equal(
		textOf(65, `\0\x01${name("svc", "example")}\0\x01\0\x03\x02h2\0\x03\0\x02\x01\xbb\0\x09\0\x01x`),
		"priority: 1 target_name: 'svc.example' {'alpn': b'\\x02h2', 'port': b'\\x01\\xbb', 'key9': b'x'}",
	);
});

t.test("data that is not valid for its type", async (t) => {
	t.equal(textOf(1, "\x01"), "0x01 (invalid A data)");
	t.equal(textOf(28, "\x01"), "0x01 (invalid AAAA data)");
	t.equal(textOf(16, "\xff"), "0xff (invalid TXT data)");
	for (const data of ["\x05abc", "\x40a\0", "", "\x01\xe9\0", `${name("a")}more`])
		t.match(textOf(2, data), /^0x[0-9a-f]* \(invalid NS data\)$/);
	t.match(textOf(65, `\0\x01${name("a")}\0\x01\0\xff`), /invalid HTTPS data/);
});
