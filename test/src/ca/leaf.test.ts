// Leaves have the names and extensions that clients require.
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import fc from "fast-check";
import t from "tap";
import { createAuthority } from "../../../src/ca/create.ts";
import { der, oid, readElements, tag } from "../../../src/ca/der.ts";
import { type Issuer, isNameOfHost, isStale, mintLeaf, normalizeNames } from "../../../src/ca/leaf.ts";

const day = 86_400_000;
const authority = await createAuthority();
const authorityCertificate = new X509Certificate(authority.certificatePem);
const subject = der(
	tag.sequence,
	der(tag.set, der(tag.sequence, oid("2.5.4.10"), der(tag.utf8String, Buffer.from("Example authority")))),
);
const issuer: Issuer = {
	key: createPrivateKey(authority.keyPem),
	subject,
	keyIdentifier: Buffer.alloc(20, 7),
	validTo: new Date(authorityCertificate.validTo),
};
const leafKey = generateKeyPairSync("ec", { namedCurve: "P-256" });
const publicKey = leafKey.publicKey.export({ type: "spki", format: "der" });
const keyIdentifier = createHash("sha1").update(publicKey).digest();

function mint(
	names: string[],
	{ organization = null, by = issuer, now }: { organization?: string | null; by?: Issuer; now?: Date } = {},
): X509Certificate {
	return new X509Certificate(mintLeaf(by, { names, organization, publicKey }, now));
}

t.test("names are normalized, without duplicates", async (t) => {
	t.same(normalizeNames(["Example.COM", "example.com.", null, undefined, "", "b.example"]), [
		"example.com",
		"b.example",
	]);
	t.same(normalizeNames(["bücher.example", "*.Example.com", "under_score.example"]), [
		"xn--bcher-kva.example",
		"*.example.com",
		"under_score.example",
	]);
	t.same(normalizeNames(["[::1]", "FE80::1%eth0", "10.0.0.1"]), ["::1", "fe80::1", "10.0.0.1"]);
	t.same(normalizeNames(["a b", `${"a".repeat(260)}.example`, "\u0000", "."]), []);
	t.same(
		normalizeNames(["*", "*.", "a.*.example", "a*.example", "a,DNS:b.example", "a/b", "a:443", "a..b", "user@a", "%"]),
		[],
		"no names of hosts",
	);
});

t.test("valid host names", async (t) => {
	for (const name of ["a", "A.example", "*.a.example", "_a.b-c.example", "xn--bcher-kva.example", "192.0.2.1", "::1"])
		t.ok(isNameOfHost(name), name);
	for (const name of ["", "*", "a b", "a,b", "bücher.example", ".", "**.a"]) t.notOk(isNameOfHost(name), name);
});

t.test("names, key and extensions of a leaf", async (t) => {
	const leaf = mint(["www.example.com", "*.example.com", "10.0.0.1", "::1", "2001:db8::ffff:1.2.3.4"], {
		organization: "Bücher & Söhne",
	});
	t.ok(leaf.verify(authorityCertificate.publicKey));
	t.ok(leaf.checkPrivateKey(leafKey.privateKey));
	t.equal(leaf.issuer, "O=Example authority");
	t.equal(leaf.ca, false);
	t.equal(leaf.subject, "O=Bücher & Söhne\nCN=www.example.com");
	t.equal(
		leaf.subjectAltName,
		"DNS:www.example.com, DNS:*.example.com, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:2001:DB8:0:0:0:FFFF:102:304",
	);
	t.same(leaf.keyUsage, ["1.3.6.1.5.5.7.3.1"], "extended key usage: serverAuth");
	t.equal(leaf.checkHost("www.example.com"), "www.example.com");
	t.equal(leaf.checkHost("other.example.com"), "*.example.com");
	t.equal(leaf.checkIP("::1"), "::1");
	t.equal(leaf.checkHost("example.org"), undefined);
	const hex = leaf.raw.toString("hex");
	t.ok(hex.includes("0603551d0f0101ff040403020780"), "keyUsage: critical, digitalSignature");
	t.ok(hex.includes(`0603551d0e04160414${keyIdentifier.toString("hex")}`));
	t.ok(hex.includes(`0603551d2304183016${"8014"}${"07".repeat(20)}`));
});

t.test("it is valid for 180 days in all, from two days ago, and no longer than its issuer", async (t) => {
	const now = new Date("2030-01-10T00:00:00Z");
	const leaf = mint(["a.example"], { now });
	t.equal(Date.parse(leaf.validFrom), now.getTime() - 2 * day);
	t.equal(Date.parse(leaf.validTo) - Date.parse(leaf.validFrom), 180 * day);
	const old = { ...issuer, validTo: new Date("2030-01-20T00:00:00Z") };
	t.equal(Date.parse(mint(["a.example"], { now, by: old }).validTo), old.validTo.getTime());
});

t.test("it is replaced in time, and when the clock is set back", async (t) => {
	const made = Date.parse("2030-01-10T00:00:00Z");
	t.strictSame(
		[0, -day, 147 * day, 149 * day, 1000 * day, -3 * day].map((later) => isStale(made, made + later)),
		[false, false, false, true, true, true],
	);
});

t.test("serial numbers are positive, short enough and unique", async (t) => {
	const serials = Array.from({ length: 50 }, () => mint(["a.example"]).serialNumber);
	t.equal(new Set(serials).size, 50);
	for (const serial of serials) t.match(serial, /^[4-7][0-9A-F]{31}$/);
});

t.test("a name that is too long for the subject is only an alternative name", async (t) => {
	const long = `${"a".repeat(60)}.example.com`;
	const leaf = mint([long]);
	// Some versions of Node return undefined, others an empty string.
	t.notOk(leaf.subject);
	t.equal(leaf.checkHost(long), long);
	t.ok(leaf.raw.toString("hex").includes("0603551d110101ff"), "critical, as the subject is empty");
	t.equal(mint([long], { organization: "Example" }).subject, "O=Example");
	t.equal(mint(["a.example"], { organization: "x".repeat(65) }).subject, "CN=a.example");
});

t.test("the issuer's key may be EC, and may have no identifier", async (t) => {
	const { privateKey, publicKey: issuerKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
	const leaf = mint(["a.example"], { by: { ...issuer, key: privateKey as KeyObject, keyIdentifier: null } });
	t.ok(leaf.verify(issuerKey));
	t.notOk(leaf.raw.toString("hex").includes("0603551d23"));
});

t.test("certificates for random names can be parsed and contain all of them", async (t) => {
	const name = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6(), fc.string({ unit: "binary", maxLength: 80 }));
	fc.assert(
		fc.property(
			fc.array(name, { minLength: 1, maxLength: 8 }),
			fc.option(fc.string({ unit: "binary", maxLength: 70 })),
			(given, organization) => {
				const names = normalizeNames(given);
				const leaf = mint(names, { organization });
				t.ok(leaf.verify(authorityCertificate.publicKey));
				const value = Buffer.concat([oid("2.5.29.17")]);
				const at = leaf.raw.indexOf(value) + value.length;
				const after = readElementsLoosely(leaf.raw.subarray(at));
				t.equal(readElements(readElements(after)[0]?.content ?? Buffer.alloc(0)).length, names.length);
			},
		),
		{ seed: 3, numRuns: 60 },
	);
});

/** The content of the octet string at the start, after an optional `critical`. */
function readElementsLoosely(bytes: Buffer): Buffer {
	const start = bytes[0] === tag.boolean ? 3 : 0;
	const long = bytes[start + 1] === 0x82 ? 2 : bytes[start + 1] === 0x81 ? 1 : 0;
	const length = long === 0 ? bytes.readUInt8(start + 1) : bytes.readUIntBE(start + 2, long);
	return bytes.subarray(start + 2 + long, start + 2 + long + length);
}
