// Parses short and long records; a rejected one does not affect the next.
import t from "tap";
import { isRecord, JsonRecord, RECORD_LIMIT, SHORT_BYTES } from "../../formats/json-record.ts";

function push(record: JsonRecord, text: string): void {
	const bytes = Buffer.from(text);
	for (let at = 0; at < bytes.length; at += 100_000) record.push(bytes.subarray(at, at + 100_000));
}

t.test("short, long, rejected and short again", async (t) => {
	const record = new JsonRecord(() => null);
	push(record, '{"a":1}');
	t.equal(String(record.bytes), '{"a":1}');
	t.strictSame(record.end(), { a: 1 });
	const value = { a: "x".repeat(SHORT_BYTES), b: [1] };
	push(record, `\ufeff${JSON.stringify(value)}`);
	t.equal(record.bytes, null);
	t.strictSame(record.end(), value);
	record.push(Buffer.from(`\ufeff${JSON.stringify(value)}`));
	t.strictSame(record.end(), value, "in one piece");
	push(record, `{"a":${"[".repeat(SHORT_BYTES)}`);
	t.throws(() => record.end(), /nested deeper than 500/);
	push(record, " ".repeat(SHORT_BYTES + 1));
	t.equal(record.end(), undefined);
	push(record, "[2]");
	t.strictSame(record.end(), [2]);
	t.throws(() => record.end(), { code: "FT_CORRUPT_FLOW" });
});

t.test("records that can be read again", async (t) => {
	const deep = JSON.parse(`${"[".repeat(501)}${"]".repeat(501)}`);
	const isFine = (size: number) => isRecord(deep, { head: "", rest: null, size, cost: 0 }, () => null);
	t.ok(isFine(SHORT_BYTES), "short ones are parsed without limits");
	t.notOk(isFine(SHORT_BYTES + 1));
	t.ok(isRecord([], { head: "", rest: null, size: RECORD_LIMIT, cost: 0 }, () => null));
	t.notOk(isRecord([], { head: "", rest: null, size: RECORD_LIMIT + 1, cost: 0 }, () => null));
});
