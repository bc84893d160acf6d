// Converts header fields to cookies and back.
import t from "tap";
import { cookieField, requestCookies, responseCookies, setCookieFields } from "../../../formats/har/cookies.ts";
import { EntryFields } from "../../../formats/har/entry-fields.ts";
import { Headers } from "../../../src/flow/headers.ts";

t.test("cookies of requests", async (t) => {
	t.same(requestCookies(Headers.of(["Cookie", "a=1; b = two ;; c=x=y"], ["cookie", "d"])), [
		{ name: "a", value: "1" },
		{ name: "b", value: "two" },
		{ name: "c", value: "x=y" },
		{ name: "d", value: "" },
	]);
	t.equal(
		cookieField(
			new EntryFields(
				{
					cookies: [
						{ name: "a", value: "1" },
						{ name: "b", value: "" },
					],
				},
				"",
			),
		),
		"a=1; b=",
	);
	t.equal(cookieField(new EntryFields({ cookies: [] }, "")), null);
});

t.test("cookies of responses", async (t) => {
	const headers = Headers.of(
		["Set-Cookie", "sid=abc; Path=/a; Domain=example.com; HttpOnly; Secure; SameSite=Lax"],
		["set-cookie", "old=; expires=Thu, 01 Jan 1970 00:00:00 GMT"],
		["set-cookie", "odd; expires=whenever"],
	);
	const cookies = responseCookies(headers);
	t.same(cookies, [
		{ name: "sid", value: "abc", httpOnly: true, secure: true, path: "/a", domain: "example.com", sameSite: "Lax" },
		{ name: "old", value: "", httpOnly: false, secure: false, expires: "1970-01-01T00:00:00.000Z" },
		{ name: "odd", value: "", httpOnly: false, secure: false },
	]);
	const back = Headers.of(
		...setCookieFields(new EntryFields({ cookies }, "")).map((field) => ["set-cookie", field] as const),
	);
	t.same(responseCookies(back), cookies, "fields made of the list say the same");
});
