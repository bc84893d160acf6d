// Private keys in PEM.
import { generateKeyPairSync } from "node:crypto";
import t from "tap";
import { PrivateKeys } from "../../../src/redact/private-keys.ts";
import { findInText } from "../../../src/redact/text.ts";

const BEGIN = "-----BEGIN";
const pem = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
	type: "pkcs8",
	format: "pem",
}) as string;
const key = pem.trimEnd();

function found(text: string): string[] {
	const bytes = Buffer.from(text);
	return findInText(bytes).map(({ from, to, rule, kind }) => `${rule} ${kind} ${bytes.toString("latin1", from, to)}`);
}

t.test("the whole block, as it is and inside JSON", (t) => {
	t.same(found(`x\n${pem}\ny`), [`private-key key ${key}`]);
	const json = JSON.stringify({ private_key: pem });
	t.same(found(json), [`private-key key ${key.replaceAll("\n", "\\n")}`]);
	for (const label of ["RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PGP PRIVATE KEY BLOCK"]) {
		const block = `${BEGIN} ${label}-----\nComment: x\n\n${"TUlJ".repeat(16)}\n-----END ${label}-----`;
		t.same(found(`${block}\n`), [`private-key key ${block}`], label);
	}
	t.end();
});

t.test("certificates, public keys and what only begins like a key are none", (t) => {
	for (const label of ["CERTIFICATE", "PUBLIC KEY", "RSA PUBLIC KEY", "PGP MESSAGE"])
		t.same(found(`${BEGIN} ${label}-----\n${"TUlJ".repeat(16)}\n-----END ${label}-----`), [], label);
	t.same(found(`between "${BEGIN} PRIVATE KEY-----" and "-----END PRIVATE KEY-----"`), []);
	t.same(found(`the line ${BEGIN} PRIVATE KEY----- begins a key`), []);
	t.end();
});

t.test("a key without an end ends with its base64", (t) => {
	const cut = key.slice(0, 120);
	t.same(found(`${cut}", "next": 1`), [`private-key key ${cut}`]);
	t.same(found(`${BEGIN} PRIVATE KEY-----\n${"QUJD".repeat(5000)}`)[0]?.length, "private-key key ".length + 8192);
	t.end();
});

t.test("beginnings without an end take linear time", (t) => {
	const bytes = Buffer.from(`${BEGIN} PRIVATE KEY-----`.repeat(40_000));
	const keys = new PrivateKeys(bytes);
	let count = 0;
	for (let at = 0; at < bytes.length; at += 27) count += keys.endOf(at);
	t.equal(count, 0);
	t.end();
});
