// Archives that are written open elsewhere, and are the same each time.
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
import t from "tap";
import { ZipWriter } from "../../../formats/har/zip-writer.ts";
import { type Output, openOutput } from "../../../formats/output.ts";

async function write(output: Output, files: readonly (readonly [name: string, text: string])[]): Promise<void> {
	const zip = new ZipWriter(output);
	for (const [name, text] of files) {
		const packed = deflateRawSync(text);
		await zip.add(name, { crc: crc32(Buffer.from(text)), packed: packed.length, unpacked: Buffer.byteLength(text) }, [packed]);
	}
	await zip.end();
	await output.close();
}

const LIST =
	"import zipfile,sys,json\nz=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None\nprint(json.dumps([[n,z.read(n).decode()] for n in z.namelist()][-3:]+[len(z.namelist())]))";

t.test("Python opens it and finds the checksums right", async (t) => {
	const folder = t.testdir();
	const files = [
		["a.txt", "hello"],
		["ü/b.txt", "x".repeat(100_000)],
		["empty", ""],
	] as const;
	await write(await openOutput(join(folder, "a.zip")), files);
	await write(await openOutput(join(folder, "b.zip")), files);
	t.same(JSON.parse(String(execFileSync("python3", ["-c", LIST, join(folder, "a.zip")]))), [...files, 3]);
	t.ok((await readFile(join(folder, "a.zip"))).equals(await readFile(join(folder, "b.zip"))));
});

t.test("more files than 16 bits count", async (t) => {
	const path = join(t.testdir(), "a.zip");
	await write(
		await openOutput(path),
		Array.from({ length: 65_600 }, (_, i) => [String(i), "x"] as const),
	);
	t.same(JSON.parse(String(execFileSync("python3", ["-c", LIST, path]))), [["65597", "x"], ["65598", "x"], ["65599", "x"], 65_600]);
});

t.test("offsets beyond 32 bits", async (t) => {
	const written: Buffer[] = [];
	let size = 0;
	const output: Output = {
		name: "counted",
		write: async (bytes) => {
			size += bytes.length;
			if (bytes.length < 1000) written.push(Buffer.from(bytes));
		},
		close: async () => {},
		discard: async () => {},
	};
	const zip = new ZipWriter(output);
	const large = Buffer.alloc(64 * 1024 * 1024);
	for (const name of ["a", "b"])
		await zip.add(
			name,
			{ crc: 0, packed: 2 ** 32 - 2 ** 26, unpacked: 1 },
			Array.from({ length: 63 }, () => large),
		);
	await zip.add("c", { crc: 0, packed: 0, unpacked: 0 }, []);
	await zip.end();
	t.ok(size > 2 ** 32);
	const end = written.at(-1) as Buffer;
	t.equal(end.readUInt32LE(0), 0x06064b50, "the end record of ZIP64");
	t.equal(end.readBigUInt64LE(48), BigInt(size - end.length - written.slice(-4, -1).reduce((sum, part) => sum + part.length, 0)));
	const last = written.at(-2) as Buffer;
	t.equal(last.readUInt32LE(42), 0xffffffff);
	t.equal(last.readBigUInt64LE(last.length - 8), BigInt(2 * (2 ** 32 - 2 ** 26) + 2 * 31));
});
