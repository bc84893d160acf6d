// Writing and reading estimate the same cost of a record.
import t from "tap";
import type { Json } from "../../formats/fields.ts";
import { COST_LIMIT, isReadable, JsonCost, type PlaceOf, TEXT_LIMIT } from "../../formats/json-cost.ts";
import { JsonParser } from "../../formats/json-parser.ts";

const placeOf: PlaceOf = (path) =>
	path.join(".") === "messages..content" ? "message" : path[0] === "body" ? "body" : null;

function nested(depth: number): Json {
	let value: Json = 1;
	for (let i = 0; i < depth; i++) value = [value];
	return value;
}

function isRead(value: Json): boolean {
	const json = new JsonParser(placeOf);
	const bytes = Buffer.from(JSON.stringify(value));
	try {
		for (let at = 0; at < bytes.length; at += 65_536) json.push(bytes.subarray(at, at + 65_536));
		json.end();
		return true;
	} catch {
		return false;
	}
}

t.test("writing and reading agree", async (t) => {
	const messages = (count: number): Json => ({
		messages: Array.from({ length: count }, (_, i) => ({
			from_client: true,
			content: "é".repeat(20),
			timestamp: i + 0.5,
		})),
	});
	const long = "x".repeat(TEXT_LIMIT + 1);
	for (const [value, expected] of [
		[messages(250_000), true],
		[messages(800_000), false],
		[{ content: long }, false],
		[{ messages: [{ content: long }] }, true],
		[{ a: "x".repeat(TEXT_LIMIT), b: ["y".repeat(TEXT_LIMIT)] }, true],
		[{ body: "x".repeat(COST_LIMIT / 2) }, true],
		[nested(500), true],
		[nested(501), false],
	] as [Json, boolean][]) {
		t.equal(isReadable(value, placeOf), expected);
		t.equal(isRead(value), expected);
	}
});

t.test("sums", async (t) => {
	const cost = new JsonCost(placeOf);
	for (let i = 0; i < 1_000_000; i++) cost.key("a");
	t.notOk(cost.isTooMuch, "a key counts once");
	cost.string("x".repeat(COST_LIMIT / 2), ["a"]);
	t.ok(cost.isTooMuch);
});
