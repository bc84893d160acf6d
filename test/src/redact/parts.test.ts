import t from "tap";
import { partsBetween, replaceParts } from "../../../src/redact/parts.ts";

t.test("parts between delimiters", async (t) => {
	for (const text of ["", "a", "a&b", "&", "a&&b&", "&a"]) t.same([...partsBetween(text, "&")], text.split("&"), text);
	t.same([...partsBetween("a--x--b", "--")], ["a", "x", "b"]);
});

t.test("each part is replaced by itself", async (t) => {
	const numbered = (text: string) => replaceParts(text, "&", (part, number) => (part === "" ? "" : `${part}${number}`));
	t.equal(numbered("a&&b&"), "a0&&b2&");
	t.equal(numbered("aa"), "aa0");
	t.equal(numbered("&&"), "&&");
	t.equal(
		replaceParts("ab--cd--ef", "--", (part) => (part === "cd" ? "" : part)),
		"ab----ef",
	);
});
