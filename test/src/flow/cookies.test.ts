// Cookie and Set-Cookie headers, and the position of expiry dates.
import t from "tap";
import { cookiePair, cookiePairs, findExpiries, parseSetCookie } from "../../../src/flow/cookies.ts";

t.test("expiry dates and their positions", async (t) => {
	const dates = (text: string) => findExpiries(text).map(({ from, to, seconds }) => [text.slice(from, to), seconds]);
	const at = 1704153600;
	t.same(dates("a=1; Expires=Tue, 02 Jan 2024 00:00:00 GMT; Path=/"), [["Tue, 02 Jan 2024 00:00:00 GMT", at]]);
	t.same(dates("a=1;expires = Tue, 02-Jan-2024 00:00:00 GMT"), [["Tue, 02-Jan-2024 00:00:00 GMT", at]]);
	t.same(dates('a=1; expires="Tue, 02 Jan 2024 00:00:00 GMT"; Secure'), [["Tue, 02 Jan 2024 00:00:00 GMT", at]]);
	t.same(dates("a=1; expires=Tue, 02 Jan 2024 00:00:00 GMT, b=2; expires=Wed, 03 Jan 2024 00:00:00 GMT"), [
		["Tue, 02 Jan 2024 00:00:00 GMT", at],
		["Wed, 03 Jan 2024 00:00:00 GMT", at + 86_400],
	]);
	for (const none of [
		"a=1",
		"",
		"expires=Tue, 02 Jan 2024 00:00:00 GMT",
		"a=1; expires=",
		"a=1; expires=never; path=/",
		"a=1; my-expires=Tue, 02 Jan 2024 00:00:00 GMT",
	])
		t.same(dates(none), [], none);
});

t.test("the cookies of a request", async (t) => {
	t.same(cookiePairs("a=1; b;; c = d=e ;=f; ="), [
		["a", "1"],
		["b", ""],
		["c", "d=e"],
		["", "f"],
	]);
	t.same(cookiePairs(""), []);
	t.same(cookiePair(" a = b; c"), ["a", "b; c"]);
});

t.test("cookies of a response", async (t) => {
	t.same(parseSetCookie("s = 1=2 ;Path=/; Secure"), {
		name: "s",
		value: "1=2",
		attributes: [
			["Path", "/"],
			["Secure", ""],
		],
	});
	t.same(parseSetCookie("alone"), { name: "alone", value: "", attributes: [] });
});
