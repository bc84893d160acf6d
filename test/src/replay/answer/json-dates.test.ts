// Moves dates in JSON and keeps their notation.
import t from "tap";
import { parseJsonPath } from "../../../../src/json/path.ts";
import { moveDate, moveJsonDates } from "../../../../src/replay/answer/json-dates.ts";

const HOUR = 3600;

const cases: [text: string, seconds: number, moved: string | null][] = [
	["2024-02-28T23:30:00Z", HOUR, "2024-02-29T00:30:00Z"],
	["2024-02-28 23:30:00", HOUR, "2024-02-29 00:30:00"],
	["2024-02-28T23:30:00.123+02:00", HOUR, "2024-02-29T00:30:00.123+02:00"],
	["2024-02-28T23:30:59,9Z", 0.5, "2024-02-28T23:31:00,4Z"],
	["2024-02-28T23:30:00.000000Z", -0.25, "2024-02-28T23:29:59.750000Z"],
	["2024-02-28T23:30+0100", HOUR, "2024-02-29T00:30+0100"],
	["2024-02-28", 36 * HOUR, "2024-02-29"],
	["0001-01-01T00:00:00Z", -HOUR * 24 * 800, null],
	["9999-12-31T23:59:59Z", HOUR, null],
	["Wed, 28 Feb 2024 23:30:00 GMT", HOUR, "Thu, 29 Feb 2024 00:30:00 GMT"],
	["1700000000", HOUR, "1700003600"],
	["1700000000.25", HOUR, "1700003600.25"],
	["1700000000123", HOUR, "1700003600123"],
	["1700000000123456", 1, "1700000001123456"],
	["170000000", HOUR, null],
	["9700000000", HOUR, null],
	["17000000001", HOUR, null],
	["next week", HOUR, null],
	["2024-02-28T", HOUR, null],
	["", HOUR, null],
];

t.test("notations", (t) => {
	for (const [text, seconds, moved] of cases) t.equal(moveDate(text, seconds), moved, text);
	t.end();
});

t.test("only the named values change; the rest of the text stays byte for byte", (t) => {
	const text =
		'{ "at" : "2024-01-01T00:00:00Z",\n\t"items":[{"until":1700000000,"at":"2024-01-01T00:00:00Z"},{"until":null},{"until":"1700000000"}] , "n": 1e3}';
	const paths = ["/at", "$.items[*].until"].map((path) => parseJsonPath(path, "an_option"));
	t.equal(
		moveJsonDates(text, paths, HOUR),
		'{ "at" : "2024-01-01T01:00:00Z",\n\t"items":[{"until":1700003600,"at":"2024-01-01T00:00:00Z"},{"until":null},{"until":"1700003600"}] , "n": 1e3}',
	);
	t.equal(moveJsonDates(text, [parseJsonPath("/none", "an_option")], HOUR), null);
	t.equal(moveJsonDates("{", paths, HOUR), null);
	t.end();
});
