// Recognizes generated values.
import t from "tap";
import { volatileKind } from "../../../../src/replay/explain/volatile.ts";

const noise: [a: string, b: string, kind: string][] = [
	["3f2a1b2c-0d1e-4f00-8000-000000000001", "{3F2A1B2C-0D1E-4F00-8000-000000000002}", "UUID"],
	["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_-1", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIyIn0.", "JWT"],
	["01ARZ3NDEKTSV4RRFFQ69G5FAV", "01BX5ZZKBKACTAV9WEVGEMMVRZ", "ULID"],
	["2024-01-01T10:00:00Z", "2025-06-30T23:59:59.123+02:00", "date"],
	["20240101T100000Z", "20240102T100000Z", "date"],
	["Mon, 01 Jan 2024 00:00:00 GMT", "Tue, 02 Jan 2024 00:00:00 GMT", "date"],
	["1700000000", "1700000100.25", "time in seconds"],
	["1700000000123", "1700000100456", "time in milliseconds"],
	["1700000000123456", "1700000100456789", "time in microseconds"],
	["0.8239182391823", "0.1239871239871", "random number"],
	["d41d8cd98f00b204e9800998ecf8427e", "900150983cd24fb0d6963f7d28e17f72", "hexadecimal token"],
	["987654321012", "123456789098", "large number"],
	["aB3dE5fG7hI9jK1l", "Zx9Cv7Bn5Mq3Wl1P", "token"],
];

const meant: [a: string, b: string][] = [
	["1", "2"],
	["10", "20"],
	["2024-01-01", "next"],
	["customer-name", "other-customer"],
	["alice@example.com", "bob@example.com"],
	["getUserById", "getOrderById"],
	["https://a.test/path/to", "https://a.test/path/from"],
	["", "3f2a1b2c-0d1e-4f00-8000-000000000001"],
	["internationalization", "misunderstandings"],
	["true", "false"],
];

t.test("generated values", (t) => {
	for (const [a, b, kind] of noise) t.equal(volatileKind(a, b), kind, `${a} and ${b}`);
	t.end();
});

t.test("intended differences are not volatile", (t) => {
	for (const [a, b] of meant) t.equal(volatileKind(a, b), null, `${a} and ${b}`);
	t.end();
});
