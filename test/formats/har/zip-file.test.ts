// Reads archives of other programs; errors name the offset of damage.
import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import t from "tap";
import { lacksPython } from "../../../fixtures/python.ts";
import { ZipFile } from "../../../formats/har/zip-file.ts";
import { FlowtapeError } from "../../../src/errors.ts";

async function all(chunks: AsyncIterable<Buffer>): Promise<string> {
	const parts: Buffer[] = [];
	for await (const chunk of chunks) parts.push(Buffer.from(chunk));
	return Buffer.concat(parts).toString();
}

t.test("streamed and stored files written by Python", { skip: lacksPython }, async (t) => {
	const playwright = new ZipFile("fixtures/flows/playwright.zip", "playwright.zip");
	t.match([...playwright.names], [/\.html$/, /\.png$/, /\.bin$/, "har.har"]);
	t.match(JSON.parse(await all(playwright.chunks("har.har"))), { log: { creator: { name: "Playwright" } } });
	t.equal(String(playwright.read([...playwright.names][0] ?? "")), "<!doctype html><title>Grüße</title>");
	playwright.close();
	const path = join(t.testdir(), "a.zip");
	const script =
		"import zipfile,sys\nwith zipfile.ZipFile(sys.argv[1],'w') as z:\n z.comment=b'PK'*40\n z.writestr('ä.txt','stored')\n z.writestr('lzma.txt','x'*99,zipfile.ZIP_LZMA)";
	execFileSync("python3", ["-c", script, path]);
	const zip = new ZipFile(path, "a.zip");
	t.equal(String(zip.read("ä.txt")), "stored");
	t.equal(await all(zip.chunks("ä.txt")), "stored");
	t.ok(zip.has("ä.txt"));
	t.throws(() => zip.read("none"), { code: "FT_CORRUPT_FLOW", message: /no file none/ });
	t.throws(() => zip.read("lzma.txt"), { code: "FT_CORRUPT_FLOW", message: /unsupported compression method 14/ });
	zip.close();
});

t.test("a wrong checksum", async (t) => {
	const path = join(t.testdir(), "a.zip");
	const bytes = await readFile("fixtures/flows/playwright.zip");
	// of the first file and of the HAR, in the directory
	for (const name of [".html", "har.har"]) bytes[bytes.lastIndexOf(name) - (name === "har.har" ? 0 : 40) - 30] = 0;
	await writeFile(path, bytes);
	const zip = new ZipFile(path, "a.zip");
	t.throws(() => zip.read([...zip.names][0] ?? ""), {
		code: "FT_CORRUPT_FLOW",
		message: /\.html is damaged: its checksum/,
	});
	await t.rejects(all(zip.chunks("har.har")), {
		code: "FT_CORRUPT_FLOW",
		message: /har\.har is damaged: its checksum/,
	});
	zip.close();
});

t.test("sizes and offsets in 64 bits", { skip: lacksPython }, async (t) => {
	const path = join(t.testdir(), "a.zip");
	const script =
		"import zipfile,sys\nzipfile.ZIP_FILECOUNT_LIMIT=0\nzipfile.ZIP64_LIMIT=1\nwith zipfile.ZipFile(sys.argv[1],'w') as z:\n z.writestr('a.txt','first')\n z.writestr('b.txt','second')";
	execFileSync("python3", ["-c", script, path]);
	const bytes = await readFile(path);
	// Python leaves what fits where 32 bits are looked for first
	bytes.fill(0xff, bytes.length - 12, bytes.length - 2);
	await writeFile(path, bytes);
	const zip = new ZipFile(path, "a.zip");
	t.same([String(zip.read("a.txt")), await all(zip.chunks("b.txt"))], ["first", "second"]);
	zip.close();
	for (const [signature, why] of [
		["504b0606", /expected the end record of ZIP64/],
		["504b0607", /expected the locator of ZIP64/],
		["504b0102", /expected an entry of the directory/],
	] as const) {
		const broken = Buffer.from(bytes);
		broken[broken.indexOf(Buffer.from(signature, "hex"))] = 0;
		await writeFile(path, broken);
		t.throws(() => new ZipFile(path, "a.zip"), { code: "FT_CORRUPT_FLOW", message: why });
	}
});

t.test("random bytes cause no other errors", async (t) => {
	const good = await readFile("fixtures/flows/playwright.zip");
	const path = join(t.testdir(), "a.zip");
	await fc.assert(
		fc.asyncProperty(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), async (at, byte, end) => {
			const bytes = Buffer.from(good.subarray(0, end));
			if (at < end) bytes[at] = byte;
			await writeFile(path, bytes);
			try {
				const zip = new ZipFile(path, "a.zip");
				try {
					for (const name of zip.names) {
						zip.read(name);
						await all(zip.chunks(name));
					}
				} finally {
					zip.close();
				}
			} catch (error) {
				if (
					!(
						error instanceof FlowtapeError &&
						error.code === "FT_CORRUPT_FLOW" &&
						/a\.zip.*: byte \d+: /.test(error.message)
					)
				)
					throw error;
			}
		}),
		{ seed: 4, numRuns: 400 },
	);
});
