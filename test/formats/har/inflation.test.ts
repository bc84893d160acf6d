// Limits the decoded size: bombs stay encoded, ordinary bodies are always decoded.
import { gzipSync } from "node:zlib";
import t from "tap";
import { Inflation } from "../../../formats/har/inflation.ts";

const MB = 1_000_000;

t.test("twenty bombs", async (t) => {
	const inflation = new Inflation();
	const bomb = gzipSync(Buffer.alloc(60 * MB, "a"));
	let decoded = 0;
	for (let i = 0; i < 20; i++) {
		const { bytes, asSent } = inflation.decode(bomb, "gzip");
		if (asSent === undefined) decoded += bytes.length;
		else t.equal(bytes, bomb);
	}
	t.ok(decoded >= 240 * MB && decoded <= 360 * MB, "about 256 MiB");
	t.equal(inflation.kept, 20 - decoded / (60 * MB));
	const page = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `<li>item ${i}</li>`).join("\n"));
	for (let i = 0; i < 100; i++)
		t.same(inflation.decode(gzipSync(page), "gzip"), { bytes: page }, "a later ordinary body is decoded");
});

t.test("any number of ordinary bodies", async (t) => {
	const inflation = new Inflation();
	const page = Buffer.from(Array.from({ length: 200_000 }, (_, i) => `{"id":${i},"name":"item"}`).join("\n"));
	const coded = gzipSync(page);
	for (let i = 0; i < 100; i++) t.equal(inflation.decode(coded, "gzip").bytes.length, page.length);
	t.equal(inflation.kept, 0);
});

t.test("no coding, and invalid bytes", async (t) => {
	const inflation = new Inflation();
	const bytes = Buffer.from("plain");
	t.same(inflation.decode(bytes, null), { bytes });
	t.same(inflation.decode(bytes, ""), { bytes });
	t.same(inflation.decode(bytes, "br"), { bytes, asSent: true });
	t.same(inflation.decode(bytes, "unknown"), { bytes, asSent: true });
	t.equal(inflation.kept, 0);
});
