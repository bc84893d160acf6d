// Formats a DNS message as text, so that filters can search it like a body. The text has a line for the name of each
// question and a line for the data of each record.
import { domainToUnicode } from "node:url";
import type { DnsMessage, DnsRecord } from "../flow/flow.ts";
import { pythonRepr } from "./python-text.ts";

/** Questions, answers, authorities and additionals, joined by CR LF. */
export function dnsText(message: DnsMessage): string {
	const records = [...message.answers, ...message.authorities, ...message.additionals];
	return [...message.questions.map((question) => question.name), ...records.map(recordText)].join("\r\n");
}

/** The types of records whose data has a text of its own (RFC 1035, RFC 3596, RFC 9460). */
const RECORD_TYPES: ReadonlyMap<number, { name: string; show: (data: Buffer) => string }> = new Map([
	[1, { name: "A", show: ipv4 }],
	[2, { name: "NS", show: wholeName }],
	[5, { name: "CNAME", show: wholeName }],
	[12, { name: "PTR", show: wholeName }],
	[
		16,
		{ name: "TXT", show: (data: Buffer) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data) },
	],
	[28, { name: "AAAA", show: ipv6 }],
	[65, { name: "HTTPS", show: serviceBinding }],
]);

function recordText({ type, data }: DnsRecord): string {
	const known = RECORD_TYPES.get(type);
	const hex = `0x${data.toString("hex")}`;
	if (known === undefined) return hex;
	try {
		return known.show(data);
	} catch {
		return `${hex} (invalid ${known.name} data)`;
	}
}

class Damaged extends Error {}

function ipv4(data: Buffer): string {
	if (data.length !== 4) throw new Damaged();
	return data.join(".");
}

/** RFC 5952, except that embedded IPv4 addresses are written in hexadecimal too. */
function ipv6(data: Buffer): string {
	if (data.length !== 16) throw new Damaged();
	const groups = Array.from({ length: 8 }, (_, i) => data.readUInt16BE(i * 2).toString(16)).join(":");
	const zeros = [...groups.matchAll(/(?<![0-9a-f])0(?::0(?![0-9a-f]))+/g)].sort((a, b) => b[0].length - a[0].length)[0];
	if (zeros === undefined) return groups;
	const before = groups.slice(0, Math.max(zeros.index - 1, 0));
	return `${before}::${groups.slice(zeros.index + zeros[0].length + 1)}`;
}

function wholeName(data: Buffer): string {
	const { name, end } = readName(data, 0);
	if (end !== data.length) throw new Damaged();
	return name;
}

/** A name without compression (RFC 1035 section 3.1). */
function readName(data: Buffer, from: number): { name: string; end: number } {
	const labels: string[] = [];
	for (let at = from; ; ) {
		const size = data.readUInt8(at++);
		if (size === 0) return { name: labels.join("."), end: at };
		if (size > 63 || at + size > data.length) throw new Damaged();
		const label = data.latin1Slice(at, at + size);
		if (/[^\0-\x7f]/.test(label)) throw new Damaged();
		labels.push(/^xn--/i.test(label) ? domainToUnicode(label) || label : label);
		at += size;
	}
}

/** Keys of RFC 9460 section 14.3.2. */
const PARAMETERS = ["mandatory", "alpn", "no_default_alpn", "port", "ipv4hint", "ech", "ipv6hint"];

function serviceBinding(data: Buffer): string {
	const target = readName(data, 2);
	const parameters: Record<string, Buffer> = {};
	for (let at = target.end; at < data.length; ) {
		const key = data.readUInt16BE(at);
		const end = at + 4 + data.readUInt16BE(at + 2);
		if (end > data.length) throw new Damaged();
		parameters[PARAMETERS[key] ?? `key${key}`] = data.subarray(at + 4, end);
		at = end;
	}
	return `priority: ${data.readInt16BE(0)} target_name: '${target.name}' ${pythonRepr(parameters)}`;
}
