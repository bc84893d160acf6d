import t from "tap";
import { DelimitedSearch } from "../../../src/redact/delimited-search.ts";

t.test("parts between delimiters, which may be divided between pieces", async (t) => {
	const long = "z".repeat(2_000_000);
	const text = `ab<>cd<>${"ef<>".repeat(100_000)}${long}<>gh`;
	for (const size of [7, 65_536]) {
		let out = "";
		const push = (_before: string, after: string) => {
			out += after;
		};
		let ended = 0;
		const search = new DelimitedSearch(push, {
			delimiter: "<>",
			least: 1000,
			redact: (parts) => parts.toUpperCase(),
			begin: (beginning) => {
				out += beginning;
				return {
					write: (more) => push("", more),
					end: () => ended++,
				};
			},
		});
		for (let at = 0; at < text.length; at += size) search.write(text.slice(at, at + size));
		search.end();
		t.ok(out === `AB<>CD<>${"EF<>".repeat(100_000)}<>GH`.replace("<><>GH", `<>${long}<>GH`), `${size}`);
		t.equal(ended, 1);
	}
});
