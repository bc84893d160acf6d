// DER, written and read.
import fc from "fast-check";
import t from "tap";
import { certificatePem, der, oid, readElements, tag, time } from "../../../src/ca/der.ts";

t.test("elements", async (t) => {
	t.equal(der(tag.sequence).toString("hex"), "3000");
	t.equal(der(tag.integer, Buffer.from([1]), Buffer.from([2])).toString("hex"), "02020102");
	t.equal(der(tag.octetString, Buffer.alloc(127)).subarray(0, 2).toString("hex"), "047f");
	t.equal(der(tag.octetString, Buffer.alloc(128)).subarray(0, 3).toString("hex"), "048180");
	t.equal(der(tag.octetString, Buffer.alloc(300)).subarray(0, 4).toString("hex"), "0482012c");
	t.throws(() => der(tag.octetString, Buffer.alloc(70_000)), RangeError);
});

t.test("object identifiers", async (t) => {
	t.equal(oid("2.5.29.17").toString("hex"), "0603551d11");
	t.equal(oid("1.2.840.113549.1.1.11").toString("hex"), "06092a864886f70d01010b");
	t.equal(oid("1.3.6.1.5.5.7.3.1").toString("hex"), "06082b06010505070301");
});

t.test("times have two digits for the year until 2049", async (t) => {
	t.same(
		readElements(time(new Date("2049-12-31T23:59:59.9Z"))).map(({ tag, content }) => [tag, content.toString()]),
		[[tag.utcTime, "491231235959Z"]],
	);
	t.same(
		readElements(time(new Date("2050-01-01T00:00:00Z"))).map(({ tag, content }) => [tag, content.toString()]),
		[[tag.generalizedTime, "20500101000000Z"]],
	);
});

t.test("round trip", async (t) => {
	const element = fc.record({
		tag: fc.constantFrom(...Object.values(tag)),
		content: fc.uint8Array({ maxLength: 600 }),
	});
	fc.assert(
		fc.property(fc.array(element, { maxLength: 5 }), (elements) => {
			const bytes = Buffer.concat(elements.map((each) => der(each.tag, each.content)));
			const read = readElements(bytes);
			t.same(
				read.map(({ tag, content }) => ({ tag, content: [...content] })),
				elements.map(({ tag, content }) => ({ tag, content: [...content] })),
			);
			t.ok(Buffer.concat(read.map(({ raw }) => raw)).equals(bytes));
		}),
		{ seed: 1, numRuns: 100 },
	);
});

t.test("random bytes are read or rejected", async (t) => {
	for (const bad of ["30", "3005", "3080", "308201", "3087ffffffffffffff"])
		t.throws(() => readElements(Buffer.from(bad, "hex")), RangeError, bad);
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
			try {
				const read = readElements(Buffer.from(bytes));
				return Buffer.concat(read.map(({ raw }) => raw)).equals(bytes);
			} catch (error) {
				return error instanceof RangeError;
			}
		}),
		{ seed: 2, numRuns: 500 },
	);
});

t.test("PEM has lines of 64", async (t) => {
	const lines = (length: number): number[] =>
		certificatePem(Buffer.alloc(length))
			.split("\n")
			.map((line) => line.length);
	t.same(lines(48), [27, 64, 25, 0]);
	t.same(lines(49), [27, 64, 4, 25, 0]);
});
