// The bodies that a HAR has beside it are found where it is.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { bytesInput } from "../../../fixtures/bytes-input.ts";
import { openPlace } from "../../../formats/har/place.ts";
import { openInput } from "../../../formats/input.ts";

t.test("beside a file, and not beside a stream", async (t) => {
	const folder = t.testdir({ "a.har": "{}", "b.txt": "body" });
	const input = await openInput(join(folder, "a.har"));
	const place = await openPlace(input, false);
	t.equal(String(place.attachment("b.txt")), "body");
	t.throws(() => place.attachment(folder), /leads out/);
	await place.close();
	await input.close();
	const stream = await openPlace(bytesInput(Buffer.from("{}")), false);
	t.throws(() => stream.attachment("b.txt"), /no files beside a stream/);
});

t.test("in an archive, a stream of one too", async (t) => {
	const path = join(t.testdir(), "a.zip");
	await writeFile(path, Buffer.from("UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==", "base64"));
	const input = await openInput(path);
	await t.rejects(openPlace(input, true), { code: "FT_UNKNOWN_FORMAT", message: /byte 0: this ZIP has no \.har in it/ });
	await input.close();
	const { readFile } = await import("node:fs/promises");
	const place = await openPlace(bytesInput(await readFile("fixtures/flows/playwright.zip")), true);
	let size = 0;
	for await (const chunk of place.chunks) size += chunk.length;
	t.ok(size > 1000);
	await place.close();
});
