// Finds entries one by one. After damage, finds the next line that begins like the first entry.
import t from "tap";
import { bytesInput } from "../../../fixtures/bytes-input.ts";
import { readEntries, readLines } from "../../../formats/har/entries.ts";

/** The parts that are found, in short. */
async function found(text: string | Buffer, pieceBytes?: number): Promise<unknown[]> {
	const list: unknown[] = [];
	for await (const each of readEntries(bytesInput(Buffer.from(text), pieceBytes).chunks({ reuse: true })))
		if (each.kind !== "long" && each.kind !== "more" && (each.kind !== "log" || each.key !== "version"))
			list.push(
				each.kind === "damage"
					? { damage: each.what, record: each.record, offset: each.offset }
					: { [each.kind === "log" ? each.key : each.kind]: String(each.bytes) },
			);
	return list;
}

const har = (entries: string, rest = ""): string => `{"log":{"version":"1.2","entries":[${entries}]${rest}}}`;

t.test("entries at any position and for any split of the bytes", async (t) => {
	const text = `\ufeff {"x":[{"entries":[9]}],"log" : {"comment":"\\"entries\\":[", "entries":\n[ {"a":"]"} ,{"b":[1]}\r\n], "pages": [{"id":"p"}], "version":"1.2"}, "y":1}\n`;
	const expected = [
		{ comment: '"\\"entries\\":["' },
		{ entry: '{"a":"]"}' },
		{ entry: '{"b":[1]}' },
		{ pages: '[{"id":"p"}]' },
	];
	for (const size of [1, 2, 3, 7, 1000]) t.strictSame(await found(text, size), expected, `in pieces of ${size}`);
	t.strictSame(await found(har("")), []);
	t.strictSame(await found(har('null, 5,"x"')), [{ entry: "null" }, { entry: "5" }, { entry: '"x"' }]);
});

t.test("as JSONP, and one entry per line", async (t) => {
	for (const call of ["onInputData(", "\ufeff a.b$_1 (\n"])
		for (const size of [1, 5, 1000])
			t.strictSame(await found(`${call}${har("1")}\n);\n`, size), [{ entry: "1" }], call);
	t.match(await found(`f(${har("1")}`), [{ entry: "1" }, { damage: /the end of the call/ }]);
	for (const size of [1, 5, 1000]) {
		const list: string[] = [];
		for await (const each of readLines(
			bytesInput(Buffer.from('\ufeff{"a":1}\r\n\n{"b":\n{"c":3}'), size).chunks({ reuse: true }),
		))
			if (each.kind === "entry") list.push(`${each.record} ${each.offset} ${String(each.bytes).trim()}`);
		t.same(list, ['1 0 {"a":1}', '2 13 {"b":', '3 19 {"c":3}']);
	}
});

t.test("invalid HARs, with the offset", async (t) => {
	for (const [text, why, offset] of [
		["[]", /expected a HAR .*, found "\["/, 0],
		["", /expected a HAR .*, found the end of the file/, 0],
		['{"log":null}', /expected "log" to be an object, found "n"/, 7],
		['{"log":{"entries":"x"}}', /expected "log.entries" to be a list/, 18],
		['{"log":{}}', /expected a list "log.entries", found nothing/, 10],
		['{"a":1}', /expected a list "log.entries"/, 7],
		['{"a" 1}', /expected a colon/, 5],
		['{"a":1 "b"}', /expected a comma, found "\\""/, 7],
		["{1:2}", /a key in quotes/, 1],
		['{"log":{"entries":[]', /found the end of the file/, 20],
		[`${har("")}x`, /the end of the file/, har("").length],
		[`{"log":${'{"a":'.repeat(100_000)}`, /the file ends/, 8],
	] as const) {
		const list = await found(text);
		t.match(list, [{ damage: why, record: 0 }], text.slice(0, 30));
		if (!text.includes('a":{"a"')) t.match(list, [{ offset }], text);
	}
});

t.test("the complete entries of a cut-off file", async (t) => {
	const text = har('{"a":1},{"b":2}');
	for (let end = 1; end < text.length; end++) {
		const list = (await found(text.slice(0, end))) as { entry?: string; damage?: string }[];
		const whole = ['{"a":1}', '{"b":2}'].filter((entry) => text.slice(0, end).includes(entry));
		t.strictSame(
			list.filter((each) => each.entry !== undefined).map((each) => each.entry),
			whole,
			`${end} bytes`,
		);
		t.equal(list.filter((each) => each.damage !== undefined).length, 1);
	}
});

t.test("after damage, entries on separate lines are found", async (t) => {
	const lines = (...entries: string[]): string => har(`\n  ${entries.join(",\n  ")}\n`);
	const [one, two, three] = ['{"a":1}', '{"a":2,"b":"x"}', '{"a":3}'];
	const kept = [{ entry: one }, { entry: three }];
	for (const broken of ['{"a":2,"b":"x}', '{"a":2,"b":{"c":1}', '{"a":2,"b":[}', '{"a":2}}', '{"a":2} x']) {
		const list = (await found(lines(one, broken, three))) as { damage?: string; entry?: string }[];
		t.match(
			list.filter((each) => each.entry !== broken && each.damage === undefined && each.entry !== '{"a":2}'),
			kept,
			broken,
		);
	}
	t.match(await found(lines('{"a":"never ends', two, three)), [
		{ damage: /found the next entry/, record: 1, offset: 38 },
		{ entry: two },
		{ entry: three },
	]);
	// a list of objects inside an entry may stand at the start of lines too
	const inner = '{"a":1,"headers":[\n  {"name":"x"},\n  {"name":"y"}]}';
	t.strictSame(await found(lines(inner, three)), [{ entry: inner }, { entry: three }]);
});

t.test("malicious nesting", async (t) => {
	const deep = `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
	t.match(await found(har(`${deep},{"b":1}`)), [{ damage: /nested deeper than 500/, record: 1 }, { entry: '{"b":1}' }]);
});

t.test("keys are read correctly for any end of a chunk", async (t) => {
	const text = '{"log":{"version":"1.2","creator":{"name":"a"},"entries":[{"n":1}],"comment":"c"}}';
	const whole = await found(text);
	for (let size = 1; size < 60; size++) t.strictSame(await found(text, size), whole, `chunks of ${size}`);
});
