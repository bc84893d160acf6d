// Converts elements to values of the expected type; errors name the found type.
import t from "tap";
import { opened } from "../../../fixtures/dump-records.ts";
import * as elements from "../../../formats/mitm/elements.ts";
import { Reader, type Value } from "../../../formats/mitm/tnetstring.ts";
import { Float } from "../../../src/flow/metadata.ts";

t.test("valid elements", async (t) => {
	t.equal(elements.bytes(opened(Buffer.from("caf\xe9", "latin1")), "x"), "caf\xe9");
	t.equal(elements.bytes(opened("GET"), "x"), "GET");
	t.same(elements.blob(opened(Buffer.of(1, 2)), "x"), Buffer.of(1, 2));
	t.equal(elements.text(opened("é"), "x"), "é");
	t.equal(elements.text(opened(Buffer.from("é")), "x"), "é");
	t.equal(elements.optionalText(opened(null), "x"), null);
	t.equal(elements.number(opened(new Float(3)), "x"), 3);
	t.equal(elements.number(opened(3), "x"), 3);
	t.equal(elements.optionalNumber(opened(null), "x"), null);
	t.equal(elements.integer(opened(-3), "x"), -3);
	t.ok(elements.isTrue(opened(true), "x"));
	t.notOk(elements.isTrue(opened(null), "x"));
	t.ok(elements.isNothing(opened({})));
	t.notOk(elements.isNothing(opened({ a: 1 })));
});

t.test("addresses", async (t) => {
	t.same(elements.address(opened(["::1", 80, 0, 3])), ["::1", 80, 0, 3]);
	t.same(elements.address(opened([Buffer.from("a"), 80])), ["a", 80]);
	t.same(elements.address(opened(["a"])), ["a", 0]);
	t.equal(elements.address(opened(null)), null);
	t.equal(elements.address(opened([5, 80])), null);
});

t.test("dictionaries and lists skip fields that a visitor does not read", async (t) => {
	const reader = opened({ skipped: [1, [2]], a: "x", b: { c: 1 } });
	const found = elements.readDictionary(reader, "x", {} as Record<string, Value>, (target, key, field) => {
		if (key !== "skipped") target[key] = field.payload(0);
	});
	t.match(found, { a: "x", b: { c: 1 } });
	t.equal(reader.position, reader.buffer.length);
	t.same(
		elements.readItems(opened([1, 2, 3]), "x", (item) => item.number() * 2),
		[2, 4, 6],
	);
});

t.test("errors name what was found", async (t) => {
	const { bytes, blob, text, number, integer, isTrue } = elements;
	for (const [fault, message] of [
		[() => bytes(opened(5), "method"), /"method": expected bytes, found the number 5/],
		[() => blob(opened("x"), "content"), /"content": expected .*, found the text "x"/],
		[() => text(opened(null), "host"), /"host": expected text, found null/],
		[() => number(opened([]), "time"), /"time": expected .*, found a list/],
		[() => integer(opened(new Float(2)), "port"), /"port": expected an integer, found the number 2\.0/],
		[() => isTrue(opened({ a: 1 }), "flag"), /"flag": expected .*, found a dictionary/],
		[() => text(opened(true), "id"), /"id": expected .*, found the boolean true/],
		[() => integer(opened(Buffer.of(1)), "port"), /"port": expected an integer, found bytes/],
		[
			() => elements.readDictionary(opened([]), "request", {}, () => {}),
			/"request": expected a dictionary, found a list/,
		],
		[() => elements.readList(opened({}), "headers", () => {}), /"headers": expected a list, found a dictionary/],
	] as const)
		t.throws(fault, { code: "FT_CORRUPT_FLOW", message });
	t.throws(() => integer(opened(2n ** 70n), "port"), { message: /expected an integer/ });
	const half = new Reader(Buffer.from("3:1.5#"));
	half.open(6);
	t.throws(() => integer(half, "port"), { message: /expected an integer, found "1\.5"/ });
	t.match(elements.missing("id"), { code: "FT_CORRUPT_FLOW", message: '"id" is missing' });
});
