// Writes archives that other programs can open; the same files give the same bytes.
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
import t from "tap";
import { lacksPython } from "../../../fixtures/python.ts";
import { ZipWriter } from "../../../formats/har/zip-writer.ts";
import { type Output, openOutput } from "../../../formats/output.ts";

/** The arguments of `add` for a file. */
function pack(text: string) {
	const bytes = deflateRawSync(text);
	return { packed: { crc: crc32(Buffer.from(text)), packed: bytes.length, unpacked: Buffer.byteLength(text) }, bytes };
}

async function write(
	output: Output,
	files: Iterable<readonly [name: string, file: ReturnType<typeof pack>]>,
): Promise<void> {
	const zip = new ZipWriter(output);
	for (const [name, { packed, bytes }] of files) await zip.add(name, packed, [bytes]);
	await zip.end();
	await output.close();
}

const LIST =
	"import zipfile,sys,json\nz=zipfile.ZipFile(sys.argv[1])\nprint(json.dumps([[n,z.read(n).decode()] for n in z.namelist()[-3:]]+[len(z.namelist())]))";

t.test("Python can open it and verifies the checksums", { skip: lacksPython }, async (t) => {
	const folder = t.testdir();
	const files = [
		["a.txt", "hello"],
		["ü/b.txt", "x".repeat(100_000)],
		["empty", ""],
	] as const;
	for (const name of ["a.zip", "b.zip"])
		await write(
			await openOutput(join(folder, name)),
			files.map(([file, text]) => [file, pack(text)] as const),
		);
	t.same(JSON.parse(String(execFileSync("python3", ["-c", LIST, join(folder, "a.zip")]))), [...files, 3]);
	t.ok((await readFile(join(folder, "a.zip"))).equals(await readFile(join(folder, "b.zip"))));
});

t.test("more than 65,535 files", { skip: lacksPython }, async (t) => {
	const path = join(t.testdir(), "a.zip");
	const file = pack("x");
	await write(
		await openOutput(path),
		Array.from({ length: 65_600 }, (_, i) => [String(i), file] as const),
	);
	t.same(JSON.parse(String(execFileSync("python3", ["-c", LIST, path]))), [
		["65597", "x"],
		["65598", "x"],
		["65599", "x"],
		65_600,
	]);
});

t.test("offsets beyond 32 bits", async (t) => {
	let size = 0;
	let tail = Buffer.alloc(0);
	const output: Output = {
		written: 0,
		name: "counted",
		write: async (bytes) => {
			size += bytes.length;
			tail = Buffer.from(bytes.subarray(-1000));
		},
		close: async () => {},
		discard: async () => {},
	};
	const zip = new ZipWriter(output);
	const large = Buffer.alloc(64 * 1024 * 1024);
	const packed = 63 * large.length;
	for (const name of ["a", "b"])
		await zip.add(
			name,
			{ crc: 0, packed, unpacked: 1 },
			Array.from({ length: 63 }, () => large),
		);
	await zip.add("c", { crc: 0, packed: 0, unpacked: 0 }, []);
	await zip.end();
	t.ok(size > 2 ** 32);
	const end = tail.subarray(-22 - 20 - 56);
	t.equal(end.readUInt32LE(0), 0x06064b50, "the end record of ZIP64");
	const [directorySize, directoryOffset] = [Number(end.readBigUInt64LE(40)), Number(end.readBigUInt64LE(48))];
	t.equal(directoryOffset + directorySize + end.length, size);
	const last = tail.subarray(-22 - 20 - 56 - 46 - 1 - 12, -22 - 20 - 56);
	t.equal(last.readUInt32LE(0), 0x02014b50);
	t.equal(last.readUInt32LE(42), 0xffffffff);
	t.equal(Number(last.readBigUInt64LE(last.length - 8)), 2 * (packed + 31), "where the third file begins");
});
