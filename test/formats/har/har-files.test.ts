// Finds the separate bodies of a HAR.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { bytesInput } from "../../../fixtures/bytes-input.ts";
import { writeZip } from "../../../fixtures/write-zip.ts";
import { openHarFiles } from "../../../formats/har/har-files.ts";
import { openInput } from "../../../formats/input.ts";
import { bodyBytes } from "../../../src/flow/body.ts";

t.test("beside a file, and not beside a stream", async (t) => {
	const large = Buffer.alloc(9 * 1024 * 1024, "large ");
	const folder = t.testdir({ "a.har": "{}", "b.txt": "body", "large.bin": large, sub: {} });
	const input = await openInput(join(folder, "a.har"));
	const files = await openHarFiles(input, false);
	t.equal(String(files.attachment("b.txt")), "body");
	const body = files.attachment("large.bin");
	t.notOk(Buffer.isBuffer(body), "a large body is not read into memory");
	t.ok(bodyBytes(body)?.equals(large));
	t.throws(() => files.attachment("sub"), /it is not a file/);
	t.throws(() => files.attachment(folder), /leads out/);
	await files.close();
	await input.close();
	const stream = await openHarFiles(bytesInput(Buffer.from("{}")), false);
	t.throws(() => stream.attachment("b.txt"), /a stream has no files beside it/);
});

t.test("in an archive, also from a stream", async (t) => {
	const path = join(t.testdir(), "a.zip");
	await writeFile(path, Buffer.from("UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==", "base64"));
	const input = await openInput(path);
	await t.rejects(openHarFiles(input, true), {
		code: "FT_UNKNOWN_FORMAT",
		message: /byte 0: expected a \.har in the ZIP, found none/,
	});
	await input.close();
	const { readFile } = await import("node:fs/promises");
	const files = await openHarFiles(bytesInput(await readFile("fixtures/flows/playwright.zip")), true);
	let size = 0;
	for await (const chunk of files.chunks) size += chunk.length;
	t.ok(size > 1000);
	await files.close();
});

t.test("entries that share a body of an archive: read once, and limited in all", async (t) => {
	const path = join(t.testdir(), "a.zip");
	await writeZip(path, [
		["a.har", "{}"],
		["small.txt", Buffer.alloc(8 * 1024 * 1024, "small ")],
		["large.txt", Buffer.alloc(9 * 1024 * 1024, "large ")],
	]);
	const input = await openInput(path);
	const files = await openHarFiles(input, true);
	const read = async (name: string) => {
		await files.prepare?.([name]);
		return files.attachment(name);
	};
	t.equal(await read("small.txt"), await read("small.txt"));
	t.equal(await read("large.txt"), await read("large.txt"));
	let count = 0;
	await t.rejects(
		(async () => {
			for (; count < 1000; count++) await read("small.txt");
		})(),
		/the bodies of all entries have more than 429\d{7} bytes/,
	);
	t.ok(count > 500);
	await files.close();
	await input.close();
});
